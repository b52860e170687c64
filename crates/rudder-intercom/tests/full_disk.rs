//! An output that cannot be written is an error, not a crash.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;

use rudder_gateway::StoreSettings;
use rudder_gateway::store::Store;
use std::fs::OpenOptions;

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
