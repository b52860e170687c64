//! Events that somebody else keeps: scopes, chains, doubt about what is not found, and what is taken back.

use crate::support::*;
use intercom_api::OperationId as Op;
use intercom_delivery::*;
use rudderstack_to_intercom::{Identities, Plan};
use std::collections::HashSet;
use std::time::Duration;

fn terms(scope: u64, chain: u64, absence: AbsencePolicy) -> Terms {
    let mut terms = Terms::new();
    (terms.scope, terms.chain, terms.absence) = (Some(scope), Some(chain), absence);
    terms
}

fn submit(run: &mut Run, event: u64, plan: Plan, who: Identities, terms: Terms) {
    let submission = Submission::new(EventId(event), plan, who).on(terms);
    run.engine.submit(submission).unwrap();
}

fn these(events: &[u64]) -> HashSet<EventId> {
    events.iter().copied().map(EventId).collect()
}

const COMPANY: &str = r#"{"type":"company","id":"i1","company_id":"k1"}"#;
const DOUBT: AbsencePolicy = AbsencePolicy::Doubt;
const BELIEVE: AbsencePolicy = AbsencePolicy::Believe;

#[test]
fn after_one_that_fails_in_passing_none_of_its_chain_is_started() {
    let mut settings = side_by_side();
    settings.max_attempts = 1.try_into().unwrap();
    settings.outcomes = OutcomeOrder::AsTheyEnd;
    let mut run = Run::new(settings);
    // One key of rudder-server's, of which the events have nothing else in common.
    for (event, user, chain) in [(1, "u1", 1), (2, "u2", 1), (3, "u3", 1), (4, "u4", 2)] {
        submit(
            &mut run,
            event,
            track(user, "a", 1),
            who(user),
            terms(1, chain, BELIEVE),
        );
    }
    run.run(|sent| match sent.event.0 {
        1 => (Ok(Response::new(202, "")), Duration::from_millis(50)),
        2 => error(503, "server_error", "later"),
        4 => gone(),
        _ => panic!("{} is held back", sent.event),
    });
    assert_eq!(
        run.results(),
        [
            "delivered",
            "failed server_error",
            "failed stopped",
            "failed unknown_contact"
        ]
    );
}

#[test]
fn one_that_never_can_be_delivered_holds_nobody_back() {
    let mut run = Run::new(side_by_side());
    for (event, user) in [(1, "u1"), (2, "u2")] {
        submit(&mut run, event, track(user, "a", 1), who(user), terms(1, 1, BELIEVE));
    }
    run.run(|sent| match sent.event.0 {
        1 => gone(),
        _ => (Ok(Response::new(202, "")), Duration::from_millis(50)),
    });
    assert_eq!(run.results(), ["failed unknown_contact", "delivered"]);
}

#[test]
fn who_is_not_found_is_doubted_before_anything_is_written() {
    for (plan, created) in [
        (group("k1", Some(by_id("u1")), &["a"]), false),
        (record_update(by_id("u1"), "{}"), false),
        (Plan::DeleteContact(by_id("u1")), false),
        (identify("u1", "{}"), true),
    ] {
        let mut run = Run::new(plain());
        submit(&mut run, 1, plan, who("u1"), terms(1, 1, DOUBT));
        run.run(|sent| match sent.call.operation {
            Op::SearchContacts => hits(&[]),
            Op::CreateContact => ok(contact("c1", "u1")),
            other => panic!("{other}"),
        });
        let expected = if created { "delivered" } else { "failed settling" };
        assert_eq!(run.results(), [expected]);
    }
}

#[test]
fn a_member_who_is_found_is_linked_as_ever() {
    let mut run = Run::new(plain());
    submit(
        &mut run,
        1,
        group("k1", Some(by_id("u1")), &["a"]),
        who("u1"),
        terms(1, 1, DOUBT),
    );
    run.script([
        (Op::SearchContacts, hits(&[&contact("c1", "u1")])),
        (Op::UpsertCompany, ok(COMPANY)),
        (Op::AttachCompany, ok(COMPANY)),
        (Op::CreateTag, ok("{}")),
    ]);
    assert_eq!(run.results(), ["delivered"]);
}

#[test]
fn within_a_scope_everything_is_saved_and_beyond_it_only_what_cannot_be_stale() {
    let mut run = Run::new(thrifty());
    let events = [(1, 1), (2, 1), (3, 2)];
    for (event, scope) in events {
        let chain = event;
        submit(
            &mut run,
            event,
            group("k1", Some(by_id("u1")), &["a"]),
            who("u1"),
            terms(scope, chain, BELIEVE),
        );
    }
    run.script([
        (Op::UpsertCompany, ok(COMPANY)),
        (Op::SearchContacts, hits(&[&contact("c1", "u1")])),
        (Op::AttachCompany, ok(COMPANY)),
        (Op::CreateTag, ok("{}")),
        // Of another request: somebody else may have changed company, link and tags meanwhile.
        (Op::UpsertCompany, ok(COMPANY)),
        (Op::AttachCompany, ok(COMPANY)),
        (Op::CreateTag, ok("{}")),
    ]);
    assert_eq!(run.results(), ["delivered", "unchanged", "delivered"]);
}

