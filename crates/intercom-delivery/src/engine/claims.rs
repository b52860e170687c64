//! Who holds what, and who comes next.

use super::Engine;
use super::job::State;
use super::locks::LockKey;

impl Engine {
    /// Holds what the job claims, and lets go of what it has claimed before.
    pub(super) fn take_claim(&mut self, seq: u64) {
        let Some(job) = self.jobs.get_mut(&seq) else { return };
        let Some(wanted) = job.claim.wanted.take() else { return };
        self.locks.hold(wanted);
        if let Some(old) = job.claim.held.replace(wanted) {
            self.let_go(old);
        }
    }

    /// Lets go of a lock, so that another job can take it.
    pub(super) fn let_go(&mut self, lock: LockKey) {
        let next = self.locks.release(lock);
        self.unlock(next, lock);
    }

    pub(super) fn unlock(&mut self, next: Option<u64>, lock: LockKey) {
        let mut next = next;
        while let Some(seq) = next {
            if let Some(job) = self.jobs.get_mut(&seq).filter(|job| job.state == State::Locked(lock)) {
                job.woken_by = Some(lock);
                self.make_ready(seq);
                return;
            }
            // That one has ended.
            next = self.locks.pass_on(lock);
        }
    }
}
