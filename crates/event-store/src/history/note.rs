//! What is to be said of an event although it was delivered.

use intercom_delivery::DeliveryWarning;
use rudderstack_to_intercom::Warning;
use serde::{Deserialize, Serialize};

/// Something that is to be said of an event that was delivered: what was left out, or read in another way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Note {
    /// The code of a warning of the conversion or the delivery.
    pub code: String,
    /// The JSON pointer or the name of the attribute that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

impl From<&Warning> for Note {
    fn from(warning: &Warning) -> Self {
        Self {
            code: warning.code.as_str().to_owned(),
            at: Some(warning.path.clone()).filter(|path| !path.is_empty()),
        }
    }
}

impl From<&DeliveryWarning> for Note {
    fn from(warning: &DeliveryWarning) -> Self {
        Self {
            code: warning.code().to_owned(),
            at: warning.dropped_attribute().map(str::to_owned),
        }
    }
}
