//! People who wait for a search at the same time are looked up by one.
//!
//! A search that is made takes those along whose turn it is, too. Where searches are frequent, one waits for others to come,
//! if the settings say so. Each is told what a search for them alone would have shown.

use super::Engine;
use super::job::{Job, State, walk_of};
use super::memory::Memory;
use super::people::{Form, Gathered, Others, People};
use crate::walk::Walk;
use intercom_api::{Call, Operation as _, OperationId};
use std::cmp::Reverse;

/// So many of the events that can start are looked at to find people.
const LOOKED_AT: usize = 256;

impl Engine {
    /// Whether the call is a search that is made later, together with those of others.
    pub(super) fn gathers(&mut self, seq: u64, call: &Call) -> bool {
        let patience = self.settings.search_patience;
        let may_wait = !patience.is_zero() && self.settings.savings.batch_lookups && self.closed.is_none();
        if !may_wait || call.operation != OperationId::SearchContacts {
            return false;
        }
        let Some(job) = self.jobs.get(&seq) else { return false };
        let mut people = People::new(self.searches.form(job.form));
        let lookup = job.walk.to_look_up(|_| false);
        if job.attempts > 0 || job.throttled > 0 || !lookup.is_some_and(|lookup| people.add(lookup)) {
            return false;
        }
        match self.searches.gather(seq, patience, self.now) {
            Gathered::Wait(until) => {
                if let Some(job) = self.jobs.get_mut(&seq) {
                    job.state = State::Gathering(until);
                    self.sleeping.push(Reverse((until, seq)));
                }
                true
            }
            Gathered::Go(others) => {
                for other in others {
                    let waits = |job: &Job| matches!(job.state, State::Gathering(_));
                    if other != seq && self.jobs.get(&other).is_some_and(waits) {
                        self.make_ready(other);
                    }
                }
                false
            }
        }
    }

    /// The search as it is made, and for whom besides this job: those are taken along who have one to make now.
    pub(super) fn with_others(&mut self, seq: u64, call: Call) -> (Call, Option<Others>) {
        if !self.settings.savings.batch_lookups || call.operation != OperationId::SearchContacts {
            return (call, None);
        }
        let Some(job) = self.jobs.get(&seq) else {
            return (call, None);
        };
        let form = self.searches.form(job.form);
        let mut people = People::new(form);
        // Whoever is known is not searched for.
        let is_taken = job.walk.to_look_up(|_| false).is_some_and(|lookup| people.add(lookup));
        if !is_taken {
            return (call, None);
        }
        let mut jobs = self.ready_with(&mut people);
        jobs.extend(self.queued_with(&mut people));
        self.searches.made(1 + jobs.len(), self.now);
        if jobs.is_empty() {
            return (call, None);
        }
        match people.search().to_call() {
            Ok(together) => (together, Some(Others { form, jobs })),
            // It can be written whatever the values are.
            Err(_) => (call, None),
        }
    }

    pub(super) fn count_people(&mut self, operation: OperationId, others: Option<&Others>) {
        if operation == OperationId::SearchContacts {
            self.totals.searches += 1;
            self.totals.looked_up += 1 + others.map_or(0, |others| others.jobs.len() as u64);
        }
    }

    /// Takes those in who are under way, and whose turn it is.
    fn ready_with(&mut self, people: &mut People) -> Vec<u64> {
        let remembers = self.settings.savings.remember_contacts;
        let mut taken = Vec::new();
        for seq in &self.ready {
            if people.is_full() {
                break;
            }
            let Some(job) = self.jobs.get(seq) else { continue };
            // Who was woken by a lock has to take it, or to pass it on.
            if job.woken_by.is_some() || job.is_withdrawn || self.searches.form(job.form) != people.form {
                continue;
            }
            let first = job.batch.first();
            if first.begun_with.is_some() {
                continue;
            }
            self.memory.look_from(first.terms.scope);
            if takes(people, &job.walk, remembers, &mut self.memory) {
                taken.push(*seq);
            }
        }
        for seq in &taken {
            self.ready.remove(seq);
        }
        taken
    }

    /// Starts those that can start and have somebody to look up.
    fn queued_with(&mut self, people: &mut People) -> Vec<u64> {
        if self.searches.form(Form::default()) != people.form {
            return Vec::new();
        }
        let remembers = self.settings.savings.remember_contacts;
        let policies = self.settings.policies();
        let memory = &mut self.memory;
        let started = self.queue.start_those(LOOKED_AT, |entry| {
            if people.is_full() || entry.begun_with.is_some() {
                return false;
            }
            memory.look_from(entry.terms.scope);
            takes(people, &walk_of(entry, policies), remembers, memory)
        });
        let started = started
            .into_iter()
            .map(|(lane, entry, after)| self.begin(lane, entry, after));
        started.collect()
    }

    /// The jobs go on that a call was made for, besides the one that it goes by.
    pub(super) fn take_along(&mut self, others: &Others, operation: OperationId) {
        for seq in &others.jobs {
            if let Some(job) = self.jobs.get_mut(seq) {
                job.state = State::InFlight;
                job.trouble.operation = Some(operation);
            }
        }
    }
}

/// Adds whom a walk has to look up by a search, if it has.
fn takes(people: &mut People, walk: &Walk, remembers: bool, memory: &mut Memory) -> bool {
    let lookup = walk.to_look_up(|lookup| remembers && memory.find(lookup).is_some());
    lookup.is_some_and(|lookup| people.add(lookup))
}
