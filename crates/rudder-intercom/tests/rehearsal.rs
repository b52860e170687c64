//! A rehearsal is true: what `check` promises of random events, the strict sandbox keeps.
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

mod common;

use common::{Served, run_with_token};
use fastrand::Rng;
use intercom_api::{DataAttributeModel, DataType};
use intercom_sandbox::Settings;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// How many people an input is about.
const PEOPLE: usize = 4;

fn settings() -> Settings {
    let contact = |name: &str, data_type| (DataAttributeModel::Contact, name.to_owned(), data_type);
    let mut settings = Settings::strict();
    settings.attributes = vec![
        contact("plan", DataType::String),
        contact("seats", DataType::Integer),
        contact("score", DataType::Float),
        contact("is_trial", DataType::Boolean),
        contact("renewed_at", DataType::Date),
        (DataAttributeModel::Company, "tier".to_owned(), DataType::String),
    ];
    settings
}

/// What an input may have that does not go well. Most have nothing of it, so that the promise that all can be sent is put
/// to the test as well.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble {
    UndefinedAttribute,
    LongText,
    ForbiddenName,
    NobodyNamed,
    UnknownType,
    RecordOfNobody,
    ManyEventNames,
}

const TROUBLES: [Trouble; 7] = [
    Trouble::UndefinedAttribute,
    Trouble::LongText,
    Trouble::ForbiddenName,
    Trouble::NobodyNamed,
    Trouble::UnknownType,
    Trouble::RecordOfNobody,
    Trouble::ManyEventNames,
];

/// Values of all kinds, some of which are not of the attribute's type: they are turned into it, or left out.
fn value(random: &mut Rng) -> Value {
    match random.u8(..9) {
        0 => Value::Null,
        1 => json!(random.bool()),
        2 => json!("true"),
        3 => json!(random.u32(..5000)),
        4 => json!(random.u32(..500).to_string()),
        5 => json!(f64::from(random.u32(..500)) / 8.0),
        6 => json!("2026-05-01T10:00:00Z"),
        7 => json!(1_700_000_000_000_i64 + random.i64(..1_000_000)),
        _ => json!("a text"),
    }
}

fn attributes(random: &mut Rng) -> serde_json::Map<String, Value> {
    let names = ["plan", "seats", "score", "is_trial", "renewed_at"];
    let count = random.usize(..names.len());
    random
        .choose_multiple(names, count)
        .into_iter()
        .map(|name| (name.to_owned(), value(random)))
        .collect()
}

fn event(random: &mut Rng, number: usize) -> Value {
    let person = random.usize(..PEOPLE);
    let (user, mail) = (format!("u-{person}"), format!("person-{person}@example.org"));
    match random.u8(..8) {
        0..=2 => {
            let mut traits = attributes(random);
            traits.insert("email".to_owned(), mail.into());
            if random.bool() {
                traits.insert("createdAt".to_owned(), json!("2024-02-03"));
            }
            json!({"type": "identify", "userId": user, "traits": traits})
        }
        3 | 4 => json!({
            "type": "track", "userId": user, "event": format!("Event {}", random.u8(..5)), "messageId": format!("m-{number}"),
            "timestamp": format!("2026-01-05T10:{:02}:00Z", number % 60), "properties": {"a": value(random), "b": []},
        }),
        5 | 6 => json!({
            "type": "group", "userId": user, "groupId": format!("co-{}", random.u8(..2)), "context": {"traits": {"email": mail}},
            "traits": {"name": "Fern", "tier": value(random), "size": value(random), "tags": ["a"]},
        }),
        _ => json!({
            "type": "record", "action": "insert", "identifiers": {"external_id": user}, "fields": {"name": "Named", "seats": value(random)},
        }),
    }
}

