//! `doctor`: each thing that is wrong is named, with what mends it.
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

mod common;

use common::{Run, Served, identify, program, run_command, run_with_token};
use intercom_api::{DataAttributeModel, DataType};
use intercom_sandbox::Settings;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

fn doctor(flags: &[&str]) -> Run {
    run_with_token(&[&["doctor", "--json"], flags].concat(), "")
}

/// The status, the detail and the mending step of a check.
fn check(run: &Run, name: &str) -> (String, String, String) {
    let report = run.json();
    let checks = report["checks"].as_array().unwrap().iter();
    let found: Vec<&Value> = checks.filter(|check| check["name"] == name).collect();
    let [check] = found[..] else { panic!("{name}: {report}") };
    let text = |member: &str| check[member].as_str().unwrap_or_default().to_owned();
    (text("status"), text("detail"), text("mend"))
}

#[test]
fn where_all_is_well_it_says_so_and_names_the_workspace() {
    let sandbox = Served::new(Settings::default());
    let before = sandbox.state();
    let run = doctor(&["--intercom-base-url", sandbox.url()]);
    assert_eq!(run.code(), 0, "{}", run.stdout());
    for name in [
        "settings",
        "names",
        "tls",
        "clock",
        "token",
        "api version",
        "rate limit",
        "contacts",
        "attributes",
        "disk",
    ] {
        let (status, detail, _) = check(&run, name);
        assert!(status == "ok" || name == "disk", "{name} {status}: {detail}");
    }
    let (_, detail, _) = check(&run, "token");
    assert!(detail.contains("workspace") && detail.contains("sandbox"), "{detail}");
    let after = sandbox.state();
    assert_eq!(before["contacts"], after["contacts"]);
    let called: Vec<&String> = after["calls"].as_object().unwrap().keys().collect();
    assert_eq!(called, ["identify_admin", "list_data_attributes", "search_contacts"]);
    let text = run_with_token(&["doctor", "--intercom-base-url", sandbox.url()], "");
    assert!(text.stdout().contains("No fault"), "{}", text.stdout());
}

#[test]
fn a_token_that_is_missing_or_wrong_is_told_and_shown_nowhere() {
    let mut settings = Settings::default();
    settings.token = Some("right".to_owned());
    let sandbox = Served::new(settings);
    let mut command = program();
    command.args(["doctor", "--json", "--intercom-base-url", sandbox.url()]);
    let run = run_command(command.env("INTERCOM_ACCESS_TOKEN", "s3cret-token"), "");
    assert_eq!(run.code(), 3);
    let (status, detail, mend) = check(&run, "token");
    assert!(status == "fault" && detail.contains("does not accept it"), "{detail}");
    assert!(mend.contains("Developer Hub"), "{mend}");
    assert_eq!(check(&run, "contacts").0, "skipped");
    assert!(!run.stdout().contains("s3cret") && !run.stderr().contains("s3cret"));
    let none = run_command(
        program().args(["doctor", "--json", "--intercom-base-url", sandbox.url()]),
        "",
    );
    assert_eq!(none.code(), 3);
    // Whether it can be reached is seen without a token.
    for name in ["names", "tls", "clock"] {
        assert_eq!(check(&none, name).0, "ok", "{}", none.stdout());
    }
    assert!(
        check(&none, "token").1.contains("there is no access token"),
        "{}",
        none.stdout()
    );
}

