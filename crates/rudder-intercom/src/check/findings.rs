//! What a check finds, what it costs, and what mends it.

use super::moments::SAME_SECOND;
use super::tally::{Cause, Tally};
use super::waiting::Missing;
use crate::noted::Noted;
use intercom_delivery::FailureCode;
use rudderstack_to_intercom::{RejectionCode, WarningCode};
use serde::Serialize;

/// A rejection or a warning, and how often it occurs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    /// The stable code.
    pub(crate) code: &'static str,
    /// How often it occurs.
    pub(crate) count: u64,
    /// The first lines that have it.
    pub(crate) lines: Vec<u64>,
    /// What it means.
    pub(crate) meaning: &'static str,
    /// What it costs.
    pub(crate) costs: Costs,
    /// What to do about it.
    pub(crate) advice: &'static str,
    /// The flag that changes what becomes of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) flag: Option<&'static str>,
}

/// What something costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Costs {
    /// The event: it fails.
    Event,
    /// The event, although Intercom accepts it.
    EventInSilence,
    /// A value or a part of the event; the rest is in Intercom.
    Value,
    /// Nothing, but the result may not be what was meant.
    Nothing,
}

impl Costs {
    /// For people.
    pub(super) const fn in_words(self) -> &'static str {
        match self {
            Self::Event => "The event is lost.",
            Self::EventInSilence => "The event is lost, without an error.",
            Self::Value => "The value is lost.",
            Self::Nothing => "Nothing is lost.",
        }
    }
}

/// Why events cannot be sent, the most frequent cause first.
pub(super) fn rejections(tally: &Tally) -> Vec<Finding> {
    let rejections = tally.rejections.iter();
    frequent_first(rejections.map(|(&cause, noted)| rejection(cause, noted)))
}

/// What is left out of events that can be sent, the most frequent first.
pub(super) fn warnings(tally: &Tally) -> Vec<Finding> {
    let warnings = tally.warnings.iter();
    frequent_first(warnings.map(|(&code, noted)| Finding {
        flag: flag_of_warning(code),
        costs: costs_of_warning(code),
        ..finding(code.as_str(), noted, code.meaning(), code.advice())
    }))
}

/// What Intercom would refuse or drop of all events together.
pub(super) fn limits(tally: &Tally, missing: &Missing) -> Vec<Finding> {
    let found = limits_of_attributes(tally).into_iter().chain(limits_of_events(tally));
    there(found.chain(of_deleted(missing)))
}

fn frequent_first(findings: impl Iterator<Item = Finding>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = findings.collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.count));
    findings
}

fn rejection(cause: Cause, noted: &Noted) -> Finding {
    match cause {
        Cause::Rejection(code) => Finding {
            flag: (code == RejectionCode::MissingIdentity).then_some("--send-anonymous-id"),
            ..finding(code.as_str(), noted, code.meaning(), code.advice())
        },
        Cause::Fault(kind) => finding(kind.code(), noted, kind.meaning(), kind.advice()),
    }
}

fn finding(code: &'static str, noted: &Noted, meaning: &'static str, advice: &'static str) -> Finding {
    Finding {
        code,
        count: noted.count,
        lines: noted.lines.clone(),
        meaning: meaning.trim_start(),
        costs: Costs::Event,
        advice,
        flag: None,
    }
}

/// The flag that changes what becomes of a value.
fn flag_of_warning(code: WarningCode) -> Option<&'static str> {
    match code {
        WarningCode::TooLong => Some("--long-text"),
        WarningCode::AttributeRenamed | WarningCode::InvalidAttributeName => Some("--attribute-names"),
        WarningCode::NoMember => Some("--send-anonymous-id"),
        _ => None,
    }
}

/// What a value costs that is warned of.
fn costs_of_warning(code: WarningCode) -> Costs {
    match code {
        WarningCode::AttributeRenamed
        | WarningCode::UnknownField
        | WarningCode::FromPersonTraits
        | WarningCode::FractionalAmount
        | WarningCode::AmbiguousContact
        | WarningCode::MoreWarnings => Costs::Nothing,
        _ => Costs::Value,
    }
}

/// Those that occur.
fn there(findings: impl IntoIterator<Item = Finding>) -> Vec<Finding> {
    findings.into_iter().filter(|finding| finding.count > 0).collect()
}

