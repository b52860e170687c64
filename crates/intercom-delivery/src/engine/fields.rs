//! Bodies, field by field: what to send of them, and what was last sent.
//!
//! A custom attribute is a field of its own. Values are compared by a hash of their JSON text, so that numbers differ if
//! their text does, and nothing personal is kept.

use super::attributes::Sent;
use crate::codes::DeliveryWarning;
use crate::walk::CUSTOM;
use intercom_api::{Attributes, Value};
use rudderstack_to_intercom::Fit;
use serde::Serialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::num::NonZeroU64;

/// The hash of a value. That it is not 0 lets one that is not known take no room.
pub(super) type ValueHash = NonZeroU64;

/// A field of a body, and the event that set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Set {
    pub(super) name: u64,
    pub(super) value: ValueHash,
    /// The event's place in the order of submission.
    seq: u64,
}

#[derive(Clone, Copy, Debug)]
struct Field {
    name: u64,
    /// The value last written, if it is known for certain.
    value: Option<ValueHash>,
    /// The newest event that is known to have set it.
    seq: u64,
}

/// What was last written of each field of a contact or a company.
#[derive(Clone, Debug, Default)]
pub(super) struct Written(Vec<Field>);

impl Written {
    fn get(&self, name: u64) -> Option<&Field> {
        let at = self.0.binary_search_by_key(&name, |field| field.name).ok()?;
        self.0.get(at)
    }

    /// The value that a field is known to have.
    pub(super) fn value(&self, name: u64) -> Option<ValueHash> {
        self.get(name)?.value
    }

    /// Changes these fields, each of which is there once; those that are not known yet are added.
    fn change(&mut self, set: &[Set], change: impl Fn(&mut Field, &Set)) {
        let known = self.0.len();
        for field in set {
            match self.0[..known].binary_search_by_key(&field.name, |field| field.name) {
                Ok(at) => change(&mut self.0[at], field),
                Err(_) => {
                    let mut new = Field {
                        name: field.name,
                        value: None,
                        seq: 0,
                    };
                    change(&mut new, field);
                    self.0.push(new);
                }
            }
        }
        if self.0.len() > known {
            // Once for all, because an event may have very many fields.
            self.0.sort_unstable_by_key(|field| field.name);
            // There are as many of these as people who are remembered, and few change much.
            self.0.shrink_to_fit();
        }
    }

    /// A body is on its way: until it is answered, nobody knows what its fields are.
    pub(super) fn unsettle(&mut self, set: &[Set]) {
        self.change(set, |known, _| known.value = None);
    }

    /// A body has been written.
    pub(super) fn settle(&mut self, set: &[Set]) {
        self.change(set, |known, field| {
            known.value = Some(field.value);
            known.seq = known.seq.max(field.seq);
        });
    }

    /// Whether writing the body would change nothing.
    pub(super) fn has(&self, set: &[Set]) -> bool {
        set.iter().all(|field| self.value(field.name) == Some(field.value))
    }
}

/// The hash of a field's name; `attribute` is the name of a custom attribute.
pub(super) fn hash_name(hasher: &RandomState, field: &str, attribute: Option<&str>) -> u64 {
    hasher.hash_one((field, attribute))
}

/// The hash of a value's JSON text.
pub(super) fn hash_value(hasher: &RandomState, json: &[u8]) -> ValueHash {
    ValueHash::new(hasher.hash_one(json)).unwrap_or(ValueHash::MIN)
}

/// A body to be sent.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) json: Box<RawValue>,
    /// Its fields.
    pub(super) set: Vec<Set>,
    /// Warns of custom attributes that were left out because the workspace does not have them, or not so.
    pub(super) dropped: Vec<DeliveryWarning>,
    /// Whether it was to have custom attributes at all.
    pub(super) has_custom: bool,
    /// Those that the workspace does not list.
    pub(super) unlisted: Attributes,
}

/// Lays the bodies of consecutive events over each other: later values win.
pub(super) struct Overlay<'a> {
    hasher: &'a RandomState,
    /// What newer events have written already is left out.
    written: Option<&'a Written>,
    /// A field that is never left out.
    key: Option<&'static str>,
    fitting: &'a dyn Fn(&str, &Value) -> Sent,
    fields: Attributes,
    custom: Attributes,
    /// What has been set, a field maybe more than once: the last counts.
    set: Vec<Set>,
    dropped: Vec<DeliveryWarning>,
    is_dropped: HashSet<u64>,
    has_custom: bool,
    unlisted: Attributes,
    text: Vec<u8>,
}

