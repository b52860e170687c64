//! What rudder-server is answered about an event that was to be carried out here.

use crate::protocol::{ErrorCategory, ErrorMeta, ErrorType, Failure, status};
use event_store::Refusal;
use intercom_delivery::{DeliveryResult, DeliveryWarning, Failed, FailureCode, Outcome, Rejected};
use rudderstack_to_intercom::RejectionCode;
use std::time::Duration;

/// For how long an event is tried again whose own call is answered with 5xx, while others go through.
const POISONED_AFTER: Duration = Duration::from_secs(3 * 60 * 60);

/// What is known besides of an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances {
    /// Since when it is tried.
    pub(crate) tried_for: Duration,
    /// Whether other events have gone through lately.
    pub(crate) others_go_through: bool,
}

/// What an outcome is to its job: done, or what is wrong, with a stable code.
pub(crate) fn job_result(outcome: &Outcome, circumstances: Circumstances) -> Result<(), (Failure, &'static str)> {
    match &outcome.result {
        DeliveryResult::Delivered(_) => {
            for warning in &outcome.warnings {
                tracing::debug!(code = warning.code(), "delivered with a warning");
            }
            Ok(())
        }
        DeliveryResult::Rejected(rejected) => Err(of_rejected(rejected)),
        DeliveryResult::Failed(failed) => Err(of_failed(failed, circumstances)),
    }
}

/// What an event waits for in the store.
pub(super) fn waits_for(outcome: &Outcome) -> &'static str {
    match &outcome.result {
        DeliveryResult::Failed(failed) => failed.code.as_str(),
        DeliveryResult::Delivered(_) | DeliveryResult::Rejected(_) => DeliveryWarning::MemberNotFound.code(),
    }
}

/// An event has to wait for its contact, and the store does not take it.
pub(super) fn not_kept(refusal: Refusal) -> (Failure, &'static str) {
    let code = refusal.code();
    let message =
        format!("{code}: the event has to wait for its contact, and the store of the transformer cannot be written");
    (Failure::again(message), code)
}

/// Whether a member was not found, and the settling time is over.
pub(super) fn lacks_member(outcome: &Outcome) -> bool {
    outcome.warnings.contains(&DeliveryWarning::MemberNotFound)
}

fn of_rejected(rejected: &Rejected) -> (Failure, &'static str) {
    let code = rejected.code;
    let failure = match code {
        RejectionCode::ContactNotFound => Failure::contact_not_found(),
        code => Failure::invalid(format!("{code}: {} {}", code.meaning().trim(), code.advice())),
    };
    (failure, code.into())
}

fn of_failed(failed: &Failed, circumstances: Circumstances) -> (Failure, &'static str) {
    let code = failed.code;
    let message = || format!("{code}: {failed}. {}", code.advice());
    let failure = match code {
        FailureCode::Stopped => Failure::again("held_back: an earlier event of this user has to be delivered first"),
        FailureCode::RateLimited => Failure::throttled(message()),
        FailureCode::Unauthorized => Failure {
            meta: Some(ErrorMeta::InvalidAuthToken),
            ..Failure::again(message())
        },
        FailureCode::ServerError if circumstances.others_go_through && circumstances.tried_for >= POISONED_AFTER => {
            // rudder-server ends it, and the user's other events go on.
            Failure::retryable(message())
        }
        _ if code.is_fleeting() => Failure::again(message()),
        _ => never(failed, message()),
    };
    let code = match code {
        FailureCode::Stopped => "held_back",
        code => code.as_str(),
    };
    (failure, code)
}

/// What can never succeed as it is.
fn never(failed: &Failed, message: String) -> Failure {
    use ErrorCategory::{DataValidation, Network};
    match failed.status {
        None | Some(0..=401 | 404) => Failure::invalid(message),
        // The account or its plan, not the event, is refused.
        Some(refused @ (402 | 403)) => Failure::new(refused, DataValidation, ErrorType::Configuration, message),
        Some(refused @ (405..=407 | 409..=428 | 430..=499)) => {
            Failure::new(refused, Network, ErrorType::Aborted, message)
        }
        // Nothing that rudder-server would try again.
        Some(_) => Failure::new(status::ABORTED, Network, ErrorType::Aborted, message),
    }
}
