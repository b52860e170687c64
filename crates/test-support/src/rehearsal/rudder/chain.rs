//! rudder-server as far as it makes requests: batches to one instance after the other, and what becomes of the responses.

use super::queue::{Router, Turn};
use crate::rehearsal::stage::Fault;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use ureq::Agent;
use ureq::http::{Request, Response};

/// How often a worker looks whether there is something to do.
const LOOK: Duration = Duration::from_millis(5);
/// How long rudder-server waits for a response.
const PATIENCE: Duration = Duration::from_secs(600);

/// Who makes the last call of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rehearsal) enum Way {
    /// The transformer, while it answers.
    Here,
    /// rudder-server itself.
    Returned,
    /// The transformer, asked once more.
    Proxied,
}

/// rudder-server, its instances of the transformer, and its control plane.
pub(super) struct Chain {
    pub(super) router: Mutex<Router>,
    pub(super) way: Way,
    /// Where the instances are; each is asked in its turn.
    pub(super) instances: Mutex<Vec<String>>,
    turn: AtomicUsize,
    /// The access token that it has in its memory, and the one that the control plane has.
    token: Mutex<&'static str>,
    present_token: &'static str,
    agent: Agent,
    start: Instant,
    started_at: SystemTime,
    is_over: AtomicBool,
}

/// What the response says of a job.
struct Told {
    status: u16,
    returned: Value,
    asks_for_refresh: bool,
}

