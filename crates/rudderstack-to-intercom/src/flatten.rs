//! Custom attributes and event metadata: nested values made flat.

use crate::coerce::{Coerced, NUMBER, is_whole};
use crate::destination::{AttributeNames, LongText};
use crate::issue::WarningCode;
use crate::member::Requested;
use crate::names::Names;
use crate::reader::{Reader, escape_pointer};
use crate::source::Root;
use intercom_api::{AttributeName, Attributes, Number, Value, limits};
use rudderstack_events::scan::{Cursor, Fault, FaultKind};
use rudderstack_events::{Kind, Object, Raw, Scalar};
use std::collections::HashSet;
use std::fmt::Write as _;

/// The longest flattened name, in bytes. Intercom's own limits are far lower.
const MAX_NAME: usize = 1024;

/// How many bytes the flattened names of an event may have together. Many values below a long name would make a hostile
/// event a thousand times its size.
const MAX_NAMES: usize = 1024 * 1024;

/// How nested values become names.
#[derive(Clone, Copy)]
pub(crate) struct Flattening {
    /// Stands between the names of an object and of what is in it.
    pub(crate) separator: &'static str,
    /// Whether monetary amounts and rich links stay whole, and go first.
    pub(crate) keep_rich: bool,
    /// What the target is called in a trace.
    pub(crate) target: &'static str,
    /// Of custom attributes: the names that they cannot have.
    standard: Option<&'static Names>,
}

impl Flattening {
    /// Whether Intercom has an attribute of its own of this name.
    pub(crate) fn is_reserved(&self, name: &str) -> bool {
        self.standard.is_some_and(|names| names.contains(name))
    }
}

/// Custom attributes of a contact.
pub(crate) const CONTACT_ATTRIBUTES: Flattening = Flattening {
    separator: "_",
    keep_rich: false,
    target: "custom_attributes",
    standard: Some(&const { Names::new(limits::STANDARD_CONTACT_ATTRIBUTES) }),
};
/// Custom attributes of a company.
pub(crate) const COMPANY_ATTRIBUTES: Flattening = Flattening {
    standard: Some(&const { Names::new(limits::STANDARD_COMPANY_ATTRIBUTES) }),
    ..CONTACT_ATTRIBUTES
};
/// Metadata of an event.
pub(crate) const METADATA: Flattening = Flattening {
    separator: ".",
    keep_rich: true,
    target: "metadata",
    standard: None,
};

/// Makes values flat, one after the other.
pub(crate) struct Flattener<'r, 'e> {
    reader: &'r Reader<'e>,
    how: Flattening,
    flat: Vec<(AttributeName, Value)>,
    /// The places of those that stay whole.
    rich: Vec<usize>,
    /// The bytes of the names so far.
    names: usize,
}

/// Makes the entries of `object` flat, without those that `skip` names.
pub(crate) fn flatten(
    reader: &Reader<'_>,
    object: &Object<'_>,
    pointer: &str,
    how: Flattening,
    skip: impl Fn(&str) -> bool,
) -> Attributes {
    let mut flattener = Flattener::new(reader, how, object.len());
    for (key, value) in object.iter().filter(|(key, _)| !skip(key)) {
        flattener.add(key, value, &|| format!("{pointer}/{}", escape_pointer(key)));
    }
    flattener.finish(pointer)
}

