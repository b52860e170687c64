//! How a destination is reached.

use crate::jobs::Job;
use crate::protocol::Authorization;
use event_store::Target;
use rudderstack_to_intercom::Destination;

/// A destination of RudderStack's, and in whose name it is delivered to. `Debug` hides the token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access<'a> {
    pub(crate) workspace_id: &'a str,
    pub(crate) destination_id: &'a str,
    pub(crate) destination: &'a Destination,
    pub(crate) authorization: &'a Authorization,
    /// Whether the token is the program's own.
    pub(crate) is_own_token: bool,
}

impl<'a> Access<'a> {
    /// That of a job.
    pub(crate) fn of(job: &'a Job<'_>) -> Self {
        let read = job.surroundings.read;
        Self {
            workspace_id: read.workspace_id.as_deref().unwrap_or_default(),
            destination_id: read.destination_id.as_deref().unwrap_or_default(),
            destination: &job.destination,
            authorization: &job.authorization,
            is_own_token: job.is_own_token,
        }
    }

    /// The destination as the store keeps it: without the token.
    pub(crate) fn target(self) -> Target {
        let mut target = Target::new(self.workspace_id, self.destination_id);
        if let Ok(settings) = serde_json::to_string(self.destination) {
            target.settings = settings;
        }
        target.has_own_token = self.is_own_token;
        target
    }
}

/// The same, kept for events that come from the store.
#[derive(Clone, Debug)]
pub(crate) struct KnownAccess {
    pub(crate) target: Target,
    pub(crate) destination: Destination,
    pub(crate) authorization: Authorization,
}

impl KnownAccess {
    pub(crate) fn as_ref(&self) -> Access<'_> {
        Access {
            workspace_id: &self.target.workspace,
            destination_id: &self.target.destination,
            destination: &self.destination,
            authorization: &self.authorization,
            is_own_token: self.target.has_own_token,
        }
    }
}
