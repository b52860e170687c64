//! What earlier runs have done.

use super::error::JournalError;
use crate::Superseded;
use intercom_api::{CompanyId, ContactId};
use std::collections::HashMap;

/// How an event was done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i64)]
pub enum Done {
    /// It has had its effect.
    Delivered = 0,
    /// It can never have it.
    Rejected = 1,
    /// And written to the dead letters.
    Failed = 2,
}

/// The events that earlier runs have done, at a few bits each.
#[derive(Debug, Default)]
pub struct Earlier {
    pub(super) delivered: Bits,
    /// Those that were done otherwise, with the place of their code in `codes`.
    others: HashMap<u64, (Done, usize)>,
    codes: Vec<String>,
    /// Of each event that is done, what it can be told from another by; 0 for one that is not.
    marks: Vec<u32>,
    /// What had been begun, with the contact that it was begun with.
    pub intents: HashMap<u64, ContactId>,
    /// The companies that were saved for events that have waited for their member since.
    pub saved_companies: HashMap<u64, CompanyId>,
    /// What later events have written since others had failed.
    pub superseded: HashMap<u64, Superseded>,
    /// How many calls were made.
    pub calls: u64,
}

impl Earlier {
    /// How the event was done with, if it was.
    ///
    /// # Errors
    ///
    /// If it is not the event that it was.
    pub fn get(&self, event: u64, fingerprint: u64) -> Result<Option<(Done, &str)>, JournalError> {
        let known = usize::try_from(event).ok().and_then(|at| self.marks.get(at));
        if known.is_some_and(|&known| known != 0 && known != mark(fingerprint)) {
            return Err(JournalError::OtherInput(event));
        }
        if self.delivered.get(event) {
            return Ok(Some((Done::Delivered, "")));
        }
        Ok(self
            .others
            .get(&event)
            .map(|&(done, code)| (done, self.codes[code].as_str())))
    }

    pub(super) fn set_mark(&mut self, event: u64, mark: u32) {
        let Ok(at) = usize::try_from(event) else { return };
        if at >= self.marks.len() {
            self.marks.resize(at + 1, 0);
        }
        self.marks[at] = mark;
    }

    pub(super) fn add(&mut self, event: u64, done: Done, code: String) {
        let at = self.codes.iter().position(|known| *known == code).unwrap_or_else(|| {
            self.codes.push(code);
            self.codes.len() - 1
        });
        self.others.insert(event, (done, at));
    }
}

/// A fingerprint in four bytes, so that a million of them take four megabytes. Never 0.
pub(super) fn mark(fingerprint: u64) -> u32 {
    (fingerprint.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32 | 1
}

/// A set of small numbers.
#[derive(Debug, Default)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    fn get(&self, number: u64) -> bool {
        let word = usize::try_from(number / 64).ok().and_then(|at| self.0.get(at));
        word.is_some_and(|word| word >> (number % 64) & 1 != 0)
    }

    pub(super) fn set(&mut self, number: u64) {
        let Ok(at) = usize::try_from(number / 64) else { return };
        if at >= self.0.len() {
            self.0.resize(at + 1, 0);
        }
        self.0[at] |= 1 << (number % 64);
    }
}

/// An event that is done.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Its place in the input.
    pub event: u64,
    /// How it was done with.
    pub done: Done,
    /// Why it was not delivered.
    pub code: Option<&'a str>,
    /// How many calls it took.
    pub calls: u32,
    /// What it can be told from another event by.
    pub fingerprint: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_a_bit_of_its_own() {
        let mut bits = Bits::default();
        let is_in = |number: u64| number.is_multiple_of(3) || number.is_multiple_of(64);
        (0..500)
            .filter(|number| is_in(*number))
            .for_each(|number| bits.set(number));
        assert!((0..600).all(|number| bits.get(number) == (number < 500 && is_in(number))));
    }
}
