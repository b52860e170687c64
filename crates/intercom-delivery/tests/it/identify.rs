//! Identify: find, then update or create, and what may go wrong on the way.

use crate::support::*;
use intercom_api::OperationId as Op;
use intercom_delivery::*;
use rudderstack_to_intercom::{CompanyKey, FieldLookup, Lookup, LookupField, Plan, SaveContact};

fn one() -> Run {
    let mut run = Run::new(plain());
    run.submit(identify("u1", r#"{"plan":"pro"}"#), who("u1"));
    run
}

#[test]
fn a_known_contact_is_updated() {
    let mut run = one();
    run.script([
        (Op::SearchContacts, hits(&[&contact("c1", "u1")])),
        (Op::UpdateContact, ok(contact("c1", "u1"))),
    ]);
    assert_eq!(run.sent[1].call.path, "/contacts/c1");
    assert_eq!(
        run.sent[1].body(),
        r#"{"external_id":"u1","custom_attributes":{"plan":"pro"}}"#
    );
    let delivered = delivered(run.outcome());
    assert_eq!(delivered.calls, 2);
    assert_eq!(delivered.contact, "c1".parse().ok());
}

#[test]
fn an_unknown_contact_is_created() {
    let mut run = one();
    run.script([
        (Op::SearchContacts, hits(&[])),
        (Op::CreateContact, ok(contact("c1", "u1"))),
    ]);
    let learnt = run.outcome().learnt.clone().unwrap();
    assert_eq!(learnt.id.as_str(), "c1");
    assert_eq!(learnt.external_id, Some("u1".into()));
    assert!(!format!("{learnt:?}").contains("u1"));
}

#[test]
fn a_conflict_names_the_contact_that_is_updated_in_the_same_attempt() {
    let mut run = one();
    run.script([
        (Op::SearchContacts, hits(&[])),
        (Op::CreateContact, conflict("c9")),
        (Op::UpdateContact, ok(contact("c9", "u1"))),
    ]);
    assert_eq!(run.sent[2].call.path, "/contacts/c9");
    assert_eq!(run.results(), ["delivered"]);
    assert_eq!(run.now.since(START).as_millis(), 150, "nothing was waited for");
}

#[test]
fn a_response_with_an_id_that_would_lead_elsewhere_is_none() {
    for id in ["", ".", ".."] {
        for operation in [Op::SearchContacts, Op::CreateContact] {
            let mut run = one();
            run.run(|sent| match (sent.call.operation, operation) {
                (Op::SearchContacts, Op::CreateContact) => hits(&[]),
                _ if operation == Op::CreateContact => ok(contact(id, "u1")),
                _ => hits(&[&contact(id, "u1")]),
            });
            assert_eq!(run.results(), ["failed invalid_response"], "{id:?}");
            assert!(
                run.sent.iter().all(|sent| sent.call.path.starts_with("/contacts")),
                "{id:?}"
            );
            assert!(
                run.sent.iter().all(|sent| sent.call.operation != Op::UpdateContact),
                "{id:?}"
            );
        }
        let mut run = one();
        run.script([(Op::SearchContacts, hits(&[])), (Op::CreateContact, conflict(id))]);
        assert_eq!(run.results(), ["failed conflict"], "{id:?}");
    }
}

#[test]
fn a_contact_is_not_called_by_an_id_that_would_lead_elsewhere() {
    for id in [".", ".."] {
        let mut run = Run::new(thrifty());
        let lookup = Lookup::new("id".parse().unwrap(), id);
        run.submit(Plan::DeleteContact(lookup), who("u1"));
        run.script([(Op::SearchContacts, hits(&[]))]);
    }
}

#[test]
fn a_conflict_without_an_id_fails() {
    let mut run = one();
    run.script([
        (Op::SearchContacts, hits(&[])),
        (Op::CreateContact, error(409, "conflict", "Already there")),
    ]);
    assert_eq!(run.results(), ["failed conflict"]);
}

#[test]
fn an_archived_contact_is_restored_and_updated() {
    let mut run = one();
    run.script([
        (Op::SearchContacts, hits(&[])),
        (Op::CreateContact, archived("c7")),
        (Op::UnarchiveContact, ok(r#"{"id":"c7"}"#)),
        (Op::UpdateContact, ok(contact("c7", "u1"))),
    ]);
    assert_eq!(run.sent[2].call.path, "/contacts/c7/unarchive");
    assert_eq!(run.results(), ["delivered"]);
}

#[test]
fn an_archived_contact_fails_if_the_policy_says_so() {
    let mut settings = plain();
    settings.archived = ArchivedPolicy::Fail;
    let mut run = Run::new(settings);
    run.submit(identify("u1", "{}"), who("u1"));
    run.script([(Op::SearchContacts, hits(&[])), (Op::CreateContact, archived("c7"))]);
    assert_eq!(run.results(), ["failed contact_archived"]);
    assert_eq!(failed(run.outcome()).request_id.as_deref(), Some("r-409"));
}

#[test]
fn an_archived_contact_that_somebody_else_restores_is_updated() {
    let mut run = one();
    run.script([
        (Op::SearchContacts, hits(&[])),
        (Op::CreateContact, archived("c7")),
        (Op::UnarchiveContact, error(400, "parameter_invalid", "Not archived")),
        (Op::UpdateContact, ok(contact("c7", "u1"))),
    ]);
    assert_eq!(run.results(), ["delivered"]);
}

#[test]
fn a_contact_that_is_gone_is_looked_up_again_once() {
    for status in [404, 410] {
        let mut run = one();
        run.script([
            (Op::SearchContacts, hits(&[&contact("c1", "u1")])),
            (Op::UpdateContact, error(status, "contact_merged", "gone")),
            (Op::SearchContacts, hits(&[&contact("c2", "u1")])),
            (Op::UpdateContact, ok(contact("c2", "u1"))),
        ]);
        assert_eq!(run.results(), ["delivered"]);
        assert_eq!(delivered(run.outcome()).contact, "c2".parse().ok());
    }
}

#[test]
fn a_contact_that_is_gone_for_good_is_created() {
    let mut run = one();
    run.script([
        (Op::SearchContacts, hits(&[&contact("c1", "u1")])),
        (Op::UpdateContact, gone()),
        (Op::SearchContacts, hits(&[])),
        (Op::CreateContact, ok(contact("c2", "u1"))),
    ]);
    assert_eq!(run.results(), ["delivered"]);
}

#[test]
fn a_search_index_that_still_shows_a_contact_that_is_gone_does_not_matter() {
    let mut run = one();
    run.script([
        (Op::SearchContacts, hits(&[&contact("c1", "u1")])),
        (Op::UpdateContact, gone()),
        (Op::SearchContacts, hits(&[&contact("c1", "u1")])),
        (Op::UpdateContact, gone()),
        (Op::CreateContact, ok(contact("c2", "u1"))),
    ]);
    assert_eq!(run.results(), ["delivered"]);
}

#[test]
fn contradictions_come_to_an_end() {
    let mut run = one();
    run.run(|sent| match sent.call.operation {
        Op::SearchContacts => hits(&[&contact("c1", "u1")]),
        Op::CreateContact => conflict("c1"),
        _ => gone(),
    });
    assert_eq!(run.results(), ["failed not_found"]);
    let mut run = one();
    run.run(|sent| match sent.call.operation {
        Op::SearchContacts => hits(&[]),
        Op::CreateContact => archived("c1"),
        _ => gone(),
    });
    assert_eq!(run.results(), ["failed not_found"]);
    assert!(run.sent.len() < 12, "{}", run.sent.len());
}

#[test]
fn the_best_of_several_hits_is_updated() {
    let hit = |id: &str, external_id: &str, role: &str| {
        format!(r#"{{"id":"{id}","external_id":"{external_id}","role":"{role}"}}"#)
    };
    let lead = hit("lead", "x", "lead");
    let user = hit("user", "y", "user");
    let mine = hit("mine", "u1", "lead");
    for (page, best) in [
        (vec![&lead, &user, &mine], "mine"),
        (vec![&lead, &user], "user"),
        (vec![&lead, &lead], "lead"),
    ] {
        let mut run = Run::new(plain());
        let mut lookup = FieldLookup::new(LookupField::EMAIL, "a@b.c");
        lookup.prefer = Some("u1".into());
        let plan = SaveContact::new(lookup.into(), fields(r#"{"email":"a@b.c"}"#));
        run.submit(Plan::SaveContact(plan), who("u1"));
        let page: Vec<&str> = page.into_iter().map(String::as_str).collect();
        run.script([(Op::SearchContacts, hits(&page)), (Op::UpdateContact, ok("{}"))]);
        assert_eq!(run.sent[1].call.path, format!("/contacts/{best}"));
        assert_eq!(run.results(), ["delivered, ambiguous_contact"]);
    }
}

fn leaving(key: CompanyKey) -> Run {
    let mut run = Run::new(plain());
    let mut plan = SaveContact::new(by_id("u1"), fields(r#"{"external_id":"u1"}"#));
    plan.detach = vec![key];
    run.submit(Plan::SaveContact(plan), who("u1"));
    run
}

#[test]
fn a_contact_leaves_the_company_before_the_update() {
    let mut run = leaving(CompanyKey::CompanyId("k 1".into()));
    run.script([
        (Op::SearchContacts, hits(&[&contact("c1", "u1")])),
        (Op::FindCompany, ok(r#"{"id":"i1"}"#)),
        (Op::DetachCompany, ok("{}")),
        (Op::UpdateContact, ok("{}")),
    ]);
    assert_eq!(run.sent[1].call.path_and_query(), "/companies?company_id=k%201");
    assert_eq!(run.sent[2].call.path, "/contacts/c1/companies/i1");
}

#[test]
fn a_company_that_is_unknown_or_not_linked_is_left_already() {
    let mut run = leaving(CompanyKey::Name("Acme".into()));
    run.script([
        (Op::SearchContacts, hits(&[&contact("c1", "u1")])),
        (Op::FindCompany, error(404, "company_not_found", "Company Not Found")),
        (Op::UpdateContact, ok("{}")),
    ]);
    let mut run = leaving(CompanyKey::Name("Acme".into()));
    run.script([
        (Op::SearchContacts, hits(&[&contact("c1", "u1")])),
        (Op::FindCompany, ok(r#"{"type":"list","data":[]}"#)),
        (Op::UpdateContact, ok("{}")),
    ]);
    let mut run = leaving(CompanyKey::Name("Acme".into()));
    run.script([
        (Op::SearchContacts, hits(&[&contact("c1", "u1")])),
        (Op::FindCompany, ok(r#"{"id":"i1"}"#)),
        (Op::DetachCompany, error(404, "company_not_found", "Company Not Found")),
        (Op::UpdateContact, ok("{}")),
    ]);
    assert_eq!(run.results(), ["delivered"]);
}

#[test]
fn who_does_not_exist_leaves_no_company() {
    let mut run = leaving(CompanyKey::CompanyId("k1".into()));
    run.script([
        (Op::SearchContacts, hits(&[])),
        (Op::CreateContact, ok(contact("c1", "u1"))),
    ]);
    // A conflict shows that the contact exists after all.
    let mut run = leaving(CompanyKey::CompanyId("k1".into()));
    run.script([
        (Op::SearchContacts, hits(&[])),
        (Op::CreateContact, conflict("c1")),
        (Op::FindCompany, ok(r#"{"id":"i1"}"#)),
        (Op::DetachCompany, ok("{}")),
        (Op::UpdateContact, ok("{}")),
    ]);
    assert_eq!(run.results(), ["delivered"]);
}

#[test]
fn a_plan_resumes_at_the_call_that_failed() {
    let mut run = leaving(CompanyKey::CompanyId("k1".into()));
    run.script([
        (Op::SearchContacts, hits(&[&contact("c1", "u1")])),
        (Op::FindCompany, response(503, "")),
        (Op::FindCompany, ok(r#"{"id":"i1"}"#)),
        (Op::DetachCompany, broken(TransportFailure::Timeout)),
        (Op::DetachCompany, ok("{}")),
        (Op::UpdateContact, broken(TransportFailure::Interrupted)),
        (Op::UpdateContact, ok("{}")),
    ]);
    assert_eq!(delivered(run.outcome()).calls, 7);
    let attempts: Vec<u32> = run.sent.iter().map(|sent| sent.attempt).collect();
    assert_eq!(attempts, [1, 1, 2, 1, 2, 1, 2]);
}
