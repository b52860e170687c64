//! Figures for charts: events by minute, and rejections and failures by code.

use crate::clock::Moment;
use crate::statements::Statements as _;
use rusqlite::{Connection, Transaction, params};
use serde::Serialize;
use std::collections::BTreeMap;

/// How long the figures of a minute are kept: eight days.
const KEPT_MINUTES: i64 = 8 * 24 * 60;

/// What happened in a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Minute {
    /// Which one, counted from the start of 1970.
    pub minute: i64,
    /// Events that were received and stored.
    pub received: i64,
    /// Events that had been received before.
    pub repeated: i64,
    /// Events that were delivered.
    pub delivered: i64,
    /// Events that are not for Intercom.
    pub skipped: i64,
    /// Events that can never be delivered.
    pub rejected: i64,
    /// Events that were not delivered, and can be replayed.
    pub failed: i64,
}

/// How often events have been rejected, have failed, or have been dropped as dead letters, for a reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CodeCount {
    /// `rejected` or `failed`; or `dropped`, which counts dead letters that were too many or too old.
    pub kind: String,
    /// The reason.
    pub code: String,
    /// How often.
    pub count: i64,
    /// When last, in Unix milliseconds.
    pub last_at: i64,
}

/// What has happened in one transaction.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) minute: Minute,
    codes: BTreeMap<(&'static str, String), i64>,
}

impl Counters {
    pub(super) fn reject(&mut self, code: &str) {
        self.minute.rejected += 1;
        *self.codes.entry(("rejected", code.to_owned())).or_default() += 1;
    }

    pub(super) fn fail(&mut self, code: &str) {
        self.minute.failed += 1;
        *self.codes.entry(("failed", code.to_owned())).or_default() += 1;
    }

    /// A dead letter is dropped because there are too many.
    pub(super) fn drop(&mut self, code: &str) {
        *self.codes.entry(("dropped", code.to_owned())).or_default() += 1;
    }

    pub(super) fn save(&self, transaction: &Transaction<'_>, moment: Moment) -> rusqlite::Result<()> {
        let minute = moment.now / 60_000;
        let Minute {
            received,
            repeated,
            delivered,
            skipped,
            rejected,
            failed,
            ..
        } = self.minute;
        if self.minute == Minute::default() && self.codes.is_empty() {
            return Ok(());
        }
        transaction.run(
            "INSERT INTO minutes VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
                 received = received + excluded.received, repeated = repeated + excluded.repeated,
                 delivered = delivered + excluded.delivered, skipped = skipped + excluded.skipped,
                 rejected = rejected + excluded.rejected, failed = failed + excluded.failed",
            params![minute, received, repeated, delivered, skipped, rejected, failed],
        )?;
        if moment.tidies {
            transaction.run("DELETE FROM minutes WHERE minute < ?", [minute - KEPT_MINUTES])?;
        }
        for ((kind, code), count) in &self.codes {
            transaction.run(
                "INSERT INTO codes VALUES (?, ?, ?, ?)
                     ON CONFLICT DO UPDATE SET count = count + excluded.count, last_at = excluded.last_at",
                params![kind, code, count, moment.now],
            )?;
        }
        Ok(())
    }
}

pub(super) fn minutes(connection: &Connection, since: i64) -> rusqlite::Result<Vec<Minute>> {
    connection.all(
        "SELECT * FROM minutes WHERE minute >= ? ORDER BY minute",
        [since],
        |row| {
            Ok(Minute {
                minute: row.get("minute")?,
                received: row.get("received")?,
                repeated: row.get("repeated")?,
                delivered: row.get("delivered")?,
                skipped: row.get("skipped")?,
                rejected: row.get("rejected")?,
                failed: row.get("failed")?,
            })
        },
    )
}

pub(super) fn codes(connection: &Connection) -> rusqlite::Result<Vec<CodeCount>> {
    connection.all(
        "SELECT kind, code, count, last_at FROM codes ORDER BY count DESC",
        [],
        |row| {
            Ok(CodeCount {
                kind: row.get(0)?,
                code: row.get(1)?,
                count: row.get(2)?,
                last_at: row.get(3)?,
            })
        },
    )
}
