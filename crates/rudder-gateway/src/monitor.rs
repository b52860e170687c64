//! How the gateway is doing: looked at every second, for the log, the page, the probes and the metrics.

use crate::metrics::{Figures, Metrics};
use crate::settings::Settings;
use crate::trouble::Trouble;
use event_store::{Queue, QueueStatus, Refusal, Store};
use intercom_delivery::Status;
use intercom_delivery::client::{Control, Outage};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How often it is looked.
const LOOK: Duration = Duration::from_secs(1);

/// How it is doing. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Monitor {
    inner: Arc<Mutex<Inner>>,
    pub(crate) metrics: Arc<Metrics>,
    store: Store,
}

#[derive(Debug, Default)]
struct Inner {
    control: Option<Control>,
    is_stopping: bool,
    is_token_refused: bool,
    /// Why the last request was turned away that could have been stored.
    refused: Option<Trouble>,
    is_behind: bool,
    queue: Option<QueueStatus>,
}

impl Monitor {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            inner: Arc::default(),
            metrics: Arc::new(Metrics::new()),
            store,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// There is another delivery from now on.
    pub(crate) fn delivers(&self, control: Control) {
        self.lock().control = Some(control);
    }

    /// Intercom has refused the access token, or has been called with success since.
    pub(crate) fn token_refused(&self, is_refused: bool) {
        self.lock().is_token_refused = is_refused;
    }

    /// A request has been stored, or why it was not.
    pub(crate) fn stored(&self, refusal: Option<Refusal>) {
        self.lock().refused = refusal.and_then(Trouble::of_refusal);
    }

    pub(crate) fn stops(&self) {
        self.lock().is_stopping = true;
    }

    pub(crate) fn status(&self) -> Option<Status> {
        self.lock().control.as_ref().map(Control::status)
    }

    pub(crate) fn outage(&self) -> Option<Outage> {
        self.lock().control.as_ref().and_then(Control::outage)
    }

    /// All that is wrong now.
    pub(crate) fn troubles(&self) -> BTreeSet<Trouble> {
        let mut inner = self.lock();
        let status = inner.control.as_ref().map(Control::status);
        // Whoever has been called with success has a token that is accepted.
        let is_accepted = |status: Status| !status.halted && (status.totals.delivered > 0 || status.budget.is_some());
        inner.is_token_refused &= !status.is_some_and(is_accepted);
        let wrong = [
            inner.is_stopping.then_some(Trouble::Stopping),
            Trouble::of_store(self.store.condition()),
            inner.refused,
            inner.is_token_refused.then_some(Trouble::TokenRefused),
            status.and_then(|status| status.outage).map(|_| Trouble::Outage),
            inner.is_behind.then_some(Trouble::Backlog),
        ];
        wrong.into_iter().flatten().collect()
    }

    /// What waits, as it was when it was last looked at.
    pub(crate) fn queue(&self) -> Option<QueueStatus> {
        self.lock().queue
    }

    /// The metrics, added to a text.
    pub(crate) fn encode(&self, text: &mut String) {
        let path = self.store.path();
        let figures = Figures {
            queue: self.queue(),
            status: self.status(),
            troubles: self.troubles(),
            dropped: self.store.dropped_dead_letters(),
            store_bytes: Some(size_of_files(path)),
            disk_free: disk_free(path),
        };
        self.metrics.encode(&figures, text);
    }

    /// Looks every second how it is, and says in the log what has changed, until the gateway ends.
    pub(crate) async fn watch(self, settings: Arc<Settings>, mut queue: Queue, mut stop: watch::Receiver<bool>) {
        let mut known = BTreeSet::new();
        while !*stop.borrow() {
            if self.store.look().await.is_err() {
                return;
            }
            let read = tokio::task::spawn_blocking(move || {
                let status = queue.status();
                (queue, status)
            });
            let Ok((read, status)) = read.await else { return };
            queue = read;
            if let Ok(status) = status {
                let mut inner = self.lock();
                inner.queue = Some(status);
                let after = settings.backlog_after.as_millis();
                inner.is_behind = status
                    .oldest_age_ms
                    .is_some_and(|age| u128::from(age.unsigned_abs()) > after);
                // What was turned away for want of room may be stored by now.
                inner.refused = inner.refused.filter(|_| status.events > 0);
            }
            if let Some(status) = self.status() {
                self.metrics.count(&status.totals);
            }
            let now = self.troubles();
            tell(&known, &now);
            known = now;
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = stop.changed() => {}
            }
        }
    }
}

fn tell(before: &BTreeSet<Trouble>, now: &BTreeSet<Trouble>) {
    let untold = |trouble: &&Trouble| !trouble.is_reported_elsewhere();
    for trouble in now.difference(before).filter(untold) {
        let (code, meaning) = (trouble.code(), trouble.meaning());
        match trouble {
            Trouble::TokenRefused => tracing::error!(code, "{meaning}"),
            _ => tracing::warn!(code, "{meaning}"),
        }
    }
    for trouble in before.difference(now).filter(untold) {
        let (code, meaning) = (trouble.code(), trouble.meaning());
        tracing::info!(code = format!("{code}_over"), "resolved: {meaning}");
    }
}

/// How large a store is, with the log beside it.
fn size_of_files(path: &Path) -> u64 {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let size = |path: &Path| path.metadata().map_or(0, |file| file.len());
    size(path) + size(log.as_ref())
}

#[cfg(unix)]
fn disk_free(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path.parent()?).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn disk_free(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_store::StoreSettings;

    #[tokio::test]
    async fn what_is_wrong_is_shown_as_long_as_it_is_so() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("events.db"), StoreSettings::new()).unwrap();
        let monitor = Monitor::new(store.clone());
        let shown = |wanted: &str| {
            let mut text = String::new();
            monitor.encode(&mut text);
            assert!(text.contains(wanted), "{wanted} is not in\n{text}");
        };
        shown("rudder_intercom_gateway_trouble{trouble=\"queue_full\"} 0");
        monitor.stored(Some(Refusal::TooManyEvents));
        monitor.token_refused(true);
        assert_eq!(monitor.troubles(), [Trouble::QueueFull, Trouble::TokenRefused].into());
        shown("rudder_intercom_gateway_trouble{trouble=\"queue_full\"} 1");
        monitor.stored(None);
        monitor.stops();
        assert_eq!(monitor.troubles(), [Trouble::Stopping, Trouble::TokenRefused].into());
        store.close().await;
    }
}
