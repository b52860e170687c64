//! Ctrl-C and the request to terminate.
//!
//! From the first time that somebody listens, these do not end the program by themselves any more. So the thread that
//! listens waits for nothing else, and lives as long as the program: a program that hangs can be asked again.

use crate::exit::{Error, Exit};
use crossbeam_channel::{Receiver, bounded};
use std::{io, thread};
use tokio::sync::watch;

/// Calls `react` at every Ctrl-C and every request to terminate, with how many there have been. It must not wait.
pub(crate) fn listen(mut react: impl FnMut(u32) + Send + 'static) -> Result<(), Error> {
    let begin = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let mut signals = {
            let _context = runtime.enter();
            Signals::new()?
        };
        thread::Builder::new().name("interrupt".into()).spawn(move || {
            runtime.block_on(async {
                for count in 1.. {
                    signals.next().await;
                    react(count);
                }
            });
        })
    };
    begin()
        .map(drop)
        .map_err(|error: io::Error| Error::System("cannot wait for signals".to_owned(), error))
}

/// Ends the program at once, whatever it is doing.
pub(crate) fn exit() -> ! {
    std::process::exit(Exit::Interrupted as i32)
}

/// Whether the program has been asked to end. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt {
    asked: watch::Receiver<bool>,
    message: Receiver<()>,
}

impl Interrupt {
    /// Listens: the first Ctrl-C or request to terminate is noted here, the second ends the program at once.
    pub(crate) fn listen() -> Result<Self, Error> {
        let (ask, asked) = watch::channel(false);
        let (send, message) = bounded(1);
        listen(move |count| {
            if count > 1 {
                exit();
            }
            let _ = send.try_send(());
            ask.send_replace(true);
        })?;
        Ok(Self { asked, message })
    }

    /// Whether it has been asked.
    pub(crate) fn is_asked(&self) -> bool {
        *self.asked.borrow()
    }

    /// Waits until it is asked.
    pub(crate) async fn asked(&self) {
        let mut asked = self.asked.clone();
        // The sender is there as long as the thread.
        if asked.wait_for(|asked| *asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// A channel that gets a message when it is asked.
    pub(crate) fn message(&self) -> &Receiver<()> {
        &self.message
    }
}

/// The signals that ask the program to end.
#[cfg(unix)]
struct Signals([tokio::signal::unix::Signal; 2]);

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self([
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        ]))
    }

    async fn next(&mut self) {
        let [interrupt, terminate] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

/// The signals that ask the program to end.
#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn new() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) {
        let _ = self.0.recv().await;
    }
}
