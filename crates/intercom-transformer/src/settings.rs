//! How the service works.

use http_access::Secret;
use intercom_api::{ApiVersion, Region};
use intercom_delivery::{ArchivedPolicy, AttributePolicy, Policies, UnknownContactPolicy};
use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// The number, of which the compiler makes sure that it is not zero.
macro_rules! nonzero {
    ($number:literal) => {
        const { NonZeroUsize::new($number).expect("not zero") }
    };
}

/// Who makes the calls that an event needs.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, strum::Display, strum::EnumString, strum::EnumIter, strum::IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case")]
#[allow(clippy::exhaustive_enums)]
pub enum DeliverBy {
    /// This service, while it answers: rudder-server is told what became of each event.
    #[default]
    Here,
    /// rudder-server makes the last call of each event, as with RudderStack's own transformer.
    RudderServer,
}

/// How many instances write to a workspace.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, strum::Display, strum::EnumString, strum::EnumIter, strum::IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case")]
#[allow(clippy::exhaustive_enums)]
pub enum Instances {
    /// Several: what one has written, another may have changed.
    #[default]
    Many,
    /// This one alone: what it remembers holds, and it writes nothing twice.
    One,
}

/// The program's own access token, for events that come without one. Clones share it; `Debug` hides it.
#[derive(Clone, Default)]
pub struct OwnToken(Arc<RwLock<Option<String>>>);

impl OwnToken {
    /// From now on, it is this one.
    pub fn replace(&self, token: Option<String>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = token;
    }

    /// The token, if there is one.
    pub(crate) fn get(&self) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether there is one.
    pub fn is_set(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }
}

impl fmt::Debug for OwnToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnToken(..)")
    }
}

/// The settings of the service.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// What rudder-server must give: as a bearer token, or as the password in its URL of the service. Without one, web pages
    /// are turned away, and nobody else.
    pub token: Option<Secret>,
    /// What whoever reads `/metrics` must give, in the same ways.
    pub metrics_token: Option<Secret>,
    /// Who makes the calls that an event needs.
    pub deliver: DeliverBy,
    /// How many instances write to a workspace.
    pub instances: Instances,
    /// For how long, from its first attempt, an event is tried again whose contact no search finds: the index lags.
    pub settling_time: Duration,
    /// The token for events that come without one. Whoever reaches the service can write to its workspace then.
    pub own_token: OwnToken,
    /// Where Intercom is called, in place of its own hosts.
    pub intercom_base_url: Option<BaseUrl>,
    /// The version of Intercom's API.
    pub api_version: ApiVersion,
    /// What happens to a contact who is archived and to be created.
    pub on_archived: ArchivedPolicy,
    /// What happens to custom attributes that the workspace does not have.
    pub on_undefined: AttributePolicy,
    /// What happens to a data event of a contact who does not exist.
    pub on_unknown_contact: UnknownContactPolicy,
    /// The longest body of a request that is read, in bytes.
    pub max_body_bytes: NonZeroUsize,
    /// Requests with a body in progress at one time; beyond them, the response is 503.
    pub max_requests: NonZeroUsize,
    /// Connections at one time; beyond them, new ones wait.
    pub max_connections: NonZeroUsize,
    /// Calls to Intercom at one time.
    pub max_calls: NonZeroUsize,
    /// Calls to Intercom at one time for one request.
    pub max_calls_per_request: NonZeroUsize,
    /// How long a connection to Intercom may take.
    pub connect_timeout: Duration,
    /// How long a response of Intercom may take.
    pub call_timeout: Duration,
    /// How long all calls of one request may take. What is not done by then is answered as retryable.
    pub request_timeout: Duration,
    /// How long the body of a request may take to arrive.
    pub body_timeout: Duration,
    /// Connections of one address at one time; beyond them, new ones are closed. Loopback addresses are not counted.
    pub max_connections_per_peer: NonZeroUsize,
    /// How long the head of a request may take to arrive, from its first byte on; the first of a connection at once.
    pub header_timeout: Duration,
    /// How long a client may take nothing of a response.
    pub write_timeout: Duration,
    /// How long a connection may be idle.
    pub idle_timeout: Duration,
    /// How long a stop waits for requests in progress.
    pub shutdown_timeout: Duration,
    /// How many contact ids are remembered, of a workspace that is delivered to from here.
    pub remembered_contacts: NonZeroUsize,
    /// How long a contact id is remembered that a search has found.
    ///
    /// An update with it is delivered by rudder-server, and lost if the contact is merged or deleted in the meantime.
    pub remember_for: Duration,
}

