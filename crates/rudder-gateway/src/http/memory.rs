//! Memory for requests, shared fairly among write keys.
//!
//! Memory is set aside as it is needed: for bytes as they come, and for events before they are built. When it is short,
//! whoever holds the least comes first, and of the key that holds the most, the request is turned away that has been
//! coming in for longest. So neither slow senders nor many large requests of one key keep the others out.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout};

/// How long a request waits for memory.
const PATIENCE: Duration = Duration::from_secs(2);
/// For how long a request may come in before others may take its place.
const GRACE: Duration = Duration::from_secs(1);
/// How often it is looked again whether one is that old.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// There is no memory for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Busy;

/// The memory of all requests, in bytes. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Memory(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    free: usize,
    /// How much the requests of a key hold.
    keys: HashMap<u64, usize>,
    requests: BTreeMap<u64, Held>,
    waiting: BTreeMap<u64, Waiting>,
    last: u64,
}

#[derive(Debug)]
struct Held {
    key: u64,
    bytes: usize,
    since: Instant,
    /// Whether it may be turned away in favour of others: as long as it comes in.
    is_coming: bool,
    turned_away: Arc<Notify>,
}

#[derive(Debug)]
struct Waiting {
    bytes: usize,
    granted: oneshot::Sender<()>,
}

/// What one request holds. It is given back when this is dropped.
#[derive(Debug)]
pub(super) struct Share {
    memory: Memory,
    number: u64,
    turned_away: Arc<Notify>,
}

impl Memory {
    pub(super) fn new(bytes: usize) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            free: bytes,
            keys: HashMap::new(),
            requests: BTreeMap::new(),
            waiting: BTreeMap::new(),
            last: 0,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request of this key, which holds nothing yet.
    pub(super) fn share(&self, key: u64) -> Share {
        let turned_away = Arc::new(Notify::new());
        let mut inner = self.lock();
        inner.last += 1;
        let number = inner.last;
        let held = Held {
            key,
            bytes: 0,
            since: Instant::now(),
            is_coming: true,
            turned_away: Arc::clone(&turned_away),
        };
        inner.requests.insert(number, held);
        Share {
            memory: self.clone(),
            number,
            turned_away,
        }
    }
}

impl Share {
    /// Sees to it that so many bytes are set aside in all.
    pub(super) async fn hold(&self, bytes: usize) -> Result<(), Busy> {
        let mut granted = {
            let mut inner = self.memory.lock();
            let held = inner.requests.get(&self.number).map_or(0, |held| held.bytes);
            let Some(more) = bytes.checked_sub(held).filter(|more| *more > 0) else {
                return Ok(());
            };
            if inner.waiting.is_empty() && more <= inner.free {
                inner.take(self.number, more);
                return Ok(());
            }
            let (grant, granted) = oneshot::channel();
            let waiting = Waiting {
                bytes: more,
                granted: grant,
            };
            inner.waiting.insert(self.number, waiting);
            inner.grant();
            granted
        };
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            self.memory.lock().make_room(self.number);
            if timeout(LOOK_AGAIN, &mut granted).await.is_ok() {
                return Ok(());
            }
        }
        match self.memory.lock().waiting.remove(&self.number) {
            Some(_) => Err(Busy),
            None => Ok(()),
        }
    }

    /// It has come in whole, and keeps what it holds.
    pub(super) fn has_come(&self) {
        if let Some(held) = self.memory.lock().requests.get_mut(&self.number) {
            held.is_coming = false;
        }
    }

    /// Waits until it is turned away in favour of others.
    pub(super) async fn turned_away(&self) -> Busy {
        self.turned_away.notified().await;
        Busy
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut inner = self.memory.lock();
        inner.waiting.remove(&self.number);
        if let Some(held) = inner.requests.remove(&self.number) {
            inner.free += held.bytes;
            if let Some(of_key) = inner.keys.get_mut(&held.key) {
                *of_key -= held.bytes;
                if *of_key == 0 {
                    inner.keys.remove(&held.key);
                }
            }
        }
        inner.grant();
    }
}

