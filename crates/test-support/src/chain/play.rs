//! A day: workers, instances that are killed, and what comes of it.

use super::intercom::{Intercom, Life, Line, NEW_TOKEN, TOKEN, lock};
use super::report::Report;
use super::scenario::Scenario;
use crate::people::{Model, Site, event};
use crate::rudder_server::Way;
use crate::rudder_server::{Day, Pace, Router, RudderServer, Turn, Verdict, key};
use fastrand::Rng;
use http::Request;
use http_body_util::BodyExt as _;
use intercom_delivery::AttributePolicy;
use intercom_delivery::client::Client;
use intercom_transformer::{DeliverBy, Instances, Settings, Transformer};
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

/// How long a request takes to an instance, and a response back.
const HOP: Duration = Duration::from_millis(1);
/// How often instances are killed, at most.
const KILLS: usize = 12;

/// A transformer, and the switch that ends it; none while it is down.
struct Instance(Transformer, watch::Sender<bool>);

/// What is played, and how far it is.
pub(super) struct Played {
    chain: Arc<Chain>,
    model: Model,
    events: usize,
    day: Day,
}

struct Chain {
    server: Mutex<RudderServer>,
    instances: Mutex<Vec<Option<Instance>>>,
    intercom: Arc<Intercom>,
    settings: Settings,
    kills: AtomicUsize,
}

impl Played {
    pub(super) fn new(scenario: &Scenario, seed: u64, is_traced: bool) -> Self {
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
            (0..scenario.instances)
                .map(|at| format!("http://{at}.instance"))
                .collect(),
            [TOKEN, token],
            (std::time::SystemTime::UNIX_EPOCH + intercom.now()).into(),
        );
        let chain = Chain {
            server: Mutex::new(server),
            instances: Mutex::default(),
            intercom,
            settings: settings(&day, scenario.instances),
            kills: AtomicUsize::new(0),
        };
        lock(&chain.instances).extend((0..scenario.instances).map(|_| Some(chain.instance())));
        Self {
            chain: Arc::new(chain),
            model,
            events: happenings.len(),
            day,
        }
    }

    /// Works until every job is done.
    pub(super) async fn play(&self) {
        let mut workers = JoinSet::new();
        for worker in 0..Pace::real().workers {
            workers.spawn(Arc::clone(&self.chain).work(worker));
        }
        let mut mishaps = JoinSet::new();
        if self.day.kills {
            mishaps.spawn(Arc::clone(&self.chain).kill_now_and_then());
        }
        while workers.join_next().await.is_some() {}
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

/// The settings of the transformer.
fn settings(day: &Day, instances: usize) -> Settings {
    let mut settings = Settings::new();
    settings.deliver = match day.way {
        Way::Here => DeliverBy::Here,
        Way::Returned | Way::Proxied => DeliverBy::RudderServer,
    };
    if instances == 1 {
        settings.instances = Instances::One;
    }
    if day.lacks_attribute {
        settings.on_undefined = AttributePolicy::Create;
    }
    settings
}

impl Chain {
    fn instance(&self) -> Instance {
        let (switch, life) = watch::channel(false);
        let intercom = Arc::clone(&self.intercom);
        let client = Client::in_process(Line { intercom, life });
        Instance(Transformer::over(client, self.settings.clone()), switch)
    }

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
            let Instance(transformer, switch) = instances.get(at)?.as_ref()?;
            (transformer.router(), switch.subscribe())
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

    async fn kill_now_and_then(self: Arc<Self>) {
        for _ in 0..KILLS {
            tokio::time::sleep(self.intercom.chance(500..4_000)).await;
            let at = self.intercom.choose(lock(&self.instances).len());
            if let Some(Instance(_, switch)) = lock(&self.instances)[at].take() {
                self.intercom.tell(|| format!("instance {at} is killed"));
                switch.send_replace(true);
                self.kills.fetch_add(1, Ordering::Relaxed);
            }
            tokio::time::sleep(self.intercom.chance(1..2_000)).await;
            let instance = self.instance();
            lock(&self.instances)[at] = Some(instance);
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