impl Settings {
    /// The defaults, and Intercom's own hosts.
    pub fn new() -> Self {
        Self {
            token: None,
            metrics_token: None,
            deliver: DeliverBy::default(),
            instances: Instances::default(),
            settling_time: Duration::from_secs(120),
            own_token: OwnToken::default(),
            intercom_base_url: None,
            api_version: ApiVersion::default(),
            on_archived: ArchivedPolicy::default(),
            on_undefined: AttributePolicy::default(),
            on_unknown_contact: UnknownContactPolicy::default(),
            max_body_bytes: nonzero!(0x200_0000),
            max_requests: nonzero!(128),
            max_connections: nonzero!(4096),
            max_connections_per_peer: nonzero!(1024),
            max_calls: nonzero!(128),
            max_calls_per_request: nonzero!(16),
            connect_timeout: Duration::from_secs(5),
            call_timeout: Duration::from_secs(15),
            request_timeout: Duration::from_secs(20),
            body_timeout: Duration::from_secs(30),
            header_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(120),
            shutdown_timeout: Duration::from_secs(30),
            remembered_contacts: nonzero!(50_000),
            remember_for: Duration::from_secs(60),
        }
    }

    pub(crate) fn policies(&self) -> Policies {
        Policies {
            attributes: self.on_undefined,
            unknown_contact: self.on_unknown_contact,
            archived: self.on_archived,
            ..Policies::default()
        }
    }

    /// For how long a stop waits for what is in flight, before requests are answered without it.
    pub(crate) fn last_calls(&self) -> Duration {
        self.shutdown_timeout / 2
    }

    /// Where a region's workspaces are called.
    pub(crate) fn base_url(&self, region: Region) -> Cow<'static, str> {
        match &self.intercom_base_url {
            Some(base) => Cow::Owned(base.for_region(region)),
            None => Cow::Borrowed(region.base_url()),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new()
    }
}

/// A URL below which Intercom is called.
///
/// `{host}` in it stands for the host that would be called otherwise, so that one gateway can serve all regions.
///
/// ```
/// use intercom_transformer::BaseUrl;
///
/// let base: BaseUrl = "http://intercom:8080/{host}/".parse()?;
/// assert_eq!(base.to_string(), "http://intercom:8080/{host}");
/// # Ok::<(), intercom_transformer::InvalidBaseUrl>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

/// A text that is not the URL of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a URL such as http://intercom:8080/intercom, without query, fragment, user name and password")]
pub struct InvalidBaseUrl;

/// Stands for the host in a base URL.
const HOST: &str = "{host}";

impl BaseUrl {
    /// Where a region's workspaces are called.
    pub fn for_region(&self, region: Region) -> String {
        self.0.replace(HOST, host(region))
    }
}

/// The host that serves a region.
pub(crate) fn host(region: Region) -> &'static str {
    let url = region.base_url();
    url.strip_prefix("https://").unwrap_or(url)
}

impl FromStr for BaseUrl {
    type Err = InvalidBaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidBaseUrl> {
        let text = text.trim_end_matches('/');
        let uri: http::Uri = text.replace(HOST, "host").parse().map_err(|_| InvalidBaseUrl)?;
        let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
        let has_host = uri.host().is_some_and(|host| !host.is_empty());
        if is_http && has_host && !text.contains(['?', '#', '@', '"', '\\']) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidBaseUrl)
        }
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_stands_for_all_regions_or_tells_them_apart() {
        let one: BaseUrl = "http://127.0.0.1:4000".parse().unwrap();
        assert_eq!(one.for_region(Region::Europe), "http://127.0.0.1:4000");
        let each: BaseUrl = "https://{host}:444/x".parse().unwrap();
        assert_eq!(each.for_region(Region::Europe), "https://api.eu.intercom.io:444/x");
        for text in [
            "",
            "gateway",
            "ftp://gateway",
            "http://",
            "http://g/?x",
            "http://g/#x",
            "http://g\"/",
        ] {
            assert_eq!(text.parse::<BaseUrl>(), Err(InvalidBaseUrl), "{text}");
        }
    }
}
