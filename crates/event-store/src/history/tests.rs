use crate::event::{CompleteEvent, MessageKey};
use crate::settings::{History, StoreSettings};
use crate::{
    About, Awaited, EventState, Filter, How, Note, Queue, Settled, Settlement, StepKind, Store, TracedEvent,
    Undelivered, Wanted, schema,
};
use intercom_delivery::{ContactKey, FailureRecord};
use std::time::Duration;
use tempfile::TempDir;

fn event(user: &str, id: &str) -> CompleteEvent {
    let json = format!(
        r#"{{"type":"track","event":"Plan Changed","userId":"{user}","messageId":"{id}","properties":{{"email":"{user}@x.example"}}}}"#
    );
    CompleteEvent::new(json, MessageKey::of("key", id))
}

async fn open(settings: StoreSettings) -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("events.db"), settings).unwrap();
    (folder, store)
}

fn failed(code: &str) -> Settlement {
    let mut failure = FailureRecord::new(code);
    (failure.status, failure.request_id, failure.attempts) = (Some(422), Some("r-1".to_owned()), 1);
    Settlement::Failed(Box::new(Undelivered::new(failure, About::default())))
}

fn failed_of(user: &str) -> Settlement {
    let about = About {
        user_id: Some(user.to_owned()),
        ..About::default()
    };
    Settlement::Failed(Box::new(Undelivered::new(FailureRecord::new("timeout"), about)))
}

async fn settle(store: &Store, seq: i64, settlement: Settlement) {
    store.settle(vec![Settled::new(seq, settlement)]).await.unwrap();
    assert!(store.is_written().await.unwrap());
}

fn found(queue: &Queue, text: &str) -> Vec<(i64, EventState)> {
    let events = queue.traced(&Wanted::with(text), 100).unwrap();
    events.iter().map(|event| (event.number, event.state)).collect()
}

fn steps(queue: &Queue, number: i64) -> Vec<StepKind> {
    let history = queue.history(number).unwrap().unwrap();
    history.steps.iter().map(|step| step.what).collect()
}

fn one(queue: &Queue, number: i64) -> TracedEvent {
    queue.history(number).unwrap().unwrap().event
}

#[tokio::test]
async fn events_are_found_by_whose_they_are_whatever_has_become_of_them() {
    let (_folder, store) = open(StoreSettings::new()).await;
    store
        .accept(vec![event("1042", "m-1"), event("7", "m-2")])
        .await
        .unwrap();
    store
        .accept(vec![event("1042", "m-3"), event("1042", "m-3")])
        .await
        .unwrap();
    let mut delivered = Settled::new(1, Settlement::Delivered);
    delivered.how = How {
        calls: 2,
        request_id: Some("r-9".to_owned()),
        unchanged: false,
        notes: vec![Note {
            code: "attribute_dropped".to_owned(),
            at: Some("plan".to_owned()),
        }],
    };
    store.settle(vec![delivered]).await.unwrap();
    assert!(store.is_written().await.unwrap());
    let queue = store.queue().unwrap();
    let of_her = [(3, EventState::Waiting), (1, EventState::Delivered)];
    for text in ["1042", " 1042@X.example "] {
        assert_eq!(found(&queue, text), of_her, "{text}");
    }
    assert_eq!(found(&queue, "m-1"), [(1, EventState::Delivered)]);
    assert!(found(&queue, "104").is_empty());
    let first = one(&queue, 1);
    assert_eq!(
        (first.name.as_deref(), first.attempts, first.person),
        (Some("Plan Changed"), 1, one(&queue, 3).person)
    );
    let step = queue.history(1).unwrap().unwrap().steps.remove(0);
    assert_eq!((step.calls, step.request_id.as_deref()), (Some(2), Some("r-9")));
    assert_eq!(step.detail.notes[0].at.as_deref(), Some("plan"));
    // It is gone, and nothing of it is left in clear.
    assert!(queue.event(1).unwrap().is_none() && queue.event(3).unwrap().is_some());
    let shown = serde_json::to_string(&queue.traced(&Wanted::all(), 9).unwrap()).unwrap();
    assert!(!shown.contains("1042") && !shown.contains("m-1"), "{shown}");
    store.close().await;
}

