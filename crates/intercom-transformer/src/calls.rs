//! Calls to Intercom: bounded in number, counted and logged.

use crate::metrics::Metrics;
use intercom_api::{Call, Region};
use intercom_delivery::Response;
use intercom_delivery::client::{Client, HttpTransport, Transport, TransportError, Workspace};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Makes calls. Clones share bound and metrics.
#[derive(Clone, Debug)]
pub(crate) struct Calls {
    client: Client,
    slots: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

/// The right to make one call.
#[derive(Debug)]
pub(crate) struct Slot {
    _permit: Option<OwnedSemaphorePermit>,
}

impl Calls {
    /// At most so many at a time.
    pub(crate) fn new(client: Client, at_a_time: NonZeroUsize, metrics: Arc<Metrics>) -> Self {
        Self {
            client,
            slots: Arc::new(Semaphore::new(at_a_time.get().min(Semaphore::MAX_PERMITS))),
            metrics,
        }
    }

    /// What time it is: since 1970.
    pub(crate) fn now(&self) -> Duration {
        self.client.now()
    }

    /// Waits until another call may be made.
    pub(crate) async fn slot(&self) -> Slot {
        // The semaphore is never closed.
        let permit = Arc::clone(&self.slots).acquire_owned().await.ok();
        Slot { _permit: permit }
    }

    /// Makes a call.
    pub(crate) async fn make(
        &self,
        slot: Slot,
        call: &Call,
        workspace: &Workspace,
        region: Region,
    ) -> Result<Response, TransportError> {
        let _in_progress = self.metrics.call_in_progress();
        let started = Instant::now();
        let result = self.client.send(call, workspace).await;
        let took = started.elapsed();
        drop(slot);
        let operation = call.operation;
        match &result {
            Ok(response) => {
                self.metrics.call(operation, response.status, took);
                tracing::debug!(
                    operation = operation.as_str(),
                    status = response.status,
                    ?took,
                    "intercom answered"
                );
                if let Some(limit) = &response.rate_limit {
                    self.metrics.rate_limit(region, limit);
                }
            }
            Err(error) => {
                self.metrics.call(operation, error.failure, took);
                tracing::warn!(
                    operation = operation.as_str(),
                    code = error.code(),
                    ?took,
                    "intercom did not answer"
                );
            }
        }
        result
    }
}

/// Calls to one workspace, as an engine makes them.
#[derive(Debug)]
pub(crate) struct WorkspaceCalls {
    pub(crate) calls: Calls,
    pub(crate) workspace: Workspace,
    pub(crate) region: Region,
    host: String,
}

impl WorkspaceCalls {
    pub(crate) fn new(calls: Calls, workspace: Workspace, region: Region) -> Self {
        let host = HttpTransport::new(calls.client.clone(), workspace.clone())
            .host()
            .to_owned();
        Self {
            calls,
            workspace,
            region,
            host,
        }
    }
}

impl Transport for WorkspaceCalls {
    async fn send(&self, call: &Call) -> Result<Response, TransportError> {
        let slot = self.calls.slot().await;
        self.calls.make(slot, call, &self.workspace, self.region).await
    }

    fn host(&self) -> &str {
        &self.host
    }

    fn now(&self) -> Duration {
        self.calls.now()
    }
}
