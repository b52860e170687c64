//! Journals across runs.

use super::*;

const NOW: UnixSeconds = UnixSeconds(1_750_000_000);

fn entry(event: u64, done: Done, code: Option<&'static str>, calls: u32, fingerprint: u64) -> Entry<'static> {
    Entry {
        event,
        done,
        code,
        calls,
        fingerprint,
    }
}

#[test]
fn what_was_committed_is_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let mut journal = Journal::open(&path).unwrap();
    journal.require("target", "a").unwrap();
    for entry in [
        entry(0, Done::Delivered, None, 2, u64::MAX),
        entry(1, Done::Failed, Some("timeout"), 3, 5),
        entry(200, Done::Rejected, Some("contact_not_found"), 1, 6),
    ] {
        journal.record(&entry).unwrap();
    }
    journal.commit().unwrap();
    journal.record(&entry(2, Done::Delivered, None, 1, 7)).unwrap();
    drop(journal);

    let journal = Journal::open(&path).unwrap();
    let earlier = journal.earlier().unwrap();
    assert_eq!(earlier.calls, 6);
    assert_eq!(earlier.get(0, u64::MAX).unwrap(), Some((Done::Delivered, "")));
    assert_eq!(earlier.get(1, 5).unwrap(), Some((Done::Failed, "timeout")));
    assert!(matches!(earlier.get(1, 99), Err(JournalError::OtherInput(1))));
    assert_eq!(
        earlier.get(200, 6).unwrap(),
        Some((Done::Rejected, "contact_not_found"))
    );
    for event in [2, 3, 64, 5000] {
        assert_eq!(earlier.get(event, 0).unwrap(), None, "{event}");
    }
    assert!(matches!(earlier.get(0, 1), Err(JournalError::OtherInput(0))));
    journal.require("target", "a").unwrap();
    assert!(matches!(
        journal.require("target", "b"),
        Err(JournalError::OtherSetting(_))
    ));
}

#[test]
fn what_was_learnt_is_there_again_in_order_and_goes_with_the_outcomes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let mut journal = Journal::open(&path).unwrap();
    let mut known = KnownContact::new("c1".parse().unwrap());
    known.email = Some("ann@example.org".to_owned());
    journal.learn(&known, NOW).unwrap();
    journal.learn(&KnownContact::gone("c1".parse().unwrap()), NOW).unwrap();
    journal.commit().unwrap();
    journal.learn(&KnownContact::new("c2".parse().unwrap()), NOW).unwrap();
    drop(journal);

    let journal = Journal::open(&path).unwrap();
    let mut found = Vec::new();
    journal.learnt(NOW, |contact| found.push(contact.clone())).unwrap();
    assert_eq!(found, [known, KnownContact::gone("c1".parse().unwrap())]);
    let much_later = UnixSeconds(NOW.0 + KnownContact::KEPT_FOR.as_secs() as i64 + 1);
    journal.learnt(much_later, |_| panic!("it is too old")).unwrap();
}

#[test]
fn the_time_of_events_is_that_of_the_first_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    for later in [UnixSeconds(7), UnixSeconds(8)] {
        assert_eq!(
            Journal::open(&path).unwrap().time_of_events(later).unwrap(),
            UnixSeconds(7)
        );
    }
}

#[test]
fn what_is_taken_back_comes_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(&folder.path().join("journal")).unwrap();
    for (event, code) in [(1, "timeout"), (2, "forbidden"), (3, "forbidden")] {
        journal.record(&entry(event, Done::Failed, Some(code), 1, 5)).unwrap();
    }
    journal.take_back("forbidden").unwrap();
    journal.commit().unwrap();
    let earlier = journal.earlier().unwrap();
    let done: Vec<bool> = (1..=3).map(|event| earlier.get(event, 5).unwrap().is_some()).collect();
    assert_eq!(done, [true, false, false]);
}

