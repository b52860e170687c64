//! `send`, ended in the middle and run again until everything is done.

use super::process::{Process, Sandbox, Signal};
use super::stage::{FINISH, Failure, Play, STOP, Stage};
use crate::people::Mix;
use crate::people::{Ending, Model};
use fastrand::Rng;
use serde_json::Value;
use std::fs;
use std::process::{Command, Stdio};

fn send(stage: &Stage, sandbox: &Sandbox, input: &str) -> Command {
    let mut command = Command::new(stage.program());
    command.arg("send").arg(stage.file(input));
    command.args(["--intercom-base-url", &sandbox.url]);
    command.stdout(Stdio::null());
    command
}

/// Sends the dead letters again, once nothing is in their way any more.
pub(super) fn replay(stage: &Stage, sandbox: &Sandbox) -> Result<(), Failure> {
    if !fs::metadata(stage.file("dead.ndjson")).is_ok_and(|file| file.len() > 0) {
        return Ok(());
    }
    sandbox.define_late()?;
    match Process::start(&mut send(stage, sandbox, "dead.ndjson"), &stage.file("errors.log"))?.wait(FINISH)? {
        Some(_) => Ok(()),
        None => Err(Failure::Hangs("replaying")),
    }
}

/// Runs the program until it is done, and says how often it was ended before.
pub(super) fn run(
    stage: &Stage,
    sandbox: &Sandbox,
    random: &mut Rng,
    play: Play,
    events: &[Value],
    model: &Model,
) -> Result<usize, Failure> {
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    fs::write(stage.file("events.ndjson"), lines.join("\n"))?;
    let concurrency = random.u32(1..=16);
    // So slow that there is a middle to end it in.
    let rate = random.u32(100..500);
    let command = || {
        let mut command = send(stage, sandbox, "events.ndjson");
        command.arg("--journal").arg(stage.file("journal.db"));
        command.arg("--dead-letters").arg(stage.file("dead.ndjson"));
        command.arg("--summary-json").arg(stage.file("summary.json"));
        command.arg("--concurrency").arg(concurrency.to_string());
        command.arg("--max-rate").arg(rate.to_string());
        command
    };
    let errors = stage.file("errors.log");
    // Some ends come in the middle, some before the first call, some after the last.
    let most = events.len() as u64 / 2;
    let mut ends = 0;
    for _ in 0..if play.kills || play.stops { random.u32(1..=4) } else { 0 } {
        let mut process = Process::start(&mut command(), &errors)?;
        if !sandbox.wait_for_calls(random.u64(0..=most), &mut process)? {
            break;
        }
        let signal = match (play.kills, play.stops && random.bool()) {
            (_, true) | (false, _) => [Signal::Terminate, Signal::Interrupt][random.usize(0..2)],
            (true, false) => Signal::Kill,
        };
        process.signal(signal)?;
        if process.wait(STOP)?.is_none() {
            return Err(Failure::Hangs("stopping"));
        }
        ends += 1;
    }
    let Some(status) = Process::start(&mut command(), &errors)?.wait(FINISH)? else {
        return Err(Failure::Hangs("finishing"));
    };
    let summary: Value = serde_json::from_slice(&fs::read(stage.file("summary.json"))?)?;
    let count = |name: &str| summary[name].as_u64().and_then(|count| usize::try_from(count).ok());
    let (mut delivered, mut failed) = (model.count(Ending::Delivered), model.count(Ending::Failed));
    if play.mix == Mix::Late {
        // What has failed before the program was ended comes again, and later events may have left nothing of it to do.
        let superseded = count("delivered")
            .unwrap_or_default()
            .saturating_sub(delivered)
            .min(failed);
        (delivered, failed) = (delivered + superseded, failed - superseded);
    }
    let expected = [
        ("events", events.len()),
        ("delivered", delivered),
        ("rejected", model.count(Ending::Rejected)),
        ("failed", failed),
    ];
    for (name, expected) in expected {
        if summary[name] != expected {
            let text = format!("{name} should be {expected}: {summary}");
            return Err(Failure::Summary(text));
        }
    }
    let code = i32::from(delivered < events.len());
    if status.code() != Some(code) {
        return Err(Failure::Summary(format!("the program ends with {status}, not {code}")));
    }
    let dead = fs::read_to_string(stage.file("dead.ndjson")).unwrap_or_default();
    if dead.lines().count() < failed {
        return Err(Failure::Summary("a dead letter is missing".to_owned()));
    }
    Ok(ends)
}
