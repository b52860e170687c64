//! The command `serve` as a process: its settings, its log and its end.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use common::{Running, address_of, start};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_rudder-intercom"));
    program.env_clear().arg("serve");
    program
}

#[test]
fn it_ends_in_order_when_it_is_asked_to() {
    let (mut server, address, mut log) = start(&mut program());
    let mut client = TcpStream::connect(address).unwrap();
    let body = r#"{"input":[{"message":{"type":"track","event":"e","userId":"ann-secret"},"metadata":{"secret":{"accessToken":"top-secret"}},"destination":{}},{"message":5}]}"#;
    let head = "POST /routerTransform HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length";
    write!(client, "{head}: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut response = String::new();
    client.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");

    let kill = Command::new("kill").arg(server.id().to_string()).status().unwrap();
    assert!(kill.success());
    assert_eq!(server.wait().unwrap().code(), Some(0));
    let mut rest = String::new();
    log.read_to_string(&mut rest).unwrap();
    assert!(!rest.contains("secret"), "{rest}");
}

#[test]
fn a_setting_is_taken_from_flag_then_variable_then_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("serve.toml");
    std::fs::write(&file, "max-calls = 1\nmax-requests = 1\nmax-connections = 1\n").unwrap();
    let output = program()
        .args(["--print-config", "--max-calls", "3", "--config"])
        .arg(&file)
        .env("RUDDER_INTERCOM_MAX_CALLS", "2")
        .env("RUDDER_INTERCOM_MAX_REQUESTS", "2")
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    for line in [
        "max-calls = 3",
        "max-requests = 2",
        "max-connections = 1",
        "listen = \"127.0.0.1:9090\"",
    ] {
        assert!(
            printed.lines().any(|printed| printed == line),
            "{line} is not in\n{printed}"
        );
    }
    std::fs::write(&file, "max-cals = 1\n").unwrap();
    let output = program().arg("--config").arg(&file).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    let expected = format!(
        "{}:1: there is no setting `max-cals`; did you mean `max-calls`?",
        file.display()
    );
    assert!(error.contains(&expected), "{error}");
}

/// A gateway with a sandbox as a process, and its address.
struct Gateway {
    process: Running,
    address: String,
    _folder: tempfile::TempDir,
}

impl Gateway {
    fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[])
    }

    fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let process = program()
            .args(["--gateway", "--sandbox", "--listen", "127.0.0.1:0", "--log", "warn"])
            .args(arguments)
            .envs(variables.iter().copied())
            .arg("--store")
            .arg(folder.path().join("events.db"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut process = Running(process.unwrap());
        let address = address_of(&mut process);
        Self {
            process,
            address,
            _folder: folder,
        }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).unwrap()
    }

    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> String {
        common::ask(&self.address, method, path, headers, body)
    }

    /// Asks the server by another name.
    fn ask_as(&self, host: &str, method: &str, path: &str, headers: &str, body: &str) -> String {
        common::ask_as(&self.address, host, method, path, headers, body)
    }

    fn end(mut self) -> Option<i32> {
        let kill = Command::new("kill")
            .arg(self.process.id().to_string())
            .status()
            .unwrap();
        assert!(kill.success());
        self.process.wait().unwrap().code()
    }
}

