//! Records of reverse ETL: insert, update, delete.

use crate::support::*;
use intercom_api::OperationId as Op;
use rudderstack_to_intercom::{Missing, Plan, SaveContact};

#[test]
fn an_update_of_nobody_is_rejected() {
    let mut run = Run::new(plain());
    run.submit(record_update(by_id("u1"), r#"{"name":"x"}"#), who("u1"));
    run.script([(Op::SearchContacts, hits(&[]))]);
    assert_eq!(run.results(), ["rejected contact_not_found"]);
}

#[test]
fn an_update_of_somebody_who_vanishes_is_rejected() {
    let mut run = Run::new(plain());
    run.submit(record_update(by_id("u1"), r#"{"name":"x"}"#), who("u1"));
    run.script([
        (Op::SearchContacts, hits(&[&contact("c1", "u1")])),
        (Op::UpdateContact, gone()),
        (Op::SearchContacts, hits(&[])),
    ]);
    assert_eq!(run.results(), ["rejected contact_not_found"]);
}

#[test]
fn an_insert_creates_with_its_identifiers() {
    let mut plan = SaveContact::new(by_id("u1"), fields(r#"{"name":"x"}"#));
    plan.missing = Missing::CreateWith(Box::new(fields(r#"{"external_id":"u1","name":"x"}"#)));
    let mut run = Run::new(plain());
    run.submit(Plan::SaveContact(plan.clone()), who("u1"));
    run.script([
        (Op::SearchContacts, hits(&[])),
        (Op::CreateContact, ok(contact("c1", "u1"))),
    ]);
    assert_eq!(run.sent[1].body(), r#"{"external_id":"u1","name":"x"}"#);
    let mut run = Run::new(plain());
    run.submit(Plan::SaveContact(plan), who("u1"));
    run.script([
        (Op::SearchContacts, hits(&[&contact("c1", "u1")])),
        (Op::UpdateContact, ok("{}")),
    ]);
    assert_eq!(run.sent[1].body(), r#"{"name":"x"}"#);
}

#[test]
fn a_delete_of_nobody_is_done() {
    let delete = || {
        let mut run = Run::new(plain());
        run.submit(Plan::DeleteContact(by_id("u1")), who("u1"));
        run
    };
    let mut run = delete();
    run.script([(Op::SearchContacts, hits(&[]))]);
    assert_eq!(run.results(), ["unchanged"]);
    let mut run = delete();
    run.script([
        (Op::SearchContacts, hits(&[&contact("c1", "u1")])),
        (Op::DeleteContact, ok(r#"{"id":"c1","deleted":true}"#)),
    ]);
    assert_eq!(run.results(), ["delivered"]);
    // The search index lags behind a deletion as well.
    let mut run = delete();
    run.script([
        (Op::SearchContacts, hits(&[&contact("c1", "u1")])),
        (Op::DeleteContact, gone()),
        (Op::SearchContacts, hits(&[&contact("c1", "u1")])),
        (Op::DeleteContact, gone()),
    ]);
    assert_eq!(run.results(), ["unchanged"]);
}
