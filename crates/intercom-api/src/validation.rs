//! Checks against what Intercom documents.
//!
//! Written by hand rather than derived, because derived checks put the value that is wrong into the error.

use std::borrow::Cow;
use validator::{ValidationError, ValidationErrors};

/// Collects what is wrong.
#[derive(Default)]
pub(crate) struct Checks(ValidationErrors);

impl Checks {
    /// Nothing wrong yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Notes `code` for `field` unless `holds`.
    pub(crate) fn that(&mut self, holds: bool, field: &'static str, code: &'static str) -> &mut Self {
        if !holds {
            self.0.add(field, ValidationError::new(code));
        }
        self
    }

    /// Notes that there is too much of `field`, with both figures, unless `measured` is at most `most`.
    pub(crate) fn at_most(&mut self, field: &'static str, measured: usize, most: usize) -> &mut Self {
        if measured > most {
            let mut error = ValidationError::new("too_many");
            error.params.insert(Cow::Borrowed("max"), most.into());
            error.params.insert(Cow::Borrowed("measured"), measured.into());
            self.0.add(field, error);
        }
        self
    }

    /// What was found.
    pub(crate) fn finish(&mut self) -> Result<(), ValidationErrors> {
        let found = std::mem::take(&mut self.0);
        if found.is_empty() { Ok(()) } else { Err(found) }
    }
}
