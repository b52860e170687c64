//! What the next start has to know of contacts.

use super::letter::json;
use intercom_api::ContactId;
use intercom_delivery::KnownContact;
use rusqlite::{Transaction, params};

/// Keeps what was learnt of a contact, for the next start.
pub(super) fn learn(transaction: &Transaction<'_>, contact: &KnownContact, now: i64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT INTO learnt (at, contact) VALUES (?, ?)")?
        .execute(params![now, json(contact)?])?;
    let beyond = transaction.last_insert_rowid() - KnownContact::KEPT as i64;
    transaction
        .prepare_cached("DELETE FROM learnt WHERE seq <= ?")?
        .execute([beyond])
        .map(drop)
}

/// Keeps with which contact an event that waits is about to be carried out.
pub(super) fn begin(transaction: &Transaction<'_>, seq: i64, contact: &ContactId) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT OR REPLACE INTO intents SELECT seq, ? FROM events WHERE seq = ?")?
        .execute(params![json(contact)?, seq])
        .map(drop)
}
