//! The outcome of a check, as data.

use super::capped::MAX_NAMES;
use super::moments::SAME_SECOND;
use super::tally::{Cause, Noted, Tally};
use crate::convert::Totals;
use intercom_api::{DataAttributeModel, limits};
use rudderstack_to_intercom::{RejectionCode, WarningCode};
use serde::Serialize;

/// The outcome of a check. Serialises to what `check --json` prints.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// All events, and lines that are not events.
    pub(crate) events: u64,
    /// Those that can be converted.
    pub(crate) converted: u64,
    /// Those that cannot.
    pub(crate) rejected: u64,
    /// Those that are not for Intercom.
    pub(crate) skipped: u64,
    /// Those that can be converted, and yet would fail: Intercom refuses something of them, or the workspace, if it was
    /// looked at, lacks one of their custom attributes.
    pub(crate) would_fail: u64,
    /// By type.
    pub(crate) types: Vec<TypeCount>,
    /// Why events cannot be sent, the most frequent cause first.
    pub(crate) rejections: Vec<Finding>,
    /// What is left out of events that can, the most frequent first.
    pub(crate) warnings: Vec<Finding>,
    /// What Intercom would refuse or drop of all events together.
    pub(crate) limits: Vec<Finding>,
    /// What costs nothing, and is worth knowing of all events together.
    pub(crate) notes: Vec<Finding>,
    /// The custom attributes that must exist in Intercom.
    pub(crate) custom_attributes: Vec<AttributeCount>,
    /// Uses of further attributes, for which there was no room.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) more_custom_attributes: u64,
    /// The names of track events.
    pub(crate) event_names: EventNames,
    /// Track events with more metadata than Intercom keeps.
    pub(crate) long_metadata: LongMetadata,
    /// Calls to Intercom.
    pub(crate) calls: Effort<u64>,
    /// Minutes that these take at Intercom's rate limit.
    pub(crate) minutes: Effort<f64>,
}

/// The events of a type.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TypeCount {
    /// The type, or `(other)` for whatever is none of RudderStack's.
    #[serde(rename = "type")]
    pub(crate) name: &'static str,
    /// All of them.
    pub(crate) events: u64,
    /// Those that can be converted.
    pub(crate) converted: u64,
    /// Those that cannot.
    pub(crate) rejected: u64,
    /// Those that are not for Intercom.
    pub(crate) skipped: u64,
}

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

/// A custom attribute that events need.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct AttributeCount {
    /// Of contacts or of companies.
    pub(crate) model: DataAttributeModel,
    /// The name.
    pub(crate) name: String,
    /// The type that fits the values.
    #[serde(rename = "type")]
    pub(crate) data_type: String,
    /// Whether the values are of several types, so that some of them do not fit.
    pub(crate) mixed: bool,
    /// How many events have it.
    pub(crate) events: u64,
}

/// The names of track events, against Intercom's limit.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct EventNames {
    /// How many different names there are; at least so many, if there are further ones.
    pub(crate) distinct: usize,
    /// How many Intercom allows.
    pub(crate) limit: usize,
    /// The names, the most frequent first.
    pub(crate) names: Vec<NameCount>,
    /// Uses of further names, for which there was no room.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) more: u64,
}

/// How often there is an event of a name.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NameCount {
    /// The name.
    pub(crate) name: String,
    /// How many events have it.
    pub(crate) events: u64,
}

/// Track events with more metadata than Intercom keeps.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LongMetadata {
    /// How many there are.
    pub(crate) events: u64,
    /// How many keys Intercom keeps.
    pub(crate) limit: usize,
    /// How many keys the longest has, of all events.
    pub(crate) most_keys: usize,
    /// The first lines.
    pub(crate) lines: Vec<u64>,
}

/// What it takes, in calls or in minutes.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Effort<T> {
    /// About so much with what delivery saves: contacts that are known are not searched, and what would change nothing is
    /// not sent. Identifies that are merged while they wait make it less still.
    pub(crate) expected: T,
    /// So much at most, without these savings.
    pub(crate) plain: T,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Costs {
    /// For people.
    pub(super) const fn in_words(self) -> &'static str {
        match self {
            Self::Event => "the event",
            Self::EventInSilence => "the event, without an error",
            Self::Value => "the value",
            Self::Nothing => "nothing",
        }
    }
}

impl Report {
    /// Whether all that is meant for Intercom can be sent.
    pub(crate) fn is_complete(&self) -> bool {
        self.rejected == 0 && self.would_fail == 0
    }

    /// How many can be sent, and would not fail.
    pub(crate) fn can_be_sent(&self) -> u64 {
        self.converted - self.would_fail
    }

    /// Whether there are more event names than Intercom allows.
    pub(crate) fn too_many_names(&self) -> bool {
        self.event_names.distinct > self.event_names.limit
    }

    /// How many names are told apart at most, of events and of attributes each.
    pub(crate) const fn max_names() -> usize {
        MAX_NAMES
    }
}

