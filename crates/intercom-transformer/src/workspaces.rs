//! The workspaces that events are delivered to from here: an engine for each, for as long as it is used.

use crate::calls::WorkspaceCalls;
use crate::contacts::Scope;
use intercom_delivery::client::{Control, Delivery, Outcomes, Submissions};
use intercom_delivery::{DeliveryResult, EngineSettings, EventId, FailureCode, Outcome};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// How long a workspace is kept that nothing is delivered to.
const IDLE: Duration = Duration::from_secs(15 * 60);
/// How many are kept at most, as far as they are idle.
const KEPT: usize = 1_000;
/// How long a token stays refused that was refused once, and how long a new one is not asked for again.
const REFUSED_FOR: Duration = Duration::from_secs(60);
/// How recent a success is to count as one of the present.
const LATELY: Duration = Duration::from_secs(5 * 60);

/// Whom an outcome goes to.
type Waiting = Mutex<HashMap<EventId, mpsc::UnboundedSender<Outcome>>>;

/// The workspaces in use.
#[derive(Debug, Default)]
pub(crate) struct Workspaces {
    running: Mutex<HashMap<Scope, Arc<Running>>>,
    numbers: AtomicU64,
}

/// An engine that runs, and what is known of the workspace.
#[derive(Debug)]
pub(crate) struct Running {
    submissions: Submissions,
    control: Control,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Waiting,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    used: Option<Instant>,
    /// When the token was refused.
    refused: Option<Instant>,
    /// When somebody was last told to fetch the token anew.
    refreshed: Option<Instant>,
    /// When an event was last delivered.
    delivered: Option<Instant>,
}

impl Workspaces {
    /// A number that is not given again: of an event, a request, or a chain of events.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// The engine of a workspace: the one that runs, unless its token has been refused for long enough to be tried again.
    pub(crate) fn get(
        &self,
        scope: Scope,
        start: impl FnOnce() -> Result<(EngineSettings, WorkspaceCalls), intercom_delivery::client::Error>,
    ) -> Result<Arc<Running>, intercom_delivery::client::Error> {
        let mut running = lock(&self.running);
        let now = Instant::now();
        if let Some(known) = running.get(&scope).filter(|known| !known.is_spent(now)) {
            lock(&known.shared.state).used = Some(now);
            return Ok(Arc::clone(known));
        }
        let refreshed = running
            .get(&scope)
            .and_then(|known| lock(&known.shared.state).refreshed);
        // Those that are forgotten end once they have delivered what they have.
        running.retain(|_, known| !known.is_idle(now, IDLE));
        if running.len() >= KEPT {
            running.retain(|_, known| !known.is_idle(now, Duration::ZERO));
        }
        let (settings, transport) = start()?;
        let started = Arc::new(Running::start(settings, transport, refreshed));
        running.insert(scope, Arc::clone(&started));
        Ok(started)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        lock(&self.running).len()
    }
}

impl Running {
    fn start(settings: EngineSettings, transport: WorkspaceCalls, refreshed: Option<Instant>) -> Self {
        let (delivery, submissions, outcomes, control) = Delivery::new(settings, transport);
        let state = State {
            used: Some(Instant::now()),
            refreshed,
            ..State::default()
        };
        let shared = Arc::new(Shared {
            waiting: Waiting::default(),
            state: Mutex::new(state),
        });
        tokio::spawn(delivery.run());
        tokio::spawn(hand_on(outcomes, Arc::clone(&shared)));
        Self {
            submissions,
            control,
            shared,
        }
    }

    pub(crate) fn submissions(&self) -> &Submissions {
        &self.submissions
    }

    /// From now on, the outcome of this event goes there.
    pub(crate) fn expect(&self, event: EventId, outcomes: mpsc::UnboundedSender<Outcome>) {
        lock(&self.shared.waiting).insert(event, outcomes);
    }

    /// Nobody waits for these any more.
    pub(crate) fn forget(&self, events: impl IntoIterator<Item = EventId>) {
        let mut waiting = lock(&self.shared.waiting);
        for event in events {
            waiting.remove(&event);
        }
    }

    /// Whether somebody is to be told to fetch the token anew: at most once a minute.
    pub(crate) fn asks_for_refresh(&self) -> bool {
        let mut state = lock(&self.shared.state);
        let now = Instant::now();
        let is_due = state
            .refreshed
            .is_none_or(|last| now.duration_since(last) >= REFUSED_FOR);
        if is_due {
            state.refreshed = Some(now);
        }
        is_due
    }

    /// Whether others' events go through.
    pub(crate) fn others_go_through(&self) -> bool {
        let delivered = lock(&self.shared.state).delivered;
        delivered.is_some_and(|last| last.elapsed() < LATELY) && self.control.outage().is_none()
    }

    /// Whether another engine is to take its place.
    fn is_spent(&self, now: Instant) -> bool {
        if self.control.status().halted {
            let refused = *lock(&self.shared.state).refused.get_or_insert(now);
            now.duration_since(refused) >= REFUSED_FOR
        } else {
            // It has ended, for whatever reason.
            self.submissions.is_closed()
        }
    }

    fn is_idle(&self, now: Instant, since: Duration) -> bool {
        let used = lock(&self.shared.state).used;
        let is_unused = used.is_none_or(|used| now.duration_since(used) >= since);
        is_unused && lock(&self.shared.waiting).is_empty()
    }
}

/// Hands outcomes on to those who wait for them.
async fn hand_on(mut outcomes: Outcomes, shared: Arc<Shared>) {
    while let Some(outcome) = outcomes.next().await {
        note(&outcome, &mut lock(&shared.state));
        let waiting = lock(&shared.waiting).remove(&outcome.event);
        if let Some(waiting) = waiting {
            // Whoever has gone has been answered, or will not be.
            let _ = waiting.send(outcome);
        }
    }
    // Should the engine have ended before its time, nobody waits in vain.
    lock(&shared.waiting).clear();
}

fn note(outcome: &Outcome, state: &mut State) {
    let now = Instant::now();
    match &outcome.result {
        DeliveryResult::Delivered(delivered) => {
            if delivered.calls > 0 {
                state.delivered = Some(now);
            }
        }
        DeliveryResult::Failed(failed) if failed.code == FailureCode::Unauthorized => {
            if state.refused.is_none() {
                tracing::warn!(
                    code = "token_refused",
                    "Intercom does not accept an access token: its events are tried again until there is another"
                );
                state.refused = Some(now);
            }
        }
        DeliveryResult::Failed(_) | DeliveryResult::Rejected(_) => {}
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in here can be left half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
