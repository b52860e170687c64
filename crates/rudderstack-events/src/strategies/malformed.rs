//! Events that have gone wrong on the way.

use super::events::event;
use super::json::{Json, json};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use strum::{EnumIter, IntoEnumIterator as _};

/// A realistic event of which some parts, anywhere in it, are not what they should be.
pub fn malformed_event() -> impl Strategy<Value = Json> {
    malformed(event())
}

/// What a strategy makes, with one to four of its parts replaced, wrapped, written as texts, emptied, taken out or
/// repeated.
pub fn malformed(well_formed: impl Strategy<Value = Json>) -> impl Strategy<Value = Json> {
    let fault = (any::<Index>(), select(Fault::iter().collect::<Vec<_>>()), json());
    (well_formed, prop::collection::vec(fault, 1..5)).prop_map(|(mut value, faults)| {
        for (at, fault, other) in faults {
            let part = &mut value;
            let parts = count(part);
            fault.strike(part_mut(part, &mut at.index(parts)), other);
        }
        value
    })
}

/// A text that is mostly no event: cut off, with bytes changed, or no JSON at all.
pub fn broken_text() -> impl Strategy<Value = String> {
    let text = || prop_oneof![event(), json()].prop_map(|json| json.to_string());
    let cut = (text(), any::<Index>()).prop_map(|(text, at)| {
        let mut at = at.index(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        text[..at].to_owned()
    });
    let changed = (text(), any::<Index>(), any::<char>()).prop_map(|(text, at, other)| {
        let at = at.index(text.chars().count() + 1);
        text.chars()
            .enumerate()
            .map(|(place, c)| if place == at { other } else { c })
            .collect()
    });
    let deep = (1_usize..400, select(vec!["[", "{\"a\":"]))
        .prop_map(|(levels, open)| format!("{{\"type\":\"identify\",\"traits\":{}", open.repeat(levels)));
    prop_oneof![4 => cut, 4 => changed, 1 => any::<String>(), 1 => deep]
}

/// What can happen to a part.
#[derive(Clone, Copy, Debug, EnumIter)]
enum Fault {
    Replaced,
    InAnArray,
    InAnObject,
    AsText,
    Emptied,
    Null,
    Repeated,
}

impl Fault {
    fn strike(self, part: &mut Json, other: Json) {
        *part = match (self, std::mem::replace(part, Json::Null)) {
            (Self::Replaced, _) => other,
            (Self::InAnArray, part) => Json::Array(vec![part]),
            (Self::InAnObject, part) => Json::object([("value", part)]),
            (Self::AsText, Json::String(text)) => Json::String(format!(" {text} ")),
            (Self::AsText, part) => Json::String(part.to_string()),
            (Self::Emptied, Json::Object(_)) => Json::Object(Vec::new()),
            (Self::Emptied, Json::Array(_)) => Json::Array(Vec::new()),
            (Self::Emptied, _) => Json::String(String::new()),
            (Self::Null, _) => Json::Null,
            (Self::Repeated, Json::Object(mut entries)) => {
                if let Some((key, _)) = entries.first() {
                    entries.push((key.clone(), other));
                }
                Json::Object(entries)
            }
            (Self::Repeated, part) => Json::Array(vec![part.clone(), part]),
        };
    }
}

/// How many values there are in a value, itself included.
fn count(value: &Json) -> usize {
    1 + match value {
        Json::Array(items) => items.iter().map(count).sum(),
        Json::Object(entries) => entries.iter().map(|(_, value)| count(value)).sum(),
        _ => 0,
    }
}

/// The value with this number, counted from the outside in.
fn part_mut<'v>(value: &'v mut Json, number: &mut usize) -> &'v mut Json {
    if *number == 0 {
        return value;
    }
    *number -= 1;
    let parts: Vec<&mut Json> = match value {
        Json::Array(items) => items.iter_mut().collect(),
        Json::Object(entries) => entries.iter_mut().map(|(_, value)| value).collect(),
        scalar => return scalar,
    };
    let mut last = None;
    for part in parts {
        let size = count(part);
        if *number < size {
            return part_mut(part, number);
        }
        *number -= size;
        last = Some(part);
    }
    last.expect("the number is below the count of the parts")
}
