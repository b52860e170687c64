//! What rudder-server asks the transformer and Intercom, and what becomes of what they answer.

use super::day::Way;
use super::router::{Router, Turn};
use chrono::{DateTime, Utc};
use http::Request;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// A response: its status and its body, if there is one at all.
pub(crate) type Answered = Option<(u16, String)>;

/// rudder-server: its router, the instances of the transformer, and the token that it has in its memory.
#[derive(Debug)]
pub(crate) struct RudderServer {
    pub(crate) router: Router,
    way: Way,
    /// Where the instances are; each is asked in its turn.
    pub(crate) instances: Vec<String>,
    turn: usize,
    /// The access token in its memory, and the one that the control plane has.
    token: &'static str,
    present_token: &'static str,
    started_at: DateTime<Utc>,
}

/// Jobs that have been transformed, and are gone through in order.
#[derive(Debug)]
pub(crate) struct Batch {
    jobs: VecDeque<usize>,
    told: BTreeMap<usize, Told>,
    /// The keys of which a job is to be tried again.
    failed: BTreeSet<String>,
}

/// What the response says of a job.
#[derive(Debug)]
struct Told {
    status: u16,
    returned: Value,
    asks_for_refresh: bool,
}

impl RudderServer {
    /// One that has the first of the tokens, while its control plane has the second.
    pub(crate) fn new(
        router: Router,
        way: Way,
        instances: Vec<String>,
        tokens: [&'static str; 2],
        started_at: DateTime<Utc>,
    ) -> Self {
        let [token, present_token] = tokens;
        Self {
            router,
            way,
            instances,
            turn: 0,
            token,
            present_token,
            started_at,
        }
    }

    pub(crate) fn turn(&mut self, worker: usize, now: Duration) -> Turn {
        self.router.turn(worker, now)
    }

    fn instance(&mut self) -> String {
        self.turn = (self.turn + 1) % self.instances.len();
        self.instances[self.turn].clone()
    }

    /// The request to have jobs transformed.
    pub(crate) fn transform(&mut self, jobs: &[usize]) -> Result<Request<String>, http::Error> {
        let instance = self.instance();
        self.transform_at(&instance, jobs)
    }

    /// The request to have jobs transformed by an instance.
    pub(crate) fn transform_at(&self, instance: &str, jobs: &[usize]) -> Result<Request<String>, http::Error> {
        let input: Vec<Value> = jobs
            .iter()
            .map(|at| {
                let job = self.router.job(*at);
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
        Request::post(format!("{instance}/routerTransform"))
            .header("content-type", "application/json; charset=utf-8")
            .header("oauth-secret", json!({"accessToken": self.token}).to_string())
            .body(json!({"input": input, "destType": "intercom_v2"}).to_string())
    }

    fn date(&self, at: Duration) -> String {
        (self.started_at + at).to_rfc3339()
    }

    /// What was answered to it; a batch to be gone through, unless that ends all its jobs alike.
    pub(crate) fn transformed(&mut self, jobs: &[usize], answered: Answered, now: Duration) -> Option<Batch> {
        let (told, status) = match answered {
            Some((200, body)) => (told_of(jobs, &serde_json::from_str(&body).unwrap_or_default()), 500),
            Some((404, _)) => (None, 404),
            Some(_) | None => (None, 500),
        };
        let Some(told) = told else {
            for at in jobs {
                self.router.ended(*at, status, now);
            }
            return None;
        };
        Some(Batch {
            jobs: jobs.iter().copied().collect(),
            told,
            failed: BTreeSet::new(),
        })
    }

    /// Goes through a batch up to the next request that is to be made; none, once all its jobs are gone through.
    pub(crate) fn next(&mut self, batch: &mut Batch, now: Duration) -> Option<Request<String>> {
        while let Some(at) = batch.jobs.front().copied() {
            let Some(told) = batch.told.get(&at) else {
                batch.jobs.pop_front();
                continue;
            };
            if told.status != 200 {
                let status = told.status;
                self.end(batch, status, now);
            } else if batch.failed.contains(&self.router.job(at).key) {
                batch.jobs.pop_front();
                self.router.waits(at, now);
            } else {
                match self.delivery(at, &told.returned) {
                    Ok(request) => return Some(request),
                    Err(_) => self.end(batch, 500, now),
                }
            }
        }
        None
    }

    /// What was answered to the request of [`next`](Self::next).
    pub(crate) fn delivered(&mut self, batch: &mut Batch, answered: Answered, now: Duration) {
        let status = match (answered, self.way) {
            (None, _) => 500,
            (Some((status, _)), Way::Here | Way::Returned) => status,
            (Some((status, body)), Way::Proxied) => {
                let body: Value = serde_json::from_str(&body).unwrap_or_default();
                let of_job = body["output"]["response"][0]["statusCode"].as_u64();
                of_job.and_then(|status| u16::try_from(status).ok()).unwrap_or(status)
            }
        };
        self.end(batch, status, now);
    }

    /// The first job of the batch has come to this status.
    fn end(&mut self, batch: &mut Batch, status: u16, now: Duration) {
        let Some(at) = batch.jobs.pop_front() else { return };
        let asks_for_refresh = batch.told.get(&at).is_some_and(|told| told.asks_for_refresh);
        let status = if asks_for_refresh {
            self.token = self.present_token;
            500
        } else {
            status
        };
        if matches!(status, 408 | 429 | 500..=599) {
            batch.failed.insert(self.router.job(at).key.clone());
        }
        self.router.ended(at, status, now);
    }

    /// The request that delivers an event.
    fn delivery(&mut self, at: usize, returned: &Value) -> Result<Request<String>, http::Error> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        if self.way == Way::Proxied {
            let mut body = returned.clone();
            body["metadata"] = json!([{"jobId": at, "destinationId": "destination", "workspaceId": "workspace"}]);
            body["destinationConfig"] = json!({});
            return Request::post(format!("{}/v1/destinations/intercom_v2/proxy", self.instance()))
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let mut request = Request::builder()
            .method(text(&returned["method"]).as_str())
            .uri(text(&returned["endpoint"]));
        for (name, value) in returned["headers"].as_object().into_iter().flatten() {
            request = request.header(name, text(value));
        }
        request.body(match returned["method"].as_str() {
            Some("DELETE") => String::new(),
            _ => returned["body"]["JSON"].to_string(),
        })
    }
}

/// What is told of each job; nothing, if one is missing, there twice, or unknown.
fn told_of(jobs: &[usize], body: &Value) -> Option<BTreeMap<usize, Told>> {
    let mut told = BTreeMap::new();
    for element in body["output"].as_array()? {
        let job = usize::try_from(element["metadata"][0]["jobId"].as_u64()?).ok()?;
        let of_job = Told {
            status: u16::try_from(element["statusCode"].as_u64()?).ok()?,
            returned: element["batchedRequest"].clone(),
            asks_for_refresh: element["authErrorCategory"] == "REFRESH_TOKEN",
        };
        if !jobs.contains(&job) || told.insert(job, of_job).is_some() {
            return None;
        }
    }
    (told.len() == jobs.len()).then_some(told)
}
