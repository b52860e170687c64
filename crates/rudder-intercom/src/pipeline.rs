//! One thread reads, several convert, one writes: in order, in bounded memory.

use crate::input::{Chunk, Splitter};
use crossbeam_channel::{Receiver, RecvError, bounded, never, select};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread;

/// What the threads in the middle do with a chunk.
pub(crate) trait Work: Send + Sync + 'static {
    /// What comes out. It is used again, so that its memory is, too.
    type Output: Default + Send + 'static;

    /// Replaces what is in `output` by what the chunk comes to.
    fn run(&self, chunk: &Chunk, output: &mut Self::Output);
}

/// How a run ended, if nothing failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The input was read to its end.
    Complete,
    /// The one who takes the output wanted no more.
    Stopped,
    /// The user interrupted it.
    Interrupted,
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The input could not be read to its end. What was read before is written.
    #[error("reading the input failed before its end")]
    Input(#[source] io::Error),
    /// The output could not be written.
    #[error("the output cannot be written")]
    Output(#[source] io::Error),
    /// A thread has died.
    #[error("a worker thread has died")]
    Worker,
}

/// A chunk and what it comes to, on its way round from reader to worker to writer and back.
struct Slot<O> {
    number: u64,
    chunk: Chunk,
    output: O,
}

/// Reads records of up to `limit` bytes from `reader`, has them worked on by as many threads as there are processors,
/// and hands what comes out to `sink` in the order of the input.
///
/// # Errors
///
/// If the input cannot be read, or `sink` fails.
pub(crate) fn run<W: Work>(
    reader: impl Read + Send + 'static,
    limit: usize,
    work: W,
    interrupt: Option<&Receiver<()>>,
    mut sink: impl FnMut(&mut W::Output) -> io::Result<ControlFlow<()>>,
) -> Result<End, Error> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let slots = 2 * workers + 2;
    let (free_in, free_out) = bounded::<Slot<W::Output>>(slots);
    let (read_in, read_out) = bounded::<Slot<W::Output>>(slots);
    let (done_in, done_out) = bounded::<Slot<W::Output>>(slots);
    for _ in 0..slots {
        let (chunk, output) = (Chunk::default(), W::Output::default());
        // There is room for exactly as many.
        let _ = free_in.send(Slot {
            number: 0,
            chunk,
            output,
        });
    }

    // The threads end by themselves when the channels close. None is waited for: the reader may be waiting for input
    // that never comes.
    let (ended_in, ended_out) = bounded(1);
    thread::spawn(move || {
        let mut splitter = Splitter::new(reader, limit);
        for number in 0.. {
            let Ok(mut slot) = free_out.recv() else { break };
            slot.chunk.clear();
            slot.number = number;
            let filled = splitter.fill(&mut slot.chunk);
            if read_in.send(slot).is_err() {
                break;
            }
            match filled {
                Ok(true) => {}
                Ok(false) => {
                    let _ = ended_in.send(Ok(number + 1));
                    break;
                }
                Err(error) => {
                    let _ = ended_in.send(Err(error));
                    break;
                }
            }
        }
    });
    let work = Arc::new(work);
    for _ in 0..workers {
        let (work, read_out, done_in) = (Arc::clone(&work), read_out.clone(), done_in.clone());
        thread::spawn(move || {
            for mut slot in read_out {
                work.run(&slot.chunk, &mut slot.output);
                if done_in.send(slot).is_err() {
                    break;
                }
            }
        });
    }
    drop((read_out, done_in));

    let no_interrupt = never();
    let interrupt = interrupt.unwrap_or(&no_interrupt);
    let mut early = BTreeMap::new();
    let mut next = 0;
    loop {
        let received = select! {
            recv(done_out) -> slot => slot,
            recv(interrupt) -> _ => return Ok(End::Interrupted),
        };
        match received {
            Ok(slot) => early.insert(slot.number, slot),
            Err(RecvError) => break,
        };
        while let Some(mut slot) = early.remove(&next) {
            next += 1;
            if sink(&mut slot.output).map_err(Error::Output)?.is_break() {
                return Ok(End::Stopped);
            }
            // Fails only once the reader is done.
            let _ = free_in.send(slot);
        }
    }
    drop(free_in);
    match ended_out.recv() {
        Ok(Ok(chunks)) if chunks == next => Ok(End::Complete),
        Ok(Err(error)) if early.is_empty() => Err(Error::Input(error)),
        _ => Err(Error::Worker),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Item;

    struct Lines;
    impl Work for Lines {
        type Output = Vec<String>;
        fn run(&self, chunk: &Chunk, output: &mut Vec<String>) {
            output.clear();
            chunk.for_each(|item| {
                if let Item::Event(received) = item {
                    output.push(received.json.to_owned());
                }
            });
        }
    }

    fn numbers(count: usize) -> String {
        (0..count).map(|number| format!("{{\"n\":{number}}}\n")).collect()
    }

    #[test]
    fn order_is_kept() {
        let text = numbers(20_000);
        let mut found = String::new();
        let end = run(io::Cursor::new(text.clone()), 1000, Lines, None, |lines| {
            for line in lines {
                found.push_str(line);
                found.push('\n');
            }
            Ok(ControlFlow::Continue(()))
        });
        assert_eq!(end.unwrap(), End::Complete);
        assert!(found == text);
    }

    #[test]
    fn the_sink_can_stop_an_endless_input() {
        let mut chunks = 0;
        let endless = io::repeat(b'\n')
            .take(1 << 20)
            .chain(io::Cursor::new("{}\n").chain(Repeat));
        let end = run(endless, 1000, Lines, None, |_| {
            chunks += 1;
            Ok(if chunks == 3 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        });
        assert_eq!((end.unwrap(), chunks), (End::Stopped, 3));
    }

    struct Repeat;
    impl Read for Repeat {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len() / 3 * 3;
            buffer[..count]
                .chunks_exact_mut(3)
                .for_each(|line| line.copy_from_slice(b"{}\n"));
            Ok(count)
        }
    }

    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }

    #[test]
    fn what_was_read_before_a_failure_is_done() {
        let mut found = 0;
        let result = run(
            io::Cursor::new(numbers(1000)).chain(Broken),
            1000,
            Lines,
            None,
            |lines| {
                found += lines.len();
                Ok(ControlFlow::Continue(()))
            },
        );
        assert!(matches!(result, Err(Error::Input(_))), "{result:?}");
        assert_eq!(found, 1000);
    }

    struct Panics;
    impl Work for Panics {
        type Output = ();
        fn run(&self, _: &Chunk, (): &mut ()) {
            panic!("as the test wants it");
        }
    }

    #[test]
    fn a_dead_worker_is_noticed() {
        let result = run(Repeat, 1000, Panics, None, |()| Ok(ControlFlow::Continue(())));
        assert!(matches!(result, Err(Error::Worker)), "{result:?}");
    }

    #[test]
    fn an_interrupt_ends_the_run() {
        let (interrupt_in, interrupt) = bounded(1);
        interrupt_in.send(()).unwrap();
        let end = run(Repeat, 1000, Lines, Some(&interrupt), |_| Ok(ControlFlow::Continue(())));
        assert_eq!(end.unwrap(), End::Interrupted);
    }
}
