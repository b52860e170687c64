//! Single calls to Intercom, for the commands that need only a few.

use super::connection::{Connection, http_client};
use crate::exit::Error;
use crate::interrupt::Interrupt;
use intercom_api::{ApiError, Call, Operation};
use intercom_delivery::Response;
use intercom_delivery::client::{CallError, Client, Workspace};
use std::time::Duration;
use tokio::runtime::{self, Runtime};

/// How long the response to a call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a call is made at most.
const ATTEMPTS: u32 = 5;
/// How long to wait after the first attempt; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// How long to wait at most, whatever Intercom asks for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Makes calls one after the other, and those again that may succeed later.
pub(super) struct Caller {
    client: Client,
    workspace: Workspace,
    runtime: Runtime,
    interrupt: Option<Interrupt>,
}

impl Caller {
    /// For the workspace of this connection.
    ///
    /// # Errors
    ///
    /// If there is no token, or the URL is not one.
    pub(super) fn new(connection: &Connection) -> Result<Self, Error> {
        Self::of(connection.workspace()?)
    }

    /// For this workspace.
    ///
    /// # Errors
    ///
    /// If calls cannot be made at all.
    pub(super) fn of(workspace: Workspace) -> Result<Self, Error> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::System("cannot start".to_owned(), error))?;
        Ok(Self {
            client: http_client(true, CALL_TIMEOUT)?,
            workspace,
            runtime,
            interrupt: None,
        })
    }

    /// The same, which waits for nothing but the response to a call once the program has been asked to end.
    pub(super) fn until(mut self, interrupt: &Interrupt) -> Self {
        self.interrupt = Some(interrupt.clone());
        self
    }

    /// Waits until the program is asked to end, for ever if nobody listens.
    async fn interrupted(&self) {
        match &self.interrupt {
            Some(interrupt) => interrupt.asked().await,
            None => std::future::pending().await,
        }
    }

    /// Carries out an operation.
    pub(super) fn run<O: Operation>(&self, operation: &O) -> Result<O::Response, CallError> {
        let call = operation.to_call().map_err(|_| CallError::Unwritable)?;
        Ok(self.send(&call)?.read::<O>()?)
    }

    /// Makes a call until there is a response that will be the same next time, or until it was made often enough.
    pub(super) fn send(&self, call: &Call) -> Result<Response, CallError> {
        self.runtime.block_on(async {
            let mut wait = FIRST_WAIT;
            let mut attempt = 0;
            loop {
                if self.interrupt.as_ref().is_some_and(Interrupt::is_asked) {
                    return Err(CallError::Interrupted);
                }
                attempt += 1;
                let result = self.client.send(call, &self.workspace).await;
                let is_final = match &result {
                    Ok(response) => !ApiError::parse(response.status, b"").is_retryable(),
                    Err(error) => !error.is_retryable(),
                };
                if attempt == ATTEMPTS || is_final {
                    return Ok(result?);
                }
                let asked = result.ok().and_then(|response| response.retry_after);
                tracing::info!(operation = call.operation.as_str(), attempt, "trying again");
                tokio::select! {
                    () = tokio::time::sleep(asked.unwrap_or(wait).min(LONGEST_WAIT)) => {}
                    () = self.interrupted() => {}
                }
                wait *= 2;
            }
        })
    }
}
