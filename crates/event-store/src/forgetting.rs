//! Forgetting people who are to be erased: what a store keeps of them goes for good.

use super::awaiting;
use super::dead_letter::from_json;
use super::history::{self, NewStep, PersonKeys, StepKind};
use super::queue::Queue;
use super::schema;
use super::totals::Totals;
use crate::error::Error;
use crate::statements::Statements as _;
use intercom_api::ExternalId;
use intercom_delivery::{ContactKey, KnownContact};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use serde::Serialize;

/// How many are deleted in one transaction, so that nobody waits for long.
const AT_A_TIME: usize = 500;

/// Somebody who is to be forgotten: by their user id, their email address, or both, where the email address is not meant of
/// events with another user id. `Debug` shows neither.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Person {
    /// The user id.
    pub user_id: Option<String>,
    /// The email address, in any case.
    pub email: Option<String>,
}

impl Person {
    /// Somebody with this user id, this email address, or both.
    pub fn new(user_id: Option<String>, email: Option<String>) -> Self {
        Self { user_id, email }
    }
}

exact_json::debug_shows! { Person { } }

/// How many events a store keeps of people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Traces {
    /// Dead letters, those among them that were dropped less than five minutes ago.
    pub dead_letters: u64,
    /// Events that wait for their contact.
    pub awaiting: u64,
    /// Events in the queue, which are delivered as soon as they can be.
    pub queued: u64,
}

/// The numbers of what is to be deleted.
#[derive(Default)]
struct Found {
    dead_letters: Vec<i64>,
    awaiting: Vec<i64>,
    learnt: Vec<i64>,
    queued: u64,
}

impl Found {
    fn traces(&self) -> Traces {
        Traces {
            dead_letters: self.dead_letters.len() as u64,
            awaiting: self.awaiting.len() as u64,
            queued: self.queued,
        }
    }
}

impl Queue {
    /// What the store has of people: events with their user id or email address.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn traces_of(&self, people: &[Person]) -> Result<Traces, Error> {
        Ok(find(&self.connection, people)?.traces())
    }

    /// Deletes for good what the store has of people: dead letters, events that wait for their contact, and what was learnt of
    /// their contacts. Says how many events there were. Those in the queue stay: they are being delivered, and a person is to
    /// be erased once they are. Of the history, what calls were answered goes, and hashes stay until they are too old. SQLite
    /// writes over what is deleted as it needs the room.
    ///
    /// # Errors
    ///
    /// If the store cannot be read or written; what was deleted by then is gone.
    pub fn forget(&mut self, people: &[Person]) -> Result<Traces, Error> {
        let mut writer = schema::open(&self.path)?;
        let found = find(&writer, people)?;
        let now = self.clock.now();
        each(&mut writer, &found.dead_letters, |transaction, totals, id| {
            forget_dead_letter(transaction, totals, id, now)
        })?;
        each(&mut writer, &found.awaiting, |transaction, totals, seq| {
            forget_awaiting(transaction, totals, seq, now)
        })?;
        each(&mut writer, &found.learnt, |transaction, _, seq| {
            transaction.run("DELETE FROM learnt WHERE seq = ?", [seq])
        })?;
        Ok(found.traces())
    }
}

fn find(connection: &Connection, people: &[Person]) -> rusqlite::Result<Found> {
    let mut keys = PersonKeys::default();
    for person in people {
        keys.add(person.user_id.as_deref(), person.email.as_deref());
    }
    let mut found = Found::default();
    visit(connection, "SELECT id, body FROM dead_letters", |id, body| {
        found.dead_letters.extend(keys.are_of(body).then_some(id));
    })?;
    visit(connection, "SELECT seq, body FROM awaiting", |seq, body| {
        found.awaiting.extend(keys.are_of(body).then_some(seq));
    })?;
    visit(connection, "SELECT seq, body FROM events", |_, body| {
        found.queued += u64::from(keys.are_of(body));
    })?;
    visit(connection, "SELECT seq, contact FROM learnt", |seq, contact| {
        let known = serde_json::from_str::<KnownContact>(contact).ok();
        let is_theirs = known.is_some_and(|known| {
            let user_id = known.external_id.as_ref().map(ExternalId::as_str);
            keys.have(user_id, known.email.as_deref())
        });
        found.learnt.extend(is_theirs.then_some(seq));
    })?;
    Ok(found)
}

fn visit(connection: &Connection, query: &str, mut visit: impl FnMut(i64, &str)) -> rusqlite::Result<()> {
    let mut query = connection.prepare(query)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        visit(row.get(0)?, row.get_ref(1)?.as_str()?);
    }
    Ok(())
}

fn each(
    writer: &mut Connection,
    all: &[i64],
    delete: impl Fn(&Transaction<'_>, &mut Totals, i64) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    for some in all.chunks(AT_A_TIME) {
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut totals = Totals::load(&transaction)?;
        for id in some {
            delete(&transaction, &mut totals, *id)?;
        }
        totals.save(&transaction)?;
        transaction.commit()?;
    }
    Ok(())
}

/// It may have been replayed meanwhile: then it is in the queue.
fn forget_dead_letter(transaction: &Transaction<'_>, totals: &mut Totals, id: i64, now: i64) -> rusqlite::Result<()> {
    let deleted = transaction.first(
        "DELETE FROM dead_letters WHERE id = ? RETURNING octet_length(body), event, dropped_at IS NULL",
        [id],
        |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, Option<i64>>(1)?,
                row.get::<_, bool>(2)?,
            ))
        },
    )?;
    let Some((bytes, event, is_counted)) = deleted else {
        return Ok(());
    };
    if is_counted {
        totals.dead -= 1;
        totals.dead_bytes -= bytes;
    }
    match event {
        Some(event) => forget_steps(transaction, event, is_counted, now),
        None => Ok(()),
    }
}

