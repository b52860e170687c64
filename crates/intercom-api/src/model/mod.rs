//! How the models are written: a few macros, so that a hundred models stay short.
//!
//! - `request!`: an operation: its method, path, query, body and response.
//! - `fields!`: an object that is sent. What is unset is left out, and what the model has no name for is kept in `extra`.
//! - `response!`: an object that Intercom answers. Nothing of it is lost: a field that the model has no name for, a field
//!   that is `null`, and a field that is not of its documented type are kept in `extra` and written back.
//! - `open_enum!`: a word out of a set that Intercom may add to.
//! - `text_or!`: a string in some places and an object in others.
//!
//! Each of them makes a test of each model: that it can be kept, sent to another thread, and read and written inside of other types
//! and formats.
//!
//! `Debug` of all of them names what is set and shows no value, because the values are personal data.

mod fields;
mod members;
mod open_enum;
mod request;
mod response;
#[cfg(test)]
mod sample;
mod setter;
mod text_or;

pub(crate) use fields::fields;
pub(crate) use members::{
    Key, Member, has_members, is_object, json_name, members, members_of_body, or_extra, or_null, read_members,
    required, write_extra, write_member,
};
pub(crate) use open_enum::open_enum;
pub(crate) use request::request;
pub(crate) use response::response;
#[cfg(test)]
pub(crate) use sample::{Sample, can_stand_anywhere};
pub(crate) use setter::{sample, setter};
pub(crate) use text_or::text_or;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What an operation answers with an object in some cases and with nothing, or an empty object, in others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrEmpty<T>(pub Option<T>);

impl<T: Serialize> Serialize for OrEmpty<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        match &self.0 {
            Some(value) => value.serialize(serializer),
            None => serializer.serialize_map(Some(0))?.end(),
        }
    }
}

impl<'de, T: serde::de::DeserializeOwned> Deserialize<'de> for OrEmpty<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = exact_json::deserialize(deserializer)?;
        let text = raw.get();
        let inside = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        if text == "null" || inside.is_some_and(|inside| inside.trim_ascii().is_empty()) {
            return Ok(Self(None));
        }
        serde_json::from_str(text)
            .map(|value| Self(Some(value)))
            .map_err(serde::de::Error::custom)
    }
}

impl<T: crate::drift::Drift> crate::drift::Drift for OrEmpty<T> {
    fn drift(&self, at: &str, found: &mut Vec<crate::drift::Finding>) {
        self.0.drift(at, found);
    }
}

#[cfg(test)]
mod tests;
