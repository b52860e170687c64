//! The store of a service, and how its destinations are reached.

use super::access::{Access, KnownAccess};
use super::draft::Draft;
use super::metrics::InStore;
use super::turn::Turn;
use crate::jobs::Job;
use crate::protocol::Authorization;
use crate::settings::OwnToken;
use crate::workspaces::{Arrived, Awaiting};
use event_store::{Condition, Store, Target};
use intercom_api::ApiVersion;
use intercom_delivery::{ContactKey, UnknownContactPolicy};
use rudderstack_to_intercom::{Destination, Plan};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

/// The store, and what is known of those whose events are in it.
#[derive(Debug)]
pub(crate) struct EarlyEvents {
    pub(super) store: Store,
    /// How soon it is looked for somebody.
    pub(super) first_look: Duration,
    /// How each destination was last reached: tokens are in no store.
    accesses: Mutex<HashMap<(String, String), KnownAccess>>,
    arrivals: mpsc::UnboundedSender<Arrived>,
    pub(super) turn: Turn,
}

impl EarlyEvents {
    /// Those of a store; who comes is told to the other end of `arrivals`.
    pub(crate) fn new(store: Store, first_look: Duration, arrivals: mpsc::UnboundedSender<Arrived>) -> Self {
        Self {
            store,
            first_look,
            accesses: Mutex::default(),
            arrivals,
            turn: Turn::default(),
        }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// How the event of a job is kept if its contact is not there; none, if it does not wait for one.
    pub(crate) fn draft(&self, job: &Job<'_>, policy: UnknownContactPolicy) -> Option<Box<Draft>> {
        let waits = match (&*job.plan, policy) {
            (Plan::SubmitEvent(_), UnknownContactPolicy::Create) => false,
            (plan, _) => !ContactKey::of_plan(plan).is_empty(),
        };
        waits.then(|| Draft::of(&self.store, job).map(Box::new)).flatten()
    }

    /// Remembers how a destination is reached now.
    pub(crate) fn note(&self, access: Access<'_>) {
        let mut accesses = lock(&self.accesses);
        let ids = (access.workspace_id.to_owned(), access.destination_id.to_owned());
        let is_same = |known: &KnownAccess| {
            let known = known.as_ref();
            known.authorization.token() == access.authorization.token()
                && known.destination == access.destination
                && known.is_own_token == access.is_own_token
        };
        if !accesses.get(&ids).is_some_and(is_same) {
            let known = KnownAccess {
                target: access.target(),
                destination: access.destination.clone(),
                authorization: access.authorization.clone(),
            };
            accesses.insert(ids, known);
        }
    }

    /// How a destination is reached: as it was last, or with the program's own token, if its events came without one. None, if
    /// no event of it has come since the start.
    pub(super) fn access(&self, target: &Target, own: &OwnToken, version: ApiVersion) -> Option<KnownAccess> {
        let ids = (target.workspace.clone(), target.destination.clone());
        let known = lock(&self.accesses).get(&ids).cloned();
        let target = match known {
            Some(known) if !known.target.has_own_token => return Some(known),
            Some(known) => known.target,
            None => target.clone(),
        };
        let token = own.get().filter(|_| target.has_own_token)?;
        let mut destination: Destination = serde_json::from_str(&target.settings).ok()?;
        destination.api_version = version;
        Some(KnownAccess {
            target,
            destination,
            authorization: Authorization::new(&token, version)?,
        })
    }

    /// Who is waited for in the workspace of a destination.
    pub(crate) async fn awaiting(&self, access: Access<'_>) -> Awaiting {
        let target = access.target();
        let (store, of) = (self.store.clone(), target.clone());
        let read = self.store.beside(move || store.queue()?.awaited_of(&of));
        let keys = match read.await {
            Ok(Ok(keys)) => keys,
            Ok(Err(error)) => {
                // They are looked for all the same.
                tracing::warn!(code = error.code(), "it cannot be read which contacts are waited for");
                Vec::new()
            }
            Err(_) => Vec::new(),
        };
        Awaiting {
            target,
            keys,
            arrivals: self.arrivals.clone(),
        }
    }

    /// What is in the store.
    pub(crate) fn in_store(&self) -> InStore {
        let read = self.store.queue().and_then(|queue| queue.status());
        let status = read.unwrap_or_default();
        let oldest = status.oldest_awaiting_age_ms.unwrap_or_default();
        InStore {
            awaiting: status.awaiting,
            oldest: Duration::from_millis(oldest.unsigned_abs()),
            queued: status.events,
            dead_letters: status.dead_letters,
            given_up: self.store.given_up(),
            is_sound: self.store.condition() == Condition::Sound,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in here can be left half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
