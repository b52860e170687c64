//! Messages to somebody about the states that need a person.

mod due;

pub(crate) use due::{Due, Note, Phase};
use intercom_delivery::client::{TransportError, Webhook};
use serde::Serialize;
use std::time::Duration;

/// Who is told of what needs a person, and when.
///
/// A state is told of once it has lasted for a while, each hour while it lasts, and when it is over; at most once an hour,
/// however often it comes and goes. A message is a JSON object whose `text` says all of it, for receivers like Slack; the
/// README of this crate lists the other keys.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Alerts {
    /// Who is told.
    pub webhook: Webhook,
    /// How long a state must have lasted, or have been over, before it is told of.
    pub after: Duration,
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AlertError {
    /// There is no response.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The response is no success. It has this status.
    #[error("the receiver of alerts answers with status {0}")]
    Status(u16),
}

impl AlertError {
    /// The stable `snake_case` name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Transport(error) => error.code(),
            Self::Status(_) => "alert_refused",
        }
    }

    /// Whether the same message may be taken later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Transport(error) => error.is_retryable(),
            Self::Status(status) => matches!(status, 408 | 429 | 500..),
        }
    }
}

/// What a receiver is sent. Nothing in it is of an event.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Message {
    pub(crate) text: String,
    pub(crate) state: &'static str,
    pub(crate) phase: Option<Phase>,
    pub(crate) gateway: String,
    pub(crate) version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) since: Option<String>,
    pub(crate) seconds: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) accepts_events: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) waiting_events: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) oldest_event_seconds: Option<i64>,
}

impl Alerts {
    /// Tells `webhook` of what has lasted for a minute.
    pub fn new(webhook: Webhook) -> Self {
        Self {
            webhook,
            after: Duration::from_secs(60),
        }
    }

    /// Sends a message that says that it is a test.
    ///
    /// # Errors
    ///
    /// If it is not taken. Nothing is tried again.
    pub async fn test(&self) -> Result<(), AlertError> {
        let gateway = name_of_this_machine();
        let message = Message {
            text: format!("This is a test: alerts of rudder-intercom on {gateway} come here."),
            state: "test",
            gateway,
            version: env!("CARGO_PKG_VERSION"),
            ..Message::default()
        };
        self.send(&message).await
    }

    /// Sends a message. Nothing is tried again.
    pub(crate) async fn send(&self, message: &Message) -> Result<(), AlertError> {
        // Texts and numbers can be written.
        let json = serde_json::to_string(message).unwrap_or_default();
        match self.webhook.send(json).await? {
            200..300 => Ok(()),
            status => Err(AlertError::Status(status)),
        }
    }
}

#[cfg(unix)]
pub(crate) fn name_of_this_machine() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
pub(crate) fn name_of_this_machine() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}
