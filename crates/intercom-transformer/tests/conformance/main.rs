//! Compares the transformer service with RudderStack's published test cases: `cargo xtask conformance DIR`.
//!
//! The folder holds `router-transform.json`, `proxy-delivery.json` and `intercom-answers.json`. The service and a
//! stand-in for Intercom run in this process; everything between them and the runner is real HTTP.
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

mod allowed;
mod compare;
mod stand_in;

use allowed::{ALLOWED, Allowed};
use axum::body::Body;
use axum::http::{HeaderValue, Request};
use compare::{Difference, compare};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use intercom_transformer::{DeliverBy, Settings, Transformer};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use stand_in::StandIn;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::net::TcpListener;

/// Several events in one request.
#[derive(Deserialize)]
struct RouterCase {
    name: String,
    request: Value,
    response: Response,
}

/// One delivery.
#[derive(Deserialize)]
struct ProxyCase {
    name: String,
    version: String,
    request: Value,
    response: Response,
}

#[derive(Deserialize)]
struct Response {
    status: u16,
    body: Value,
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the folder of the cases: cargo xtask conformance DIR"]
async fn the_published_cases_get_the_published_responses() {
    let folder = std::env::var_os("CONFORMANCE_CASES").expect("CONFORMANCE_CASES names the folder of the cases");
    let folder = PathBuf::from(folder);
    let router: Vec<RouterCase> = read(&folder, "router-transform.json");
    let proxy: Vec<ProxyCase> = read(&folder, "proxy-delivery.json");
    let stand_in = StandIn::new(read(&folder, "intercom-answers.json"));
    let service = Service::start(&stand_in).await;
    let mut report = Report {
        verbose: std::env::var_os("CONFORMANCE_VERBOSE").is_some(),
        ..Report::default()
    };
    for case in &router {
        run_router(case, &service, &stand_in, &mut report).await;
    }
    for case in &proxy {
        run_proxy(case, &service, &stand_in, &mut report).await;
    }
    assert!(report.finish(), "some cases are WRONG, or there are none");
}

fn read<T: DeserializeOwned>(folder: &Path, name: &str) -> T {
    let path = folder.join(name);
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The service on a port of its own.
struct Service {
    address: SocketAddr,
    /// What stands before the hosts of Intercom in returned requests, because the stand-in is called.
    stand_in: String,
    client: Client<HttpConnector, Body>,
}

impl Service {
    /// Starts stand-in and service.
    async fn start(stand_in: &StandIn) -> Self {
        let intercom = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let mut settings = Settings::new();
        let base_url = format!("http://{}/{{host}}", intercom.local_addr().unwrap());
        settings.deliver = DeliverBy::RudderServer;
        settings.intercom_base_url = Some(base_url.parse().unwrap());
        let router = stand_in.router();
        tokio::spawn(async move { axum::serve(intercom, router).await });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = Transformer::new(settings).unwrap();
        tokio::spawn(async move { service.serve(listener, std::future::pending()).await });
        Self {
            address,
            stand_in: base_url.replace("{host}", ""),
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Sends a request; gives back status and JSON body.
    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = Request::post(format!("http://{}{path}", self.address))
            .header("content-type", "application/json; charset=utf-8")
            .body(Body::from(body.to_string()))
            .unwrap();
        let (head, body) = self.client.request(request).await.unwrap().into_parts();
        let version = head.headers.get("apiversion").map(HeaderValue::as_bytes);
        assert_eq!(version, Some(&b"2"[..]), "{path}: the header apiVersion");
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        let body = body.replace(&self.stand_in, "https://");
        (head.status.as_u16(), serde_json::from_str(&body).unwrap())
    }
}

async fn run_router(case: &RouterCase, service: &Service, stand_in: &StandIn, report: &mut Report) {
    let (status, body) = service.post("/routerTransform", &case.request).await;
    let notes = stand_in.take_notes();
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let events = list(&case.request, "input");
    let (expected, actual) = (list(&case.response.body, "output"), list(&body, "output"));
    let job_of = |element: &Value| element["metadata"][0]["jobId"].clone();
    let mut listed: BTreeSet<(&str, &String)> = BTreeSet::new();
    for (at, event) in events.iter().enumerate() {
        let job = &event["metadata"]["jobId"];
        let theirs = expected.iter().find(|element| job_of(element) == *job);
        // One element an event, in the order of the events: what is there must be of this job.
        let ours = actual.get(at).filter(|element| job_of(element) == *job);
        let mut differences = compare(theirs.unwrap_or(&Value::Null), ours.unwrap_or(&Value::Null));
        differences.extend(status_differs(case.response.status, status));
        if actual.len() != events.len() {
            differences.push(Difference::new(
                "(elements)",
                &events.len().into(),
                &actual.len().into(),
            ));
        }
        let message = event["message"].to_string();
        let noted = [("D22", &notes.lower_case), ("D24", &notes.together)].map(|(deviation, emails)| {
            let is_in_message = |email: &&String| message.contains(email.as_str());
            (deviation, emails.iter().filter(is_in_message).collect::<Vec<_>>())
        });
        let seen: Vec<&str> = noted
            .iter()
            .filter(|(_, emails)| !emails.is_empty())
            .map(|(deviation, _)| *deviation)
            .collect();
        let reasons = report.case(&format!("{} job {job}", case.name), &differences, &seen);
        for (deviation, emails) in noted {
            if reasons.contains(&deviation) {
                listed.extend(emails.into_iter().map(|email| (deviation, email)));
            }
        }
    }
    for (deviation, emails, what) in [
        ("D22", &notes.lower_case, "in lower case"),
        ("D24", &notes.together, "together with an external id"),
    ] {
        if emails.iter().any(|email| !listed.contains(&(deviation, email))) {
            let fault = format!("an email was searched {what} ({deviation}), which is not listed");
            report.wrong(&case.name, &[fault]);
        }
    }
    report.unknown(&notes.unknown);
}

fn status_differs(theirs: u16, ours: u16) -> Option<Difference> {
    (theirs != ours).then(|| Difference::new("(HTTP status)", &theirs.into(), &ours.into()))
}

async fn run_proxy(case: &ProxyCase, service: &Service, stand_in: &StandIn, report: &mut Report) {
    let path = format!("/{}/destinations/intercom_v2/proxy", case.version);
    let (status, body) = service.post(&path, &case.request).await;
    let notes = stand_in.take_notes();
    let mut differences = compare(&case.response.body, &body);
    differences.extend(status_differs(case.response.status, status));
    report.case(&case.name, &differences, &[]);
    report.unknown(&notes.unknown);
}

/// What has been found.
#[derive(Default)]
struct Report {
    same: usize,
    allowed: usize,
    wrong: usize,
    met: BTreeSet<usize>,
    verbose: bool,
}

impl Report {
    /// Judges a case, and says what it differs by. `seen` are the deviations that the stand-in has noticed.
    fn case(&mut self, name: &str, differences: &[Difference], seen: &[&str]) -> Vec<&'static str> {
        let rows: Vec<(usize, &Allowed)> = ALLOWED
            .iter()
            .enumerate()
            .filter(|(_, allowed)| allowed.case == name)
            .collect();
        let mut reasons: Vec<&'static str> = Vec::new();
        let mut open: Vec<&Difference> = differences.iter().collect();
        let mut faults: Vec<String> = Vec::new();
        for (at, row) in rows {
            let is_met = if row.differences.is_empty() {
                seen.contains(&row.deviation)
            } else {
                row.differences.iter().all(|(pointer, ours)| {
                    differences
                        .iter()
                        .any(|difference| difference.pointer == *pointer && ours.is(&difference.ours))
                })
            };
            if is_met {
                self.met.insert(at);
                reasons.push(row.deviation);
                open.retain(|difference| {
                    row.differences
                        .iter()
                        .all(|(pointer, _)| difference.pointer != *pointer)
                });
            }
        }
        faults.extend(open.iter().map(ToString::to_string));
        if faults.is_empty() && reasons.is_empty() {
            self.same += 1;
            println!("same               {name}");
        } else if faults.is_empty() {
            self.allowed += 1;
            println!("differs as {:<8}{name}", reasons.join(", "));
        } else {
            self.wrong(name, &faults);
        }
        reasons
    }

    fn unknown(&self, calls: &[String]) {
        for call in calls.iter().filter(|_| self.verbose) {
            println!("                   no response is recorded for {call}");
        }
    }

    fn wrong(&mut self, name: &str, faults: &[String]) {
        self.wrong += 1;
        println!("WRONG              {name}");
        for fault in faults {
            println!("                   {fault}");
        }
    }

    fn finish(mut self) -> bool {
        for (at, row) in ALLOWED.iter().enumerate() {
            if !self.met.contains(&at) {
                self.wrong += 1;
                println!(
                    "WRONG              {}: listed as {}, but does not differ so",
                    row.case, row.deviation
                );
            }
        }
        let total = self.same + self.allowed + self.wrong;
        println!(
            "\n{total} cases: {} same, {} differ as listed, {} WRONG",
            self.same, self.allowed, self.wrong
        );
        total > 0 && self.wrong == 0
    }
}
