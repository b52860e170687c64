//! What codes mean, and what mends it.

use event_store::{EventState, TracedEvent};
use intercom_delivery::FailureCode;
use rudderstack_to_intercom::{RejectionCode, WarningCode};
use serde::Serialize;

/// What a code means, and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// What it means, in a sentence.
    pub meaning: &'static str,
    /// What to do about it, in a sentence.
    pub advice: &'static str,
    /// Whether it helps to replay the event.
    pub remedy: Remedy,
}

/// What helps an event that was not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Remedy {
    /// To replay it as it is.
    Replay,
    /// To replay it, once something has been mended elsewhere.
    MendThenReplay,
    /// To change the event: as it is, it would come to the same.
    Edit,
    /// Nothing need be done.
    Nothing,
}

impl Remedy {
    /// Whether it can help to replay the event as it is.
    pub fn is_replay(self) -> bool {
        matches!(self, Self::Replay | Self::MendThenReplay)
    }
}

/// Why an event was not delivered, or why a call for it has failed.
pub fn explain(code: &str) -> Option<Explanation> {
    if let Ok(code) = code.parse::<FailureCode>() {
        return Some(Explanation {
            meaning: code.meaning(),
            advice: code.advice(),
            remedy: remedy(code),
        });
    }
    let code = code.parse::<RejectionCode>().ok()?;
    let is_unwanted = code == RejectionCode::UnsupportedEventType;
    Some(Explanation {
        meaning: code.meaning(),
        advice: code.advice(),
        remedy: if is_unwanted { Remedy::Nothing } else { Remedy::Edit },
    })
}

/// Why an event is as it is, if there is more to say than that: why it was not delivered, or is not yet. What goes on by itself
/// needs nobody.
pub fn explain_event(event: &TracedEvent) -> Option<Explanation> {
    match event.state {
        EventState::Awaiting => Some(Explanation {
            meaning: "Intercom has no contact for it yet; it is delivered as soon as an identify of the same user has been.",
            advice: "Nothing, if that is to come: it waits a day, unless wait-for-contact says otherwise, and then becomes a dead letter.",
            remedy: Remedy::Nothing,
        }),
        EventState::Retrying => Some(Explanation {
            advice: "Nothing, for now: it is tried again by itself, for up to three hours, and then becomes a dead letter.",
            remedy: Remedy::Nothing,
            ..explain(event.code.as_deref()?)?
        }),
        EventState::Failed | EventState::Rejected => explain(event.code.as_deref()?),
        _ => None,
    }
}

fn remedy(code: FailureCode) -> Remedy {
    match code {
        FailureCode::RateLimited
        | FailureCode::ServerError
        | FailureCode::Timeout
        | FailureCode::ConnectionFailed
        | FailureCode::InvalidResponse
        | FailureCode::Stopped
        | FailureCode::Settling
        | FailureCode::CompanyNotFound => Remedy::Replay,
        FailureCode::Unauthorized
        | FailureCode::Forbidden
        | FailureCode::ContactArchived
        | FailureCode::UnknownContact
        | FailureCode::Conflict
        | FailureCode::IdentityConflict
        | FailureCode::UndefinedAttribute
        | FailureCode::AttributeLimit
        | FailureCode::EventNameLimit
        | FailureCode::NotFound => Remedy::MendThenReplay,
        FailureCode::AmbiguousContact | FailureCode::BadRequest => Remedy::Edit,
    }
}

/// What is to be said of an event that was delivered: see [`Note`](crate::store::Note).
pub fn explain_note(code: &str) -> Option<Explanation> {
    let of = |meaning, advice| {
        Some(Explanation {
            meaning,
            advice,
            remedy: Remedy::Nothing,
        })
    };
    match code {
        "member_not_found" => of(
            "The contact to be linked to the company was not found; the company and its tags are done.",
            "Identify the user, then send the group event again.",
        ),
        "email_taken" => of(
            "The email belongs to somebody else, so that the contact was written without it.",
            "See whose it is in Intercom, and merge the contacts or correct one.",
        ),
        "role_refused" => of(
            "Intercom has refused that somebody with a user id is a lead, so that the contact was written without the role.",
            "Leave the role out for users.",
        ),
        "external_id_replaced" => of(
            "The contact had another external id than the event.",
            "Nothing, or send the same user id from everywhere.",
        ),
        "attribute_dropped" => of(
            "A custom attribute that the workspace does not have was left out.",
            "Create the attribute in Intercom, then send the event again.",
        ),
        "attribute_of_another_type" => of(
            "The value cannot be turned into the type that the custom attribute has in the workspace, and was left out.",
            "Send values of the attribute's type, or under another name.",
        ),
        "superseded" => of(
            "Later events of the same contact or company had been delivered before: what they have written was left out.",
            "Nothing, or replay it as new to overwrite what is there.",
        ),
        code => {
            let code = code.parse::<WarningCode>().ok()?;
            of(code.meaning(), code.advice())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use intercom_delivery::{DeliveryWarning, FailureRecord};

    #[test]
    fn every_code_is_explained() {
        for code in FailureRecord::codes() {
            assert!(explain(code).is_some(), "{code}");
        }
        let warnings = [
            DeliveryWarning::AmbiguousContact,
            DeliveryWarning::MemberNotFound,
            DeliveryWarning::EmailTaken,
            DeliveryWarning::RoleRefused,
            DeliveryWarning::ExternalIdReplaced,
            DeliveryWarning::AttributeDropped {
                attribute: String::new(),
            },
            DeliveryWarning::AttributeOfAnotherType {
                attribute: String::new(),
            },
            DeliveryWarning::Superseded,
        ];
        for warning in warnings {
            assert!(explain_note(warning.code()).is_some(), "{}", warning.code());
        }
        assert!(explain_note("invalid_date").is_some());
        assert_eq!(explain("something else"), None);
    }

    #[test]
    fn a_replay_is_advised_only_where_it_can_help() {
        for code in FailureRecord::codes() {
            let explained = explain(code).unwrap();
            let says_replay = explained.advice.to_lowercase().contains("replay");
            assert!(!says_replay || explained.remedy.is_replay(), "{code}");
        }
    }
}