/// The custom attributes: all traits but the standard ones and the one that is looked up by.
pub(crate) fn custom_attributes(
    reader: &Reader<'_>,
    traits: Option<(Root, &Object<'_>)>,
    how: Flattening,
    standard: &Names,
    requested: Option<&Requested>,
) -> Attributes {
    let Some((root, traits)) = traits else {
        return Attributes::new();
    };
    let skip = |key: &str| standard.contains(key) || requested.is_some_and(|lookup| lookup.is_named(key));
    flatten(reader, traits, &reader.root(root), how, skip)
}

impl<'r, 'e> Flattener<'r, 'e> {
    /// Nothing yet; about so many entries are to come.
    pub(crate) fn new(reader: &'r Reader<'e>, how: Flattening, entries: usize) -> Self {
        Self {
            reader,
            how,
            flat: Vec::with_capacity(entries),
            rich: Vec::new(),
            names: 0,
        }
    }

    /// The flat values. `pointer` is where they come from, for warnings.
    pub(crate) fn finish(self, pointer: &str) -> Attributes {
        collect(self.reader, pointer, self.flat, &self.rich)
    }

    /// Adds a value under a name, or what is in it under names that start with it.
    pub(crate) fn add(&mut self, name: &str, value: &Raw<'_>, pointer: &dyn Fn() -> String) {
        if name.len() > MAX_NAME {
            let message = format!("the name would have {} bytes, {MAX_NAME} are possible", name.len());
            self.reader.warn(WarningCode::AttributeNameTooLong, pointer(), message);
            return;
        }
        if self.names > MAX_NAMES {
            let message = format!("the names take more than {MAX_NAMES} bytes together");
            self.reader.warn(WarningCode::AttributeNameTooLong, pointer(), message);
            return;
        }
        match value.kind() {
            Kind::Object => {
                if self.how.keep_rich
                    && let Some(rich) = Rich::at_once(value)
                {
                    return self.keep_rich(name, rich, pointer);
                }
                let entries = value.borrow().as_object().unwrap_or_default();
                if entries.is_empty() {
                    return self.warn_of_nothing(value, pointer);
                }
                if self.how.keep_rich
                    && let Some(rich) = Rich::of(&entries)
                {
                    return self.keep_rich(name, rich, pointer);
                }
                let mut below = format!("{name}{}", self.how.separator);
                let length = below.len();
                for (key, value) in entries.iter() {
                    below.push_str(key);
                    self.add(&below, value, &|| format!("{}/{}", pointer(), escape_pointer(key)));
                    below.truncate(length);
                }
            }
            Kind::Array => {
                let items = value.borrow().as_array().unwrap_or_default();
                if items.is_empty() {
                    return self.warn_of_nothing(value, pointer);
                }
                let mut below = format!("{name}[");
                let length = below.len();
                for (at, item) in items.iter().enumerate() {
                    // To a text, nothing fails.
                    let _ = write!(below, "{at}]");
                    self.add(&below, item, &|| format!("{}/{at}", pointer()));
                    below.truncate(length);
                }
            }
            _ => self.keep(name, value_of(value), pointer),
        }
    }

    fn keep_rich(&mut self, name: &str, rich: Rich<'_>, pointer: &dyn Fn() -> String) {
        self.warn_of_fraction(rich.amount.as_ref(), pointer);
        let at = self.flat.len();
        self.keep(name, Value::Object(rich.entries), pointer);
        if self.flat.len() > at {
            self.rich.push(at);
        }
    }

    fn keep(&mut self, name: &str, mut value: Value, pointer: &dyn Fn() -> String) {
        let name = if self.how.standard.is_some() {
            let Some(name) = self.possible_name(name, pointer) else {
                return;
            };
            if let Value::String(text) = &mut value
                && !self.shorten(text, pointer)
            {
                return;
            }
            name
        } else {
            name.into()
        };
        self.reader.note(|| format!("{}.{name}", self.how.target), pointer);
        self.names += name.len();
        self.flat.push((name, value));
    }

    /// A name that a custom attribute can have (D29), made of this one.
    fn possible_name(&self, name: &str, pointer: &dyn Fn() -> String) -> Option<AttributeName> {
        let warn = |code, message: String| self.reader.warn(code, pointer(), message);
        let name: AttributeName = if is_possible(name) {
            name.into()
        } else if self.reader.destination.attribute_names == AttributeNames::AsIs {
            warn(
                WarningCode::InvalidAttributeName,
                format!("Intercom has no custom attribute with a name such as {name:?}"),
            );
            name.into()
        } else {
            let renamed = renamed(name);
            if renamed.is_empty() {
                let message = format!("nothing of the name {name:?} is allowed; the value is left out");
                warn(WarningCode::InvalidAttributeName, message);
                return None;
            }
            let message = format!("the name {name:?} is not allowed; the value is sent as {renamed:?}");
            warn(WarningCode::AttributeRenamed, message);
            renamed.into()
        };
        if self.how.is_reserved(&name) {
            let message = format!("{name} is a standard attribute of Intercom's, and cannot be a custom attribute");
            warn(WarningCode::ReservedName, message);
            return None;
        }
        Some(name)
    }

    /// Makes a text no longer than a custom attribute can hold (D28); `false` if it is to be left out.
    fn shorten(&self, text: &mut String, pointer: &dyn Fn() -> String) -> bool {
        if text.len() <= limits::ATTRIBUTE_TEXT_CHARACTERS {
            return true;
        }
        let Some((end, _)) = text.char_indices().nth(limits::ATTRIBUTE_TEXT_CHARACTERS) else {
            return true;
        };
        let done = match self.reader.destination.long_text {
            LongText::Cut => "cut there",
            LongText::LeaveOut => "left out",
            LongText::AsIs => "sent as it is",
        };
        let message = format!(
            "{} characters, of which Intercom takes {}; the text is {done}",
            text.chars().count(),
            limits::ATTRIBUTE_TEXT_CHARACTERS
        );
        self.reader.warn(WarningCode::TooLong, pointer(), message);
        if self.reader.destination.long_text == LongText::Cut {
            text.truncate(end);
        }
        self.reader.destination.long_text != LongText::LeaveOut
    }

    /// Intercom takes no empty objects and arrays (D28).
    fn warn_of_nothing(&self, value: &Raw<'_>, pointer: &dyn Fn() -> String) {
        let message = format!("an empty {}, which Intercom does not take, is left out", value.kind());
        self.reader.warn(WarningCode::EmptyValue, pointer(), message);
    }

    fn warn_of_fraction(&self, amount: Option<&Raw<'_>>, pointer: &dyn Fn() -> String) {
        // Most are whole, and written so.
        let is_whole_text = |amount: &&Raw<'_>| amount.json().bytes().all(|byte| byte.is_ascii_digit());
        let amount = amount.filter(|amount| !is_whole_text(amount));
        if let Some(Coerced::Value(amount)) = amount.map(|amount| (NUMBER.run)(amount))
            && !is_whole(&amount)
        {
            let message = "Intercom takes monetary amounts in whole cents";
            self.reader
                .warn(WarningCode::FractionalAmount, format!("{}/amount", pointer()), message);
        }
    }
}

/// Whether a custom attribute can have this name.
fn is_possible(name: &str) -> bool {
    !name.is_empty() && !name.bytes().any(|byte| IS_FORBIDDEN[usize::from(byte)])
}

/// Whether each byte is a character that a name cannot have: all of them are ASCII.
const IS_FORBIDDEN: [bool; 256] = {
    let mut is_forbidden = [false; 256];
    let mut at = 0;
    while at < limits::FORBIDDEN_IN_ATTRIBUTE_NAMES.len() {
        let character = limits::FORBIDDEN_IN_ATTRIBUTE_NAMES[at];
        assert!(character.is_ascii());
        is_forbidden[character as usize] = true;
        at += 1;
    }
    is_forbidden
};

/// The name with one `_` for each run of characters that are not allowed and the `_` among them, but none at the ends.
fn renamed(name: &str) -> String {
    let parts = name
        .split(|c| c == '_' || limits::FORBIDDEN_IN_ATTRIBUTE_NAMES.contains(&c))
        .filter(|part| !part.is_empty());
    let renamed = parts.collect::<Vec<_>>().join("_");
    renamed.trim_matches(|c: char| c == '_' || c.is_whitespace()).to_owned()
}

/// A monetary amount or a rich link.
struct Rich<'v> {
    entries: Attributes,
    amount: Option<Raw<'v>>,
}

