//! The shipped program as processes: a sandbox, deliveries, a gateway.

use super::stage::Fault;
use crate::people::{LATE, LATE_OF_COMPANY};
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// The access token; the sandbox takes any.
const TOKEN: &str = "rehearsal";
/// How long a server may take to start.
const START: Duration = Duration::from_secs(30);
/// How often it is looked whether a process has ended.
const LOOK: Duration = Duration::from_millis(2);

/// How a process is ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// `kill -9`: nothing is finished.
    Kill,
    /// As a supervisor stops it.
    Terminate,
    /// As Ctrl-C does.
    Interrupt,
}

/// A child process that ends with this.
#[derive(Debug)]
pub(super) struct Process(Child);

impl Process {
    /// Starts the program with its standard error in a file.
    pub(super) fn start(command: &mut Command, errors: &Path) -> Result<Self, Fault> {
        let errors = File::options().create(true).append(true).open(errors)?;
        Self::spawn(command.stderr(errors))
    }

    fn spawn(command: &mut Command) -> Result<Self, Fault> {
        command.stdin(Stdio::null());
        command.env_remove("RUST_LOG").env("INTERCOM_ACCESS_TOKEN", TOKEN);
        Ok(Self(command.spawn()?))
    }

    /// Starts a server, which says in its first lines where it listens: the sandbox on its standard output, the gateway
    /// in its log.
    fn start_server(command: &mut Command, errors: &Path) -> Result<(Self, String), Fault> {
        let mut process = Self::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
        let (said, address) = mpsc::channel();
        let streams: [Option<Box<dyn Read + Send>>; 2] = [
            process.0.stdout.take().map(|stream| Box::new(stream) as _),
            process.0.stderr.take().map(|stream| Box::new(stream) as _),
        ];
        for stream in streams.into_iter().flatten() {
            let (said, mut log) = (said.clone(), File::options().create(true).append(true).open(errors)?);
            // For as long as it runs: whoever writes into a pipe that nobody reads is stopped by it.
            thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    // The log is for whoever looks into a failure.
                    let _ = writeln!(log, "{line}");
                    if let Some(address) = address_in(&line) {
                        let _ = said.send(address);
                    }
                }
            });
        }
        let address = address.recv_timeout(START);
        let address = address.map_err(|_| "the program does not say where it listens")?;
        Ok((process, format!("http://{address}")))
    }

    pub(super) fn signal(&mut self, signal: Signal) -> Result<(), Fault> {
        let name = match signal {
            Signal::Kill => return Ok(self.0.kill()?),
            Signal::Terminate => "-TERM",
            Signal::Interrupt => "-INT",
        };
        // One that has ended by itself is not there to be signalled.
        Command::new("kill")
            .args([name, &self.0.id().to_string()])
            .stderr(Stdio::null())
            .status()?;
        Ok(())
    }

    /// Waits for the end.
    pub(super) fn wait(&mut self, limit: Duration) -> Result<Option<ExitStatus>, Fault> {
        let until = Instant::now() + limit;
        loop {
            match self.0.try_wait()? {
                Some(status) => return Ok(Some(status)),
                None if Instant::now() > until => return Ok(None),
                None => thread::sleep(LOOK),
            }
        }
    }
}

impl Process {
    /// How much time of processors it has taken: known on Linux only.
    pub(super) fn processor_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap_or_default();
        // The name may hold spaces; what follows it does not.
        let fields = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
        // Time in user and in kernel mode, in hundredths of a second: fields 14 and 15 of proc(5).
        let ticks: u64 = fields
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok())
            .sum();
        Duration::from_millis(ticks * 10)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How a sandbox is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct World<'w> {
    pub(super) seed: u64,
    /// How many seconds searches lag behind.
    pub(super) lag: f64,
    pub(super) fault_rate: f64,
    /// Whether several users can have one email address.
    pub(super) shares_emails: bool,
    /// Whether the workspace lacks a custom attribute until [`Sandbox::define_late`].
    pub(super) lacks_attribute: bool,
    /// How many calls are answered, in what time.
    pub(super) limit: Option<(u32, Duration)>,
    /// The file with the only token that it takes.
    pub(super) token_file: Option<&'w Path>,
}

/// A stand-in for Intercom in a process of its own.
#[derive(Debug)]
pub(super) struct Sandbox {
    _process: Process,
    pub(super) url: String,
}

impl Sandbox {
    pub(super) fn start(program: &Path, errors: &Path, world: &World<'_>) -> Result<Self, Fault> {
        let mut command = Command::new(program);
        command.args(["sandbox", "--listen", "127.0.0.1:0"]);
        command.arg("--seed").arg(world.seed.to_string());
        if world.lag > 0.0 {
            command.arg("--search-lag").arg(world.lag.to_string());
        }
        if world.shares_emails {
            command.args(["--duplicate-email", "allow"]);
        }
        if world.fault_rate > 0.0 {
            command.arg("--fault-rate").arg(world.fault_rate.to_string());
        }
        // As in any workspace, attributes have their types before anything is written.
        for attribute in [
            "contact:plan:string",
            "contact:seats:integer",
            "contact:vip:boolean",
            "company:city:string",
        ] {
            command.args(["--attribute", attribute]);
        }
        if world.lacks_attribute {
            command.arg("--defined-attributes-only");
        }
        if let Some((calls, time)) = world.limit {
            command
                .arg("--rate-limit")
                .arg(format!("{calls}/{}ms", time.as_millis()));
        }
        if let Some(file) = world.token_file {
            command.arg("--token-file").arg(file);
        }
        let (process, url) = Process::start_server(&mut command, errors)?;
        Ok(Self { _process: process, url })
    }

