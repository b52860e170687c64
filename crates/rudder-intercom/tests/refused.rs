//! What Intercom refuses or drops, and what people meet with it: what `check` says, what `attributes` says, and what
//! becomes of it in the strict sandbox.
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

mod common;

use common::{Run, Served, run_with_token};
use intercom_api::{DataAttributeModel, DataType};
use intercom_sandbox::Settings;
use serde_json::{Value, json};

/// A strict sandbox whose workspace has these custom attributes of contacts.
fn strict(attributes: &[(&str, DataType)]) -> Served {
    let mut settings = Settings::strict();
    let attributes = attributes.iter();
    settings.attributes = attributes
        .map(|(name, data_type)| (DataAttributeModel::Contact, (*name).to_owned(), data_type.clone()))
        .collect();
    Served::new(settings)
}

fn lines(events: &[Value]) -> String {
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    lines.join("\n")
}

fn identify(user: &str, traits: impl Into<Value>) -> Value {
    let traits: Value = traits.into();
    json!({"type": "identify", "userId": user, "traits": traits})
}

fn on(sandbox: &Served, command: &str, flags: &[&str], events: &str) -> Run {
    let arguments = [&[command, "--intercom-base-url", sandbox.url()], flags].concat();
    run_with_token(&arguments, events)
}

/// The code, count and cost of what `check` finds, in one of its lists.
fn found(report: &Value, list: &str) -> Vec<(String, u64, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = report[list].as_array().unwrap().iter();
    findings
        .map(|finding| {
            (
                text(&finding["code"]),
                finding["count"].as_u64().unwrap(),
                text(&finding["costs"]),
            )
        })
        .collect()
}

fn check(events: &str, flags: &[&str]) -> Value {
    run_with_token(&[&["check", "--json"], flags].concat(), events).json()
}

/// The names and types of the attributes that events need, in alphabetical order.
fn types(report: &Value, list: &str) -> Vec<String> {
    let mut all: Vec<String> = report[list]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| {
            ["model", "name", "type"]
                .map(|key| found[key].as_str().unwrap())
                .join(" ")
        })
        .collect();
    all.sort();
    all
}

/// The custom attributes of the only contact.
fn custom(sandbox: &Served) -> Value {
    sandbox.state()["contacts"][0]["custom_attributes"].clone()
}

fn calls(sandbox: &Served, operation: &str) -> Value {
    sandbox.state()["calls"][operation].clone()
}

#[test]
fn null_unsets_an_attribute() {
    let sandbox = strict(&[("role_title", DataType::String)]);
    let events = lines(&[
        identify("u-1", json!({"role_title": "Pilot", "never_there": null})),
        identify("u-1", json!({"role_title": null})),
    ]);
    let run = on(&sandbox, "send", &["--no-merge"], &events);
    assert_eq!(run.code(), 0, "{}", run.stdout());
    assert_eq!(custom(&sandbox), json!({}));
}

#[test]
fn empty_arrays_and_objects_are_left_out() {
    let sandbox = strict(&[("tier", DataType::String)]);
    let events = lines(&[
        identify("u-1", json!({"tier": "gold", "groups": [], "prefs": {}})),
        json!({"type": "track", "userId": "u-1", "event": "Looked", "timestamp": "2026-01-05T10:00:00Z",
            "properties": {"term": "boot", "filters": [], "range": {}}}),
    ]);
    assert_eq!(
        found(&check(&events, &[]), "warnings"),
        [("empty_value".to_owned(), 4, "value".to_owned())]
    );
    let run = on(&sandbox, "send", &[], &events);
    assert_eq!(run.code(), 0, "{}", run.stdout());
    assert_eq!(custom(&sandbox), json!({"tier": "gold"}));
    assert_eq!(sandbox.state()["events"][0]["metadata"], json!({"term": "boot"}));
}