#[tokio::test]
async fn what_happens_to_an_event_is_kept_across_replays_and_restarts() {
    let (folder, store) = open(StoreSettings::new()).await;
    store.accept(vec![event("ann", "m-1")]).await.unwrap();
    settle(&store, 1, failed("undefined_attribute")).await;
    let mut queue = store.queue().unwrap();
    assert_eq!(
        (one(&queue, 1).state, one(&queue, 1).dead_letter),
        (EventState::Failed, Some(1))
    );
    assert_eq!(queue.replay(&Filter::all(), false).unwrap(), 1);
    assert_eq!(found(&queue, "ann"), [(1, EventState::Waiting)]);
    assert!(queue.event(1).unwrap().is_some());
    store.close().await;
    let store = Store::open(&folder.path().join("events.db"), StoreSettings::new()).unwrap();
    let seq = queue.pending(0, 9).unwrap()[0].seq;
    let awaited = Settlement::Awaits(Box::new(Awaited::new(vec![ContactKey(1)])));
    settle(&store, seq, awaited).await;
    assert_eq!(one(&queue, 1).state, EventState::Awaiting);
    assert_eq!(queue.awaiting(0, 9).unwrap().len(), 1);
    assert_eq!(store.recall(vec![ContactKey(1)], 9).await.unwrap().len(), 1);
    settle(&store, seq, failed("bad_request")).await;
    assert!(queue.replay_edited(2, r#"{"type":"track","edited":true}"#).unwrap());
    assert!(!queue.replay_edited(2, "{}").unwrap());
    let edited = queue.pending(0, 9).unwrap().remove(0);
    assert!(edited.body.contains("edited"));
    settle(&store, edited.seq, Settlement::Delivered).await;
    use StepKind::{Awaits, Delivered, Failed, Recalled, Replayed};
    assert_eq!(
        steps(&queue, 1),
        [Failed, Replayed, Awaits, Recalled, Failed, Replayed, Delivered]
    );
    let event = one(&queue, 1);
    assert_eq!(
        (event.state, event.number, event.dead_letter),
        (EventState::Delivered, 1, None)
    );
    assert_eq!(found(&queue, "ann").len(), 1, "a replay is no event of its own");
    store.close().await;
}

#[tokio::test]
async fn that_dead_letters_were_dropped_can_be_undone() {
    let (_folder, store) = open(StoreSettings::new()).await;
    store
        .accept(vec![event("ann", "m-1"), event("bob", "m-2")])
        .await
        .unwrap();
    settle(&store, 1, failed("timeout")).await;
    settle(&store, 2, failed("timeout")).await;
    let mut queue = store.queue().unwrap();
    let dropped = queue.drop_dead_letters(&Filter::one(1)).unwrap();
    assert_eq!((dropped.dropped, queue.status().unwrap().dead_letters), (1, 1));
    assert!(queue.dead_letter(1).unwrap().is_none());
    assert_eq!(queue.dead_letters(&Filter::all(), 9, true).unwrap().len(), 1);
    assert_eq!(one(&queue, 1).state, EventState::Dropped);
    assert!(queue.event(1).unwrap().is_none());
    assert_eq!(queue.replay(&Filter::one(1), false).unwrap(), 0);
    assert_eq!(queue.restore(Some(dropped.at - 1)).unwrap(), 0);
    assert_eq!(queue.restore(Some(dropped.at)).unwrap(), 1);
    assert_eq!(
        (one(&queue, 1).state, one(&queue, 1).dead_letter),
        (EventState::Failed, Some(1))
    );
    assert_eq!(queue.status().unwrap().dead_letters, 2);
    store.close().await;
}

#[tokio::test]
async fn the_oldest_are_forgotten() {
    let mut settings = StoreSettings::new();
    settings.history = History {
        events: 300,
        age: Duration::from_secs(3_600),
    };
    let (_folder, store) = open(settings).await;
    store.accept(vec![event("bob", "m-b")]).await.unwrap();
    settle(&store, 1, failed_of("bob")).await;
    for batch in 0..20 {
        let events = (0..50).map(|at| event("ann", &format!("m-{batch}-{at}"))).collect();
        store.accept(events).await.unwrap();
        let settled = (batch * 50 + 2..=batch * 50 + 51).map(|seq| Settled::new(seq, Settlement::Delivered));
        store.settle(settled.collect()).await.unwrap();
    }
    assert!(store.is_written().await.unwrap());
    let queue = store.queue().unwrap();
    let kept = queue.traced(&Wanted::with("ann"), 10_000).unwrap();
    assert!((300..600).contains(&kept.len()), "{}", kept.len());
    assert_eq!(kept[0].number, 1_001);
    assert!(queue.history(2).unwrap().is_none() && queue.history(1_001).unwrap().is_some());
    // As long as there is a dead letter, it is found.
    assert_eq!(found(&queue, "bob"), [(1, EventState::Failed)]);
    assert_eq!(
        (one(&queue, 1).code.as_deref(), one(&queue, 1).dead_letter),
        (Some("timeout"), Some(1))
    );
    store.close().await;
}

/// It is searched in several places at a time.
#[tokio::test]
async fn a_long_history_is_searched_as_a_whole_the_newest_first() {
    const EVENTS: usize = 100_000;
    let (_folder, store) = open(StoreSettings::new()).await;
    for batch in 0..EVENTS / 2_000 {
        let of = |at: usize| if at % 1_000 == 7 { "rare" } else { "many" };
        let events = (batch * 2_000..(batch + 1) * 2_000).map(|at| event(of(at), &format!("m-{at}")));
        store.accept(events.collect()).await.unwrap();
    }
    assert!(store.is_written().await.unwrap());
    let queue = store.queue().unwrap();
    let numbers = |wanted: &Wanted, limit: usize| -> Vec<i64> {
        let found = queue.traced(wanted, limit).unwrap();
        found.iter().map(|event| event.number).collect()
    };
    let rare: Vec<i64> = (0..EVENTS as i64 / 1_000).rev().map(|at| at * 1_000 + 8).collect();
    assert_eq!(numbers(&Wanted::with("rare"), 1_000), rare);
    for limit in [1, 30, 99] {
        assert_eq!(numbers(&Wanted::with("rare"), limit), rare[..limit]);
    }
    let newest: Vec<i64> = (EVENTS as i64 - 49..=EVENTS as i64).rev().collect();
    assert_eq!(numbers(&Wanted::with("many"), 50), newest);
    for (before, after) in [(90_008, 8), (99_008, 50_008), (100_001, 0), (8, 0)] {
        let mut wanted = Wanted::with("rare");
        (wanted.before, wanted.after) = (Some(before), Some(after));
        let expected: Vec<i64> = rare
            .iter()
            .copied()
            .filter(|at| (after + 1..before).contains(at))
            .collect();
        assert_eq!(numbers(&wanted, 1_000), expected, "{after}..{before}");
    }
    assert_eq!(numbers(&Wanted::with("m-12345"), 9), [12_346]);
    assert!(numbers(&Wanted::with("nobody"), 9).is_empty());
    store.close().await;
}

#[tokio::test]
async fn nothing_is_kept_if_it_is_not_wanted() {
    let mut settings = StoreSettings::new();
    settings.history.events = 0;
    let (_folder, store) = open(settings).await;
    store.accept(vec![event("ann", "m-1")]).await.unwrap();
    settle(&store, 1, Settlement::Delivered).await;
    let queue = store.queue().unwrap();
    assert!(queue.traced(&Wanted::all(), 9).unwrap().is_empty());
    let connection = rusqlite::Connection::open(store.path()).unwrap();
    let steps: i64 = connection
        .query_row("SELECT count(*) FROM steps", [], |row| row.get(0))
        .unwrap();
    assert_eq!(steps, 0);
    store.close().await;
}

#[tokio::test]
async fn a_store_of_version_1_goes_on() {
    let (folder, store) = open(StoreSettings::new()).await;
    let path = folder.path().join("events.db");
    store.accept(vec![event("ann", "a")]).await.unwrap();
    store.close().await;
    let first = schema::open(&path).unwrap();
    let detail = r#"{"path":"/event","message":"m"}"#;
    first
        .execute(
            "INSERT INTO dead_letters (at, received_at, kind, code, detail, body)
             VALUES (1, 1, 'rejected', 'missing_event_name', ?, '{}')",
            [detail],
        )
        .unwrap();
    first
        .execute_batch("DROP TABLE learnt; DROP TABLE intents; DROP TRIGGER undelivered_letter; DROP TABLE undelivered; DROP TABLE undelivered_keys; DROP TABLE awaiting; \
             DROP TABLE awaited_keys; DROP TABLE saved_companies; DROP TABLE targets; DROP INDEX events_target; \
             ALTER TABLE events DROP COLUMN target; ALTER TABLE dead_letters DROP COLUMN target; ALTER TABLE totals DROP COLUMN awaiting; ALTER TABLE totals DROP COLUMN traced; ALTER TABLE totals DROP COLUMN seed; DROP INDEX dead_letters_event; DROP INDEX dead_letters_dropped; ALTER TABLE dead_letters DROP COLUMN event; ALTER TABLE dead_letters DROP COLUMN dropped_at; DROP TABLE received; DROP TABLE steps; DROP TABLE replays; DROP TABLE recipient; PRAGMA user_version = 1;")
        .unwrap();
    drop(first);
    // Another program may look at it first.
    let queue = Queue::open(&path).unwrap();
    assert_eq!(
        (queue.pending(0, 9).unwrap().len(), queue.status().unwrap().awaiting),
        (1, 0)
    );
    assert_eq!(queue.dead_letters(&Filter::all(), 9, true).unwrap().len(), 1);
    assert!(queue.traced(&Wanted::all(), 9).unwrap().is_empty() && queue.awaiting(0, 9).unwrap().is_empty());
    let store = Store::open(&path, StoreSettings::new()).unwrap();
    let queue = store.queue().unwrap();
    assert!(queue.learnt().unwrap().is_empty());
    let detail = queue.dead_letter(1).unwrap().unwrap().detail;
    assert_eq!((detail.path.as_deref(), detail.reason.as_str()), (Some("/event"), "m"));
    let traced = queue.traced(&Wanted::all(), 9).unwrap();
    let traced: Vec<_> = traced.iter().map(|event| (event.number, event.state)).collect();
    assert_eq!(traced, [(2, EventState::Rejected), (1, EventState::Waiting)]);
    assert_eq!(found(&queue, "ann").len(), 1);
    store.accept(vec![event("ann", "b")]).await.unwrap();
    assert_eq!(
        found(&queue, "ann"),
        [(3, EventState::Waiting), (1, EventState::Waiting)]
    );
    store.close().await;
}