    /// From now on, this share of calls fails, and no other.
    pub(super) fn fail(&self, share: f64) -> Result<(), Fault> {
        let fault = serde_json::json!({"status": {"status": 503}});
        let faults = serde_json::json!({"random": [{"probability": share, "fault": fault}]});
        ureq::put(&format!("{}/_sandbox/faults", self.url))
            .header("content-type", "application/json")
            .send(faults.to_string())?;
        Ok(())
    }

    /// Defines the attributes that were missing.
    pub(super) fn define_late(&self) -> Result<(), Fault> {
        for (model, name) in [("contact", LATE), ("company", LATE_OF_COMPANY)] {
            let body = serde_json::json!({"name": name, "model": model, "data_type": "integer"}).to_string();
            ureq::post(&format!("{}/data_attributes", self.url))
                .header("authorization", &format!("Bearer {TOKEN}"))
                .header("content-type", "application/json")
                .send(body.as_str())?;
        }
        Ok(())
    }

    /// How many calls it has answered, or dropped.
    pub(super) fn calls(&self) -> Result<u64, Fault> {
        let sum = |statuses: &Value| -> u64 {
            let counts = statuses.as_object().into_iter().flat_map(|counts| counts.values());
            counts.filter_map(Value::as_u64).sum()
        };
        let state = self.state()?;
        Ok(state["calls"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(_, statuses)| sum(statuses))
            .sum())
    }

    /// Waits until this many more calls have come, or the process has ended; whether it is still there.
    pub(super) fn wait_for_calls(&self, more: u64, process: &mut Process) -> Result<bool, Fault> {
        let wanted = self.calls()? + more;
        loop {
            if process.wait(LOOK)?.is_some() {
                return Ok(false);
            }
            if self.calls()? >= wanted {
                return Ok(true);
            }
        }
    }

    /// What it holds.
    pub(super) fn state(&self) -> Result<Value, Fault> {
        get(&format!("{}/_sandbox/state", self.url))
    }
}

/// Asks for a JSON document.
pub(super) fn get(url: &str) -> Result<Value, Fault> {
    let text = ureq::get(url).call()?.into_body().read_to_string()?;
    Ok(serde_json::from_str(&text)?)
}

/// A gateway in a process of its own.
#[derive(Debug)]
pub(super) struct Gateway {
    pub(super) process: Process,
    pub(super) url: String,
}

impl Gateway {
    pub(super) fn start(program: &Path, errors: &Path, sandbox: &Sandbox, store: &Path) -> Result<Self, Fault> {
        let mut command = Command::new(program);
        command.args(["serve", "--gateway", "--listen", "127.0.0.1:0", "--log-format", "json"]);
        command.arg("--intercom-base-url").arg(&sandbox.url);
        command.arg("--store").arg(store);
        let (process, url) = Process::start_server(&mut command, errors)?;
        Ok(Self { process, url })
    }

    /// Puts the dead letters with this code back into the queue.
    pub(super) fn replay(&self, code: &str) -> Result<(), Fault> {
        let body = serde_json::json!({ "code": code }).to_string();
        ureq::post(&format!("{}/api/dead-letters/replay", self.url))
            .header("content-type", "application/json")
            .send(body.as_str())?;
        Ok(())
    }

    /// Hands events in; whether they were acknowledged.
    pub(super) fn post(&self, events: &[Value]) -> bool {
        let mut events = events.to_vec();
        for event in events.iter_mut().filter(|event| event.get("userId").is_none()) {
            // As SDKs do, for people whom they do not know.
            let email = event["context"]["traits"]["email"].to_string();
            event["anonymousId"] = Value::from(email);
        }
        let body = serde_json::json!({ "batch": events }).to_string();
        let request = ureq::post(&format!("{}/v1/batch", self.url))
            .header("authorization", "Basic cmVoZWFyc2FsOg==")
            .header("content-type", "application/json");
        request
            .send(body.as_str())
            .is_ok_and(|response| response.status() == 200)
    }
}

/// The transformer in a process of its own.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) process: Process,
    pub(super) url: String,
}

impl Service {
    pub(super) fn start(program: &Path, errors: &Path, sandbox: &Sandbox, arguments: &[&str]) -> Result<Self, Fault> {
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json"]);
        command.arg("--intercom-base-url").arg(&sandbox.url);
        command.args(arguments);
        let (process, url) = Process::start_server(&mut command, errors)?;
        Ok(Self { process, url })
    }
}

/// The address on this machine that a line names.
fn address_in(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("127.0.0.1:")?;
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!port.is_empty()).then(|| format!("127.0.0.1:{port}"))
}