#[test]
fn identifies_are_one_update_although_events_come_between_them() {
    for (order, expected) in [(OutcomeOrder::AsTheyEnd, 1), (OutcomeOrder::AsSubmitted, 2)] {
        let mut settings = thrifty();
        settings.outcomes = order;
        let mut run = Run::new(settings);
        let plans = [
            identify("u1", r#"{"name":"A"}"#),
            track("u1", "a", 1),
            group("k1", Some(by_id("u1")), &[]),
            identify("u1", r#"{"name":"B"}"#),
        ];
        for (event, plan) in (1..).zip(plans) {
            submit(&mut run, event, plan, who("u1"), terms(1, 1, BELIEVE));
        }
        let mut writes = Vec::new();
        run.run(|sent| match sent.call.operation {
            Op::SearchContacts => hits(&[&contact("c1", "u1")]),
            Op::CreateContact | Op::UpdateContact => {
                writes.push(sent.call.body.as_ref().unwrap().get().to_owned());
                ok(contact("c1", "u1"))
            }
            Op::SubmitDataEvent => (Ok(Response::new(202, "")), Duration::ZERO),
            _ => ok(COMPANY),
        });
        assert_eq!(writes.len(), expected, "{writes:?}");
        assert!(writes[expected - 1].contains(r#""name":"B""#), "{writes:?}");
        let last = if expected == 1 { "merged into 1" } else { "delivered" };
        assert_eq!(run.results(), ["delivered", "delivered", "delivered", last]);
    }
}

#[test]
fn whose_email_it_is_may_have_changed_in_another_scope() {
    let hit = r#"{"type":"contact","id":"c1","email":"a@x.y","role":"user"}"#;
    let mut run = Run::new(thrifty());
    for (event, scope) in [(1, 1), (2, 1), (3, 2)] {
        let plan = record_update(by_email("a@x.y", None), &format!(r#"{{"name":"{event}"}}"#));
        submit(&mut run, event, plan, Identities::new(), terms(scope, event, BELIEVE));
    }
    run.script([
        (Op::SearchContacts, hits(&[hit])),
        (Op::UpdateContact, ok(hit)),
        (Op::UpdateContact, ok(hit)),
        (Op::SearchContacts, hits(&[hit])),
        (Op::UpdateContact, ok(hit)),
    ]);
    assert_eq!(run.results(), ["delivered"; 3]);
}

#[test]
fn what_is_taken_back_makes_no_further_call() {
    let mut settings = side_by_side();
    settings.concurrency = 2.try_into().unwrap();
    settings.outcomes = OutcomeOrder::AsTheyEnd;
    let mut run = Run::new(settings);
    for (event, user) in [(1, "u1"), (2, "u2"), (3, "u3"), (4, "u4")] {
        submit(
            &mut run,
            event,
            identify(user, "{}"),
            who(user),
            terms(1, event, BELIEVE),
        );
    }
    let mut server = |sent: &Sent| match (sent.call.operation, sent.event.0) {
        (Op::SearchContacts, 1) => (hits(&[]).0, Duration::from_millis(200)),
        (Op::SearchContacts, 2) => error(500, "server_error", "later"),
        (Op::SearchContacts, 4) => hits(&[]),
        (Op::CreateContact, 4) => ok(contact("c4", "u4")),
        other => panic!("{other:?} is made in vain"),
    };
    // The first is in flight then, the second sleeps, the third has not started.
    run.step(&mut server);
    run.engine.withdraw(&these(&[1, 2, 3, 99]));
    run.run(server);
    assert_eq!(
        run.results(),
        ["failed stopped", "failed stopped", "failed stopped", "delivered"]
    );
}

#[test]
fn a_last_call_that_is_in_flight_when_it_is_taken_back_counts() {
    let mut run = Run::new(side_by_side());
    submit(&mut run, 1, track("u1", "a", 1), who("u1"), terms(1, 1, BELIEVE));
    assert!(run.engine.poll_call(START).is_some_and(|transmit| {
        run.engine.withdraw(&these(&[1]));
        run.engine.handle_response(transmit.id, &Response::new(202, ""), START);
        true
    }));
    let outcome = run.engine.poll_outcome().unwrap();
    assert_eq!(words(&outcome), "delivered");
    assert!(run.engine.is_idle());
}
