//! How things end: one event, or all of them.

#[cfg(feature = "client")]
use super::Refused;
use super::awaited::Awaited;
use super::job::{Job, State, Trouble};
#[cfg(feature = "client")]
use super::keys::Keys;
use super::queue::Place;
use super::release::Ended;
use super::{
    Closed, Delivered, DeliveryResult, Engine, Failed, FailureCode, Outcome, OutcomeOrder, Rejected, Submission,
};
use crate::contact::KnownContact;
use crate::walk::Ending;
use std::time::Duration;

/// For how long calls are begun after a stop, so that what nearly was done is done.
const LAST_CALLS: Duration = Duration::from_millis(500);

impl Engine {
    /// Whether Intercom has refused the token: no call is made any more.
    pub fn is_halted(&self) -> bool {
        self.closed == Some(Closed::Unauthorized)
    }

    /// Stops gracefully: no event is started any more. Those that have not started fail with
    /// [`Stopped`](FailureCode::Stopped) at once. Those under way are finished if they need not wait for anything but
    /// responses, and as far as their calls are begun within half a second: nothing takes longer than that and one call.
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
        self.last_event += 1;
        self.events += 1;
        self.releases.expect(self.last_event, Keys::default());
        self.memory.companies.expect(&refused.submission.plan);
        self.cut_short(self.last_event, *refused.submission);
    }

    /// Starts no event any more, and ends what does not wait for a response, as far as the reason asks for it.
    pub(super) fn close(&mut self, reason: Closed) {
        self.closed = Some(reason);
        let ends = |job: &Job| match reason {
            Closed::Unauthorized => job.state != State::InFlight,
            Closed::Stopped => matches!(job.state, State::Sleeping { .. } | State::Gathering(_) | State::Noting),
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
        // Nobody is asleep any more, and nobody falls asleep.
        self.sleeping.clear();
        self.drain();
    }

    /// Whether calls may be begun: for a short time after a stop they may.
    pub(super) fn may_begin_calls(&mut self) -> bool {
        match self.closed {
            None | Some(Closed::Unauthorized) => true,
            Some(Closed::Stopped) => *self.last_calls.get_or_insert(self.now.after(LAST_CALLS)) >= self.now,
        }
    }

    /// Ends what could go on, but for the rate limit, an outage or the number of calls in flight.
    pub(super) fn end_waiting(&mut self) {
        while let Some(seq) = self.ready.pop_first() {
            self.end(seq, Ending::Failed(self.closing_code()));
        }
    }

    /// Ends what has not started.
    pub(super) fn drain(&mut self) {
        self.end_recalls();
        for entry in self.queue.drain() {
            self.cut_short(entry.seq, entry.into_submission());
        }
    }

    /// Ends an event that was not started and will not be.
    pub(super) fn cut_short(&mut self, seq: u64, submission: Submission) {
        let event = submission.event;
        self.memory.companies.ended(&submission.plan);
        let failed = failed(self.closing_code(), &Trouble::default(), 0, submission);
        let result = DeliveryResult::Failed(Box::new(failed));
        self.release(seq, &[], Ended::new(event, result, None));
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
        let mut awaited = self.awaited_by(&job.walk, ending);
        // Who is waited for has not come.
        let mut arrival = if awaited.is_none() {
            self.arrive(&job, ending)
        } else {
            None
        };
        let Job { walk, batch, claim, .. } = job;
        if let Some(claim) = claim.held {
            self.let_go(claim);
        }
        if let Some(lock) = job.woken_by {
            // It was this one's turn.
            let next = self.locks.pass_on(lock);
            self.unlock(next, lock);
        }
        self.ready.remove(&seq);
        let place = Place {
            lane: batch.lane,
            keys: batch.first().keys().clone(),
            last: batch.members.last().map_or(seq, |last| last.seq),
            after: job.after,
        };
        self.leave(seq, job.recalled_by, &place);
        let contact = walk.contact().cloned();
        let company = walk.company().cloned();
        let (warnings, has_written) = (walk.warnings().to_vec(), walk.has_written());
        // The plan is given back with its event.
        drop(walk);
        let learnt = contact.as_ref().filter(|_| batch.learnt);
        let gone = || batch.gone.clone().map(KnownContact::gone);
        let known = learnt.and_then(|id| batch.contact(&self.memory, id));
        let mut learnt = known.or_else(gone).map(Box::new);
        let mut after = place.after;
        let carrier = batch.first().event;
        let chain = match ending {
            Ending::Failed(code) if code.is_fleeting() => batch.first().terms.chain,
            Ending::Failed(_) | Ending::Delivered | Ending::Rejected(_) => None,
        };
        let last = batch.members.len() - 1;
        for (at, member) in batch.members.into_iter().enumerate() {
            let calls = if at == 0 { job.calls } else { 0 };
            let (seq, event) = (member.seq, member.event);
            self.memory.companies.ended(&member.plan);
            let submission = member.into_submission();
            let awaits = awaited
                .take()
                .map(|keys| Awaited::new(keys, &submission, company.clone()));
            let (result, submission) = match ending {
                Ending::Delivered => {
                    let delivered = Delivered {
                        calls,
                        contact: contact.clone(),
                        company: company.clone(),
                        unchanged: !has_written,
                        merged_into: (at > 0).then_some(carrier),
                    };
                    (DeliveryResult::Delivered(delivered), Some(submission))
                }
                Ending::Rejected(code) => (DeliveryResult::Rejected(Rejected { code, calls }), Some(submission)),
                Ending::Failed(code) => {
                    let failed = failed(code, &job.trouble, calls, submission);
                    (DeliveryResult::Failed(Box::new(failed)), None)
                }
            };
            let mut ended = Ended::new(event, result, submission);
            let outcome = &mut ended.outcome;
            outcome.warnings.clone_from(&warnings);
            let request_id = job.trouble.request_id.as_ref();
            outcome.request_id = request_id.filter(|_| self.settings.notes_attempts).cloned();
            outcome.learnt = learnt.take();
            outcome.awaits = awaits;
            // Those that wait come after all that the contact has come with.
            if at == last {
                outcome.arrival = arrival.take();
            }
            self.release(seq, &after, ended);
            after = vec![seq];
        }
        if let Some(chain) = chain {
            self.hold_back(chain);
        }
    }

    /// Hands an outcome out when its turn has come.
    fn release(&mut self, seq: u64, after: &[u64], mut ended: Ended) {
        let closing = self.closed.map(|_| self.closing_code());
        if let DeliveryResult::Failed(failed) = &ended.outcome.result {
            ended.is_closing = Some(failed.code) == closing;
        }
        let after = match self.settings.outcomes {
            OutcomeOrder::AsSubmitted => after,
            OutcomeOrder::AsTheyEnd => &[],
        };
        let is_kept = self.settings.notes_intents;
        let (totals, outcomes, awaited) = (&mut self.totals, &mut self.outcomes, &mut self.awaited);
        self.releases.end(seq, after, ended, |ended| {
            if let Some(awaits) = &ended.outcome.awaits {
                awaited.told(&awaits.keys);
            }
            let outcome = handed_out(ended, closing, is_kept);
            match &outcome.result {
                DeliveryResult::Delivered(_) => totals.delivered += 1,
                DeliveryResult::Rejected(_) => totals.rejected += 1,
                DeliveryResult::Failed(_) => totals.failed += 1,
            }
            outcomes.push_back(outcome);
        });
        self.hand_out_intents();
    }
}

/// The outcome of an event. One that was delivered after another that was cut short is given back with it: when both are
/// delivered again, it comes after the other again.
fn handed_out(ended: Ended, closing: Option<FailureCode>, is_kept: bool) -> Outcome {
    let mut outcome = ended.outcome;
    match (&outcome.result, closing, ended.submission) {
        (DeliveryResult::Delivered(delivered), Some(code), Some(submission)) if ended.is_closing => {
            let failed = failed(code, &Trouble::default(), delivered.calls, submission);
            outcome.result = DeliveryResult::Failed(Box::new(failed));
            outcome.awaits = None;
        }
        (_, _, submission) => outcome.submission = submission.filter(|_| is_kept).map(Box::new),
    }
    outcome
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
