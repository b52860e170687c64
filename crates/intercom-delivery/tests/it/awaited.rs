//! Events that come before their contact (D34).

use crate::support::*;
use intercom_api::{ContactFields, DataEvent, OperationId as Op};
use intercom_delivery::*;
use rudderstack_to_intercom::{CompanyKey, Identities, Plan, SaveContact};
use std::time::Duration;

const COMPANY: &str = r#"{"type":"company","id":"i1","company_id":"k1"}"#;

fn patient() -> EngineSettings {
    thrifty().with_await_contacts(true)
}

/// A user who leaves a company.
fn leaves(user_id: &str, company: &str) -> Plan {
    let mut plan = SaveContact::new(by_id(user_id), ContactFields::new());
    plan.update.external_id = Some(user_id.into());
    plan.update.custom_attributes.insert("left", company);
    plan.detach = vec![CompanyKey::CompanyId(company.into())];
    Plan::SaveContact(plan)
}

#[test]
fn what_comes_before_its_contact_is_delivered_after_it_and_before_its_later_events() {
    let mut run = Run::new(patient());
    run.submit(track("u1", "first", 1), who("u1"));
    run.submit(group("k1", Some(by_id("u1")), &["a"]), who("u1"));
    run.submit(track("u1", "second", 2), who("u1"));
    run.submit(identify("u1", "{}"), who("u1"));
    run.submit(track("u1", "third", 3), who("u1"));
    run.script([
        (Op::SubmitDataEvent, gone()),
        // One answer is enough to know that the contact is not there.
        (Op::UpsertCompany, ok(COMPANY)),
        (Op::CreateTag, ok("{}")),
        (Op::SearchContacts, hits(&[])),
        (Op::CreateContact, ok(contact("c1", "u1"))),
        (Op::SubmitDataEvent, response(202, "")),
        // The company is saved and tagged already.
        (Op::AttachCompany, ok(COMPANY)),
        (Op::SubmitDataEvent, response(202, "")),
        (Op::SubmitDataEvent, response(202, "")),
    ]);
    let names: Vec<bool> = ["first", "second", "third"]
        .iter()
        .zip([5, 7, 8])
        .map(|(name, at)| run.sent[at].body().contains(name))
        .collect();
    assert_eq!(names, [true; 3]);
    assert_eq!(
        run.results(),
        [
            "failed unknown_contact",
            "delivered",
            "delivered, member_not_found",
            "delivered",
            "failed unknown_contact",
            "delivered",
            "delivered",
            "delivered"
        ]
    );
    assert!(run.awaited.is_empty());
}

#[test]
fn a_removal_that_comes_with_the_contact_comes_after_the_link() {
    let mut run = Run::new(patient());
    run.submit(group("k1", Some(by_id("u1")), &[]), who("u1"));
    run.submit(leaves("u1", "k1"), who("u1"));
    run.script([
        (Op::UpsertCompany, ok(COMPANY)),
        (Op::SearchContacts, hits(&[])),
        (Op::SearchContacts, hits(&[])),
        (Op::CreateContact, ok(contact("c1", "u1"))),
    ]);
    let last = run.outcomes.last().unwrap();
    assert_eq!(
        (last.event, words(last)),
        (EventId(1), "unchanged, superseded".to_owned())
    );
}

/// Fields that others have written since stay.
#[test]
fn a_company_is_saved_once_although_its_member_comes_late() {
    let mut run = Run::new(plain().with_await_contacts(true));
    run.submit(group("k1", Some(by_id("u1")), &[]), who("u1"));
    run.submit(identify("u1", "{}"), who("u1"));
    let mut is_there = false;
    run.run(|sent| match sent.call.operation {
        Op::SearchContacts if is_there => hits(&[&contact("c1", "u1")]),
        Op::SearchContacts => hits(&[]),
        Op::CreateContact => {
            is_there = true;
            ok(contact("c1", "u1"))
        }
        _ => ok(COMPANY),
    });
    let count = |wanted: Op| run.operations().iter().filter(|made| **made == wanted).count();
    assert_eq!((count(Op::UpsertCompany), count(Op::AttachCompany)), (1, 1));
}

#[test]
fn what_waits_holds_nobody_up_and_a_later_removal_holds() {
    let mut run = Run::new(patient());
    run.submit(group("k1", Some(by_id("u1")), &[]), who("u1"));
    run.submit(track("u2", "other", 1), who("u2"));
    run.submit(identify("u1", "{}"), who("u1"));
    run.submit(leaves("u1", "k1"), who("u1"));
    run.script([
        (Op::UpsertCompany, ok(COMPANY)),
        (Op::SearchContacts, hits(&[])),
        (Op::SubmitDataEvent, response(202, "")),
        (Op::SearchContacts, hits(&[])),
        (Op::CreateContact, ok(contact("c1", "u1"))),
        (Op::AttachCompany, ok(COMPANY)),
        (Op::DetachCompany, ok(COMPANY)),
        (Op::UpdateContact, ok(contact("c1", "u1"))),
    ]);
}

