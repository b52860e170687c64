//! Dead letters that are too many or too old: the oldest go first, and never in the way of new events.

use super::counters::Counters;
use super::dead_letter::{COLUMNS, DeadLetter, KEPT_DROPPED, dead_letter};
use super::history::{self, NewStep, StepKind};
use super::totals::Totals;
use crate::clock::Moment;
use crate::settings::DeadLetters;
use crate::statements::Statements as _;
use rusqlite::Transaction;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

/// How many are dropped in one transaction at most.
const AT_A_TIME: i64 = 500;

/// Drops the dead letters that are beyond the bounds, and says how many.
pub(super) fn drop_oldest(
    transaction: &Transaction<'_>,
    totals: &mut Totals,
    counters: &mut Counters,
    settings: &DeadLetters,
    Moment { now, tidies }: Moment,
) -> rusqlite::Result<usize> {
    if !tidies && totals.dead_bytes.unsigned_abs() <= settings.bytes {
        return Ok(0);
    }
    let oldest = settings.age.map_or(i64::MIN, |age| {
        now.saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX))
    });
    let is_beyond = |totals: &Totals, at: i64| totals.dead_bytes.unsigned_abs() > settings.bytes || at < oldest;
    forget_dropped(transaction, now)?;
    let first = "SELECT at FROM dead_letters WHERE dropped_at IS NULL ORDER BY id LIMIT 1";
    let first: Option<i64> = transaction.value(first, [])?;
    if first.is_none_or(|at| !is_beyond(totals, at)) {
        return Ok(0);
    }
    let mut dropped = Vec::new();
    let mut after = *totals;
    let mut query = transaction.prepare_cached(&format!(
        "SELECT {COLUMNS}, body, event, octet_length(body) FROM dead_letters
         WHERE dropped_at IS NULL ORDER BY id LIMIT ?"
    ))?;
    let mut rows = query.query([AT_A_TIME])?;
    while let Some(row) = rows.next()? {
        let dead_letter = dead_letter(row)?;
        if !is_beyond(&after, dead_letter.at) {
            break;
        }
        after.dead -= 1;
        after.dead_bytes -= row.get::<_, i64>("octet_length(body)")?;
        dropped.push(dead_letter);
    }
    drop(rows);
    let Some(last) = dropped.last().map(|dead_letter| dead_letter.id) else {
        return Ok(0);
    };
    let count = dropped.len();
    let told: Vec<(String, Option<i64>)> = dropped
        .iter()
        .map(|dead_letter| (dead_letter.code.clone(), dead_letter.event_number))
        .collect();
    if let Some(path) = &settings.file
        && let Err(error) = keep(path, dropped)
    {
        tracing::warn!(code = "dead_letters_kept", file = %path.display(), %error,
            "the dead letters beyond the bounds cannot be written to their file, so none is dropped");
        return Ok(0);
    }
    transaction.run("DELETE FROM dead_letters WHERE id <= ?", [last])?;
    *totals = after;
    for (code, event) in &told {
        counters.drop(code);
        if let Some(event) = event {
            history::note(transaction, *event, now, &NewStep::of(StepKind::Dropped))?;
        }
    }
    Ok(count)
}

/// Deletes the dead letters for good that were dropped by hand, once that can be undone no more.
fn forget_dropped(transaction: &Transaction<'_>, now: i64) -> rusqlite::Result<()> {
    transaction.run(
        "DELETE FROM dead_letters WHERE id IN (SELECT id FROM dead_letters WHERE dropped_at < ? LIMIT ?)",
        [now - KEPT_DROPPED, AT_A_TIME],
    )
}

/// Appends dead letters to a file, as records that can be sent again.
fn keep(path: &Path, dead_letters: Vec<DeadLetter>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file: File = options.open(path)?;
    let before = file.metadata()?.len();
    let write = || {
        let mut writer = BufWriter::new(&file);
        for dead_letter in dead_letters {
            serde_json::to_writer(&mut writer, &dead_letter.into_record())?;
            writer.write_all(b"\n")?;
        }
        writer.flush()?;
        drop(writer);
        file.sync_data()
    };
    // Half a line would spoil the next one.
    write().inspect_err(|_| drop(file.set_len(before)))
}
