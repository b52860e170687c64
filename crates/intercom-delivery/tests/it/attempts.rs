//! Calls that fail, one by one.

use crate::support::*;
use intercom_api::OperationId as Op;
use intercom_delivery::*;

fn attempts(run: &mut Run) -> Vec<(u64, FailureCode, Option<Op>, Option<u16>)> {
    let next = || run.engine.poll_attempt();
    std::iter::from_fn(next)
        .map(|attempt| (attempt.event.0, attempt.code, attempt.operation, attempt.status))
        .collect()
}

#[test]
fn every_call_that_fails_is_told_whether_it_is_tried_again_or_not() {
    let mut settings = plain();
    settings.notes_attempts = true;
    let mut run = Run::new(settings);
    run.submit(track("u1", "bought", 1), who("u1"));
    run.script([
        (Op::SubmitDataEvent, error(503, "server_error", "")),
        (Op::SubmitDataEvent, broken(TransportFailure::Timeout)),
        (Op::SubmitDataEvent, error(429, "rate_limit_exceeded", "")),
        (Op::SubmitDataEvent, error(422, "parameter_invalid", "no")),
    ]);
    assert_eq!(run.results(), ["failed bad_request"]);
    let submit = Some(Op::SubmitDataEvent);
    assert_eq!(
        attempts(&mut run),
        [
            (1, FailureCode::ServerError, submit, Some(503)),
            (1, FailureCode::Timeout, submit, None),
            (1, FailureCode::RateLimited, submit, Some(429)),
            (1, FailureCode::BadRequest, submit, Some(422)),
        ]
    );
}

#[test]
fn what_goes_well_is_no_failed_call() {
    let mut settings = plain();
    settings.notes_attempts = true;
    let mut run = Run::new(settings);
    run.submit(record_update(by_id("u1"), r#"{"name":"x"}"#), who("u1"));
    run.script([(Op::SearchContacts, hits(&[]))]);
    assert_eq!(run.results(), ["rejected contact_not_found"]);
    assert!(attempts(&mut run).is_empty());
}

#[test]
fn nobody_is_told_who_does_not_ask() {
    let mut run = Run::new(plain());
    run.submit(track("u1", "bought", 1), who("u1"));
    run.script([
        (Op::SubmitDataEvent, error(503, "server_error", "")),
        (Op::SubmitDataEvent, ok("{}")),
    ]);
    assert_eq!(
        (run.results(), run.outcome().request_id.clone()),
        (vec!["delivered".to_owned()], None)
    );
    assert!(attempts(&mut run).is_empty());
}
