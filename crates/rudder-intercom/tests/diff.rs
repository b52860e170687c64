//! `diff`: what it says would change is what `send` changes, and it changes nothing itself.
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

mod common;
#[path = "common/workspace.rs"]
mod workspace;

use common::{Run, Served, identify, quickstart, run, run_with_token};
use fastrand::Rng;
use intercom_api::{ContactFields, CreateContact};
use intercom_sandbox::{RateLimit, Settings};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use workspace::{Kind, Thing, events, populate, settings, things, with_shared_emails};

fn diff(url: &str, flags: &[&str], events: &str) -> Run {
    let command = ["diff", "--intercom-base-url", url];
    run_with_token(&[&command[..], flags].concat(), events)
}

/// The operations that were called between two states.
fn called(before: &Value, after: &Value) -> BTreeMap<String, u64> {
    let counts = |state: &Value| -> BTreeMap<String, u64> {
        let calls = state["calls"].as_object().unwrap().iter();
        let sum = |statuses: &Value| {
            statuses
                .as_object()
                .unwrap()
                .values()
                .map(|count| count.as_u64().unwrap())
                .sum()
        };
        calls
            .map(|(operation, statuses)| (operation.clone(), sum(statuses)))
            .collect()
    };
    let before = counts(before);
    let more = counts(after).into_iter().map(|(operation, count)| {
        let earlier = before.get(&operation).copied().unwrap_or_default();
        (operation, count - earlier)
    });
    more.filter(|(_, count)| *count > 0).collect()
}

const READS: [&str; 6] = [
    "search_contacts",
    "retrieve_contact",
    "find_company",
    "list_companies",
    "list_contact_companies",
    "list_data_attributes",
];

/// A change in words, so that what is said and what is done can be compared.
type Said = BTreeSet<String>;

fn in_words(what: &str, name: &str, before: Option<&Thing>, after: Option<&Thing>, into: &mut Said) {
    let (nothing, effect) = (
        Thing::default(),
        match (before, after) {
            (None, _) => "created",
            (_, None) => "deleted",
            _ => "changed",
        },
    );
    let (before, after) = (before.unwrap_or(&nothing), after.unwrap_or(&nothing));
    if effect != "changed" {
        into.insert(format!("{what} {name} {effect}"));
    }
    if effect == "deleted" {
        return;
    }
    let names: BTreeSet<&String> = before.fields.keys().chain(after.fields.keys()).collect();
    for field in names {
        let value = |thing: &Thing| thing.fields.get(field).cloned().unwrap_or(Value::Null);
        if value(before) != value(after) {
            into.insert(format!(
                "{what} {name} {field}: {} → {}",
                number(&value(before)),
                number(&value(after))
            ));
        }
    }
    into.extend(
        after
            .with
            .difference(&before.with)
            .map(|one| format!("{what} {name} + {one}")),
    );
    into.extend(
        before
            .with
            .difference(&after.with)
            .map(|one| format!("{what} {name} - {one}")),
    );
}

/// A value such that 1 and 1.0 are the same.
fn number(value: &Value) -> String {
    match value.as_f64() {
        Some(number) => number.to_string(),
        None => value.to_string(),
    }
}

/// Who it is, for people and by what is told of one who is there, or would be.
fn name(thing: &Thing) -> String {
    let names = ["external_id", "company_id", "email"];
    let named = names.iter().find_map(|name| thing.fields.get(*name));
    named.map_or_else(|| "?".to_owned(), |name| name.as_str().unwrap().to_owned())
}

/// What has changed between two states.
fn done(before: &Value, after: &Value) -> Said {
    let mut said = Said::new();
    for what in ["contacts", "companies"] {
        let (before, after) = (things(before, what), things(after, what));
        let mut before_left = before.clone();
        for (id, thing) in &after {
            let old = before_left.remove(id);
            in_words(what, &name(thing), old.as_ref(), Some(thing), &mut said);
        }
        for thing in before_left.values() {
            in_words(what, &name(thing), Some(thing), None, &mut said);
        }
    }
    said
}