impl Chain {
    pub(super) fn new(router: Router, way: Way, instances: Vec<String>, tokens: [&'static str; 2]) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build()
            .new_agent();
        let [known, present] = tokens;
        Self {
            router: Mutex::new(router),
            way,
            instances: Mutex::new(instances),
            turn: AtomicUsize::new(0),
            token: Mutex::new(known),
            present_token: present,
            agent,
            start: Instant::now(),
            started_at: SystemTime::now(),
            is_over: AtomicBool::new(false),
        }
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Ends the workers, whatever is left.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Works until every job has succeeded or was aborted.
    pub(super) fn work(&self, worker: usize) {
        while !self.is_over.load(Ordering::Relaxed) {
            let turn = lock(&self.router).turn(worker, self.now());
            match turn {
                Turn::Done => return,
                Turn::Wait => std::thread::sleep(LOOK),
                Turn::Send(batch) => self.send(&batch),
            }
        }
    }

    /// Has a batch transformed, and does what is told of each job.
    fn send(&self, batch: &[usize]) {
        let told = match self.transform(batch) {
            Ok((200, body)) => told_of(batch, &body),
            // All are tried again.
            Ok((404, _)) => return self.all(batch, 404),
            Ok(_) | Err(_) => None,
        };
        let Some(mut told) = told else {
            return self.all(batch, 500);
        };
        let mut failed: BTreeSet<String> = BTreeSet::new();
        for at in batch {
            let Some(told) = told.remove(at) else { continue };
            let key = lock(&self.router).job(*at).key.clone();
            let status = match told.status {
                200 if failed.contains(&key) => {
                    lock(&self.router).waits(*at, self.now());
                    continue;
                }
                200 => self.deliver(*at, &told.returned),
                status => status,
            };
            let status = if told.asks_for_refresh {
                *lock(&self.token) = self.present_token;
                500
            } else {
                status
            };
            if matches!(status, 408 | 429 | 500..=599) {
                failed.insert(key);
            }
            lock(&self.router).ended(*at, status, self.now());
        }
    }

    fn all(&self, batch: &[usize], status: u16) {
        for at in batch {
            lock(&self.router).ended(*at, status, self.now());
        }
    }

    fn instance(&self) -> String {
        let instances = lock(&self.instances);
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        instances[turn % instances.len()].clone()
    }

    fn transform(&self, batch: &[usize]) -> Result<(u16, Value), Fault> {
        self.transform_at(&self.instance(), batch)
    }

    /// Has a batch transformed by an instance.
    pub(super) fn transform_at(&self, instance: &str, batch: &[usize]) -> Result<(u16, Value), Fault> {
        let router = lock(&self.router);
        let input: Vec<Value> = batch
            .iter()
            .map(|at| {
                let job = router.job(*at);
                let first = job.first_attempt.filter(|_| job.attempts > 0);
                json!({
                    "message": job.message,
                    "metadata": {
                        "userId": job.key,
                        "jobId": at,
                        "sourceId": "source",
                        "destinationId": "destination",
                        "attemptNum": job.attempts,
                        "firstAttemptedAt": first.map(|first| self.date(first)).unwrap_or_default(),
                        "workspaceId": "workspace",
                        "secret": null,
                    },
                    "destination": {"ID": "destination", "Config": {"apiServer": "US"}, "Enabled": true},
                })
            })
            .collect();
        drop(router);
        let body = json!({"input": input, "destType": "intercom_v2"}).to_string();
        let secret = json!({"accessToken": *lock(&self.token)}).to_string();
        let url = format!("{instance}/routerTransform");
        let request = Request::post(url)
            .header("content-type", "application/json; charset=utf-8")
            .header("oauth-secret", secret)
            .body(body)?;
        read(self.agent.run(request)?)
    }

    fn date(&self, at: Duration) -> String {
        chrono::DateTime::<chrono::Utc>::from(self.started_at + at).to_rfc3339()
    }

    /// Makes a returned request; the status that comes of it.
    fn deliver(&self, at: usize, returned: &Value) -> u16 {
        let result = match self.way {
            Way::Proxied => self.deliver_by_proxy(at, returned),
            Way::Here | Way::Returned => self.deliver_itself(returned),
        };
        result.unwrap_or(500)
    }

    fn deliver_itself(&self, returned: &Value) -> Result<u16, Fault> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut request = Request::builder()
            .method(text(&returned["method"]).as_str())
            .uri(text(&returned["endpoint"]));
        for (name, value) in returned["headers"].as_object().into_iter().flatten() {
            request = request.header(name, text(value));
        }
        let response = match text(&returned["method"]).as_str() {
            "DELETE" => self.agent.run(request.body(())?)?,
            _ => self.agent.run(request.body(returned["body"]["JSON"].to_string())?)?,
        };
        Ok(response.status().as_u16())
    }

    fn deliver_by_proxy(&self, at: usize, returned: &Value) -> Result<u16, Fault> {
        let mut body = returned.clone();
        body["metadata"] = json!([{"jobId": at, "destinationId": "destination", "workspaceId": "workspace"}]);
        body["destinationConfig"] = json!({});
        let url = format!("{}/v1/destinations/intercom_v2/proxy", self.instance());
        let request = Request::post(url)
            .header("content-type", "application/json")
            .body(body.to_string())?;
        let (status, body) = read(self.agent.run(request)?)?;
        let of_job = body["output"]["response"][0]["statusCode"].as_u64();
        Ok(of_job.and_then(|status| u16::try_from(status).ok()).unwrap_or(status))
    }
}

fn read(response: Response<ureq::Body>) -> Result<(u16, Value), Fault> {
    let status = response.status().as_u16();
    let text = response.into_body().read_to_string()?;
    Ok((status, serde_json::from_str(&text).unwrap_or_default()))
}

/// What is told of each job; nothing, if one is missing, there twice, or unknown.
fn told_of(batch: &[usize], body: &Value) -> Option<BTreeMap<usize, Told>> {
    let mut told = BTreeMap::new();
    for element in body["output"].as_array()? {
        let job = usize::try_from(element["metadata"][0]["jobId"].as_u64()?).ok()?;
        let of_job = Told {
            status: u16::try_from(element["statusCode"].as_u64()?).ok()?,
            returned: element["batchedRequest"].clone(),
            asks_for_refresh: element["authErrorCategory"] == "REFRESH_TOKEN",
        };
        if !batch.contains(&job) || told.insert(job, of_job).is_some() {
            return None;
        }
    }
    (told.len() == batch.len()).then_some(told)
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
