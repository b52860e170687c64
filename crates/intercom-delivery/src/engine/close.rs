//! How things end: one event, or all of them.

#[cfg(feature = "client")]
use super::Refused;
use super::job::{Ending, Job, State, Trouble};
use super::{
    Closed, Delivered, DeliveryResult, DeliveryWarning, Engine, EventId, Failed, FailureCode, Outcome, Rejected,
    Submission,
};

impl Engine {
    /// Whether Intercom has refused the token: no call is made any more.
    pub fn is_halted(&self) -> bool {
        self.closed == Some(Closed::Unauthorized)
    }

    /// Stops gracefully: no event is started any more. Those that have not started fail with
    /// [`Stopped`](FailureCode::Stopped) at once; those under way are finished, unless they would have to wait for
    /// another attempt.
    pub fn stop(&mut self) {
        if self.closed.is_none() {
            self.close(Closed::Stopped);
        }
    }

    /// Stops at once: every event that has no outcome yet fails with [`Stopped`](FailureCode::Stopped). The calls in
    /// flight are given up, and may have taken effect.
    pub fn abort(&mut self) {
        self.stop();
        self.flights.clear();
        let mut left: Vec<u64> = self.jobs.keys().copied().collect();
        left.sort_unstable();
        for seq in left {
            self.end(seq, Ending::Failed(self.closing_code()));
        }
    }

    /// Gives an event that was refused its outcome after all.
    #[cfg(feature = "client")]
    pub(crate) fn turn_away(&mut self, refused: Refused) {
        let event = refused.submission.event;
        let failed = failed(self.closing_code(), &Trouble::default(), 0, *refused.submission);
        self.events += 1;
        self.push_outcome(event, DeliveryResult::Failed(Box::new(failed)), Vec::new());
    }

    /// Starts no event any more, and ends what does not wait for an answer, as far as the reason asks for it.
    pub(super) fn close(&mut self, reason: Closed) {
        self.closed = Some(reason);
        let ends = |job: &Job| match reason {
            Closed::Unauthorized => job.state != State::InFlight,
            Closed::Stopped => job.state == State::Sleeping,
        };
        let mut ended: Vec<u64> = self
            .jobs
            .iter()
            .filter(|(_, job)| ends(job))
            .map(|(seq, _)| *seq)
            .collect();
        ended.sort_unstable();
        for seq in ended {
            self.end(seq, Ending::Failed(self.closing_code()));
        }
        self.drain();
    }

    /// Ends what has not started.
    pub(super) fn drain(&mut self) {
        for entry in self.queue.drain() {
            let failed = failed(self.closing_code(), &Trouble::default(), 0, entry.submission);
            self.push_outcome(
                failed.submission.event,
                DeliveryResult::Failed(Box::new(failed)),
                Vec::new(),
            );
        }
    }

    pub(super) fn closing_code(&self) -> FailureCode {
        match self.closed {
            Some(Closed::Unauthorized) => FailureCode::Unauthorized,
            _ => FailureCode::Stopped,
        }
    }

    /// Ends a job: each of its events gets its outcome.
    pub(super) fn end(&mut self, seq: u64, ending: Ending) {
        let Some(job) = self.jobs.remove(&seq) else { return };
        self.ready.remove(&seq);
        self.queue.finish(seq, job.lane, job.first());
        let learnt = job.contact.as_ref().filter(|_| job.learnt);
        let mut learnt = learnt.and_then(|id| self.memory.known(id)).map(Box::new);
        let carrier = job.first().submission.event;
        for (at, member) in job.members.into_iter().enumerate() {
            let event = member.submission.event;
            let calls = if at == 0 { job.calls } else { 0 };
            let result = match ending {
                Ending::Delivered => DeliveryResult::Delivered(Delivered {
                    calls,
                    contact: job.contact.clone(),
                    company: job.company.clone(),
                    learnt: learnt.take(),
                    unchanged: !job.wrote,
                    merged_into: (at > 0).then_some(carrier),
                }),
                Ending::Rejected(code) => DeliveryResult::Rejected(Rejected { code, calls }),
                Ending::Failed(code) => {
                    DeliveryResult::Failed(Box::new(failed(code, &job.trouble, calls, member.submission)))
                }
            };
            self.push_outcome(event, result, job.warnings.clone());
        }
    }

    pub(super) fn push_outcome(&mut self, event: EventId, result: DeliveryResult, warnings: Vec<DeliveryWarning>) {
        match &result {
            DeliveryResult::Delivered(_) => self.totals.delivered += 1,
            DeliveryResult::Rejected(_) => self.totals.rejected += 1,
            DeliveryResult::Failed(_) => self.totals.failed += 1,
        }
        self.outcomes.push_back(Outcome {
            event,
            result,
            warnings,
        });
    }
}

fn failed(code: FailureCode, trouble: &Trouble, calls: u32, submission: Submission) -> Failed {
    Failed {
        code,
        operation: trouble.operation,
        status: trouble.status,
        intercom_code: trouble.intercom_code.clone(),
        request_id: trouble.request_id.clone(),
        attribute: trouble.attribute.clone(),
        attempts: trouble.attempts,
        calls,
        submission,
    }
}