impl<'a> Overlay<'a> {
    pub(super) fn new(
        hasher: &'a RandomState,
        written: Option<&'a Written>,
        key: Option<&'static str>,
        fitting: &'a dyn Fn(&str, &Value) -> Sent,
    ) -> Self {
        Self {
            hasher,
            written,
            key,
            fitting,
            fields: Attributes::new(),
            custom: Attributes::new(),
            set: Vec::new(),
            dropped: Vec::new(),
            is_dropped: HashSet::new(),
            has_custom: false,
            unlisted: Attributes::new(),
            text: Vec::new(),
        }
    }

    /// Lays the body of the event with this place in the order of submission over what is there.
    pub(super) fn add(&mut self, body: &impl Serialize, seq: u64) -> Result<(), serde_json::Error> {
        let fields: Attributes = serde_json::from_slice(&serde_json::to_vec(body)?)?;
        for (name, value) in fields.iter() {
            match value {
                Value::Object(custom) if name == CUSTOM => {
                    for (name, value) in custom.iter() {
                        self.add_custom(name, value, seq)?;
                    }
                }
                _ => {
                    if self.note(name, None, value, seq)? || self.key == Some(name) {
                        self.fields.insert(name.to_owned(), value.clone());
                    }
                }
            }
        }
        Ok(())
    }

    fn add_custom(&mut self, name: &str, value: &Value, seq: u64) -> Result<(), serde_json::Error> {
        self.has_custom = true;
        let Sent {
            fit,
            is_unlisted,
            is_defined,
        } = (self.fitting)(name, value);
        if is_unlisted && *value != Value::Null {
            self.unlisted.insert(name.to_owned(), value.clone());
        }
        let value = match fit {
            Fit::AsItIs => Cow::Borrowed(value),
            Fit::As(other) => Cow::Owned(other),
            // It unsets what an earlier event of these sets.
            Fit::Not if *value == Value::Null && self.custom.get(name).is_some() => Cow::Borrowed(value),
            Fit::Not => {
                let is_lost = *value != Value::Null;
                if is_lost && self.is_dropped.insert(hash_name(self.hasher, CUSTOM, Some(name))) {
                    let attribute = name.to_owned();
                    self.dropped.push(match is_defined {
                        true => DeliveryWarning::AttributeOfAnotherType { attribute },
                        false => DeliveryWarning::AttributeDropped { attribute },
                    });
                }
                return Ok(());
            }
        };
        if self.note(CUSTOM, Some(name), &value, seq)? {
            self.custom.insert(name.to_owned(), value.into_owned());
        }
        Ok(())
    }

    /// Notes the field as set, unless a newer event has written it.
    fn note(
        &mut self,
        field: &str,
        attribute: Option<&str>,
        value: &Value,
        seq: u64,
    ) -> Result<bool, serde_json::Error> {
        let name = hash_name(self.hasher, field, attribute);
        let known = self.written.and_then(|written| written.get(name));
        if known.is_some_and(|field| field.seq > seq) {
            return Ok(false);
        }
        self.text.clear();
        serde_json::to_writer(&mut self.text, value)?;
        self.set.push(Set {
            name,
            value: hash_value(self.hasher, &self.text),
            seq,
        });
        Ok(true)
    }

