//! Events that are carried out here, while rudder-server waits to hear what became of them.
//!
//! All events of a request go to the engine at once. It keeps people apart and each one's events in order, and starts none
//! of a key of rudder-server's after one that failed in passing: rudder-server would take a later success for done. What
//! is not done when the time is up, when the connection has gone, or when the service stops, is taken back, so that nothing
//! of it is begun while rudder-server hands it out again, perhaps to another instance.

mod order;
pub(crate) mod result;

use crate::early::Access;
use crate::engines;
use crate::intercom::IntercomClient;
use crate::jobs::{Job, Tally, fail};
use crate::metrics::EventOutcome;
use crate::protocol::{Elements, ErrorMeta, Failure, REFRESH_TOKEN, status};
use crate::settings::Instances;
use crate::workspaces::{Heard, Listener, Running};
use intercom_api::Region;
use intercom_delivery::{AbsencePolicy, EventId, RefusalReason, Refused, Submission, Terms};
use result::{Circumstances, job_result};
use rudderstack_to_intercom::Plan;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Carries the events out, and writes the elements of all of them.
pub(crate) async fn deliver(intercom: &IntercomClient, jobs: &[Job<'_>], elements: &mut Elements, tally: &mut Tally) {
    let until = Instant::now() + intercom.settings.request_timeout;
    let (send, mut outcomes) = mpsc::unbounded_channel();
    let mut open = Open {
        intercom,
        jobs,
        elements,
        tally,
        events: HashMap::new(),
    };
    let mut stopping = intercom.stopping.subscribe();
    let (mut is_stopping, mut ends_by) = (false, until);
    if tokio::time::timeout_at(until, open.submit(&send)).await.is_err() {
        ends_by = Instant::now();
    }
    drop(send);
    while !open.events.is_empty() {
        tokio::select! {
            biased;
            heard = outcomes.recv() => match heard {
                Some(heard) => open.ended(&heard),
                None => break,
            },
            () = tokio::time::sleep_until(ends_by) => break,
            _ = stopping.wait_for(|stops| *stops), if !is_stopping => {
                // What is in flight may still be heard of.
                (is_stopping, ends_by) = (true, until.min(Instant::now() + intercom.settings.last_calls()));
                open.withdraw();
            }
        }
    }
    open.give_up(is_stopping);
}

/// The events of a request that have not been answered for.
struct Open<'o, 'r> {
    intercom: &'o IntercomClient,
    jobs: &'o [Job<'r>],
    elements: &'o mut Elements,
    tally: &'o mut Tally,
    /// By their number in the engine: their place among the jobs, and the engine.
    events: HashMap<EventId, (usize, Arc<Running>)>,
}

/// A request whose connection has gone is dropped with this: nothing is begun for it any more.
impl Drop for Open<'_, '_> {
    fn drop(&mut self) {
        self.forget();
    }
}

impl Open<'_, '_> {
    /// Hands all events to the engines of their workspaces, in the order in which they are to be carried out.
    async fn submit(&mut self, outcomes: &mpsc::UnboundedSender<Heard>) {
        let intercom = self.intercom;
        let workspaces = &intercom.workspaces;
        let scope = match intercom.settings.instances {
            Instances::Many => Some(workspaces.number()),
            Instances::One => None,
        };
        let mut chains: BTreeMap<(&str, &str), u64> = BTreeMap::new();
        let jobs = self.jobs;
        let mut submissions = Vec::with_capacity(jobs.len());
        for at in self.arranged() {
            let job = &jobs[at];
            let running = match engines::running(intercom, Access::of(job)).await {
                Ok(running) => running,
                Err(error) => {
                    let failure = Failure::again(format!("{}: {error}", error.code()));
                    self.answer(at, Err((failure, error.code())));
                    continue;
                }
            };
            let read = job.surroundings.read;
            let chain = match (read.destination_id.as_deref(), read.user_id.as_deref()) {
                (destination, Some(user)) if !user.is_empty() => *chains
                    .entry((destination.unwrap_or_default(), user))
                    .or_insert_with(|| workspaces.number()),
                _ => workspaces.number(),
            };
            let mut terms = Terms::new();
            (terms.scope, terms.chain) = (scope, Some(chain));
            terms.asks_again = scope.is_some();
            let draft = intercom
                .early
                .get()
                .and_then(|early| early.draft(job, intercom.settings.on_unknown_contact));
            // What waits in the store need not settle.
            if draft.is_none() && self.tried_for(job) < intercom.settings.settling_time {
                terms.absence = AbsencePolicy::Doubt;
            }
            let event = EventId(workspaces.number());
            let plan = (*job.plan).clone();
            submissions.push((
                Submission::new(event, plan, job.identities.clone()).on(terms),
                Arc::clone(&running),
                Listener::new(outcomes.clone(), scope).with_draft(draft),
            ));
            self.events.insert(event, (at, running));
        }
        for (submission, running, listener) in submissions {
            running.expect(submission.event, listener);
            if let Err(refused) = running.submissions().submit(submission).await {
                self.turned_away(&refused);
            }
        }
    }

