//! The engine that delivers to a destination: started when it is needed.

use crate::calls::WorkspaceCalls;
use crate::early::Access;
use crate::intercom::IntercomClient;
use crate::workspaces::Running;
use intercom_delivery::client::{AccessToken, Error, Workspace};
use intercom_delivery::{AssumedLimit, EngineSettings, OutcomeOrder};
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

/// How often one call is tried within a request.
const ATTEMPTS: NonZeroU32 = NonZeroU32::new(4).expect("not zero");
/// The waits between attempts: a request is answered soon, and rudder-server waits longer.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(4);
/// For how long people who are to be looked up wait for others: rudder-server has waited for seconds to collect events, and
/// calls are what is scarce.
const SEARCH_PATIENCE: Duration = Duration::from_millis(250);
/// How many events an engine takes in: requests are bounded in number and length, so that it is never full.
const QUEUE: NonZeroUsize = NonZeroUsize::new(1 << 24).expect("not zero");

/// The engine that delivers to a workspace; with a store, the one of a destination.
pub(crate) async fn running(intercom: &IntercomClient, access: Access<'_>) -> Result<Arc<Running>, Error> {
    let region = access.destination.region;
    let base_url = intercom.base_url(region);
    let token = access.authorization.token();
    let early = intercom.early.get();
    let destination = early.map(|_| access.destination_id);
    let scope = intercom.contacts.scope(&base_url, token, destination);
    if let Some(early) = early {
        early.note(access);
    }
    if let Some(running) = intercom.workspaces.running(scope) {
        return Ok(running);
    }
    let awaiting = match early {
        Some(early) => Some(early.awaiting(access).await),
        None => None,
    };
    intercom.workspaces.get(scope, awaiting, || {
        let workspace = Workspace::new(region, AccessToken::new(token)?)
            .with_version(access.destination.api_version)
            .with_base_url(&base_url)?;
        let transport = WorkspaceCalls::new(intercom.calls.clone(), workspace, region);
        Ok((engine_settings(intercom), transport))
    })
}

/// How the engine of a workspace works.
fn engine_settings(intercom: &IntercomClient) -> EngineSettings {
    let settings = &intercom.settings;
    let mut engine = EngineSettings::new();
    engine.concurrency = settings.max_calls;
    engine.queue = QUEUE;
    engine.max_attempts = ATTEMPTS;
    engine.backoff_base = FIRST_WAIT;
    engine.backoff_cap = LONGEST_WAIT;
    engine.attributes = settings.on_undefined;
    engine.unknown_contact = settings.on_unknown_contact;
    engine.archived = settings.on_archived;
    engine.remembered = settings.remembered_contacts;
    // A slow first call would keep all others waiting.
    engine.assumed_limit = Some(AssumedLimit::DOCUMENTED);
    engine.search_patience = SEARCH_PATIENCE;
    engine.outcomes = OutcomeOrder::AsTheyEnd;
    engine.await_contacts = intercom.early.get().is_some();
    engine
}
