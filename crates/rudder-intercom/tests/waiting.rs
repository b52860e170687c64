//! Whatever the program waits for: it says so, it can be stopped, and nothing is lost.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;
#[path = "common/scripted.rs"]
mod scripted;

use common::address_of;
use scripted::{PATIENCE, Response, Scripted};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// So many events, of as many users.
const EVENTS: usize = 40;

/// What a server does so that a program has to wait for longer than any test.
fn reasons_to_wait() -> [(&'static str, Response); 4] {
    let reset = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() + 800;
    [
        ("a pause", Response::Status(429, "retry-after: 86400\r\n".to_owned())),
        (
            "an exhausted window",
            Response::Status(
                202,
                format!("x-ratelimit-limit: 100\r\nx-ratelimit-remaining: 0\r\nx-ratelimit-reset: {reset}\r\n"),
            ),
        ),
        ("a backoff", Response::Status(503, "retry-after: 86400\r\n".to_owned())),
        ("a slow call", Response::Silence),
    ]
}

fn terminate(process: &Child) {
    let kill = Command::new("kill").arg(process.id().to_string()).status().unwrap();
    assert!(kill.success());
}

/// Waits for the end of the process, and gives its exit code.
fn end(what: &str, process: &mut Child, within: Duration) -> i32 {
    let since = Instant::now();
    loop {
        if let Some(status) = process.try_wait().unwrap() {
            return status.code().unwrap_or(-1);
        }
        if since.elapsed() > within {
            process.kill().unwrap();
            panic!("{what}: it goes on after {within:?}");
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Each event has been answered with success at least once.
fn assert_all_done(what: &str, server: &Scripted) {
    let done = server.done();
    for number in 0..EVENTS {
        let user = format!(r#""user_id":"user-{number}""#);
        assert!(
            done.iter().any(|body| body.contains(&user)),
            "{what}: {user} is missing"
        );
    }
}

fn write_events(path: &Path) {
    let events: String = (0..EVENTS).map(|number| common::track(number) + "\n").collect();
    std::fs::write(path, events).unwrap();
}

fn send(folder: &Path, server: &Scripted) -> Command {
    let mut command = common::program();
    command
        .arg("send")
        .arg(folder.join("events"))
        .args([
            "--call-timeout",
            "3s",
            "--intercom-base-url",
            &server.url(),
            "--journal",
        ])
        .arg(folder.join("journal"))
        .env("INTERCOM_ACCESS_TOKEN", "t")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

fn stderr_of(process: &mut Child) -> String {
    let mut text = String::new();
    process.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn send_can_be_stopped_whatever_it_waits_for_and_goes_on_where_it_was() {
    for (what, response) in reasons_to_wait() {
        let folder = tempfile::tempdir().unwrap();
        write_events(&folder.path().join("events"));
        let server = Scripted::new(response);
        let mut process = send(folder.path(), &server).spawn().unwrap();
        server.wait(what, |calls| !calls.is_empty());
        terminate(&process);
        // The call's timeout, and what a busy machine needs.
        assert_eq!(end(what, &mut process, Duration::from_secs(30)), 130, "{what}");
        let said = stderr_of(&mut process);
        assert!(said.contains("the same command goes on where it was"), "{what}: {said}");
        server.answer(Response::ok());
        let mut process = send(folder.path(), &server).spawn().unwrap();
        assert_eq!(
            end(what, &mut process, PATIENCE),
            0,
            "{what}: {}",
            stderr_of(&mut process)
        );
        assert_all_done(what, &server);
    }
}

#[test]
fn send_says_that_it_waits_for_an_outage_to_end_and_goes_on_when_it_has() {
    let folder = tempfile::tempdir().unwrap();
    write_events(&folder.path().join("events"));
    let mut server = Scripted::new(Response::Status(503, String::new()));
    let mut process = send(folder.path(), &server).args(["--log", "warn"]).spawn().unwrap();
    server.wait("a call", |calls| !calls.is_empty());
    server.go_away();
    let (lines, said) = mpsc::channel();
    let stderr = BufReader::new(process.stderr.take().unwrap());
    thread::spawn(move || stderr.lines().try_for_each(|line| lines.send(line.unwrap())));
    let mut all = String::new();
    let mut wait_for = |what: &str| loop {
        let line = said
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| panic!("{what} is not in {all}"));
        all.push_str(&line);
        all.push('\n');
        if line.contains(what) {
            return;
        }
    };
    let host = server.url().replace("http://", "");
    wait_for(&format!("cannot reach Intercom at {host}: "));
    // It was in an outage for some probes.
    thread::sleep(Duration::from_secs(4));
    server.answer(Response::ok());
    server.come_back();
    let back = Instant::now();
    server.wait("the end of the outage", |calls| {
        calls.iter().any(|(_, is_done)| *is_done)
    });
    // Within five seconds, and what a busy machine needs; it used to be more than eighty.
    assert!(back.elapsed() < Duration::from_secs(20), "{:?}", back.elapsed());
    wait_for("Intercom can be reached again");
    assert_eq!(end("an outage", &mut process, PATIENCE), 0);
    all.extend(said.iter().map(|line| line + "\n"));
    let warned: Vec<&str> = all.lines().filter(|line| line.contains("WARN")).collect();
    assert_eq!(warned.len(), 2, "{all}");
    assert!(warned[0].contains(&host) && warned[0].contains("cause"), "{all}");
    assert_all_done("an outage", &server);
}

#[test]
fn send_can_be_stopped_in_an_outage_though_nobody_can_be_told() {
    let folder = tempfile::tempdir().unwrap();
    write_events(&folder.path().join("events"));
    let mut server = Scripted::new(Response::Status(503, String::new()));
    let mut command = send(folder.path(), &server);
    if cfg!(target_os = "linux") {
        command.stderr(File::options().write(true).open("/dev/full").unwrap());
    }
    let mut process = command.args(["--log", "debug"]).spawn().unwrap();
    server.wait("a call", |calls| !calls.is_empty());
    server.go_away();
    thread::sleep(Duration::from_secs(2));
    terminate(&process);
    assert_eq!(end("an outage", &mut process, Duration::from_secs(30)), 130);
    server.answer(Response::ok());
    server.come_back();
    let mut process = send(folder.path(), &server).spawn().unwrap();
    assert_eq!(end("an outage", &mut process, PATIENCE), 0);
    assert_all_done("an outage", &server);
}

/// A gateway as a process, and its address.
struct Gateway {
    process: Child,
    address: String,
}

impl Gateway {
    fn start(folder: &Path, server: &Scripted) -> Self {
        let mut process = common::as_gateway(&mut common::program(), &server.url(), folder)
            .args(["--call-timeout", "3s"])
            .env("INTERCOM_ACCESS_TOKEN", "t")
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let address = address_of(&mut process);
        Self { process, address }
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let answer = common::ask(&self.address, method, path, "authorization: Basic V0s6\r\n", body);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        answer
    }

    fn send_events(&self) {
        let events: Vec<String> = (0..EVENTS).map(common::track).collect();
        self.ask("POST", "/v1/batch", &format!(r#"{{"batch":[{}]}}"#, events.join(",")));
    }
}

#[test]
fn the_gateway_can_be_stopped_whatever_it_waits_for_and_goes_on_where_it_was() {
    for (what, response) in reasons_to_wait() {
        let folder = tempfile::tempdir().unwrap();
        let server = Scripted::new(response);
        let mut gateway = Gateway::start(folder.path(), &server);
        gateway.send_events();
        server.wait(what, |calls| !calls.is_empty());
        terminate(&gateway.process);
        assert_eq!(end(what, &mut gateway.process, Duration::from_secs(30)), 0, "{what}");
        server.answer(Response::ok());
        let mut gateway = Gateway::start(folder.path(), &server);
        server.wait(what, |calls| {
            calls.iter().filter(|(_, is_done)| *is_done).count() >= EVENTS
        });
        terminate(&gateway.process);
        assert_eq!(end(what, &mut gateway.process, PATIENCE), 0, "{what}");
        assert_all_done(what, &server);
    }
}

#[test]
fn the_gateway_shows_an_outage_and_can_be_stopped_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Scripted::new(Response::ok());
    server.go_away();
    let mut gateway = Gateway::start(folder.path(), &server);
    gateway.send_events();
    let since = Instant::now();
    while !gateway.ask("GET", "/api/stats", "").contains(r#""waiting":"outage""#) {
        assert!(since.elapsed() < PATIENCE, "the outage is not shown");
        thread::sleep(Duration::from_millis(50));
    }
    terminate(&gateway.process);
    assert_eq!(end("an outage", &mut gateway.process, Duration::from_secs(30)), 0);
    server.come_back();
    let mut gateway = Gateway::start(folder.path(), &server);
    server.wait("the events", |calls| calls.len() >= EVENTS);
    terminate(&gateway.process);
    assert_eq!(end("its end", &mut gateway.process, PATIENCE), 0);
    assert_all_done("an outage", &server);
}
