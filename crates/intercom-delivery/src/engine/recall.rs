//! Events that have waited for their contact are delivered when it has come.

use super::Engine;
use super::awaited::{Arrival, ArrivalId, Recall};
use super::contact_keys::ContactKey;
use super::job::Job;
use super::keys::Keys;
use super::queue::{Entry, Place};
use super::submission::Submission;
use crate::codes::{DeliveryWarning, FailureCode, Supersession};
use crate::walk::{Ending, UnknownContactPolicy, Walk};
use rudderstack_to_intercom::{CompanyKey, Plan};
use std::collections::VecDeque;

impl Engine {
    /// Whether events wait for their contact, of these those that need one.
    fn may_await(&self, plan: &Plan) -> bool {
        let creates = self.settings.unknown_contact == UnknownContactPolicy::Create;
        self.settings.await_contacts && !(creates && matches!(plan, Plan::SubmitEvent(_)))
    }

    /// Says that an event waits for a contact, of which an earlier run has told.
    pub fn await_contact(&mut self, key: ContactKey) {
        self.awaited.keys.insert(key);
    }

    /// Whether the contact of a job's data event is known not to be there, so that nothing need be asked.
    pub(super) fn is_known_to_be_absent(&self, seq: u64) -> bool {
        !self.awaited.keys.is_empty()
            && self.jobs.get(&seq).is_some_and(|job| {
                let plan = job.walk.plan();
                let is_new = job.calls == 0 && job.recalled_by.is_none() && !job.batch.first().terms.asks_again;
                let asks = is_new && matches!(plan, Plan::SubmitEvent(_)) && self.may_await(plan);
                asks && self.awaited.are_absent(&ContactKey::of_plan(plan), self.now)
            })
    }

    /// The contact that an event waits for which has ended so, if it does.
    pub(super) fn awaited_by(&mut self, walk: &Walk, ending: Ending) -> Option<Vec<ContactKey>> {
        let is_left = match ending {
            Ending::Failed(code) => code == FailureCode::UnknownContact,
            Ending::Delivered => walk.warnings().contains(&DeliveryWarning::MemberNotFound),
            Ending::Rejected(_) => false,
        };
        // Also while everything ends: it goes on later, rather than fails.
        if !is_left || !self.may_await(walk.plan()) {
            return None;
        }
        let keys = ContactKey::of_plan(walk.plan());
        self.awaited.await_all(&keys, self.now);
        (!keys.is_empty()).then_some(keys)
    }

    /// The contact that has come with a job, if events wait for it: the later events of its lane wait until these are
    /// recalled. None if they need not.
    pub(super) fn arrive(&mut self, job: &Job, ending: Ending) -> Option<Arrival> {
        if self.awaited.keys.is_empty() || self.closed.is_some() {
            return None;
        }
        let known = job.walk.contact().and_then(|id| job.batch.contact(&self.memory, id));
        let mut keys = known.as_ref().map(ContactKey::of_contact).unwrap_or_default();
        if let (Ending::Delivered, plan @ Plan::SubmitEvent(_)) = (ending, job.walk.plan()) {
            keys.extend(ContactKey::of_plan(plan));
        }
        keys.retain(|key| self.awaited.comes(*key));
        if keys.is_empty() {
            return None;
        }
        let members = &job.batch.members;
        let left = members.iter().flat_map(|member| match &*member.plan {
            Plan::SaveContact(plan) => plan.detach.clone(),
            Plan::DeleteContact(_) | Plan::SubmitEvent(_) | Plan::SaveCompany(_) => Vec::new(),
        });
        let recall = Recall {
            place: None,
            rank: job.batch.first().rank,
            left: left.collect(),
            waiting: VecDeque::new(),
            active: None,
            is_complete: false,
        };
        let id = job.batch.first().seq;
        self.awaited.arrivals.insert(id, recall);
        Some(Arrival {
            id: ArrivalId(id),
            keys,
        })
    }

    /// A job leaves its place in the queue: for good, for those that wait for the contact that has come with it, or as one of
    /// those.
    pub(super) fn leave(&mut self, job: u64, recalled_by: Option<u64>, place: &Place) {
        if let Some(recall) = recalled_by {
            if let Some(recall) = self.awaited.arrivals.get_mut(&recall) {
                recall.active = None;
            }
            return self.recall_next(recall);
        }
        match self.awaited.arrivals.get_mut(&job) {
            Some(recall) => {
                recall.place = Some(place.clone());
                // Nothing is recalled before older outcomes have been handed out.
                self.queue.rest(job, place.lane, &place.keys);
            }
            None => self.queue.finish(job, place),
        }
    }

    /// Delivers events that have waited for the contact that has come, in this order and before its later events. Each has
    /// another outcome. They are taken in however full the queue is: a few at a time are enough.
    ///
    /// What a removal from a company is for that came with the contact is not linked to it any more.
    pub fn recall(&mut self, arrival: ArrivalId, submissions: Vec<Submission>) {
        for submission in submissions {
            self.last_event += 1;
            self.events += 1;
            let seq = self.last_event;
            self.releases.expect(seq, Keys::default());
            self.memory.companies.expect(&submission.plan);
            match self.awaited.arrivals.get_mut(&arrival.0) {
                Some(recall) if self.closed.is_none() => {
                    let mut entry = Entry::new(seq, submission, Keys::default());
                    entry.rank = recall.rank;
                    recall.waiting.push_back(entry);
                }
                _ => self.cut_short(seq, submission),
            }
        }
        self.recall_next(arrival.0);
    }

    /// All events that waited for the contact have been [recalled](Self::recall): once they have ended, the later ones of the
    /// contact go on.
    pub fn all_recalled(&mut self, arrival: ArrivalId) {
        if let Some(recall) = self.awaited.arrivals.get_mut(&arrival.0) {
            recall.is_complete = true;
        }
        self.recall_next(arrival.0);
    }

    /// Starts the next event that is recalled.
    fn recall_next(&mut self, arrival: u64) {
        let Some(recall) = self
            .awaited
            .arrivals
            .get_mut(&arrival)
            .filter(|recall| recall.active.is_none())
        else {
            return;
        };
        let Some(entry) = recall.waiting.pop_front() else {
            if recall.is_complete
                && let Some(recall) = self.awaited.arrivals.remove(&arrival)
                && let Some(place) = recall.place
            {
                self.queue.finish(arrival, &place);
            }
            return;
        };
        let seq = entry.seq;
        recall.active = Some(seq);
        let has_left = has_left(&recall.left, &entry.plan);
        let lane = recall.place.as_ref().map_or_else(Default::default, |place| place.lane);
        let mut job = Job::new(self.settings.policies(), lane, entry, Vec::new());
        job.recalled_by = Some(arrival);
        if has_left {
            job.walk.supersede(Supersession::Wholly);
        }
        self.jobs.insert(seq, job);
        self.ready.insert(seq);
    }

    /// Nothing is recalled any more.
    pub(super) fn end_recalls(&mut self) {
        let mut left: Vec<Entry> = Vec::new();
        for recall in self.awaited.arrivals.values_mut() {
            left.extend(recall.waiting.drain(..));
        }
        left.sort_unstable_by_key(|entry| entry.seq);
        for entry in left {
            self.cut_short(entry.seq, entry.into_submission());
        }
    }
}

/// Whether the link that a plan makes is one of those that have ended since.
fn has_left(left: &[CompanyKey], plan: &Plan) -> bool {
    let Plan::SaveCompany(plan) = plan else { return false };
    left.iter().any(|key| key.finds(&plan.company))
}
