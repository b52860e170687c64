//! What a real rudder-server has sent, replayed: each job has one ending. `cargo xtask requests DIR`.
#![allow(missing_docs, clippy::unwrap_used, clippy::needless_pass_by_value)]

mod support;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use intercom_sandbox::RunningSandbox;
use intercom_transformer::{Settings, Transformer};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use support::ask;

/// How often a request is sent again whose jobs are to be tried later.
const TRIES: usize = 20;

/// A request as it was sent.
#[derive(Deserialize)]
struct Captured {
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: Value,
}

impl Captured {
    fn request(&self) -> Request<Body> {
        let request = Request::builder().method(self.method.as_str()).uri(&self.path);
        let request = self
            .headers
            .iter()
            .fold(request, |request, (name, value)| request.header(name, value));
        let body = match &self.body {
            Value::Null => Body::empty(),
            body => Body::from(body.to_string()),
        };
        request.body(body).unwrap()
    }

    /// The types of the jobs of a transformation, by job.
    fn jobs(&self) -> BTreeMap<u64, String> {
        let jobs = self.body["input"].as_array().into_iter().flatten();
        jobs.map(|job| {
            let id = job["metadata"]["jobId"].as_u64().unwrap();
            (id, job["message"]["type"].as_str().unwrap().to_owned())
        })
        .collect()
    }

    /// The same with the jobs alone that are to be tried again.
    fn only(&self, jobs: &BTreeSet<u64>) -> Self {
        let mut body = self.body.clone();
        let input = body["input"].as_array_mut().unwrap();
        input.retain(|job| jobs.contains(&job["metadata"]["jobId"].as_u64().unwrap()));
        for job in input {
            job["metadata"]["attemptNum"] = json!(1);
        }
        Self {
            method: self.method.clone(),
            path: self.path.clone(),
            headers: self.headers.clone(),
            body,
        }
    }
}

async fn service() -> (RunningSandbox, Router) {
    let sandbox = intercom_sandbox::spawn(intercom_sandbox::Settings::default())
        .await
        .unwrap();
    let mut settings = Settings::new();
    settings.intercom_base_url = Some(sandbox.base_url().parse().unwrap());
    (sandbox, Transformer::new(settings).unwrap().router())
}

/// Has all jobs of a request carried out, as rudder-server does; how each has ended.
async fn carry_out(router: &Router, captured: &Captured) -> BTreeMap<u64, u64> {
    let mut left: BTreeSet<u64> = captured.jobs().into_keys().collect();
    let mut ended = BTreeMap::new();
    for _ in 0..TRIES {
        let response = ask(router, captured.only(&left).request()).await;
        assert_eq!(response.status, StatusCode::OK);
        let mut told = Vec::new();
        for element in response.json()["output"].as_array().unwrap() {
            let status = element["statusCode"].as_u64().unwrap();
            for metadata in element["metadata"].as_array().unwrap() {
                let job = metadata["jobId"].as_u64().unwrap();
                told.push(job);
                if status != 429 && status < 500 {
                    left.remove(&job);
                    ended.insert(job, status);
                }
            }
        }
        told.sort_unstable();
        let before: Vec<u64> = left
            .iter()
            .chain(ended.keys())
            .copied()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        assert!(told.windows(2).all(|pair| pair[0] < pair[1]), "a job is told of once");
        assert!(told.iter().all(|job| before.contains(job)));
        if left.is_empty() {
            return ended;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("these jobs have no ending: {left:?}");
}

fn all(folder: &Path) -> Vec<(String, Captured)> {
    let files = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    assert!(!files.is_empty(), "there are no .json files in the folder");
    let read = |file: PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let captured = serde_json::from_str(&fs::read_to_string(&file).unwrap());
        (name.clone(), captured.unwrap_or_else(|error| panic!("{name}: {error}")))
    };
    files.into_iter().map(read).collect()
}

#[tokio::test]
#[ignore = "needs the folder of what a rudder-server has sent: cargo xtask requests DIR"]
async fn what_a_rudder_server_has_sent_is_carried_out() {
    let folder = std::env::var_os("RUDDER_SERVER_REQUESTS").expect("RUDDER_SERVER_REQUESTS names the folder");
    for (name, mut captured) in all(folder.as_ref()) {
        let (sandbox, router) = service().await;
        if captured.path == "/routerTransform" {
            let ended = carry_out(&router, &captured).await;
            for (job, event_type) in captured.jobs() {
                let status = ended[&job];
                match event_type.as_str() {
                    "page" => assert!((298..500).contains(&status) && status != 299, "{name}: {job}: {status}"),
                    // Of somebody whom none of the captured events identifies.
                    "group" | "track" => assert!(matches!(status, 299 | 400..500), "{name}: {job}: {status}"),
                    _ => assert_eq!(status, 299, "{name}: {job}"),
                }
            }
            let delivered = ended.values().filter(|status| **status == 299).count();
            assert!(delivered > 0, "{name}: nothing is delivered");
            // It comes again after an unclear end: nothing is done twice.
            let before = serde_json::to_value(sandbox.state()).unwrap();
            assert_eq!(carry_out(&router, &captured).await, ended, "{name}: again");
            let after = serde_json::to_value(sandbox.state()).unwrap();
            for what in ["companies", "events"] {
                assert_eq!(count(&before[what]), count(&after[what]), "{name}: {what}");
            }
            println!("{name}: {} jobs, {delivered} delivered", ended.len());
            continue;
        }
        if let Some(endpoint) = captured.body["endpoint"].as_str() {
            let here = endpoint.replace("https://api.intercom.io", sandbox.base_url());
            captured.body["endpoint"] = json!(here);
        }
        let response = ask(&router, captured.request()).await;
        assert_eq!(response.status, StatusCode::OK, "{name}");
        assert!(response.json().is_object() || response.json().is_array(), "{name}");
        println!("{name}: {}", response.status);
    }
}

fn count(value: &Value) -> usize {
    value.as_array().map_or(0, Vec::len)
}
