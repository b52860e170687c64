//! How rules are declared: once, to run from and to document.

use crate::deviation::Deviation;
use crate::lookup::{CUSTOM, LookupField};
use crate::source::Source;
use rudderstack_events::EventType;

/// What a rule says, for the mapping reference.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Rule {
    /// The type of the events that it maps.
    pub event_type: EventType,
    /// The Intercom field that it fills.
    pub target: &'static str,
    /// Where the value comes from; the first usable one counts.
    pub sources: &'static [Source],
    /// What the value is turned into, in words.
    pub coercion: &'static str,
    /// Where it is documented.
    pub document: &'static str,
    /// Where it differs from RudderStack's own transformer.
    pub deviations: &'static [Deviation],
}

impl Rule {
    /// Whether it fills this field of a trace: its target, or one in it, such as `custom_attributes.plan`.
    pub fn fills(&self, field: &str) -> bool {
        let rest = field.strip_prefix(self.target);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

/// Where the value is from that a contact is looked up by.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LookupRule {
    /// The type of the events that look the contact up: identify, or group for the company's member.
    pub event_type: EventType,
    /// The search fields that the rule is for.
    pub fields: Vec<&'static str>,
    /// Where the value comes from; the first usable one counts.
    pub sources: Vec<Source>,
    /// What the value is turned into, in words.
    pub coercion: &'static str,
    /// Where it differs from RudderStack's own transformer.
    pub deviations: Vec<Deviation>,
}

impl LookupRule {
    /// Whether it is the rule for this search field.
    pub fn is_for(&self, field: &LookupField) -> bool {
        match field {
            LookupField::Standard(field) => self.fields.contains(&field.into()),
            LookupField::CustomAttribute(_) => self.fields.iter().any(|name| name.starts_with(CUSTOM)),
        }
    }
}

/// Declares the rules of one body: a line a field.
///
/// Expands to a function that fills the body from a reader, and to the constant list of the rules. Each line reads
/// `field: COERCION from SOURCES, "document", [deviations];`. What the coercion makes is turned into the field's type
/// with `From`. With two more functions, the body's fields can also be set by their own names and laid over those of
/// another body, as records do.
macro_rules! rules {
    (
        $(#[$doc:meta])*
        $event_type:ident => $body:ty, fn $apply:ident, $(fn $set:ident, fn $overlay:ident,)? const $list:ident $(, const $by_name:ident)? {
            $($field:ident: $coercion:ident from $sources:expr, $document:literal $(, [$($deviation:ident),+])?;)*
        }
    ) => {
        $(#[$doc])*
        pub(crate) const $list: &[$crate::rule::Rule] = &[$(
            $crate::rule::Rule {
                event_type: rudderstack_events::EventType::$event_type,
                target: stringify!($field),
                sources: $sources,
                coercion: $crate::coerce::$coercion.name,
                document: $document,
                deviations: &[$($($crate::deviation::Deviation::$deviation),+)?],
            },
        )*];

        fn $apply(reader: &$crate::reader::Reader<'_>, body: &mut $body) {
            $(
                body.$field = reader.read(stringify!($field), $sources, &$crate::coerce::$coercion).map(Into::into);
            )*
        }

        $crate::rule::setter! { $($set, $overlay, $by_name,)? $body { $($field: $coercion,)* } }
    };
}

/// The part of [`rules!`] for bodies whose fields may also be given by Intercom's own names.
macro_rules! setter {
    ($body:ty { $($fields:tt)* }) => {};
    ($set:ident, $overlay:ident, $by_name:ident, $body:ty { $($field:ident: $coercion:ident,)* }) => {
        /// Sets the field that `key` names, as its rule coerces it; `false` if no rule fills such a field.
        pub(crate) fn $set(reader: &$crate::reader::Reader<'_>, body: &mut $body, key: &str, value: &rudderstack_events::Raw<'_>, pointer: &str) -> bool {
            match key {
                $(stringify!($field) => {
                    let value = reader.coerce(stringify!($field), value, &$crate::coerce::$coercion, pointer);
                    if let Some(value) = value {
                        body.$field = Some(value.into());
                    }
                })*
                _ => return false,
            }
            true
        }

        /// The rules of the fields that records give by their names.
        pub(crate) const $by_name: &[$crate::rule::Rule] = &[$(
            $crate::rule::Rule {
                event_type: rudderstack_events::EventType::Record,
                target: stringify!($field),
                sources: $crate::source::paths![
                    concat!("fields.", stringify!($field)),
                    concat!("identifiers.", stringify!($field)),
                ],
                coercion: $crate::coerce::$coercion.name,
                document: "RudderStack: reverse ETL, record events",
                deviations: &[],
            },
        )*];

        /// Lays the fields that `over` has over those of `body`.
        pub(crate) fn $overlay(body: &mut $body, over: &$body) {
            $(
                if over.$field.is_some() {
                    body.$field.clone_from(&over.$field);
                }
            )*
            for (name, value) in over.custom_attributes.iter() {
                body.custom_attributes.insert(name.to_owned(), value.clone());
            }
        }
    };
}

pub(crate) use {rules, setter};
