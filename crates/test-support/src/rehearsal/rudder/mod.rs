//! `serve` behind a double of rudder-server, which is many times as fast as the real one.

mod chain;
mod early;
mod queue;

use super::happening::{Happening, Identity};
use super::model::{self, Ending, Model};
use super::process::{Sandbox, Service, Signal, World};
use super::stage::{FINISH, Failure, Fault, Report, STOP, Stage};
use super::workload::{self, Mix};
use chain::{Chain, Way, lock};
use fastrand::Rng;
use queue::{Pace, Router};
use std::time::{Duration, Instant};

/// How many times as fast as the real one it is.
const FASTER: u32 = 50;
/// The same of searches: what the processes do does not get faster, and must not take longer than searches lag.
const SEARCHES_FASTER: u32 = 10;
/// How long all events take to arrive.
const ARRIVAL: Duration = Duration::from_millis(300);
/// How long contacts settle: longer than searches lag.
const SETTLING: &str = "8s";
/// How often it is looked whether all is done.
const LOOK: Duration = Duration::from_millis(20);

/// What happens to the chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Day {
    pub(super) mix: Mix,
    /// How many seconds of the real world searches lag behind.
    pub(super) lag: u32,
    pub(super) fault_rate: f64,
    /// How many calls are answered in ten seconds of the real world.
    pub(super) limit: Option<u32>,
    /// Whether nothing goes through for a minute of the real world.
    pub(super) has_outage: bool,
    pub(super) kills: bool,
    /// Whether the token that rudder-server knows is refused.
    pub(super) replaces_token: bool,
    /// Whether the instances have stores, each its own.
    pub(super) has_stores: bool,
    pub(super) way: Way,
}

impl Day {
    /// A healthy one.
    pub(super) const CALM: Self = Self {
        mix: Mix::Site,
        lag: 0,
        fault_rate: 0.0,
        limit: None,
        has_outage: false,
        kills: false,
        replaces_token: false,
        has_stores: false,
        way: Way::Here,
    };
    /// What needs a contact comes before it.
    pub(super) const EARLY: Self = Self {
        mix: Mix::Early,
        has_stores: true,
        ..Self::CALM
    };
    /// The same, while rudder-server makes the last call of each event.
    pub(super) const RETURNED: Self = Self {
        way: Way::Returned,
        ..Self::CALM
    };
    /// The same, while it has the transformer make it.
    pub(super) const PROXIED: Self = Self {
        way: Way::Proxied,
        ..Self::CALM
    };
}

const KNOWN_TOKEN: &str = "known";
const NEW_TOKEN: &str = "new";

/// Plays a day. Where rudder-server makes calls, what is lost is counted, and is no failure: it is how that is.
pub(super) fn run(stage: &Stage, random: &mut Rng, seed: u64, day: Day) -> Result<Report, Failure> {
    let kinds = workload::Kinds {
        leads: false,
        nameless: true,
    };
    let happenings = workload::random(random, day.mix, kinds);
    let model = Model::after(&happenings, false);
    let mut world = World {
        seed,
        lag: f64::from(day.lag) / f64::from(SEARCHES_FASTER),
        fault_rate: day.fault_rate,
        shares_emails: false,
        lacks_attribute: false,
        limit: day.limit.map(|calls| (calls, Duration::from_secs(10) / FASTER)),
        token_file: None,
    };
    let token = stage.file("token");
    if day.replaces_token {
        std::fs::write(&token, NEW_TOKEN)?;
        world.token_file = Some(&token);
    }
    let sandbox = Sandbox::start(stage.program(), &stage.file("errors.log"), &world)?;
    let mut services = vec![start(stage, &sandbox, day, 0)?, start(stage, &sandbox, day, 1)?];
    let instances = services.iter().map(|service| service.url.clone()).collect();
    let mut router = Router::new(Pace::scaled(FASTER));
    let arrival = if day.has_stores { early::ARRIVAL } else { ARRIVAL };
    let step = arrival / u32::try_from(happenings.len().max(1)).unwrap_or(u32::MAX);
    for (number, happening) in happenings.iter().enumerate() {
        let at = step * u32::try_from(number).unwrap_or(u32::MAX);
        router.add(at, key(happening), workload::event(happening, number));
    }
    let chain = Chain::new(
        router,
        day.way,
        instances,
        [KNOWN_TOKEN, if day.replaces_token { NEW_TOKEN } else { KNOWN_TOKEN }],
    );
    let workers = Pace::scaled(FASTER).workers;
    let ends = std::thread::scope(|scope| {
        let working: Vec<_> = (0..workers)
            .map(|worker| {
                scope.spawn({
                    let chain = &chain;
                    move || chain.work(worker)
                })
            })
            .collect();
        let result = watch(stage, &sandbox, random, day, &chain, &mut services, || {
            working.iter().all(std::thread::ScopedJoinHandle::is_finished)
        });
        chain.end();
        result
    })?;
    if day.has_stores {
        early::finish(stage, &sandbox, &model, &chain, &services, &happenings)?;
    }
    for service in &mut services {
        service.process.signal(Signal::Terminate)?;
        if service.process.wait(STOP)?.is_none() {
            return Err(Failure::Hangs("stopping the service"));
        }
    }
    judge(&sandbox, &model, &chain, day, happenings.len(), ends)
}

