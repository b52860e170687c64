//! A gateway as a process, and requests to it.
#![allow(dead_code, reason = "each test binary uses some of it")]

use super::common;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a test waits for something.
const PATIENCE: Duration = Duration::from_secs(90);

/// Waits until this holds.
pub(crate) fn until(what: &str, holds: impl Fn() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < PATIENCE, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// What a gateway has answered.
pub(crate) struct Answered {
    pub(crate) status: String,
    pub(crate) body: String,
}

/// A gateway, which ends with this.
pub(crate) struct Gateway {
    process: common::Running,
    address: String,
    log: Arc<Mutex<String>>,
    folder: TempDir,
}

impl Gateway {
    /// One that calls Intercom at this URL.
    pub(crate) fn start(url: &str, arguments: &[&str]) -> Self {
        Self::spawn(common::program(), url, arguments)
    }

    /// One whose files cannot become longer than so many KiB.
    pub(crate) fn start_limited(url: &str, kib: usize) -> Self {
        let program = common::program();
        let mut shell = Command::new("bash");
        // It is told of the limit as of a full disk, rather than ended by a signal.
        shell.args(["-c", "trap '' XFSZ; ulimit -S -f \"$0\"; exec \"$@\"", &kib.to_string()]);
        shell.arg(program.get_program());
        Self::spawn(shell, url, &[])
    }

    fn spawn(mut command: Command, url: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let process = common::as_gateway(&mut command, url, folder.path())
            .args(["--call-timeout", "5s"])
            .args(arguments)
            .env("INTERCOM_ACCESS_TOKEN", "t")
            .stderr(Stdio::piped())
            .spawn();
        let mut process = common::Running(process.unwrap());
        let log = Arc::new(Mutex::new(String::new()));
        let (lines, written) = (BufReader::new(process.stderr.take().unwrap()), Arc::clone(&log));
        thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let mut log = written.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let Some(address) = line.trim().strip_prefix("http://") else {
            panic!("it does not start: {}", log.lock().unwrap());
        };
        Self {
            address: address.to_owned(),
            process,
            log,
            folder,
        }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn id(&self) -> String {
        self.process.id().to_string()
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("events.db")
    }

    /// The length of all files of the store.
    pub(crate) fn store_bytes(&self) -> u64 {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
    }

    fn status_of_memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        let kib: u64 = line.split_ascii_whitespace().next().unwrap().parse().unwrap();
        kib << 10
    }

    /// How much memory it has now, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.status_of_memory("VmRSS:")
    }

    /// How much memory it has had at most, in bytes.
    pub(crate) fn most_memory(&self) -> u64 {
        self.status_of_memory("VmHWM:")
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// How many lines of the log have this.
    pub(crate) fn log_lines(&self, text: &str) -> usize {
        self.log().lines().filter(|line| line.contains(text)).count()
    }

    pub(crate) fn wait_for_log(&self, text: &str) {
        let since = Instant::now();
        while self.log_lines(text) == 0 {
            assert!(since.elapsed() < PATIENCE, "{text} is not in {}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Sends the head of a request only.
    pub(crate) fn begin(&self, path: &str, length: usize, headers: &str) -> TcpStream {
        self.begin_with(path, "a2V5Og==", length, headers)
    }

    fn begin_with(&self, path: &str, key: &str, length: usize, headers: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Basic {key}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n",
            self.address
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream
    }

    pub(crate) fn post(&self, path: &str, headers: &str, body: &[u8]) -> Answered {
        self.post_with(path, "a2V5Og==", headers, body)
    }

    pub(crate) fn post_with(&self, path: &str, key: &str, headers: &str, body: &[u8]) -> Answered {
        let mut stream = self.begin_with(path, key, body.len(), headers);
        // Whoever has seen enough may answer before it has come.
        let _ = stream.write_all(body);
        exchange(stream)
    }

    pub(crate) fn get(&self, path: &str) -> Answered {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
            self.address
        );
        stream.write_all(head.as_bytes()).unwrap();
        exchange(stream)
    }

    pub(crate) fn metrics(&self) -> String {
        let shown = self.get("/metrics");
        assert_eq!(shown.status, "200", "{}", shown.body);
        shown.body
    }

    /// The sum of what a metric of the gateway shows, of the samples whose labels have this.
    pub(crate) fn figure(&self, name: &str, label: &str) -> Option<f64> {
        let shown = self.metrics();
        let values = shown.lines().filter_map(|line| {
            let (sample, value) = line.rsplit_once(' ')?;
            let rest = sample.strip_prefix("rudder_intercom_gateway_")?.strip_prefix(name)?;
            let is_it = rest.is_empty() || rest.starts_with('{');
            (is_it && rest.contains(label)).then(|| value.parse::<f64>().ok())?
        });
        values.reduce(|a, b| a + b)
    }
}

/// Reads a response.
pub(crate) fn exchange(mut stream: TcpStream) -> Answered {
    let mut text = Vec::new();
    // A connection may be reset behind the response.
    let _ = stream.read_to_end(&mut text);
    let text = String::from_utf8(text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    Answered {
        status: head.get(9..12).unwrap_or_default().to_owned(),
        body: body.to_owned(),
    }
}
