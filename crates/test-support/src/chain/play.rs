//! A day: workers, instances that are killed, and what comes of it.

use super::instance::{Instance, Setup};
use super::intercom::{Intercom, Life, NEW_TOKEN, TOKEN, lock};
use super::report::Report;
use super::scenario::Scenario;
use crate::people::{Action, Happening, Model, Site, difference, event, lines};
use crate::rudder_server::{Day, Pace, Router, RudderServer, Turn, Verdict, key};
use crate::simulation::Violation;
use fastrand::Rng;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

/// How long a request takes to an instance, and a response back.
const HOP: Duration = Duration::from_millis(1);
/// How often instances are killed, at most.
const KILLS: usize = 12;
/// How long it is waited at the end for what waits in stores: it is looked every hour for those who have not come for one.
const LAST_LOOKS: Duration = Duration::from_secs(2 * 60 * 60 + 60);
/// How often it is looked whether that is done.
const LOOK: Duration = Duration::from_secs(60);

/// What is played, and how far it is.
pub(super) struct Played {
    chain: Arc<Chain>,
    model: Model,
    events: usize,
    /// One of them that changes nothing when it comes again.
    track: Option<usize>,
    day: Day,
}

struct Chain {
    server: Mutex<RudderServer>,
    /// None while it is down.
    instances: Mutex<Vec<Option<Instance>>>,
    intercom: Arc<Intercom>,
    setup: Setup,
    kills: AtomicUsize,
}

impl Played {
    pub(super) fn new(scenario: &Scenario, seed: u64, is_traced: bool) -> Result<Self, Violation> {
        let site = scenario.people.map_or(Site::SMALL, Site::measured);
        let day = Day::new(scenario.trouble, scenario.way, site);
        let (happenings, model) = day.events(&mut Rng::with_seed(seed ^ 0x5eed_0f5c_e9a2_1005));
        let intercom = Arc::new(Intercom::new(&day, seed, is_traced));
        let mut router = Router::new(Pace::real());
        for (number, happening) in happenings.iter().enumerate() {
            let at = day.arrives(number, happenings.len());
            router.add(at, key(happening), event(happening, number));
        }
        let token = if day.replaces_token { NEW_TOKEN } else { TOKEN };
        let server = RudderServer::new(
            router,
            day.way,
            (0..scenario.instances).map(host).collect(),
            [TOKEN, token],
            (std::time::SystemTime::UNIX_EPOCH + intercom.now()).into(),
        );
        let chain = Chain {
            server: Mutex::new(server),
            instances: Mutex::default(),
            intercom,
            setup: Setup::new(&day, scenario.instances).map_err(|error| Violation::new(error.to_string()))?,
            kills: AtomicUsize::new(0),
        };
        for at in 0..scenario.instances {
            let instance = chain.setup.start(at, &chain.intercom);
            let instance = instance.map_err(|error| Violation::new(error.to_string()))?;
            lock(&chain.instances).push(Some(instance));
        }
        let is_track = |happening: &Happening| matches!(happening.action, Action::Track { .. });
        Ok(Self {
            chain: Arc::new(chain),
            model,
            events: happenings.len(),
            track: happenings.iter().position(is_track),
            day,
        })
    }

    /// Works until every job is done, and what waits in the stores as far as it can be.
    pub(super) async fn play(&self) {
        let mut workers = JoinSet::new();
        for worker in 0..Pace::real().workers {
            workers.spawn(Arc::clone(&self.chain).work(worker));
        }
        let mut mishaps = JoinSet::new();
        if let Some(pause) = self.day.kills {
            mishaps.spawn(Arc::clone(&self.chain).kill_now_and_then(pause));
        }
        while workers.join_next().await.is_some() {}
        if self.day.has_stores {
            while mishaps.join_next().await.is_some() {}
            self.empty_stores().await;
        }
    }

    /// Waits until everything is delivered whose contact has come.
    async fn empty_stores(&self) {
        let instances = lock(&self.chain.instances).len();
        // One that has been killed learns the token with the next event.
        for (at, track) in (0..instances).zip(self.track.iter().cycle()) {
            let request = lock(&self.chain.server).transform_at(&host(at), &[*track]);
            if let Ok(request) = request {
                self.chain.ask(request).await;
            }
        }
        let ends_by = self.chain.intercom.passed() + LAST_LOOKS;
        while !self.is_delivered() && self.chain.intercom.passed() < ends_by {
            tokio::time::sleep(LOOK).await;
        }
    }

    fn is_delivered(&self) -> bool {
        let is_empty = |instance: &Instance| instance.stored().is_ok_and(|stored| stored.events == 0);
        let all_empty = lock(&self.chain.instances).iter().flatten().all(is_empty);
        all_empty && difference(&self.model.lines(), &lines(&self.state())).is_empty()
    }

    /// What is wrong in the stores, line by line.
    pub(super) fn wrong_in_stores(&self) -> Vec<String> {
        let instances = lock(&self.chain.instances);
        let stored = instances.iter().flatten().enumerate();
        let lines = stored.filter_map(|(at, instance)| match instance.stored() {
            Ok(stored) if stored.events == 0 && stored.dead_letters == 0 => None,
            Ok(stored) => Some(format!(
                "in the store of instance {at}: {} events that could be delivered, {} dead letters",
                stored.events, stored.dead_letters
            )),
            Err(error) => Some(format!("the store of instance {at}: {error}")),
        });
        lines.collect()
    }

