//! What comes of a request to store events.

use super::guard::Condition;
use strum::{Display, IntoStaticStr};

/// What came of the events of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Accepted {
    /// Events that are stored.
    pub stored: usize,
    /// Events that had been received before.
    pub repeated: usize,
}

/// Why a request is not stored. Nothing of it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, IntoStaticStr, thiserror::Error)]
#[strum(serialize_all = "snake_case")]
#[allow(clippy::exhaustive_enums)]
pub enum Refusal {
    /// As many events wait as may.
    TooManyEvents,
    /// Events take as much room as they may.
    TooManyBytes,
    /// The oldest event has waited as long as it may.
    TooFarBehind,
    /// The store cannot be written.
    StoreFailed,
    /// There is no room on its disk.
    DiskFull,
    /// Its file has been removed or replaced.
    StoreGone,
    /// Its file is damaged.
    StoreCorrupt,
}

impl From<Condition> for Refusal {
    fn from(condition: Condition) -> Self {
        match condition {
            Condition::DiskFull => Self::DiskFull,
            Condition::StoreGone => Self::StoreGone,
            Condition::StoreCorrupt => Self::StoreCorrupt,
            Condition::Sound | Condition::StoreFailed => Self::StoreFailed,
        }
    }
}

impl Refusal {
    /// The stable `snake_case` name.
    pub fn code(self) -> &'static str {
        self.into()
    }

    /// Always: the same request may be stored later.
    pub fn is_retryable(self) -> bool {
        true
    }
}
