//! Why a journal cannot be used.

/// The version of the tables. Version 1 had no `learnt`, version 2 neither `intents` nor `undelivered`, and version 3 no
/// `saved_companies`, which are added to them.
pub(super) const VERSION: i64 = 4;

/// A journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The database cannot be read or written.
    #[error("the database fails")]
    Database(#[from] rusqlite::Error),
    /// The file is something else.
    #[error("it is not a journal of this program")]
    Foreign,
    /// It was made by a newer release.
    #[error("it was written by a newer release of this program (version {0}, and this one reads up to {VERSION})")]
    TooNew(i64),
    /// What it holds cannot be read.
    #[error("what it holds of contacts cannot be read")]
    Unreadable(#[from] serde_json::Error),
    /// Another process uses it.
    #[error("another run is using it")]
    InUse,
    /// It belongs to a delivery with other settings.
    #[error("it belongs to a delivery with another {0}; give the same settings, or another journal")]
    OtherSetting(String),
    /// It belongs to a delivery into another workspace.
    #[error(
        "it belongs to a delivery into another workspace of Intercom than that of the access token; \
         give a token of the same workspace, or another journal"
    )]
    OtherWorkspace,
    /// It belongs to another input.
    #[error(
        "it belongs to another input: the event with index {0} is not the same; give the same file, or another journal"
    )]
    OtherInput(u64),
}
