//! Compares the transformer service with RudderStack's published test cases.
//!
//! The folder holds `router-transform.json`, `proxy-delivery.json` and `intercom-answers.json`. The service and a
//! stand-in for Intercom run in this process; everything between them and the runner is real HTTP.

mod allowed;
mod compare;
mod stand_in;

use crate::http::{Connection, request};
use allowed::{ALLOWED, Allowed};
use compare::{Difference, compare};
use intercom_transformer::{Settings, Transformer};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use stand_in::StandIn;
use std::collections::BTreeSet;
use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The folder with the cases
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Names the calls to Intercom that no answer is recorded for
    #[arg(long)]
    verbose: bool,
}

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

type Result<T> = std::result::Result<T, Box<dyn Error>>;

pub(crate) fn run(options: &Options) -> ExitCode {
    match check(options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {}: {error}", options.folder.display());
            ExitCode::from(2)
        }
    }
}

fn check(options: &Options) -> Result<bool> {
    let router: Vec<RouterCase> = read(&options.folder, "router-transform.json")?;
    let proxy: Vec<ProxyCase> = read(&options.folder, "proxy-delivery.json")?;
    let stand_in = StandIn::new(read(&options.folder, "intercom-answers.json")?);
    let runtime = Runtime::new()?;
    let service = runtime.block_on(start(&stand_in))?;
    let mut connection = Connection::open(service)?;
    let mut report = Report {
        verbose: options.verbose,
        ..Report::default()
    };
    for case in &router {
        run_router(case, &mut connection, &stand_in, &mut report)?;
    }
    for case in &proxy {
        run_proxy(case, &mut connection, &stand_in, &mut report)?;
    }
    Ok(report.finish())
}

fn read<T: DeserializeOwned>(folder: &Path, name: &str) -> Result<T> {
    let text = std::fs::read(folder.join(name)).map_err(|error| format!("{name}: {error}"))?;
    serde_json::from_slice(&text).map_err(|error| format!("{name}: {error}").into())
}

/// Starts stand-in and service; the address is that of the service.
async fn start(stand_in: &StandIn) -> Result<SocketAddr> {
    let intercom = TcpListener::bind(("127.0.0.1", 0)).await?;
    let mut settings = Settings::new();
    settings.intercom_base_url = Some(format!("http://{}/{{host}}", intercom.local_addr()?).parse()?);
    let router = stand_in.router();
    tokio::spawn(async move { axum::serve(intercom, router).await });
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let service = Transformer::new(settings)?;
    tokio::spawn(async move { service.serve(listener, std::future::pending()).await });
    Ok(address)
}

/// Sends a request; gives back status and JSON body.
fn post(connection: &mut Connection, path: &str, body: &Value) -> Result<(u16, Value)> {
    let answer = connection.send(&request("POST", path, &[], body.to_string().as_bytes()))?;
    let has_version = answer
        .head
        .lines()
        .any(|line| line.eq_ignore_ascii_case("apiversion: 2"));
    if !has_version {
        return Err(format!("{path} answered without the header apiVersion: 2").into());
    }
    Ok((answer.status, serde_json::from_slice(answer.body)?))
}

fn run_router(case: &RouterCase, connection: &mut Connection, stand_in: &StandIn, report: &mut Report) -> Result<()> {
    let (status, body) = post(connection, "/routerTransform", &case.request)?;
    let notes = stand_in.take_notes();
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let events = list(&case.request, "input");
    let (expected, actual) = (list(&case.response.body, "output"), list(&body, "output"));
    let job_of = |element: &Value| element["metadata"][0]["jobId"].clone();
    let mut listed: BTreeSet<&String> = BTreeSet::new();
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
        let is_in_message = |email: &&String| message.contains(email.as_str());
        let emails: Vec<&String> = notes.lower_case.iter().filter(is_in_message).collect();
        if report.case(&format!("{} job {job}", case.name), &differences, !emails.is_empty()) {
            listed.extend(emails);
        }
    }
    if notes.lower_case.iter().any(|email| !listed.contains(email)) {
        report.wrong(
            &case.name,
            &["an email was searched in lower case (D22), which is not listed".to_owned()],
        );
    }
    report.unknown(&notes.unknown);
    Ok(())
}

fn status_differs(theirs: u16, ours: u16) -> Option<Difference> {
    (theirs != ours).then(|| Difference::new("(HTTP status)", &theirs.into(), &ours.into()))
}

fn run_proxy(case: &ProxyCase, connection: &mut Connection, stand_in: &StandIn, report: &mut Report) -> Result<()> {
    let path = format!("/{}/destinations/intercom_v2/proxy", case.version);
    let (status, body) = post(connection, &path, &case.request)?;
    let notes = stand_in.take_notes();
    let mut differences = compare(&case.response.body, &body);
    differences.extend(status_differs(case.response.status, status));
    report.case(&case.name, &differences, false);
    report.unknown(&notes.unknown);
    Ok(())
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
    /// Judges a case. `is_lower_case` says that the stand-in was asked for an email of it in lower case; the
    /// answer, whether that is listed.
    fn case(&mut self, name: &str, differences: &[Difference], is_lower_case: bool) -> bool {
        let rows: Vec<(usize, &Allowed)> = ALLOWED
            .iter()
            .enumerate()
            .filter(|(_, allowed)| allowed.case == name)
            .collect();
        let mut reasons: Vec<&str> = Vec::new();
        let mut open: Vec<&Difference> = differences.iter().collect();
        let mut faults: Vec<String> = Vec::new();
        for (at, row) in rows {
            let is_met = if row.differences.is_empty() {
                is_lower_case
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
        reasons.contains(&"D22")
    }

    fn unknown(&self, calls: &[String]) {
        for call in calls.iter().filter(|_| self.verbose) {
            println!("                   no answer is recorded for {call}");
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
        self.wrong == 0
    }
}
