//! What goes in and what comes out can be kept: in a queue, a journal, a database.

use exact_json::testing::{anywhere, object};
use intercom_api::DataEvent;
use intercom_delivery::{
    AssumedLimit, Delivered, DeliveryResult, DeliveryWarning, Engine, EngineSettings, EventId, Failed, FailureCode,
    FailureRecord, KnownContact, Outcome, RefusalReason, Refused, Rejected, Status, Submission, Terms, Time, Totals,
    Waiting,
};
use rudderstack_to_intercom::{Identities, Plan};
use serde_json::{Value, json};
use std::num::NonZeroU32;

fn submission() -> Value {
    let event = DataEvent::new("invited friend")
        .with_user_id("ann-1")
        .with_metadata([("n", 1)]);
    let identities = Identities::new().with_user_id("ann-1").with_email("Ann@example.com");
    serde_json::to_value(Submission::new(EventId(7), Plan::SubmitEvent(event), identities)).unwrap()
}

#[test]
fn submissions_are_kept() {
    let submission = submission();
    let _: Submission = object(&submission);
    let _: EventId = anywhere(&json!(7));
    let _: Refused = object(&json!({"reason": "queue_full", "submission": submission}));
    let _: RefusalReason = anywhere(&json!("stopped"));
    let mut on_terms = submission;
    on_terms["terms"] = serde_json::to_value(Terms::new()).unwrap();
    on_terms["terms"]["chain"] = json!(3);
    let _: Submission = object(&on_terms);
    let _: Terms = object(&on_terms["terms"]);
}

#[test]
fn settings_are_kept_and_may_be_left_out() {
    let mut settings = EngineSettings::new().with_max_rate(NonZeroU32::new(50));
    settings.assumed_limit = Some(AssumedLimit::DOCUMENTED);
    let kept: EngineSettings = object(&serde_json::to_value(&settings).unwrap());
    assert_eq!(kept, settings);
    let some: EngineSettings =
        serde_json::from_value(json!({"queue": 9, "savings": {"merge_identifies": false}})).unwrap();
    assert_eq!((some.queue.get(), some.concurrency), (9, settings.concurrency));
    assert!(!some.savings.merge_identifies && some.savings.batch_lookups);
    assert_eq!(some.savings.skip_unchanged, intercom_delivery::SkipUnchanged::Sent);
}

#[test]
fn outcomes_are_kept() {
    let known = json!({"id": "5f", "external_id": "ann-1", "is_lead": true});
    let _: KnownContact = object(&known);
    let delivered = json!({"calls": 2, "contact": "5f", "unchanged": false, "merged_into": 6});
    let _: Delivered = object(&delivered);
    let rejected = json!({"code": "contact_not_found", "calls": 1});
    let _: Rejected = object(&rejected);
    let failed = json!({
        "code": "timeout", "operation": "submit_data_event", "status": 504, "attempts": 8, "calls": 9, "submission": submission(),
    });
    let _: Failed = object(&failed);
    let _: FailureCode = anywhere(&json!("rate_limited"));
    let warnings = json!([{"code": "attribute_dropped", "attribute": "plan"}, {"code": "member_not_found"}]);
    let _: DeliveryWarning = object(&warnings[0]);
    for result in [
        json!({"delivered": delivered}),
        json!({"rejected": rejected}),
        json!({"failed": failed}),
    ] {
        let _: DeliveryResult = object(&result);
        let _: Outcome = object(&json!({"event": 7, "result": result, "warnings": warnings, "learnt": known}));
        let _: Outcome = object(&json!({"event": 7, "result": result}));
    }
}

#[test]
fn failures_of_any_release_are_read_anywhere() {
    let record = json!({"event": {"type": "track", "n": 1.5}, "code": "timeout", "reason": "r", "attempts": 3, "calls": 4, "line": 7});
    let text = serde_json::from_value::<FailureRecord>(record.clone()).unwrap();
    assert_eq!(serde_json::to_value(&text).unwrap(), record);
    let packed = rmp_serde::to_vec_named(&text).unwrap();
    let read: FailureRecord = rmp_serde::from_slice(&packed).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), record);
}

#[test]
fn the_status_is_shown_elsewhere() {
    let settings = EngineSettings::new()
        .with_seed(1u64)
        .with_max_rate(std::num::NonZeroU32::MIN);
    let status = serde_json::to_value(Engine::new(settings).status()).unwrap();
    let _: Status = object(&status);
    let _: Totals = object(&status["totals"]);
    let _: Time = anywhere(&json!(1_700_000_000_000_u64));
    for waiting in [json!("responses"), json!({"rate_limit": 5}), json!({"outage": 6})] {
        let _: Waiting = anywhere(&waiting);
    }
}
