//! What can go wrong with a gateway.

use crate::recipient::Recipient;
use crate::settings::Keeper;
use std::path::PathBuf;

/// Why a gateway or its store cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store cannot be opened.
    #[error("cannot open the event store {}", path.display())]
    Open {
        /// Where it is.
        path: PathBuf,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no store.
    #[error("there is no event store at {}", .0.display())]
    NoStore(PathBuf),
    /// The file is something else.
    #[error("{} is not an event store", .0.display())]
    Foreign(PathBuf),
    /// The file has another name.
    #[error("the event store {} has another name, a hard link, under which the log beside it would not be found: remove one of them", .0.display())]
    Linked(PathBuf),
    /// Another process delivers from the store.
    #[error("the event store {} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// Somebody else delivers from the store.
    #[error("the event store {} has events of {}: give this one another file", path.display(), keeper.other())]
    OfAnother {
        /// Where it is.
        path: PathBuf,
        /// For whom it was to be opened.
        keeper: Keeper,
    },
    /// The events of the store are for another workspace.
    #[error("the event store {} has events for {recipient}, and not for {given}", path.display())]
    ForAnother {
        /// Where it is.
        path: PathBuf,
        /// Whom they are for.
        recipient: Recipient,
        /// To whom they were to be delivered.
        given: Recipient,
    },
    /// The store was made by a newer version of this program.
    #[error("the event store {} has version {version}, which is newer than this program", path.display())]
    TooNew {
        /// Where it is.
        path: PathBuf,
        /// Its version.
        version: i64,
    },
    /// The store cannot be read or written.
    #[error("the event store cannot be read or written")]
    Store(#[from] rusqlite::Error),
    /// The store has been closed.
    #[error("the event store has been closed")]
    Closed,
}

impl Error {
    /// The stable `snake_case` name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Open { .. } => "store_not_opened",
            Self::NoStore(_) => "no_store",
            Self::Foreign(_) => "not_a_store",
            Self::Linked(_) => "store_linked",
            Self::InUse(_) => "store_in_use",
            Self::OfAnother { .. } => "store_of_another",
            Self::ForAnother { .. } => "store_for_another",
            Self::TooNew { .. } => "store_too_new",
            Self::Store(_) => "store_failed",
            Self::Closed => "store_closed",
        }
    }

    /// Whether trying again may help.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::InUse(_) | Self::Store(_))
    }
}
