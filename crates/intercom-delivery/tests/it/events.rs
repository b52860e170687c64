//! Track: submit, and contacts who do not exist.

use crate::support::*;
use intercom_api::{DataEvent, OperationId as Op};
use intercom_delivery::*;
use rudderstack_to_intercom::{Identities, Plan};

fn one(policy: UnknownContactPolicy) -> Run {
    let mut settings = plain();
    settings.unknown_contact = policy;
    let mut run = Run::new(settings);
    run.submit(track("u1", "paid", 7), who("u1"));
    run
}

#[test]
fn an_event_is_one_call() {
    let mut run = one(UnknownContactPolicy::Fail);
    run.script([(Op::SubmitDataEvent, response(202, ""))]);
    assert_eq!(
        run.sent[0].body(),
        r#"{"event_name":"paid","created_at":7,"user_id":"u1"}"#
    );
    assert_eq!(delivered(run.outcome()).calls, 1);
}

#[test]
fn an_unknown_contact_fails_replayably() {
    let mut run = one(UnknownContactPolicy::Fail);
    run.script([(Op::SubmitDataEvent, gone())]);
    let failed = failed(run.outcome());
    assert_eq!(failed.code, FailureCode::UnknownContact);
    assert!(failed.is_retryable());
    assert_eq!(failed.submission.plan, track("u1", "paid", 7));
    assert_eq!((failed.status, failed.attempts, failed.calls), (Some(404), 1, 1));
    assert_eq!(failed.intercom_code.as_deref(), Some("not_found"));
}

#[test]
fn an_unknown_contact_is_created() {
    let mut run = one(UnknownContactPolicy::Create);
    run.script([
        (Op::SubmitDataEvent, gone()),
        (Op::CreateContact, ok(contact("c1", "u1"))),
        (Op::SubmitDataEvent, response(202, "")),
    ]);
    assert_eq!(run.sent[1].body(), r#"{"external_id":"u1","role":"user"}"#);
    assert_eq!(run.results(), ["delivered"]);
}

#[test]
fn an_unknown_contact_that_exists_after_all_is_met() {
    let mut run = one(UnknownContactPolicy::Create);
    run.script([
        (Op::SubmitDataEvent, gone()),
        (Op::CreateContact, conflict("c1")),
        (Op::SubmitDataEvent, response(202, "")),
    ]);
    let mut run = one(UnknownContactPolicy::Create);
    run.script([
        (Op::SubmitDataEvent, gone()),
        (Op::CreateContact, archived("c1")),
        (Op::UnarchiveContact, ok("{}")),
        (Op::SubmitDataEvent, response(202, "")),
    ]);
    let mut run = one(UnknownContactPolicy::Create);
    run.script([
        (Op::SubmitDataEvent, gone()),
        (Op::CreateContact, conflict("c1")),
        (Op::SubmitDataEvent, gone()),
    ]);
    assert_eq!(run.results(), ["failed unknown_contact"]);
}

#[test]
fn who_is_known_by_intercoms_id_only_cannot_be_created() {
    let mut settings = plain();
    settings.unknown_contact = UnknownContactPolicy::Create;
    let mut run = Run::new(settings);
    let mut event = DataEvent::new("paid");
    event.id = "c1".parse().ok();
    run.submit(Plan::SubmitEvent(event), Identities::new());
    run.script([(Op::SubmitDataEvent, gone())]);
    assert_eq!(run.results(), ["failed unknown_contact"]);
}

#[test]
fn the_limit_of_event_names_has_its_own_code() {
    let mut run = one(UnknownContactPolicy::Fail);
    run.script([(
        Op::SubmitDataEvent,
        error(400, "parameter_invalid", "Cannot have more than 120 active event names"),
    )]);
    assert_eq!(run.results(), ["failed event_name_limit"]);
    assert!(!failed(run.outcome()).is_retryable());
}

#[test]
fn an_event_with_a_user_id_is_nobody_elses_who_has_the_email() {
    let mut event = track("u1", "seen", 1);
    let Plan::SubmitEvent(data) = &mut event else {
        unreachable!()
    };
    data.email = Some("office@x.y".to_owned());
    let other = r#"{"type":"contact","id":"c2","external_id":"u2","email":"office@x.y","role":"user"}"#;
    let nameless = r#"{"type":"contact","id":"c3","email":"office@x.y","role":"user"}"#;

    let mut run = Run::new(thrifty());
    run.submit(event.clone(), who("u1"));
    run.script([(Op::SubmitDataEvent, gone()), (Op::SearchContacts, hits(&[other]))]);
    assert!(!run.sent[0].body().contains("office"), "{}", run.sent[0].body());
    assert_eq!(run.results(), ["failed unknown_contact"]);

    let mut run = Run::new(thrifty());
    run.submit(event, who("u1"));
    run.script([
        (Op::SubmitDataEvent, gone()),
        (Op::SearchContacts, hits(&[other, nameless])),
        (Op::SubmitDataEvent, response(202, "")),
    ]);
    assert!(run.sent[2].body().contains(r#""id":"c3""#), "{}", run.sent[2].body());
    assert!(!run.sent[2].body().contains("u1"));
}