#[test]
fn who_may_have_come_by_another_way_is_asked_for_again_after_a_minute() {
    let mut run = Run::new(patient());
    run.submit(track("u1", "first", 1), who("u1"));
    run.script([(Op::SubmitDataEvent, gone())]);
    run.submit(track("u1", "second", 2), who("u1"));
    run.run(|sent| panic!("{} is made in vain", sent.call.operation));
    run.now = run.now.after(Duration::from_secs(61));
    run.submit(track("u1", "third", 3), who("u1"));
    let mut bodies = Vec::new();
    run.run(|sent| {
        bodies.push(sent.body().to_owned());
        response(202, "")
    });
    let order = ["third", "first", "second"];
    assert!(
        bodies.iter().zip(order).all(|(body, name)| body.contains(name)),
        "{bodies:?}"
    );
    assert_eq!(bodies.len(), 3);
}

#[test]
fn nothing_waits_unless_it_is_asked_for() {
    for settings in [thrifty(), patient().with_unknown_contact(UnknownContactPolicy::Create)] {
        let mut run = Run::new(settings);
        run.submit(track("u1", "first", 1), who("u1"));
        run.run(|sent| match sent.call.operation {
            Op::SubmitDataEvent => gone(),
            _ => ok(contact("c1", "u1")),
        });
        assert!(run.outcomes.iter().all(|outcome| outcome.awaits.is_none()));
    }
}

#[test]
fn what_is_recalled_when_everything_ends_comes_again() {
    let mut run = Run::new(patient());
    run.submit(track("u1", "first", 1), who("u1"));
    run.script([(Op::SubmitDataEvent, gone())]);
    let awaited = std::mem::take(&mut run.awaited);
    run.submit(identify("u1", "{}"), who("u1"));
    run.script([
        (Op::SearchContacts, hits(&[])),
        (Op::CreateContact, ok(contact("c1", "u1"))),
    ]);
    let arrival = run.outcomes.last().unwrap().arrival.clone().unwrap();
    assert_eq!(arrival.keys, awaited[0].keys);
    run.engine.stop();
    run.engine.recall(arrival.id, vec![*awaited[0].submission.clone()]);
    run.run(|sent| panic!("{} is made after the stop", sent.call.operation));
    assert!(run.outcomes.last().unwrap().goes_on_later());
}

#[test]
fn what_turns_out_to_wait_when_everything_ends_waits_all_the_same() {
    let mut run = Run::new(patient());
    run.submit(track("u1", "first", 1), who("u1"));
    let transmit = run.engine.poll_call(START).unwrap();
    run.engine.stop();
    let (response, _) = gone();
    run.engine.handle_response(transmit.id, &response.unwrap(), START);
    assert!(run.engine.poll_outcome().unwrap().awaits.is_some());
}