/// Whether an object that has these keys is one.
fn is_rich(has: impl Fn(&str) -> bool) -> bool {
    (has("amount") && has("currency")) || (has("url") && has("value"))
}

impl<'v> Rich<'v> {
    /// What these entries are as one, if they are one.
    fn of(entries: &'v Object<'_>) -> Option<Self> {
        is_rich(|key| entries.contains_key(key)).then(|| Self {
            entries: attributes_of(entries),
            amount: entries.get("amount").map(Raw::borrow),
        })
    }

    /// The same of one that begins like one, as nearly all do, without an [`Object`] of it.
    fn at_once(value: &'v Raw<'_>) -> Option<Self> {
        /// There is no need to read on.
        const UNLIKE_ONE: Fault = Fault {
            at: 0,
            kind: FaultKind::Kind,
        };
        let (mut entries, mut amount) = (Attributes::new(), None);
        let read = Cursor::new(value.json()).object(|cursor, key| {
            if entries.is_empty() && !["amount", "currency", "url", "value"].contains(&&*key) {
                return Err(UNLIKE_ONE);
            }
            let part = cursor.raw()?;
            entries.insert(&*key, value_of(&part));
            if key == "amount" {
                amount = Some(part);
            }
            Ok(())
        });
        let is_one = read.is_ok() && is_rich(|key| entries.get(key).is_some());
        is_one.then_some(Self { entries, amount })
    }
}

