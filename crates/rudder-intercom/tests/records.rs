//! The files that `send` writes: nothing is lost, doubled or broken.
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

mod common;

use common::{Run, Served, identify, program, run, run_command, track};
use intercom_sandbox::Settings;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

fn send_to(sandbox: &Served) -> Command {
    let mut command = program();
    command
        .env("INTERCOM_ACCESS_TOKEN", "t")
        .args(["send", "--intercom-base-url", sandbox.url()]);
    command
}

fn letters(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn two_runs_do_not_write_to_one_file_of_dead_letters() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dead.ndjson");
    let held = File::create(&path).unwrap();
    held.try_lock().unwrap();
    let arguments = ["send", "--sandbox", "--dead-letters", path.to_str().unwrap()];
    let refused = run(&arguments, identify(1));
    assert_eq!(refused.code(), 2);
    assert!(
        refused.stderr().contains("another run is writing to it"),
        "{}",
        refused.stderr()
    );
    drop(held);
    assert_eq!(run(&arguments, identify(1)).code(), 0);
}

#[cfg(unix)]
#[test]
fn standard_input_is_not_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.ndjson");
    let text = r#"{"type":"track","userId":"nobody","event":"x"}"#;
    fs::write(&path, text).unwrap();
    let output = program()
        .args(["send", "-", "--sandbox", "--dead-letters"])
        .arg(&path)
        .stdin(File::open(&path).unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the same file"));
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn an_event_without_a_time_has_the_same_one_whenever_it_is_sent() {
    let sandbox = Served::new(Settings::default());
    let folder = tempfile::tempdir().unwrap();
    let [input, dead, journal] = ["input", "dead", "journal"].map(|name| folder.path().join(name));
    let lines = [track(1), identify(2), track(2)].join("\n");
    fs::write(&input, &lines).unwrap();
    let written = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    File::options()
        .append(true)
        .open(&input)
        .unwrap()
        .set_modified(written)
        .unwrap();
    for _ in 0..2 {
        let mut command = send_to(&sandbox);
        run_command(command.arg(&input).arg("--dead-letters").arg(&dead), "");
    }
    let events = || sandbox.state()["events"].as_array().unwrap().clone();
    assert_eq!(events().len(), 1, "{:?}", events());
    assert_eq!(events()[0]["created_at"], 1_700_000_000);
    assert_eq!(letters(&dead)[0]["received_at"], 1_700_000_000);

    // A dead letter keeps the time.
    let run1 = run_command(
        send_to(&sandbox).arg("--on-unknown-contact").arg("create"),
        fs::read(&dead).unwrap(),
    );
    assert_eq!(run1.code(), 0, "{}", run1.stderr());
    assert!(events().iter().all(|event| event["created_at"] == 1_700_000_000));
    assert_eq!(events().len(), 2);

    // So does a journal, though what is read has no time of its own.
    let mut times = Vec::new();
    for _ in 0..2 {
        let mut command = send_to(&sandbox);
        let run = run_command(command.arg("--journal").arg(&journal), &lines);
        assert_eq!(run.code(), 0, "{}", run.stderr());
        times.push(events().len());
    }
    assert_eq!(times[0], times[1]);
}

#[test]
fn a_journal_and_the_sandbox_of_one_run_do_not_go_together() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let run = run(
        &["send", "--sandbox", "--journal", journal.to_str().unwrap()],
        identify(1),
    );
    assert_eq!(run.code(), 2);
    assert!(run.stderr().contains("rudder-intercom sandbox"), "{}", run.stderr());
    assert!(!journal.exists());
}

#[cfg(unix)]
#[test]
fn without_a_journal_no_event_is_lost_when_it_is_ended() {
    for signal in ["-INT", "-TERM"] {
        let sandbox = Served::new(Settings::default());
        let folder = tempfile::tempdir().unwrap();
        let [input, dead, summary] = ["input", "dead", "summary"].map(|name| folder.path().join(name));
        let lines: Vec<String> = (1..=20_000).map(identify).collect();
        fs::write(&input, lines.join("\n")).unwrap();
        let child = send_to(&sandbox)
            .args(["--max-rate", "50", "--dead-letters"])
            .args([&dead, &input])
            .arg("--summary-json")
            .arg(&summary)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(120);
        while sandbox.state()["contacts"].as_array().unwrap().is_empty() {
            assert!(Instant::now() < deadline, "it does not begin");
            std::thread::yield_now();
        }
        let mut kill = Command::new("kill");
        assert!(kill.args([signal, &child.id().to_string()]).status().unwrap().success());
        assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130), "{signal}");
        let summary: Value = serde_json::from_slice(&fs::read(&summary).unwrap()).unwrap();
        let lines: Vec<u64> = letters(&dead)
            .iter()
            .map(|letter| letter["line"].as_u64().unwrap())
            .collect();
        // Nothing has failed: these were not sent yet.
        assert_eq!(
            (&summary["not_sent"], &summary["failed"], &summary["failures"]),
            (&lines.len().into(), &0.into(), &json!({})),
            "{signal}: {summary}"
        );
        // Everything up to the last one that was read is either delivered or there.
        assert_eq!(summary["events"].as_u64(), lines.iter().max().copied(), "{signal}");
    }
}

