//! Custom attributes that the workspace does not have.

use crate::support::*;
use intercom_api::OperationId as Op;
use intercom_delivery::*;

fn run(policy: AttributePolicy, attributes: &[&str]) -> Run {
    let mut settings = plain();
    settings.attributes = policy;
    let mut run = Run::new(settings);
    for attributes in attributes {
        run.submit(identify("u1", attributes), who("u1"));
    }
    run
}

fn found() -> (Op, Reply) {
    (Op::SearchContacts, hits(&[&contact("c1", "u1")]))
}

#[test]
fn fail_names_the_attribute() {
    let mut run = run(AttributePolicy::Fail, &[r#"{"x":1}"#]);
    run.script([found(), (Op::UpdateContact, undefined("x"))]);
    let failed = failed(run.outcome());
    assert_eq!(failed.code, FailureCode::UndefinedAttribute);
    assert_eq!(failed.attribute.as_deref(), Some("x"));
    assert_eq!(
        failed.to_string(),
        "The workspace does not have a custom attribute of this name (\"x\"); update_contact was answered 400 (request r-400)"
    );
}

#[test]
fn drop_leaves_out_one_after_the_other_and_remembers_them() {
    let mut run = run(AttributePolicy::Drop, &[r#"{"x":1,"y":2,"z":3}"#, r#"{"y":4,"z":5}"#]);
    run.script([
        found(),
        (Op::UpdateContact, undefined("x")),
        (Op::UpdateContact, undefined("y")),
        (Op::UpdateContact, ok("{}")),
        found(),
        (Op::UpdateContact, ok("{}")),
    ]);
    assert_eq!(
        run.sent[3].body(),
        r#"{"external_id":"u1","custom_attributes":{"z":3}}"#
    );
    assert_eq!(
        run.sent[5].body(),
        r#"{"external_id":"u1","custom_attributes":{"z":5}}"#
    );
    assert_eq!(
        run.results(),
        [
            "delivered, attribute_dropped, attribute_dropped",
            "delivered, attribute_dropped"
        ]
    );
}

#[test]
fn drop_of_an_attribute_that_is_not_there_fails_instead_of_looping() {
    let mut run = run(AttributePolicy::Drop, &[r#"{"x":1}"#]);
    run.run(|sent| match sent.call.operation {
        Op::SearchContacts => found().1,
        _ => undefined("other"),
    });
    assert_eq!(run.results(), ["failed undefined_attribute"]);
    assert!(run.sent.len() <= 4);
}

#[test]
fn a_company_drops_too() {
    let mut settings = plain();
    settings.attributes = AttributePolicy::Drop;
    let mut run = Run::new(settings);
    run.submit(group("k1", None, &[]), who("u1"));
    run.script([
        (Op::UpsertCompany, undefined("tier")),
        (Op::UpsertCompany, ok(r#"{"id":"i1"}"#)),
    ]);
    assert_eq!(run.sent[1].body(), r#"{"company_id":"k1"}"#);
    assert_eq!(run.results(), ["delivered, attribute_dropped"]);
}

#[test]
fn create_makes_the_attribute_and_sends_again() {
    let mut run = run(AttributePolicy::Create, &[r#"{"seen_at":1700000000}"#]);
    run.script([
        found(),
        (Op::UpdateContact, undefined("seen_at")),
        (Op::CreateDataAttribute, ok("{}")),
        (Op::UpdateContact, ok("{}")),
    ]);
    assert_eq!(
        run.sent[2].body(),
        r#"{"name":"seen_at","model":"contact","data_type":"date"}"#
    );
    assert_eq!(run.results(), ["delivered"]);
}

#[test]
fn an_attribute_that_exists_already_is_fine() {
    let mut run = run(AttributePolicy::Create, &[r#"{"x":true}"#]);
    run.script([
        found(),
        (Op::UpdateContact, undefined("x")),
        (
            Op::CreateDataAttribute,
            error(400, "parameter_invalid", "You already have 'x' in your company data"),
        ),
        (Op::UpdateContact, ok("{}")),
    ]);
    assert_eq!(run.results(), ["delivered"]);
}

#[test]
fn an_attribute_that_cannot_be_created_fails_the_event() {
    let mut run = run(AttributePolicy::Create, &[r#"{"x":true}"#]);
    run.script([
        found(),
        (Op::UpdateContact, undefined("x")),
        (Op::CreateDataAttribute, error(403, "api_plan_restricted", "no")),
        (Op::UpdateContact, undefined("x")),
    ]);
    assert_eq!(run.results(), ["failed undefined_attribute"]);
}

#[test]
fn two_events_that_want_the_same_attribute_create_it_once() {
    let mut settings = plain();
    settings.attributes = AttributePolicy::Create;
    settings.concurrency = 4.try_into().unwrap();
    let mut run = Run::new(settings);
    for user in ["u1", "u2", "u3"] {
        run.submit(identify(user, r#"{"x":"y"}"#), who(user));
    }
    let mut exists = false;
    run.run(|sent| match sent.call.operation {
        Op::SearchContacts => hits(&[]),
        Op::CreateDataAttribute => {
            exists = true;
            ok("{}")
        }
        _ if exists => ok(contact(&format!("c{}", sent.event), "u")),
        _ => undefined("x"),
    });
    let created = |op: &&Op| **op == Op::CreateDataAttribute;
    assert_eq!(run.operations().iter().filter(created).count(), 1);
    assert_eq!(run.results(), ["delivered"; 3]);
}
