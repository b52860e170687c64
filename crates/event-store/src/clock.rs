//! The clock of this machine.

use std::time::SystemTime;

/// The present, in Unix milliseconds.
pub fn now() -> i64 {
    let since_1970 = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}

/// When something is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// The time, in Unix milliseconds.
    pub(crate) now: i64,
    /// Whether it is looked for what is too old.
    pub(crate) tidies: bool,
}
