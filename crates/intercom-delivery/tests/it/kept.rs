//! What goes in and what comes out can be kept: in a queue, a journal, a database.

use exact_json::testing::{anywhere, object};
use intercom_api::DataEvent;
use intercom_delivery::{
    AbsencePolicy, ArchivedPolicy, Arrival, ArrivalId, AssumedLimit, Attempt, AttributePolicy, Awaited, Budget,
    ContactKey, Delivered, DeliveryResult, DeliveryWarning, Engine, EngineSettings, EventEmail, EventId, Failed,
    FailureCode, FailureRecord, KnownContact, Outcome, OutcomeOrder, RefusalReason, Refused, Rejected, Savings,
    SkipUnchanged, Status, Subject, Submission, Superseded, Supersession, Terms, Time, Totals, TransportFailure,
    UnknownContactPolicy, Waiting,
};
use rudderstack_to_intercom::{Identities, Plan};
use serde_json::{Value, json};
use std::num::NonZeroU32;
use strum::IntoEnumIterator as _;

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
fn what_waits_and_what_fails_on_the_way_is_kept() {
    let key = json!(7_000_000_000_000_000_000_u64);
    let _: ContactKey = anywhere(&key);
    let _: Awaited = object(&json!({"keys": [key], "submission": submission()}));
    let _: Arrival = object(&json!({"id": 3, "keys": [key]}));
    let _: ArrivalId = anywhere(&json!(3));
    let _: Attempt = object(&json!({"event": 7, "code": "timeout", "operation": "submit_data_event", "status": 504}));
    for failure in TransportFailure::iter() {
        let _: TransportFailure = anywhere(&serde_json::to_value(failure).unwrap());
    }
    let _: Subject =
        object(&json!({"user_id": "ann-1", "email": "ann@example.com", "goes_by_email": true, "company": "a"}));
    let _: Superseded = object(&json!({"fields": ["name"], "companies": ["a"], "written": true}));
    for supersession in ["not", "partly", "wholly"] {
        let _: Supersession = anywhere(&json!(supersession));
    }
}

#[test]
fn settings_are_kept_and_may_be_left_out() {
    let mut settings = EngineSettings::new().with_max_rate(NonZeroU32::new(50));
    settings.assumed_limit = Some(AssumedLimit::DOCUMENTED);
    let sent = serde_json::to_value(&settings).unwrap();
    let kept: EngineSettings = object(&sent);
    assert_eq!(kept, settings);
    let _: Savings = object(&sent["savings"]);
    let _: AssumedLimit = object(&sent["assumed_limit"]);
    for skip in SkipUnchanged::iter() {
        let _: SkipUnchanged = anywhere(&serde_json::to_value(skip).unwrap());
    }
    for policy in AttributePolicy::iter() {
        let _: AttributePolicy = anywhere(&serde_json::to_value(policy).unwrap());
    }
    for policy in UnknownContactPolicy::iter() {
        let _: UnknownContactPolicy = anywhere(&serde_json::to_value(policy).unwrap());
    }
    for policy in ArchivedPolicy::iter() {
        let _: ArchivedPolicy = anywhere(&serde_json::to_value(policy).unwrap());
    }
    for policy in AbsencePolicy::iter() {
        let _: AbsencePolicy = anywhere(&serde_json::to_value(policy).unwrap());
    }
    for policy in EventEmail::iter() {
        let _: EventEmail = anywhere(&serde_json::to_value(policy).unwrap());
    }
    let _: OutcomeOrder = anywhere(&json!("as_they_end"));
    let some: EngineSettings =
        serde_json::from_value(json!({"queue": 9, "savings": {"merge_identifies": false}})).unwrap();
    assert_eq!((some.queue.get(), some.concurrency), (9, settings.concurrency));
    assert!(!some.savings.merge_identifies && some.savings.batch_lookups);
    assert_eq!(some.savings.skip_unchanged, SkipUnchanged::Sent);
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
    let _: Budget = object(&json!({"limit": 1666, "remaining": 5, "resets": 1_700_000_000_000_u64}));
    let _: Totals = object(&status["totals"]);
    let _: Time = anywhere(&json!(1_700_000_000_000_u64));
    for waiting in [json!("responses"), json!({"rate_limit": 5}), json!({"outage": 6})] {
        let _: Waiting = anywhere(&waiting);
    }
}
