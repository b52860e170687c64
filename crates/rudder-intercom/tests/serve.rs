//! The command `serve` as a process: its settings, its log and its end.
#![cfg(unix)]
#![allow(missing_docs, clippy::unwrap_used)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_rudder-intercom"));
    program.env_clear().arg("serve");
    program
}

#[test]
fn it_ends_in_order_when_it_is_asked_to() {
    let mut server = program()
        .args(["--listen", "127.0.0.1:0", "--log-format", "json"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(server.stderr.take().unwrap());
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    let started: serde_json::Value = serde_json::from_str(&line).unwrap();
    let mut client = TcpStream::connect(started["address"].as_str().unwrap()).unwrap();
    let body = r#"{"input":[{"message":{"type":"track","event":"e","userId":"ann-secret"},"metadata":{"secret":{"accessToken":"top-secret"}},"destination":{}},{"message":5}]}"#;
    let head = "POST /routerTransform HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length";
    write!(client, "{head}: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");

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
    assert!(String::from_utf8(output.stderr).unwrap().contains("max-cals"));
}
