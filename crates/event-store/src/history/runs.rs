//! How traces are kept: events that came in together are a run, and runs stand one after the other in a block.
//!
//! A run is its first event's number, the time, how many events and names there are, the names, and the events in the order
//! of their numbers, which have no gaps. An event is a byte (type, whether its first key says whose it is, how many keys), the number of its name, and
//! its keys. Numbers are little-endian.

use super::trace::{KEY_BYTES, Trace, TraceKey, number_of, type_of};
use rudderstack_events::EventType;
use std::collections::HashMap;

/// Events that came in together, to be written.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    first: i64,
    at: i64,
    count: u32,
    names: Vec<&'a str>,
    by_name: HashMap<&'a str, u16>,
    events: Vec<u8>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(first: i64, at: i64) -> Self {
        Self {
            first,
            at,
            count: 0,
            names: Vec::new(),
            by_name: HashMap::new(),
            events: Vec::new(),
        }
    }

    /// Adds the event with the next number.
    pub(crate) fn add(&mut self, trace: &'a Trace) {
        let name = trace.name.as_deref().map_or(0, |name| self.number_of(name));
        let keys = u8::try_from(trace.keys().len()).unwrap_or(u8::MAX).min(15);
        self.events
            .push(number_of(trace.event_type) | u8::from(trace.has_person) << 3 | keys << 4);
        self.events.extend(name.to_le_bytes());
        for key in trace.keys().iter().take(usize::from(keys)) {
            self.events.extend(key.bytes());
        }
        self.count += 1;
    }

    /// The number of a name, from 1; 0 if there are too many.
    fn number_of(&mut self, name: &'a str) -> u16 {
        if let Some(number) = self.by_name.get(name) {
            return *number;
        }
        let Ok(number) = u16::try_from(self.names.len() + 1) else {
            return 0;
        };
        self.names.push(name);
        self.by_name.insert(name, number);
        number
    }

    pub(super) fn first(&self) -> i64 {
        self.first
    }

    pub(super) fn at(&self) -> i64 {
        self.at
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.first.to_le_bytes());
        bytes.extend(self.at.to_le_bytes());
        bytes.extend(self.count.to_le_bytes());
        bytes.extend(u16::try_from(self.names.len()).unwrap_or(u16::MAX).to_le_bytes());
        for name in &self.names {
            // They are shorter than that.
            bytes.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
            bytes.extend(name.as_bytes());
        }
        bytes.extend_from_slice(&self.events);
    }
}

/// What was kept of an event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traced<'a> {
    pub(super) event: i64,
    pub(super) at: i64,
    head: u8,
    pub(super) name: Option<&'a str>,
    keys: &'a [u8],
}

impl Traced<'_> {
    pub(super) fn event_type(&self) -> Option<EventType> {
        type_of(self.head & 7)
    }

    pub(super) fn person(&self) -> Option<TraceKey> {
        let has_person = self.head & 8 != 0;
        self.keys
            .get(..KEY_BYTES)
            .filter(|_| has_person)
            .map(TraceKey::from_bytes)
    }

    pub(super) fn has(&self, keys: &[[u8; KEY_BYTES]]) -> bool {
        self.keys
            .chunks_exact(KEY_BYTES)
            .any(|own| keys.iter().any(|key| key == own))
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }

    fn number<const BYTES: usize>(&mut self) -> Option<[u8; BYTES]> {
        self.take(BYTES)?.try_into().ok()
    }
}

/// Hands out the events of a block, in order. What cannot be read is left out.
pub(super) fn each<'a>(block: &'a [u8], mut found: impl FnMut(Traced<'a>)) {
    let mut reader = Reader(block);
    let mut names = Vec::new();
    while !reader.0.is_empty() {
        if run(&mut reader, &mut names, &mut found).is_none() {
            return;
        }
    }
}

fn run<'a>(reader: &mut Reader<'a>, names: &mut Vec<&'a str>, found: &mut impl FnMut(Traced<'a>)) -> Option<()> {
    let first = i64::from_le_bytes(reader.number()?);
    let at = i64::from_le_bytes(reader.number()?);
    let count = u32::from_le_bytes(reader.number()?);
    names.clear();
    for _ in 0..u16::from_le_bytes(reader.number()?) {
        let [length] = reader.number()?;
        names.push(std::str::from_utf8(reader.take(usize::from(length))?).unwrap_or_default());
    }
    for event in (first..).take(count as usize) {
        let [head, low, high] = reader.number()?;
        let name = usize::from(u16::from_le_bytes([low, high]));
        let name = name.checked_sub(1).and_then(|at| names.get(at).copied());
        let keys = reader.take(usize::from(head >> 4) * KEY_BYTES)?;
        found(Traced {
            event,
            at,
            head,
            name,
            keys,
        });
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let traces: Vec<Trace> = ["a", "b", "a"]
            .iter()
            .map(|name| {
                Trace::of(
                    1,
                    &format!(r#"{{"type":"track","event":"{name}","userId":"{name}","messageId":"m"}}"#),
                )
            })
            .chain([Trace::of(1, r#"{"type":"group"}"#)])
            .collect();
        let mut block = Vec::new();
        for (first, at) in [(5, 1_000), (100, 2_000)] {
            let mut run = Run::new(first, at);
            traces.iter().for_each(|trace| run.add(trace));
            assert_eq!(run.names.len(), 2);
            run.write(&mut block);
        }
        let mut read = Vec::new();
        each(&block, |one| {
            read.push((one.event, one.at, one.name, one.event_type(), one.person()));
        });
        assert_eq!(read.len(), 8);
        let person = traces[1].keys()[0];
        assert_eq!(read[1], (6, 1_000, Some("b"), Some(EventType::Track), Some(person)));
        assert_eq!(read[7], (103, 2_000, None, Some(EventType::Group), None));
        // A damaged block ends where it is damaged.
        for length in 0..block.len() {
            each(&block[..length], drop);
        }
    }
}
