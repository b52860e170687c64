//! Group: create or update a company, link the member, tag.

use crate::support::*;
use intercom_api::OperationId as Op;
use rudderstack_to_intercom::{Lookup, Plan};

fn run(member: Option<Lookup>, tags: &[&str]) -> Run {
    let mut run = Run::new(plain());
    run.submit(group("k1", member, tags), who("u1"));
    run
}

const COMPANY: &str = r#"{"type":"company","id":"i1","company_id":"k1"}"#;

#[test]
fn a_company_is_saved_linked_and_tagged() {
    let mut run = run(Some(by_id("u1")), &["a", "b"]);
    run.script([
        (Op::UpsertCompany, ok(COMPANY)),
        (Op::SearchContacts, hits(&[&contact("c1", "u1")])),
        (Op::AttachCompany, ok(COMPANY)),
        (Op::CreateTag, ok("{}")),
        (Op::CreateTag, ok("{}")),
    ]);
    assert_eq!(run.sent[2].call.path, "/contacts/c1/companies");
    assert_eq!(run.sent[4].body(), r#"{"name":"b","companies":[{"id":"i1"}]}"#);
    assert_eq!(delivered(run.outcome()).company, "i1".parse().ok());
}

#[test]
fn a_member_who_is_not_found_costs_the_link_only() {
    let mut run = run(Some(by_id("u1")), &["a"]);
    run.script([
        (Op::UpsertCompany, ok(COMPANY)),
        (Op::SearchContacts, hits(&[])),
        (Op::CreateTag, ok("{}")),
    ]);
    assert_eq!(run.results(), ["delivered, member_not_found"]);
}

#[test]
fn a_group_without_a_member_makes_no_search() {
    let mut run = run(None, &["a"]);
    run.script([(Op::UpsertCompany, ok(COMPANY)), (Op::CreateTag, ok("{}"))]);
    assert_eq!(run.results(), ["delivered"]);
}

#[test]
fn a_company_without_id_in_the_response_is_asked_for_again() {
    let mut run = run(None, &[]);
    run.script([(Op::UpsertCompany, ok("<html>")), (Op::UpsertCompany, ok(COMPANY))]);
    assert_eq!(run.results(), ["delivered"]);
}

#[test]
fn a_company_that_is_gone_is_created_again_once() {
    let lost = || error(404, "company_not_found", "Company Not Found");
    let mut tagged = run(Some(by_id("u1")), &["a", "b"]);
    tagged.script([
        (Op::UpsertCompany, ok(COMPANY)),
        (Op::SearchContacts, hits(&[&contact("c1", "u1")])),
        (Op::AttachCompany, ok("{}")),
        (Op::CreateTag, ok("{}")),
        (Op::CreateTag, lost()),
        // Another company: everything is done for it.
        (Op::UpsertCompany, ok(r#"{"id":"i2"}"#)),
        (Op::AttachCompany, ok("{}")),
        (Op::CreateTag, ok("{}")),
        (Op::CreateTag, ok("{}")),
    ]);
    assert_eq!(tagged.results(), ["delivered"]);
    let mut linked = run(Some(by_id("u1")), &[]);
    linked.script([
        (Op::UpsertCompany, ok(COMPANY)),
        (Op::SearchContacts, hits(&[&contact("c1", "u1")])),
        (Op::AttachCompany, lost()),
        (Op::UpsertCompany, ok(COMPANY)),
        (Op::AttachCompany, lost()),
    ]);
    assert_eq!(linked.results(), ["failed company_not_found"]);
}

#[test]
fn a_member_who_is_gone_is_looked_up_again_once() {
    let mut run = run(Some(by_id("u1")), &["a"]);
    run.script([
        (Op::UpsertCompany, ok(COMPANY)),
        (Op::SearchContacts, hits(&[&contact("c1", "u1")])),
        (Op::AttachCompany, gone()),
        (Op::SearchContacts, hits(&[])),
        (Op::CreateTag, ok("{}")),
    ]);
    assert_eq!(run.results(), ["delivered, member_not_found"]);
}

#[test]
fn a_link_that_intercom_refuses_fails_the_event() {
    let mut run = run(Some(by_id("u1")), &["a"]);
    run.script([
        (Op::UpsertCompany, ok(COMPANY)),
        (Op::SearchContacts, hits(&[&contact("c1", "u1")])),
        (
            Op::AttachCompany,
            error(400, "contact_company_limit_exceeded", "too many"),
        ),
    ]);
    assert_eq!(run.results(), ["failed bad_request"]);
    assert!(matches!(failed(run.outcome()).submission.plan, Plan::SaveCompany(_)));
}