/// Somebody whom only the memory, or a search that lags, still shows has not come.
#[test]
fn a_lead_that_is_gone_is_waited_for() {
    let mut run = Run::new(patient());
    let lead = r#"{"type":"contact","id":"c1","email":"a@x.y","role":"lead"}"#;
    let visit = || {
        Plan::SaveContact(SaveContact::new(
            by_email("a@x.y", None),
            fields(r#"{"email":"a@x.y","role":"lead"}"#),
        ))
    };
    let mut seen = DataEvent::new("seen");
    seen.email = Some("a@x.y".to_owned());
    run.submit(visit(), Identities::new());
    run.submit(Plan::SubmitEvent(seen), Identities::new());
    run.script([
        (Op::SearchContacts, hits(&[])),
        (Op::CreateContact, ok(lead)),
        (Op::SubmitDataEvent, gone()),
        (Op::SearchContacts, hits(&[])),
        (Op::SubmitDataEvent, gone()),
    ]);
    assert!(run.sent[4].body().contains(r#""id":"c1""#));
    assert_eq!(run.results()[1], "failed unknown_contact");
    assert_eq!(run.awaited.len(), 1);
    // It is forgotten, and comes back as another.
    run.submit(visit(), Identities::new());
    run.script([
        (Op::SearchContacts, hits(&[])),
        (Op::CreateContact, ok(lead.replace("c1", "c2"))),
        (Op::SubmitDataEvent, response(202, "")),
    ]);
    assert!(run.awaited.is_empty());
}

#[test]
fn who_has_come_is_known_however_little_is_remembered() {
    let mut run = Run::new(patient().with_remembered(std::num::NonZeroUsize::MIN));
    let office = |user_id: &str| {
        let update = fields(&format!(r#"{{"external_id":"{user_id}","email":"office@x.y"}}"#));
        Plan::SaveContact(SaveContact::new(by_email("office@x.y", Some(user_id)), update))
    };
    let known = |id, user_id| ok(contact(id, user_id).replace("}", r#","email":"office@x.y"}"#));
    run.submit(group("k1", Some(by_id("u1")), &[]), who("u1"));
    run.submit(office("u2"), who("u2"));
    run.submit(office("u1"), who("u1"));
    run.run(|sent| match sent.call.operation {
        Op::UpsertCompany | Op::AttachCompany => ok(COMPANY),
        Op::CreateContact if sent.body().contains("u2") => known("c2", "u2"),
        Op::CreateContact => known("c1", "u1"),
        _ => hits(&[]),
    });
    assert!(run.awaited.is_empty() && run.operations().contains(&Op::AttachCompany));
}

/// What is recalled waits for the outcomes of older events: those that come into the lane with somebody else's do not wait
/// for it.
#[test]
fn who_has_come_holds_no_older_event_up() {
    let mut run = Run::new(side_by_side().with_await_contacts(true));
    run.submit(track("u1", "slow", 1), who("u1"));
    run.submit(group("k1", Some(by_id("u1")), &[]), who("u1"));
    run.submit(group("k1", Some(by_id("u2")), &[]), who("u2"));
    run.submit(identify("u2", "{}"), who("u2"));
    let server = &mut |sent: &Sent| match sent.call.operation {
        Op::SubmitDataEvent => (ok("{}").0, Duration::from_secs(5)),
        Op::SearchContacts if sent.body().contains("u1") => hits(&[&contact("c1", "u1")]),
        Op::SearchContacts => hits(&[]),
        Op::CreateContact => ok(contact("c2", "u2")),
        _ => ok(COMPANY),
    };
    while !run.operations().contains(&Op::CreateContact) {
        assert!(run.step(server));
    }
    assert!(run.step(server), "it is there");
    let mut both = who("u1");
    both.anonymous_id = Some("u2".to_owned());
    run.submit(track("u1", "last", 2), both);
    run.run(server);
    assert!(run.awaited.is_empty());
    assert_eq!(
        run.operations()
            .iter()
            .filter(|made| **made == Op::AttachCompany)
            .count(),
        2
    );
}

/// An event that is recalled may find the contact that another is just creating: what waits for it, and is not told yet, is
/// recalled with that one.
#[test]
fn what_is_told_late_is_recalled_all_the_same() {
    let seen = |user_id: &str| {
        let mut event = DataEvent::new("seen");
        (event.user_id, event.email) = (Some(user_id.into()), Some("office@x.y".to_owned()));
        Plan::SubmitEvent(event)
    };
    let mut run = Run::new(side_by_side().with_await_contacts(true));
    run.submit(seen("u1"), who("u1"));
    // Until this one has ended, nobody is told of the next.
    run.submit(group("k1", None, &["slow"]), who("u3"));
    run.submit(group("k1", Some(by_id("u1")), &[]), who("u1"));
    run.submit(identify("u1", "{}"), who("u1"));
    run.submit(seen("u2"), who("u2"));
    let mut is_there = false;
    let after = |millis, (reply, _): Reply| (reply, Duration::from_millis(millis));
    run.run(|sent| match sent.call.operation {
        Op::SubmitDataEvent if sent.body().contains("u2") => after(500, response(202, "")),
        Op::SubmitDataEvent if is_there => response(202, ""),
        Op::SubmitDataEvent => gone(),
        Op::CreateTag => after(5_000, ok("{}")),
        Op::SearchContacts => hits(&[]),
        Op::CreateContact => {
            is_there = true;
            after(2_000, ok(contact("c1", "u1")))
        }
        _ => ok(COMPANY),
    });
    assert!(run.awaited.is_empty());
    assert!(run.operations().contains(&Op::AttachCompany));
}

#[test]
fn keys_are_the_same_in_every_run() {
    assert_eq!(ContactKey::user_id("u-1"), ContactKey(10_146_915_504_629_710_213));
    assert_eq!(ContactKey::email("Ann@x.y"), ContactKey::email("ann@X.Y"));
    assert_ne!(ContactKey::email("a"), ContactKey::user_id("a"));
}
