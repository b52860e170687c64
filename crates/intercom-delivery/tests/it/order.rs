//! Events of one user in order, events of different users side by side.

use crate::support::*;
use intercom_api::{DataEvent, OperationId as Op};
use intercom_delivery::*;
use intercom_sandbox::{Sandbox, Settings};
use rudderstack_to_intercom::{Identities, Plan, SaveContact};
use std::time::Duration;

fn ids(user_id: Option<&str>, anonymous_id: Option<&str>, email: Option<&str>) -> Identities {
    let mut identities = Identities::new();
    identities.user_id = user_id.map(str::to_owned);
    identities.anonymous_id = anonymous_id.map(str::to_owned);
    identities.email = email.map(str::to_owned);
    identities
}

fn event(name: &str) -> Plan {
    let mut event = DataEvent::new(name);
    event.id = "c1".parse().ok();
    Plan::SubmitEvent(event)
}

/// Which events are in flight before anything is answered.
fn started(run: &mut Run) -> Vec<u64> {
    let now = run.now;
    std::iter::from_fn(|| run.engine.poll_call(now))
        .map(|transmit| transmit.event.0)
        .collect()
}

#[test]
fn events_of_different_users_go_side_by_side() {
    let mut run = Run::new(side_by_side());
    run.submit(event("a"), who("u1"));
    run.submit(event("b"), who("u2"));
    run.submit(event("c"), who("u1"));
    run.submit(event("d"), Identities::new());
    run.submit(event("e"), Identities::new());
    assert_eq!(started(&mut run), [1, 2, 4, 5]);
}

#[test]
fn any_shared_identity_makes_one_user() {
    let mut run = Run::new(side_by_side());
    run.submit(event("a"), ids(Some("u1"), Some("x"), None));
    run.submit(event("b"), ids(None, Some("x"), Some("a@b.c")));
    run.submit(event("c"), ids(None, None, Some("a@b.c")));
    run.submit(event("d"), ids(Some("u1"), None, None));
    run.submit(event("e"), ids(Some("u2"), None, None));
    assert_eq!(started(&mut run), [1, 5]);
}

#[test]
fn an_anonymous_id_that_stands_in_for_a_user_id_is_the_same_user() {
    let mut run = Run::new(side_by_side());
    run.submit(event("a"), ids(None, Some("x"), None));
    run.submit(event("b"), ids(Some("x"), None, None));
    assert_eq!(started(&mut run), [1]);
}

#[test]
fn an_email_does_not_order_events_of_different_user_ids() {
    let mut run = Run::new(side_by_side());
    let mut settings = side_by_side();
    settings.concurrency = 1000.try_into().unwrap();
    run.engine = Engine::new(settings);
    let office = Some("office@example.com");
    for at in 0..500 {
        run.submit(event("a"), ids(Some(&format!("u{at}")), None, office));
    }
    assert_eq!(started(&mut run).len(), 500);
    // Somebody without a user id may be any of them.
    run.submit(event("b"), ids(None, Some("x"), office));
    run.submit(event("c"), ids(Some("new"), None, office));
    assert_eq!(started(&mut run), [0_u64; 0]);
    run.submit(event("d"), ids(Some("other"), None, Some("other@example.com")));
    assert_eq!(started(&mut run), [503]);
}

#[test]
fn outcomes_wait_for_those_that_their_events_came_after() {
    let mut run = Run::new(side_by_side());
    let office = Some("office@example.com");
    run.submit(event("slow"), ids(Some("u1"), None, office));
    run.submit(event("loose"), ids(Some("u2"), None, office));
    let mut server = |sent: &Sent| {
        let latency = if sent.event.0 == 1 { 500 } else { 10 };
        (Ok(Response::new(202, "")), Duration::from_millis(latency))
    };
    run.until = Some(START);
    run.step(&mut server);
    // Both are in flight.
    run.submit(event("firm"), ids(None, Some("x"), office));
    run.submit(event("after"), ids(Some("u3"), None, office));
    run.until = Some(START.after(Duration::from_millis(400)));
    while run.step(&mut server) {}
    let ended = |run: &Run| run.outcomes.iter().map(|outcome| outcome.event.0).collect::<Vec<_>>();
    assert_eq!(ended(&run), [2]);
    run.until = None;
    run.run(server);
    assert_eq!(ended(&run), [2, 1, 3, 4]);
}

