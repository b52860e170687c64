//! What comes before its contact, and waits for it in the stores of the instances.

use super::chain::Chain;
use crate::people::{Action, Happening, Model, Site, difference, lines};
use crate::rehearsal::process::{Sandbox, Service};
use crate::rehearsal::stage::{FINISH, Failure, Fault, Stage};
use crate::rudder_server::{Day, Trouble, Way};
use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// How soon it is looked for a contact that the other instance may have created; ten seconds in the real world, which are
/// five hundred times as long: all events arrive within some 25 minutes of it, and within two and a half of rudder-server's
/// own time.
pub(super) const FIRST_LOOK: &str = "20ms";
/// How long all events take to arrive, in rudder-server's own time: the hour that they take, as many times as fast.
const ARRIVAL: Duration = Duration::from_secs(150);
/// How often it is looked whether all is done.
const LOOK: Duration = Duration::from_millis(100);

/// A day on which what needs a contact comes before it.
pub(in crate::rehearsal) fn day(trouble: Trouble) -> Day {
    Day {
        arrival: ARRIVAL,
        ..Day::new(trouble, Way::Here, Site::SMALL)
    }
}

/// Where an instance keeps what waits.
pub(super) fn store(stage: &Stage, instance: usize) -> PathBuf {
    stage.file(&format!("early-{instance}.db"))
}

/// Waits until everything is delivered whose contact has come.
pub(super) fn finish(
    stage: &Stage,
    sandbox: &Sandbox,
    model: &Model,
    chain: &Chain,
    services: &[Service],
    happenings: &[Happening],
) -> Result<(), Failure> {
    // One that has been killed learns the token with the next event: with one that has come before.
    let is_track = |happening: &Happening| matches!(happening.action, Action::Track { .. });
    if let Some(track) = happenings.iter().position(is_track) {
        for service in services {
            chain.transform_at(&service.url, &[track])?;
        }
    }
    let started = Instant::now();
    loop {
        let difference = difference(&model.lines(), &lines(&sandbox.state()?));
        let queued: i64 = (0..services.len())
            .map(|at| queued(stage, at))
            .sum::<Result<i64, Fault>>()?;
        if difference.is_empty() && queued == 0 {
            return Ok(());
        }
        if started.elapsed() > FINISH {
            return Err(Failure::Wrong(difference));
        }
        std::thread::sleep(LOOK);
    }
}

/// How many events of a store are being delivered.
fn queued(stage: &Stage, instance: usize) -> Result<i64, Fault> {
    let mut command = Command::new(stage.program());
    command
        .args(["queue", "status", "--json", "--store"])
        .arg(store(stage, instance));
    let output = command.output()?;
    let status: Value = serde_json::from_slice(&output.stdout)?;
    if status["dead_letters"] != 0 {
        return Err("events have become dead letters".into());
    }
    Ok(status["events"].as_i64().unwrap_or_default())
}
