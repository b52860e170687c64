//! What to do about failures.

use intercom_delivery::FailureCode;

/// What to do about a failure, with the flag or the command that does it.
pub(crate) fn remedy(code: FailureCode) -> &'static str {
    match code {
        FailureCode::UndefinedAttribute => {
            "Create the custom attributes with: rudder-intercom attributes FILE --create; \
             or send with --attributes create or --attributes drop."
        }
        FailureCode::AttributeLimit => {
            "The workspace has 250 custom attributes, as many as it may: archive some in Intercom that are no longer needed, \
             or send with --attributes drop."
        }
        FailureCode::UnknownContact => {
            "Send the identify events of these people first, or send with --on-unknown-contact create."
        }
        FailureCode::ContactArchived => "Restore the contacts in Intercom, or send with --on-archived restore.",
        FailureCode::RateLimited => "Send with fewer calls a second: --max-rate CALLS.",
        FailureCode::ServerError | FailureCode::Timeout | FailureCode::ConnectionFailed => {
            "Look at Intercom's status and the network, then send again."
        }
        code => code.advice(),
    }
}
