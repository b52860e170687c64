//! Where a response differs from its model.
//!
//! Reading never fails over a field that is new or that changed, and nothing is lost: see the `extra` of every response.
//! This tells what such fields there are, for a tool that watches whether the models still fit. Values are not shown.
//!
//! ```
//! use intercom_api::{Operation, RetrieveContact, drift};
//!
//! let contact = RetrieveContact::parse_response(br#"{"id":"5f","name":["Ada"],"shoe_size":38,"role":"guest","phone":null}"#)?;
//! let found: Vec<String> = drift::findings(&contact).iter().map(ToString::to_string).collect();
//! assert_eq!(found, ["/role: unknown word", "/name: unexpected type", "/shoe_size: unknown field"]);
//! # Ok::<(), serde_json::Error>(())
//! ```

use crate::ids::*;
use crate::json::{Attributes, Number, Value};
use crate::time::UnixSeconds;
use std::fmt;

/// A place where a response differs from its model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// Where, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// How.
    pub kind: FindingKind,
}

impl Finding {
    pub(crate) fn new(at: &str, kind: FindingKind) -> Self {
        Self {
            pointer: at.to_owned(),
            kind,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer, self.kind)
    }
}

/// How a response differs from its model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
#[non_exhaustive]
pub enum FindingKind {
    /// The model has no such field.
    #[strum(to_string = "unknown field")]
    UnknownField,
    /// The field is not of the type that the model gives it.
    #[strum(to_string = "unexpected type")]
    UnexpectedType,
    /// The word is none of those that the model lists.
    #[strum(to_string = "unknown word")]
    UnknownWord,
}

/// What can be compared with its model: every response, and what responses are made of.
pub trait Drift {
    /// Adds what differs; `at` is where the value is.
    fn drift(&self, at: &str, found: &mut Vec<Finding>);
}

/// What differs in a response.
pub fn findings(response: &(impl Drift + ?Sized)) -> Vec<Finding> {
    let mut found = Vec::new();
    response.drift("", &mut found);
    found
}

/// The pointer of what is under `name`.
pub(crate) fn inside(at: &str, name: &str) -> String {
    if name.contains(['~', '/']) {
        return format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
    }
    format!("{at}/{name}")
}

/// What the fields that a model did not take mean.
pub(crate) fn extra(extra: &Attributes, known: &[&str], at: &str, found: &mut Vec<Finding>) {
    for (name, value) in extra.iter() {
        let kind = match (known.contains(&name), value) {
            (true, Value::Null) => continue,
            (true, _) => FindingKind::UnexpectedType,
            (false, _) => FindingKind::UnknownField,
        };
        found.push(Finding::new(&inside(at, name), kind));
    }
}

impl<T: Drift> Drift for Option<T> {
    fn drift(&self, at: &str, found: &mut Vec<Finding>) {
        if let Some(value) = self {
            value.drift(at, found);
        }
    }
}

impl<T: Drift> Drift for Vec<T> {
    fn drift(&self, at: &str, found: &mut Vec<Finding>) {
        for (index, item) in self.iter().enumerate() {
            item.drift(&format!("{at}/{index}"), found);
        }
    }
}

impl<T: Drift + ?Sized> Drift for Box<T> {
    fn drift(&self, at: &str, found: &mut Vec<Finding>) {
        (**self).drift(at, found);
    }
}

macro_rules! has_no_parts {
    ($($name:ty,)*) => {$(
        impl Drift for $name {
            fn drift(&self, _: &str, _: &mut Vec<Finding>) {}
        }
    )*};
}

has_no_parts! {
    (), bool, i64, String, Number, Value, Attributes, UnixSeconds,
    ContactId, ExternalId, CompanyId, CompanyExternalId, TagId, AdminId, TeamId, SegmentId, NoteId, DataAttributeId,
    SubscriptionTypeId, VisitorId, ConversationId, TicketId, ResourceId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_escaped() {
        assert_eq!(inside("/a", "b/c~d"), "/a/b~1c~0d");
    }
}