impl From<&Tally> for Report {
    fn from(tally: &Tally) -> Self {
        let Totals {
            converted,
            rejected,
            skipped,
        } = tally.totals;
        // Each model's custom attributes are listed once.
        let models = [&tally.contact_attributes, &tally.company_attributes];
        let lists = models.iter().filter(|attributes| attributes.len() > 0).count() as u64;
        let calls = Effort {
            expected: tally.calls.expected + lists,
            plain: tally.calls.plain + lists,
        };
        let minutes = |calls: u64| calls as f64 / f64::from(limits::CALLS_PER_MINUTE);
        let mut report = Self {
            events: tally.totals.events(),
            converted,
            rejected,
            skipped,
            would_fail: tally.would_fail,
            types: types(tally),
            rejections: tally
                .rejections
                .iter()
                .map(|(&cause, noted)| rejection(cause, noted))
                .collect(),
            warnings: tally
                .warnings
                .iter()
                .map(|(&code, noted)| Finding {
                    flag: flag_of_warning(code),
                    costs: costs_of_warning(code),
                    ..finding(code.as_str(), noted, code.meaning(), code.advice())
                })
                .collect(),
            limits: there(limits_of_attributes(tally).into_iter().chain(limits_of_events(tally))),
            notes: there(notes(tally)),
            custom_attributes: attributes(tally),
            more_custom_attributes: tally.contact_attributes.beyond() + tally.company_attributes.beyond(),
            event_names: EventNames {
                distinct: tally.event_names.len(),
                limit: limits::ACTIVE_EVENT_NAMES,
                names: names(tally),
                more: tally.event_names.beyond(),
            },
            long_metadata: LongMetadata {
                events: tally.long_metadata.count,
                limit: limits::EVENT_METADATA_KEYS,
                most_keys: tally.most_metadata,
                lines: tally.long_metadata.lines.clone(),
            },
            calls,
            minutes: Effort {
                expected: minutes(calls.expected),
                plain: minutes(calls.plain),
            },
        };
        for findings in [&mut report.rejections, &mut report.warnings] {
            findings.sort_by_key(|finding| std::cmp::Reverse(finding.count));
        }
        report
    }
}

fn types(tally: &Tally) -> Vec<TypeCount> {
    let mut types: Vec<TypeCount> = tally
        .types
        .iter()
        .map(|(&name, totals)| TypeCount {
            name: if name.is_empty() { "(other)" } else { name },
            events: totals.events(),
            converted: totals.converted,
            rejected: totals.rejected,
            skipped: totals.skipped,
        })
        .collect();
    types.sort_by_key(|count| std::cmp::Reverse(count.events));
    types
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

/// What is beyond a limit.
fn beyond(count: usize, limit: usize) -> Noted {
    Noted {
        count: count.saturating_sub(limit) as u64,
        lines: Vec::new(),
    }
}

/// What no single event shows, as far as it is about custom attributes.
fn limits_of_attributes(tally: &Tally) -> [Finding; 4] {
    let usages = || tally.contact_attributes.iter().chain(tally.company_attributes.iter());
    let mut mixed = Noted::default();
    for (_, usage) in usages().filter(|(name, usage)| usage.types.is_mixed(name)) {
        mixed.count += 1;
        if mixed.lines.is_empty() {
            mixed.lines = usage.lines();
        }
    }
    let attributes = tally.contact_attributes.len() + tally.company_attributes.len();
    [
        Finding {
            flag: Some("send --attributes create"),
            ..finding(
                "undefined_attribute",
                &tally.undefined,
                "Events with a custom attribute that the workspace does not have; Intercom refuses the whole update.",
                "Create the attributes with the command attributes --create, or have send create or drop them.",
            )
        },
        Finding {
            costs: Costs::Value,
            ..finding(
                "attribute_dropped",
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
                &beyond(attributes, limits::CUSTOM_ATTRIBUTES),
                "Custom attributes beyond the 250 that a workspace can have; updates with them are refused.",
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
            &beyond(tally.event_names.len(), limits::ACTIVE_EVENT_NAMES),
            "Event names beyond the 120 that can be active in a workspace; events with them are refused.",
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

/// What costs nothing, and may not be what was meant.
fn notes(tally: &Tally) -> [Finding; 2] {
    [
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
                "Events that make somebody a lead who has a user id; Intercom gives leads an id of their own, and makes \
                 whoever gets a user id a user.",
                "Leave out the role, or the user id.",
            )
        },
    ]
}

fn attributes(tally: &Tally) -> Vec<AttributeCount> {
    let models = [
        (DataAttributeModel::Contact, &tally.contact_attributes),
        (DataAttributeModel::Company, &tally.company_attributes),
    ];
    let mut all: Vec<AttributeCount> = models
        .into_iter()
        .flat_map(|(model, attributes)| attributes.iter().map(move |entry| (model.clone(), entry)))
        .map(|(model, (name, usage))| AttributeCount {
            model,
            name: name.to_owned(),
            data_type: usage.types.data_type(name).to_string(),
            mixed: usage.types.is_mixed(name),
            events: usage.events,
        })
        .collect();
    all.sort_by_key(|attribute| std::cmp::Reverse(attribute.events));
    all
}

fn names(tally: &Tally) -> Vec<NameCount> {
    let mut names: Vec<NameCount> = tally
        .event_names
        .iter()
        .map(|(name, &events)| NameCount {
            name: name.to_owned(),
            events,
        })
        .collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.events));
    names
}
