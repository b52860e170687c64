//! The time that a store goes by.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The present, in Unix milliseconds, by the clock of this machine.
pub fn now() -> i64 {
    milliseconds(SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default())
}

fn milliseconds(since_1970: Duration) -> i64 {
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

/// The clock that a store goes by: that of this machine, unless it is another one.
#[derive(Clone, Default)]
pub struct Clock(Option<Arc<dyn Fn() -> Duration + Send + Sync>>);

impl Clock {
    /// One that tells how much time has passed since the start of 1970, such as that of a simulation.
    pub fn new(since_1970: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(since_1970)))
    }

    /// The present, in Unix milliseconds.
    pub(crate) fn now(&self) -> i64 {
        self.0
            .as_ref()
            .map_or_else(now, |since_1970| milliseconds(since_1970()))
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = if self.0.is_some() { "another" } else { "this machine's" };
        f.debug_tuple("Clock").field(&whose).finish()
    }
}

impl PartialEq for Clock {
    /// Whether it is the very same.
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        }
    }
}

impl Eq for Clock {}