#[test]
fn names_that_cannot_be_become_others_that_can() {
    let traits =
        json!({"Team Name": "Blue", "naïve": "é", "plan.tier": "pro", "$src": "ad", "is boss?": true, "roles": ["a"]});
    let events = lines(&[identify("u-1", traits)]);
    let report = check(&events, &[]);
    let renamed = ["Team Name", "is boss", "naïve", "plan_tier", "roles_0", "src"];
    let named = |report: &Value, list| -> Vec<String> {
        let all = report[list].as_array().unwrap().iter();
        let mut all: Vec<String> = all.map(|found| found["name"].as_str().unwrap().to_owned()).collect();
        all.sort();
        all
    };
    assert_eq!(named(&report, "custom_attributes"), renamed);
    assert_eq!(
        found(&report, "warnings"),
        [("attribute_renamed".to_owned(), 4, "nothing".to_owned())]
    );

    let sandbox = strict(&[]);
    let created = on(&sandbox, "attributes", &["--create", "--json"], &events);
    assert_eq!(created.code(), 0, "{}", created.stdout());
    assert_eq!(named(&created.json(), "attributes"), renamed);
    let sent = on(&sandbox, "send", &[], &events);
    assert_eq!(sent.code(), 0, "{}", sent.stdout());
    assert_eq!(custom(&sandbox)["plan_tier"], "pro");

    let as_is = ["--attribute-names", "as_is"];
    let report = run_with_token(&["check", "--json", "--attribute-names", "as_is"], &events);
    assert_eq!((report.code(), &report.json()["would_fail"]), (1, &json!(1)));
    assert_eq!(
        found(&report.json(), "limits"),
        [("refused".to_owned(), 1, "event".to_owned())]
    );
    assert_eq!(on(&sandbox, "send", &as_is, &events).code(), 1);
}

#[test]
fn long_texts_are_cut_unless_they_are_to_be_sent() {
    let events = lines(&[identify("u-1", json!({"bio": "ß".repeat(300)}))]);
    assert_eq!(
        found(&check(&events, &[]), "warnings"),
        [("too_long".to_owned(), 1, "value".to_owned())]
    );
    let sandbox = strict(&[("bio", DataType::String)]);
    assert_eq!(on(&sandbox, "send", &[], &events).code(), 0);
    assert_eq!(custom(&sandbox), json!({"bio": "ß".repeat(255)}));

    let as_is = ["--long-text", "as_is"];
    assert_eq!(
        found(&check(&events, &as_is), "limits"),
        [("refused".to_owned(), 1, "event".to_owned())]
    );
    let run = on(&sandbox, "send", &as_is, &events);
    assert_eq!(run.code(), 1);
    assert!(run.stdout().contains("bad_request"), "{}", run.stdout());
}

#[test]
fn many_attributes_are_listed_once_and_tried_never() {
    let events = |count: usize| {
        let traits: serde_json::Map<String, Value> = (0..count).map(|at| (format!("a{at}"), at.into())).collect();
        lines(&[identify("u-1", traits.clone()), identify("u-2", traits)])
    };
    let beyond = found(&check(&events(260), &[]), "limits");
    assert_eq!(beyond, [("too_many_attributes".to_owned(), 2, "event".to_owned())]);

    let sandbox = strict(&[("a0", DataType::Integer)]);
    let run = on(&sandbox, "send", &["--attributes", "drop"], &events(260));
    assert_eq!(run.code(), 0, "{}", run.stdout());
    assert_eq!(calls(&sandbox, "list_data_attributes"), json!({"200": 1}));
    assert_eq!(calls(&sandbox, "create_contact"), json!({"200": 2}));
    assert_eq!(custom(&sandbox), json!({"a0": 0}));

    let sandbox = strict(&[]);
    let run = on(&sandbox, "send", &["--attributes", "create"], &events(250));
    assert_eq!(run.code(), 0, "{}", run.stdout());
    assert_eq!(calls(&sandbox, "list_data_attributes"), json!({"200": 1}));
    assert_eq!(calls(&sandbox, "create_data_attribute"), json!({"200": 250}));
    assert_eq!(calls(&sandbox, "create_contact"), json!({"200": 2}));
}

