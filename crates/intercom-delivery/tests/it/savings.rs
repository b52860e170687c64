//! Fewer calls, and the same state in the end.

use crate::support::*;
use intercom_api::{DataAttributeModel, DataType, ExternalId, OperationId as Op};
use intercom_delivery::*;
use intercom_sandbox::{Sandbox, Settings, State};
use rudderstack_to_intercom::{CompanyKey, FieldLookup, Identities, Lookup, LookupField, Person, Plan, SaveContact};
use std::time::Duration;

type Events = Vec<(Plan, Identities)>;

/// Delivers the events, all of them queued at once or one after the other.
fn deliver(events: &Events, settings: EngineSettings, at_once: bool, lag: Duration) -> (Run, State) {
    let world = Settings::default().with_search_lag(lag);
    // One whose values are all unset again before they are sent would not become defined.
    let world = world.with_attribute(DataAttributeModel::Contact, "a", DataType::Integer);
    let mut sandbox = Sandbox::new(world);
    let mut run = Run::new(settings);
    for (plan, identities) in events {
        run.submit(plan.clone(), identities.clone());
        if !at_once {
            run.run(|sent| ask(&mut sandbox, sent));
        }
    }
    run.run(|sent| ask(&mut sandbox, sent));
    let mut state = sandbox.state().normalised();
    // The sandbox defines an attribute by its first value: a value that goes before it is sent defines none.
    state.data_attributes.clear();
    (run, state)
}

/// Delivers the events plainly and with all savings, compares the states, and says which calls were made with savings.
fn compare(events: &Events) -> (Vec<Op>, Vec<String>) {
    let (_, plain_state) = deliver(events, plain(), false, Duration::ZERO);
    let (run, state) = deliver(events, thrifty(), false, Duration::ZERO);
    assert_eq!(state, plain_state, "one after the other");
    for lag in [Duration::ZERO, Duration::from_secs(60)] {
        let (_, state) = deliver(events, EngineSettings::new(), true, lag);
        assert_eq!(state, plain_state, "at once, with a lag of {lag:?}");
        let mut settings = EngineSettings::new();
        settings.savings = Savings::NONE;
        let (_, state) = deliver(events, settings, true, lag);
        assert_eq!(state, plain_state, "at once without savings, with a lag of {lag:?}");
    }
    (run.operations(), run.results())
}

fn on(user_id: &str, plan: Plan) -> (Plan, Identities) {
    (plan, who(user_id))
}

