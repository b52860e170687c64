//! The part of the input that is in memory, and where in the input it stands.

use memchr::{memchr, memchr_iter, memrchr};
use std::io::{self, Read};

const READ: usize = 64 * 1024;

/// A growing and sliding window over a reader.
#[derive(Debug)]
pub(super) struct Window<R> {
    reader: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    ended: bool,
    line: u64,
    column: u64,
}

impl<R: Read> Window<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            buffer: vec![0; READ],
            start: 0,
            end: 0,
            ended: false,
            line: 1,
            column: 0,
        }
    }

    /// What is in memory and not yet consumed.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// The number of the line that the first byte stands in, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// How many bytes of that line are before the first byte.
    pub(super) fn column(&self) -> u64 {
        self.column
    }

    /// Reads on behind what is in memory; `false` at the end of the input.
    pub(super) fn more(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        if self.end == self.buffer.len() {
            if self.start > 0 {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            if self.buffer.len() - self.end < READ / 4 {
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
        }
        loop {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => {
                    self.ended = true;
                    return Ok(false);
                }
                Ok(read) => {
                    self.end += read;
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Leaves `count` bytes behind.
    pub(super) fn consume(&mut self, count: usize) {
        let gone = &self.buffer[self.start..self.start + count];
        match memrchr(b'\n', gone) {
            None => self.column += count as u64,
            Some(last) => {
                self.line += memchr_iter(b'\n', gone).count() as u64;
                self.column = (count - last - 1) as u64;
            }
        }
        self.slide(count);
    }

    /// Leaves a line behind, whose only newline is the last of `count` bytes; at the end of the input it may lack.
    pub(super) fn consume_line(&mut self, count: usize) {
        self.line += 1;
        self.column = 0;
        self.slide(count.min(self.end - self.start));
    }

    fn slide(&mut self, count: usize) {
        self.start += count;
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            // A record of unusual length is no reason to keep its memory.
            if self.buffer.len() > 4 * READ {
                self.buffer.truncate(READ);
                self.buffer.shrink_to_fit();
            }
        }
    }

    /// Leaves everything behind up to and with the next newline.
    pub(super) fn skip_line(&mut self) -> io::Result<()> {
        loop {
            if let Some(at) = memchr(b'\n', self.bytes()) {
                self.consume_line(at + 1);
                return Ok(());
            }
            self.consume(self.bytes().len());
            if !self.more()? {
                return Ok(());
            }
        }
    }

    /// Leaves everything behind that `skip` says to, and gives the first byte that stays.
    pub(super) fn skip_while(&mut self, skip: impl Fn(u8) -> bool) -> io::Result<Option<u8>> {
        loop {
            let bytes = self.bytes();
            match bytes.iter().position(|&byte| !skip(byte)) {
                Some(at) => {
                    let first = bytes[at];
                    self.consume(at);
                    return Ok(Some(first));
                }
                None => self.consume(bytes.len()),
            }
            if !self.more()? {
                return Ok(None);
            }
        }
    }
}
