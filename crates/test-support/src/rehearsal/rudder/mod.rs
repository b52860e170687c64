//! `serve` behind a double of rudder-server, which is many times as fast as the real one.

mod chain;
mod early;

pub(super) use early::day as early;

use super::process::{Sandbox, Service, Signal, World};
use super::stage::{FINISH, Failure, Fault, Report, STOP, Stage};
use crate::people::{Model, event};
use crate::rudder_server::{Day, Pace, Router, RudderServer, Verdict, Way, key};
use chain::{Chain, lock};
use fastrand::Rng;
use std::time::{Duration, Instant, SystemTime};

/// How many times as fast as the real one it is, and where many people come.
const FASTER: u32 = 50;
const FASTER_OF_MANY: u32 = 10;
/// The same of searches: what the processes do does not get faster, and must not take longer than searches lag.
const SEARCHES_FASTER: u32 = 10;
/// How long contacts settle: longer than searches lag.
const SETTLING: &str = "8s";
/// How often it is looked whether all is done.
const LOOK: Duration = Duration::from_millis(20);

const KNOWN_TOKEN: &str = "known";
const NEW_TOKEN: &str = "new";

/// Plays a day. Where rudder-server makes calls, what is lost is counted, and is no failure: it is how that is.
pub(super) fn run(stage: &Stage, random: &mut Rng, seed: u64, day: Day) -> Result<Report, Failure> {
    let (happenings, model) = day.events(random);
    let faster = stage.people().map_or(FASTER, |_| FASTER_OF_MANY);
    let pace = match stage.people() {
        None => Pace::scaled(faster),
        Some(_) => Pace {
            workers: Pace::real().workers,
            ..Pace::scaled(faster)
        },
    };
    let mut world = World {
        seed,
        lag: (day.lag / SEARCHES_FASTER).as_secs_f64(),
        fault_rate: day.fault_rate,
        shares_emails: false,
        lacks_attribute: day.lacks_attribute,
        limit: day.limit.map(|calls| (calls, Duration::from_secs(10) / faster)),
        token_file: None,
    };
    let token = stage.file("token");
    if day.replaces_token {
        std::fs::write(&token, NEW_TOKEN)?;
        world.token_file = Some(&token);
    }
    let sandbox = Sandbox::start(stage.program(), &stage.file("errors.log"), &world)?;
    let mut services = vec![start(stage, &sandbox, day, 0)?, start(stage, &sandbox, day, 1)?];
    let mut router = Router::new(pace);
    for (number, happening) in happenings.iter().enumerate() {
        let at = day.arrives(number, happenings.len()) / faster;
        router.add(at, key(happening), event(happening, number));
    }
    let server = RudderServer::new(
        router,
        day.way,
        services.iter().map(|service| service.url.clone()).collect(),
        [KNOWN_TOKEN, if day.replaces_token { NEW_TOKEN } else { KNOWN_TOKEN }],
        SystemTime::now().into(),
    );
    let chain = Chain::new(server);
    let workers = pace.workers;
    let (ends, mut processor) = std::thread::scope(|scope| {
        let working: Vec<_> = (0..workers)
            .map(|worker| {
                scope.spawn({
                    let chain = &chain;
                    move || chain.work(worker)
                })
            })
            .collect();
        let result = watch(stage, &sandbox, random, (day, faster), &chain, &mut services, || {
            working.iter().all(std::thread::ScopedJoinHandle::is_finished)
        });
        chain.end();
        result
    })?;
    if day.has_stores {
        early::finish(stage, &sandbox, &model, &chain, &services, &happenings)?;
    }
    for service in &mut services {
        processor += service.process.processor_time();
        service.process.signal(Signal::Terminate)?;
        if service.process.wait(STOP)?.is_none() {
            return Err(Failure::Hangs("stopping the service"));
        }
    }
    let report = Report {
        events: happenings.len(),
        ends,
        processor,
        ..Report::default()
    };
    judge(&sandbox, &model, &chain, day, report)
}

fn start(stage: &Stage, sandbox: &Sandbox, day: Day, instance: usize) -> Result<Service, Fault> {
    let deliver = match day.way {
        Way::Here => "here",
        Way::Returned | Way::Proxied => "rudder-server",
    };
    let on_undefined = if day.lacks_attribute { "create" } else { "fail" };
    let mut arguments = vec![
        "--deliver",
        deliver,
        "--settling-time",
        SETTLING,
        "--attributes",
        on_undefined,
    ];
    let store = early::store(stage, instance);
    if day.has_stores {
        arguments.extend(["--store", store.to_str().unwrap_or_default()]);
        arguments.extend(["--look-for-contact-after", early::FIRST_LOOK]);
    }
    Service::start(stage.program(), &stage.file("errors.log"), sandbox, &arguments)
}

/// Lets happen what the day brings, until all is done. Says how often an instance was killed, and how much time of processors
/// those took.
fn watch(
    stage: &Stage,
    sandbox: &Sandbox,
    random: &mut Rng,
    (day, faster): (Day, u32),
    chain: &Chain,
    services: &mut [Service],
    is_done: impl Fn() -> bool,
) -> Result<(usize, Duration), Failure> {
    let started = Instant::now();
    let (mut ends, mut next_kill) = (0, Duration::from_millis(random.u64(50..200)));
    let (mut is_out, mut processor) = (false, Duration::ZERO);
    while !is_done() {
        let passed = started.elapsed();
        if passed > FINISH {
            return Err(Failure::Hangs("delivering"));
        }
        let outage = Duration::from_millis(150)..Duration::from_millis(150) + day.outage / faster;
        if !day.outage.is_zero() && outage.contains(&passed) != is_out {
            is_out = !is_out;
            sandbox.fail(if is_out { 1.0 } else { 0.0 })?;
        }
        if day.kills.is_some() && passed > next_kill && ends < 6 {
            let at = random.usize(0..services.len());
            processor += services[at].process.processor_time();
            services[at].process.signal(Signal::Kill)?;
            services[at].process.wait(STOP)?;
            // For a while, connections are refused.
            std::thread::sleep(Duration::from_millis(random.u64(0..100)));
            services[at] = start(stage, sandbox, day, at)?;
            lock(&chain.server).instances[at].clone_from(&services[at].url);
            ends += 1;
            let pause = if day.has_stores { 200..700 } else { 50..300 };
            next_kill = started.elapsed() + Duration::from_millis(random.u64(pause));
        }
        std::thread::sleep(LOOK);
    }
    Ok((ends, processor))
}

/// Compares what came of it with the model.
fn judge(sandbox: &Sandbox, model: &Model, chain: &Chain, day: Day, report: Report) -> Result<Report, Failure> {
    let verdict = Verdict::new(model, &sandbox.state()?, lock(&chain.server).router.aborted(), &day);
    if !verdict.is_as_expected(day.way) {
        return Err(Failure::Wrong(verdict.into_lines()));
    }
    Ok(Report {
        calls: sandbox.calls()?,
        people: verdict.people,
        wrong: verdict.wrong,
        lost: verdict.lost,
        ..report
    })
}