impl Inner {
    fn of_key(&self, key: u64) -> usize {
        self.keys.get(&key).copied().unwrap_or_default()
    }

    /// Sets bytes aside for a request.
    fn take(&mut self, number: u64, bytes: usize) {
        if let Some(held) = self.requests.get_mut(&number) {
            self.free -= bytes;
            held.bytes += bytes;
            *self.keys.entry(held.key).or_default() += bytes;
        }
    }

    /// Grants what there is room for, the least first, counted with what the key has.
    fn grant(&mut self) {
        loop {
            let whole = |(number, waiting): (&u64, &Waiting)| {
                let key = self.requests.get(number)?.key;
                Some((self.of_key(key) + waiting.bytes, *number))
            };
            let Some((_, number)) = self.waiting.iter().filter_map(whole).min() else {
                return;
            };
            if self
                .waiting
                .get(&number)
                .is_none_or(|waiting| waiting.bytes > self.free)
            {
                return;
            }
            let Some(waiting) = self.waiting.remove(&number) else {
                return;
            };
            self.take(number, waiting.bytes);
            // Whoever no longer waits gives it back.
            let _ = waiting.granted.send(());
        }
    }

    /// Turns requests away that have been coming in for long, until what this one waits for would be free.
    fn make_room(&mut self, number: u64) {
        let Some(wanted) = self.waiting.get(&number).map(|waiting| waiting.bytes) else {
            return;
        };
        let mut keys = self.keys.clone();
        let mut free = self.free;
        while free < wanted {
            let oldest = |(other, held): (&u64, &Held)| {
                let may_go = *other != number && held.is_coming && held.bytes > 0 && held.since.elapsed() > GRACE;
                may_go.then(|| (keys.get(&held.key).copied().unwrap_or_default(), u64::MAX - other))
            };
            let Some((_, other)) = self.requests.iter().filter_map(oldest).max() else {
                return;
            };
            let Some(held) = self.requests.get_mut(&(u64::MAX - other)) else {
                return;
            };
            held.is_coming = false;
            held.turned_away.notify_one();
            free += held.bytes;
            if let Some(of_key) = keys.get_mut(&held.key) {
                *of_key -= held.bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_key_that_holds_the_least_comes_first() {
        let memory = Memory::new(100);
        let share = |key, is_whole: bool| {
            let share = memory.share(key);
            is_whole.then(|| share.has_come());
            share
        };
        let (first, second) = (share(1, true), share(1, true));
        first.hold(50).await.unwrap();
        second.hold(50).await.unwrap();
        let (third, other) = (share(1, false), share(2, false));
        let release = async { drop(second) };
        let granted = tokio::join!(third.hold(50), other.hold(50), release);
        assert_eq!(granted, (Err(Busy), Ok(()), ()));
        // What is not held any more is there for all.
        drop(other);
        assert_eq!(third.hold(50).await, Ok(()));
        assert_eq!(third.hold(40).await, Ok(()), "it has more");
        assert_eq!(first.hold(101).await, Err(Busy));
        drop((first, third));
        assert_eq!(memory.lock().free, 100);
        assert!(memory.lock().keys.is_empty() && memory.lock().waiting.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_in_slowly_makes_room_for_others() {
        let memory = Memory::new(100);
        let (slow, whole, other) = (memory.share(1), memory.share(1), memory.share(2));
        slow.hold(60).await.unwrap();
        whole.hold(40).await.unwrap();
        whole.has_come();
        let turned_away = async {
            let busy = slow.turned_away().await;
            drop(slow);
            busy
        };
        assert_eq!(tokio::join!(other.hold(10), turned_away), (Ok(()), Busy));
        let waited = Instant::now();
        assert_eq!(memory.share(3).hold(60).await, Err(Busy));
        assert_eq!(waited.elapsed(), PATIENCE);
    }
}