#[test]
fn a_journal_of_version_1_goes_on_and_one_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let first = Connection::open(&path).unwrap();
    let tables = format!(
        "PRAGMA journal_mode = WAL; PRAGMA application_id = {APPLICATION}; PRAGMA user_version = 1;
         CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
         CREATE TABLE done (event INTEGER PRIMARY KEY, result INTEGER NOT NULL, code TEXT, calls INTEGER NOT NULL,
             mark INTEGER NOT NULL);
         INSERT INTO done VALUES (3, 0, NULL, 2, {});",
        mark(9)
    );
    first.execute_batch(&tables).unwrap();
    drop(first);
    let mut journal = Journal::open(&path).unwrap();
    assert_eq!(
        journal.earlier().unwrap().get(3, 9).unwrap(),
        Some((Done::Delivered, ""))
    );
    journal.learn(&KnownContact::new("c1".parse().unwrap()), NOW).unwrap();
    journal.commit().unwrap();
    journal
        .database
        .pragma_update(None, "user_version", VERSION + 1)
        .unwrap();
    drop(journal);
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(Journal::open(&path), Err(JournalError::TooNew(newer)) if newer == VERSION + 1));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn it_stays_with_its_workspace() {
    let folder = tempfile::tempdir().unwrap();
    for (is, others) in [(Some("a"), [Some("b"), None]), (None, [Some("unknown"), Some("a")])] {
        let path = folder.path().join(is.unwrap_or("none"));
        for _ in 0..2 {
            Journal::open(&path).unwrap().require_workspace(is).unwrap();
        }
        for other in others {
            let refused = Journal::open(&path).unwrap().require_workspace(other);
            assert!(matches!(refused, Err(JournalError::OtherWorkspace)), "{is:?} {other:?}");
        }
    }
}

#[test]
fn only_one_run_uses_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let _first = Journal::open(&path).unwrap();
    assert!(matches!(Journal::open(&path), Err(JournalError::InUse)));
}

#[test]
fn other_files_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other");
    std::fs::write(&path, "{\"type\":\"identify\"}\n".repeat(1000)).unwrap();
    assert!(matches!(Journal::open(&path), Err(JournalError::Foreign)));
    let database = folder.path().join("database");
    Connection::open(&database)
        .unwrap()
        .execute_batch("CREATE TABLE t (x)")
        .unwrap();
    assert!(matches!(Journal::open(&database), Err(JournalError::Foreign)));
}

#[test]
fn whoever_only_looks_changes_nothing_and_reads_older_journals() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    assert!(Journal::open_to_read(&path).is_err());
    assert!(!path.exists());
    std::fs::write(folder.path().join("other"), "something else entirely").unwrap();
    let other = Journal::open_to_read(&folder.path().join("other"));
    assert!(matches!(other, Err(JournalError::Foreign)), "{other:?}");

    let mut journal = Journal::open(&path).unwrap();
    let time = journal.time_of_events(NOW).unwrap();
    journal.record(&entry(0, Done::Delivered, None, 2, 3)).unwrap();
    journal.record(&entry(1, Done::Failed, Some("timeout"), 1, 4)).unwrap();
    let contact = KnownContact::new("5f".parse().unwrap());
    journal.learn(&contact, UnixSeconds(NOW.0 + 7)).unwrap();
    journal.commit().unwrap();
    let in_use = Journal::open_to_read(&path);
    assert!(matches!(in_use, Err(JournalError::InUse)), "{in_use:?}");
    // As the first release has left it.
    let first = "DROP TABLE intents; DROP TABLE undelivered; DROP TABLE saved_companies; PRAGMA user_version = 2;";
    journal.database.execute_batch(first).unwrap();
    drop(journal);

    let journal = Journal::open_to_read(&path).unwrap();
    assert_eq!(journal.counts().unwrap(), (2, 1));
    assert_eq!(journal.last_learnt().unwrap(), Some(UnixSeconds(NOW.0 + 7)));
    assert_eq!(journal.known_time_of_events().unwrap(), Some(time));
    assert_eq!(
        journal.earlier().unwrap().get(1, 4).unwrap(),
        Some((Done::Failed, "timeout"))
    );
    let mut learnt = 0;
    journal.learnt(UnixSeconds(0), |_| learnt += 1).unwrap();
    assert_eq!(learnt, 1);
    assert!(journal.time_of_events(NOW).is_err());
    drop(journal);
    let version: i64 = Connection::open(&path)
        .unwrap()
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, 2);
}
