//! Cuts the input into records without parsing it: lines, values over several lines, elements of arrays of any length.
//!
//! Whatever is wrong with a record costs that record only. A line that was cut off looks at first like a value that goes
//! on in the next line; the scanner notices as soon as the next line does not fit, and reading goes on behind the line
//! that was cut off.

use super::chunk::Chunk;
use super::fault::{Fault, FaultKind};
use super::scan::{Scanner, Skipper, Step};
use super::window::Window;
use memchr::{memchr, memchr_iter, memrchr};
use rudderstack_events::Object;
use rudderstack_events::request::Envelope;
use std::io::{self, Read};
use std::sync::Arc;

const CHUNK_RECORDS: usize = 128;
const CHUNK_BYTES: usize = 64 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Cuts what a reader gives into records. Holds one record in memory at most, and of that no more than the limit.
#[derive(Debug)]
pub(crate) struct Splitter<R> {
    window: Window<R>,
    limit: usize,
    mode: Mode,
}

#[derive(Debug)]
enum Mode {
    Lines,
    Array(Array),
}

/// The array that is being read.
#[derive(Clone, Debug)]
struct Array {
    line: u64,
    /// For the array of a batch: what stood before it.
    envelope: Option<Arc<Envelope<'static>>>,
}

/// What a step came to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Something was consumed.
    Moved,
    /// Going on means waiting for input, and there are records that need not wait.
    Starved,
    /// The input has ended.
    Ended,
}

impl<R: Read> Splitter<R> {
    /// Reads records of up to `limit` bytes.
    pub(crate) fn new(reader: R, limit: usize) -> Self {
        Self {
            window: Window::new(reader),
            limit,
            mode: Mode::Lines,
        }
    }

    /// Adds records to the chunk until it has enough, or until more would have to be waited for; `false` once the input has ended.
    ///
    /// # Errors
    ///
    /// If the reader fails. The records of the chunk are good all the same.
    pub(crate) fn fill(&mut self, chunk: &mut Chunk) -> io::Result<bool> {
        while chunk.len() < CHUNK_RECORDS && chunk.bytes() < CHUNK_BYTES {
            let progress = match &self.mode {
                Mode::Lines => self.line(chunk)?,
                Mode::Array(_) => self.element(chunk)?,
            };
            match progress {
                Progress::Moved => {}
                Progress::Starved => return Ok(true),
                Progress::Ended => return Ok(false),
            }
        }
        Ok(true)
    }

    fn line(&mut self, chunk: &mut Chunk) -> io::Result<Progress> {
        if !chunk.is_empty() && memchr(b'\n', self.window.bytes()).is_none() {
            // Only for a reader that has nothing at the moment, so the line is looked through twice at most.
            return Ok(Progress::Starved);
        }
        let Some(first) = self.window.skip_while(|byte| byte.is_ascii_whitespace())? else {
            return Ok(Progress::Ended);
        };
        if first == BYTE_ORDER_MARK[0] && self.skip_byte_order_mark()? {
            return Ok(Progress::Moved);
        }
        if first == b'[' {
            self.mode = Mode::Array(Array {
                line: self.window.line(),
                envelope: None,
            });
            self.window.consume(1);
            return Ok(Progress::Moved);
        }
        let line = self
            .end_of_line()?
            .map(|end| (end, self.window.bytes()[..end].trim_ascii_end()));
        match line {
            // A line that ends like an object is taken for one; whether it is, the worker that reads it will see.
            Some((end, text)) if text.len() <= self.limit && (first != b'{' || text.ends_with(b"}")) => {
                chunk.push(text, self.window.line(), self.window.column(), None);
                self.window.consume_line(end + 1);
            }
            _ if first == b'{' => return self.scan(chunk),
            _ => {
                chunk.push_fault(Fault::new(FaultKind::TooLarge, self.window.line()));
                self.window.skip_line()?;
            }
        }
        Ok(Progress::Moved)
    }

    /// The length of the line without its newline, or `None` if it is longer than a record may be.
    fn end_of_line(&mut self) -> io::Result<Option<usize>> {
        let mut searched = 0;
        loop {
            let bytes = self.window.bytes();
            if let Some(at) = memchr(b'\n', &bytes[searched..]) {
                return Ok(Some(searched + at));
            }
            searched = bytes.len();
            if searched > self.limit {
                return Ok(None);
            }
            if !self.window.more()? {
                return Ok(Some(searched));
            }
        }
    }

    fn skip_byte_order_mark(&mut self) -> io::Result<bool> {
        while self.window.bytes().len() < BYTE_ORDER_MARK.len() && self.window.more()? {}
        let found = self.window.bytes().starts_with(BYTE_ORDER_MARK);
        if found {
            self.window.consume(BYTE_ORDER_MARK.len());
        }
        Ok(found)
    }