#[test]
fn one_port_answers_the_sdks_and_the_data_plane() {
    let gateway = Gateway::start(&[]);
    let key = "authorization: Basic V0s6\r\n";
    for (method, path, headers, body, response) in [
        ("POST", "/v1/identify", key, r#"{"userId":"ann"}"#, "OK"),
        ("POST", "/v1/batch/", key, r#"{"batch":[]}"#, "OK"),
        ("GET", "/sourceConfig/?writeKey=WK", "", "", r#""destinations":[]"#),
        ("GET", "/", "", "", "rudder-intercom gateway"),
        ("GET", "/api/stats", "", "", r#""queue":"#),
        ("POST", "/routerTransform", "", r#"{"input":[5]}"#, r#"{"output":[{"#),
        ("GET", "/features", "", "", "routerTransform"),
        ("GET", "/health", "", "", "UP"),
        ("GET", "/metrics", "", "", "rudder_intercom_connections"),
    ] {
        let answered = gateway.ask(method, path, headers, body);
        assert!(
            answered.starts_with("HTTP/1.1 200 ") && answered.contains(response),
            "{path}: {answered}"
        );
    }
    assert_eq!(gateway.end(), Some(0));
}

#[test]
fn the_gateways_connections_are_timed_and_bounded() {
    let gateway = Gateway::start(&["--idle-timeout", "200ms", "--max-connections", "2"]);
    let read = |mut client: &TcpStream| {
        let mut response = String::new();
        client.read_to_string(&mut response).map(|_| response)
    };
    // One says nothing, one does not end the head of its request; a third waits until there is room.
    let (idle, slow) = (gateway.connect(), gateway.connect());
    (&slow).write_all(b"POST /v1/track HTTP/1.1\r\nhost: ").unwrap();
    let response = gateway.ask(
        "POST",
        "/v1/track",
        "authorization: Basic V0s6\r\n",
        r#"{"userId":"u-1"}"#,
    );
    assert!(
        response.starts_with("HTTP/1.1 200 ") && response.ends_with("OK"),
        "{response}"
    );
    assert_eq!(read(&idle).unwrap_or_default(), "");
    assert!(!read(&slow).unwrap_or_default().starts_with("HTTP/1.1 200"));
    assert_eq!(gateway.end(), Some(0));
}

#[test]
fn a_request_that_does_not_end_does_not_keep_the_gateway() {
    let gateway = Gateway::start(&["--shutdown-timeout", "100ms"]);
    let unended = gateway.connect();
    let head = format!(
        "POST /v1/track HTTP/1.1\r\nhost: {}\r\nauthorization: Basic V0s6\r\ncontent-length: 9\r\n\r\n{{",
        gateway.address
    );
    (&unended).write_all(head.as_bytes()).unwrap();
    // Connections are taken in the order in which they come, so the other one has been taken as well.
    let response = gateway.ask("GET", "/health", "", "");
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    assert!(gateway.end().is_some());
}

#[test]
fn the_gateways_settings_are_settings_like_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let (file, keys) = (folder.path().join("serve.toml"), folder.path().join("keys"));
    std::fs::write(
        &file,
        "gateway = true\nmax-queue-age = \"10m\"\nretry-after = 5\nregion = \"EU\"\n",
    )
    .unwrap();
    std::fs::write(&keys, "one-secret\ntwo-secret\n").unwrap();
    let output = program()
        .args(["--print-config", "--sandbox", "--retry-after", "7", "--config"])
        .arg(&file)
        .arg("--write-keys-file")
        .arg(&keys)
        .env("RUDDER_INTERCOM_PAGE_TOKEN", "page-secret")
        .env("RUDDER_INTERCOM_ON_UNKNOWN_CONTACT", "create")
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    for line in [
        "gateway = true",
        "sandbox = true",
        "max-queue-age = \"10m\"",
        "retry-after = \"7s\"",
        "region = \"Europe\"",
        "on-unknown-contact = \"create\"",
        "max-event-bytes = \"32KiB\"",
        "# The secret of write-keys-file or RUDDER_INTERCOM_WRITE_KEYS is set (masked).",
        "# The secret of page-token-file or RUDDER_INTERCOM_PAGE_TOKEN is set (masked).",
        "# The secret of token-file or INTERCOM_ACCESS_TOKEN is not set.",
    ] {
        assert!(
            printed.lines().any(|printed| printed == line),
            "{line} is not in\n{printed}"
        );
    }
    assert!(!printed.contains("-secret"), "{printed}");
    // What is printed can be read.
    std::fs::write(&file, &printed).unwrap();
    let again = program()
        .args(["--print-config", "--config"])
        .arg(&file)
        .output()
        .unwrap();
    let again = String::from_utf8(again.stdout).unwrap();
    let settings = |text: &str| -> Vec<String> {
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(settings(&again), settings(&printed));

    let alone = program().args(["--sandbox", "--print-config"]).output().unwrap();
    assert_eq!(alone.status.code(), Some(2));
    let told = String::from_utf8(alone.stderr).unwrap();
    assert!(told.contains("--sandbox is a setting of the gateway"), "{told}");
    let alone = program().args(["--wait-for-contact", "2h"]).output().unwrap();
    assert_eq!(alone.status.code(), Some(2));
    let told = String::from_utf8(alone.stderr).unwrap();
    assert!(
        told.contains("--wait-for-contact is a setting of the store: give --store FILE"),
        "{told}"
    );
}

/// The status of a response.
fn status(response: &str) -> &str {
    response.split(' ').nth(1).unwrap_or_default()
}

#[test]
fn a_gateway_for_others_serves_the_transformer_and_metrics_with_a_token_only() {
    let keys = ("RUDDER_INTERCOM_WRITE_KEYS", "WK");
    let gateway = Gateway::start_with(&[], &[keys]);
    assert_eq!(status(&gateway.ask("GET", "/health", "", "")), "200");
    let sent = gateway.ask(
        "POST",
        "/v1/track",
        "authorization: Basic V0s6\r\n",
        r#"{"userId":"u","event":"e"}"#,
    );
    assert_eq!(status(&sent), "200", "{sent}");
    // A 404 would make rudder-server throw its events away.
    for (method, path) in [("POST", "/routerTransform"), ("GET", "/features"), ("GET", "/metrics")] {
        assert_eq!(status(&gateway.ask(method, path, "", "{}")), "400", "{path}");
    }
    assert_eq!(gateway.end(), Some(0));

    let tokens = [
        keys,
        ("RUDDER_INTERCOM_TRANSFORMER_TOKEN", "secret"),
        ("RUDDER_INTERCOM_METRICS_TOKEN", "se:cret"),
    ];
    let gateway = Gateway::start_with(&[], &tokens);
    // any:secret, any:se:cret and any:other.
    let (secret, metrics, other) = ("Basic YW55OnNlY3JldA==", "Basic YW55OnNlOmNyZXQ=", "Basic YW55Om90aGVy");
    for (method, path, authorization, expected) in [
        ("POST", "/routerTransform", secret, "200"),
        ("POST", "/routerTransform", "Bearer secret", "200"),
        ("POST", "/routerTransform", other, "401"),
        ("GET", "/features", secret, "200"),
        ("GET", "/features", metrics, "401"),
        ("GET", "/metrics", metrics, "200"),
        ("GET", "/metrics", "Bearer se:cret", "200"),
        ("GET", "/metrics", secret, "401"),
        ("GET", "/health", other, "200"),
    ] {
        let headers = format!("authorization: {authorization}\r\n");
        let response = gateway.ask(method, path, &headers, r#"{"input":[5]}"#);
        assert_eq!(status(&response), expected, "{path} with {authorization}: {response}");
    }
    assert_eq!(status(&gateway.ask("GET", "/features", "", "")), "401");
    assert_eq!(gateway.end(), Some(0));
}

#[test]
fn web_pages_of_other_machines_get_neither_the_transformer_nor_metrics() {
    let gateway = Gateway::start(&[]);
    for (method, path) in [("POST", "/routerTransform"), ("GET", "/features"), ("GET", "/metrics")] {
        let body = r#"{"input":[5]}"#;
        assert_eq!(status(&gateway.ask(method, path, "", body)), "200", "{path}");
        let from_a_page = gateway.ask(method, path, "origin: https://page.example\r\n", body);
        assert_eq!(status(&from_a_page), "403", "{path}");
        let rebound = gateway.ask_as("page.example", method, path, "", body);
        assert_eq!(status(&rebound), "403", "{path}");
        assert!(rebound.contains("wrong_host"), "{rebound}");
    }
    assert_eq!(gateway.end(), Some(0));
}

#[test]
fn beside_a_token_of_intercom_the_transformer_needs_one_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let output = program()
        .args([
            "--gateway",
            "--listen",
            "127.0.0.1:0",
            "--transformer-listen",
            ":0",
            "--store",
        ])
        .arg(folder.path().join("events.db"))
        .env("INTERCOM_ACCESS_TOKEN", "top-secret")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("--transformer-token-file") && !error.contains("top-secret"),
        "{error}"
    );
}

#[test]
fn senders_who_announce_bodies_and_send_none_keep_nobody_out() {
    let gateway = Gateway::start(&[]);
    // All the memory for requests, if they took it.
    let lengths = [4_193_792; 8].into_iter().chain([10]);
    let idle: Vec<_> = lengths
        .map(|length| {
            let client = gateway.connect();
            let head = format!(
                "POST /v1/batch HTTP/1.1\r\nhost: {}\r\nauthorization: Basic V0s6\r\ncontent-length: {length}\r\n\r\n{{",
                gateway.address
            );
            (&client).write_all(head.as_bytes()).unwrap();
            client
        })
        .collect();
    for _ in 0..10 {
        let response = gateway.ask(
            "POST",
            "/v1/track",
            "authorization: Basic V0s6\r\n",
            r#"{"userId":"u","event":"e"}"#,
        );
        assert_eq!(status(&response), "200", "{response}");
    }
    drop(idle);
    assert_eq!(gateway.end(), Some(0));
}
