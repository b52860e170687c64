//! It is three in the morning, and nothing arrives: `doctor` names the cause.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test may")]

mod common;
#[path = "common/gateway.rs"]
mod gateway;
#[path = "common/scripted.rs"]
mod scripted;

use common::{Run, Served, program, run_command};
use gateway::{Gateway, until};
use intercom_sandbox::{RateLimit, Settings};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use scripted::{Response, Scripted};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Whom events are about.
const USER: &str = "user-zoe";

/// Looks after a gateway, by the file of its settings.
fn doctor(gateway: &Gateway, url: &str) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("serve.toml");
    let settings = format!(
        "gateway = true\nlisten = \"{}\"\nintercom-base-url = \"{url}\"\nstore = \"{}\"\n",
        gateway.address(),
        gateway.store().display()
    );
    std::fs::write(&config, settings).unwrap();
    doctor_of(&["--config", config.to_str().unwrap()])
}

fn doctor_of(arguments: &[&str]) -> Run {
    run_command(doctor_command().args(arguments), "")
}

fn doctor_command() -> Command {
    let mut command = program();
    // Or a proxy of whoever runs the test would look names up.
    for name in [
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
    ] {
        command.env_remove(name);
    }
    command
        .args(["doctor", "--json"])
        .env("INTERCOM_ACCESS_TOKEN", "s3cret");
    command
}

/// The status and the detail of a check.
fn check(run: &Run, name: &str) -> (String, String) {
    let report = run.json();
    let mut checks = report["checks"].as_array().unwrap().iter();
    let Some(check) = checks.find(|check| check["name"] == name) else {
        panic!("{name} is not in {report}")
    };
    let text = |check: &Value, member: &str| check[member].as_str().unwrap().to_owned();
    (text(check, "status"), text(check, "detail"))
}

/// That a check is no good, and says this.
fn assert_named(run: &Run, name: &str, status: &str, part: &str) {
    let (found, detail) = check(run, name);
    assert!(
        found == status && detail.contains(part),
        "{name} {found}: {detail}\n{}",
        run.stdout()
    );
    assert!(
        !run.stdout().contains("s3cret") && !run.stdout().contains(USER),
        "{}",
        run.stdout()
    );
}

fn track(gateway: &Gateway, user: &str) {
    let event = json!({"userId": user, "event": "Looked"}).to_string();
    assert_eq!(gateway.post("/v1/track", "", event.as_bytes()).status, "200");
}

/// Makes all that waits so many minutes older.
fn age(store: &Path, minutes: i64) {
    let database = rusqlite::Connection::open(store).unwrap();
    database.busy_timeout(Duration::from_secs(10)).unwrap();
    let sql = format!("UPDATE events SET at = at - {}", minutes * 60_000);
    assert!(database.execute(&sql, []).unwrap() > 0);
}

#[test]
fn all_is_well() {
    let sandbox = Served::new(Settings::default());
    let gateway = Gateway::start(sandbox.url(), &[]);
    let run = doctor(&gateway, sandbox.url());
    assert_eq!(run.code(), 0, "{}", run.stdout());
    assert_named(&run, "gateway", "ok", "knows of no trouble");
}

#[test]
fn the_gateway_does_not_run() {
    let sandbox = Served::new(Settings::default());
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("serve.toml");
    let settings = format!(
        "gateway = true\nlisten = \"127.0.0.1:1\"\nintercom-base-url = \"{}\"\n",
        sandbox.url()
    );
    std::fs::write(&config, settings).unwrap();
    let run = doctor_of(&["--config", config.to_str().unwrap()]);
    assert_eq!(run.code(), 1);
    assert_named(&run, "gateway", "fault", "none is running at 127.0.0.1:1");
}

#[test]
fn the_token_is_refused() {
    let mut settings = Settings::default();
    settings.token = Some("another".to_owned());
    let sandbox = Served::new(settings);
    let gateway = Gateway::start(sandbox.url(), &[]);
    track(&gateway, USER);
    gateway.wait_for_log("token_refused");
    let run = doctor(&gateway, sandbox.url());
    assert_eq!(run.code(), 3);
    assert_named(&run, "token", "fault", "does not accept it");
    assert_named(&run, "gateway", "warning", "(token_refused)");
}

#[test]
fn the_name_cannot_be_looked_up() {
    let url = "http://no-such-host.invalid";
    let gateway = Gateway::start(url, &[]);
    track(&gateway, USER);
    let run = doctor(&gateway, url);
    assert_eq!(run.code(), 4);
    assert_named(&run, "names", "fault", "no-such-host.invalid cannot be looked up");
    assert_named(&run, "connection", "fault", "there is no such host");
}

/// Serves TLS with a certificate of the tests, by its name.
fn serve_tls(name: &str) -> u16 {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates");
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(&read(&format!("{name}.pem"))).unwrap()],
            PrivateKeyDer::from_pem_slice(&read("key.pem")).unwrap(),
        )
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            while connection.is_handshaking() && connection.complete_io(&mut stream).is_ok() {}
            let _ = connection.write_tls(&mut stream);
        }
    });
    port
}

