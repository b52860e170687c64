//! Single calls to Intercom, for the commands that need only a few.

use super::connection::{Connection, http_client};
use crate::calling::settle;
use crate::exit::Error;
use crate::interrupt::Interrupt;
use intercom_api::{Call, Operation};
use intercom_delivery::Response;
use intercom_delivery::client::{CallError, Client, Workspace};
use std::time::Duration;
use tokio::runtime::{self, Runtime};

/// How long the response to a call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

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

    /// Carries out an operation.
    pub(super) fn run<O: Operation>(&self, operation: &O) -> Result<O::Response, CallError> {
        let call = operation.to_call().map_err(|_| CallError::Unwritable)?;
        Ok(self.send(&call)?.read::<O>()?)
    }

    /// Makes a call until there is a response that will be the same next time, or until it was made often enough.
    pub(super) fn send(&self, call: &Call) -> Result<Response, CallError> {
        let settle = settle(&self.client, &self.workspace, call, self.interrupt.as_ref());
        self.runtime.block_on(settle)
    }
}
