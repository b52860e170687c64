//! Records of reverse ETL: insert, update, delete.

use crate::support::*;
use intercom_api::OperationId as Op;
use intercom_delivery::*;
use rudderstack_to_intercom::{Identities, Lookup, Missing, Plan, SaveContact};
use std::time::Duration;

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
        (Op::RetrieveContact, ok(contact("c1", "u1"))),
        (Op::DeleteContact, ok(r#"{"id":"c1","deleted":true}"#)),
    ]);
    assert_eq!(run.results(), ["delivered"]);
    // The search index lags behind a deletion as well.
    let mut run = delete();
    run.script([
        (Op::SearchContacts, hits(&[&contact("c1", "u1")])),
        (Op::RetrieveContact, gone()),
    ]);
    assert_eq!(run.results(), ["unchanged"]);
    let mut run = delete();
    run.script([
        (Op::SearchContacts, hits(&[&contact("c1", "u1")])),
        (Op::RetrieveContact, ok(contact("c1", "u1"))),
        (Op::DeleteContact, gone()),
    ]);
    assert_eq!(run.results(), ["unchanged"]);
}

/// A contact `id` with this email.
fn with_email(id: &str, email: &str) -> String {
    format!(r#"{{"type":"contact","id":"{id}","email":"{email}","role":"lead"}}"#)
}

fn delete_by_email() -> Run {
    let mut run = Run::new(plain());
    run.submit(Plan::DeleteContact(by_email("a@x.y", None)), Identities::new());
    run
}

#[test]
fn a_hit_that_is_somebody_else_by_now_is_not_deleted() {
    let (stale, real) = (with_email("c1", "a@x.y"), with_email("c2", "A@x.y"));
    let mut run = delete_by_email();
    run.script([
        (Op::SearchContacts, hits(&[&stale])),
        (Op::RetrieveContact, ok(with_email("c1", "b@x.y"))),
    ]);
    assert_eq!(run.results(), ["unchanged"]);
    let mut run = delete_by_email();
    run.script([
        (Op::SearchContacts, hits(&[&stale, &real])),
        (Op::RetrieveContact, ok(with_email("c1", "b@x.y"))),
        (Op::RetrieveContact, ok(&real)),
        (Op::DeleteContact, ok(r#"{"id":"c2","deleted":true}"#)),
    ]);
    assert_eq!(run.sent[3].call.path, "/contacts/c2");
    assert_eq!(run.results(), ["delivered"]);
}

#[test]
fn of_several_that_fit_none_is_deleted() {
    let (one, other) = (with_email("c1", "a@x.y"), with_email("c2", "a@x.y"));
    let mut run = delete_by_email();
    run.script([
        (Op::SearchContacts, hits(&[&one, &other])),
        (Op::RetrieveContact, ok(&one)),
        (Op::RetrieveContact, ok(&other)),
    ]);
    assert_eq!(run.results(), ["failed ambiguous_contact"]);
    // One that is remembered counts, too.
    let mut run = Run::new(thrifty());
    run.engine.remember_contact(&known("c9", "a@x.y"));
    run.submit(Plan::DeleteContact(by_email("a@x.y", None)), Identities::new());
    run.script([
        (Op::SearchContacts, hits(&[&one])),
        (Op::RetrieveContact, ok(&one)),
        (Op::RetrieveContact, ok(with_email("c9", "a@x.y"))),
    ]);
    assert_eq!(run.results(), ["failed ambiguous_contact"]);
}

#[test]
fn who_is_remembered_is_read_before_a_deletion_as_well() {
    let mut run = Run::new(thrifty());
    let mut remembered = known("c1", "a@x.y");
    remembered.external_id = Some("u1".into());
    run.engine.remember_contact(&remembered);
    run.submit(Plan::DeleteContact(by_id("u1")), who("u1"));
    run.script([
        (Op::RetrieveContact, ok(contact("c1", "u2"))),
        (Op::SearchContacts, hits(&[&contact("c2", "u1")])),
        (Op::RetrieveContact, ok(contact("c2", "u1"))),
        (Op::DeleteContact, ok(r#"{"id":"c2","deleted":true}"#)),
    ]);
    assert_eq!(run.results(), ["delivered"]);
}

fn known(id: &str, email: &str) -> KnownContact {
    let mut known = KnownContact::new(id.parse().unwrap());
    known.email = Some(email.to_owned());
    known.is_written = true;
    known
}

fn moves(from: &str, to: &str) -> Plan {
    let fields = format!(r#"{{"email":"{to}","custom_attributes":{{"plan":"pro"}}}}"#);
    record_update(by_email(from, None), &fields)
}

fn moved(id: &str, email: &str, plan: &str) -> String {
    format!(
        r#"{{"type":"contact","id":"{id}","email":"{email}","role":"user","custom_attributes":{{"plan":"{plan}"}}}}"#
    )
}

#[test]
fn a_move_that_was_made_before_is_done() {
    let mut run = Run::new(plain());
    run.submit(moves("old@x.y", "New@x.y"), Identities::new());
    run.script([
        (Op::SearchContacts, hits(&[])),
        (Op::SearchContacts, hits(&[&moved("c1", "new@x.y", "free")])),
        (Op::RetrieveContact, ok(moved("c1", "new@x.y", "pro"))),
    ]);
    assert!(run.sent[1].body().contains(r#""new@x.y""#), "{}", run.sent[1].body());
    assert_eq!(run.results(), ["unchanged"]);
    // By its id, and by one that is remembered, because the search lags behind.
    let mut run = Run::new(thrifty());
    let mut known = known("c1", "a@x.y");
    known.external_id = Some("u2".into());
    run.engine.remember_contact(&known);
    run.submit(record_update(by_id("u1"), r#"{"external_id":"u2"}"#), who("u1"));
    run.script([
        (Op::SearchContacts, hits(&[])),
        (Op::RetrieveContact, ok(contact("c1", "u2"))),
    ]);
    assert_eq!(run.results(), ["unchanged"]);
}

#[test]
fn who_has_the_new_email_and_is_somebody_else_is_left_alone() {
    let rejected = |found: &[&str], read: &[String]| {
        let mut run = Run::new(plain());
        run.submit(moves("old@x.y", "new@x.y"), Identities::new());
        let mut script = vec![(Op::SearchContacts, hits(&[])), (Op::SearchContacts, hits(found))];
        script.extend(read.iter().map(|contact| (Op::RetrieveContact, ok(contact))));
        let mut script = script.into_iter();
        run.run(|sent| {
            let (operation, reply) = script.next().unwrap();
            assert_eq!(sent.call.operation, operation);
            reply
        });
        assert_eq!(script.len(), 0);
        assert_eq!(run.results(), ["rejected contact_not_found"]);
    };
    let (one, other) = (moved("c1", "new@x.y", "free"), moved("c2", "new@x.y", "pro"));
    rejected(&[], &[]);
    rejected(&[&one], std::slice::from_ref(&one));
    rejected(&[&other], &[moved("c2", "third@x.y", "pro")]);
    rejected(&[&one, &other], &[]);
}

/// In some workspaces several users have one email, so that only Intercom can tell whether one is in the way of another.
#[test]
fn who_has_the_email_is_not_taken_for_who_is_looked_up_by_something_else() {
    let mut run = Run::new(thrifty());
    run.engine.remember_contact(&known("c1", "a@x.y"));
    let phone = Lookup::new("phone".parse().unwrap(), "+44 1");
    let given = fields(r#"{"external_id":"u1","email":"a@x.y","phone":"+44 1"}"#);
    run.submit(Plan::SaveContact(SaveContact::new(phone, given)), who("u1"));
    run.script([
        (Op::SearchContacts, hits(&[])),
        (Op::CreateContact, ok(contact("c2", "u1"))),
    ]);
    assert_eq!(run.results(), ["delivered"]);
}

/// The search lags behind what gave somebody the email, and another user has asked for it in vain meanwhile.
#[test]
fn who_has_an_email_is_known_whoever_else_asked_for_it() {
    let mut run = Run::new(plain());
    let mut owner = known("c1", "a@x.y");
    owner.external_id = Some("u1".into());
    run.engine.remember_contact(&owner);
    let update = record_update(by_email("a@x.y", Some("u2")), r#"{"name":"x"}"#);
    run.submit(update, who("u2"));
    run.submit(moves("a@x.y", "b@x.y"), Identities::new());
    let other = r#"{"id":"c2","external_id":"u2","email":null,"role":"user"}"#;
    run.script([
        (Op::SearchContacts, hits(&[other])),
        (Op::UpdateContact, ok("{}")),
        (Op::SearchContacts, hits(&[])),
        (Op::UpdateContact, ok("{}")),
    ]);
    assert_eq!(run.results(), ["delivered"; 2]);
    assert_eq!(run.sent[3].call.path, "/contacts/c1");
}

#[test]
fn what_was_begun_goes_on_with_its_contact() {
    let mut run = Run::new(plain());
    run.submit_again(moves("old@x.y", "new@x.y"), Identities::new(), Some("c1"));
    run.script([
        (Op::RetrieveContact, ok(moved("c1", "new@x.y", "later"))),
        (Op::UpdateContact, ok("{}")),
    ]);
    assert_eq!(run.results(), ["delivered"]);
    // Unless that has become somebody else meanwhile.
    let mut run = Run::new(plain());
    run.submit_again(moves("old@x.y", "new@x.y"), Identities::new(), Some("c1"));
    run.script([
        (Op::RetrieveContact, ok(moved("c1", "third@x.y", "pro"))),
        (Op::SearchContacts, hits(&[&moved("c2", "old@x.y", "free")])),
        (Op::UpdateContact, ok("{}")),
    ]);
    assert_eq!(run.sent[2].call.path, "/contacts/c2");
    // What has been deleted is not looked for: whoever is found came later.
    let mut run = Run::new(plain());
    run.submit_again(
        Plan::DeleteContact(by_email("a@x.y", None)),
        Identities::new(),
        Some("c1"),
    );
    run.script([(Op::RetrieveContact, gone())]);
    assert_eq!(run.results(), ["unchanged"]);
}

/// Whatever ends or changes who somebody is waits until all that came before is on record.
#[test]
fn a_move_and_a_deletion_are_noted_before_they_are_made() {
    let mut settings = side_by_side();
    settings.notes_intents = true;
    let mut run = Run::new(settings);
    run.notes = false;
    run.submit(identify("u1", r#"{"a":1}"#), who("u1"));
    run.submit(record_update(by_id("u1"), r#"{"external_id":"u2"}"#), who("u1"));
    run.submit(Plan::DeleteContact(by_id("u2")), who("u2"));
    let mut id = "u1";
    let mut go_on = |run: &mut Run| {
        while run.step(&mut |sent: &Sent| {
            let is_move = sent.body().contains(r#""external_id":"u2""#);
            id = if is_move { "u2" } else { id };
            ok(match sent.call.operation {
                Op::SearchContacts => format!(r#"{{"data":[{}]}}"#, contact("c1", id)),
                _ => contact("c1", id),
            })
        }) {}
    };
    go_on(&mut run);
    assert_eq!(run.operations(), [Op::SearchContacts, Op::UpdateContact]);
    for (at, operation) in [(0, Op::UpdateContact), (1, Op::DeleteContact)] {
        let (intent, outcomes) = run.intents[at].clone();
        assert_eq!((intent.event, outcomes), (EventId(at as u64 + 2), at + 1));
        assert_eq!(intent.contact.as_str(), "c1");
        run.engine.noted(&intent);
        go_on(&mut run);
        assert!(run.operations().contains(&operation));
    }
    assert_eq!(run.results(), ["delivered"; 3]);
}

#[test]
fn what_waits_to_be_noted_ends_with_everything() {
    let mut settings = side_by_side();
    settings.notes_intents = true;
    let mut run = Run::new(settings);
    run.notes = false;
    run.submit(Plan::DeleteContact(by_id("u1")), who("u1"));
    while run.step(&mut |sent| match sent.call.operation {
        Op::SearchContacts => hits(&[&contact("c1", "u1")]),
        _ => ok(contact("c1", "u1")),
    }) {}
    assert_eq!(run.intents.len(), 1);
    run.engine.stop();
    run.run(|_| unreachable!());
    assert_eq!(run.results(), ["failed stopped"]);
}

/// Who turns out to be one with somebody else may have older events that wait. What is about to be noted waits for their
/// outcomes, so that they must not wait for it.
#[test]
fn what_waits_to_be_noted_holds_no_older_event_up() {
    let mut settings = side_by_side();
    settings.notes_intents = true;
    let mut run = Run::new(settings);
    run.submit(track("u1", "slow", 1), who("u1"));
    run.submit(group("k1", Some(by_id("u1")), &[]), who("u1"));
    run.submit(group("k1", Some(by_id("u2")), &[]), who("u2"));
    run.submit(Plan::DeleteContact(by_id("u2")), who("u2"));
    let server = &mut |sent: &Sent| match sent.call.operation {
        Op::SubmitDataEvent => (ok("{}").0, Duration::from_secs(5)),
        Op::SearchContacts if sent.body().contains("u1") => hits(&[&contact("c1", "u1")]),
        Op::SearchContacts => hits(&[&contact("c2", "u2")]),
        Op::RetrieveContact => ok(contact("c2", "u2")),
        _ => ok(r#"{"type":"company","id":"i1","company_id":"k1"}"#),
    };
    while !run.operations().contains(&Op::RetrieveContact) {
        assert!(run.step(server));
    }
    let mut both = who("u1");
    both.anonymous_id = Some("u2".to_owned());
    run.submit(track("u1", "last", 2), both);
    run.run(server);
    assert_eq!(run.intents.len(), 1);
    assert_eq!(run.results(), ["delivered"; 5]);
}
