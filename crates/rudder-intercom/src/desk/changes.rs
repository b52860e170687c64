//! Changes as they are shown: values only where that is asked for.

use crate::preview::{Change, Effect, Link, What};
use intercom_api::{UnixSeconds, Value};
use serde::Serialize;

/// Whether values are shown, or only their kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Values {
    Shown,
    Kinds,
}

/// A value, or its kind.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Shown {
    Kind(&'static str),
    Value(Value),
}

impl Shown {
    fn new(value: Option<&Value>, values: Values) -> Self {
        match values {
            Values::Shown => Self::Value(value.cloned().unwrap_or(Value::Null)),
            Values::Kinds => Self::Kind(kind(value)),
        }
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Kind(kind) => (*kind).to_owned(),
            Self::Value(Value::Null) => "none".to_owned(),
            // A value that was read can be written.
            Self::Value(value) => serde_json::to_string(value).unwrap_or_default(),
        }
    }
}

fn kind(value: Option<&Value>) -> &'static str {
    match value {
        None | Some(Value::Null) => "none",
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Number(_)) => "number",
        Some(Value::String(_)) => "text",
        Some(Value::Array(_) | Value::Object(_)) => "other",
    }
}

/// A field that changes.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ShownField {
    pub(super) name: String,
    pub(super) before: Shown,
    pub(super) after: Shown,
}

/// A company that a contact is linked to, or is not any more.
#[derive(Clone, Serialize)]
pub(super) struct ShownLink {
    /// Intercom's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) company_id: Option<String>,
}

/// Something that changes.
#[derive(Clone, Serialize)]
pub(super) struct ShownChange {
    pub(super) what: What,
    pub(super) effect: Effect,
    /// The line of the first event that is about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<u64>,
    /// Intercom's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    /// Who or what it is to the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<Value>,
    pub(super) fields: Vec<ShownField>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) linked: Vec<ShownLink>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) detached: Vec<ShownLink>,
    /// How many tags it gets.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) tagged: usize,
    /// Which.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) updated_at: Option<UnixSeconds>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl ShownChange {
    pub(super) fn new(change: &Change, values: Values) -> Self {
        let is_shown = values == Values::Shown;
        let links = |links: &[Link]| {
            let link = |link: &Link| ShownLink {
                id: link.id.clone(),
                company_id: link.company_id.clone().filter(|_| is_shown),
            };
            links.iter().map(link).collect()
        };
        let fields = change.fields.iter().map(|field| ShownField {
            name: field.name.to_string(),
            before: Shown::new(field.before.as_ref(), values),
            after: Shown::new(field.after.as_ref(), values),
        });
        Self {
            what: change.what,
            effect: change.effect,
            line: change.line,
            id: change.id.clone(),
            name: change.name.clone().filter(|_| is_shown),
            fields: fields.collect(),
            linked: links(&change.linked),
            detached: links(&change.detached),
            tagged: change.tags.len(),
            tags: change.tags.iter().filter(|_| is_shown).cloned().collect(),
            updated_at: change.updated_at,
        }
    }
}
