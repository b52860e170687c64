//! A handful of records, read together and converted together.

use super::fault::Fault;
use rudderstack_events::request::Envelope;
use std::ops::Range;
use std::sync::Arc;

/// Records of the input, in order, in one buffer that is used again and again.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    bytes: Vec<u8>,
    pub(super) records: Vec<Record>,
}

/// One record: a line, a value over several lines, or an element of an array.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) range: Range<usize>,
    /// The line that it begins in, from 1.
    pub(super) line: u64,
    /// How many bytes of that line are before it.
    pub(super) column: u64,
    /// What stood around it, if it was read out of a batch too long to be kept.
    pub(super) envelope: Option<Arc<Envelope<'static>>>,
    /// Why it could not be read, if it could not.
    pub(super) fault: Option<Fault>,
}

impl Chunk {
    /// How many records there are.
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// How many bytes of input there are.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Forgets the records and keeps the memory, unless it has grown out of proportion.
    pub(crate) fn clear(&mut self) {
        self.records.clear();
        self.bytes.clear();
        self.bytes.shrink_to(1 << 20);
    }

    pub(super) fn text(&self, record: &Record) -> &[u8] {
        &self.bytes[record.range.clone()]
    }

    pub(super) fn push(&mut self, text: &[u8], line: u64, column: u64, envelope: Option<Arc<Envelope<'static>>>) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text);
        self.records.push(Record {
            range: start..self.bytes.len(),
            line,
            column,
            envelope,
            fault: None,
        });
    }

    pub(super) fn push_fault(&mut self, fault: Fault) {
        let end = self.bytes.len();
        self.records.push(Record {
            range: end..end,
            line: fault.line,
            column: 0,
            envelope: None,
            fault: Some(fault),
        });
    }
}
