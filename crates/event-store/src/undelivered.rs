//! Events that were not delivered, and what later ones have written since: so that an older event that is replayed undoes
//! nothing that came after it.
//!
//! A row is of a dead letter, or of one that has been put back into the queue and waits there.

use super::dead_letter::{from_json, json};
use crate::statements::Statements as _;
use intercom_delivery::{Subject, Submission, Superseded};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use std::collections::{BTreeMap, BTreeSet};

/// The tables, and what keeps them in step with the dead letters whatever becomes of these.
pub(super) const TABLES: &str = "
CREATE TABLE undelivered (
    id INTEGER PRIMARY KEY,
    place INTEGER NOT NULL,
    letter INTEGER UNIQUE,
    seq INTEGER UNIQUE,
    subject TEXT NOT NULL,
    superseded TEXT NOT NULL
);
CREATE TABLE undelivered_keys (key TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (key, id)) WITHOUT ROWID;
CREATE INDEX undelivered_keys_id ON undelivered_keys (id);
CREATE TRIGGER undelivered_letter AFTER DELETE ON dead_letters BEGIN
    DELETE FROM undelivered WHERE letter = OLD.id;
END;
CREATE TRIGGER undelivered_row AFTER DELETE ON undelivered BEGIN
    DELETE FROM undelivered_keys WHERE id = OLD.id;
END;
";

/// The event with this number has become this dead letter.
pub(super) fn died(
    transaction: &Transaction<'_>,
    seq: i64,
    dead_letter: i64,
    submission: &Submission,
) -> rusqlite::Result<()> {
    transaction.run(
        "UPDATE undelivered SET letter = ?, seq = NULL WHERE seq = ?",
        [dead_letter, seq],
    )?;
    if transaction.changes() > 0 {
        return Ok(());
    }
    let subject = Subject::of(&submission.plan, &submission.identities);
    transaction.run(
        "INSERT INTO undelivered (place, letter, subject, superseded) VALUES (?, ?, ?, ?)",
        params![seq, dead_letter, json(&subject)?, json(&Superseded::default())?],
    )?;
    keep_keys(transaction, transaction.last_insert_rowid(), &subject)
}

fn keep_keys(transaction: &Transaction<'_>, id: i64, subject: &Subject) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare_cached("INSERT OR IGNORE INTO undelivered_keys VALUES (?, ?)")?;
    for key in subject.keys() {
        insert.execute(params![key, id])?;
    }
    Ok(())
}

/// The event with this number was delivered, or is not to be: what it has written is kept for older ones that were not.
pub(super) fn delivered(
    transaction: &Transaction<'_>,
    seq: i64,
    submission: Option<&Submission>,
) -> rusqlite::Result<()> {
    let place: Option<i64> = transaction.value("DELETE FROM undelivered WHERE seq = ? RETURNING place", [seq])?;
    let Some(submission) = submission else { return Ok(()) };
    let any: bool = transaction.row("SELECT EXISTS (SELECT 1 FROM undelivered)", [], |row| row.get(0))?;
    if !any {
        return Ok(());
    }
    let (plan, identities) = (&submission.plan, &submission.identities);
    let mut older = BTreeSet::new();
    for key in Subject::of(plan, identities).keys() {
        let mut of_key: BTreeSet<i64> = transaction.all(
            "SELECT id FROM undelivered_keys JOIN undelivered USING (id) WHERE key = ? AND place < ?",
            params![key, place.unwrap_or(seq)],
            |row| row.get(0),
        )?;
        older.append(&mut of_key);
    }
    for id in older {
        let before: (Subject, Superseded) = transaction.row(
            "SELECT subject, superseded FROM undelivered WHERE id = ?",
            [id],
            |row| {
                Ok((
                    from_json(row.get_ref(0)?.as_str()?)?,
                    from_json(row.get_ref(1)?.as_str()?)?,
                ))
            },
        )?;
        let (mut subject, mut superseded) = before.clone();
        superseded.add(&mut subject, plan, identities);
        if subject != before.0 {
            keep_keys(transaction, id, &subject)?;
        }
        if (&subject, &superseded) != (&before.0, &before.1) {
            transaction.run(
                "UPDATE undelivered SET subject = ?, superseded = ? WHERE id = ?",
                params![json(&subject)?, json(&superseded)?, id],
            )?;
        }
    }
    Ok(())
}

