//! Calls to Intercom: bounded, timed, counted.

use crate::calls::Calls;
use crate::contacts::{Contacts, Scope};
use crate::early::EarlyEvents;
use crate::metrics::Metrics;
use crate::protocol::{Authorization, Failure};
use crate::settings::Settings;
use crate::workspaces::Workspaces;
use intercom_api::{ApiError, ApiVersion, Call, RateLimit, Region};
use intercom_delivery::client::{AccessToken, Client, TransportError, Workspace};
use intercom_delivery::{Response, client};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::sync::watch;

/// Where calls go, and on whose behalf.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target<'a> {
    pub(crate) base_url: &'a str,
    pub(crate) region: Region,
    pub(crate) authorization: &'a Authorization,
    pub(crate) version: ApiVersion,
    pub(crate) scope: Scope,
}

/// A call that did not succeed.
#[derive(Debug)]
pub(crate) enum SendError {
    /// Intercom answered something else than success.
    Answered(Box<ApiError>, Vec<u8>),
    /// There was no response.
    Transport(TransportError),
    /// The call was not made: no calls are left until the window ends.
    NoBudget,
    /// Intercom's success is not one that we understand.
    Unreadable,
    /// A body of ours could not be written.
    Unwritable,
    /// A token or a base URL cannot stand in a request.
    Unusable(client::Error),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(error, _) => error.fmt(f),
            Self::Transport(error) => write!(f, "{}: {error}", error.code()),
            Self::NoBudget => f.write_str("rate_limited: no calls are left until Intercom's window ends"),
            Self::Unreadable => f.write_str("unreadable_response: Intercom's response is not as documented"),
            Self::Unusable(error) => write!(f, "{}: {error}", error.code()),
            Self::Unwritable => f.write_str("unwritable_call: a body cannot be written as JSON"),
        }
    }
}

impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        match &error {
            SendError::Answered(response, _) => Self::from(response.as_ref()),
            SendError::NoBudget => Self::throttled(error.to_string()),
            SendError::Transport(_) | SendError::Unreadable | SendError::Unusable(_) => {
                Self::retryable(error.to_string())
            }
            SendError::Unwritable => Self::invalid(error.to_string()),
        }
    }
}

/// Makes calls to Intercom.
pub(crate) struct IntercomClient {
    pub(crate) calls: Calls,
    /// For scopes that have used up their calls, when they get new ones (Unix seconds).
    exhausted: Mutex<HashMap<Scope, i64>>,
    pub(crate) contacts: Contacts,
    /// Those that events are delivered to from here.
    pub(crate) workspaces: Workspaces,
    /// What waits in a store for its contact, if there is one.
    pub(crate) early: OnceLock<EarlyEvents>,
    /// Whether the service stops.
    pub(crate) stopping: watch::Sender<bool>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) settings: Settings,
}

/// A reset further away than this is not believed: a window is ten seconds, so one of the clocks must be wrong.
const LONGEST_WINDOW_SECONDS: i64 = 60;

/// Beyond this many, those are dropped whose window has ended.
const MOST_EXHAUSTED: usize = 1000;

impl IntercomClient {
    pub(crate) fn new(client: Client, settings: Settings) -> Self {
        let metrics = Arc::new(Metrics::new());
        Self {
            calls: Calls::new(client, settings.max_calls, Arc::clone(&metrics)),
            exhausted: Mutex::default(),
            contacts: Contacts::new(settings.remembered_contacts, settings.remember_for),
            workspaces: Workspaces::default(),
            early: OnceLock::new(),
            stopping: watch::Sender::new(false),
            metrics,
            settings,
        }
    }

    /// The present, in Unix seconds.
    pub(crate) fn unix_seconds(&self) -> i64 {
        i64::try_from(self.calls.now().as_secs()).unwrap_or(i64::MAX)
    }

    /// Where a region's workspaces are called.
    pub(crate) fn base_url(&self, region: Region) -> Cow<'static, str> {
        self.settings.base_url(region)
    }

    /// Makes a call.
    pub(crate) async fn send(&self, target: &Target<'_>, call: &Call) -> Result<Response, SendError> {
        let workspace = workspace(target).map_err(SendError::Unusable)?;
        self.check_budget(target.scope)?;
        let slot = self.calls.slot().await;
        // Others may have used up the calls in the meantime.
        self.check_budget(target.scope)?;
        let response = self.calls.make(slot, call, &workspace, target.region).await;
        let response = response.map_err(SendError::Transport)?;
        if let Some(limit) = &response.rate_limit {
            self.note_budget(target.scope, limit);
        }
        if (200..300).contains(&response.status) {
            return Ok(response);
        }
        let error = ApiError::parse(response.status, &response.body);
        tracing::warn!(operation = call.operation.as_str(), %error, "intercom refused a call");
        Err(SendError::Answered(Box::new(error), response.body))
    }

    fn check_budget(&self, scope: Scope) -> Result<(), SendError> {
        let mut exhausted = self.exhausted.lock().unwrap_or_else(PoisonError::into_inner);
        match exhausted.get(&scope) {
            Some(reset) if *reset > self.unix_seconds() => Err(SendError::NoBudget),
            Some(_) => {
                exhausted.remove(&scope);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn note_budget(&self, scope: Scope, limit: &RateLimit) {
        let wait = limit.reset.0.saturating_sub(self.unix_seconds());
        if limit.remaining == 0 && (1..=LONGEST_WINDOW_SECONDS).contains(&wait) {
            let mut exhausted = self.exhausted.lock().unwrap_or_else(PoisonError::into_inner);
            if exhausted.len() >= MOST_EXHAUSTED {
                let now = self.unix_seconds();
                exhausted.retain(|_, reset| *reset > now);
            }
            exhausted.insert(scope, limit.reset.0);
        }
    }
}

exact_json::debug_shows! { IntercomClient { settings, .. } }

fn workspace(target: &Target<'_>) -> Result<Workspace, client::Error> {
    let token = AccessToken::new(target.authorization.token())?;
    Workspace::new(target.region, token)
        .with_version(target.version)
        .with_base_url(target.base_url)
}
