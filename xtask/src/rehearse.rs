//! A rehearsal of a bad day: a delivery into an unreliable sandbox is killed at random moments and resumed, until it is done.

use crate::http;
use crate::project;
use clap::Args;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use test_support::realistic;

/// How many people 20,000 events are about.
const PEOPLE: usize = 458;

#[derive(Args)]
pub(crate) struct Options {
    /// How many events are delivered
    #[arg(long, default_value_t = 20_000)]
    events: usize,
    /// How often the delivery is killed
    #[arg(long, default_value_t = 20)]
    kills: u32,
    /// The share of calls that go wrong, from 0 to 1
    #[arg(long, default_value_t = 0.05)]
    fault_rate: f64,
    /// What decides about the moments and the faults
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Run this program, rather than build one
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> ExitCode {
    match rehearse(options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("error: the rehearsal has failed; the same seed and options repeat it as far as timing allows");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn rehearse(options: &Options) -> Result<bool> {
    let program = match &options.program {
        Some(program) => program.clone(),
        None => build()?,
    };
    let folder = project::root().join("target/rehearsal");
    // What an earlier rehearsal has left.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder)?;
    let input = folder.join("events.ndjson");
    let expected = Expected::write(&input, options.events)?;

    // Without faults and kills, for comparison.
    let plain = Sandbox::start(&program, 0.0, options.seed)?;
    let started = Instant::now();
    if !send(&program, &plain, &input, &folder, "plain")
        .spawn()?
        .wait()?
        .success()
    {
        return Err("the delivery without faults has failed".into());
    }
    let whole = started.elapsed();
    let plain_calls = calls(&plain.state()?);
    drop(plain);
    println!("without faults: {plain_calls} calls in {:.1} s", whole.as_secs_f64());

    let sandbox = Sandbox::start(&program, options.fault_rate, options.seed)?;
    let mut random = Random(options.seed);
    let mut killed = 0;
    while killed < options.kills {
        let mut child = send(&program, &sandbox, &input, &folder, "killed").spawn()?;
        // So that all kills hit within about the time that the whole takes; some come before the first call.
        let moment = random.below(whole.mul_f64(2.0) / options.kills.max(1));
        thread::sleep(moment);
        if child.try_wait()?.is_some() {
            println!("done after {killed} kills: more --events would leave time for all");
            break;
        }
        child.kill()?;
        child.wait()?;
        killed += 1;
    }
    let status = send(&program, &sandbox, &input, &folder, "killed").spawn()?.wait()?;
    let summary: Value = serde_json::from_slice(&fs::read(folder.join("killed.summary"))?)?;
    let state = sandbox.state()?;
    let missing = expected.missing_from(&state);
    let count = |key: &str| summary[key].as_u64().unwrap_or(0);
    let lost = options.events as u64 - count("delivered").min(options.events as u64);
    let made = calls(&state);
    println!(
        "with {:.1} % faults, killed {killed} times:",
        options.fault_rate * 100.0
    );
    println!(
        "  {} of {} events delivered, {lost} lost, {} rejected, {} failed; the last run ended with {status}",
        count("delivered"),
        count("events"),
        count("rejected"),
        count("failed")
    );
    println!("  {} effects missing from the state", missing.len());
    for effect in missing.iter().take(10) {
        println!("    {effect}");
    }
    println!(
        "  {made} calls reached the sandbox: {} more than without faults and kills; {} are in the journal's sum",
        made.saturating_sub(plain_calls),
        count("calls")
    );
    Ok(lost == 0 && missing.is_empty() && status.success() && count("events") == options.events as u64)
}

/// Builds the program as it is released.
fn build() -> Result<PathBuf> {
    let status = project::cargo()
        .args(["build", "--quiet", "--release", "--package", "rudder-intercom"])
        .status()?;
    if !status.success() {
        return Err("the program cannot be built".into());
    }
    Ok(project::root().join("target/release/rudder-intercom"))
}

fn send(program: &Path, sandbox: &Sandbox, input: &Path, folder: &Path, name: &str) -> Command {
    let file = |extension: &str| folder.join(name).with_extension(extension);
    let mut command = Command::new(program);
    command.env("INTERCOM_ACCESS_TOKEN", "rehearsal").arg("send").arg(input);
    command
        .arg("--intercom-base-url")
        .arg(format!("http://{}", sandbox.address));
    command.arg("--journal").arg(file("journal"));
    command.arg("--dead-letters").arg(file("dead"));
    command.arg("--summary-json").arg(file("summary"));
    command.stdout(Stdio::null()).stderr(Stdio::inherit());
    command
}

/// A sandbox in a process of its own, which ends with this.
struct Sandbox {
    child: Child,
    address: SocketAddr,
}

impl Sandbox {
    fn start(program: &Path, fault_rate: f64, seed: u64) -> Result<Self> {
        let mut command = Command::new(program);
        command.args(["sandbox", "--listen", "127.0.0.1:0"]);
        command.arg("--fault-rate").arg(fault_rate.to_string());
        command.arg("--seed").arg(seed.to_string());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().ok_or("the sandbox has no output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().strip_prefix("http://").map(str::parse);
        match address {
            Some(Ok(address)) => Ok(Self { child, address }),
            _ => {
                child.kill()?;
                Err("the sandbox does not say where it listens".into())
            }
        }
    }

    fn state(&self) -> Result<Value> {
        let request = http::request("GET", "/_sandbox/state", &[], b"");
        let mut connection = http::Connection::open(self.address)?;
        Ok(serde_json::from_slice(connection.send(&request)?.body)?)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How many calls a sandbox has answered, or dropped.
fn calls(state: &Value) -> u64 {
    fn sum(value: &Value) -> u64 {
        match value {
            Value::Number(number) => number.as_u64().unwrap_or(0),
            Value::Object(members) => members.values().map(sum).sum(),
            Value::Array(items) => items.iter().map(sum).sum(),
            _ => 0,
        }
    }
    sum(&state["calls"])
}

/// What must be in the sandbox at the end.
#[derive(Default)]
struct Expected {
    people: BTreeSet<String>,
    companies: BTreeSet<String>,
    /// Who belongs to which company.
    members: BTreeSet<(String, String)>,
    /// Names and metadata ids of events, by person.
    events: BTreeSet<(String, String)>,
    /// The last values of an attribute that identify calls write.
    seats: BTreeMap<String, u64>,
}

impl Expected {
    /// Writes realistic events of a smaller number of people, each of whom is identified first.
    fn write(path: &Path, count: usize) -> Result<Self> {
        let people = (count * PEOPLE / 20_000).max(1);
        let mut expected = Self::default();
        let mut file = BufWriter::new(File::create(path)?);
        for (number, text) in realistic::events(count).into_iter().enumerate() {
            let mut event: Value = serde_json::from_str(&text)?;
            let person = format!("person-{}", number % people);
            event["userId"] = person.as_str().into();
            event["anonymousId"] = format!("anonymous-{person}").into();
            let traits = &mut event["context"]["traits"];
            traits["email"] = format!("{person}@example.com").into();
            traits["phone"] = Value::Null;
            // Every tenth identify of a person changes something.
            let seats = (number / people / 10) as u64;
            traits["seats"] = seats.into();
            if number < people {
                event["type"] = "identify".into();
                for key in ["event", "properties", "groupId", "traits"] {
                    event.as_object_mut().ok_or("not an object")?.remove(key);
                }
            }
            // Intercom takes events of one name, person and second for the same.
            let (minutes, second) = (number / 60, number % 60);
            let (days, hour, minute) = (minutes / 1440 % 28 + 1, minutes / 60 % 24, minutes % 60);
            event["originalTimestamp"] = format!("2024-01-{days:02}T{hour:02}:{minute:02}:{second:02}Z").into();
            expected.add(&event, person, seats);
            serde_json::to_writer(&mut file, &event)?;
            file.write_all(b"\n")?;
        }
        file.flush()?;
        Ok(expected)
    }

    fn add(&mut self, event: &Value, person: String, seats: u64) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.people.insert(person.clone());
        match event["type"].as_str() {
            Some("identify") => drop(self.seats.insert(person, seats)),
            Some("track") => {
                self.events.insert((person, text(&event["properties"]["order_id"])));
            }
            _ => {
                let company = text(&event["groupId"]);
                self.members.insert((person, company.clone()));
                self.companies.insert(company);
            }
        }
    }

    /// What is not there, in words.
    fn missing_from(mut self, state: &Value) -> Vec<String> {
        let list = |key: &str| state[key].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let companies: BTreeMap<String, String> = list("companies")
            .iter()
            .map(|company| (text(&company["id"]), text(&company["company_id"])))
            .collect();
        let mut people = BTreeMap::new();
        for contact in list("contacts") {
            let person = text(&contact["external_id"]);
            people.insert(text(&contact["id"]), person.clone());
            self.people.remove(&person);
            if self.seats.get(&person) == contact["custom_attributes"]["seats"].as_u64().as_ref() {
                self.seats.remove(&person);
            }
            for company in ids(&contact["companies"]) {
                let company = companies.get(&company).cloned().unwrap_or(company);
                self.members.remove(&(person.clone(), company));
            }
        }
        for company in companies.values() {
            self.companies.remove(company);
        }
        for event in list("events") {
            let person = match event["user_id"].as_str().or(event["external_id"].as_str()) {
                Some(person) => person.to_owned(),
                None => people.get(&text(&event["contact_id"])).cloned().unwrap_or_default(),
            };
            self.events.remove(&(person, text(&event["metadata"]["order_id"])));
        }
        let people = self.people.into_iter().map(|person| format!("contact {person}"));
        let companies = self.companies.into_iter().map(|company| format!("company {company}"));
        let members = self
            .members
            .into_iter()
            .map(|(person, company)| format!("{person} in {company}"));
        let events = self
            .events
            .into_iter()
            .map(|(person, order)| format!("event {order} of {person}"));
        let seats = self
            .seats
            .into_iter()
            .map(|(person, seats)| format!("{seats} seats of {person}"));
        people
            .chain(companies)
            .chain(members)
            .chain(events)
            .chain(seats)
            .collect()
    }
}

/// The ids in a list, which may be objects, or wrapped as Intercom does.
fn ids(list: &Value) -> Vec<String> {
    let items = list.as_array().or_else(|| list["data"].as_array());
    let id = |item: &Value| match item {
        Value::String(id) => Some(id.clone()),
        item => item["id"].as_str().map(str::to_owned),
    };
    items.into_iter().flatten().filter_map(id).collect()
}

/// Xorshift: enough to pick moments.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: Duration) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        bound.mul_f64((self.0 >> 11) as f64 / (1_u64 << 53) as f64)
    }
}
