//! The store, as it is held by whoever delivers from it.

use crate::accepted::{Accepted, Refusal};
use crate::awaiting::Recalled;
use crate::claim;
use crate::clock::Clock;
use crate::early::{EarlyEvent, Keeping};
use crate::error::Error;
use crate::event::CompleteEvent;
use crate::group::Recall;
use crate::guard::{self, Condition, Guard};
use crate::history::{self, Trace};
use crate::queue::Queue;
use crate::schema;
use crate::settings::StoreSettings;
use crate::settled::Settled;
use crate::target::{Target, TargetId};
use crate::writer::{Command, Writer};
use intercom_delivery::ContactKey;
use rudderstack_events::Object;
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use tokio::sync::{Notify, mpsc, oneshot, watch};

/// How many requests wait for the writer.
const WAITING: usize = 256;

/// Where events go in, and where it is noted what became of them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    commands: mpsc::Sender<Command>,
    pub(crate) changed: Arc<Notify>,
    condition: watch::Receiver<Condition>,
    dropped: Arc<AtomicU64>,
    given_up: Arc<AtomicU64>,
    path: PathBuf,
    /// What the hashes of its events begin with; none, if no history is kept.
    seed: Option<u64>,
    clock: Clock,
    /// Whether it is written and read where it is used, rather than beside the runtime.
    pub(crate) is_in_place: bool,
}

impl Store {
    /// Opens the store in a file, or makes a new one. As long as it is open, no other gateway can open it.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened, is in use, has several names, or is not a store.
    pub fn open(path: &Path, settings: StoreSettings) -> Result<Self, Error> {
        let (store, writer, waiting) = Self::opened(path, settings)?;
        let wake = Arc::clone(&store.changed);
        thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || writer.run(waiting, &wake))
            .map_err(|source| cannot_open(&store.path, source))?;
        Ok(store)
    }

    /// A store, with its writer and what that is to write.
    pub(crate) fn opened(
        path: &Path,
        settings: StoreSettings,
    ) -> Result<(Self, Writer, mpsc::Receiver<Command>), Error> {
        let path = &schema::real(path).map_err(|source| cannot_open(path, source))?;
        // Leaves nothing beside a file that is something else.
        schema::check_file(path)?;
        let lock = lock(path)?;
        let open = || {
            let connection = schema::open(path)?;
            schema::check_keeper(&connection, path, settings.keeper)?;
            if let Some(place) = &settings.place {
                claim::claim(&connection, path, place)?;
            }
            Ok(connection)
        };
        let connection = open().map_err(|error| match error {
            Error::Store(error) => Error::Open {
                path: path.to_owned(),
                source: guard::why_not_opened(path, error),
            },
            error => error,
        })?;
        let guard = Guard::new(path).map_err(|source| cannot_open(path, source))?;
        let seed = history::seed(&connection)?;
        let seed = (settings.history.events > 0).then_some(seed);
        let (tell, condition) = watch::channel(Condition::Sound);
        let dropped = Arc::<AtomicU64>::default();
        let given_up = Arc::<AtomicU64>::default();
        let clock = settings.clock.clone();
        let counts = [Arc::clone(&dropped), Arc::clone(&given_up)];
        let writer = Writer::new(connection, settings, lock, guard, tell, counts)?;
        let (commands, waiting) = mpsc::channel(WAITING);
        let store = Self {
            commands,
            changed: Arc::default(),
            condition,
            dropped,
            given_up,
            path: path.to_owned(),
            seed,
            clock,
            is_in_place: false,
        };
        Ok((store, writer, waiting))
    }

    /// Stores events, all or none. Once this returns they are on disk.
    ///
    /// # Errors
    ///
    /// If the store is full or cannot be written.
    pub async fn accept(&self, mut events: Vec<CompleteEvent>) -> Result<Accepted, Refusal> {
        let (reply, replied) = oneshot::channel();
        if let Some(seed) = self.seed {
            // Here and not where it is written: there is one writer.
            for event in &mut events {
                event.trace.get_or_insert_with(|| Trace::of(seed, &event.json));
            }
        }
        let command = Command::Accept(events, reply);
        self.commands.send(command).await.map_err(|_| Refusal::StoreFailed)?;
        replied.await.unwrap_or(Err(Refusal::StoreFailed))
    }

    /// By what an event is found again, given its entries and its text; none, if no history is kept.
    pub fn trace(&self, event: &Object<'_>, json: &str) -> Option<Trace> {
        self.seed.map(|seed| Trace::of_entries(seed, event, json))
    }

    /// Has an event wait for its contact, before whatever is asked of the store later. It is on disk once that is
    /// [said](Keeping::is_written).
    pub async fn keep(&self, event: EarlyEvent) -> Keeping {
        let (reply, keeping) = Keeping::new();
        // Of a store that has been closed, the reply is dropped.
        let _ = self.commands.send(Command::Keep(Box::new(event), reply)).await;
        keeping
    }

    /// Notes that it was looked in vain for contacts that can come under these keys, in the workspace of a target.
    ///
    /// # Errors
    ///
    /// If the store has been closed.
    pub async fn looked(&self, target: TargetId, keys: Vec<ContactKey>) -> Result<(), Error> {
        let command = Command::Looked(target, keys);
        self.commands.send(command).await.map_err(|_| Error::Closed)
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
        self.recall_of(None, keys, limit).await
    }

    /// The same with events of a target: the contact has come in its workspace.
    ///
    /// # Errors
    ///
    /// If the store cannot be written, or has been closed.
    pub async fn recall_for(
        &self,
        target: Target,
        keys: Vec<ContactKey>,
        limit: usize,
    ) -> Result<Vec<Recalled>, Error> {
        self.recall_of(Some(target), keys, limit).await
    }

    async fn recall_of(
        &self,
        target: Option<Target>,
        keys: Vec<ContactKey>,
        limit: usize,
    ) -> Result<Vec<Recalled>, Error> {
        let (reply, replied) = oneshot::channel();
        let command = Command::Recall(Recall {
            target,
            keys,
            limit,
            reply,
        });
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

    /// How many events have been given up since it was opened that had waited for their contact for too long, or were too many.
    pub fn given_up(&self) -> u64 {
        self.given_up.load(Ordering::Relaxed)
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
        let mut queue = Queue::open(&self.path)?;
        queue.clock = self.clock.clone();
        Ok(queue)
    }

    /// Does something that takes a while, such as to read the store, beside the runtime.
    ///
    /// # Errors
    ///
    /// If it panics, or the runtime ends.
    pub async fn beside<T: Send + 'static>(&self, act: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        match self.is_in_place {
            true => Ok(act()),
            false => tokio::task::spawn_blocking(act).await.map_err(|_| Error::Closed),
        }
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

/// Keeps other gateways from delivering the same events, by whatever name they have opened the store.
pub(super) fn lock(path: &Path) -> Result<File, Error> {
    let path = &schema::real(path).map_err(|source| cannot_open(path, source))?;
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
