//! How events are written.

use crate::input::Item;
use rudderstack_to_intercom::{Decision, Rejection};
use std::io::{self, Write};

/// Writes what an event has come to. What is written must not hold the event's index, which is not known yet.
pub(crate) trait Render: Send + Sync + 'static {
    /// Writes it for one event or fault.
    fn render(&self, item: &Item<'_>, result: Option<&Result<Decision, Rejection>>, text: &mut Vec<u8>);
    /// Whether the conversion is to keep where each field came from.
    const TRACED: bool;
    /// Writes the part before, which holds the index.
    ///
    /// # Errors
    ///
    /// If `writer` fails.
    fn begin(writer: &mut impl Write, index: u64) -> io::Result<()>;
}