fn of_nobody(count: usize) -> String {
    (0..count)
        .map(|at| {
            format!(
                "{{\"type\":\"track\",\"userId\":\"n{at}\",\"event\":\"x\",\"timestamp\":\"2024-01-01T00:00:00Z\"}}\n"
            )
        })
        .collect()
}

fn send_with(sandbox: &Served, journal: &Path, dead: &Path, arguments: &[&str], input: &str) -> Run {
    let mut command = send_to(sandbox);
    command.args(arguments).arg("--journal").arg(journal);
    run_command(command.arg("--dead-letters").arg(dead), input)
}

#[test]
fn it_stops_when_nearly_everything_fails_and_what_failed_is_sent_by_the_next_run() {
    let sandbox = Served::new(Settings::default());
    let folder = tempfile::tempdir().unwrap();
    let [dead, journal] = ["dead", "journal"].map(|name| folder.path().join(name));
    let input = of_nobody(2_000);
    let run1 = send_with(&sandbox, &journal, &dead, &["--no-wait-for-contact"], &input);
    assert_eq!(run1.code(), 1);
    assert!(run1.stderr().contains("unknown_contact"), "{}", run1.stderr());
    assert!(
        run1.stderr().contains("--on-unknown-contact create"),
        "{}",
        run1.stderr()
    );
    assert_eq!(letters(&dead).len(), 0);
    let run2 = send_with(&sandbox, &journal, &dead, &["--on-unknown-contact", "create"], &input);
    assert_eq!(run2.code(), 0, "{}{}", run2.stdout(), run2.stderr());
    assert!(
        run2.stdout().starts_with("2,000 of 2,000 events delivered"),
        "{}",
        run2.stdout()
    );
}

#[test]
fn it_goes_on_if_it_is_told_to_or_if_there_is_too_little_to_tell() {
    let sandbox = Served::new(Settings::default());
    let folder = tempfile::tempdir().unwrap();
    for (name, arguments, count) in [("a", &["--abort-above", "100"][..], 300), ("b", &[], 199)] {
        let [dead, journal] = ["dead", "journal"].map(|file| folder.path().join(format!("{file}-{name}")));
        let run = send_with(&sandbox, &journal, &dead, arguments, &of_nobody(count));
        assert_eq!((run.code(), letters(&dead).len()), (1, count), "{}", run.stderr());
        let again = send_with(&sandbox, &journal, &dead, arguments, &of_nobody(count));
        assert_eq!((again.code(), letters(&dead).len()), (1, count), "they are done with");
    }
}

#[test]
fn killed_while_dead_letters_are_written_each_is_there_once() {
    let sandbox = Served::new(Settings::default());
    let folder = tempfile::tempdir().unwrap();
    let [dead, journal, input] = ["dead", "journal", "events"].map(|name| folder.path().join(name));
    fs::write(&input, of_nobody(3_000)).unwrap();
    let command = || {
        let mut command = send_to(&sandbox);
        command.args(["--abort-above", "100", "--journal"]).arg(&journal);
        command.arg("--dead-letters").arg(&dead).arg(&input);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let length = || fs::metadata(&dead).map_or(0, |metadata| metadata.len());
    for _ in 0..3 {
        let before = length();
        let mut child = command().spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(120);
        while length() == before && child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "it writes nothing");
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_eq!(command().status().unwrap().code(), Some(1));
    let mut lines: Vec<u64> = letters(&dead)
        .iter()
        .map(|letter| letter["line"].as_u64().unwrap())
        .collect();
    lines.sort_unstable();
    assert_eq!(lines, (1..=3_000).collect::<Vec<_>>());
}