#[test]
fn what_changes_nothing_is_not_sent() {
    let (calls, results) = compare(&vec![
        on("u1", identify("u1", r#"{"plan":"pro","seats":1}"#)),
        on("u1", identify("u1", r#"{"plan":"pro","seats":1}"#)),
        on("u1", identify("u1", r#"{"seats":1}"#)),
    ]);
    assert_eq!(calls, [Op::SearchContacts, Op::CreateContact]);
    assert_eq!(results, ["delivered", "unchanged", "unchanged"]);
}

#[test]
fn there_and_back_is_sent_twice() {
    let (calls, _) = compare(&vec![
        on("u1", identify("u1", r#"{"plan":"a"}"#)),
        on("u1", identify("u1", r#"{"plan":"b"}"#)),
        on("u1", identify("u1", r#"{"plan":"a"}"#)),
        on("u1", identify("u1", r#"{"plan":"a","other":1}"#)),
    ]);
    assert_eq!(
        calls,
        [
            Op::SearchContacts,
            Op::CreateContact,
            Op::UpdateContact,
            Op::UpdateContact,
            Op::UpdateContact
        ]
    );
}

#[test]
fn a_number_with_another_text_is_a_change() {
    let (calls, _) = compare(&vec![
        on("u1", identify("u1", r#"{"n":1}"#)),
        on("u1", identify("u1", r#"{"n":1.0}"#)),
    ]);
    assert_eq!(calls.len(), 3);
}

fn email_only(email: &str, attributes: &str) -> (Plan, Identities) {
    let body = format!(r#"{{"email":"{email}","custom_attributes":{attributes}}}"#);
    let plan = SaveContact::new(by_email(&email.to_lowercase(), None), fields(&body));
    let mut identities = Identities::new();
    identities.email = Some(email.to_lowercase());
    (Plan::SaveContact(plan), identities)
}

#[test]
fn a_change_through_another_identity_is_noticed() {
    let both = r#"{"external_id":"u1","email":"Ann@x.org","custom_attributes":{"plan":"a"}}"#;
    let plan = SaveContact::new(by_email("ann@x.org", Some("u1")), fields(both));
    let (calls, results) = compare(&vec![
        on("u1", Plan::SaveContact(plan)),
        email_only("ANN@x.org", r#"{"plan":"b"}"#),
        on("u1", identify("u1", r#"{"plan":"a"}"#)),
        email_only("Ann@x.org", r#"{"plan":"a"}"#),
    ]);
    assert_eq!(
        calls,
        [
            Op::SearchContacts,
            Op::CreateContact,
            Op::UpdateContact,
            Op::UpdateContact,
            // The email is written in another case.
            Op::UpdateContact
        ]
    );
    assert_eq!(results, ["delivered"; 4]);
}

#[test]
fn an_email_that_moves_to_somebody_else_is_noticed() {
    let named = |user: &str, email: &str| {
        let body = format!(r#"{{"external_id":"{user}","email":"{email}"}}"#);
        (
            Plan::SaveContact(SaveContact::new(by_email(email, Some(user)), fields(&body))),
            who(user),
        )
    };
    compare(&vec![
        named("u1", "a@x.org"),
        named("u1", "b@x.org"),
        named("u2", "a@x.org"),
        email_only("a@x.org", r#"{"of":"u2"}"#),
        email_only("b@x.org", r#"{"of":"u1"}"#),
        named("u3", "b@x.org"),
        on("u3", identify("u3", r#"{"of":"u3"}"#)),
    ]);
}

#[test]
fn a_lookup_by_a_field_that_is_not_unique_searches_each_time() {
    let by_phone = |user: &str, phone: &str| {
        let body = format!(r#"{{"external_id":"{user}","phone":"{phone}"}}"#);
        let mut lookup = FieldLookup::new("phone".parse::<LookupField>().unwrap(), phone);
        lookup.prefer = Some(user.into());
        (
            Plan::SaveContact(SaveContact::new(lookup.into(), fields(&body))),
            who(user),
        )
    };
    let (calls, _) = compare(&vec![by_phone("u1", "1"), by_phone("u1", "1"), by_phone("u1", "2")]);
    let searches = calls.iter().filter(|call| **call == Op::SearchContacts).count();
    assert_eq!(searches, 3);
}

#[test]
fn a_lag_hides_nobody_whom_the_engine_has_written() {
    let phone = || Lookup::new("phone".parse::<LookupField>().unwrap(), "1");
    let create = fields(r#"{"external_id":"u1","phone":"1"}"#);
    let events = vec![
        on("u1", Plan::SaveContact(SaveContact::new(phone(), create))),
        on("u1", record_update(phone(), r#"{"name":"x"}"#)),
        on("u1", group("k1", Some(by_id("u1")), &[])),
    ];
    let (_, plain_state) = deliver(&events, plain(), false, Duration::ZERO);
    let (run, state) = deliver(&events, EngineSettings::new(), true, Duration::from_secs(600));
    assert_eq!(run.results(), ["delivered"; 3]);
    assert_eq!(state, plain_state);
}

/// The email is somebody else's by then, or nobody's.
#[test]
fn a_lag_takes_nobody_for_whoever_had_the_email_before() {
    let save = |id: Option<&str>, email: &str, body: &str| {
        let person = Person::new(id.map(ExternalId::from), Some(email)).unwrap();
        let mut identities = Identities::new();
        identities.user_id = id.map(str::to_owned);
        identities.email = Some(email.to_owned());
        (
            Plan::SaveContact(SaveContact::new(person.into(), fields(body))),
            identities,
        )
    };
    let moves = || {
        vec![
            save(Some("u1"), "a@x.y", r#"{"external_id":"u1","email":"a@x.y"}"#),
            save(Some("u1"), "b@x.y", r#"{"external_id":"u1","email":"b@x.y"}"#),
        ]
    };
    let anybody = || save(None, "a@x.y", r#"{"email":"a@x.y","name":"x"}"#);
    let mut handed_down = moves();
    handed_down.push(save(Some("u2"), "a@x.y", r#"{"external_id":"u2","email":"a@x.y"}"#));
    handed_down.push(anybody());
    let mut given_up = moves();
    given_up.push(anybody());
    for events in [handed_down, given_up] {
        let (_, plain_state) = deliver(&events, plain(), false, Duration::ZERO);
        let lag = Duration::from_secs(60);
        let mut sandbox = Sandbox::new(Settings::default().with_search_lag(lag));
        let mut run = Run::new(EngineSettings::new());
        for (at, (plan, identities)) in events.iter().enumerate() {
            run.submit(plan.clone(), identities.clone());
            run.run(|sent| ask(&mut sandbox, sent));
            if at == 0 {
                // Searches show the first email, and not yet the second.
                run.now = run.now.after(lag * 2);
            }
        }
        assert!(
            run.results().iter().all(|result| result == "delivered"),
            "{:?}",
            run.results()
        );
        assert_eq!(sandbox.state().normalised(), plain_state);
    }
}

#[test]
fn companies_links_and_tags_are_made_once() {
    let join = || on("u1", group("k1", Some(by_id("u1")), &["Vip", "b"]));
    let (calls, results) = compare(&vec![
        on("u1", identify("u1", "{}")),
        join(),
        join(),
        on("u1", group("k1", Some(by_id("u1")), &["vip", "c"])),
    ]);
    assert_eq!(
        calls[2..],
        [
            Op::UpsertCompany,
            Op::AttachCompany,
            Op::CreateTag,
            Op::CreateTag,
            Op::CreateTag
        ]
    );
    assert_eq!(results, ["delivered", "delivered", "unchanged", "delivered"]);
}

#[test]
fn a_link_that_was_ended_is_made_again() {
    let leave = || {
        let mut plan = SaveContact::new(by_id("u1"), fields(r#"{"external_id":"u1"}"#));
        plan.detach = vec![CompanyKey::CompanyId("k1".into())];
        on("u1", Plan::SaveContact(plan))
    };
    let join = || on("u1", group("k1", Some(by_id("u1")), &[]));
    let (calls, _) = compare(&vec![
        on("u1", identify("u1", "{}")),
        join(),
        leave(),
        join(),
        leave(),
        join(),
    ]);
    let count = |wanted: Op| calls.iter().filter(|call| **call == wanted).count();
    assert_eq!((count(Op::AttachCompany), count(Op::DetachCompany)), (3, 2));
    assert_eq!(count(Op::UpsertCompany), 1);
}

#[test]
fn a_company_id_that_is_out_of_date_is_found_out() {
    let mut run = Run::new(thrifty());
    run.submit(group("k1", None, &[]), who("u1"));
    let mut plan = SaveContact::new(by_id("u1"), fields(r#"{"external_id":"u1"}"#));
    plan.detach = vec![CompanyKey::CompanyId("k1".into())];
    run.submit(Plan::SaveContact(plan), who("u1"));
    run.script([
        (Op::UpsertCompany, ok(r#"{"id":"old"}"#)),
        (Op::SearchContacts, hits(&[&contact("c1", "u1")])),
        (Op::DetachCompany, error(404, "company_not_found", "Company Not Found")),
        (Op::FindCompany, ok(r#"{"id":"new"}"#)),
        (Op::DetachCompany, ok("{}")),
        (Op::UpdateContact, ok("{}")),
    ]);
    assert_eq!(run.sent[4].call.path, "/contacts/c1/companies/new");
}

#[test]
fn consecutive_updates_are_merged() {
    let events = vec![
        on("u1", identify("u1", r#"{"a":1,"b":1}"#)),
        on("u1", identify("u1", r#"{"b":2}"#)),
        on("u1", identify("u1", r#"{"c":3,"a":null}"#)),
        on("u1", track("u1", "paid", 7)),
        on("u1", identify("u1", r#"{"c":4}"#)),
    ];
    compare(&events);
    let (run, _) = deliver(&events, EngineSettings::new(), true, Duration::ZERO);
    assert_eq!(
        run.operations(),
        [
            Op::SearchContacts,
            Op::CreateContact,
            Op::SubmitDataEvent,
            Op::UpdateContact
        ]
    );
    assert_eq!(
        run.sent[1].body(),
        r#"{"external_id":"u1","custom_attributes":{"a":null,"b":2,"c":3}}"#
    );
    assert_eq!(
        run.results(),
        ["delivered", "merged into 1", "merged into 1", "delivered", "delivered"]
    );
}

#[test]
fn what_would_not_be_the_same_is_not_merged() {
    let mut leaving = SaveContact::new(by_id("u1"), fields(r#"{"external_id":"u1","name":"x"}"#));
    leaving.detach = vec![CompanyKey::CompanyId("k1".into())];
    let renamed = SaveContact::new(by_id("u1"), fields(r#"{"external_id":"u1-new"}"#));
    let email = SaveContact::new(by_id("u1"), fields(r#"{"external_id":"u1","email":"a@x.org"}"#));
    for other in [
        Plan::SaveContact(leaving),
        Plan::SaveContact(renamed),
        Plan::SaveContact(email),
        record_update(by_id("u1"), r#"{"external_id":"u1","name":"x"}"#),
        track("u1", "paid", 7),
        group("k1", Some(by_id("u1")), &[]),
    ] {
        let events = vec![
            on("u1", identify("u1", r#"{"a":1}"#)),
            on("u1", other),
            on("u1", identify("u1", r#"{"a":2}"#)),
        ];
        compare(&events);
        let (run, _) = deliver(&events, EngineSettings::new(), true, Duration::ZERO);
        let merged = run.results().iter().any(|result| result.starts_with("merged"));
        assert!(!merged, "{:?}", run.results());
    }
}

#[test]
fn what_cannot_be_delivered_together_is_delivered_alone() {
    let mut run = Run::new(EngineSettings::new());
    run.submit(identify("u1", r#"{"good":1}"#), who("u1"));
    run.submit(identify("u1", r#"{"bad":1}"#), who("u1"));
    run.submit(identify("u1", r#"{"good":2}"#), who("u1"));
    run.run(|sent| match (sent.call.operation, sent.body().contains("bad")) {
        (Op::SearchContacts, _) => hits(&[&contact("c1", "u1")]),
        (_, true) => undefined("bad"),
        _ => ok(contact("c1", "u1")),
    });
    assert_eq!(run.results(), ["delivered", "failed undefined_attribute", "delivered"]);
    let last = run.sent.last().unwrap();
    assert!(last.body().contains(r#""good":2"#));
}

#[test]
fn each_saving_can_be_switched_off() {
    let events = vec![
        on("u1", identify("u1", r#"{"a":1}"#)),
        on("u1", identify("u1", r#"{"a":1}"#)),
        on("u1", identify("u1", r#"{"a":1}"#)),
    ];
    let calls = |change: fn(&mut Savings)| {
        let mut settings = thrifty();
        change(&mut settings.savings);
        deliver(&events, settings, true, Duration::ZERO).0.sent.len()
    };
    assert_eq!(calls(|_| {}), 2);
    assert_eq!(calls(|savings| savings.merge_identifies = false), 2);
    assert_eq!(
        calls(|savings| {
            savings.merge_identifies = false;
            savings.skip_unchanged = SkipUnchanged::Off;
        }),
        4
    );
    assert_eq!(calls(|savings| *savings = Savings::NONE), 6);
}

#[test]
fn what_is_forgotten_costs_calls_and_nothing_else() {
    let mut settings = EngineSettings::new();
    settings.remembered = 1.try_into().unwrap();
    let mut events = Events::new();
    for round in 0..4 {
        for user in ["u1", "u2", "u3"] {
            events.push(on(user, identify(user, &format!(r#"{{"round":{}}}"#, round / 2))));
            events.push(on(user, group("k1", Some(by_id(user)), &["t"])));
        }
    }
    let (_, plain_state) = deliver(&events, plain(), false, Duration::ZERO);
    let (_, state) = deliver(&events, settings, false, Duration::ZERO);
    assert_eq!(state, plain_state);
}

#[test]
fn what_changes_the_field_it_is_looked_up_by_is_not_merged() {
    let by_name = || Lookup::new("name".parse::<LookupField>().unwrap(), "Ann");
    let events = vec![
        on(
            "u1",
            Plan::SaveContact(SaveContact::new(
                by_id("u1"),
                fields(r#"{"external_id":"u1","name":"Ann"}"#),
            )),
        ),
        on("u1", record_update(by_name(), r#"{"name":"Bob"}"#)),
        on("u1", record_update(by_name(), r#"{"name":"Bob","phone":"1"}"#)),
    ];
    compare(&events);
    let (run, _) = deliver(&events, EngineSettings::new(), true, Duration::ZERO);
    assert_eq!(run.results(), ["delivered", "delivered", "rejected contact_not_found"]);
}