    fn element(&mut self, chunk: &mut Chunk) -> io::Result<Progress> {
        let Mode::Array(array) = &self.mode else {
            return Ok(Progress::Moved);
        };
        if !chunk.is_empty() && self.window.bytes().is_empty() {
            return Ok(Progress::Starved);
        }
        // A missing or superfluous comma does no harm here.
        match self
            .window
            .skip_while(|byte| byte.is_ascii_whitespace() || byte == b',')?
        {
            None => {
                let fault = Fault::new(FaultKind::InvalidJson, array.line);
                chunk.push_fault(fault.because("the array that begins here is not closed"));
                self.mode = Mode::Lines;
            }
            Some(b']') => {
                self.window.consume(1);
                if array.envelope.is_some() {
                    self.skip_rest_of_batch(chunk)?;
                }
                self.mode = Mode::Lines;
            }
            Some(_) => return self.scan(chunk),
        }
        Ok(Progress::Moved)
    }

    /// Reads one value from where the window begins, over as many lines as it takes.
    fn scan(&mut self, chunk: &mut Chunk) -> io::Result<Progress> {
        let mut scanner = Scanner::new();
        loop {
            let bytes = self.window.bytes();
            let step = scanner.feed(&bytes[scanner.scanned()..bytes.len().min(self.limit + 1)]);
            let end = scanner.scanned();
            match step {
                Step::Complete(_) if end <= self.limit && self.is_cut_off(end) => {
                    self.refuse(FaultKind::InvalidJson, end, chunk)?;
                    return Ok(Progress::Moved);
                }
                Step::Complete(_) if end <= self.limit => {
                    self.take(end, chunk);
                    return Ok(Progress::Moved);
                }
                Step::Complete(_) | Step::More if end > self.limit => {
                    self.beyond_limit(scanner, chunk)?;
                    return Ok(Progress::Moved);
                }
                Step::More if !chunk.is_empty() && self.may_starve() => return Ok(Progress::Starved),
                Step::More if self.window.more()? => {}
                Step::More if scanner.may_end() => {
                    self.take(end, chunk);
                    return Ok(Progress::Moved);
                }
                Step::Complete(_) | Step::More | Step::Invalid(_) => {
                    self.refuse(FaultKind::InvalidJson, end, chunk)?;
                    return Ok(Progress::Moved);
                }
                Step::TooDeep(_) => {
                    self.refuse(FaultKind::TooDeep, end, chunk)?;
                    return Ok(Progress::Moved);
                }
            }
        }
    }

    /// Whether the value that ends at `end` is a line that was cut off behind a colon, made whole by the bad line that
    /// happens to follow: nobody writes the object that belongs to a key at the start of a new line.
    fn is_cut_off(&self, end: usize) -> bool {
        let value = &self.window.bytes()[..end];
        memchr(b'\n', value).is_some_and(|newline| {
            value[..newline].trim_ascii_end().ends_with(b":") && value[newline + 1..].starts_with(b"{")
        })
    }

    /// Whether a value that is not complete may be scanned anew later: not a long one.
    fn may_starve(&self) -> bool {
        self.window.bytes().len() < CHUNK_BYTES / 4
    }

    fn take(&mut self, end: usize, chunk: &mut Chunk) {
        let envelope = match &self.mode {
            Mode::Lines => None,
            Mode::Array(array) => array.envelope.clone(),
        };
        chunk.push(
            &self.window.bytes()[..end],
            self.window.line(),
            self.window.column(),
            envelope,
        );
        self.window.consume(end);
        if matches!(self.mode, Mode::Lines) && self.window.bytes().first() == Some(&b',') {
            // Elements of an array whose brackets were left out.
            self.window.consume(1);
        }
    }

    /// Reports the value that the window begins with, which the byte at `at` spoils, and moves behind what is lost with it.
    fn refuse(&mut self, kind: FaultKind, at: usize, chunk: &mut Chunk) -> io::Result<()> {
        let (line, column) = (self.window.line(), self.window.column());
        let bytes = self.window.bytes();
        let ended = at == bytes.len();
        let first_newline = memchr(b'\n', &bytes[..at]);
        let Some(newline) = first_newline else {
            let fault = Fault::new(kind, line);
            chunk.push_fault(if ended {
                fault.because("it ends before it is complete")
            } else {
                fault.at(column + at as u64 + 1)
            });
            return self.skip_value();
        };
        let indent = usize::try_from(column).unwrap_or(usize::MAX);
        if !is_inner(&bytes[newline + 1..], indent) {
            chunk.push_fault(Fault::new(FaultKind::InvalidJson, line).because("it ends before it is complete"));
            self.window.consume_line(newline + 1);
            return Ok(());
        }
        let newlines = memchr_iter(b'\n', &bytes[..at]).count() as u64;
        let line_start = memrchr(b'\n', &bytes[..at]).map_or(0, |newline| newline + 1);
        chunk.push_fault(if ended {
            Fault::new(kind, line).because("it ends before it is complete")
        } else {
            let fault = Fault::new(kind, line + newlines).at((at - line_start + 1) as u64);
            fault.because(format!("in the value that begins in line {line}"))
        });
        self.window.consume(at);
        self.window.skip_line()?;
        self.skip_inner_lines(indent)
    }