#[test]
fn moments_are_seconds_whatever_their_unit() {
    let at = 1_700_000_000_i64;
    let times = [
        json!(at),
        json!(at * 1_000),
        json!((at * 1_000).to_string()),
        json!(at * 1_000_000),
        json!(at * 1_000_000_000),
        json!("2023-11-14T22:13:20Z"),
        json!("0001-01-01T00:00:00Z"),
        json!(-62_135_596_800_i64),
    ];
    let events = times.iter().enumerate();
    let events: Vec<Value> = events
        .map(|(at, time)| identify(&format!("u-{at}"), json!({"createdAt": time})))
        .collect();
    let events = lines(&events);
    assert_eq!(
        found(&check(&events, &[]), "warnings"),
        [("date_out_of_range".to_owned(), 2, "value".to_owned())]
    );
    let sandbox = strict(&[]);
    assert_eq!(on(&sandbox, "send", &[], &events).code(), 0);
    let state = sandbox.state();
    let signed_up = state["contacts"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|contact| contact["signed_up_at"] == at);
    assert_eq!(signed_up.count(), 6);
}

#[test]
fn custom_dates_have_one_type_everywhere() {
    let traits = json!({
        "trial_ends_at": "2026-05-01T00:00:00Z", "last_seen_in_shop_at": 1_716_480_000_000_i64,
        "renewal_day": "01/05/2026", "renews_at": 1_767_225_600,
    });
    let events = lines(&[identify("u-1", traits)]);
    let expected = [
        "contact last_seen_in_shop_at date",
        "contact renewal_day string",
        "contact renews_at date",
        "contact trial_ends_at date",
    ];
    assert_eq!(types(&check(&events, &[]), "custom_attributes"), expected);
    let sandbox = strict(&[]);
    assert_eq!(
        types(&on(&sandbox, "attributes", &["--json"], &events).json(), "attributes"),
        expected
    );
    let run = on(&sandbox, "send", &["--attributes", "create"], &events);
    assert_eq!(run.code(), 0, "{}", run.stdout());
    let state = sandbox.state();
    let mut created: Vec<String> = state["data_attributes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| {
            ["model", "name", "data_type"]
                .map(|key| found[key].as_str().unwrap())
                .join(" ")
        })
        .collect();
    created.sort();
    assert_eq!(created, expected);
    assert_eq!(
        custom(&sandbox),
        json!({
            "trial_ends_at": 1_777_593_600, "last_seen_in_shop_at": 1_716_480_000,
            "renewal_day": "01/05/2026", "renews_at": 1_767_225_600,
        })
    );
}

#[test]
fn a_companys_numbers_cost_a_value_and_never_the_company() {
    let group = |id: &str, traits: Value| json!({"type": "group", "userId": "u-1", "groupId": id, "traits": traits});
    let events = lines(&[
        identify("u-1", json!({})),
        group(
            "co-1",
            json!({"name": "Range", "size": "51-200", "monthlySpend": "$1,200.50"}),
        ),
        group(
            "co-2",
            json!({"name": "Huge", "size": "450", "monthlySpend": 3_000_000_000_i64}),
        ),
        group("co-3", json!({"name": "Float", "monthlySpend": 155.98})),
    ]);
    let warnings = found(&check(&events, &[]), "warnings");
    let codes: Vec<&str> = warnings.iter().map(|(code, ..)| code.as_str()).collect();
    assert!(
        codes.contains(&"too_large") && codes.contains(&"invalid_number"),
        "{codes:?}"
    );
    let sandbox = strict(&[]);
    let run = on(&sandbox, "send", &[], &events);
    assert_eq!(run.code(), 0, "{}", run.stdout());
    assert_eq!(sandbox.state()["companies"].as_array().unwrap().len(), 3);
}

#[test]
fn companies_of_an_identify_link_nobody() {
    let events = lines(&[
        identify("u-1", json!({"company": {"id": "co-1", "name": "Link", "plan": "pro"}})),
        identify("u-1", json!({"companies": [{"id": "co-3"}, {"id": "co-4"}]})),
        identify("u-1", json!({"company": "Plain Name"})),
        identify(
            "u-1",
            json!({"company": [{"id": "co-1", "remove": true}, {"id": "co-2", "remove": true}]}),
        ),
    ]);
    let report = check(&events, &[]);
    assert_eq!(
        found(&report, "warnings"),
        [("company_not_linked".to_owned(), 3, "value".to_owned())]
    );
    assert_eq!(report["custom_attributes"], json!([]));
    let sandbox = strict(&[]);
    let run = on(&sandbox, "send", &[], &events);
    assert_eq!(run.code(), 0, "{}", run.stdout());
    assert_eq!(sandbox.state()["companies"], json!([]));
}

