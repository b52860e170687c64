//! All rules, for the mapping reference.

pub use crate::rule::{LookupRule, Rule};

use crate::{company, contact, data_event, member, record};
use rudderstack_events::EventType;

/// Every rule, in the order of the mapping reference.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    [
        contact::RULES,
        contact::MORE_RULES,
        data_event::RULES,
        data_event::MORE_RULES,
        company::RULES,
        company::MORE_RULES,
        contact::RULES_BY_NAME,
        record::MORE_RULES,
    ]
    .into_iter()
    .flatten()
}

/// The rules by which contacts are looked up, in the order of the mapping reference.
pub fn lookups() -> impl Iterator<Item = LookupRule> {
    [EventType::Identify, EventType::Group]
        .into_iter()
        .flat_map(member::rules)
}

/// The keys under `integrations` that mean this destination; the first that is there counts.
pub const INTEGRATION_NAMES: &[&str] = &crate::reader::INTEGRATION_NAMES;

/// A coercion, by the name that rules call it by, and what it does.
pub fn coercions() -> impl Iterator<Item = (&'static str, &'static str)> {
    crate::coerce::DOCUMENTED.iter().copied()
}