/// What no single event shows, as far as it is about custom attributes.
fn limits_of_attributes(tally: &Tally) -> [Finding; 6] {
    let usages = || tally.contact_attributes.iter().chain(tally.company_attributes.iter());
    let mut mixed = Noted::default();
    for (_, usage) in usages().filter(|(name, usage)| usage.types.is_mixed(name)) {
        mixed.count += 1;
        if mixed.lines.is_empty() {
            mixed.lines = usage.lines();
        }
    }
    [
        Finding {
            flag: Some("send --attributes drop"),
            ..finding(
                "name_of_both_models",
                &tally.of_both_models,
                "Events with a custom attribute whose name is that of one of the other model, of contacts or of companies; Intercom \
                 creates it for one of them only, here for the one that comes first.",
                "Send one of the two under another name, or let send drop those that the workspace does not have.",
            )
        },
        Finding {
            flag: Some("send --attributes create"),
            ..finding(
                "undefined_attribute",
                &tally.undefined,
                "Events with a custom attribute that the workspace does not have; Intercom refuses the whole update.",
                "Create the attributes with the command attributes --create, or have send create or drop them.",
            )
        },
        finding(
            "lookup_of_another_type",
            &tally.not_comparable,
            "Events that look their contact up by a custom attribute with a value that is not of the type that it has in the \
             workspace; Intercom refuses the search.",
            "Send that value as a number, or as true or false, as the attribute has it (dates in Unix seconds), or look up by another \
             field: integrations.Intercom.lookup.",
        ),
        Finding {
            costs: Costs::Value,
            ..finding(
                "attribute_of_another_type",
                &tally.of_another_type,
                "Events with a value that cannot be turned into the type that its attribute has in the workspace; it is left out.",
                "Send values of the attribute's type, or under another name.",
            )
        },
        Finding {
            costs: Costs::Value,
            ..finding(
                "mixed_types",
                &mixed,
                "Custom attributes whose values are of several types; values that cannot be turned into the type that the \
                 workspace gives the attribute are left out.",
                "Send values of one type under one name.",
            )
        },
        Finding {
            flag: Some("send --attributes drop"),
            ..finding(
                "too_many_attributes",
                &tally.beyond_attributes,
                "Events with a custom attribute beyond the 250 that a workspace can have, of which those that come first have room; \
                 Intercom refuses the whole update.",
                "Send fewer traits, or let send drop those that the workspace does not have.",
            )
        },
    ]
}

/// The same, as far as it is about whole events.
fn limits_of_events(tally: &Tally) -> [Finding; 3] {
    [
        finding(
            "refused",
            &tally.refused,
            "Events with something that Intercom is documented to refuse: a custom attribute that is too long, or whose name is \
             not allowed.",
            "Leave out the settings that send it as it is.",
        ),
        finding(
            "too_many_event_names",
            &tally.beyond_event_names,
            "Events with a name beyond the 120 that can be active in a workspace, of which those that come first have room.",
            "Archive unused events in Intercom under Settings > Intercom Data > Events, or send fewer names.",
        ),
        Finding {
            costs: Costs::EventInSilence,
            flag: Some("--same-second spread"),
            ..finding(
                SAME_SECOND,
                &tally.same_second,
                "Track events with the name, user and second of an earlier one; Intercom keeps the first of them.",
                "Have them moved apart by a few seconds, or send what belongs together as one event.",
            )
        },
    ]
}

/// What is about contacts that the events themselves delete.
fn of_deleted(missing: &Missing) -> [Finding; 2] {
    [
        Finding {
            flag: Some("send --on-unknown-contact create"),
            ..finding(
                FailureCode::UnknownContact.as_str(),
                &missing.of_deleted,
                "Track events of a contact that an earlier record deletes, and that no later event creates; Intercom has nobody to \
                 keep them for.",
                "Send them before the record, or identify the user again.",
            )
        },
        finding(
            RejectionCode::ContactNotFound.as_str(),
            &missing.updates_of_deleted,
            "Records that update a contact which an earlier record deletes; there is nobody to update.",
            "Send them before that record, or have them insert the contact.",
        ),
    ]
}

/// What costs nothing, and may not be what was meant.
pub(super) fn notes(tally: &Tally, missing: &Missing) -> Vec<Finding> {
    there([
        Finding {
            costs: Costs::Nothing,
            flag: Some("send --no-wait-for-contact"),
            ..finding(
                "before_contact",
                &missing.waited,
                "Events that come before their user's identify: they wait for it.",
                "Nothing needs doing: they are delivered after it, with their own times.",
            )
        },
        Finding {
            costs: Costs::Nothing,
            flag: Some("send --on-unknown-contact create"),
            ..finding(
                "contact_not_in_events",
                &missing.of_strangers,
                "Track events, company members and updates of contacts that no event creates: they are delivered if Intercom has the \
                 contact.",
                "Look with the command diff, or in Intercom, whether it has them; or identify the users first.",
            )
        },
        Finding {
            costs: Costs::Nothing,
            flag: Some("--shared-email"),
            ..finding(
                "shared_email",
                &tally.shared_emails,
                "Events with a user id whose email is also that of another user id; by default the two are two people, as they \
                 are for Intercom.",
                "Nothing, if they are two people; otherwise let the email decide.",
            )
        },
        Finding {
            costs: Costs::Nothing,
            ..finding(
                "lead_with_user_id",
                &tally.leads_with_ids,
                "Events that make somebody a lead who has a user id; Intercom gives leads an id of their own. Where it refuses such \
                 a lead, a user is written, which costs a call more each time.",
                "Leave out the role, or the user id.",
            )
        },
    ])
}
