//! The gateway reads its files with secrets again.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use common::{Served, address_of, ask};
use intercom_sandbox::Settings;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The status of a track event that is sent with this write key.
fn send(address: &str, key: &str) -> String {
    let body = common::track(1);
    let headers = format!("authorization: Basic {key}\r\n");
    let response = ask(address, "POST", "/v1/track", &headers, &body);
    response[9..12].to_owned()
}

fn wait(what: &str, holds: impl Fn() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < Duration::from_secs(50), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_corrected_file_is_read_without_a_restart() {
    // one: and two:
    let (one, two) = ("b25lOg==", "dHdvOg==");
    let mut settings = Settings::default();
    settings.token = Some("right".to_owned());
    let sandbox = Served::new(settings);
    let folder = tempfile::tempdir().unwrap();
    let (token, keys) = (folder.path().join("token"), folder.path().join("keys"));
    std::fs::write(&token, "wrong").unwrap();
    std::fs::write(&keys, "one").unwrap();
    let mut gateway = common::as_gateway(&mut common::program(), sandbox.url(), folder.path())
        .args(["--on-unknown-contact", "create"])
        .arg("--token-file")
        .arg(&token)
        .arg("--write-keys-file")
        .arg(&keys)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let address = address_of(&mut gateway);
    let mut log = BufReader::new(gateway.stderr.take().unwrap());

    assert_eq!((send(&address, one), send(&address, two)), ("200".into(), "401".into()));
    let mut refused = String::new();
    while !refused.contains("does not accept the access token") {
        refused.clear();
        assert!(log.read_line(&mut refused).unwrap() > 0);
    }
    // What cannot be read changes nothing; it is looked at every few seconds.
    std::fs::write(&keys, "").unwrap();
    let mut warned = String::new();
    while !warned.contains("cannot be read again") {
        warned.clear();
        assert!(log.read_line(&mut warned).unwrap() > 0);
    }
    assert_eq!(send(&address, one), "200");
    // At once, because it is asked for.
    std::fs::write(&keys, "two").unwrap();
    let hangup = Command::new("kill").args(["-HUP", &gateway.id().to_string()]).status();
    assert!(hangup.unwrap().success());
    wait("the other key is not accepted", || send(&address, two) == "200");
    assert_eq!(send(&address, one), "401");
    std::fs::write(&token, "right").unwrap();
    wait("nothing is delivered", || {
        sandbox.state()["events"]
            .as_array()
            .is_some_and(|events| !events.is_empty())
    });

    let kill = Command::new("kill").arg(gateway.id().to_string()).status();
    assert!(kill.unwrap().success());
    assert_eq!(gateway.wait().unwrap().code(), Some(0));
}
