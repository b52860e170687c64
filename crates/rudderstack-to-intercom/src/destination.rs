//! The settings of an Intercom v2 destination in RudderStack.

use intercom_api::{ApiVersion, Region};
use rudderstack_events::{Raw, Scalar};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

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
    /// The version of the API that is asked for.
    pub api_version: ApiVersion,
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
}

impl<'de> Deserialize<'de> for Destination {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Owned, because settings may come from a reader as well as from text.
        let config = Box::<RawValue>::deserialize(deserializer)?;
        let config = Raw::from(config).into_object();
        let config = config.ok_or_else(|| Error::custom("the settings of a destination must be an object"))?;
        let scalar = |key: &str| config.get(key).and_then(Raw::scalar);
        Ok(Self {
            region: scalar("apiServer")
                .and_then(|name| name.into_text().parse().ok())
                .unwrap_or_default(),
            send_anonymous_id: matches!(scalar("sendAnonymousId"), Some(Scalar::Boolean(true))),
            api_version: ApiVersion::default(),
        })
    }
}
