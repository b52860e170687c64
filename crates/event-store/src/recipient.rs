//! Whom the events of a gateway are for: a store that has events for one workspace is not delivered to another.

use serde::{Serialize, Serializer};
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// Where a gateway delivers to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)]
pub enum Place {
    /// A sandbox, which forgets everything.
    Sandbox,
    /// Intercom's own hosts, of whatever region.
    Intercom,
    /// Another base URL.
    Url(String),
}

impl Place {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Intercom => "Intercom",
            Self::Url(url) => url,
        }
    }
}

impl FromStr for Place {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok([Self::Sandbox, Self::Intercom]
            .into_iter()
            .find(|place| place.as_str() == text)
            .unwrap_or_else(|| Self::Url(text.to_owned())))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sandbox => f.write_str("a sandbox"),
            place => f.write_str(place.as_str()),
        }
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Whom the events of a store are for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Recipient {
    /// Where it is.
    pub place: Place,
    /// Intercom's id of the workspace; none as long as Intercom has not told it.
    pub workspace: Option<String>,
}

impl Recipient {
    /// Whatever workspace is called there.
    pub fn new(place: Place) -> Self {
        Self { place, workspace: None }
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.workspace {
            Some(workspace) => write!(f, "the workspace {workspace} at {}", self.place),
            None => write!(f, "{}", self.place),
        }
    }
}