/// Of two that have one name, the later wins. Whole values go first, the rest keeps the event's order.
fn collect(reader: &Reader<'_>, pointer: &str, mut flat: Vec<(AttributeName, Value)>, rich: &[usize]) -> Attributes {
    let overridden = overridden(&flat);
    if overridden.is_empty() && rich.len() <= FEW {
        for (place, at) in rich.iter().enumerate() {
            flat[place..=*at].rotate_right(1);
        }
        return Attributes::from_distinct(flat);
    }
    let (mut whole, mut others) = (Vec::with_capacity(rich.len()), Vec::with_capacity(flat.len()));
    for (at, entry) in flat.into_iter().enumerate() {
        if overridden.get(at).copied().unwrap_or_default() {
            let message = format!("two values flatten to the name {:?}; the later one is sent", entry.0);
            reader.warn(WarningCode::AttributeNameCollision, pointer, message);
        } else if rich.binary_search(&at).is_ok() {
            whole.push(entry);
        } else {
            others.push(entry);
        }
    }
    whole.append(&mut others);
    Attributes::from_distinct(whole)
}

/// Up to this many, comparing or moving each is faster than hashing or copying all.
const FEW: usize = 24;

/// Which entries have the name of a later one; empty if none has.
fn overridden(flat: &[(AttributeName, Value)]) -> Vec<bool> {
    let repeated = |at: usize, name: &str| flat[at + 1..].iter().any(|(later, _)| later == name);
    if flat.len() <= FEW {
        let any = flat.iter().enumerate().any(|(at, (name, _))| repeated(at, name));
        return if any {
            flat.iter()
                .enumerate()
                .map(|(at, (name, _))| repeated(at, name))
                .collect()
        } else {
            Vec::new()
        };
    }
    let mut seen = HashSet::with_capacity(flat.len());
    let mut lost: Vec<bool> = flat.iter().rev().map(|(name, _)| !seen.insert(name.as_str())).collect();
    lost.reverse();
    lost
}

/// The same value in Intercom's model; numbers keep their text.
pub(crate) fn value_of(raw: &Raw<'_>) -> Value {
    match raw.scalar() {
        Some(Scalar::String(text)) => Value::String(text.into_owned()),
        Some(Scalar::Boolean(value)) => Value::Bool(value),
        Some(Scalar::Number(text)) => Number::from_json_text(text).map_or(Value::Null, Value::Number),
        None => match raw.kind() {
            Kind::Array => Value::Array(
                raw.borrow()
                    .as_array()
                    .unwrap_or_default()
                    .iter()
                    .map(value_of)
                    .collect(),
            ),
            Kind::Object => Value::Object(attributes_of(&raw.borrow().as_object().unwrap_or_default())),
            _ => Value::Null,
        },
    }
}

fn attributes_of(entries: &Object<'_>) -> Attributes {
    let entries = entries.iter().map(|(key, value)| (key.into(), value_of(value)));
    Attributes::from_distinct(entries.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rich_value_is_the_same_however_it_is_read() {
        for (json, is_one) in [
            (r#"{"amount":1,"currency":"EUR"}"#, true),
            (r#"{"currency":"EUR","a":{"b":[1,null]},"amount":"1.5"}"#, true),
            (r#"{"a":true,"currency":"EUR","amount":1}"#, true),
            (
                r#"{"url":"https://a.example","amount":2,"value":"A \"b\"","amount":3.5}"#,
                true,
            ),
            (r#"{"amount":1,"url":"https://a.example"}"#, false),
            (r#"{"value":null,"a":1}"#, false),
            ("{}", false),
        ] {
            let raw = Cursor::new(json).raw().unwrap();
            let entries = raw.as_object().unwrap();
            let (at_once, of_entries) = (Rich::at_once(&raw), Rich::of(&entries));
            assert_eq!(of_entries.is_some(), is_one, "{json}");
            // It may also be looked at once more.
            let (Some(at_once), Some(of_entries)) = (at_once, of_entries) else {
                assert!(!is_one || json.starts_with(r#"{"a""#), "{json}");
                continue;
            };
            assert_eq!(at_once.entries, of_entries.entries, "{json}");
            assert_eq!(at_once.amount, of_entries.amount, "{json}");
        }
    }
}
