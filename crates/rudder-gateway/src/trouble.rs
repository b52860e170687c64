//! What is wrong with a gateway, for whoever runs it.

use event_store::{Condition, Refusal};
use strum::{EnumIter, IntoStaticStr};

/// Something that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Trouble {
    /// The gateway is about to end.
    Stopping,
    /// There is no room on the store's disk.
    DiskFull,
    /// The store cannot be written.
    StoreFailed,
    /// The store's file has been removed or replaced.
    StoreGone,
    /// The store's file is damaged.
    StoreCorrupt,
    /// As many events wait as may.
    QueueFull,
    /// Intercom does not accept the access token.
    TokenRefused,
    /// Intercom cannot be reached.
    Outage,
    /// Events have waited for long.
    Backlog,
}

impl Trouble {
    /// The stable `snake_case` name.
    pub(crate) fn code(self) -> &'static str {
        self.into()
    }

    /// What it means.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Stopping => "the gateway is stopping",
            Self::DiskFull => Condition::DiskFull.meaning(),
            Self::StoreFailed => Condition::StoreFailed.meaning(),
            Self::StoreGone => Condition::StoreGone.meaning(),
            Self::StoreCorrupt => Condition::StoreCorrupt.meaning(),
            Self::QueueFull => "the queue is full, or too far behind: requests are answered 503",
            Self::TokenRefused => "Intercom does not accept the access token; events wait, and it is tried again",
            Self::Outage => "Intercom cannot be reached; events wait, and it is tried again every few seconds",
            Self::Backlog => "events have been waiting for a long time",
        }
    }

    /// What somebody can do about it, in a sentence; nothing if it needs nobody.
    pub(crate) fn advice(self) -> Option<&'static str> {
        Some(match self {
            Self::Stopping => return None,
            Self::DiskFull => "Make room on the store's disk, or move the store to a larger one; it goes on by itself.",
            Self::StoreFailed => "Look at the log, and at the permissions and the disk of the store's file.",
            Self::StoreGone => "Stop the gateway, and put the file back or make another.",
            Self::StoreCorrupt => "Stop the gateway, and put a copy of the file in its place or make another.",
            Self::QueueFull => {
                "See what holds the delivery up with `rudder-intercom queue status`, or raise the bounds of the queue."
            }
            Self::TokenRefused => {
                "Put a token that Intercom accepts into the token's file; it is read again within seconds."
            }
            Self::Outage => {
                "See https://www.intercomstatus.com, and what `rudder-intercom doctor` says of this machine's network."
            }
            Self::Backlog => {
                "See which wait longest, and why, with `rudder-intercom queue waiting`: more comes in than Intercom takes, or calls fail."
            }
        })
    }

    /// Whether requests cannot be accepted.
    pub(crate) fn closes_the_intake(self) -> bool {
        match self {
            Self::Stopping
            | Self::DiskFull
            | Self::StoreFailed
            | Self::StoreGone
            | Self::StoreCorrupt
            | Self::QueueFull => true,
            Self::TokenRefused | Self::Outage | Self::Backlog => false,
        }
    }

    /// Whether whoever finds it says so in the log: the store and the delivery do, with more than is known elsewhere.
    pub(crate) fn is_reported_elsewhere(self) -> bool {
        match self {
            Self::Stopping
            | Self::DiskFull
            | Self::StoreFailed
            | Self::StoreGone
            | Self::StoreCorrupt
            | Self::Outage => true,
            Self::QueueFull | Self::TokenRefused | Self::Backlog => false,
        }
    }

    /// What is wrong with a store in this condition.
    pub(crate) fn of_store(condition: Condition) -> Option<Self> {
        match condition {
            Condition::Sound => None,
            Condition::DiskFull => Some(Self::DiskFull),
            Condition::StoreFailed => Some(Self::StoreFailed),
            Condition::StoreGone => Some(Self::StoreGone),
            Condition::StoreCorrupt => Some(Self::StoreCorrupt),
        }
    }

    /// What is wrong if a request is turned away for this reason, and the store does not say so itself.
    pub(crate) fn of_refusal(refusal: Refusal) -> Option<Self> {
        match refusal {
            Refusal::TooManyEvents | Refusal::TooManyBytes | Refusal::TooFarBehind => Some(Self::QueueFull),
            Refusal::StoreFailed | Refusal::DiskFull | Refusal::StoreGone | Refusal::StoreCorrupt => None,
        }
    }
}
