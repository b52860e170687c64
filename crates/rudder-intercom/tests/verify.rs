//! `verify`: it finds what is not as the events say, and nothing else.
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

mod common;
#[path = "common/delivered.rs"]
mod delivered;

use common::run_with_token;
use delivered::{Stage, differences, events};
use intercom_api::{DataAttributeModel, DataType, Method, OperationId};
use intercom_sandbox::Settings;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

/// Something that somebody does to the workspace, and what there is to be found of it.
type Tampering = (&'static str, fn(&Stage), &'static [&'static str]);

fn contact(stage: &Stage, body: Value) {
    let id = stage.id("contacts", "u-2");
    stage.act(Method::Put, &format!("/contacts/{id}"), Some(body), 0);
}

fn company(stage: &Stage, mut body: Value) {
    body["company_id"] = json!("co-0");
    stage.act(Method::Post, "/companies", Some(body), 0);
}

const TAMPERINGS: &[Tampering] = &[
    ("nothing", |_| {}, &[]),
    (
        "somebody whom no event is about",
        |stage| {
            let id = stage.id("contacts", "other");
            stage.act(
                Method::Put,
                &format!("/contacts/{id}"),
                Some(json!({"name": "Changed"})),
                0,
            );
        },
        &[],
    ),
    (
        "a field that no event has",
        |stage| contact(stage, json!({"language_override": "de"})),
        &[],
    ),
    (
        "the name",
        |stage| contact(stage, json!({"name": "Early"})),
        &["contact u-2 differs name"],
    ),
    (
        "no name",
        |stage| contact(stage, json!({"name": null})),
        &["contact u-2 differs name"],
    ),
    (
        "the email",
        |stage| contact(stage, json!({"email": "new@example.org"})),
        &["contact u-2 differs email"],
    ),
    (
        "the phone",
        |stage| contact(stage, json!({"phone": "+15559999"})),
        &["contact u-2 differs phone"],
    ),
    (
        "the owner",
        |stage| contact(stage, json!({"owner_id": 8})),
        &["contact u-2 differs owner_id"],
    ),
    (
        "the avatar",
        |stage| contact(stage, json!({"avatar": "https://img.example/b.png"})),
        &["contact u-2 differs avatar"],
    ),
    (
        "the day of signing up",
        |stage| contact(stage, json!({"signed_up_at": 1})),
        &["contact u-2 differs signed_up_at"],
    ),
    (
        "the subscription",
        |stage| contact(stage, json!({"unsubscribed_from_emails": false})),
        &["contact u-2 differs unsubscribed_from_emails"],
    ),
    (
        "a custom attribute",
        |stage| contact(stage, json!({"custom_attributes": {"plan": "free"}})),
        &["contact u-2 differs custom_attributes.plan"],
    ),
    (
        "no custom attribute",
        |stage| contact(stage, json!({"custom_attributes": {"seats": null, "vip": null}})),
        &["contact u-2 differs custom_attributes.seats,custom_attributes.vip"],
    ),
    (
        "another user id",
        |stage| contact(stage, json!({"external_id": "u-22"})),
        &["contact u-2 missing"],
    ),
    (
        "a deleted contact",
        |stage| {
            let id = stage.id("contacts", "u-2");
            stage.act(Method::Delete, &format!("/contacts/{id}"), None, 0);
        },
        &["contact u-2 missing"],
    ),
    (
        "an archived contact",
        |stage| {
            let id = stage.id("contacts", "u-2");
            stage.act(Method::Post, &format!("/contacts/{id}/archive"), None, 0);
        },
        &["contact u-2 missing"],
    ),
    (
        "somebody who was to be deleted",
        |stage| drop(stage.act(Method::Post, "/contacts", Some(json!({"external_id": "u-9"})), 0)),
        &["contact u-9 still_there "],
    ),
    (
        "a link that is missing",
        |stage| {
            let (contact, company) = (stage.id("contacts", "u-2"), stage.id("companies", "co-0"));
            stage.act(
                Method::Delete,
                &format!("/contacts/{contact}/companies/{company}"),
                None,
                0,
            );
        },
        &["contact u-2 differs  -link1"],
    ),
    (
        "a link that was to be removed",
        |stage| {
            let (contact, company) = (stage.id("contacts", "u-1"), stage.id("companies", "co-1"));
            let body = json!({"id": company});
            stage.act(Method::Post, &format!("/contacts/{contact}/companies"), Some(body), 0);
        },
        &["contact u-1 differs  +link1"],
    ),
    (
        "the name of a company",
        |stage| company(stage, json!({"name": "Moss"})),
        &["company co-0 differs name"],
    ),
    (
        "the industry",
        |stage| company(stage, json!({"industry": "Ink"})),
        &["company co-0 differs industry"],
    ),
    (
        "the size",
        |stage| company(stage, json!({"size": 13})),
        &["company co-0 differs size"],
    ),
    (
        "the plan",
        |stage| company(stage, json!({"plan": "lead"})),
        &["company co-0 differs plan"],
    ),
    (
        "the spend",
        |stage| company(stage, json!({"monthly_spend": 98})),
        &["company co-0 differs monthly_spend"],
    ),
    (
        "the website",
        |stage| company(stage, json!({"website": "https://moss.example"})),
        &["company co-0 differs website"],
    ),
    (
        "a custom attribute of a company",
        |stage| company(stage, json!({"custom_attributes": {"tier": null}})),
        &["company co-0 differs custom_attributes.tier"],
    ),
    (
        "a tag that is missing",
        |stage| {
            let id = stage.id("companies", "co-0");
            let body = json!({"name": "tall", "companies": [{"id": id, "untag": true}]});
            stage.act(Method::Post, "/tags", Some(body), 0);
        },
        &["company co-0 differs  -tag1"],
    ),
    (
        "a deleted company",
        |stage| {
            let id = stage.id("companies", "co-1");
            stage.act(Method::Delete, &format!("/companies/{id}"), None, 0);
        },
        &[
            "company co-1 missing",
            "contact u-0 differs  -link1",
            "contact u-2 differs  -link1",
            "contact u-3 differs  -link1",
            "contact u-4 differs  -link1",
        ],
    ),
];

#[test]
fn each_kind_of_tampering_is_found_and_nothing_else() {
    let events = events();
    for (what, tamper, expected) in TAMPERINGS {
        let stage = Stage::new(Settings::default(), &events);
        tamper(&stage);
        let before = stage.sandbox.state();
        let run = stage.verify(&[]);
        assert_eq!(differences(&run), *expected, "{what}: {}{}", run.stdout(), run.stderr());
        assert_eq!(run.code(), i32::from(!expected.is_empty()), "{what}");
        assert_eq!(run.json()["is_confirmed"], true, "{what}");
        let after = stage.sandbox.state();
        for list in ["contacts", "companies", "tags", "events", "data_attributes"] {
            assert_eq!(before[list], after[list], "{what}");
        }
    }
}

#[test]
fn who_does_not_differ_is_counted() {
    let stage = Stage::new(Settings::default(), &events());
    contact(&stage, json!({"name": "Early"}));
    let report = stage.verify(&[]).json();
    assert_eq!(report["contacts"], json!({"all": 5, "as_said": 4, "different": 1}));
    assert_eq!(report["companies"], json!({"all": 2, "as_said": 2, "different": 0}));
    let field = &report["differences"][0]["fields"][0];
    assert_eq!(*field, json!({"name": "name", "found": "Early", "expected": "Late"}));
    assert_eq!(report["differences"][0]["why"], json!({"reason": "unknown"}));
}

#[test]
fn with_a_journal_it_says_why() {
    let events = events();
    let mut settings = Settings::strict();
    (settings.search_lag, settings.rate_limit) = (Duration::ZERO, None);
    let of = |model: DataAttributeModel, name: &str, data_type| (model, name.to_owned(), data_type);
    settings.attributes = vec![
        of(DataAttributeModel::Contact, "plan", DataType::String),
        of(DataAttributeModel::Contact, "seats", DataType::Integer),
        of(DataAttributeModel::Contact, "vip", DataType::Boolean),
        of(DataAttributeModel::Company, "tier", DataType::String),
    ];
    let failing = r#"{"type":"identify","userId":"u-3","traits":{"late":"x"}}"#;
    let events = format!("{events}{failing}\n");
    let stage = Stage::new(settings, &events);
    let more = r#"{"type":"identify","userId":"u-4","traits":{"name":"Not sent"}}"#;
    std::fs::write(stage.file("events"), format!("{events}{more}\n")).unwrap();
    let late = json!({"name": "late", "model": "contact", "data_type": "string"});
    stage.act(Method::Post, "/data_attributes", Some(late), 0);
    let id = stage.id("contacts", "u-0");
    stage.act(
        Method::Put,
        &format!("/contacts/{id}"),
        Some(json!({"name": "Changed"})),
        60,
    );
    let id = stage.id("contacts", "u-1");
    stage.act(Method::Delete, &format!("/contacts/{id}"), None, 60);

    let run = stage.verify(&["--journal", &stage.journal()]);
    let report = run.json();
    let mut reasons: Vec<(String, Value)> = report["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str().unwrap().to_owned(), one["why"].clone()))
        .collect();
    reasons.sort_by(|one, other| one.0.cmp(&other.0));
    let expected = [
        ("u-0", json!({"reason": "changed_since"})),
        ("u-1", json!({"reason": "gone"})),
        ("u-3", json!({"reason": "not_delivered", "code": "undefined_attribute"})),
        ("u-4", json!({"reason": "not_sent"})),
    ];
    assert_eq!(
        reasons,
        expected.map(|(name, why)| (name.to_owned(), why)),
        "{}",
        run.stderr()
    );
    assert_eq!(
        (&report["journal"]["failed"], &report["journal"]["not_sent"]),
        (&json!(1), &json!(1))
    );
    // It has only been looked at: the delivery goes on with it.
    let (file, journal) = (stage.file("events"), stage.journal());
    let send = [
        "send",
        file.to_str().unwrap(),
        "--journal",
        &journal,
        "--intercom-base-url",
        stage.sandbox.url(),
    ];
    let sent = run_with_token(&send, "");
    assert!(
        sent.stdout().contains("done by earlier runs"),
        "{}{}",
        sent.stdout(),
        sent.stderr()
    );
}

#[test]
fn while_the_search_lags_the_journal_knows_who_is_there() {
    let mut settings = Settings::default();
    settings.search_lag = Duration::from_secs(3600);
    let stage = Stage::new(settings, &events());
    let without = stage.verify(&[]);
    assert_eq!(
        (without.code(), differences(&without).len()),
        (1, 5),
        "{}",
        without.stdout()
    );
    let with = stage.verify(&["--journal", &stage.journal()]);
    assert_eq!(
        (with.code(), differences(&with)),
        (0, Vec::new()),
        "{}{}",
        with.stdout(),
        with.stderr()
    );
}

/// So many are not read one by one.
#[test]
fn who_only_a_lagging_search_does_not_find_is_not_said_to_be_gone() {
    let mut settings = Settings::default();
    settings.search_lag = Duration::from_secs(3600);
    let events: String = (0..130)
        .map(|person| {
            json!({"type": "identify", "userId": format!("u-{person}"), "traits": {"name": "Ann"}}).to_string() + "\n"
        })
        .collect();
    let stage = Stage::new(settings, &events);
    let run = stage.verify(&["--journal", &stage.journal()]);
    let report = run.json();
    let differences = report["differences"].as_array().unwrap();
    assert_eq!(
        (differences.len(), &report["is_confirmed"]),
        (130, &json!(false)),
        "{}",
        run.stderr()
    );
    assert!(differences.iter().all(|one| one["why"] == json!({"reason": "unknown"})));
}

#[test]
fn a_journal_of_something_else_is_refused() {
    let stage = Stage::new(Settings::default(), &events());
    let verify = |flags: &[&str]| {
        let run = stage.verify(flags);
        (run.code(), run.stderr())
    };
    let (code, told) = verify(&["--journal", "/nowhere/journal"]);
    assert!(
        code == 2 && told.contains("cannot use the journal /nowhere/journal"),
        "{told}"
    );
    let events = stage.file("events");
    let (code, told) = verify(&["--journal", events.to_str().unwrap()]);
    assert!(code == 2 && told.contains("are the same file"), "{told}");
    let (code, told) = verify(&["--journal", &stage.journal(), "--send-anonymous-id"]);
    assert!(code == 2 && told.contains("another --send-anonymous-id"), "{told}");
    std::fs::write(&events, r#"{"type":"identify","userId":"u-77"}"#).unwrap();
    let (code, told) = verify(&["--journal", &stage.journal()]);
    assert!(
        code == 2 && told.contains("belongs to another input: the event in line 1 is"),
        "{told}"
    );
    assert!(!Path::new("/nowhere").exists());
}

#[test]
fn a_sample_is_some_people_with_all_that_is_said_of_them() {
    let events: String = (0..40)
        .flat_map(|person| {
            let user = format!("u-{person}");
            [
                json!({"type": "identify", "userId": user, "traits": {"email": format!("p-{person}@example.org"), "name": "Early"}}),
                json!({"type": "group", "userId": user, "groupId": format!("co-{}", person % 7), "traits": {"size": person}}),
                json!({"type": "identify", "traits": {"email": format!("p-{person}@example.org"), "name": "Late"}}),
            ]
        })
        .map(|event| event.to_string() + "\n")
        .collect();
    let stage = Stage::new(Settings::default(), &events);
    let run = stage.verify(&["--sample", "10"]);
    assert_eq!(run.code(), 0, "{}{}", run.stdout(), run.stderr());
    let report = run.json();
    assert_eq!(
        (&report["contacts"]["all"], &report["sample"]),
        (&json!(10), &json!(10))
    );
    let searches = report["read"][OperationId::SearchContacts.as_str()].as_u64().unwrap();
    assert!(searches <= 3, "{searches}");
    let state = stage.sandbox.state();
    let all = state["contacts"].as_array().unwrap().iter();
    let ids: HashMap<String, &str> = all
        .filter_map(|contact| Some((contact["external_id"].as_str()?.to_owned(), contact["id"].as_str()?)))
        .collect();
    for person in 0..40 {
        let id = &ids[&format!("u-{person}")];
        stage.act(
            Method::Put,
            &format!("/contacts/{id}"),
            Some(json!({"name": "Changed"})),
            0,
        );
    }
    let again = stage.verify(&["--sample", "10"]);
    assert_eq!((again.code(), differences(&again).len()), (1, 10));
}