#[test]
fn the_certificate_is_no_good_and_it_is_said_why() {
    let issuer = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates/issuer.pem");
    for (certificate, host, is_trusted, meaning, advice) in [
        (
            "good",
            "localhost",
            false,
            "from an issuer that this machine does not trust",
            "SSL_CERT_FILE",
        ),
        ("expired", "localhost", true, "has expired", "renewed"),
        ("early", "localhost", true, "is not valid yet", "clock"),
        ("good", "127.0.0.1", true, "is for another name", "URL"),
    ] {
        let url = format!("https://{host}:{}", serve_tls(certificate));
        let mut command = doctor_command();
        if is_trusted {
            command.env("SSL_CERT_FILE", &issuer);
        }
        let run = run_command(command.args(["--intercom-base-url", &url]), "");
        assert_eq!(run.code(), 4, "{}", run.stdout());
        assert_named(&run, "tls", "fault", meaning);
        assert!(run.stdout().contains(advice), "{}", run.stdout());
    }
    // Whom the file names is trusted: what is wrong is no more the certificate.
    let url = format!("https://localhost:{}", serve_tls("good"));
    let mut command = doctor_command();
    command
        .env("SSL_CERT_FILE", &issuer)
        .args(["--intercom-base-url", &url]);
    let run = run_command(&mut command, "");
    assert!(!run.stdout().contains("certificate"), "{}", run.stdout());
}

#[test]
fn the_disk_is_full() {
    let server = Scripted::new(Response::Status(503, String::new()));
    let gateway = Gateway::start_limited(&server.url(), 2_048);
    let filler = "x".repeat(30_000);
    let is_full = |number: usize| {
        let body = json!({"userId": format!("u-{number}"), "event": "Looked", "properties": {"x": filler}});
        gateway.post("/v1/track", "", body.to_string().as_bytes()).status == "503"
    };
    assert!((0..500).any(is_full), "the limit does not hold");
    let run = doctor(&gateway, &server.url());
    let (status, detail) = check(&run, "gateway");
    assert_eq!(status, "fault", "{detail}");
    assert!(
        detail.contains("disk_full") || detail.contains("store_failed"),
        "{detail}"
    );
}

#[test]
fn one_users_events_fail() {
    let server = Scripted::new(Response::Poisoned(USER));
    let gateway = Gateway::start(&server.url(), &["--backlog-after", "5m"]);
    for _ in 0..3 {
        track(&gateway, USER);
    }
    for number in 0..20 {
        track(&gateway, &format!("user-{number}"));
    }
    until("the others are delivered", || {
        gateway.figure("events_total", "delivered") == Some(20.0)
    });
    let waiting = |more: &[&str]| {
        let mut command = program();
        command
            .args(["queue", "waiting", "--store"])
            .arg(gateway.store())
            .args(more);
        run_command(&mut command, "").stdout()
    };
    until("the first has been tried three times", || {
        let first: Value = serde_json::from_str(waiting(&["--json"]).lines().next().unwrap()).unwrap();
        first["attempts"].as_u64() >= Some(3)
    });
    let shown = waiting(&[]);
    assert!(
        shown.contains("retrying: server_error") && !shown.contains(USER),
        "{shown}"
    );
    assert!(waiting(&["--show-values"]).contains(USER));
    // Long before the oldest has waited for so long that it is told of for that alone.
    let run = doctor(&gateway, &server.url());
    assert_named(&run, "backlog", "fault", "times with server_error");
    assert!(run.stdout().contains("show 1 --show-values"), "{}", run.stdout());
    age(&gateway.store(), 47);
    let run = doctor(&gateway, &server.url());
    assert_named(
        &run,
        "backlog",
        "fault",
        "3 events wait, the oldest for 47 minutes; of the oldest 3, 3 are one user's",
    );
}

#[test]
fn the_rate_limit_is_used_up() {
    let limit = RateLimit::new(1, Duration::from_secs(3_600));
    let sandbox = Served::new(Settings::default().with_rate_limit(limit));
    // Enough to ask who it is, and then not even that.
    for _ in 0..2 {
        let run = doctor_of(&["--intercom-base-url", sandbox.url()]);
        assert_eq!(run.code(), 1, "{}", run.stdout());
        let report = run.json();
        let checks = report["checks"].as_array().unwrap();
        let is_named = |check: &Value| {
            check["name"] == "rate limit"
                && check["status"] == "fault"
                && check["detail"].as_str().unwrap().contains("429")
                && check["mend"].as_str().unwrap().contains("--max-rate")
        };
        assert!(checks.iter().any(is_named), "{report}");
        let token = checks.iter().find(|check| check["name"] == "token").unwrap();
        assert_ne!(token["status"], "fault", "{report}");
    }
}
