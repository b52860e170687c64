//! An output that cannot be written is an error, not a crash.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use rudder_gateway::store::Store;
use rudder_gateway::store::StoreSettings;
use std::fs::OpenOptions;
use std::process::Stdio;

#[test]
fn it_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    drop(Store::open(&path, StoreSettings::new()).unwrap());
    let new = folder.path().join("new.db");
    let (path, new) = (path.to_str().unwrap(), new.to_str().unwrap());
    for arguments in [
        &["queue", "--store", path, "status"][..],
        &["queue", "--store", path, "status", "--json"],
        &["serve", "--print-config"],
        &[
            "serve",
            "--gateway",
            "--sandbox",
            "--listen",
            "127.0.0.1:0",
            "--store",
            new,
        ],
        &["sandbox", "--listen", "127.0.0.1:0"],
    ] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = common::program().args(arguments).stdout(full).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?} {said}");
        assert!(said.contains("cannot write the output"), "{arguments:?} {said}");
    }
}

#[test]
fn errors_that_cannot_be_printed_are_errors_all_the_same() {
    for arguments in [
        &["send", "no-such-file", "--sandbox"][..],
        &["send", "--no-such-flag"],
        &["convert", "no-such-file"],
        &["check", "no-such-file"],
        &["serve", "--config", "no-such-file"],
        &["queue", "--store", "no-such-file", "status"],
    ] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let status = common::program()
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(full)
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn what_cannot_be_noted_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    let (events, page) = (common::fixture("quickstart.ndjson"), page.to_str().unwrap());
    let events = events.to_str().unwrap();
    for arguments in [
        &["send", events, "--sandbox", "--log", "trace"][..],
        &["check", events, "--html", page],
    ] {
        let code = |stderr: Stdio| {
            let mut command = common::program();
            command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
            command.stderr(stderr).status().unwrap().code()
        };
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let closed = std::io::pipe().unwrap().1;
        let expected = code(Stdio::null());
        assert_eq!(code(full.into()), expected, "{arguments:?}");
        assert_eq!(code(closed.into()), expected, "{arguments:?}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    drop(Store::open(&path, StoreSettings::new()).unwrap());
    let (events, path) = (common::fixture("quickstart.ndjson"), path.to_str().unwrap());
    let events = events.to_str().unwrap();
    for arguments in [
        &["send", events, "--sandbox"][..],
        &["convert", events],
        &["convert", events, "--pretty"],
        &["check", events],
        &["check", events, "--json"],
        &["completions", "bash"],
        &["serve", "--print-config"],
        &["queue", "--store", path, "status"],
        &["queue", "--store", path, "status", "--json"],
    ] {
        // Nobody reads from it.
        let closed = std::io::pipe().unwrap().1;
        let output = common::program()
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(closed)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(matches!(output.status.code(), Some(0 | 1)), "{arguments:?} {said}");
        assert!(
            !said.contains("error") && !said.contains("panic"),
            "{arguments:?} {said}"
        );
    }
}
