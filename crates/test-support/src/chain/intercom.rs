//! The sandbox, and the way to it.

use crate::rudder_server::Day;
use crate::simulation::response_of;
use fastrand::Rng;
use intercom_api::{ApiVersion, Call, DataAttributeModel, DataType, UnixSeconds};
use intercom_delivery::Response;
use intercom_delivery::client::{Answer, Cause, InProcess, TransportError};
use intercom_sandbox::{Faults, RateLimit, Request, Sandbox, Settings, UnixMillis};
use serde_json::Value;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// When it all begins, since 1970.
const BEGIN: Duration = Duration::from_millis(1_800_000_003_217);
/// How long a response is waited for.
const PATIENCE: Duration = Duration::from_secs(15);
/// The longest way there, or back, in milliseconds.
const LONGEST_WAY: u64 = 40;

/// The token that the workspace takes at first, and the one that replaces it.
pub(super) const TOKEN: &str = "known";
pub(super) const NEW_TOKEN: &str = "new";

/// The sandbox, with a clock and chance.
pub(super) struct Intercom {
    sandbox: Mutex<Sandbox>,
    random: Mutex<Rng>,
    start: Instant,
    outage: Range<Duration>,
    /// What happens, line by line, if somebody wants to know.
    told: Option<Mutex<Vec<String>>>,
}

/// A request as it is sent.
struct Sent {
    method: String,
    path: String,
    authorization: Option<String>,
    version: Option<String>,
    body: Vec<u8>,
}

impl Intercom {
    pub(super) fn new(day: &Day, seed: u64, is_traced: bool) -> Self {
        let mut settings = Settings::default()
            .with_seed(seed)
            .with_search_lag(day.lag)
            .with_any_attribute(!day.lacks_attribute)
            .with_token(if day.replaces_token { NEW_TOKEN } else { TOKEN });
        for (model, name, kind) in [
            (DataAttributeModel::Contact, "plan", DataType::String),
            (DataAttributeModel::Contact, "seats", DataType::Integer),
            (DataAttributeModel::Contact, "vip", DataType::Boolean),
            (DataAttributeModel::Company, "city", DataType::String),
        ] {
            settings = settings.with_attribute(model, name, kind);
        }
        if day.fault_rate > 0.0 {
            settings = settings.with_faults(Faults::mixed(day.fault_rate));
        }
        if let Some(calls) = day.limit {
            settings = settings.with_rate_limit(RateLimit::new(calls.into(), Duration::from_secs(10)));
        }
        let outage = Duration::from_secs(7);
        Self {
            sandbox: Mutex::new(Sandbox::new(settings)),
            random: Mutex::new(Rng::with_seed(seed ^ 0x0dd_ba11)),
            start: Instant::now(),
            outage: outage..outage + day.outage,
            told: is_traced.then(Mutex::default),
        }
    }

    /// How much time has passed.
    pub(super) fn passed(&self) -> Duration {
        self.start.elapsed()
    }

    /// The moment when so much time has passed.
    pub(super) fn at(&self, passed: Duration) -> Instant {
        self.start + passed
    }

    /// What time it is, since 1970.
    pub(super) fn now(&self) -> Duration {
        BEGIN + self.passed()
    }

    /// A random number of milliseconds.
    pub(super) fn chance(&self, range: Range<u64>) -> Duration {
        Duration::from_millis(lock(&self.random).u64(range))
    }

    pub(super) fn choose(&self, of: usize) -> usize {
        lock(&self.random).usize(..of)
    }

    pub(super) fn state(&self) -> Value {
        serde_json::to_value(lock(&self.sandbox).state()).unwrap_or_default()
    }

    pub(super) fn tell(&self, line: impl FnOnce() -> String) {
        if let Some(told) = &self.told {
            let passed = self.passed().as_secs_f64();
            lock(told).push(format!("{passed:9.3} {}", line()));
        }
    }

    pub(super) fn told(&self) -> Vec<String> {
        self.told.as_ref().map(|told| lock(told).clone()).unwrap_or_default()
    }

    /// Answers a request that rudder-server makes.
    pub(super) async fn answer_itself(&self, request: http::Request<String>) -> Option<(u16, String)> {
        let (head, body) = request.into_parts();
        let header = |name: &str| Some(head.headers.get(name)?.to_str().ok()?.to_owned());
        let sent = Sent {
            method: head.method.as_str().to_owned(),
            path: head.uri.path_and_query()?.as_str().to_owned(),
            authorization: header("authorization"),
            version: header("intercom-version"),
            body: body.into_bytes(),
        };
        let reply = self.answer(&sent, None).await.ok()?;
        Some((reply.status, String::from_utf8(reply.body).ok()?))
    }

    /// Answers a request of somebody who waits for the response for as long as he lives.
    async fn answer(&self, sent: &Sent, life: Option<&Life>) -> Result<Response, Cause> {
        tokio::time::timeout(PATIENCE, self.carry(sent, life))
            .await
            .unwrap_or(Err(Cause::ResponseTimeout))
    }

    async fn carry(&self, sent: &Sent, life: Option<&Life>) -> Result<Response, Cause> {
        tokio::time::sleep(self.chance(1..LONGEST_WAY)).await;
        while_alive(life).await;
        if self.outage.contains(&self.passed()) {
            return Err(Cause::Unreachable);
        }
        let now = UnixMillis(u64::try_from(self.now().as_millis()).unwrap_or(u64::MAX));
        let mut request = Request::new(&sent.method, &sent.path).body(&sent.body);
        request.authorization = sent.authorization.as_deref();
        request.version = sent.version.as_deref();
        let reply = lock(&self.sandbox).handle(request, now);
        self.tell(|| {
            let mut line = format!("{} {} {}", reply.status, sent.method, sent.path);
            if !sent.body.is_empty() {
                let _ = write!(line, " {}", String::from_utf8_lossy(&sent.body));
            }
            line
        });
        let way = self.chance(1..LONGEST_WAY);
        tokio::time::sleep(way + reply.delay.unwrap_or_default()).await;
        while_alive(life).await;
        if reply.dropped.is_some() {
            return Err(Cause::Interrupted);
        }
        let mut response = response_of(&reply);
        response.date = i64::try_from(now.as_secs()).ok().map(UnixSeconds);
        Ok(response)
    }
}

/// Whether an instance has been killed.
pub(super) type Life = watch::Receiver<bool>;

/// Whoever is dead neither sends nor hears anything any more.
async fn while_alive(life: Option<&Life>) {
    if life.is_some_and(|is_dead| *is_dead.borrow()) {
        std::future::pending::<()>().await;
    }
}

/// The way of an instance to Intercom.
pub(super) struct Line {
    pub(super) intercom: Arc<Intercom>,
    pub(super) life: Life,
}

impl InProcess for Line {
    fn answer(&self, call: &Call, authorization: &str, version: ApiVersion) -> Answer {
        let (intercom, life) = (Arc::clone(&self.intercom), self.life.clone());
        let sent = Sent {
            method: call.method.as_str().to_owned(),
            path: call.path_and_query(),
            authorization: Some(authorization.to_owned()),
            version: Some(version.as_str().to_owned()),
            body: call
                .body
                .as_ref()
                .map(|body| body.get().as_bytes().to_vec())
                .unwrap_or_default(),
        };
        Box::pin(async move { intercom.answer(&sent, Some(&life)).await.map_err(TransportError::of) })
    }

    fn now(&self) -> Duration {
        self.intercom.now()
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