/// Whose event it is to rudder-server. Whoever has no user id has an email that begins with who they are.
fn key(happening: &Happening) -> String {
    let Identity { user_id, email } = &happening.identity;
    let email = email.as_deref().and_then(|email| email.split('.').next());
    let who = user_id.as_deref().or(email).unwrap_or_default();
    format!("<<>>{who}<<>>{who}")
}

fn start(stage: &Stage, sandbox: &Sandbox, day: Day, instance: usize) -> Result<Service, Fault> {
    let deliver = match day.way {
        Way::Here => "here",
        Way::Returned | Way::Proxied => "rudder-server",
    };
    let mut arguments = vec!["--deliver", deliver, "--settling-time", SETTLING];
    let store = early::store(stage, instance);
    if day.has_stores {
        arguments.extend(["--store", store.to_str().unwrap_or_default()]);
        arguments.extend(["--look-for-contact-after", early::FIRST_LOOK]);
    }
    Service::start(stage.program(), &stage.file("errors.log"), sandbox, &arguments)
}

/// Lets happen what the day brings, until all is done. Says how often an instance was killed.
fn watch(
    stage: &Stage,
    sandbox: &Sandbox,
    random: &mut Rng,
    day: Day,
    chain: &Chain,
    services: &mut [Service],
    is_done: impl Fn() -> bool,
) -> Result<usize, Failure> {
    let started = Instant::now();
    let (mut ends, mut next_kill) = (0, Duration::from_millis(random.u64(50..200)));
    let mut is_out = false;
    while !is_done() {
        let passed = started.elapsed();
        if passed > FINISH {
            return Err(Failure::Hangs("delivering"));
        }
        let outage = Duration::from_millis(150)..Duration::from_millis(150) + Duration::from_secs(60) / FASTER;
        if day.has_outage && outage.contains(&passed) != is_out {
            is_out = !is_out;
            sandbox.fail(if is_out { 1.0 } else { 0.0 })?;
        }
        if day.kills && passed > next_kill && ends < 6 {
            let at = random.usize(0..services.len());
            services[at].process.signal(Signal::Kill)?;
            services[at].process.wait(STOP)?;
            // For a while, connections are refused.
            std::thread::sleep(Duration::from_millis(random.u64(0..100)));
            services[at] = start(stage, sandbox, day, at)?;
            lock(&chain.instances)[at].clone_from(&services[at].url);
            ends += 1;
            let pause = if day.has_stores { 200..700 } else { 50..300 };
            next_kill = started.elapsed() + Duration::from_millis(random.u64(pause));
        }
        std::thread::sleep(LOOK);
    }
    Ok(ends)
}

/// Compares what came of it with the model.
fn judge(
    sandbox: &Sandbox,
    model: &Model,
    chain: &Chain,
    day: Day,
    events: usize,
    ends: usize,
) -> Result<Report, Failure> {
    let difference = model::difference(&model.lines(), &model::lines(&sandbox.state()?));
    let aborted = lock(&chain.router).aborted();
    let ended = model.count(Ending::Rejected) + model.count(Ending::Failed);
    // To rudder-server, what waits in a store is done.
    let expected = if day.has_stores {
        ended - model.left_waiting.1
    } else {
        ended
    };
    let report = Report {
        events,
        ends,
        calls: sandbox.calls()?,
        people: model.people(),
        wrong: difference
            .iter()
            .filter(|line| line.starts_with("missing: contact"))
            .count(),
        lost: aborted.saturating_sub(expected),
    };
    if day.way != Way::Here {
        return Ok(report);
    }
    if !difference.is_empty() {
        return Err(Failure::Wrong(difference));
    }
    if aborted != expected {
        return Err(Failure::Summary(format!("{aborted} jobs were aborted, not {expected}")));
    }
    Ok(report)
}
