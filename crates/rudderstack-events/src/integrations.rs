//! `integrations`: which destinations an event is for.

use crate::field::FromRaw;
use crate::json::{Kind, Raw, Scalar};
use crate::object::Object;
use crate::owned::into_owned;
use serde::{Deserialize, Serialize};

/// Which destinations an event is for, and options for each.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Integrations<'a>(pub Object<'a>);

/// What an event says of one destination.
#[derive(Clone, Debug, PartialEq)]
pub enum Integration<'a> {
    /// Whether the event is for it.
    Enabled(bool),
    /// The event is for it, with these options.
    Options(Object<'a>),
}

impl Integration<'_> {
    /// Whether the event is for the destination.
    pub fn is_enabled(&self) -> bool {
        !matches!(self, Self::Enabled(false))
    }
}

impl Integrations<'_> {
    /// The same, independent of the text that it was read from.
    pub fn into_owned(self) -> Integrations<'static> {
        Integrations(self.0.into_owned())
    }

    /// `All`: whether the event is for every destination that is not named.
    pub fn all(&self) -> Option<bool> {
        match self.0.get("All")?.scalar()? {
            Scalar::Boolean(all) => Some(all),
            _ => None,
        }
    }

    /// What is said of a destination that goes by any of these names: the first name that is there decides.
    /// Anything but a boolean or an object is passed over.
    pub fn destination(&self, names: &[&str]) -> Option<(&str, Integration<'_>)> {
        names.iter().find_map(|name| {
            let (key, value) = self.0.iter().find(|(key, _)| key == name)?;
            let integration = match value.kind() {
                Kind::Boolean => Integration::Enabled(value.json() == "true"),
                Kind::Object => Integration::Options(value.borrow().as_object()?),
                _ => return None,
            };
            Some((key, integration))
        })
    }
}

into_owned! { Integrations }

impl<'a> From<Object<'a>> for Integrations<'a> {
    fn from(object: Object<'a>) -> Self {
        Self(object)
    }
}

impl<'r> FromRaw<'r> for Integrations<'r> {
    const EXPECTED: &'static str = "an object";
    fn from_raw(raw: &'r Raw<'r>) -> Option<Self> {
        raw.borrow().as_object().map(Self)
    }
}