    /// The jobs in the order in which they are carried out. The contacts of different workspaces have nothing to do with each
    /// other.
    fn arranged(&self) -> Vec<usize> {
        let mut workspaces: HashMap<(Region, &str), Vec<usize>> = HashMap::new();
        for (at, job) in self.jobs.iter().enumerate() {
            let workspace = (job.destination.region, job.authorization.token());
            workspaces.entry(workspace).or_default().push(at);
        }
        let mut arranged = vec![0; self.jobs.len()];
        for places in workspaces.values() {
            let plans: Vec<&Plan> = places.iter().map(|at| &*self.jobs[*at].plan).collect();
            for (place, next) in places.iter().zip(order::arrange(&plans)) {
                arranged[*place] = places[next];
            }
        }
        arranged
    }

    /// The engine takes no events any more: mostly because the token is refused.
    fn turned_away(&mut self, refused: &Refused) {
        let event = refused.submission.event;
        let Some((at, running)) = self.events.remove(&event) else {
            return;
        };
        running.forget([event]);
        let (reason, code) = (refused.reason, refused.reason.code());
        let failure = Failure::again(format!("{code}: {reason}"));
        let failure = match reason {
            RefusalReason::Unauthorized => self.with_refresh(at, &running, failure),
            RefusalReason::QueueFull | RefusalReason::Stopped => failure,
        };
        self.answer(at, Err((failure, code)));
    }

    /// What a refused token means for a job: for one a minute, that the token is to be fetched anew.
    fn with_refresh(&self, at: usize, running: &Running, failure: Failure) -> Failure {
        let mut failure = Failure {
            meta: Some(ErrorMeta::InvalidAuthToken),
            ..failure
        };
        if !self.jobs[at].is_own_token && running.asks_for_refresh() {
            self.intercom.metrics.token_refresh();
            failure.status = status::RETRYABLE;
            failure.auth_error_category = Some(REFRESH_TOKEN);
        }
        failure
    }

    /// For how long an event has been tried.
    fn tried_for(&self, job: &Job<'_>) -> Duration {
        let first = job.surroundings.read.first_attempted_at();
        let seconds = first.map_or(0, |first| self.intercom.unix_seconds().saturating_sub(first.0));
        Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
    }

    /// An event has its outcome.
    fn ended(&mut self, Heard { outcome, kept }: &Heard) {
        let Some((at, running)) = self.events.remove(&outcome.event) else {
            return;
        };
        match kept {
            Some(Ok(())) => {
                self.intercom.metrics.job("waits", result::waits_for(outcome));
                return self.tell(at, Ok(()));
            }
            Some(Err(refusal)) => return self.answer(at, Err(result::not_kept(*refusal))),
            None => {}
        }
        let job = &self.jobs[at];
        let circumstances = Circumstances {
            tried_for: self.tried_for(job),
            others_go_through: running.others_go_through(),
        };
        let result = job_result(outcome, circumstances).map_err(|(failure, code)| match failure.meta {
            Some(ErrorMeta::InvalidAuthToken) => (self.with_refresh(at, &running, failure), code),
            None => (failure, code),
        });
        if result.is_ok() && result::lacks_member(outcome) {
            self.intercom.metrics.job("delivered", "member_not_found");
            self.tell(at, Ok(()));
        } else {
            self.answer(at, result);
        }
    }

    fn answer(&mut self, at: usize, result: Result<(), (Failure, &'static str)>) {
        let (what, code) = match &result {
            Ok(()) => ("delivered", "none"),
            Err((failure, code)) if failure.is_retryable() => ("tried_again", *code),
            Err((_, code)) => ("ended", *code),
        };
        self.intercom.metrics.job(what, code);
        self.tell(at, result.map_err(|(failure, _)| failure));
    }

    fn tell(&mut self, at: usize, result: Result<(), Failure>) {
        let job = &self.jobs[at];
        let outcome = match result {
            Ok(()) => {
                let surroundings = &job.surroundings;
                self.elements
                    .handled(job.event, surroundings.raw, surroundings.destination);
                EventOutcome::Delivered
            }
            Err(failure) => fail(job.event, &failure, &job.surroundings, self.elements),
        };
        self.tally.count(job.kind, outcome);
    }

    /// Takes back what has no outcome.
    fn withdraw(&mut self) {
        let mut engines: Vec<(Arc<Running>, HashSet<EventId>)> = Vec::new();
        for (event, (_, running)) in &self.events {
            match engines.iter_mut().find(|(engine, _)| Arc::ptr_eq(engine, running)) {
                Some((_, events)) => {
                    events.insert(*event);
                }
                None => engines.push((Arc::clone(running), HashSet::from([*event]))),
            }
        }
        for (running, events) in engines {
            running.submissions().withdraw(events);
        }
    }

    /// Lets go of what has no outcome.
    fn forget(&mut self) {
        self.withdraw();
        for (event, (_, running)) in self.events.drain() {
            running.forget([event]);
        }
    }

    /// Answers for what is not done.
    fn give_up(&mut self, is_stopping: bool) {
        let (code, why) = match is_stopping {
            true => ("stopping", "the service stops"),
            false => ("request_timeout", "the time for the request is up"),
        };
        for at in self.unanswered() {
            self.answer(
                at,
                Err((
                    Failure::again(format!("{code}: {why}; the event can be sent again")),
                    code,
                )),
            );
        }
        self.forget();
    }

    /// The jobs that have no element.
    fn unanswered(&self) -> Vec<usize> {
        let missing: HashSet<usize> = self.elements.missing().collect();
        let jobs = self.jobs.iter().enumerate();
        jobs.filter(|(_, job)| missing.contains(&job.event))
            .map(|(at, _)| at)
            .collect()
    }
}
