//! A rehearsal is true: what `check` promises of random events, the strict sandbox keeps.
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

#[path = "../common/mod.rs"]
mod common;
mod trouble;
mod workload;

use common::{Served, run_with_token};
use serde_json::Value;
use std::collections::BTreeMap;
use workload::{Workload, workload};

/// What may become of an event for a reason that `check` gives.
fn codes_of(reason: &str) -> &[&str] {
    match reason {
        "refused" => &["bad_request", "undefined_attribute"],
        "lookup_of_another_type" => &["bad_request"],
        "too_many_event_names" => &["event_name_limit"],
        // What cannot be created is undefined.
        "too_many_attributes" | "name_of_both_models" => &["undefined_attribute"],
        _ => &[],
    }
}

fn is_for(reason: &str, code: &str) -> bool {
    reason == code || codes_of(reason).contains(&code)
}

/// A reason why events fail, as `check` gives it.
struct Reason {
    code: String,
    count: u64,
    lines: Vec<u64>,
}

/// What costs events, in a list of findings.
fn reasons(report: &Value, list: &str) -> Vec<Reason> {
    let findings = report[list].as_array().unwrap().iter();
    let failures = findings.filter(|finding| finding["costs"] == "event");
    let reason = |finding: &Value| Reason {
        code: finding["code"].as_str().unwrap().to_owned(),
        count: finding["count"].as_u64().unwrap(),
        lines: finding["lines"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line.as_u64().unwrap())
            .collect(),
    };
    failures.map(reason).collect()
}

/// What the events came to that were sent.
struct Sent {
    delivered: u64,
    calls: u64,
    rejections: BTreeMap<String, u64>,
    failures: BTreeMap<String, u64>,
    /// Why the event of a line failed.
    failed: BTreeMap<u64, String>,
    output: String,
}

/// A dead letter. Its event may have numbers that no number here can hold.
#[derive(serde::Deserialize)]
struct Letter {
    line: u64,
    code: String,
}

fn send(url: &str, flags: &[&str], events: &str) -> Sent {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (summary, letters) = (path("summary.json"), path("letters.ndjson"));
    let send = ["send", "--abort-above", "100", "--intercom-base-url", url];
    let record = ["--summary-json", &summary, "--dead-letters", &letters];
    let run = run_with_token(&[&send[..], &record, flags].concat(), events);
    let summary: Value = serde_json::from_slice(&std::fs::read(&summary).unwrap()).unwrap();
    let letters = std::fs::read_to_string(letters).unwrap();
    let letters = letters
        .lines()
        .map(|letter| serde_json::from_str::<Letter>(letter).unwrap());
    let counts = |name: &str| serde_json::from_value(summary[name].clone()).unwrap();
    Sent {
        delivered: summary["delivered"].as_u64().unwrap(),
        calls: summary["calls"].as_u64().unwrap(),
        rejections: counts("rejections"),
        failures: counts("failures"),
        failed: letters.map(|letter| (letter.line, letter.code)).collect(),
        output: run.stdout().clone(),
    }
}

fn rehearse(seed: u64) {
    let Workload {
        settings,
        creates_attributes,
        flags,
        events,
    } = workload(seed);
    let sandbox = Served::new(settings);
    if creates_attributes {
        // Not all can be created; what the check says is of those that were.
        let create = ["attributes", "--create", "--intercom-base-url", sandbox.url()];
        run_with_token(&[&create[..], &flags].concat(), &events);
    }
    let check = ["check", "--json", "--workspace", "--intercom-base-url", sandbox.url()];
    let report = run_with_token(&[&check[..], &flags].concat(), &events);
    let (code, report) = (report.code(), report.json());
    let (rejections, limits) = (reasons(&report, "rejections"), reasons(&report, "limits"));
    let sent = send(sandbox.url(), &flags, &events);

    let named: Vec<String> = rejections
        .iter()
        .chain(&limits)
        .map(|reason| reason.code.clone())
        .collect();
    let context = || {
        let Sent {
            rejections,
            failures,
            output,
            ..
        } = &sent;
        format!("seed {seed} {flags:?}: {named:?}, {rejections:?}, {failures:?}\n{events}\n{output}")
    };
    // What cannot be converted is the same events, and whoever is to be updated is not there for the same.
    let (not_found, limits): (Vec<Reason>, Vec<Reason>) = limits
        .into_iter()
        .partition(|reason| reason.code == "contact_not_found");
    let counted: BTreeMap<String, u64> = rejections
        .iter()
        .chain(&not_found)
        .map(|reason| (reason.code.clone(), reason.count))
        .collect();
    assert_eq!(sent.rejections, counted, "{}", context());
    // Of several reasons to fail, an event fails for one.
    let is_refused = named.iter().any(|reason| reason == "refused");
    let is_for = |reason: &str, code: &str| {
        is_for(reason, code)
            || (is_refused && reason == "undefined_attribute" && code == "bad_request")
            || (reason == "too_many_event_names" && code == "unknown_contact")
    };
    // Each reason costs the events that are its examples, and at least as many as it counts.
    for Reason { code, count, lines } in &limits {
        let failed = sent
            .failures
            .iter()
            .filter(|(failure, _)| is_for(code, failure))
            .map(|(_, count)| count);
        assert!(failed.sum::<u64>() >= *count, "{code}: {}", context());
        // Which names come first is chance, where events of several people are sent at a time.
        for line in lines.iter().filter(|_| code != "too_many_event_names") {
            let failure = sent.failed.get(line);
            assert!(
                failure.is_some_and(|failure| is_for(code, failure)),
                "{code} of {line}: {failure:?}, {}",
                context()
            );
        }
    }
    // And no event fails for anything else.
    for failure in sent.failures.keys() {
        assert!(
            named.iter().any(|reason| is_for(reason, failure)),
            "{failure}: {}",
            context()
        );
    }
    let can_be_sent = report["converted"].as_u64().unwrap() - report["would_fail"].as_u64().unwrap();
    assert_eq!(sent.delivered, can_be_sent, "{}", context());
    assert_eq!(code, i32::from(!named.is_empty()), "{}", context());

    let calls = |figure: &str| report["calls"][figure].as_u64().unwrap();
    assert!(calls("expected") <= calls("plain") && calls("plain") <= calls("worst_case"));
    assert!(
        sent.calls <= calls("worst_case"),
        "{} calls: {}, {}",
        sent.calls,
        report["calls"],
        context()
    );
}

/// `REHEARSAL_SEEDS=300..1500`, or what stands there, all of them whatever fails.
#[test]
#[ignore = "takes minutes"]
fn what_check_says_is_what_happens_to_many() {
    let seeds = std::env::var("REHEARSAL_SEEDS").unwrap_or_else(|_| "300..1500".to_owned());
    let (from, to) = seeds.split_once("..").unwrap();
    let seeds = from.parse::<u64>().unwrap()..to.parse().unwrap();
    let fails = |seed: &u64| std::panic::catch_unwind(|| rehearse(*seed)).is_err();
    let failed: Vec<u64> = seeds.filter(fails).collect();
    assert_eq!(failed, [0; 0]);
}

macro_rules! seeds {
    ($($name:ident: $seeds:expr;)*) => {$(
        #[test]
        fn $name() {
            $seeds.for_each(rehearse);
        }
    )*};
}

seeds! {
    what_check_says_is_what_happens: 0..75;
    what_check_says_is_what_happens_to_others: 75..150;
    what_check_says_is_what_happens_to_more: 150..225;
    what_check_says_is_what_happens_to_the_rest: 225..300;
}
