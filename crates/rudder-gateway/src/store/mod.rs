//! The durable queue: events that wait, those that cannot be delivered, and figures about both, in one SQLite file.
//!
//! One thread writes. It takes whatever waits, writes it in one transaction and acknowledges it once that is on disk
//! (write-ahead log, synced at every commit): many requests share one sync, and neither a crash nor a loss of power takes
//! what was acknowledged. Everybody else only reads; [`Queue`] also replays and drops dead letters, in this process or another.

mod accepted;
mod awaiting;
mod counters;
mod dead_letter;
mod dropping;
mod guard;
mod history;
mod intents;
mod managing;
mod pending;
mod queue;
mod schema;
mod seen;
mod settled;
#[cfg(test)]
mod tests;
mod totals;
mod undelivered;
mod writer;

pub use accepted::{Accepted, Refusal};
pub use awaiting::Recalled;
pub use counters::{CodeCount, Minute};
pub use dead_letter::{DeadLetter, Filter};
pub use guard::Condition;
pub use history::{EventHistory, EventState, Find, Note, Step, StepDetail, StepKind, TraceKey, TracedEvent, Wanted};
pub use managing::Dropped;
pub use pending::Pending;
pub use queue::{Queue, QueueStatus};
pub use settled::{About, Awaited, How, Settled, Settlement, Undelivered};

use crate::complete::CompleteEvent;
use crate::error::Error;
use crate::settings::StoreSettings;
use guard::Guard;
use history::Trace;
use intercom_delivery::ContactKey;
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use writer::{Command, Writer};

/// How many requests wait for the writer.
const WAITING: usize = 256;

/// Where events go in, and where it is noted what became of them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    commands: mpsc::Sender<Command>,
    changed: Arc<Notify>,
    condition: watch::Receiver<Condition>,
    dropped: Arc<AtomicU64>,
    path: PathBuf,
    /// What the hashes of its events begin with; none, if no history is kept.
    seed: Option<u64>,
}

impl Store {
    /// Opens the store in a file, or makes a new one. As long as it is open, no other gateway can open it.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, is in use, has several names, or is not a store.
    pub fn open(path: &Path, settings: StoreSettings) -> Result<Self, Error> {
        let path = &schema::real(path).map_err(|source| cannot_open(path, source))?;
        // Leaves nothing beside a file that is something else.
        schema::check_file(path)?;
        let lock = lock(path)?;
        let connection = schema::open(path)?;
        let guard = Guard::new(path).map_err(|source| cannot_open(path, source))?;
        let seed = history::seed(&connection)?;
        let seed = (settings.history.events > 0).then_some(seed);
        let (tell, condition) = watch::channel(Condition::Sound);
        let dropped = Arc::<AtomicU64>::default();
        let writer = Writer::new(connection, settings, lock, guard, tell, Arc::clone(&dropped))?;
        let (commands, waiting) = mpsc::channel(WAITING);
        let changed = Arc::new(Notify::new());
        let wake = Arc::clone(&changed);
        thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || writer.run(waiting, &wake))
            .map_err(|source| cannot_open(path, source))?;
        Ok(Self {
            commands,
            changed,
            condition,
            dropped,
            path: path.to_owned(),
            seed,
        })
    }

    /// Stores events, all or none. Once this returns they are on disk.
    ///
    /// # Errors
    ///
    /// If the store is full or cannot be written.
    pub async fn accept(&self, events: Vec<CompleteEvent>) -> Result<Accepted, Refusal> {
        let (reply, replied) = oneshot::channel();
        // Here and not where it is written: there is one writer.
        let trace = |seed| events.iter().map(|event| Trace::of(seed, &event.json)).collect();
        let traces = self.seed.map_or_else(Vec::new, trace);
        let command = Command::Accept(events, traces, reply);
        self.commands.send(command).await.map_err(|_| Refusal::StoreFailed)?;
        replied.await.unwrap_or(Err(Refusal::StoreFailed))
    }

    /// Notes what became of events. Should the writing fail, it is tried again.
    ///
    /// # Errors
    ///
    /// If the store has been closed.
    pub async fn settle(&self, settled: Vec<Settled>) -> Result<(), Error> {
        let command = Command::Settle(settled);
        self.commands.send(command).await.map_err(|_| Error::Closed)
    }

    /// Puts up to `limit` events back into the queue that wait for a contact who has come under one of these keys, the oldest
    /// first. What was settled before is taken into account.
    ///
    /// # Errors
    ///
    /// If the store cannot be written, or has been closed.
    pub async fn recall(&self, keys: Vec<ContactKey>, limit: usize) -> Result<Vec<Recalled>, Error> {
        let (reply, replied) = oneshot::channel();
        let command = Command::Recall(keys, limit, reply);
        self.commands.send(command).await.map_err(|_| Error::Closed)?;
        replied.await.map_err(|_| Error::Closed)
    }

    /// Where its file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many dead letters have been dropped since it was opened, because they were too many or too old.
    pub fn dropped_dead_letters(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// How the store is, as far as it was last seen.
    pub fn condition(&self) -> Condition {
        *self.condition.borrow()
    }

    /// Has it looked how the store is, and drops dead letters that are too old.
    ///
    /// # Errors
    ///
    /// If the store has been closed.
    pub async fn look(&self) -> Result<(), Error> {
        self.commands.send(Command::Look).await.map_err(|_| Error::Closed)
    }

    /// Waits until all that was noted before has been written; false, if that fails, and is tried again.
    ///
    /// # Errors
    ///
    /// If the store has been closed.
    pub async fn is_written(&self) -> Result<bool, Error> {
        match self.accept(Vec::new()).await {
            Err(Refusal::StoreFailed) if self.commands.is_closed() => Err(Error::Closed),
            Err(Refusal::StoreFailed | Refusal::DiskFull | Refusal::StoreGone | Refusal::StoreCorrupt) => Ok(false),
            // One that is turned away for want of room is turned away once everything before it is written.
            Ok(_) | Err(Refusal::TooManyEvents | Refusal::TooManyBytes | Refusal::TooFarBehind) => Ok(true),
        }
    }

    /// Waits until events have been stored since it was last waited for.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Another way to read the store, and to manage its dead letters.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened.
    pub fn queue(&self) -> Result<Queue, Error> {
        Queue::open(&self.path)
    }

    /// Writes what has been handed in, then closes the store, for all clones.
    pub async fn close(self) {
        let (done, is_done) = oneshot::channel();
        if self.commands.send(Command::Close(done)).await.is_ok() {
            // An error means that it has been closed already.
            let _ = is_done.await;
        }
    }
}

/// Keeps other gateways from delivering the same events.
fn lock(path: &Path) -> Result<File, Error> {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(".lock");
    let file = File::create(name).map_err(|source| cannot_open(path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(cannot_open(path, source)),
    }
}

fn cannot_open(path: &Path, source: std::io::Error) -> Error {
    Error::Open {
        path: path.to_owned(),
        source: source.into(),
    }
}
