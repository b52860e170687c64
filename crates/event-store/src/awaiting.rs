//! Events that wait for a contact who is not there yet (D34). They are no part of the queue: they neither fill it nor make it
//! look late, and the oldest end when they are too many or too old.

use super::dead_letter::{from_json, json};
use super::history;
use super::pending::Pending;
use super::settled::{Awaited, Settled, Settlement};
use super::target::{Target, TargetId};
use super::totals::Totals;
use crate::settings::Awaiting;
use crate::statements::Statements as _;
use intercom_api::CompanyId;
use intercom_delivery::ContactKey;
use rusqlite::{Connection, Transaction, params};
use std::collections::{BTreeMap, BTreeSet};

/// - `awaiting`: the events, with what becomes of each if nobody comes.
/// - `awaited_keys`: what their contacts can come under.
/// - `saved_companies`: the companies that were saved for events which have waited for their member.
pub(super) const TABLES: &str = "
ALTER TABLE totals ADD COLUMN awaiting INTEGER NOT NULL DEFAULT 0;
CREATE TABLE awaiting (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, since INTEGER NOT NULL, keys TEXT NOT NULL, failure TEXT,
    body TEXT NOT NULL
);
CREATE TABLE awaited_keys (key INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (key, seq)) WITHOUT ROWID;
CREATE TABLE saved_companies (seq INTEGER PRIMARY KEY, company TEXT NOT NULL);
";

/// How many end in one transaction at most.
const AT_A_TIME: i64 = 500;

/// An event whose contact has come: it is back in the queue.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Recalled {
    /// The event.
    pub event: Pending,
    /// The company that was saved for it.
    pub saved_company: Option<CompanyId>,
}

/// Takes an event out of the queue until its contact comes.
pub(super) fn keep(
    transaction: &Transaction<'_>,
    seq: i64,
    awaited: &Awaited,
    settings: &Awaiting,
    totals: &mut Totals,
    now: i64,
) -> rusqlite::Result<()> {
    let failure = awaited.otherwise.as_deref().map(json);
    let at: Option<i64> = transaction.value("SELECT at FROM events WHERE seq = ?", [seq])?;
    let Some(at) = at else { return Ok(()) };
    // Where it is looked for contacts, an event may begin to wait again.
    transaction.run(
        "INSERT OR REPLACE INTO awaiting (seq, at, since, keys, failure, body, target, look_at)
             SELECT seq, at, iif(target IS NULL, ?1, at), ?2, ?3, body, target, iif(target IS NULL, NULL, ?4)
             FROM events WHERE seq = ?5",
        params![
            now,
            json(&awaited.keys)?,
            failure.transpose()?,
            settings.next_look(at, now),
            seq
        ],
    )?;
    for ContactKey(key) in &awaited.keys {
        transaction.run(
            "INSERT OR IGNORE INTO awaited_keys VALUES (?, ?)",
            [key.cast_signed(), seq],
        )?;
    }
    if let Some(company) = &awaited.saved_company {
        transaction.run(
            "INSERT OR REPLACE INTO saved_companies VALUES (?, ?)",
            params![seq, company.as_str()],
        )?;
    }
    totals.take_out(transaction, seq)?;
    totals.awaiting += 1;
    Ok(())
}

/// An event does not wait for whoever comes under these keys any more.
pub(super) fn forget_keys(transaction: &Transaction<'_>, seq: i64, keys: &[ContactKey]) -> rusqlite::Result<()> {
    let delete = "DELETE FROM awaited_keys WHERE key = ? AND seq = ?";
    keys.iter()
        .try_for_each(|ContactKey(key)| transaction.run(delete, [key.cast_signed(), seq]))
}

/// Puts an event back into the queue, in its old place. None, if it does not wait.
fn put_back(transaction: &Transaction<'_>, seq: i64, totals: &mut Totals) -> rusqlite::Result<Option<Pending>> {
    let row = transaction.first(
        "DELETE FROM awaiting WHERE seq = ? RETURNING seq, at, body, keys, target",
        [seq],
        |row| {
            let keys: Vec<ContactKey> = from_json(row.get_ref(3)?.as_str()?)?;
            let target: Option<i64> = row.get(4)?;
            Ok((Pending::of(row)?, keys, target.map(TargetId)))
        },
    )?;
    let Some((event, keys, target)) = row else {
        return Ok(None);
    };
    forget_keys(transaction, seq, &keys)?;
    totals.put_in(transaction, seq, event.at, &event.body, target)?;
    totals.awaiting -= 1;
    Ok(Some(event))
}

