//! No event goes to a workspace that it is not for, whatever token is given.

use super::refusal::of_store;
use intercom_api::{Call, IdentifyAdmin, Operation as _};
use intercom_delivery::Response;
use intercom_delivery::client::{HttpTransport, Transport, TransportError};
use rudder_gateway::store::{self, Store};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How long a start waits for Intercom to say whose the token is.
const PATIENCE: Duration = Duration::from_secs(5);

/// A way to Intercom that is open once Intercom has said that it leads to the workspace whose events the store has.
#[derive(Clone, Debug)]
pub(super) struct Addressed {
    transport: Arc<HttpTransport>,
    store: Store,
    asked: Arc<Mutex<Asked>>,
}

/// What has come of asking.
#[derive(Debug, Default)]
struct Asked {
    is_open: bool,
    /// When it was asked last, in vain, and what came of it.
    last: Option<(Instant, Closed)>,
}

/// Why calls cannot go this way now: what each comes to.
#[derive(Clone, Debug)]
enum Closed {
    /// Intercom does not say whose the token is.
    Answered(Response),
    /// Intercom cannot be asked.
    Unreachable(Arc<TransportError>),
    /// It is the token of another workspace, or the store cannot be written.
    Store(Arc<store::Error>),
}

impl Addressed {
    pub(super) fn new(transport: HttpTransport, store: Store) -> Self {
        Self {
            transport: Arc::new(transport),
            store,
            asked: Arc::default(),
        }
    }

    /// Refuses a token of another workspace than the store's, as far as Intercom says so in time.
    pub(super) async fn check(&self) -> Result<(), store::Error> {
        if self
            .store
            .queue()?
            .recipient()?
            .is_none_or(|found| found.workspace.is_none())
        {
            return Ok(());
        }
        match timeout(PATIENCE, self.find_out()).await {
            Ok(Ok(())) => self.asked.lock().await.is_open = true,
            Ok(Err(Closed::Store(error))) => return Err(Arc::into_inner(error).unwrap_or(store::Error::Closed)),
            // It is asked again with the first call.
            Ok(Err(Closed::Answered(_) | Closed::Unreachable(_))) | Err(_) => {}
        }
        Ok(())
    }

    async fn ask(&self) -> Result<(), Closed> {
        let since = Instant::now();
        let mut asked = self.asked.lock().await;
        if asked.is_open {
            return Ok(());
        }
        // What another call has just found out holds for this one as well.
        if let Some((at, closed)) = &asked.last
            && *at >= since
        {
            return Err(closed.clone());
        }
        let found = self.find_out().await;
        asked.is_open = found.is_ok();
        asked.last = found.as_ref().err().map(|closed| (Instant::now(), closed.clone()));
        found
    }

    async fn find_out(&self) -> Result<(), Closed> {
        // The call has no parameters that could be wrong.
        let Ok(call) = (IdentifyAdmin {}).to_call() else {
            return Ok(());
        };
        let response = self.transport.send(&call).await;
        let response = response.map_err(|error| Closed::Unreachable(Arc::new(error)))?;
        if matches!(response.status, 401 | 429 | 500..) {
            return Err(Closed::Answered(response));
        }
        // A token that may not read this may do what matters.
        let admin = response.read::<IdentifyAdmin>().ok();
        let Some(workspace) = admin.and_then(|admin| admin.app?.id_code) else {
            tracing::warn!(
                code = "workspace_not_told",
                "Intercom does not tell which workspace the token is for: whether it is that of the store's events is not known"
            );
            return Ok(());
        };
        self.store.claim_workspace(&workspace).map_err(|error| {
            tracing::error!(code = error.code(), "{}", of_store(&error).report());
            Closed::Store(Arc::new(error))
        })
    }
}

impl Transport for Addressed {
    async fn send(&self, call: &Call) -> Result<Response, TransportError> {
        match self.ask().await {
            Ok(()) => self.transport.send(call).await,
            Err(Closed::Answered(response)) => Ok(response),
            Err(Closed::Unreachable(error)) => {
                let mut same = TransportError::of(error.cause);
                same.host.clone_from(&error.host);
                same.source = error.source.as_ref().map(|source| source.to_string().into());
                Err(same)
            }
            // As if the token were refused: events wait for another.
            Err(Closed::Store(_)) => Ok(Response::new(401, Vec::new())),
        }
    }

    fn host(&self) -> &str {
        self.transport.host()
    }
}