#[test]
fn a_record_that_changes_an_email_is_ordered_by_the_old_and_the_new() {
    let mut run = Run::new(side_by_side());
    for at in 0..50 {
        let (user, old, new) = (format!("u{at}"), format!("old{at}@x.y"), format!("new{at}@x.y"));
        let contact = fields(&format!(r#"{{"external_id":"{user}","email":"{old}"}}"#));
        let identify = SaveContact::new(by_email(&old, Some(&user)), contact);
        run.submit(Plan::SaveContact(identify), ids(Some(&user), None, Some(&old)));
        let moves = record_update(by_email(&old, None), &format!(r#"{{"email":"{new}"}}"#));
        run.submit(moves, ids(None, None, Some(&new)));
        run.submit(
            record_update(by_email(&new, None), r#"{"name":"x"}"#),
            ids(None, None, Some(&new)),
        );
    }
    let mut sandbox = Sandbox::new(Settings::default());
    run.run(|sent| ask(&mut sandbox, sent));
    assert_eq!(run.results(), ["delivered"; 150]);
}

#[test]
fn an_event_that_joins_two_users_waits_for_both() {
    let mut run = Run::new(side_by_side());
    run.submit(event("a1"), who("a"));
    run.submit(event("b1"), who("b"));
    run.submit(event("a2"), who("a"));
    run.submit(event("b2"), who("b"));
    run.submit(event("both"), ids(Some("a"), Some("b"), None));
    run.submit(event("a3"), who("a"));
    let mut order = Vec::new();
    run.run(|sent| {
        order.push(sent.event.0);
        // The first is slow.
        let latency = if sent.event.0 == 1 { 500 } else { 10 };
        (Ok(Response::new(202, "")), Duration::from_millis(latency))
    });
    assert_eq!(order, [1, 2, 3, 4, 5, 6]);
    let slow = run.sent[2].at.since(START);
    assert!(
        slow >= Duration::from_millis(500),
        "joined users wait for both: {slow:?}"
    );
}

#[test]
fn an_identity_holds_users_together_only_while_it_is_queued() {
    let mut run = Run::new(side_by_side());
    run.submit(event("a"), ids(Some("u1"), Some("shared"), None));
    run.submit(event("b"), ids(Some("u2"), Some("shared"), None));
    run.run(|_| response(202, ""));
    run.submit(event("c"), who("u1"));
    run.submit(event("d"), who("u2"));
    assert_eq!(started(&mut run), [3, 4]);
}

#[test]
fn a_failed_event_does_not_stop_the_next() {
    let mut run = Run::new(side_by_side());
    run.submit(event("a"), who("u1"));
    run.submit(event("b"), who("u1"));
    run.run(|sent| match sent.event.0 {
        1 => error(400, "bad", "no"),
        _ => response(202, ""),
    });
    assert_eq!(run.results(), ["failed bad_request", "delivered"]);
}

#[test]
fn the_queue_is_bounded_and_gives_events_back() {
    let mut settings = side_by_side();
    settings.queue = 2.try_into().unwrap();
    let mut engine = Engine::new(settings);
    let submission = |at| Submission::new(EventId(at), event("x"), who("u1"));
    engine.submit(submission(1)).unwrap();
    engine.submit(submission(2)).unwrap();
    assert_eq!(engine.room(), 0);
    let refused = engine.submit(submission(3)).unwrap_err();
    assert_eq!(refused.reason, RefusalReason::QueueFull);
    assert_eq!(*refused.submission, submission(3));
    let transmit = engine.poll_call(START).unwrap();
    engine.handle_response(transmit.id, &Response::new(202, ""), START);
    assert_eq!(engine.room(), 0, "an outcome that has not been fetched counts");
    assert_eq!(engine.poll_outcome().unwrap().event, EventId(1));
    engine.submit(submission(3)).unwrap();
}

#[test]
fn calls_in_flight_are_bounded() {
    let mut settings = side_by_side();
    settings.concurrency = 3.try_into().unwrap();
    let mut run = Run::new(settings);
    for at in 0..9 {
        run.submit(event("x"), who(&format!("u{at}")));
    }
    assert_eq!(started(&mut run), [1, 2, 3]);
    assert_eq!(run.engine.status().in_flight, 3);
    assert_eq!(run.engine.status().queued, 6);
    assert_eq!(run.engine.status().waiting, Some(Waiting::Responses));
}

/// Two events about one contact that share no identity.
fn two_ways(first: &str, second: &str) -> Run {
    let mut settings = side_by_side();
    // Each is looked up by a search of its own.
    settings.savings.batch_lookups = false;
    let mut run = Run::new(settings);
    let by_user = SaveContact::new(by_id("u1"), fields(first));
    let by_mail = SaveContact::new(by_email("a@b.c", None), fields(second));
    run.submit(Plan::SaveContact(by_user), who("u1"));
    run.submit(Plan::SaveContact(by_mail), ids(None, None, Some("a@b.c")));
    run
}

#[test]
fn an_older_event_does_not_overwrite_a_newer_one_of_the_same_contact() {
    let mut run = two_ways(r#"{"name":"old","phone":"1"}"#, r#"{"name":"new"}"#);
    run.run(|sent| match (sent.call.operation, sent.event.0) {
        // The older event's search is slow.
        (Op::SearchContacts, 1) => (hits(&[&contact("c1", "u1")]).0, Duration::from_secs(2)),
        (Op::SearchContacts, _) => hits(&[&contact("c1", "u1")]),
        _ => ok(contact("c1", "u1")),
    });
    let bodies: Vec<&str> = run.sent[2..].iter().map(Sent::body).collect();
    assert_eq!(bodies, [r#"{"name":"new"}"#, r#"{"phone":"1"}"#]);
    assert_eq!(run.results(), ["delivered", "delivered"]);
}

#[test]
fn writes_of_one_contact_are_never_in_flight_together() {
    let mut run = two_ways(r#"{"name":"old"}"#, r#"{"name":"new"}"#);
    let mut until = START;
    run.run(|sent| match sent.call.operation {
        Op::SearchContacts => hits(&[&contact("c1", "u1")]),
        _ => {
            assert!(sent.at >= until, "two updates of one contact in flight");
            until = sent.at.after(Duration::from_millis(50));
            ok(contact("c1", "u1"))
        }
    });
    assert_eq!(run.sent.last().unwrap().body(), r#"{"name":"new"}"#);
}

#[test]
fn members_of_one_company_save_it_once() {
    let mut run = Run::new(side_by_side());
    for user in ["u1", "u2", "u3", "u4"] {
        run.submit(group("k1", Some(by_id(user)), &["t"]), who(user));
    }
    run.run(|sent| match sent.call.operation {
        Op::SearchContacts => hits(&[&contact(&format!("c{}", sent.event), &format!("u{}", sent.event))]),
        _ => ok(r#"{"id":"i1"}"#),
    });
    let count = |wanted: Op| run.operations().iter().filter(|call| **call == wanted).count();
    assert_eq!(
        (count(Op::UpsertCompany), count(Op::AttachCompany), count(Op::CreateTag)),
        (1, 4, 1)
    );
    assert_eq!(run.results(), ["delivered"; 4]);
}

/// Two users' events about one company, of which the older fails at first.
fn two_members(older: fn(&Sent) -> Reply) -> Run {
    let mut run = Run::new(side_by_side());
    run.submit(group("k1", None, &["old"]), who("u1"));
    run.submit(group("k1", None, &[]), who("u2"));
    run.submit(track("u2", "paid", 7), who("u2"));
    run.submit(track("u3", "paid", 7), who("u3"));
    let mut server = move |sent: &Sent| match sent.event.0 {
        1 if sent.call.operation == Op::CreateTag => older(sent),
        _ => ok(r#"{"id":"i1"}"#),
    };
    run.until = Some(START.after(Duration::from_millis(400)));
    while run.step(&mut server) {}
    run.until = None;
    run
}

#[test]
fn outcomes_come_in_an_order_that_a_record_can_rely_on() {
    let mut run = two_members(|_| (Ok(Response::new(200, "{}")), Duration::from_secs(5)));
    let ended = |run: &Run| run.outcomes.iter().map(|outcome| outcome.event.0).collect::<Vec<_>>();
    assert_eq!(
        ended(&run),
        [4],
        "delivered, but not to be recorded before the older event"
    );
    run.run(|_| unreachable!("all calls have been made"));
    assert_eq!(ended(&run), [4, 1, 2, 3]);
    assert_eq!(run.results(), ["delivered", "unchanged", "delivered", "delivered"]);
}

#[test]
fn what_was_delivered_after_an_event_that_is_cut_short_is_given_back_with_it() {
    let mut run = two_members(|_| (Ok(Response::new(503, "")), Duration::from_millis(300)));
    run.engine.stop();
    run.run(|_| response(202, ""));
    assert_eq!(
        run.results(),
        ["failed stopped", "failed stopped", "failed stopped", "delivered"]
    );
    assert_eq!(failed(&run.outcomes[2]).submission.event, EventId(2));
}

#[test]
fn known_contacts_hold_events_together_that_share_no_identity() {
    let mut run = Run::new(side_by_side());
    let mut known = KnownContact::new("c1".parse().unwrap());
    known.external_id = Some("u1".into());
    known.email = Some("a@b.c".into());
    run.engine.remember_contact(&known);
    run.submit(event("a"), ids(Some("u1"), None, None));
    run.submit(event("b"), ids(None, None, Some("a@b.c")));
    run.submit(event("c"), ids(None, None, Some("other@b.c")));
    assert_eq!(started(&mut run), [1, 3]);
}

#[test]
fn contacts_that_become_known_hold_events_together_from_then_on() {
    let mut run = Run::new(side_by_side());
    let both = fields(r#"{"external_id":"u1","email":"a@b.c"}"#);
    let plan = SaveContact::new(by_email("a@b.c", Some("u1")), both);
    run.submit(Plan::SaveContact(plan), ids(Some("u1"), None, Some("a@b.c")));
    run.submit(event("by email"), ids(None, None, Some("a@b.c")));
    let mut server = |sent: &Sent| match sent.call.operation {
        Op::SearchContacts => hits(&[]),
        Op::CreateContact => ok(r#"{"id":"c1","external_id":"u1","email":"a@b.c"}"#),
        _ => (Ok(Response::new(202, "")), Duration::from_secs(5)),
    };
    while run.outcomes.is_empty() {
        run.step(&mut server);
    }
    assert_eq!(started(&mut run), [2]);
    // The contact is known by now, and the event by email is in flight.
    run.submit(event("by id"), ids(Some("u1"), None, None));
    assert_eq!(started(&mut run), [0_u64; 0]);
}
