//! `verify --resume`: whatever ends it, the same command goes on where it was, and says in the end what it would have said.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

mod common;
#[path = "common/delivered.rs"]
mod delivered;

use common::{Running, program, run_with_token};
use delivered::{Stage, differences};
use fastrand::Rng;
use intercom_api::Method;
use intercom_sandbox::{Dropped, Fault, Faults, RandomFault, Settings};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PEOPLE: usize = 240;
/// Who differs is read once more, one by one.
const CHANGED: usize = 40;
/// So many calls are under way at a time, whose answers are lost if it is killed.
const AT_A_TIME: u64 = 8;

/// A workspace where some people are not as the events say, and every answer takes a while.
fn stage() -> Stage {
    let events: String = (0..PEOPLE)
        .flat_map(|person| {
            let traits = json!({"email": format!("p-{person}@example.org"), "name": "Ann"});
            let user = format!("u-{person}");
            let company = format!("co-{}", person % 16);
            [
                json!({"type": "identify", "userId": user, "traits": traits}).to_string() + "\n",
                json!({"type": "group", "userId": user, "groupId": company, "traits": {"size": 3}}).to_string() + "\n",
            ]
        })
        .collect();
    let stage = Stage::new(Settings::default(), &events);
    let contacts = stage.sandbox.state()["contacts"].clone();
    for contact in contacts
        .as_array()
        .unwrap()
        .iter()
        .skip(1)
        .step_by(PEOPLE / CHANGED)
        .take(CHANGED)
    {
        let path = format!("/contacts/{}", contact["id"].as_str().unwrap());
        stage.act(Method::Put, &path, Some(json!({"name": "Changed"})), 0);
    }
    every_call(&stage, Some(Fault::delay(Duration::from_millis(4))));
    stage
}

fn every_call(stage: &Stage, fault: Option<Fault>) {
    let mut faults = Faults::none();
    faults.random.extend(fault.map(|fault| RandomFault::new(1.0, fault)));
    stage.sandbox.sandbox().with(|sandbox| sandbox.set_faults(faults));
}

/// The calls that read, so far; not those that ask whose the token is.
fn calls(stage: &Stage) -> u64 {
    let state = stage.sandbox.state();
    let calls = state["calls"].as_object().unwrap().iter();
    let reads = calls.filter(|(operation, _)| *operation != "identify_admin");
    let statuses = reads.flat_map(|(_, statuses)| statuses.as_object().unwrap().values());
    statuses.map(|count| count.as_u64().unwrap()).sum()
}

/// The same command each time.
fn command(stage: &Stage) -> Command {
    let mut command = program();
    command
        .env("INTERCOM_ACCESS_TOKEN", "t")
        .args([
            "verify",
            "--json",
            "--show-values",
            "--intercom-base-url",
            stage.sandbox.url(),
            "--journal",
        ])
        .arg(stage.file("journal"))
        .arg("--resume")
        .arg(stage.file("state"))
        .arg(stage.file("events"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Does something once so many calls more were made, unless it has ended. Gives its exit code, what it has printed, and what
/// it has told.
fn disturb(stage: &Stage, after: u64, act: impl FnOnce(&Running)) -> (Option<i32>, String, String) {
    let begun = calls(stage);
    let mut child = Running(command(stage).spawn().unwrap());
    let deadline = Instant::now() + Duration::from_secs(120);
    while calls(stage) < begun + after && child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "it does not go on");
        std::thread::yield_now();
    }
    act(&child);
    let read = |pipe: Option<Box<dyn std::io::Read>>| {
        let mut text = String::new();
        pipe.unwrap().read_to_string(&mut text).unwrap();
        text
    };
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let printed = read(stdout.map(|pipe| Box::new(pipe) as _));
    let told = read(stderr.map(|pipe| Box::new(pipe) as _));
    (child.wait().unwrap().code(), printed, told)
}

fn signal(child: &Running, signal: &str) {
    let mut kill = Command::new("kill");
    // It may have ended by itself.
    let _ = kill
        .args([signal, &child.id().to_string()])
        .stderr(Stdio::null())
        .status();
}

/// What it says without an interruption, and the calls that it takes.
fn undisturbed(stage: &Stage) -> (Value, u64) {
    let before = calls(stage);
    let run = stage.verify(&["--journal", &stage.journal()]);
    assert_eq!((run.code(), differences(&run).len()), (1, CHANGED), "{}", run.stderr());
    (run.json(), calls(stage) - before)
}

#[test]
fn interrupted_or_killed_at_any_moment_it_goes_on_where_it_was() {
    let stage = stage();
    let (expected, needed) = undisturbed(&stage);
    assert!(needed > 55, "{needed}");
    let mut random = Rng::with_seed(18);
    for (kind, lost) in [("-INT", 0), ("-KILL", AT_A_TIME)] {
        for _ in 0..2 {
            let begun = calls(&stage);
            let (mut interruptions, mut kept) = (0, 0);
            let report = loop {
                let (code, printed, told) = disturb(&stage, random.u64(5..50), |child| signal(child, kind));
                match code {
                    Some(1) => break printed,
                    Some(130) if kind == "-INT" => assert!(told.contains("goes on where it was"), "{told}"),
                    None if kind == "-KILL" => {}
                    other => panic!("{kind}: {other:?}: {told}"),
                }
                interruptions += 1;
                match stage.file("state").metadata() {
                    Ok(state) => {
                        kept += 1;
                        let mode = state.permissions().mode();
                        assert_eq!(mode & 0o777, 0o600, "it holds what the workspace has of people");
                    }
                    // It was killed before there was anything to keep, or once all was said.
                    Err(_) if kind == "-KILL" => {
                        if serde_json::from_str::<Value>(&printed).is_ok() {
                            break printed;
                        }
                    }
                    Err(error) => panic!("{kind}: {error}"),
                }
            };
            assert!(interruptions > 0 && kept > 0, "{kind}: {kept} of {interruptions}");
            let report: Value = serde_json::from_str(&report).unwrap();
            assert_eq!(report, expected, "{kind}");
            let made = calls(&stage) - begun;
            assert!(
                (needed..=needed + lost * interruptions).contains(&made),
                "{kind}: {made} calls for {needed}, interrupted {interruptions} times"
            );
            // It is complete, so that the next one begins anew.
            assert!(!stage.file("state").exists());
        }
    }
}

#[test]
fn after_a_refused_token_and_an_outage_it_goes_on_where_it_was() {
    let stage = stage();
    let (expected, needed) = undisturbed(&stage);
    let begun = calls(&stage);
    let set_token = |token: Option<&str>| {
        let token = token.map(str::to_owned);
        stage.sandbox.sandbox().with(|sandbox| sandbox.set_token(token));
    };
    let (code, _, told) = disturb(&stage, 12, |_| set_token(Some("another")));
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("does not accept the access token"), "{told}");
    assert!(told.contains("the same command goes on where it was"), "{told}");
    set_token(None);
    let refused = calls(&stage);
    let (code, _, told) = disturb(&stage, 12, |_| {
        every_call(&stage, Some(Fault::Drop(Dropped::BeforeEffect)));
    });
    assert_eq!(code, Some(4), "{told}");
    assert!(told.contains("going on with the run that began at"), "{told}");
    assert!(told.contains("the same command goes on where it was"), "{told}");
    every_call(&stage, None);
    let dropped = calls(&stage);
    let (code, printed, told) = disturb(&stage, u64::MAX - dropped, |_| {});
    assert_eq!(code, Some(1), "{told}");
    assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), expected);
    // What was refused or dropped is made again, each up to five times.
    let made = calls(&stage) - dropped;
    assert!(
        refused - begun >= 12 && made <= needed - 24 + 2 * AT_A_TIME,
        "{made} calls of {needed}"
    );
}

