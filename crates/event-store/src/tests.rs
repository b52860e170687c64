use crate::schema;
use crate::*;
use intercom_delivery::{FailureRecord, KnownContact};
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

struct Bench {
    folder: TempDir,
    settings: StoreSettings,
}

impl Bench {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            settings: StoreSettings::new(),
        }
    }
    fn path(&self) -> PathBuf {
        self.folder.path().join("events.db")
    }
    fn open(&self) -> Store {
        Store::open(&self.path(), self.settings.clone()).unwrap()
    }
}

fn event(id: &str) -> CompleteEvent {
    let json = format!(r#"{{"messageId":"{id}","type":"track"}}"#);
    CompleteEvent::new(json, MessageKey::of("key", id))
}

fn events(ids: &[&str]) -> Vec<CompleteEvent> {
    ids.iter().map(|id| event(id)).collect()
}

fn pending(queue: &Queue) -> Vec<(i64, String)> {
    let pending = queue.pending(0, 100).unwrap();
    let id = |body: &str| body.split('"').nth(3).unwrap().to_owned();
    pending.iter().map(|event| (event.seq, id(&event.body))).collect()
}

fn dead_letter(code: &'static str, user: &str) -> Box<Undelivered> {
    let mut failure = FailureRecord::new(code);
    failure.status = Some(503);
    let about = About {
        user_id: Some(user.to_owned()),
        ..About::default()
    };
    Box::new(Undelivered::new(failure, about))
}

#[tokio::test]
async fn what_is_acknowledged_is_there_after_a_restart() {
    let bench = Bench::new();
    let store = bench.open();
    let accepted = store.accept(events(&["a", "b"])).await.unwrap();
    assert_eq!((accepted.stored, accepted.repeated), (2, 0));
    // Not closed: another process would see what is on disk now.
    let queue = Queue::open(&bench.path()).unwrap();
    assert_eq!(pending(&queue), [(1, "a".into()), (2, "b".into())]);
    store
        .settle(vec![Settled::new(1, Settlement::Delivered)])
        .await
        .unwrap();
    store.close().await;
    let store = bench.open();
    assert_eq!(pending(&queue), [(2, "b".into())]);
    store.accept(events(&["c"])).await.unwrap();
    assert_eq!(pending(&queue), [(2, "b".into()), (3, "c".into())]);
    let minutes = queue.minutes(0).unwrap();
    let sum = |of: fn(&Minute) -> i64| minutes.iter().map(of).sum::<i64>();
    assert_eq!((sum(|minute| minute.received), sum(|minute| minute.delivered)), (3, 1));
    store.close().await;
}

#[tokio::test]
async fn a_number_is_never_used_twice() {
    let bench = Bench::new();
    let store = bench.open();
    store.accept(events(&["a"])).await.unwrap();
    store
        .settle(vec![Settled::new(1, Settlement::Delivered)])
        .await
        .unwrap();
    store.accept(events(&["b"])).await.unwrap();
    assert_eq!(pending(&store.queue().unwrap()), [(2, "b".into())]);
}

#[tokio::test]
async fn repeats_are_dropped_within_the_window_across_restarts() {
    let mut bench = Bench::new();
    bench.settings.repeats.remembered = 3;
    let store = bench.open();
    let accepted = store.accept(events(&["a", "a", "b"])).await.unwrap();
    assert_eq!((accepted.stored, accepted.repeated), (2, 1));
    store
        .settle(vec![Settled::new(1, Settlement::Delivered)])
        .await
        .unwrap();
    store.close().await;
    let store = bench.open();
    assert_eq!(store.accept(events(&["a"])).await.unwrap().repeated, 1);
    // The oldest are forgotten, a whole request at a time.
    store.accept(events(&["c", "d"])).await.unwrap();
    assert_eq!(store.accept(events(&["d"])).await.unwrap().repeated, 1);
    assert_eq!(store.accept(events(&["a"])).await.unwrap().stored, 1);
    store.close().await;

    bench.settings.repeats = Repeats {
        window: Duration::ZERO,
        ..bench.settings.repeats
    };
    let store = bench.open();
    assert_eq!(store.accept(events(&["a", "a"])).await.unwrap().stored, 2);
}

#[tokio::test]
async fn a_full_store_takes_nothing_of_a_request() {
    let mut bench = Bench::new();
    bench.settings.bounds = Bounds {
        events: 2,
        ..Bounds::default()
    };
    let store = bench.open();
    store.accept(events(&["a"])).await.unwrap();
    assert_eq!(store.accept(events(&["b", "c"])).await, Err(Refusal::TooManyEvents));
    // What was turned away is no repeat when it comes again.
    store.settle(vec![Settled::new(1, Settlement::Skipped)]).await.unwrap();
    assert_eq!(store.accept(events(&["b", "c"])).await.unwrap().stored, 2);
    store.close().await;

    bench.settings.bounds = Bounds {
        bytes: 90,
        ..Bounds::default()
    };
    let store = bench.open();
    assert_eq!(store.accept(events(&["d"])).await, Err(Refusal::TooManyBytes));
    store.close().await;

    bench.settings.bounds = Bounds {
        age: Some(Duration::from_secs(60)),
        ..Bounds::default()
    };
    let store = bench.open();
    store.accept(events(&["d"])).await.unwrap();
    let other = schema::open(&bench.path()).unwrap();
    other
        .execute("UPDATE events SET at = at - 61000 WHERE seq = 2", [])
        .unwrap();
    assert_eq!(store.accept(events(&["e"])).await, Err(Refusal::TooFarBehind));
}

#[tokio::test]
async fn dead_letters_are_found_replayed_and_dropped() {
    let bench = Bench::new();
    let store = bench.open();
    store.accept(events(&["a", "b", "c", "d", "e"])).await.unwrap();
    let settlements = [
        Settlement::Failed(dead_letter("timeout", "ann")),
        Settlement::Rejected(dead_letter("missing_event_name", "bob")),
        Settlement::Failed(dead_letter("timeout", "bob")),
        Settlement::Dismissed("unsupported_event_type"),
    ];
    let settled: Vec<_> = (1..).zip(settlements).map(|(seq, of)| Settled::new(seq, of)).collect();
    store.settle(settled.clone()).await.unwrap();
    // The same again, as after a crash, changes nothing.
    store.settle(settled).await.unwrap();
    store.accept(Vec::new()).await.unwrap();

    let mut queue = store.queue().unwrap();
    let status = queue.status().unwrap();
    assert_eq!((status.events, status.dead_letters), (1, 3));
    let codes: Vec<_> = queue
        .codes()
        .unwrap()
        .into_iter()
        .map(|code| (code.code, code.count))
        .collect();
    assert_eq!(codes[0], ("timeout".into(), 2));
    assert_eq!(codes.len(), 3);
    let ids = |filter: &Filter| -> Vec<i64> {
        let found = store.queue().unwrap().dead_letters(filter, 10, false).unwrap();
        found.iter().map(|dead_letter| dead_letter.id).collect()
    };
    let by_code = Filter {
        codes: vec!["timeout".into()],
        ..Filter::all()
    };
    let by_user = Filter {
        user_id: Some("bob".into()),
        ..Filter::all()
    };
    assert_eq!(ids(&Filter::all()), [3, 2, 1]);
    assert_eq!(ids(&by_code), [3, 1]);
    assert_eq!(ids(&by_user), [3, 2]);
    assert!(
        ids(&Filter {
            since: Some(i64::MAX),
            ..Filter::all()
        })
        .is_empty()
    );
    assert_eq!(
        ids(&Filter {
            before_id: Some(3),
            until: Some(i64::MAX),
            ..by_user.clone()
        }),
        [2]
    );
    let found = queue.dead_letter(2).unwrap().unwrap();
    assert_eq!(found.event.unwrap().get(), event("b").json);
    assert!(queue.dead_letter(9).unwrap().is_none());
    let record = queue.dead_letter(1).unwrap().unwrap().into_record();
    assert_eq!((record.code.as_str(), record.status), ("timeout", Some(503)));
    assert_eq!(record.event.unwrap().get(), event("a").json);

    assert_eq!(queue.replay(&by_code, false).unwrap(), 2);
    assert_eq!(pending(&queue), [(5, "e".into()), (6, "a".into()), (7, "c".into())]);
    assert_eq!(queue.drop_dead_letters(&Filter::one(2)).unwrap().dropped, 1);
    let status = queue.status().unwrap();
    assert_eq!(
        (status.events, status.dead_letters, status.dead_letter_bytes),
        (3, 0, 0)
    );
    assert_eq!(status.event_bytes, 3 * event("a").json.len() as i64);
    // The gateway goes on behind what was put back.
    store.accept(events(&["f"])).await.unwrap();
    assert_eq!(pending(&queue).last().unwrap(), &(8, "f".to_owned()));
}

#[tokio::test]
async fn a_store_has_one_gateway() {
    let bench = Bench::new();
    let store = bench.open();
    assert!(matches!(
        Store::open(&bench.path(), bench.settings.clone()),
        Err(Error::InUse(_))
    ));
    store.close().await;
    bench.open().close().await;
    assert!(matches!(
        Queue::open(&bench.folder.path().join("none")),
        Err(Error::NoStore(_))
    ));
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_can_read_the_store() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new();
    let store = bench.open();
    store.accept(events(&["a"])).await.unwrap();
    for file in ["events.db", "events.db-wal"] {
        let mode = std::fs::metadata(bench.folder.path().join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{file}");
    }
}

#[tokio::test]
async fn another_file_is_no_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    let text = "These are notes. ".repeat(100);
    std::fs::write(&path, &text).unwrap();
    assert_eq!(Queue::open(&path).err().map(|error| error.code()), Some("not_a_store"));
    let opened = Store::open(&path, StoreSettings::new());
    assert_eq!(opened.err().map(|error| error.code()), Some("not_a_store"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);

    // Another program's database, which may have a version of its own or none.
    for version in [0, 1, 7] {
        let path = folder.path().join(format!("{version}.db"));
        let other = rusqlite::Connection::open(&path).unwrap();
        let tables = format!("CREATE TABLE notes (text); PRAGMA user_version = {version}");
        other.execute_batch(&tables).unwrap();
        let before = std::fs::read(&path).unwrap();
        assert_eq!(Queue::open(&path).err().map(|error| error.code()), Some("not_a_store"));
        let opened = Store::open(&path, StoreSettings::new());
        assert_eq!(opened.err().map(|error| error.code()), Some("not_a_store"));
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert!(!folder.path().join(format!("{version}.db.lock")).exists());
    }
    // An empty file is as good as none.
    let path = folder.path().join("empty.db");
    std::fs::write(&path, "").unwrap();
    assert_eq!(Queue::open(&path).err().map(|error| error.code()), Some("no_store"));
    assert!(Store::open(&path, StoreSettings::new()).is_ok());
}

#[tokio::test]
async fn what_was_learnt_is_kept_with_the_outcome() {
    let bench = Bench::new();
    let store = bench.open();
    store.accept(events(&["a", "b"])).await.unwrap();
    let mut known = KnownContact::new("c1".parse().unwrap());
    known.email = Some("ann@example.org".to_owned());
    let mut settled = vec![
        Settled::new(1, Settlement::Delivered),
        Settled::new(2, Settlement::GoesOn),
    ];
    settled[0].learnt = Some(Box::new(known.clone()));
    settled[1].learnt = Some(Box::new(KnownContact::gone("c2".parse().unwrap())));
    store.settle(settled).await.unwrap();
    store.close().await;
    let queue = Queue::open(&bench.path()).unwrap();
    assert_eq!(
        queue.learnt().unwrap(),
        [known, KnownContact::gone("c2".parse().unwrap())]
    );
    assert_eq!(pending(&queue), [(2, "b".into())]);
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_left_alone() {
    let bench = Bench::new();
    bench.open().close().await;
    let newer = schema::open(&bench.path()).unwrap();
    newer.pragma_update(None, "user_version", schema::VERSION + 1).unwrap();
    drop(newer);
    let opened = Store::open(&bench.path(), bench.settings.clone());
    assert_eq!(opened.err().map(|error| error.code()), Some("store_too_new"));
    assert_eq!(
        Queue::open(&bench.path()).err().map(|error| error.code()),
        Some("store_too_new")
    );
}

#[tokio::test]
async fn what_could_not_be_noted_is_noted_without_anybodys_doing() {
    let bench = Bench::new();
    let store = bench.open();
    store.accept(events(&["a"])).await.unwrap();
    let other = schema::open(&bench.path()).unwrap();
    other
        .execute_batch("CREATE TRIGGER refuse BEFORE DELETE ON events BEGIN SELECT RAISE(FAIL, 'disk full'); END")
        .unwrap();
    store
        .settle(vec![Settled::new(1, Settlement::Delivered)])
        .await
        .unwrap();
    // Whoever comes next is turned away, so the outcome has been tried to be noted.
    let queue = Queue::open(&bench.path()).unwrap();
    assert!(store.accept(Vec::new()).await.is_err() || !pending(&queue).is_empty());
    assert_eq!(pending(&queue).len(), 1);
    other.execute_batch("DROP TRIGGER refuse").unwrap();
    let since = std::time::Instant::now();
    while !pending(&queue).is_empty() {
        assert!(since.elapsed() < Duration::from_secs(30), "it is not noted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    store.close().await;
}

fn dead(queue: &Queue) -> Vec<i64> {
    let dead_letters = queue.dead_letters(&Filter::all(), 100, false).unwrap();
    dead_letters.iter().rev().map(|dead_letter| dead_letter.id).collect()
}

async fn kill(store: &Store, events: std::ops::RangeInclusive<i64>) {
    let ids: Vec<String> = events.clone().map(|seq| format!("m{seq}")).collect();
    store.accept(ids.iter().map(|id| event(id)).collect()).await.unwrap();
    let failed = events.map(|seq| Settled::new(seq, Settlement::Failed(dead_letter("server_error", "ann"))));
    store.settle(failed.collect()).await.unwrap();
    store.accept(Vec::new()).await.unwrap();
}

#[tokio::test]
async fn the_oldest_dead_letters_make_room_and_are_no_reason_to_turn_anything_away() {
    let mut bench = Bench::new();
    let length = event("m1").json.len() as u64;
    bench.settings.bounds.bytes = 3 * length;
    bench.settings.dead_letters.bytes = 2 * length;
    let file = bench.folder.path().join("dropped.ndjson");
    bench.settings.dead_letters.file = Some(file.clone());
    let store = bench.open();
    kill(&store, 1..=3).await;
    kill(&store, 4..=6).await;
    let queue = store.queue().unwrap();
    assert_eq!(dead(&queue), [5, 6]);
    let status = queue.status().unwrap();
    assert_eq!((status.dead_letters, status.dead_letter_bytes), (2, 2 * length as i64));
    let dropped = queue
        .codes()
        .unwrap()
        .into_iter()
        .find(|count| count.kind == "dropped")
        .unwrap();
    assert_eq!((dropped.code.as_str(), dropped.count), ("server_error", 4));
    let lines = std::fs::read_to_string(&file).unwrap();
    let records: Vec<FailureRecord> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), 4);
    assert!(records[0].event.as_ref().unwrap().get().contains("m1"));

    // What cannot be kept elsewhere is kept here.
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    kill(&store, 7..=9).await;
    assert_eq!(dead(&queue), [5, 6, 7, 8, 9]);
    store.close().await;

    bench.settings.dead_letters.file = None;
    bench.settings.dead_letters.age = Some(Duration::ZERO);
    tokio::time::sleep(Duration::from_millis(2)).await;
    let store = bench.open();
    store.accept(events(&["new"])).await.unwrap();
    assert_eq!(dead(&queue), [0_i64; 0]);
    store.close().await;
}

#[cfg(unix)]
#[tokio::test]
async fn whatever_it_is_called_a_store_is_open_once() {
    let bench = Bench::new();
    let folder = bench.folder.path();
    let (other, linked) = (folder.join("other.db"), folder.join("linked.db"));
    // It may lead to a file that is not there yet.
    std::os::unix::fs::symlink("events.db", &other).unwrap();
    let store = Store::open(&other, bench.settings.clone()).unwrap();
    assert!(bench.path().exists());
    assert!(matches!(
        Store::open(&bench.path(), bench.settings.clone()),
        Err(Error::InUse(_))
    ));
    store.accept(events(&["a"])).await.unwrap();
    assert_eq!(pending(&Queue::open(&other).unwrap()).len(), 1);
    store.close().await;
    std::fs::hard_link(bench.path(), &linked).unwrap();
    for path in [&linked, &bench.path()] {
        assert!(matches!(
            Store::open(path, bench.settings.clone()),
            Err(Error::Linked(_))
        ));
        assert!(matches!(Queue::open(path), Err(Error::Linked(_))));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_store_that_is_gone_takes_nothing_in_until_it_is_back() {
    let bench = Bench::new();
    let store = bench.open();
    store.accept(events(&["a"])).await.unwrap();
    let away = bench.folder.path().join("away.db");
    std::fs::rename(bench.path(), &away).unwrap();
    assert_eq!(store.accept(events(&["b"])).await, Err(Refusal::StoreGone));
    assert_eq!(store.condition(), Condition::StoreGone);
    assert!(!store.is_written().await.unwrap());
    std::fs::rename(&away, bench.path()).unwrap();
    assert_eq!(store.accept(events(&["b"])).await.unwrap().stored, 1);
    assert_eq!(store.condition(), Condition::Sound);
    assert!(store.is_written().await.unwrap());
    // One that is damaged stays so, whatever it looks like.
    let file = std::fs::OpenOptions::new().write(true).open(bench.path()).unwrap();
    std::io::Write::write_all(&mut &file, b"damaged").unwrap();
    assert_eq!(store.accept(events(&["c"])).await, Err(Refusal::StoreCorrupt));
    assert_eq!(store.condition(), Condition::StoreCorrupt);
    assert_eq!(store.accept(events(&["c"])).await, Err(Refusal::StoreCorrupt));
}
