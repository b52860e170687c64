//! What the commands say, and how they end, when Intercom cannot be reached.
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

mod common;

use common::{Served, identify, run_with_token};
use intercom_sandbox::Settings;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

/// A proxy that answers everything with a page of its own.
fn page() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let body = "<html>Please sign in</html>";
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    url
}

#[test]
fn a_setting_that_is_wrong_ends_every_command_at_once() {
    let sandbox = Served::new(Settings::default());
    let url = sandbox.url().replace("http://", "https://");
    let host = sandbox.url().trim_start_matches("http://");
    for command in [
        &["send", "-"] as &[_],
        &["attributes", "-"],
        &["erase", "--user-id", "u-1", "--dry-run"],
    ] {
        let run = run_with_token(&[command, &["--intercom-base-url", &url]].concat(), identify(1));
        assert_eq!(run.code(), 4, "{command:?}: {}", run.stderr());
        let told = format!("cannot reach {host}: it does not speak TLS on that port (try http:// or another port)");
        assert!(run.stderr().contains(&told), "{command:?}: {}", run.stderr());
    }
}

#[test]
fn a_host_that_is_not_there_ends_send_before_anything_was_tried() {
    let folder = tempfile::tempdir().unwrap();
    let (letters, journal) = (folder.path().join("letters"), folder.path().join("journal"));
    let (letters, journal) = (letters.to_str().unwrap(), journal.to_str().unwrap());
    for more in [
        &[] as &[_],
        &["--max-attempts", "1", "--dead-letters", letters],
        &["--journal", journal],
    ] {
        // Nobody listens on port 1.
        let send = ["send", "-", "--intercom-base-url", "http://127.0.0.1:1"];
        let run = run_with_token(&[&send, more].concat(), identify(1));
        assert_eq!(run.code(), 4, "{more:?}: {}", run.stderr());
        assert!(
            run.stderr()
                .contains("cannot reach 127.0.0.1:1: it refuses the connection"),
            "{more:?}: {}",
            run.stderr()
        );
        assert_eq!(std::fs::read_to_string(letters).unwrap_or_default(), "");
    }
}

#[test]
fn what_was_not_sent_is_sent_by_the_next_run() {
    let folder = tempfile::tempdir().unwrap();
    let (input, letters) = (folder.path().join("events"), folder.path().join("letters"));
    std::fs::write(&input, (1..30).map(|n| identify(n) + "\n").collect::<String>()).unwrap();
    let (input, letters) = (input.to_str().unwrap(), letters.to_str().unwrap());
    let sandbox = Served::new(Settings::default());
    let url = sandbox.url().replace("http://", "https://");
    let run = run_with_token(
        &["send", input, "--dead-letters", letters, "--intercom-base-url", &url],
        "",
    );
    assert_eq!(run.code(), 4, "{}", run.stderr());
    let run = run_with_token(&["send", input, "--intercom-base-url", sandbox.url()], "");
    assert_eq!(run.code(), 0, "{}", run.stderr());
    assert_eq!(sandbox.state()["contacts"].as_array().unwrap().len(), 29);
}

#[test]
fn a_page_of_a_proxy_does_not_say_which_workspace_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    // The journal is of one base URL, so the page and the sandbox need different ones: what counts is what is recorded.
    let send = |url: &str, journal: &std::path::Path| {
        let arguments = [
            "send",
            "-",
            "--journal",
            journal.to_str().unwrap(),
            "--intercom-base-url",
            url,
        ];
        run_with_token(&arguments, identify(1))
    };
    let run = send(&page(), &journal);
    assert_eq!(run.code(), 2, "{}", run.stderr());
    assert!(run.stderr().contains("not as documented"), "{}", run.stderr());
    let database = rusqlite::Connection::open(&journal).unwrap();
    let count = |name: &str| {
        let query = "SELECT count(*) FROM settings WHERE name = ?1";
        database.query_row(query, [name], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(count("workspace"), 0);
}