#[test]
fn what_another_run_has_kept_is_refused() {
    let stage = stage();
    let state = stage.file("state");
    let interrupted = disturb(&stage, 10, |child| signal(child, "-KILL"));
    assert_eq!(interrupted.0, None, "{}", interrupted.2);
    let kept = std::fs::read(&state).unwrap();
    let state = state.to_str().unwrap();
    let refused = |flags: &[&str], reason: &str| {
        let run = stage.verify(&[&["--resume", state], flags].concat());
        assert_eq!(run.code(), 2, "{reason}: {}", run.stderr());
        assert!(
            run.stderr()
                .contains(&format!("cannot use {state} for --resume: {reason}")),
            "{}",
            run.stderr()
        );
        assert_eq!(std::fs::read(state).unwrap(), kept, "{reason}");
    };
    refused(&["--sample", "5"], "it belongs to a run with another --sample");
    refused(
        &["--send-anonymous-id"],
        "it belongs to a run with another --send-anonymous-id",
    );
    let other = Stage::new(Settings::default(), "");
    let url = ["--intercom-base-url", other.sandbox.url()];
    let events = stage.file("events");
    let command = ["verify", events.to_str().unwrap(), "--resume", state];
    let elsewhere = run_with_token(&[&command[..], &url].concat(), "");
    assert_eq!(elsewhere.code(), 2);
    assert!(
        elsewhere.stderr().contains("another --intercom-base-url or --region"),
        "{}",
        elsewhere.stderr()
    );
    let workspace = std::fs::read_to_string(state).unwrap();
    let head = workspace.lines().next().unwrap().to_owned();
    let id = serde_json::from_str::<Value>(&head).unwrap()["settings"]["workspace of Intercom"].clone();
    let moved = workspace.replacen(id.as_str().unwrap(), "another", 1);
    std::fs::write(state, moved).unwrap();
    let run = stage.verify(&["--resume", state]);
    assert!(
        run.code() == 2 && run.stderr().contains("another workspace of Intercom"),
        "{}",
        run.stderr()
    );
    std::fs::write(state, &kept).unwrap();
    let text = std::fs::read_to_string(&events).unwrap();
    std::fs::write(&events, format!("{text}{}", r#"{"type":"identify","userId":"new"}"#)).unwrap();
    refused(&[], "it belongs to a run with another input");
    let journal = stage.journal();
    let run = stage.verify(&["--resume", &journal]);
    assert!(
        run.code() == 2 && run.stderr().contains("it is none that this command has written"),
        "{}",
        run.stderr()
    );
    let run = stage.verify(&["--resume", events.to_str().unwrap()]);
    assert!(
        run.code() == 2 && run.stderr().contains("are the same file"),
        "{}",
        run.stderr()
    );
}