    pub(super) fn finish(mut self) -> Result<Body, serde_json::Error> {
        if !self.custom.is_empty() {
            self.fields.insert(CUSTOM, Value::Object(self.custom));
        }
        // The sort keeps the order of equals: of each field, the last that was set comes first, and stays.
        self.set.reverse();
        self.set.sort_by_key(|set| set.name);
        self.set.dedup_by_key(|set| set.name);
        Ok(Body {
            json: serde_json::value::to_raw_value(&self.fields)?,
            set: self.set,
            dropped: self.dropped,
            has_custom: self.has_custom,
            unlisted: self.unlisted,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use intercom_api::ContactFields;
    use std::time::{Duration, Instant};

    fn contact(json: &str) -> ContactFields {
        serde_json::from_str(json).unwrap()
    }

    fn without(is_left_out: bool) -> Sent {
        Sent {
            fit: if is_left_out { Fit::Not } else { Fit::AsItIs },
            is_unlisted: false,
            is_defined: false,
        }
    }

    fn body(hasher: &RandomState, written: Option<&Written>, bodies: &[(&str, u64)]) -> Body {
        let mut overlay = Overlay::new(hasher, written, None, &|name, _| without(name == "gone"));
        for (json, seq) in bodies {
            overlay.add(&contact(json), *seq).unwrap();
        }
        overlay.finish().unwrap()
    }

    #[test]
    fn later_values_win_field_by_field() {
        let body = body(
            &RandomState::new(),
            None,
            &[
                (
                    r#"{"email":"a","name":"x","custom_attributes":{"p":1.0,"gone":2,"q":{"z":1}}}"#,
                    1,
                ),
                (r#"{"name":"y","custom_attributes":{"r":null,"p":1.00}}"#, 2),
            ],
        );
        assert_eq!(
            body.json.get(),
            r#"{"email":"a","name":"y","custom_attributes":{"p":1.00,"q":{"z":1},"r":null}}"#
        );
        let gone = DeliveryWarning::AttributeDropped {
            attribute: "gone".to_owned(),
        };
        assert_eq!(body.dropped, [gone]);
        assert_eq!(body.set.len(), 5);
    }

    #[test]
    fn only_the_same_values_are_unchanged() {
        let hasher = RandomState::new();
        let make = |json, seq| body(&hasher, None, &[(json, seq)]).set;
        let mut written = Written::default();
        let (a, b) = (
            r#"{"name":"x","custom_attributes":{"p":1}}"#,
            r#"{"custom_attributes":{"p":2}}"#,
        );
        assert!(!written.has(&make(a, 1)));
        written.settle(&make(a, 1));
        assert!(written.has(&make(a, 2)));
        assert!(
            written.has(&make(r#"{"name":"x"}"#, 2)),
            "a part of it is no change either"
        );
        assert!(!written.has(&make(b, 2)));
        written.settle(&make(b, 2));
        assert!(!written.has(&make(a, 3)), "back to the first value is a change");
        written.unsettle(&make(b, 3));
        assert!(!written.has(&make(b, 3)), "nobody knows while it is on its way");
        assert!(!written.has(&make(r#"{"custom_attributes":{"p":2.0}}"#, 3)));
        assert!(!written.has(&make(r#"{"phone":"x"}"#, 3)), "the name counts as well");
    }

    #[test]
    fn what_a_newer_event_has_written_is_left_out() {
        let hasher = RandomState::new();
        let mut written = Written::default();
        written.settle(&body(&hasher, None, &[(r#"{"name":"new"}"#, 9)]).set);
        let body = body(&hasher, Some(&written), &[(r#"{"name":"old","phone":"1"}"#, 5)]);
        assert_eq!(body.json.get(), r#"{"phone":"1"}"#);
    }

    /// How long it takes to lay an event with so many attributes over another, and to note what was written.
    fn time(hasher: &RandomState, attributes: usize) -> Duration {
        let attributes = |from: usize| {
            let members: Vec<String> = (from..from + attributes).map(|at| format!(r#""a{at}":{at}"#)).collect();
            contact(&format!(r#"{{"custom_attributes":{{{}}}}}"#, members.join(",")))
        };
        let (first, second) = (attributes(0), attributes(1));
        let start = Instant::now();
        let fitting = |name: &str, _: &Value| without(name.ends_with('7'));
        let mut written = Written::default();
        for seq in 0..2 {
            let mut overlay = Overlay::new(hasher, Some(&written), None, &fitting);
            overlay.add(&first, seq).unwrap();
            overlay.add(&second, seq).unwrap();
            let body = overlay.finish().unwrap();
            written.unsettle(&body.set);
            written.settle(&body.set);
            assert!(written.has(&body.set));
        }
        start.elapsed()
    }

    #[test]
    fn an_event_of_very_many_attributes_takes_time_in_proportion() {
        let hasher = RandomState::new();
        // The best of several, in one run: what takes the square of the number takes 64 times as long.
        let best = |attributes| (0..5).map(|_| time(&hasher, attributes)).min().unwrap();
        let (few, many) = (best(2_000), best(16_000));
        assert!(many < few * 32, "{few:?} for 2,000, {many:?} for 16,000");
    }
}