/// What `diff` has said would change, in the same words.
fn said(report: &Value) -> Said {
    let mut said = Said::new();
    for change in report["changes"].as_array().unwrap() {
        let what = if change["what"] == "contact" {
            "contacts"
        } else {
            "companies"
        };
        let name = change["name"].as_str().unwrap_or("?");
        let effect = change["effect"].as_str().unwrap();
        match effect {
            "changed" => {}
            "replaced" => said.extend(["created", "deleted"].map(|effect| format!("{what} {name} {effect}"))),
            effect => said.extend([format!("{what} {name} {effect}")]),
        }
        if effect == "replaced" {
            continue;
        }
        for field in change["fields"].as_array().unwrap() {
            let value = |side: &str| match (field["name"].as_str().unwrap(), &field[side]) {
                ("email", Value::String(email)) => json!(email.to_lowercase()).to_string(),
                ("phone", Value::String(phone)) => json!(phone.replace(' ', "")).to_string(),
                ("monthly_spend", Value::Number(spend)) => match spend.as_f64().unwrap().trunc() {
                    0.0 => "null".to_owned(),
                    whole => whole.to_string(),
                },
                ("unsubscribed_from_emails", Value::Bool(false)) => "null".to_owned(),
                (_, value) => number(value),
            };
            let (before, after) = (value("before"), value("after"));
            if before != after {
                said.insert(format!(
                    "{what} {name} {}: {before} → {after}",
                    field["name"].as_str().unwrap()
                ));
            }
        }
        for (side, sign) in [("linked", '+'), ("detached", '-')] {
            for link in change[side].as_array().into_iter().flatten() {
                let company = link["company_id"].as_str().unwrap_or("?");
                said.insert(format!("{what} {name} {sign} {company}"));
            }
        }
        for tag in change["tags"].as_array().into_iter().flatten() {
            said.insert(format!("{what} {name} + {}", tag.as_str().unwrap()));
        }
    }
    said
}

/// Without what is said of a contact who is replaced, besides that.
fn without_replaced(mut words: Said) -> Said {
    let replaced: Vec<String> = words
        .iter()
        .filter_map(|word| word.strip_suffix(" created"))
        .filter(|name| words.contains(&format!("{name} deleted")))
        .map(|name| format!("{name} "))
        .collect();
    words.retain(|word| {
        let is_end = word.ends_with(" created") || word.ends_with(" deleted");
        is_end || !replaced.iter().any(|name| word.starts_with(name.as_str()))
    });
    words
}

fn rehearse(seed: u64) -> bool {
    let mut random = Rng::with_seed(seed);
    let is_repeatable = seed.is_multiple_of(2);
    let shares_emails = seed % 5 == 4;
    let settings = settings(&mut random);
    let sandbox = Served::new(if shares_emails {
        with_shared_emails(settings)
    } else {
        settings
    });
    populate(&mut random, &sandbox, shares_emails);
    let (events, flags) = events(
        &mut random,
        Kind {
            is_repeatable,
            shares_emails,
        },
    );
    let json: Vec<&str> = [&flags[..], &["--json", "--show-values"]].concat();
    let send = ["send", "--intercom-base-url", sandbox.url()];
    let mut changed = Vec::new();
    for round in 1..=2 {
        let before = sandbox.state();
        let run = diff(sandbox.url(), &json, &events);
        let after = sandbox.state();
        let context = || {
            format!(
                "seed {seed}, round {round}, {flags:?}\n{events}\n{}{}",
                run.stdout(),
                run.stderr()
            )
        };
        assert!(run.code() < 2, "{}", context());
        for what in ["contacts", "companies", "tags", "data_attributes", "events"] {
            assert_eq!(before[what], after[what], "{what}: {}", context());
        }
        let called = called(&before, &after);
        assert!(
            called.keys().all(|operation| READS.contains(&operation.as_str())),
            "{called:?}"
        );

        let sent = run_with_token(&[&send[..], &flags].concat(), &events);
        assert_eq!(sent.code(), run.code(), "{}{}", context(), sent.stdout());
        let end = sandbox.state();
        let (done, said) = (
            without_replaced(done(&before, &end)),
            without_replaced(said(&run.json())),
        );
        assert_eq!(said, done, "{}", context());
        let changes_anything = run.json()["changes_anything"].as_bool().unwrap();
        let new_attributes = end["data_attributes"] != before["data_attributes"];
        assert_eq!(changes_anything, !done.is_empty() || new_attributes, "{}", context());
        changed.push(changes_anything);
    }
    assert!(!(is_repeatable && changed[1]), "seed {seed}: {flags:?}\n{events}");
    changed[0]
}

