//! Files with secrets are read again when they change, and at SIGHUP.

use super::addressed::Addressed;
use crate::exit::Error;
use intercom_api::Call;
use intercom_delivery::Response;
use intercom_delivery::client::{Transport, TransportError};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// How often it is looked whether a file has changed.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// A way to Intercom that can be replaced by one with another token. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Renewable {
    current: Arc<RwLock<Addressed>>,
    host: String,
}

impl Renewable {
    pub(super) fn new(transport: Addressed) -> Self {
        Self {
            host: transport.host().to_owned(),
            current: Arc::new(RwLock::new(transport)),
        }
    }

    /// From now on, calls go this way.
    pub(super) fn replace(&self, transport: Addressed) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = transport;
    }

    fn current(&self) -> Addressed {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Transport for Renewable {
    async fn send(&self, call: &Call) -> Result<Response, TransportError> {
        self.current().send(call).await
    }

    fn host(&self) -> &str {
        &self.host
    }
}

/// A file that is read again.
pub(super) struct Watched {
    /// What is in it, for the log.
    what: &'static str,
    path: PathBuf,
    /// Its text, as it was read last.
    text: Option<String>,
    /// Reads it and does what there is to do.
    apply: Box<dyn FnMut() -> Result<(), Error> + Send>,
}

impl Watched {
    /// `apply` reads the file itself. It has been read once.
    pub(super) fn new(
        what: &'static str,
        path: PathBuf,
        apply: impl FnMut() -> Result<(), Error> + Send + 'static,
    ) -> Self {
        Self {
            what,
            text: std::fs::read_to_string(&path).ok(),
            path,
            apply: Box::new(apply),
        }
    }

    /// Reads the file if it has changed, or has to be read anyway.
    fn look(&mut self, anyway: bool) {
        let text = std::fs::read_to_string(&self.path).ok();
        if !anyway && text == self.text {
            return;
        }
        self.text = text;
        let file = self.path.display();
        match (self.apply)() {
            Ok(()) => tracing::info!(%file, "{} was read again", self.what),
            Err(error) => {
                let error = error.report();
                tracing::warn!(%file, %error, "{} cannot be read again; what was read before stays in force", self.what);
            }
        }
    }
}

/// Watches the files for as long as the program runs.
pub(super) async fn watch(mut files: Vec<Watched>) {
    let mut hangup = Hangup::new();
    loop {
        let anyway = tokio::select! {
            () = tokio::time::sleep(LOOK_AGAIN) => false,
            () = hangup.next() => true,
        };
        for file in &mut files {
            file.look(anyway);
        }
    }
}

/// SIGHUP, where there is one.
struct Hangup(#[cfg(unix)] Option<tokio::signal::unix::Signal>);

impl Hangup {
    #[cfg(unix)]
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self(signal(SignalKind::hangup()).ok())
    }

    #[cfg(not(unix))]
    fn new() -> Self {
        Self()
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.0
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}