#[test]
fn the_second_event_of_a_second_is_lost_unless_it_is_moved() {
    let track = |message: &str, at: &str, sku: &str| {
        json!({"type": "track", "userId": "u-1", "messageId": message, "event": "Viewed",
            "timestamp": format!("2026-01-05T10:00:00.{at}Z"), "properties": {"sku": sku}})
    };
    let events = lines(&[
        identify("u-1", json!({})),
        track("m-1", "100", "A"),
        track("m-2", "900", "B"),
    ]);
    assert_eq!(
        found(&check(&events, &[]), "limits"),
        [("same_second".to_owned(), 1, "event_in_silence".to_owned())]
    );
    let sandbox = strict(&[]);
    let run = on(&sandbox, "send", &[], &events);
    assert_eq!(run.code(), 0);
    assert!(run.stdout().contains("same_second"), "{}", run.stdout());
    assert_eq!(sandbox.state()["events"].as_array().unwrap().len(), 1);

    let sandbox = strict(&[]);
    let run = on(&sandbox, "send", &["--same-second", "spread"], &events);
    assert!(
        run.code() == 0 && !run.stdout().contains("same_second"),
        "{}",
        run.stdout()
    );
    assert_eq!(sandbox.state()["events"].as_array().unwrap().len(), 2);
}

/// Intercom's description: whoever has a name in their company data is to use a different one in their people data.
#[test]
fn one_name_cannot_be_of_both_models() {
    let events = lines(&[
        identify("u-1", json!({"tier": "gold"})),
        json!({"type": "group", "userId": "u-1", "groupId": "co-1", "traits": {"name": "Two", "tier": 7}}),
    ]);
    let report = check(&events, &[]);
    assert_eq!(
        types(&report, "custom_attributes"),
        ["company tier integer", "contact tier string"]
    );
    let both = [("name_of_both_models".to_owned(), 1, "event".to_owned())];
    assert_eq!(found(&report, "limits"), both);
    assert_eq!(report["limits"][0]["lines"], json!([2]));

    // The contacts' is used first, and gets the name.
    let sandbox = strict(&[]);
    let created = on(&sandbox, "attributes", &["--create", "--json"], &events);
    let statuses = |report: &Value| -> Vec<String> {
        let attributes = report["attributes"].as_array().unwrap().iter();
        attributes
            .map(|attribute| {
                format!(
                    "{} {}",
                    attribute["model"].as_str().unwrap(),
                    attribute["status"].as_str().unwrap()
                )
            })
            .collect()
    };
    assert_eq!(
        (created.code(), statuses(&created.json())),
        (1, vec!["contact created".to_owned(), "company name_taken".to_owned()])
    );
    let again = on(&sandbox, "attributes", &[], &events);
    assert!(
        again.stdout().contains("name taken") && again.stdout().contains("under another"),
        "{}",
        again.stdout()
    );
    let limits = |sandbox: &Served| {
        found(
            &on(sandbox, "check", &["--workspace", "--json"], &events).json(),
            "limits",
        )
    };
    let undefined = ("undefined_attribute".to_owned(), 1, "event".to_owned());
    assert_eq!(limits(&sandbox), [both[0].clone(), undefined]);
    let sent = on(&sandbox, "send", &["--attributes", "create"], &events);
    assert!(
        sent.code() == 1 && sent.stdout().contains("undefined_attribute"),
        "{}",
        sent.stdout()
    );
    let sent = on(&sandbox, "send", &["--attributes", "drop"], &events);
    assert_eq!(sent.code(), 0);
    assert_eq!(sandbox.state()["companies"][0]["custom_attributes"], json!({}));

    // Whoever has both has both.
    let mut settings = Settings::strict().with_attribute(DataAttributeModel::Contact, "tier", DataType::String);
    settings = settings.with_attribute(DataAttributeModel::Company, "tier", DataType::Integer);
    let sandbox = Served::new(settings);
    assert_eq!(limits(&sandbox), []);
    assert_eq!(on(&sandbox, "attributes", &[], &events).code(), 0);
    assert_eq!(on(&sandbox, "send", &[], &events).code(), 0);
    assert_eq!(sandbox.state()["companies"][0]["custom_attributes"], json!({"tier": 7}));
}