/// The events of a seed, and the flags that they are sent with.
fn workload(seed: u64) -> (String, Vec<&'static str>) {
    let mut random = Rng::with_seed(seed);
    let mut events: Vec<Value> = (0..PEOPLE)
        .map(|person| {
            let mail = format!("person-{person}@example.org");
            json!({"type": "identify", "userId": format!("u-{person}"), "traits": {"email": mail}})
        })
        .collect();
    for number in 0..random.usize(4..14) {
        events.push(event(&mut random, number));
    }
    let mut flags = Vec::new();
    let troubles = random.usize(..3);
    for trouble in random.choose_multiple(TROUBLES, troubles) {
        let identify = |traits: Value| json!({"type": "identify", "userId": "u-0", "traits": traits});
        match trouble {
            Trouble::UndefinedAttribute => events.push(identify(json!({"shoe": 42}))),
            Trouble::LongText => {
                events.push(identify(json!({"plan": "x".repeat(300)})));
                if random.bool() {
                    flags.extend(["--long-text", "as_is"]);
                }
            }
            Trouble::ForbiddenName => {
                events.push(identify(json!({"plan.": "pro"})));
                if random.bool() {
                    flags.extend(["--attribute-names", "as_is"]);
                }
            }
            Trouble::NobodyNamed => events.push(json!({"type": "track", "event": "Event 1"})),
            Trouble::UnknownType => events.push(json!({"type": "page", "userId": "u-1"})),
            Trouble::RecordOfNobody => {
                events.push(json!({"type": "record", "action": "insert", "identifiers": {"phone": "+441"}, "fields": {"name": "N"}}));
            }
            Trouble::ManyEventNames => events.extend((0..125).map(|name| {
                json!({"type": "track", "userId": "u-0", "event": format!("Name {name}"), "timestamp": "2026-01-05T10:00:00Z"})
            })),
        }
    }
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    (lines.join("\n"), flags)
}

/// The codes that the program sends with for a reason that `check` gives.
fn codes_of(reason: &str) -> Vec<&str> {
    match reason {
        "refused" => vec!["bad_request", "undefined_attribute"],
        "too_many_event_names" => vec!["event_name_limit"],
        other => vec![other],
    }
}

fn rehearse(seed: u64) {
    let (events, flags) = workload(seed);
    let sandbox = Served::new(settings());
    let mut check = vec!["check", "--json", "--workspace", "--intercom-base-url", sandbox.url()];
    check.extend(&flags);
    let report = run_with_token(&check, &events).json();
    let named = |findings: &str| -> Vec<String> {
        let findings = report[findings].as_array().unwrap().iter();
        let failures = findings.filter(|finding| finding["costs"] == "event");
        failures
            .map(|finding| finding["code"].as_str().unwrap().to_owned())
            .collect()
    };
    let reasons: Vec<String> = [named("rejections"), named("limits")].concat();

    let folder = tempfile::tempdir().unwrap();
    let summary = folder.path().join("summary.json");
    let mut send = vec!["send", "--abort-above", "100", "--intercom-base-url", sandbox.url()];
    send.extend(["--summary-json", summary.to_str().unwrap()]);
    send.extend(&flags);
    let run = run_with_token(&send, &events);
    let summary: Value = serde_json::from_slice(&std::fs::read(&summary).unwrap()).unwrap();
    let keys = |name: &str| summary[name].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let found: BTreeSet<String> = keys("rejections").into_iter().chain(keys("failures")).collect();

    let context = || {
        format!(
            "seed {seed} {flags:?}: {reasons:?}, {found:?}\n{events}\n{}",
            run.stdout()
        )
    };
    for reason in &reasons {
        assert!(
            codes_of(reason).iter().any(|code| found.contains(*code)),
            "{reason}: {}",
            context()
        );
    }
    for code in &found {
        assert!(
            reasons.iter().any(|reason| codes_of(reason).contains(&code.as_str())),
            "{code}: {}",
            context()
        );
    }
    let sent = report["converted"].as_u64().unwrap() - report["would_fail"].as_u64().unwrap();
    if reasons.is_empty() {
        assert_eq!(summary["delivered"].as_u64(), Some(sent), "{}", context());
    }
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
