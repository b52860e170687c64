//! `send` delivers what comes before its contact after it (D34), whatever interrupts it.
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

mod common;

use common::{Run, Served, fixture, program, run_command};
use intercom_sandbox::Settings;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Longer than any of these tests takes.
const LAG: Duration = Duration::from_secs(3_600);

/// The companies and the events of somebody.
type Having = (Vec<String>, Vec<(String, i64)>);

/// The companies and the events of each contact, by user id.
fn people(state: &Value) -> BTreeMap<String, Having> {
    let list = |value: &Value| value.as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let companies: BTreeMap<String, String> = list(&state["companies"])
        .iter()
        .map(|company| (text(&company["id"]), text(&company["company_id"])))
        .collect();
    let events = list(&state["events"]);
    let person = |contact: &Value| {
        let links = list(&contact["companies"]["data"]);
        let mut of = events.iter().filter(|event| event["intercom_user_id"] == contact["id"]);
        let mut events: Vec<_> = of
            .by_ref()
            .map(|event| (text(&event["event_name"]), event["created_at"].as_i64().unwrap()))
            .collect();
        events.sort_by_key(|(_, at)| *at);
        let links = links.iter().map(|link| companies[&text(&link["id"])].clone());
        (text(&contact["external_id"]), (links.collect(), events))
    };
    list(&state["contacts"]).iter().map(person).collect()
}

fn send(sandbox: &Served, journal: Option<&Path>, input: &Path) -> Command {
    let mut command = program();
    command
        .env("INTERCOM_ACCESS_TOKEN", "t")
        .args(["send", "--intercom-base-url", sandbox.url()])
        .arg(input);
    if let Some(journal) = journal {
        command.arg("--journal").arg(journal);
    }
    command
}

fn summary(command: &mut Command) -> (Run, Value) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("summary");
    let run = run_command(command.arg("--summary-json").arg(&path), "");
    let summary = fs::read(path).unwrap();
    (run, serde_json::from_slice(&summary).unwrap())
}

fn assert_early_events_are_there(state: &Value) {
    let events = [("Trial Started", 1_770_105_600), ("Invited Somebody", 1_770_105_604)];
    let events = events.map(|(name, at)| (name.to_owned(), at)).to_vec();
    let expected = BTreeMap::from([("u-340".to_owned(), (vec!["g-34".to_owned()], events))]);
    assert_eq!(people(state), expected);
}

#[test]
fn d34_what_comes_before_its_contact_is_delivered_after_it() {
    let input = fixture("before_the_contact.ndjson");
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let mut command = program();
    command
        .args(["send", "--sandbox", "--sandbox-state"])
        .args([&state, &input]);
    let (run, totals) = summary(&mut command);
    assert_eq!(run.code(), 1, "{}", run.stderr());
    assert_early_events_are_there(&serde_json::from_slice(&fs::read(state).unwrap()).unwrap());
    assert_eq!(
        (&totals["delivered"], &totals["waited"], &totals["failures"]),
        (&json!(4), &json!(2), &json!({"unknown_contact": 1}))
    );
    assert!(run.stdout().contains("unknown_contact  line 3"), "{}", run.stdout());
}

#[test]
fn d34_with_a_journal_too_and_although_searches_lag() {
    let input = fixture("before_the_contact.ndjson");
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    for settings in [Settings::default(), Settings::default().with_search_lag(LAG)] {
        let _ = fs::remove_file(&journal);
        let sandbox = Served::new(settings);
        let letters = folder.path().join("letters");
        let mut command = send(&sandbox, Some(&journal), &input);
        let (run, totals) = summary(command.arg("--dead-letters").arg(&letters));
        assert_eq!(run.code(), 1, "{}", run.stderr());
        assert_eq!(totals["failures"], json!({"unknown_contact": 1}));
        let calls = sandbox.state()["calls"].clone();
        // All of it is done.
        let mut command = send(&sandbox, Some(&journal), &input);
        let (run, again) = summary(command.arg("--dead-letters").arg(&letters));
        assert_eq!(run.code(), 1, "{}", run.stderr());
        assert_eq!(
            (&again["delivered"], &again["failures"]),
            (&totals["delivered"], &totals["failures"])
        );
        let events = |calls: &Value| calls["submit_data_event"].clone();
        assert_eq!(events(&sandbox.state()["calls"]), events(&calls));
        assert_early_events_are_there(&sandbox.state());
        fs::remove_file(letters).unwrap();
    }
}

#[test]
fn d34_without_waiting_what_comes_before_its_contact_is_lost() {
    let sandbox = Served::new(Settings::default());
    let mut command = send(&sandbox, None, &fixture("before_the_contact.ndjson"));
    let (run, totals) = summary(command.arg("--no-wait-for-contact"));
    assert_eq!(run.code(), 1, "{}", run.stderr());
    assert_eq!(totals["failures"], json!({"unknown_contact": 2}));
    assert_eq!(people(&sandbox.state())["u-340"].0, [""; 0]);
}

/// Of each of these, a track and a group, later the identify, last another track. Every third one leaves the company with
/// the identify, every fifth is never identified.
const PEOPLE: usize = 45;

