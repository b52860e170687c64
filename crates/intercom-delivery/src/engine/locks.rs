//! Calls that must not be in flight together: two that write the same contact or company, whose order would be chance.
//!
//! A lock is held while a call is in flight, never during a wait between attempts.

use std::collections::{BTreeSet, HashMap};

/// What a lock is on, hashed. Two that collide wait for each other, which does no harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct LockKey(pub(super) u64);

#[derive(Debug, Default)]
struct Lock {
    held: bool,
    /// The jobs that wait for it.
    waiting: BTreeSet<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Locks(HashMap<LockKey, Lock>);

impl Locks {
    pub(super) fn is_held(&self, key: LockKey) -> bool {
        self.0.get(&key).is_some_and(|lock| lock.held)
    }

    pub(super) fn hold(&mut self, key: LockKey) {
        self.0.entry(key).or_default().held = true;
    }

    pub(super) fn wait(&mut self, key: LockKey, job: u64) {
        self.0.entry(key).or_default().waiting.insert(job);
    }

    /// Lets go, and names the job whose turn it is.
    pub(super) fn release(&mut self, key: LockKey) -> Option<u64> {
        self.0.get_mut(&key)?.held = false;
        self.pass_on(key)
    }

    /// The job whose turn it is if the one before did not take the lock.
    pub(super) fn pass_on(&mut self, key: LockKey) -> Option<u64> {
        let lock = self.0.get_mut(&key).filter(|lock| !lock.held)?;
        let next = lock.waiting.pop_first();
        if next.is_none() {
            self.0.remove(&key);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_job_is_next() {
        let (mut locks, key) = (Locks::default(), LockKey(1));
        locks.hold(key);
        locks.wait(key, 7);
        locks.wait(key, 3);
        assert!(locks.is_held(key));
        assert_eq!(locks.pass_on(key), None, "it is held");
        assert_eq!(locks.release(key), Some(3));
        assert!(!locks.is_held(key));
        assert_eq!(locks.pass_on(key), Some(7));
        assert_eq!(locks.pass_on(key), None);
        assert!(locks.0.is_empty());
    }
}
