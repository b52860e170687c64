//! What all events come to, for the commands that report on them.

use super::Conversion;
use super::input::Input;
use crate::check::{Checker, Tally, Workspace};
use crate::interrupt::Interrupt;
use crate::pipeline::{self, End};
use std::io::Read;
use std::ops::ControlFlow;

/// Adds up what the events of the input come to, as far as it can be read, and says how that ended.
pub(super) fn tally(
    reader: impl Read + Send + 'static,
    input: &Input,
    conversion: Conversion,
    workspace: Option<Workspace>,
    interrupt: &Interrupt,
) -> (Tally, Result<End, pipeline::Error>) {
    let mut tally = Tally::default();
    let checker = Checker::new(conversion.settings(), workspace);
    let end = pipeline::run(reader, input.limit(), checker, Some(interrupt.message()), |chunk| {
        tally.add(chunk);
        Ok(ControlFlow::Continue(()))
    });
    (tally, end)
}
