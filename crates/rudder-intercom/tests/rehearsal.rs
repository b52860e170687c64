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
use std::collections::BTreeMap;

/// How many people an input is about.
const PEOPLE: usize = 4;

fn settings(seed: u64) -> Settings {
    let contact = |name: &str, data_type| (DataAttributeModel::Contact, name.to_owned(), data_type);
    // Whether Intercom takes lists in searches, and of what length, is not known.
    let mut settings = Settings::strict().with_max_search_values(seed.is_multiple_of(3).then_some(1));
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
    ManyAttributes,
    NameOfBothModels,
    NoEvent,
}

const TROUBLES: [Trouble; 10] = [
    Trouble::UndefinedAttribute,
    Trouble::LongText,
    Trouble::ForbiddenName,
    Trouble::NobodyNamed,
    Trouble::UnknownType,
    Trouble::RecordOfNobody,
    Trouble::ManyEventNames,
    Trouble::ManyAttributes,
    Trouble::NameOfBothModels,
    Trouble::NoEvent,
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
            Trouble::ManyAttributes => {
                let traits: serde_json::Map<_, _> = (0..251).map(|at| (format!("a{at}"), json!(at))).collect();
                events.push(identify(traits.into()));
            }
            // The workspace has it for contacts.
            Trouble::NameOfBothModels => {
                let traits = json!({"is_trial": true, "name": "Fern"});
                events.push(json!({"type": "group", "userId": "u-0", "groupId": "co-9", "traits": traits}));
                events.push(identify(json!({"is_trial": true})));
            }
            Trouble::NoEvent => events.push(json!("no event")),
        }
    }
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    (lines.join("\n"), flags)
}

/// What may become of an event for a reason that `check` gives.
fn codes_of(reason: &str) -> &[&str] {
    match reason {
        "refused" => &["bad_request", "undefined_attribute"],
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
        .map(|letter| serde_json::from_str::<Value>(letter).unwrap());
    let counts = |name: &str| serde_json::from_value(summary[name].clone()).unwrap();
    Sent {
        delivered: summary["delivered"].as_u64().unwrap(),
        calls: summary["calls"].as_u64().unwrap(),
        rejections: counts("rejections"),
        failures: counts("failures"),
        failed: letters
            .map(|letter| {
                (
                    letter["line"].as_u64().unwrap(),
                    letter["code"].as_str().unwrap().to_owned(),
                )
            })
            .collect(),
        output: run.stdout().clone(),
    }
}

fn rehearse(seed: u64) {
    let (events, flags) = workload(seed);
    let sandbox = Served::new(settings(seed));
    let check = ["check", "--json", "--workspace", "--intercom-base-url", sandbox.url()];
    let report = run_with_token(&[&check[..], &flags].concat(), &events);
    let (code, report) = (report.code(), report.json());
    let (rejections, limits) = (reasons(&report, "rejections"), reasons(&report, "limits"));
    let sent = send(sandbox.url(), &flags, &events);

    let named: Vec<&str> = rejections.iter().chain(&limits).map(|reason| &*reason.code).collect();
    let context = || {
        let Sent {
            rejections,
            failures,
            output,
            ..
        } = &sent;
        format!("seed {seed} {flags:?}: {named:?}, {rejections:?}, {failures:?}\n{events}\n{output}")
    };
    // What cannot be converted is the same events.
    let counted: BTreeMap<String, u64> = rejections
        .iter()
        .map(|reason| (reason.code.clone(), reason.count))
        .collect();
    assert_eq!(sent.rejections, counted, "{}", context());
    // Each reason costs the events that are its examples, and at least as many as it counts.
    for Reason { code, count, lines } in &limits {
        let failed = sent
            .failures
            .iter()
            .filter(|(failure, _)| is_for(code, failure))
            .map(|(_, count)| count);
        let is_of_events = ["refused", "undefined_attribute", "too_many_event_names"].contains(&&**code);
        let least = if is_of_events { *count } else { 1 };
        assert!(failed.sum::<u64>() >= least, "{code}: {}", context());
        for line in lines
            .iter()
            .filter(|_| ["refused", "undefined_attribute"].contains(&&**code))
        {
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
    let beyond_names = sent.failures.get("event_name_limit").copied().unwrap_or_default();
    let can_be_sent = report["converted"].as_u64().unwrap() - report["would_fail"].as_u64().unwrap();
    assert_eq!(sent.delivered, can_be_sent - beyond_names, "{}", context());
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
