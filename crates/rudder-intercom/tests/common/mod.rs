//! Runs the program.
#![allow(dead_code, reason = "each test binary uses some of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot run its program has failed")]

use intercom_api::Operation;
use intercom_sandbox::{RunningSandbox, Settings, UnixMillis};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::SystemTime;
use tokio::runtime::Runtime;

/// The program, with an environment that does not depend on whose machine it is.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rudder-intercom"));
    for variable in ["INTERCOM_ACCESS_TOKEN", "RUST_LOG", "CLICOLOR_FORCE", "NO_COLOR"] {
        command.env_remove(variable);
    }
    command
}

/// A process that ends with this, so that a test that fails leaves none behind.
pub(crate) struct Running(pub(crate) Child);

impl std::ops::Deref for Running {
    type Target = Child;
    fn deref(&self) -> &Child {
        &self.0
    }
}

impl std::ops::DerefMut for Running {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs the program with these arguments and this input.
pub(crate) fn run(arguments: &[&str], input: impl AsRef<[u8]>) -> Run {
    run_command(program().args(arguments), input)
}

/// Runs a command with this input.
pub(crate) fn run_command(command: &mut Command, input: impl AsRef<[u8]>) -> Run {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.as_ref().to_owned();
    let writer = std::thread::spawn(move || {
        // A program that refuses its arguments does not read.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Run(output)
}

/// Runs the program with these arguments and this input, and with an access token.
pub(crate) fn run_with_token(arguments: &[&str], input: impl AsRef<[u8]>) -> Run {
    run_command(program().args(arguments).env("INTERCOM_ACCESS_TOKEN", "t"), input)
}

/// Makes a command one that serves a gateway, which calls Intercom at this URL, keeps its events in this folder, and prints
/// its address.
pub(crate) fn as_gateway<'c>(command: &'c mut Command, url: &str, folder: &Path) -> &'c mut Command {
    command
        .args(["serve", "--gateway", "--listen", "127.0.0.1:0", "--log", "warn"])
        .args(["--intercom-base-url", url, "--store"])
        .arg(folder.join("events.db"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
}

/// The address that a gateway prints once it listens. Its standard output is a pipe.
pub(crate) fn address_of(gateway: &mut Child) -> String {
    let mut line = String::new();
    let mut stdout = BufReader::new(gateway.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    line.trim().strip_prefix("http://").unwrap().to_owned()
}

/// Starts a server that says where it listens in the first line of a log in JSON. Gives that address, and the rest of the log.
pub(crate) fn start(server: &mut Command) -> (Running, String, BufReader<ChildStderr>) {
    server.args(["--listen", "127.0.0.1:0", "--log-format", "json"]);
    let mut server = Running(server.stderr(Stdio::piped()).spawn().unwrap());
    let mut log = BufReader::new(server.0.stderr.take().unwrap());
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    let started: Value = serde_json::from_str(&line).unwrap();
    let address = started["address"].as_str().unwrap().to_owned();
    (server, address, log)
}

/// Sends one request on a connection of its own, with more headers, a line each, and reads the whole response.
pub(crate) fn ask(address: &str, method: &str, path: &str, headers: &str, body: &str) -> String {
    ask_as(address, address, method, path, headers, body)
}

/// The same by another name of the server.
pub(crate) fn ask_as(address: &str, host: &str, method: &str, path: &str, headers: &str, body: &str) -> String {
    let mut client = TcpStream::connect(address).unwrap();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}");
    write!(client, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut response = String::new();
    client.read_to_string(&mut response).unwrap();
    response
}

/// A sandbox that the program can call.
pub(crate) struct Served {
    sandbox: RunningSandbox,
    _runtime: Runtime,
}

impl Served {
    pub(crate) fn new(settings: Settings) -> Self {
        let runtime = Runtime::new().unwrap();
        Self {
            sandbox: runtime.block_on(intercom_sandbox::spawn(settings)).unwrap(),
            _runtime: runtime,
        }
    }

    pub(crate) fn url(&self) -> &str {
        self.sandbox.base_url()
    }

    pub(crate) fn sandbox(&self) -> &RunningSandbox {
        &self.sandbox
    }

    pub(crate) fn state(&self) -> Value {
        serde_json::to_value(self.sandbox.state()).unwrap()
    }

    /// Makes a call past the program, and gives the response if it is a success.
    pub(crate) fn try_call(&self, call: &intercom_api::Call) -> Option<Value> {
        self.try_later(call, 0)
    }

    /// The same so many seconds later.
    pub(crate) fn try_later(&self, call: &intercom_api::Call, seconds: u64) -> Option<Value> {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis();
        let now = UnixMillis(u64::try_from(now).unwrap() + seconds * 1000);
        let reply = self.sandbox.with(|sandbox| sandbox.call(call, now));
        let is_done = (200..300).contains(&reply.status);
        is_done.then(|| serde_json::from_slice(&reply.body).unwrap())
    }

    /// Carries out an operation, past the program.
    pub(crate) fn call<O: Operation>(&self, operation: &O) -> O::Response {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis();
        let now = UnixMillis(u64::try_from(now).unwrap());
        let call = operation.to_call().unwrap();
        let reply = self.sandbox.with(|sandbox| sandbox.call(&call, now));
        O::parse_response(&reply.body).unwrap()
    }
}

/// What a run came to.
pub(crate) struct Run(Output);

impl Run {
    pub(crate) fn code(&self) -> i32 {
        self.0.status.code().unwrap_or(-1)
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    /// Standard output as one JSON value.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.0.stdout).unwrap()
    }

    /// Standard output as JSON lines.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.stdout()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Of each line the outcome, and the code of the error if there is one.
    pub(crate) fn outcomes(&self) -> Vec<String> {
        let describe = |line: &Value| match line["error"]["code"].as_str() {
            Some(code) => code.to_owned(),
            None => line["outcome"].as_str().unwrap().to_owned(),
        };
        self.lines().iter().map(describe).collect()
    }
}

/// A file of the project's fixtures.
pub(crate) fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures")
        .join(name)
}

/// The quickstart's events, one a line.
pub(crate) fn quickstart() -> String {
    std::fs::read_to_string(fixture("quickstart.ndjson")).unwrap()
}

/// An identify of a person who is not the same for two numbers.
pub(crate) fn identify(number: usize) -> String {
    format!(
        r#"{{"type":"identify","userId":"user-{number}","messageId":"m-{number}","traits":{{"email":"user-{number}@example.org"}}}}"#
    )
}

/// A track event of the same person.
pub(crate) fn track(number: usize) -> String {
    format!(
        r#"{{"type":"track","userId":"user-{number}","messageId":"t-{number}","event":"Ordered","properties":{{"total":12.50}}}}"#
    )
}