    /// Moves behind a bad value in a line: in an array to where the value seems to end, else to the next line.
    fn skip_value(&mut self) -> io::Result<()> {
        if matches!(self.mode, Mode::Lines) {
            return self.window.skip_line();
        }
        let mut skipper = Skipper::default();
        let mut moved = false;
        loop {
            match skipper.feed(self.window.bytes()) {
                Some(end) => {
                    // A stray closing brace is no value, but has to go.
                    let stray = !moved && end == 0;
                    self.window.consume(end + usize::from(stray));
                    return Ok(());
                }
                None => self.window.consume(self.window.bytes().len()),
            }
            moved = true;
            if !self.window.more()? {
                return Ok(());
            }
        }
    }

    /// Leaves behind the lines that belong to a bad value over several lines, as far as indentation tells.
    fn skip_inner_lines(&mut self, indent: usize) -> io::Result<()> {
        loop {
            while memchr(b'\n', self.window.bytes()).is_none()
                && self.window.bytes().len() <= indent + 1
                && self.window.more()?
            {}
            if !is_inner(self.window.bytes(), indent) {
                return Ok(());
            }
            self.window.skip_line()?;
        }
    }

    /// The value that the window begins with has gone beyond the limit.
    fn beyond_limit(&mut self, mut scanner: Scanner, chunk: &mut Chunk) -> io::Result<()> {
        let line = self.window.line();
        if let (Mode::Lines, Some(start)) = (&self.mode, scanner.batch_array()) {
            let envelope = envelope_before_batch(&self.window.bytes()[..start]);
            self.mode = Mode::Array(Array {
                line,
                envelope: Some(Arc::new(envelope)),
            });
            self.window.consume(start + 1);
            return Ok(());
        }
        chunk.push_fault(Fault::new(FaultKind::TooLarge, line));
        let scanned = scanner.scanned();
        let one_line = memchr(b'\n', &self.window.bytes()[..scanned]).is_none();
        self.window.consume(scanned);
        loop {
            let bytes = self.window.bytes();
            // A line that was cut off must not take the next one with it.
            let newline = if one_line { memchr(b'\n', bytes) } else { None };
            match scanner.feed(&bytes[..newline.unwrap_or(bytes.len())]) {
                Step::Complete(end) => {
                    self.window.consume(end);
                    return Ok(());
                }
                Step::More if newline.is_none() => self.window.consume(self.window.bytes().len()),
                Step::More | Step::Invalid(_) | Step::TooDeep(_) => return self.window.skip_line(),
            }
            if !self.window.more()? {
                return Ok(());
            }
        }
    }

    /// What stands behind the array of a batch that was too long to be kept cannot be applied any more.
    fn skip_rest_of_batch(&mut self, chunk: &mut Chunk) -> io::Result<()> {
        let mut scanner = Scanner::after_value_in_object();
        loop {
            match scanner.feed(self.window.bytes()) {
                Step::Complete(end) => {
                    self.window.consume(end);
                    return Ok(());
                }
                Step::More => {
                    self.window.consume(self.window.bytes().len());
                    if !self.window.more()? {
                        let fault = Fault::new(FaultKind::InvalidJson, self.window.line());
                        chunk.push_fault(fault.because("the batch is not closed"));
                        return Ok(());
                    }
                }
                Step::Invalid(at) | Step::TooDeep(at) => {
                    self.window.consume(at);
                    let fault = Fault::new(FaultKind::InvalidJson, self.window.line());
                    chunk.push_fault(fault.at(self.window.column() + 1).because("behind the batch's array"));
                    return self.window.skip_line();
                }
            }
        }
    }
}

/// What a batch says before its array: `start` is the start of an object, cut off before the value of its last key.
fn envelope_before_batch(start: &[u8]) -> Envelope<'static> {
    let whole = str::from_utf8(start).map(|start| format!("{start}null}}"));
    let Ok(whole) = whole else { return Envelope::default() };
    let entries = Object::from_json(&whole);
    entries.map_or_else(
        |_| Envelope::default(),
        |entries| Envelope::of_batch(&entries).into_owned(),
    )
}

/// Whether the line at the start of `bytes` looks like one inside a value that began `indent` bytes into its line.
fn is_inner(bytes: &[u8], indent: usize) -> bool {
    let blank = bytes.iter().take_while(|&&byte| byte == b' ' || byte == b'\t').count();
    match bytes.get(blank) {
        None | Some(b'\n' | b'\r') => false,
        Some(b'}' | b']') => blank >= indent,
        Some(_) => blank > indent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_a_batch_is_enough() {
        let envelope = envelope_before_batch(br#" {"sentAt":"s","batch" : "#);
        assert_eq!(envelope.apply("{}"), r#"{"sentAt":"s"}"#);
        assert!(envelope_before_batch(b"\xff").is_empty());
    }
}