fn early_events() -> Vec<String> {
    let track = |person: usize, second: usize| {
        format!(
            r#"{{"type":"track","userId":"u{person}","messageId":"t{person}-{second}","event":"Seen","timestamp":"2026-02-03T08:00:{second:02}Z"}}"#
        )
    };
    let group = |person: usize| {
        format!(r#"{{"type":"group","userId":"u{person}","groupId":"g{person}","traits":{{"name":"G"}}}}"#)
    };
    let identify = |person: usize| {
        let leaves = match person % 3 {
            0 => format!(r#","company":{{"id":"g{person}","remove":true}}"#),
            _ => String::new(),
        };
        format!(r#"{{"type":"identify","userId":"u{person}","traits":{{"email":"u{person}@example.org"{leaves}}}}}"#)
    };
    let early = (0..PEOPLE).flat_map(|person| [track(person, 1), group(person)]);
    let known = || (0..PEOPLE).filter(|person| person % 5 != 4);
    early
        .chain(known().map(identify))
        .chain(known().map(|person| track(person, 2)))
        .collect()
}

fn assert_all_is_as_if_in_order(what: &str, state: &Value) {
    let people = people(state);
    assert_eq!(people.len(), PEOPLE - PEOPLE / 5, "{what}");
    for (id, (companies, events)) in &people {
        let person: usize = id[1..].parse().unwrap();
        let links = usize::from(!person.is_multiple_of(3));
        assert_eq!(companies.len(), links, "{what}: the companies of {id}");
        let times: Vec<i64> = events.iter().map(|(_, at)| *at).collect();
        assert_eq!(times, [1_770_105_601, 1_770_105_602], "{what}: the events of {id}");
    }
}

#[cfg(unix)]
#[test]
fn d34_killed_or_interrupted_between_it_comes_to_the_same() {
    let settings = || [Settings::default(), Settings::default().with_search_lag(LAG)];
    let cases = ["-KILL", "-INT"]
        .into_iter()
        .flat_map(|signal| settings().map(|settings| (signal, settings)));
    for ((signal, settings), contacts) in cases.zip([1, 12, 25, 35]) {
        let sandbox = Served::new(settings);
        let folder = tempfile::tempdir().unwrap();
        let (journal, input) = (folder.path().join("journal"), folder.path().join("input"));
        fs::write(&input, early_events().join("\n")).unwrap();
        let mut command = send(&sandbox, Some(&journal), &input);
        let child = command
            .args(["--max-rate", "80"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(120);
        while sandbox.state()["contacts"].as_array().unwrap().len() < contacts {
            assert!(Instant::now() < deadline, "it does not begin");
            std::thread::yield_now();
        }
        let mut kill = Command::new("kill");
        assert!(kill.args([signal, &child.id().to_string()]).status().unwrap().success());
        child.wait_with_output().unwrap();

        let (run, totals) = summary(&mut send(&sandbox, Some(&journal), &input));
        assert_eq!(run.code(), 1, "{}{}", run.stdout(), run.stderr());
        let what = format!("{signal} after {contacts} contacts");
        assert_eq!(totals["failures"], json!({"unknown_contact": PEOPLE / 5}), "{what}");
        assert_eq!(totals["events"], json!(early_events().len()), "{what}");
        assert_all_is_as_if_in_order(&what, &sandbox.state());
    }
}

#[test]
fn d34_uninterrupted_it_is_as_if_it_had_come_in_order() {
    let sandbox = Served::new(Settings::default());
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("input");
    fs::write(&input, early_events().join("\n")).unwrap();
    let (run, _) = summary(&mut send(&sandbox, None, &input));
    assert_eq!(run.code(), 1, "{}", run.stderr());
    assert_all_is_as_if_in_order("uninterrupted", &sandbox.state());
}

/// One response is enough to know that somebody is not there.
#[test]
fn d34_what_is_delivered_without_its_contact_has_come_after_nobody() {
    let sandbox = Served::new(Settings::default());
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("input");
    let group = json!({"type": "group", "userId": "u-1", "groupId": "g-1", "traits": {"name": "Nobody's"}});
    fs::write(&input, group.to_string()).unwrap();
    let (run, totals) = summary(&mut send(&sandbox, None, &input));
    assert!(run.stdout().contains("member_not_found"), "{}", run.stdout());
    assert_eq!((&totals["delivered"], &totals["waited"]), (&json!(1), &json!(0)));
}

#[test]
fn d34_unknown_people_cost_one_call_each() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("input");
    let events = 20_000;
    for of_each in [1, 8] {
        let line = |event: usize| {
            let person = event / of_each;
            format!("{{\"type\":\"track\",\"userId\":\"u{person}\",\"messageId\":\"m{event}\",\"event\":\"e\"}}\n")
        };
        fs::write(&input, (0..events).map(line).collect::<String>()).unwrap();
        let mut command = program();
        command.args(["send", "--sandbox"]).arg(&input);
        let (run, totals) = summary(&mut command);
        assert_eq!(run.code(), 1, "{}", run.stderr());
        assert_eq!(
            (&totals["calls"], &totals["failures"]),
            (&json!(events / of_each), &json!({"unknown_contact": events}))
        );
    }
}
