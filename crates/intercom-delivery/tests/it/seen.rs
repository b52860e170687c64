//! What the search shows already is not sent.

use crate::support::*;
use intercom_api::OperationId as Op;
use intercom_delivery::*;
use intercom_sandbox::{Sandbox, Settings};
use rudderstack_to_intercom::{Plan, SaveContact};
use std::time::Duration;

fn seen() -> EngineSettings {
    let mut settings = thrifty();
    settings.savings.skip_unchanged = SkipUnchanged::Seen;
    settings
}

/// The calls for an identify of somebody whom the search shows like this.
fn calls(shown: &str, body: &str) -> Vec<Op> {
    let mut run = Run::new(seen());
    let plan = SaveContact::new(by_id("u1"), fields(body));
    run.submit(Plan::SaveContact(plan), who("u1"));
    run.run(|sent| match sent.call.operation {
        Op::SearchContacts => hits(&[shown]),
        _ => ok(contact("c1", "u1")),
    });
    run.operations()
}

const SHOWN: &str = r#"{"id":"c1","external_id":"u1","role":"user","email":"Ann@x.org","name":"Ann","phone":null,
    "signed_up_at":1700000000,"owner_id":7,"avatar":{"type":"avatar","image_url":"https://x.org/a.png"},
    "unsubscribed_from_emails":false,"custom_attributes":{"seats":5.0,"plan":"pro","old":null,"is_admin":true}}"#;

#[test]
fn an_update_that_the_search_shows_already_is_not_made() {
    let unchanged = [
        r#"{"external_id":"u1","email":"Ann@x.org","name":"Ann","signed_up_at":1700000000,"owner_id":7}"#,
        r#"{"avatar":"https://x.org/a.png","unsubscribed_from_emails":false,"role":"user"}"#,
        r#"{"custom_attributes":{"seats":5,"plan":"pro","old":null,"never":null,"is_admin":true}}"#,
    ];
    for body in unchanged {
        assert_eq!(calls(SHOWN, body), [Op::SearchContacts], "{body}");
    }
    let changed = [
        r#"{"name":"Ann Lee"}"#,
        r#"{"email":"ann@x.org"}"#,
        r#"{"phone":"1"}"#,
        r#"{"signed_up_at":1700000001}"#,
        r#"{"custom_attributes":{"seats":5.5}}"#,
        r#"{"custom_attributes":{"plan":null}}"#,
        r#"{"custom_attributes":{"new":1}}"#,
        r#"{"custom_attributes":{"is_admin":false}}"#,
    ];
    for body in changed {
        assert_eq!(calls(SHOWN, body), [Op::SearchContacts, Op::UpdateContact], "{body}");
    }
}

#[test]
fn a_lead_becomes_a_user_all_the_same() {
    let lead = r#"{"id":"c1","role":"lead","email":"ann@x.org"}"#;
    let mut run = Run::new(seen());
    let body = fields(r#"{"external_id":"u1","email":"ann@x.org"}"#);
    run.submit(
        Plan::SaveContact(SaveContact::new(by_email("ann@x.org", Some("u1")), body)),
        who("u1"),
    );
    run.run(|sent| match sent.call.operation {
        Op::SearchContacts => hits(&[lead]),
        _ => ok(contact("c1", "u1")),
    });
    assert_eq!(run.operations(), [Op::SearchContacts, Op::UpdateContact]);
}

#[test]
fn a_contact_that_was_written_since_is_not_compared_with_what_the_search_shows() {
    let mut settings = seen();
    // Nobody is remembered for long.
    settings.remembered = 1.try_into().unwrap();
    let mut sandbox = Sandbox::new(Settings::default().with_search_lag(Duration::from_secs(60)));
    let mut run = Run::new(settings);
    let mut send = |run: &mut Run, user: &str, plan: &str| {
        run.submit(identify(user, &format!(r#"{{"plan":"{plan}"}}"#)), who(user));
        run.run(|sent| ask(&mut sandbox, sent));
    };
    send(&mut run, "u1", "a");
    send(&mut run, "u2", "a");
    run.now = run.now.after(Duration::from_secs(3_600));
    for plan in ["b", "a"] {
        send(&mut run, "u1", plan);
        send(&mut run, "u2", plan);
    }
    let updates = run
        .operations()
        .iter()
        .filter(|call| **call == Op::UpdateContact)
        .count();
    assert_eq!(updates, 4, "there and back");
}

#[test]
fn who_has_been_deleted_is_created_again_though_the_search_shows_them() {
    let shown = r#"{"id":"c1","external_id":"u1","role":"user","custom_attributes":{"plan":"a"}}"#;
    let mut run = Run::new(seen());
    run.submit(Plan::DeleteContact(by_id("u1")), who("u1"));
    run.submit(identify("u1", r#"{"plan":"a"}"#), who("u1"));
    run.run(|sent| match sent.call.operation {
        Op::SearchContacts => hits(&[shown]),
        Op::RetrieveContact | Op::DeleteContact => ok(shown),
        Op::UpdateContact => gone(),
        _ => ok(contact("c2", "u1")),
    });
    assert_eq!(run.operations().last(), Some(&Op::CreateContact));
}
