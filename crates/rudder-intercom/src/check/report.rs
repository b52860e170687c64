//! The outcome of a check, as data.

use super::capped::MAX_NAMES;
use super::findings::{self, Finding};
use super::tally::{OfType, Tally};
use super::waiting::Missing;
use crate::convert::Totals;
use crate::text::minutes;
use intercom_api::{DataAttributeModel, limits};
use rudderstack_events::EventType;
use serde::Serialize;

/// The outcome of a check. Serialises to what `check --json` prints.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// All events, and lines that are not events.
    pub(crate) events: u64,
    #[serde(flatten)]
    pub(crate) totals: Totals,
    /// Those that can be converted, and yet would fail: Intercom refuses something of them, or has no room for it, or the
    /// workspace, if it was looked at, lacks one of their custom attributes. What there is room for is what comes first.
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
    #[serde(flatten)]
    pub(crate) totals: Totals,
    /// Those that can be converted, and yet would fail.
    pub(crate) would_fail: u64,
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
    /// So much without these savings.
    pub(crate) plain: T,
    /// So much at most: without them, and if contacts exist already, are archived or somebody else's, companies are gone,
    /// and custom attributes have to be created. What is tried again after an error comes on top.
    pub(crate) worst_case: T,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Report {
    /// Whether all that is meant for Intercom can be sent.
    pub(crate) fn is_complete(&self) -> bool {
        self.totals.rejected == 0 && self.would_fail == 0
    }

    /// How many can be sent, and would not fail.
    pub(crate) fn can_be_sent(&self) -> u64 {
        self.types.iter().map(TypeCount::can_be_sent).sum()
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

impl TypeCount {
    /// How many can be sent, and would not fail.
    pub(crate) fn can_be_sent(&self) -> u64 {
        self.totals.converted - self.would_fail
    }
}

impl From<&Tally> for Report {
    fn from(tally: &Tally) -> Self {
        // Each model's custom attributes are listed once.
        let models = [&tally.contact_attributes, &tally.company_attributes];
        let lists = models.iter().filter(|attributes| attributes.len() > 0).count() as u64;
        let created = models
            .iter()
            .map(|names| names.len() as u64 + names.beyond())
            .sum::<u64>();
        let calls = Effort {
            expected: tally.calls.expected + lists,
            plain: tally.calls.plain + lists,
            worst_case: tally.calls.worst_case + lists + created,
        };
        let missing = tally.waiting.missing();
        let types = types(tally, &missing);
        Self {
            events: tally.totals.events(),
            totals: tally.totals,
            would_fail: types.iter().map(|count| count.would_fail).sum(),
            types,
            rejections: findings::rejections(tally),
            warnings: findings::warnings(tally),
            limits: findings::limits(tally, &missing),
            notes: findings::notes(tally, &missing),
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
                worst_case: minutes(calls.worst_case),
            },
        }
    }
}

fn types(tally: &Tally, missing: &Missing) -> Vec<TypeCount> {
    let mut types: Vec<TypeCount> = tally
        .types
        .iter()
        .map(|(&name, &OfType { totals, would_fail })| TypeCount {
            name: if name.is_empty() { "(other)" } else { name },
            events: totals.events(),
            totals,
            would_fail,
        })
        .collect();
    // No other events wait in vain.
    if let Some(track) = types.iter_mut().find(|count| count.name == EventType::Track.as_str()) {
        track.would_fail += missing.lost_with_deleted;
    }
    types.sort_by_key(|count| std::cmp::Reverse(count.events));
    types
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