macro_rules! seeds {
    ($($name:ident: $seeds:expr;)*) => {$(
        #[test]
        fn $name() {
            let changed = $seeds.filter(|seed| rehearse(*seed)).count();
            assert!(changed > $seeds.count() / 2, "{changed} of the workloads change anything");
        }
    )*};
}

seeds! {
    what_diff_says_is_what_send_does: 0..75;
    what_diff_says_is_what_send_does_to_others: 75..150;
    what_diff_says_is_what_send_does_to_more: 150..225;
    what_diff_says_is_what_send_does_to_the_rest: 225..300;
}

#[test]
fn no_value_is_shown_unless_that_is_asked_for() {
    let sandbox = Served::new(Settings::default());
    let mut known = ContactFields::new();
    known.external_id = Some("alex98".into());
    known.name = Some("Old Secret".to_owned());
    sandbox.call(&CreateContact::new(known));
    let flags = ["--attributes", "create"];
    let secrets = [
        "alex",
        "Alex",
        "Keener",
        "Secret",
        "1hKOmRA",
        "group123",
        "companyName",
        "202-555",
        "enterprise",
    ];
    for more in [&[][..], &["--json"][..]] {
        let run = diff(sandbox.url(), &[&flags[..], more].concat(), &quickstart());
        assert_eq!(run.code(), 0, "{}", run.stderr());
        for secret in secrets {
            assert!(
                !run.stdout().contains(secret) && !run.stderr().contains(secret),
                "{secret}: {}",
                run.stdout()
            );
        }
        let shown = diff(
            sandbox.url(),
            &[&flags[..], more, &["--show-values"]].concat(),
            &quickstart(),
        );
        for secret in ["alex98", "Keener", "Old Secret", "group123", "companyName"] {
            assert!(shown.stdout().contains(secret), "{secret}: {}", shown.stdout());
        }
    }
}

#[test]
fn a_file_of_many_known_people_takes_few_calls() {
    const PEOPLE: usize = 1_500;
    const COMPANIES: usize = 100;
    let sandbox = Served::new(Settings::default());
    let mut text = String::new();
    for person in 0..PEOPLE {
        let name = format!("Name {person}");
        text.push_str(&format!(
            r#"{{"type":"identify","userId":"u-{person}","traits":{{"email":"p-{person}@example.org","name":"{name}"}}}}
{{"type":"group","userId":"u-{person}","groupId":"co-{}","traits":{{"industry":"Tea"}}}}
{{"type":"track","userId":"u-{person}","event":"Seen","timestamp":"2026-01-05T10:00:00Z"}}
"#,
            person % COMPANIES
        ));
    }
    let sent = run_with_token(&["send", "--intercom-base-url", sandbox.url()], &text);
    assert_eq!(sent.code(), 0, "{}", sent.stderr());
    for command in ["diff", "verify"] {
        let before = sandbox.state();
        let run = run_with_token(&[command, "--json", "--intercom-base-url", sandbox.url()], &text);
        assert_eq!(run.code(), 0, "{}", run.stderr());
        let calls: u64 = called(&before, &sandbox.state()).values().sum();
        // A fifteenth, and few more.
        assert!(calls <= 115, "{command}: {calls} calls");
        let report = run.json();
        let made: u64 = report["read"]
            .as_object()
            .unwrap()
            .values()
            .map(|count| count.as_u64().unwrap())
            .sum();
        assert_eq!(made, calls);
    }
}

#[test]
fn it_waits_for_the_rate_limit_whatever_tells_of_it() {
    let mut settings = Settings::default();
    settings.rate_limit = Some(RateLimit::new(9, Duration::from_secs(1)).without_retry_after());
    let sandbox = Served::new(settings);
    let events: String = (0..500).map(|number| identify(number) + "\n").collect();
    let run = diff(sandbox.url(), &["--json"], &events);
    assert_eq!(run.code(), 0, "{}", run.stderr());
    assert_eq!(run.json()["contacts"]["created"], 500);
    let statuses = &sandbox.state()["calls"]["search_contacts"];
    assert!(statuses["429"].as_u64().unwrap() > 0, "{statuses}");
}

