//! With which contacts events were begun.

use super::dead_letter::json;
use crate::statements::Statements as _;
use intercom_api::ContactId;
use rusqlite::{Transaction, params};

/// Keeps with which contact an event that waits is about to be carried out, for the next start.
pub(super) fn begin(transaction: &Transaction<'_>, seq: i64, contact: &ContactId) -> rusqlite::Result<()> {
    transaction.run(
        "INSERT OR REPLACE INTO intents SELECT seq, ? FROM events WHERE seq = ?",
        params![json(contact)?, seq],
    )
}