/// Their contact may have come meanwhile: then it is in the queue.
fn forget_awaiting(transaction: &Transaction<'_>, totals: &mut Totals, seq: i64, now: i64) -> rusqlite::Result<()> {
    let keys = transaction.first("DELETE FROM awaiting WHERE seq = ? RETURNING keys", [seq], |row| {
        from_json::<Vec<ContactKey>>(row.get_ref(0)?.as_str()?)
    })?;
    let Some(keys) = keys else { return Ok(()) };
    awaiting::forget_keys(transaction, seq, &keys)?;
    for query in [
        "DELETE FROM saved_companies WHERE seq = ?",
        "DELETE FROM intents WHERE seq = ?",
        "DELETE FROM undelivered WHERE seq = ?",
    ] {
        transaction.run(query, [seq])?;
    }
    totals.awaiting -= 1;
    let event = history::origin(transaction, seq)?;
    history::ended(transaction, seq, event)?;
    forget_steps(transaction, event, true, now)
}

/// What calls for an event were answered may quote it.
fn forget_steps(transaction: &Transaction<'_>, event: i64, is_dropped: bool, now: i64) -> rusqlite::Result<()> {
    transaction.run("UPDATE steps SET detail = NULL WHERE event = ?", [event])?;
    match is_dropped {
        true => history::note(transaction, event, now, &NewStep::of(StepKind::Dropped)),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{CompleteEvent, MessageKey};
    use crate::{About, Awaited, EventState, Filter, Settled, Settlement, Store, StoreSettings, Undelivered, Wanted};
    use intercom_delivery::FailureRecord;

    fn event(id: &str, text: &str) -> CompleteEvent {
        let json = format!(r#"{{"type":"identify","messageId":"{id}",{text}}}"#);
        CompleteEvent::new(json, MessageKey::of("key", id))
    }

    async fn settle(store: &Store, seq: i64, settlement: Settlement) {
        store.settle(vec![Settled::new(seq, settlement)]).await.unwrap();
        assert!(store.is_written().await.unwrap());
    }

    #[tokio::test]
    async fn what_a_store_has_of_a_person_goes_for_good_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.db");
        let store = Store::open(&path, StoreSettings::new()).unwrap();
        let ann = r#""userId":"ann-1042","traits":{"email":"Ann@Secret.example"}"#;
        let by_email = r#""anonymousId":"x","traits":{"email":"ann@secret.example"}"#;
        let bob = r#""userId":"bob","traits":{"name":"ann-1042","email":"ann@secret.example"}"#;
        let events = [ann, by_email, bob, ann, bob, ann, bob, ann]
            .into_iter()
            .enumerate()
            .map(|(at, text)| event(&format!("m-{at}"), text));
        store.accept(events.collect()).await.unwrap();
        let failed = || {
            let failure = FailureRecord::new("timeout");
            Settlement::Failed(Box::new(Undelivered::new(failure, About::default())))
        };
        for seq in [1, 2, 3, 8] {
            settle(&store, seq, failed()).await;
        }
        for seq in [4, 5] {
            let awaited = Awaited::new(vec![ContactKey(7)]);
            settle(&store, seq, Settlement::Awaits(Box::new(awaited))).await;
        }
        let mut learnt = Settled::new(7, Settlement::Delivered);
        let mut contact = KnownContact::new("6a1".parse().unwrap());
        contact.external_id = Some("ann-1042".into());
        learnt.learnt = Some(Box::new(contact));
        store.settle(vec![learnt]).await.unwrap();
        assert!(store.is_written().await.unwrap());
        let mut queue = store.queue().unwrap();
        assert_eq!(queue.drop_dead_letters(&Filter::one(4)).unwrap().dropped, 1);

        let people = [Person::new(
            Some("ann-1042".to_owned()),
            Some("ANN@secret.example".to_owned()),
        )];
        let expected = Traces {
            dead_letters: 3,
            awaiting: 1,
            queued: 1,
        };
        assert_eq!(queue.traces_of(&people).unwrap(), expected);
        assert_eq!(queue.forget(&people).unwrap(), expected);
        let left = Traces {
            queued: 1,
            ..Traces::default()
        };
        assert_eq!(queue.traces_of(&people).unwrap(), left);
        let status = queue.status().unwrap();
        assert_eq!((status.dead_letters, status.awaiting, status.events), (1, 1, 1));
        assert!(status.dead_letter_bytes > 0 && queue.learnt().unwrap().is_empty());
        let fates = |text: &str| -> Vec<EventState> {
            let found = queue.traced(&Wanted::with(text), 9).unwrap();
            found.iter().map(|event| event.state).collect()
        };
        use EventState::{Awaiting, Delivered, Dropped, Failed, Waiting};
        assert_eq!(fates("ann-1042"), [Dropped, Waiting, Dropped, Dropped]);
        assert_eq!(fates("bob"), [Delivered, Awaiting, Failed]);
        assert_eq!(queue.restore(None).unwrap(), 0);
        // Whoever is named by the email alone is whoever has it.
        let by_email = queue
            .traces_of(&[Person::new(None, Some("ann@secret.example".to_owned()))])
            .unwrap();
        assert_eq!((by_email.dead_letters, by_email.awaiting), (1, 1));
        // Their contact comes: nothing of theirs waits for it any more.
        assert_eq!(store.recall(vec![ContactKey(7)], 9).await.unwrap().len(), 1);
        settle(&store, 6, Settlement::Delivered).await;
        assert_eq!(queue.traces_of(&people).unwrap(), Traces::default());
        store.close().await;
    }
}