#[test]
fn without_a_token_or_with_a_wrong_one_it_ends_at_once() {
    let mut settings = Settings::default();
    settings.token = Some("another".to_owned());
    let sandbox = Served::new(settings);
    let wrong = diff(sandbox.url(), &[], &quickstart());
    assert_eq!(wrong.code(), 3, "{}", wrong.stderr());
    assert!(
        wrong.stderr().contains("does not accept the access token"),
        "{}",
        wrong.stderr()
    );
    assert_eq!(run(&["diff"], quickstart()).code(), 3);
    let unreachable = diff("http://127.0.0.1:1", &[], &quickstart());
    assert_eq!(unreachable.code(), 4, "{}", unreachable.stderr());
}

#[test]
fn what_is_no_event_is_refused_and_the_rest_is_compared() {
    let sandbox = Served::new(Settings::default());
    let text = format!(
        "{{\"type\":\n[]\n{}\n\u{0}\u{1}\n",
        r#"{"type":"identify","userId":"a"}"#
    );
    let run = diff(sandbox.url(), &["--json"], &text);
    assert_eq!(run.code(), 1, "{}", run.stderr());
    let report = run.json();
    assert_eq!(report["contacts"]["created"], 1);
    assert!(report["refused"]["events"].as_u64().unwrap() > 0, "{report}");
}

#[test]
fn what_changes_and_what_stays_is_told_apart() {
    let sandbox = Served::new(Settings::default());
    let send = ["send", "--intercom-base-url", sandbox.url()];
    let events = r#"{"type":"identify","userId":"a","traits":{"name":"Ann","plan":"free"}}
{"type":"identify","userId":"b","traits":{"name":"Bob"}}
{"type":"group","userId":"a","groupId":"g","traits":{"name":"Fern"}}"#;
    assert_eq!(run_with_token(&send, events).code(), 0);
    let later = r#"{"type":"identify","userId":"a","traits":{"name":"Ann","plan":"pro","company":{"id":"g","remove":true}}}
{"type":"identify","userId":"b","traits":{"name":"Bob"}}
{"type":"record","action":"delete","identifiers":{"external_id":"nobody"}}
{"type":"track","userId":"stranger","event":"Seen"}"#;
    let run = diff(sandbox.url(), &["--json"], later);
    let report = run.json();
    assert_eq!(run.code(), 1);
    let changes = report["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "{report}");
    let expected = json!([{"name": "custom_attributes.plan", "before": "text", "after": "text"}]);
    assert_eq!(
        (&changes[0]["effect"], &changes[0]["line"]),
        (&json!("changed"), &json!(1))
    );
    assert_eq!(changes[0]["fields"], expected);
    assert_eq!(changes[0]["detached"].as_array().unwrap().len(), 1);
    assert_eq!(report["contacts"]["same"], 1);
    assert_eq!(report["refused"]["reasons"][0]["code"], "unknown_contact");
    assert_eq!(report["refused"]["reasons"][0]["lines"], json!([4]));
}

#[test]
fn the_page_shows_what_the_report_says_and_values_only_if_asked() {
    let sandbox = Served::new(Settings::default());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changes.html");
    let hostile =
        r#"{"type":"identify","userId":"<script>","traits":{"email":"eve@example.org","name":"'\"><img src=x>"}}"#;
    let events = format!("{hostile}\n{{\"type\":\"page\"}}\n");
    let page = |flags: &[&str]| {
        let flags = [&["--html", path.to_str().unwrap()], flags].concat();
        let run = diff(sandbox.url(), &flags, &events);
        assert_eq!(run.code(), 1, "{}", run.stderr());
        std::fs::read_to_string(&path).unwrap()
    };
    let kinds = page(&[]);
    for part in [
        "<h1>1 contact and 0 companies would change.</h1>",
        "<code>unsupported_event_type</code>",
        "external_id</code>",
        "<span class=\"quiet\">none \u{2192}</span> text",
        "none of which writes",
    ] {
        assert!(kinds.contains(part), "{part} in {kinds}");
    }
    assert!(!kinds.contains("eve@example.org"));
    let values = page(&["--show-values"]);
    assert!(
        values.contains("&quot;eve@example.org&quot;") && values.contains("&lt;script&gt;"),
        "{values}"
    );
    for foreign in [
        "<script", "<img", "src=\"", "href=", "url(", "@import", "http://", "https://",
    ] {
        assert!(!values.contains(foreign), "{foreign}");
    }
    // Nothing is left behind of a run that could not begin.
    let none = folder.path().join("none.html");
    let run = run_with_token(&["diff", "/no/such/file", "--html", none.to_str().unwrap()], "");
    assert_eq!((run.code(), none.exists()), (2, false));
}