    pub(super) fn day(&self) -> &Day {
        &self.day
    }

    pub(super) fn model(&self) -> &Model {
        &self.model
    }

    pub(super) fn state(&self) -> Value {
        self.chain.intercom.state()
    }

    pub(super) fn aborted(&self) -> usize {
        lock(&self.chain.server).router.aborted()
    }

    pub(super) fn told(&self) -> Vec<String> {
        self.chain.intercom.told()
    }

    pub(super) fn report(&self, verdict: &Verdict) -> Report {
        let state = self.state();
        let mut report = Report {
            days: 1,
            events: self.events,
            people: verdict.people,
            wrong: verdict.wrong,
            links: verdict.links,
            lost: verdict.lost,
            aborted: self.aborted(),
            repeats: lock(&self.chain.server).router.repeats(),
            kills: self.chain.kills.load(Ordering::Relaxed),
            took: self.chain.intercom.passed(),
            ..Report::default()
        };
        for (operation, by_answer) in state["calls"].as_object().into_iter().flatten() {
            for (answer, count) in by_answer.as_object().into_iter().flatten() {
                let kind = (operation.clone(), answer.clone());
                report.calls.insert(kind, count.as_u64().unwrap_or_default());
            }
        }
        report
    }
}

/// Where an instance is.
fn host(at: usize) -> String {
    format!("http://{at}.instance")
}

impl Chain {
    /// Has jobs transformed until all of this worker's are done.
    async fn work(self: Arc<Self>, worker: usize) {
        loop {
            let turn = lock(&self.server).turn(worker, self.intercom.passed());
            match turn {
                Turn::Done => return,
                Turn::Wait(until) => tokio::time::sleep_until(self.intercom.at(until)).await,
                Turn::Send(jobs) => self.send(&jobs).await,
            }
        }
    }

    async fn send(&self, jobs: &[usize]) {
        let request = lock(&self.server).transform(jobs);
        let answered = match request {
            Ok(request) => self.ask(request).await,
            Err(_) => None,
        };
        self.intercom.tell(|| {
            let body = answered.as_ref().and_then(|(_, body)| serde_json::from_str(body).ok());
            format!("{jobs:?} answered {}", summary(&body.unwrap_or_default()))
        });
        let batch = lock(&self.server).transformed(jobs, answered, self.intercom.passed());
        let Some(mut batch) = batch else { return };
        loop {
            let request = lock(&self.server).next(&mut batch, self.intercom.passed());
            let Some(request) = request else { return };
            let answered = self.ask(request).await;
            lock(&self.server).delivered(&mut batch, answered, self.intercom.passed());
        }
    }

    /// Makes a request of rudder-server: to an instance, or to Intercom.
    async fn ask(&self, request: Request<String>) -> Option<(u16, String)> {
        let host = request.uri().host()?;
        let Some(at) = host.strip_suffix(".instance") else {
            return self.intercom.answer_itself(request).await;
        };
        let at: usize = at.parse().ok()?;
        let (router, mut life) = {
            let instances = lock(&self.instances);
            let instance = instances.get(at)?.as_ref()?;
            (instance.transformer().router(), instance.life())
        };
        let answer = async {
            tokio::time::sleep(HOP).await;
            let response = router.oneshot(request).await.ok()?;
            let status = response.status().as_u16();
            let body = response.into_body().collect().await.ok()?.to_bytes();
            tokio::time::sleep(HOP).await;
            Some((status, String::from_utf8(body.to_vec()).ok()?))
        };
        tokio::select! {
            biased;
            answered = answer => answered,
            _ = is_dead(&mut life) => None,
        }
    }

    /// Kills instances, each after `pause` at most, and starts them again, after half of that at most.
    async fn kill_now_and_then(self: Arc<Self>, pause: Duration) {
        let pause = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        for _ in 0..KILLS {
            tokio::time::sleep(self.intercom.chance(pause / 8..pause)).await;
            let at = self.intercom.choose(lock(&self.instances).len());
            let instance = lock(&self.instances)[at].take();
            if let Some(instance) = instance {
                self.intercom.tell(|| format!("instance {at} is killed"));
                instance.kill().await;
                self.kills.fetch_add(1, Ordering::Relaxed);
            }
            tokio::time::sleep(self.intercom.chance(1..pause / 2)).await;
            match self.setup.start(at, &self.intercom) {
                Ok(instance) => lock(&self.instances)[at] = Some(instance),
                Err(error) => self
                    .intercom
                    .tell(|| format!("instance {at} cannot be started: {error}")),
            }
        }
    }
}

async fn is_dead(life: &mut Life) -> bool {
    life.wait_for(|is_dead| *is_dead).await.is_ok()
}

/// What an answer says of each job.
fn summary(body: &Value) -> String {
    let elements = body["output"].as_array().into_iter().flatten();
    let told: Vec<String> = elements
        .map(|element| {
            let status = &element["statusCode"];
            let job = &element["metadata"][0]["jobId"];
            let error = element["error"].as_str().unwrap_or_default();
            let code = error.split(':').next().unwrap_or_default();
            format!("{job}:{status} {code}")
        })
        .collect();
    told.join(", ")
}
