//! `serve --gateway`, ended while events come in and go out, and started again.

use super::process::{Gateway, Sandbox, Signal, get};
use super::stage::{FINISH, Failure, STOP, Stage};
use crate::people::{Ending, Model};
use fastrand::Rng;
use serde_json::Value;
use std::time::{Duration, Instant};

/// How long a gateway believes that the workspace lacks an attribute: nobody creates one and replays faster.
const BELIEVED: Duration = Duration::from_secs(6);

/// Hands all events in, in order, and waits until they are delivered. Says how often the gateway was ended.
pub(super) fn run(
    stage: &Stage,
    sandbox: &Sandbox,
    random: &mut Rng,
    events: &[Value],
    model: &Model,
    is_replayed: bool,
) -> Result<usize, Failure> {
    let (errors, store) = (stage.file("errors.log"), stage.file("store.db"));
    let start = || Gateway::start(stage.program(), &errors, sandbox, &store);
    let mut gateway = start()?;
    let mut ends = 0;
    let mut rest = events;
    while !rest.is_empty() {
        let size = random.usize(1..=10).min(rest.len());
        let batch = &rest[..size];
        // A response that was lost with the process leaves the sender in doubt: it sends again, and repeats are dropped.
        if gateway.post(batch) {
            rest = &rest[size..];
        }
        if ends < 4 && random.u8(0..4) == 0 {
            std::thread::sleep(Duration::from_millis(random.u64(0..60)));
            let signal = [Signal::Kill, Signal::Terminate, Signal::Interrupt][random.usize(0..3)];
            gateway.process.signal(signal)?;
            if gateway.process.wait(STOP)?.is_none() {
                return Err(Failure::Hangs("stopping the gateway"));
            }
            gateway = start()?;
            ends += 1;
        }
    }
    let (waiting, to_fail) = model.left_waiting;
    let left = wait_until_delivered(&gateway, Some(waiting))?;
    let expected = model.count(Ending::Rejected) + model.count(Ending::Failed) - to_fail;
    if left != expected {
        return Err(Failure::Summary(format!("{left} dead letters, not {expected}")));
    }
    if is_replayed {
        sandbox.define_late()?;
        std::thread::sleep(BELIEVED);
        for code in ["undefined_attribute", "unknown_contact"] {
            gateway.replay(code)?;
        }
        wait_until_delivered(&gateway, None)?;
    }
    Ok(ends)
}

/// Waits until nothing waits in the queue, and so many events for their contact; says how many dead letters there are.
fn wait_until_delivered(gateway: &Gateway, waiting: Option<usize>) -> Result<Value, Failure> {
    let until = Instant::now() + FINISH;
    loop {
        let stats = get(&format!("{}/api/stats", gateway.url))?;
        let is_settled = waiting.is_none_or(|waiting| stats["queue"]["awaiting"] == waiting);
        if stats["queue"]["events"] == 0 && is_settled {
            return Ok(stats["queue"]["dead_letters"].clone());
        }
        if Instant::now() > until {
            return Err(Failure::Hangs("delivering"));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