/// Puts up to `limit` events of a target back whose contact has come under one of these keys, the oldest first.
pub(super) fn recall(
    transaction: &Transaction<'_>,
    target: Option<TargetId>,
    keys: &[ContactKey],
    limit: usize,
    totals: &mut Totals,
    now: i64,
) -> rusqlite::Result<Vec<Recalled>> {
    let mut found: BTreeSet<i64> = BTreeSet::new();
    let (target, most) = (target.map(|TargetId(id)| id), i64::try_from(limit).unwrap_or(i64::MAX));
    for ContactKey(key) in keys {
        let mut of_key: BTreeSet<i64> = transaction.all(
            "SELECT seq FROM awaited_keys JOIN awaiting USING (seq) WHERE key = ? AND target IS ? ORDER BY seq LIMIT ?",
            params![key.cast_signed(), target, most],
            |row| row.get(0),
        )?;
        found.append(&mut of_key);
    }
    let mut recalled = Vec::new();
    for seq in found.into_iter().take(limit) {
        if let Some(event) = put_back(transaction, seq, totals)? {
            history::recalled(transaction, seq, now)?;
            let saved_company = saved_company(transaction, seq)?;
            recalled.push(Recalled { event, saved_company });
        }
    }
    Ok(recalled)
}

fn saved_company(connection: &Connection, seq: i64) -> rusqlite::Result<Option<CompanyId>> {
    let found: Option<String> = connection.value("SELECT company FROM saved_companies WHERE seq = ?", [seq])?;
    Ok(found.and_then(|id| id.parse().ok()))
}

/// The event has ended.
pub(super) fn forget(transaction: &Transaction<'_>, seq: i64) -> rusqlite::Result<()> {
    transaction.run("DELETE FROM saved_companies WHERE seq = ?", [seq])
}