#[test]
fn a_host_that_cannot_be_reached_is_told_by_its_cause() {
    let refused = doctor(&["--intercom-base-url", "http://127.0.0.1:1"]);
    let (status, detail, mend) = check(&refused, "connection");
    assert_eq!((refused.code(), &*status), (4, "fault"));
    assert!(
        detail.contains("it refuses the connection") && mend.contains("check the port"),
        "{detail} {mend}"
    );

    let no_name = doctor(&["--intercom-base-url", "http://no-such-host.invalid"]);
    assert_eq!(no_name.code(), 4);
    assert!(
        check(&no_name, "names").2.contains("getent hosts no-such-host.invalid"),
        "{}",
        no_name.stdout()
    );

    let sandbox = Served::new(Settings::default());
    let plain = doctor(&["--intercom-base-url", &sandbox.url().replace("http://", "https://")]);
    let (status, detail, mend) = check(&plain, "tls");
    assert_eq!((plain.code(), &*status), (4, "fault"));
    assert!(
        detail.contains("does not speak TLS") && mend.contains("try http://"),
        "{detail} {mend}"
    );
}

#[test]
fn a_page_to_sign_in_is_no_intercom() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\n<html>"
            );
        }
    });
    let run = doctor(&["--intercom-base-url", &url]);
    assert_eq!(run.code(), 4, "{}", run.stdout());
    assert!(check(&run, "connection").1.contains("proxy"), "{}", run.stdout());
    // It does not tell the time either.
    assert_eq!(check(&run, "clock").0, "warning");
}

#[test]
fn too_many_attributes_are_told_of() {
    let of = |count: usize| {
        let mut settings = Settings::default();
        let name = |number| (DataAttributeModel::Contact, format!("a{number}"), DataType::String);
        settings.attributes = (0..count).map(name).collect();
        let sandbox = Served::new(settings);
        let run = doctor(&["--intercom-base-url", sandbox.url()]);
        (run.code(), check(&run, "attributes").0)
    };
    assert_eq!(of(224), (0, "ok".to_owned()));
    assert_eq!(of(230), (0, "warning".to_owned()));
    assert_eq!(of(250), (1, "fault".to_owned()));
}

#[test]
fn files_are_looked_at_and_left_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let sandbox = Served::new(Settings::default());
    let url = ["--intercom-base-url", sandbox.url()];
    let sent = run_with_token(
        &[&["send", "--journal", &path("journal")][..], &url].concat(),
        identify(1),
    );
    assert_eq!(sent.code(), 0, "{}", sent.stderr());
    let run = doctor(&[&["--journal", &path("journal")][..], &url].concat());
    assert_eq!(run.code(), 0, "{}", run.stdout());
    assert!(
        check(&run, "journal").1.contains("1 event done, 0 of them failed"),
        "{}",
        run.stdout()
    );
    assert!(check(&run, "disk (journal)").1.contains("free in"), "{}", run.stdout());

    std::fs::write(path("other"), "something else").unwrap();
    let run = doctor(&[&["--journal", &path("none"), "--store", &path("other")][..], &url].concat());
    assert_eq!(run.code(), 1, "{}", run.stdout());
    assert_eq!(check(&run, "journal").0, "fault");
    assert_eq!(check(&run, "store").0, "fault");
    assert!(!folder.path().join("none").exists());
    assert_eq!(std::fs::read_to_string(path("other")).unwrap(), "something else");

    std::fs::write(path("serve.toml"), "gateway = true\nregin = \"US\"\n").unwrap();
    let run = doctor(&[&["--config", &path("serve.toml")][..], &url].concat());
    assert_eq!(run.code(), 2, "{}", run.stdout());
    assert!(
        check(&run, "config").1.contains("did you mean `region`?"),
        "{}",
        run.stdout()
    );
}

#[cfg(unix)]
#[test]
fn a_token_file_that_others_can_read_is_told_of() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "s3cret").unwrap();
    let sandbox = Served::new(Settings::default());
    let run = |mode| {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        doctor(&[
            "--token-file",
            file.to_str().unwrap(),
            "--intercom-base-url",
            sandbox.url(),
        ])
    };
    let (status, _, mend) = check(&run(0o644), "token file");
    assert_eq!((&*status, mend), ("warning", format!("chmod 600 {}", file.display())));
    assert!(!run(0o600).stdout().contains("token file"));
}
