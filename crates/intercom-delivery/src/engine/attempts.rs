//! Calls that have failed, as they fail: an event that is tried for hours has no outcome yet.

use super::Engine;
use super::outcome::Attempt;
use crate::codes::FailureCode;

impl Engine {
    /// The next call that has failed, if there is one.
    pub fn poll_attempt(&mut self) -> Option<Attempt> {
        self.attempts.pop_front()
    }

    /// Whether there are failed calls that have not been fetched.
    #[cfg(feature = "client")]
    pub(crate) fn has_attempts(&self) -> bool {
        !self.attempts.is_empty()
    }

    /// The last call of a job has failed, for each of its events.
    pub(super) fn has_failed(&mut self, seq: u64, code: FailureCode) {
        let Some(job) = self.jobs.get(&seq).filter(|_| self.settings.notes_attempts) else {
            return;
        };
        let trouble = &job.trouble;
        // What was answered as it was to be has not failed, although there may be nothing more to do.
        if trouble.status.is_some_and(|status| (200..300).contains(&status)) {
            return;
        }
        let attempts = job.batch.members.iter().map(|member| Attempt {
            event: member.event,
            code,
            operation: trouble.operation,
            status: trouble.status,
            intercom_code: trouble.intercom_code.clone(),
            request_id: trouble.request_id.clone(),
        });
        self.attempts.extend(attempts);
    }
}