#[test]
fn a_check_of_the_workspace_says_what_becomes_of_its_attributes() {
    let sandbox = strict(&[("seats", DataType::Integer), ("active", DataType::Boolean)]);
    let events = lines(&[
        identify("u-1", json!({"seats": "12"})),
        identify("u-2", json!({"seats": "a dozen"})),
        identify("u-3", json!({"active": 1, "shoe": 42})),
        json!({"type": "identify", "userId": "u-4", "traits": {"email": "Office@example.org", "role": "lead"}}),
        identify("u-5", json!({"email": "office@example.org"})),
    ]);
    let run = on(&sandbox, "check", &["--workspace", "--json"], &events);
    assert_eq!((run.code(), &run.json()["would_fail"]), (1, &json!(1)));
    assert_eq!(
        found(&run.json(), "limits"),
        [
            ("undefined_attribute".to_owned(), 1, "event".to_owned()),
            ("attribute_of_another_type".to_owned(), 2, "value".to_owned()),
        ]
    );
    assert_eq!(
        found(&run.json(), "notes"),
        [
            ("shared_email".to_owned(), 1, "nothing".to_owned()),
            ("lead_with_user_id".to_owned(), 1, "nothing".to_owned()),
        ]
    );
    assert_eq!(run.json()["limits"][0]["lines"], json!([3]));
    let text = on(&sandbox, "check", &["--workspace"], &events);
    for part in [
        "4 of 5 events can be sent",
        "The event is lost.",
        "See send --attributes create.",
    ] {
        assert!(text.stdout().contains(part), "{part} in {}", text.stdout());
    }
    // Nothing was written, and without a token nothing is asked.
    assert_eq!(calls(&sandbox, "create_contact"), Value::Null);
    assert_eq!(common::run(&["check", "--workspace"], &events).code(), 3);
}

/// Leads have no user id of their own; whether Intercom refuses one that is given it is not known.
#[test]
fn a_lead_with_a_user_id_is_delivered_whether_intercom_has_such_leads_or_not() {
    let lead = |mail: &str| json!({"email": mail, "role": "lead"});
    let nobody = |mail: &str| json!({"type": "identify", "traits": lead(mail)});
    let events = lines(&[
        identify("u-1", lead("new@example.org")),
        nobody("signs-up@example.org"),
        identify("u-2", json!({"email": "signs-up@example.org"})),
        nobody("stays@example.org"),
        identify("u-3", lead("stays@example.org")),
        json!({"type": "track", "userId": "u-1", "event": "Came", "timestamp": "2026-01-05T10:00:00Z"}),
    ]);
    let note = [("lead_with_user_id".to_owned(), 2, "nothing".to_owned())];
    for (is_refused, role) in [(false, "lead"), (true, "user")] {
        let sandbox = Served::new(Settings::strict().with_refused_lead_ids(is_refused));
        let report = on(&sandbox, "check", &["--workspace", "--json"], &events);
        assert_eq!((report.code(), &report.json()["would_fail"]), (0, &json!(0)));
        assert_eq!(found(&report.json(), "notes"), note);
        let run = on(&sandbox, "send", &["--no-merge"], &events);
        assert_eq!(run.code(), 0, "{}", run.stdout());
        assert_eq!(run.stdout().contains("2  role_refused"), is_refused, "{}", run.stdout());
        let state = sandbox.state();
        let contacts = state["contacts"].as_array().unwrap().iter();
        let mut roles: Vec<_> = contacts.map(|one| (&one["external_id"], &one["role"])).collect();
        roles.sort_by_key(|(id, _)| id.as_str());
        let expected = [("u-1", role), ("u-2", "user"), ("u-3", role)].map(|(id, role)| (json!(id), json!(role)));
        assert!(
            roles.into_iter().eq(expected.iter().map(|(id, role)| (id, role))),
            "{state}"
        );
        assert_eq!(state["events"][0]["user_id"], "u-1");
    }
}