/// A dead letter is put back into the queue with this number: as an older event, or else as a new one.
pub(super) fn replayed(
    transaction: &Transaction<'_>,
    dead_letter: i64,
    seq: i64,
    as_new: bool,
) -> rusqlite::Result<()> {
    if !as_new {
        transaction.run(
            "UPDATE undelivered SET letter = NULL, seq = ? WHERE letter = ?",
            [seq, dead_letter],
        )?;
    }
    Ok(())
}

/// What supersedes these events, as far as they are replayed.
pub(super) fn superseded(connection: &Connection, events: &[i64]) -> rusqlite::Result<BTreeMap<i64, Superseded>> {
    let mut query = connection.prepare_cached("SELECT superseded FROM undelivered WHERE seq = ?")?;
    let mut found = BTreeMap::new();
    for seq in events {
        let superseded = query.query_row([seq], |row| from_json(row.get_ref(0)?.as_str()?));
        found.extend(superseded.optional()?.map(|superseded| (*seq, superseded)));
    }
    Ok(found)
}

/// Whether the store keeps it: one of an earlier release that is only read has no such table.
pub(super) fn is_kept(connection: &Connection) -> rusqlite::Result<bool> {
    connection.table_exists(None, "undelivered")
}

/// What supersedes a dead letter.
pub(super) fn of_dead_letter(connection: &Connection, dead_letter: i64) -> rusqlite::Result<Option<Superseded>> {
    connection.first(
        "SELECT superseded FROM undelivered WHERE letter = ?",
        [dead_letter],
        |row| from_json(row.get_ref(0)?.as_str()?),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use intercom_api::ContactFields;
    use intercom_delivery::EventId;
    use rudderstack_to_intercom::{Identities, Lookup, LookupField, Plan, SaveContact};

    fn save(name: &str) -> Submission {
        let mut fields = ContactFields::new();
        fields.name = Some(name.to_owned());
        let plan = SaveContact::new(Lookup::new(LookupField::EXTERNAL_ID, "ann"), fields);
        let mut identities = Identities::new();
        identities.user_id = Some("ann".to_owned());
        Submission::new(EventId(0), Plan::SaveContact(plan), identities)
    }

    fn count(connection: &Connection, table: &str) -> i64 {
        let query = format!("SELECT count(*) FROM {table}");
        connection.query_row(&query, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn what_later_events_have_written_stays_with_a_dead_letter_and_with_its_replay() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(&format!("CREATE TABLE dead_letters (id INTEGER PRIMARY KEY); {TABLES}"))
            .unwrap();
        let transaction = connection.transaction().unwrap();
        let die = |seq, dead_letter| {
            transaction
                .execute("INSERT INTO dead_letters VALUES (?)", [dead_letter])
                .unwrap();
            died(&transaction, seq, dead_letter, &save("old")).unwrap();
        };
        let is_empty = |dead_letter| of_dead_letter(&transaction, dead_letter).unwrap().unwrap().is_empty();
        die(3, 1);
        delivered(&transaction, 2, Some(&save("older"))).unwrap();
        assert!(is_empty(1));
        delivered(&transaction, 4, Some(&save("new"))).unwrap();
        assert!(!is_empty(1));

        // Put back, and failed again: it is the older one still.
        for (seq, dead_letter) in [(9, 1), (12, 2)] {
            replayed(&transaction, dead_letter, seq, false).unwrap();
            transaction
                .execute("DELETE FROM dead_letters WHERE id = ?", [dead_letter])
                .unwrap();
            assert_eq!(superseded(&transaction, &[4, seq]).unwrap().len(), 1);
            die(seq, dead_letter + 1);
        }
        assert!(!is_empty(3));
        replayed(&transaction, 3, 20, false).unwrap();
        transaction.execute("DELETE FROM dead_letters", []).unwrap();
        delivered(&transaction, 20, None).unwrap();
        assert_eq!(count(&transaction, "undelivered_keys"), 0);

        // As new, or dropped: nothing is kept.
        die(30, 5);
        replayed(&transaction, 5, 31, true).unwrap();
        transaction.execute("DELETE FROM dead_letters", []).unwrap();
        assert!(superseded(&transaction, &[31]).unwrap().is_empty());
        assert_eq!(
            count(&transaction, "undelivered") + count(&transaction, "undelivered_keys"),
            0
        );
    }
}