/// Puts events back that have waited for too long, or are too many, with what becomes of each.
pub(super) fn give_up(
    transaction: &Transaction<'_>,
    settings: &Awaiting,
    totals: &mut Totals,
    now: i64,
) -> rusqlite::Result<Vec<Settled>> {
    if totals.awaiting == 0 {
        return Ok(Vec::new());
    }
    let age = i64::try_from(settings.age.as_millis()).unwrap_or(i64::MAX);
    let beyond = totals.awaiting - i64::try_from(settings.events).unwrap_or(i64::MAX);
    let first: Option<i64> = transaction.value("SELECT since FROM awaiting ORDER BY seq LIMIT 1", [])?;
    if first.is_none_or(|since| beyond <= 0 && now.saturating_sub(since) <= age) {
        return Ok(Vec::new());
    }
    let found: Vec<(i64, i64, Option<String>)> = transaction.all(
        "SELECT seq, since, failure FROM awaiting ORDER BY seq LIMIT ?",
        [AT_A_TIME],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let mut given_up = Vec::new();
    for (at, (seq, since, failure)) in (0..).zip(found) {
        if at >= beyond && now.saturating_sub(since) <= age {
            break;
        }
        put_back(transaction, seq, totals)?;
        let settlement = match failure {
            Some(failure) => Settlement::Failed(Box::new(from_json(&failure)?)),
            None => Settlement::Delivered,
        };
        given_up.push(Settled::new(seq, settlement));
    }
    Ok(given_up)
}

/// Up to `limit` events that wait, after the one with this number, in order.
pub(super) fn events(connection: &Connection, after: i64, limit: usize) -> rusqlite::Result<Vec<Pending>> {
    connection.all(
        "SELECT seq, at, body FROM awaiting WHERE seq > ? ORDER BY seq LIMIT ?",
        params![after, i64::try_from(limit).unwrap_or(i64::MAX)],
        Pending::of,
    )
}

/// All keys under which contacts can come that events wait for.
pub(super) fn keys(connection: &Connection) -> rusqlite::Result<Vec<ContactKey>> {
    let mut query = connection.prepare("SELECT DISTINCT key FROM awaited_keys")?;
    let keys = query.query_map([], |row| row.get::<_, i64>(0))?;
    keys.map(|key| Ok(ContactKey(key?.cast_unsigned()))).collect()
}

/// Those of a target's events.
pub(super) fn keys_of(connection: &Connection, target: &Target) -> rusqlite::Result<Vec<ContactKey>> {
    let mut query = connection.prepare(
        "SELECT DISTINCT key FROM targets JOIN awaiting ON target = targets.id JOIN awaited_keys USING (seq)
         WHERE workspace = ? AND destination = ?",
    )?;
    let keys = query.query_map([&target.workspace, &target.destination], |row| row.get::<_, i64>(0))?;
    keys.map(|key| Ok(ContactKey(key?.cast_unsigned()))).collect()
}

/// Up to `limit` events of a target for whose contacts it is time to look, those that are due longest first.
pub(super) fn due(
    connection: &Connection,
    TargetId(target): TargetId,
    now: i64,
    limit: i64,
) -> rusqlite::Result<Vec<Pending>> {
    connection.all(
        "SELECT seq, at, body FROM awaiting WHERE target = ? AND look_at <= ? ORDER BY look_at, seq LIMIT ?",
        [target, now, limit],
        Pending::of,
    )
}

/// It was looked in vain for a contact that can come under these keys: when it is looked again for it. What came last for it
/// decides.
pub(super) fn looked(
    transaction: &Transaction<'_>,
    TargetId(target): TargetId,
    keys: &[ContactKey],
    settings: &Awaiting,
    now: i64,
) -> rusqlite::Result<()> {
    for ContactKey(key) in keys {
        let key = key.cast_signed();
        let last: Option<i64> = transaction.row(
            "SELECT max(at) FROM awaited_keys JOIN awaiting USING (seq) WHERE key = ? AND target = ?",
            [key, target],
            |row| row.get(0),
        )?;
        let Some(last) = last else { continue };
        transaction.run(
            "UPDATE awaiting SET look_at = ? WHERE target = ? AND seq IN (SELECT seq FROM awaited_keys WHERE key = ?)",
            [settings.next_look(last, now), target, key],
        )?;
    }
    Ok(())
}

/// Since when the first event waits; none, if none does.
pub(super) fn oldest(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    connection.value("SELECT since FROM awaiting ORDER BY seq LIMIT 1", [])
}

/// The companies that were saved for events of the queue that have waited for their member.
pub(super) fn saved_companies(connection: &Connection) -> rusqlite::Result<BTreeMap<i64, CompanyId>> {
    let query = "SELECT seq, company FROM saved_companies JOIN events USING (seq)";
    let saved: Vec<(i64, String)> = connection.all(query, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let known = |(seq, company): (i64, String)| Some((seq, company.parse().ok()?));
    Ok(saved.into_iter().filter_map(known).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::now;
    use crate::dead_letter::Filter;
    use crate::early::EarlyEvent;
    use crate::event::{CompleteEvent, MessageKey};
    use crate::settings::{Keeper, StoreSettings};
    use crate::settled::{About, Undelivered};
    use crate::store::Store;
    use intercom_delivery::FailureRecord;
    use std::time::Duration;

    #[tokio::test]
    async fn an_event_is_found_by_any_of_its_keys_and_keeps_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("events.db"), StoreSettings::new()).unwrap();
        let event = |id| CompleteEvent::new(r#"{"type":"track"}"#.to_owned(), MessageKey::of("key", id));
        store.accept(vec![event("a"), event("b")]).await.unwrap();
        let keys = [1, u64::MAX].map(ContactKey);
        let awaited = Settlement::Awaits(Box::new(Awaited::new(keys.to_vec())));
        store.settle(vec![Settled::new(1, awaited)]).await.unwrap();
        assert!(store.recall(vec![ContactKey(7)], 9).await.unwrap().is_empty());
        let counts = || {
            let status = store.queue().unwrap().status().unwrap();
            (status.events, status.awaiting)
        };
        assert_eq!(counts(), (1, 1));
        let queue = store.queue().unwrap();
        let numbers = |found: Vec<crate::TracedEvent>| found.iter().map(|event| event.number).collect::<Vec<_>>();
        assert_eq!(numbers(queue.longest_waiting(9).unwrap()), [2]);
        assert_eq!(numbers(queue.longest_kept(9).unwrap()), [1, 2]);
        let back = store.recall(vec![keys[1]], 9).await.unwrap();
        assert_eq!(back.iter().map(|back| back.event.seq).collect::<Vec<_>>(), [1]);
        assert_eq!(counts(), (2, 0));
        assert!(store.recall(keys.to_vec(), 9).await.unwrap().is_empty());
        store.close().await;
    }

    /// A store of a transformer.
    fn transformers(path: &std::path::Path) -> Store {
        let mut settings = StoreSettings::new();
        settings.keeper = Keeper::Transformer;
        settings.awaiting.first_look = Duration::ZERO;
        Store::open(path, settings).unwrap()
    }

    fn early(id: &str, target: &Target, key: u64) -> EarlyEvent {
        let json = format!(r#"{{"messageId":"{id}"}}"#);
        let event = CompleteEvent::new(json, MessageKey::of(&target.destination, id));
        let mut awaited = Awaited::new(vec![ContactKey(key)]);
        awaited.otherwise = Some(Box::new(Undelivered::new(FailureRecord::new("x"), About::default())));
        EarlyEvent::new(event, now() - 1_000, target.clone(), awaited)
    }

    #[tokio::test]
    async fn an_early_event_is_of_its_target_and_stays_so_as_a_dead_letter_that_is_replayed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.db");
        let store = transformers(&path);
        let (one, mut two) = (Target::new("w", "one"), Target::new("w", "two"));
        for event in [early("a", &one, 7), early("a", &one, 7), early("a", &two, 7)] {
            store.keep(event).await.is_written().await.unwrap();
        }
        let queue = store.queue().unwrap();
        assert_eq!(queue.status().unwrap().awaiting, 2, "one is a repeat");
        assert_eq!(queue.awaited_of(&two).unwrap(), [ContactKey(7)]);
        let targets = queue.targets().unwrap();
        let [(first, _), (second, _)] = targets.as_slice() else {
            panic!("{targets:?}")
        };
        let back = store.recall_for(two.clone(), vec![ContactKey(7)], 9).await.unwrap();
        assert_eq!(back.len(), 1);
        let pending = |target| queue.pending_of(target, 0, 9).unwrap();
        assert_eq!((pending(*first).len(), pending(*second).len()), (0, 1));
        // It fails, and is put back by hand.
        let failed = Settlement::Failed(Box::new(Undelivered::new(FailureRecord::new("x"), About::default())));
        let settled = Settled::new(back[0].event.seq, failed);
        store.settle(vec![settled]).await.unwrap();
        assert!(store.is_written().await.unwrap() && pending(*second).is_empty());
        store.queue().unwrap().replay(&Filter::all(), false).unwrap();
        assert_eq!(pending(*second).len(), 1);
        // What is known of a target is what came last.
        two.settings = r#"{"apiServer":"EU"}"#.to_owned();
        store.keep(early("b", &two, 8)).await.is_written().await.unwrap();
        assert_eq!(queue.targets().unwrap()[1].1.settings, two.settings);
        store.close().await;
        // Nobody delivers it to another workspace.
        let error = Store::open(&path, StoreSettings::new()).unwrap_err();
        assert_eq!(error.code(), "store_of_another");
        let others = folder.path().join("others.db");
        let store = Store::open(&others, StoreSettings::new()).unwrap();
        store.accept(vec![early("a", &one, 7).event]).await.unwrap();
        store.close().await;
        let mut settings = StoreSettings::new();
        settings.keeper = Keeper::Transformer;
        assert_eq!(Store::open(&others, settings).unwrap_err().code(), "store_of_another");
    }

    #[tokio::test]
    async fn it_is_looked_for_a_contact_time_and_again_and_ever_more_rarely() {
        let folder = tempfile::tempdir().unwrap();
        let store = transformers(&folder.path().join("events.db"));
        let target = Target::new("w", "one");
        store.keep(early("a", &target, 7)).await.is_written().await.unwrap();
        let queue = store.queue().unwrap();
        let (id, _) = queue.targets().unwrap().remove(0);
        let started = std::time::Instant::now();
        while queue.due(id, 9).unwrap().is_empty() {
            assert!(started.elapsed() < Duration::from_secs(20));
            std::thread::yield_now();
        }
        let (awaiting, second) = (Awaiting::default(), 1_000);
        let mut looks = Vec::new();
        let mut now = 0;
        while looks.len() < 8 {
            now = awaiting.next_look(0, now);
            looks.push(now / second);
        }
        assert_eq!(looks, [10, 60, 300, 900, 3_600, 7_200, 10_800, 14_400]);
        // However old it is, it is not looked without a pause.
        assert_eq!(awaiting.next_look(0, 299 * second), 309 * second);
        store.close().await;
    }
}
