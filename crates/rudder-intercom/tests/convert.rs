//! `convert`: every form of input, and the form of its output.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{fixture, identify, program, quickstart, run, track};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::process::Stdio;

fn converted(input: impl AsRef<[u8]>) -> Vec<(u64, String)> {
    let run = run(&["convert"], input);
    assert_eq!(run.code(), 0, "{}", run.stderr());
    let lines = run.lines();
    assert!(lines.iter().all(|line| line["outcome"] == "converted"));
    lines
        .iter()
        .map(|line| {
            (
                line["index"].as_u64().unwrap(),
                line["messageId"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

fn expected(ids: &[&str]) -> Vec<(u64, String)> {
    (0..).zip(ids.iter().map(|&id| id.to_owned())).collect()
}

#[test]
fn every_form_of_input() {
    let (one, two) = (identify(1), track(2));
    let both = expected(&["m-1", "t-2"]);
    let pretty = |text: &str| {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        serde_json::to_string_pretty(&value).unwrap()
    };
    assert_eq!(converted(format!("{one}\n{two}\n")), both, "lines");
    assert_eq!(
        converted(format!("\u{feff}{one}\r\n\r\n{two}")),
        both,
        "lines from Windows"
    );
    assert_eq!(converted(format!("[{one},{two}]")), both, "an array in one line");
    assert_eq!(
        converted(pretty(&format!("[{one},{two}]"))),
        both,
        "an array over several lines"
    );
    assert_eq!(
        converted(pretty(&one)),
        expected(&["m-1"]),
        "an object over several lines"
    );
    assert_eq!(
        converted(format!("{}\n{}", pretty(&one), pretty(&two))),
        both,
        "two of these"
    );
    assert_eq!(converted(format!(r#"{{"batch":[{one},{two}]}}"#)), both, "a batch");
    assert_eq!(
        converted(pretty(&format!(r#"{{"batch":[{one},{two}]}}"#))),
        both,
        "a batch over several lines"
    );
    let capture = |path: &str, body: &str| format!(r#"{{"path":"{path}","headers":{{"accept":"*/*"}},"body":{body}}}"#);
    assert_eq!(
        converted(format!(
            "{}\n{}\n",
            capture("/v1/identify", &one),
            capture("/v1/batch", &format!(r#"{{"batch":[{two}]}}"#))
        )),
        both,
        "captured requests"
    );
    assert_eq!(
        converted(format!(
            r#"{{"event":{one},"code":"timeout","reason":"","attempts":8}}"#
        )),
        expected(&["m-1"]),
        "a dead letter"
    );
}

#[test]
fn compressed_input() {
    let text = format!("{}\n{}\n", identify(1), track(2));
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    let mut gzip = gzip.finish().unwrap();
    assert_eq!(converted(&gzip), expected(&["m-1", "t-2"]));
    assert_eq!(
        converted(ruzstd::encoding::compress_to_vec(
            text.as_bytes(),
            ruzstd::encoding::CompressionLevel::Fastest
        )),
        expected(&["m-1", "t-2"])
    );

    let twice = [gzip.clone(), gzip.clone()].concat();
    assert_eq!(
        converted(twice),
        expected(&["m-1", "t-2", "m-1", "t-2"]),
        "gzip members, one behind the other"
    );

    gzip.truncate(gzip.len() - 12);
    let run = run(&["convert"], gzip);
    assert_eq!(run.code(), 2);
    assert!(run.stderr().contains("failed before its end"), "{}", run.stderr());
}

#[test]
fn what_a_line_holds() {
    let event = r#"{"type":"identify","messageId":"m","userId":"u","context":{"traits":{"email":"A@b.org","createdAt":"soon"}}}"#;
    let run = run(&["convert"], event);
    assert_eq!(
        run.lines(),
        [json!({
            "index": 0,
            "messageId": "m",
            "type": "identify",
            "outcome": "converted",
            "plan": {"save_contact": {
                "lookup": {"person": {"external_id": "u", "email": "a@b.org"}},
                "update": {"external_id": "u", "email": "A@b.org"},
                "missing": "create",
            }},
            "calls": [
                {"operation": "search_contacts", "when": "always", "method": "POST", "path": "/contacts/search", "body": {
                    "query": {"operator": "OR", "value": [
                        {"field": "external_id", "operator": "=", "value": "u"},
                        {"field": "email", "operator": "=", "value": "a@b.org"},
                    ]},
                }},
                {"operation": "update_contact", "when": "found", "method": "PUT", "path": "/contacts/{contact.id}",
                 "body": {"external_id": "u", "email": "A@b.org"}},
                {"operation": "create_contact", "when": "not_found", "method": "POST", "path": "/contacts",
                 "body": {"external_id": "u", "email": "A@b.org"}},
            ],
            "warnings": [run.lines()[0]["warnings"][0].clone()],
        })]
    );
    let warning = &run.lines()[0]["warnings"][0];
    assert_eq!(
        (&warning["code"], &warning["path"]),
        (&json!("invalid_date"), &json!("/context/traits/createdAt"))
    );
}

#[test]
fn queries_are_objects() {
    let event = r#"{"type":"identify","userId":"u","traits":{"email":"a@b.org","company":{"id":"c","remove":true}}}"#;
    let calls = run(&["convert"], event).lines()[0]["calls"].clone();
    assert_eq!(calls[1]["query"], json!({"company_id": "c"}));
    assert_eq!(calls[2]["path"], "/contacts/{contact.id}/companies/{company.id}");
}

#[test]
fn what_is_not_converted_says_why() {
    let input = [
        r#"{"type":"page","messageId":"p"}"#,
        "nonsense",
        r#"{"type":"track","event":"x","userId":"u","integrations":{"All":false}}"#,
        r#"{"type":"Track","event":"x"}"#,
        r#"{"type":7}"#,
        "{}",
    ]
    .join("\n");
    let run = run(&["convert"], input);
    assert_eq!(run.code(), 1);
    assert_eq!(
        run.outcomes(),
        [
            "unsupported_event_type",
            "invalid_json",
            "skipped",
            "missing_identity",
            "unsupported_event_type",
            "unsupported_event_type"
        ]
    );
    let lines = run.lines();
    assert_eq!(lines[0]["error"]["path"], "/type");
    assert_eq!(
        (&lines[0]["messageId"], &lines[0]["type"]),
        (&json!("p"), &json!("page"))
    );
    assert_eq!((&lines[1]["index"], &lines[1]["line"]), (&json!(1), &json!(2)));
    assert_eq!(lines[3]["type"], "track");
}

#[test]
fn numbers_keep_their_text() {
    let event = r#"{"type":"identify","userId":"u","traits":{"a":1.0,"b":9007199254740993,"c":1e400}}"#;
    let line = run(&["convert"], event).stdout();
    assert!(
        line.contains(r#""custom_attributes":{"a":1.0,"b":9007199254740993,"c":1e400}"#),
        "{line}"
    );
}

#[test]
fn the_anonymous_id_stands_in_on_request() {
    let event = r#"{"type":"track","event":"x","anonymousId":"a"}"#;
    assert_eq!(run(&["convert"], event).outcomes(), ["missing_identity"]);
    let run = run(&["convert", "--send-anonymous-id"], event);
    assert_eq!(run.lines()[0]["calls"][0]["body"]["user_id"], "a");
}

#[test]
fn order_is_kept() {
    let input: String = (0..20_000).map(|number| identify(number) + "\n").collect();
    let lines = run(&["convert"], input).lines();
    assert_eq!(lines.len(), 20_000);
    for (number, line) in lines.iter().enumerate() {
        assert_eq!(line["index"], number);
        assert_eq!(line["messageId"], format!("m-{number}"));
    }
}

#[test]
fn for_people_with_the_source_of_each_field() {
    let run = run(&["convert", "--pretty"], quickstart());
    let text = run.stdout();
    assert!(!text.contains('\u{1b}'), "no colours in a pipe");
    for part in [
        "#0 identify  converted",
        "signed_up_at",
        "1558290864",
        "/context/traits/createdAt",
        "PUT    /contacts/{contact.id}",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(run_coloured().contains("\u{1b}["));
}

fn run_coloured() -> String {
    run(&["convert", "--pretty", "--color", "always"], identify(1)).stdout()
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut child = program()
        .arg("convert")
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let line = identify(1) + "\n";
    let writer = std::thread::spawn(move || while stdin.write_all(line.as_bytes()).is_ok() {});
    stdout.read_exact(&mut [0; 100]).unwrap();
    drop(stdout);
    writer.join().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_quickstart_converts() {
    let run = run(&["convert", fixture("quickstart.ndjson").to_str().unwrap()], "");
    assert_eq!(run.code(), 0);
    let lines = run.lines();
    assert_eq!(lines.len(), 7);
    // The guide's identifies name a company, which links nobody.
    let warnings = lines.iter().filter_map(|line| line["warnings"].as_array()).flatten();
    let codes: Vec<&Value> = warnings.map(|warning| &warning["code"]).collect();
    assert_eq!(codes, ["company_not_linked", "company_not_linked"]);
    assert_eq!(
        lines[6]["plan"]["save_contact"]["update"]["custom_attributes"],
        json!({
            "address_city": "New Orleans", "address_state": "Louisiana", "plan": "enterprise",
        })
    );
}

#[test]
fn arguments_and_input_that_cannot_be_used() {
    for arguments in [
        &["convert", "/no/such/file"][..],
        &["convert", "/"],
        &["convert", "--max-event-bytes", "many"],
        &["convert", "--no-such-flag"],
        &["no-such-command"],
        &["convert", "--log", "a=b=c"],
        &[],
    ] {
        let run = run(arguments, "");
        assert_eq!(run.code(), 2, "{arguments:?}");
        assert!(!run.stderr().is_empty() && run.stdout().is_empty(), "{arguments:?}");
    }
    assert_eq!(run(&["convert"], "").code(), 0, "no events, no trouble");
}

#[test]
fn help_version_and_completions() {
    let help = run(&["--help"], "");
    assert_eq!(help.code(), 0);
    for part in ["Exit codes:", "Examples:", "convert", "check", "send", "sandbox"] {
        assert!(help.stdout().contains(part), "{part}");
    }
    assert!(run(&["--version"], "").stdout().starts_with("rudder-intercom "));
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(
            run(&["completions", shell], "").stdout().contains("rudder-intercom"),
            "{shell}"
        );
    }
}

#[test]
fn a_name_of_two_parts_is_cited_with_both() {
    let event = r#"{"type":"identify","userId":"a","traits":{"firstName":"Ann","lastName":"Lee"}}"#;
    let shown = run(&["convert", "--pretty"], event).stdout();
    let line = shown.lines().find(|line| line.contains("Ann Lee")).unwrap();
    assert!(line.ends_with("/traits/firstName and /traits/lastName"), "{shown}");
}
