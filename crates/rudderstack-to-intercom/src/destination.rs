//! The settings of an Intercom v2 destination in RudderStack.

use intercom_api::{ApiVersion, Region};
use rudderstack_events::{Raw, Scalar};
use serde::de::Error;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::str::FromStr;
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// The settings under which events are converted.
///
/// Read from the `Config` object of a RudderStack destination, whose other keys are passed over:
///
/// ```
/// use rudderstack_to_intercom::Destination;
///
/// let config = r#"{"apiServer":"Europe","sendAnonymousId":true,"oneTrustCookieCategories":[]}"#;
/// let destination: Destination = serde_json::from_str(config).unwrap();
/// assert_eq!(destination.region.base_url(), "https://api.eu.intercom.io");
/// assert!(destination.send_anonymous_id);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Destination {
    /// `apiServer`: where the workspace is hosted. Anything unknown means the default.
    pub region: Region,
    /// `sendAnonymousId`: whether the anonymous id stands in for a user id that is not there.
    pub send_anonymous_id: bool,
    /// `longText`: what becomes of texts that are too long for a custom attribute.
    pub long_text: LongText,
    /// `attributeNames`: what becomes of names that a custom attribute cannot have.
    pub attribute_names: AttributeNames,
    /// `sameSecond`: what becomes of the times of data events.
    pub same_second: SameSecond,
    /// `sharedEmail`: whose a contact is that has the event's email and another external id.
    pub shared_email: SharedEmail,
    /// The version of the API that is asked for.
    pub api_version: ApiVersion,
}

macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident,)* })*) => {$(
        $(#[$doc])*
        ///
        /// Written and read by the variants' names in `snake_case`.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Display, EnumIter, EnumString, IntoStaticStr)]
        #[strum(serialize_all = "snake_case")]
        pub enum $name {
            $($(#[$of])* $variant,)*
        }
    )*};
}

settings! {
    /// What becomes of a text that is longer than [a custom attribute](intercom_api::limits::ATTRIBUTE_TEXT_CHARACTERS) can
    /// hold. Intercom refuses the whole update for one.
    LongText {
        /// It is cut there.
        #[default]
        Cut,
        /// It is left out.
        LeaveOut,
        /// It is sent as it is.
        AsIs,
    }
    /// What becomes of a name that [a custom attribute](intercom_api::limits::FORBIDDEN_IN_ATTRIBUTE_NAMES) cannot have.
    AttributeNames {
        /// Each character that is not allowed becomes `_`, several in a row become one, and those at the ends are dropped.
        #[default]
        Rename,
        /// It is sent as it is.
        AsIs,
    }
    /// Whose a contact is that has the event's email, but another external id than the event's user id.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    SharedEmail {
        /// Somebody else's, as in Intercom itself: two user ids are two people (D24).
        #[default]
        Separate,
        /// The event's, as RudderStack's guide has it: the email decides, and the external id is replaced.
        Same,
    }
    /// What becomes of the time of a data event. Intercom drops the second of two events with one name, user and second.
    SameSecond {
        /// It is sent as it is.
        #[default]
        AsIs,
        /// It is moved by 0 to 4 seconds, derived from the event's `messageId`.
        Spread,
    }
}

impl Destination {
    /// A workspace in the United States that gets no anonymous ids.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same for another region.
    #[must_use]
    pub fn with_region(mut self, region: Region) -> Self {
        self.region = region;
        self
    }

    /// The same with the anonymous id as a second user id, or without.
    #[must_use]
    pub fn with_anonymous_id(mut self, send: bool) -> Self {
        self.send_anonymous_id = send;
        self
    }

    /// The same with another way with long texts.
    #[must_use]
    pub fn with_long_text(mut self, long_text: LongText) -> Self {
        self.long_text = long_text;
        self
    }

    /// The same with another way with names that Intercom does not allow.
    #[must_use]
    pub fn with_attribute_names(mut self, attribute_names: AttributeNames) -> Self {
        self.attribute_names = attribute_names;
        self
    }

    /// The same for another version of the API.
    #[must_use]
    pub fn with_api_version(mut self, version: ApiVersion) -> Self {
        self.api_version = version;
        self
    }

    /// The same with another view of emails that several people have.
    #[must_use]
    pub fn with_shared_email(mut self, shared_email: SharedEmail) -> Self {
        self.shared_email = shared_email;
        self
    }

    /// The same with another way with events of one second.
    #[must_use]
    pub fn with_same_second(mut self, same_second: SameSecond) -> Self {
        self.same_second = same_second;
        self
    }
}

/// As RudderStack writes the settings that it has; the version of the API stands beside them.
impl Serialize for Destination {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("apiServer", <&str>::from(self.region))?;
        map.serialize_entry("sendAnonymousId", &self.send_anonymous_id)?;
        map.serialize_entry("longText", <&str>::from(self.long_text))?;
        map.serialize_entry("attributeNames", <&str>::from(self.attribute_names))?;
        map.serialize_entry("sameSecond", <&str>::from(self.same_second))?;
        map.serialize_entry("sharedEmail", <&str>::from(self.shared_email))?;
        map.serialize_entry("intercomVersion", self.api_version.as_str())?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Destination {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Owned, because settings may come from a reader as well as from text.
        let config = Raw::deserialize(deserializer)?.as_object();
        let config = config.ok_or_else(|| Error::custom("the settings of a destination must be an object"))?;
        let scalar = |key: &str| config.get(key).and_then(Raw::scalar);
        // Anything unknown means the default, because rudder-server sends the settings of all its versions.
        fn named<T: FromStr + Default>(value: Option<Scalar<'_>>) -> T {
            value.and_then(|name| name.into_text().parse().ok()).unwrap_or_default()
        }
        Ok(Self {
            region: named(scalar("apiServer")),
            long_text: named(scalar("longText")),
            attribute_names: named(scalar("attributeNames")),
            same_second: named(scalar("sameSecond")),
            shared_email: named(scalar("sharedEmail")),
            send_anonymous_id: matches!(scalar("sendAnonymousId"), Some(Scalar::Boolean(true))),
            api_version: named(scalar("intercomVersion")),
        })
    }
}
