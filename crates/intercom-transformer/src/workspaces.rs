//! The workspaces that events are delivered to from here: an engine for each, for as long as it is used.

use crate::calls::WorkspaceCalls;
use crate::contacts::Scope;
use crate::early::Draft;
use crate::looked_up::LookedUp;
use event_store::{Refusal, Target};
use intercom_delivery::client::{Control, Delivery, Outcomes, Submissions};
use intercom_delivery::{Arrival, ContactKey, DeliveryResult, EngineSettings, EventId, FailureCode, Outcome};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
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
type Waiting = Mutex<HashMap<EventId, Listener>>;

/// Somebody who waits for the outcome of an event.
#[derive(Debug)]
pub(crate) struct Listener {
    outcomes: mpsc::UnboundedSender<Heard>,
    /// The scope of the event.
    scope: Option<u64>,
    /// How it is kept, if it has to wait for its contact.
    draft: Option<Box<Draft>>,
}

impl Listener {
    /// Outcomes go to these, of events of this scope.
    pub(crate) fn new(outcomes: mpsc::UnboundedSender<Heard>, scope: Option<u64>) -> Self {
        Self {
            outcomes,
            scope,
            draft: None,
        }
    }

    /// The same of an event that is kept so, if it has to wait for its contact.
    pub(crate) fn with_draft(mut self, draft: Option<Box<Draft>>) -> Self {
        self.draft = draft;
        self
    }
}

/// What became of an event.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) outcome: Outcome,
    /// Whether it is kept, if it waits for its contact, and was to be kept.
    pub(crate) kept: Option<Result<(), Refusal>>,
}

/// A contact has come that events wait for in the store.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) running: Arc<Running>,
    pub(crate) target: Target,
    pub(crate) arrival: Arrival,
    /// The scope of the event that it has come with.
    pub(crate) scope: Option<u64>,
}

/// Whose contacts are waited for in the store, and whom to tell that one has come.
#[derive(Debug)]
pub(crate) struct Awaiting {
    pub(crate) target: Target,
    /// What these contacts can come under.
    pub(crate) keys: Vec<ContactKey>,
    pub(crate) arrivals: mpsc::UnboundedSender<Arrived>,
}

/// The workspaces in use.
#[derive(Debug, Default)]
pub(crate) struct Workspaces {
    running: Mutex<HashMap<Scope, Arc<Running>>>,
    /// What those have looked up that are forgotten.
    forgotten: Mutex<LookedUp>,
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

    /// The engine of a workspace that runs, unless its token has been refused for long enough to be tried again.
    pub(crate) fn running(&self, scope: Scope) -> Option<Arc<Running>> {
        in_use(&lock(&self.running), scope, Instant::now())
    }

    /// The engine of a workspace: the one that runs, or else a new one.
    pub(crate) fn get(
        &self,
        scope: Scope,
        awaiting: Option<Awaiting>,
        start: impl FnOnce() -> Result<(EngineSettings, WorkspaceCalls), intercom_delivery::client::Error>,
    ) -> Result<Arc<Running>, intercom_delivery::client::Error> {
        let now = Instant::now();
        // Held until it is there: two engines of one workspace would keep no order between them.
        let mut running = lock(&self.running);
        if let Some(running) = in_use(&running, scope, now) {
            return Ok(running);
        }
        let refreshed = running
            .get(&scope)
            .and_then(|known| lock(&known.shared.state).refreshed);
        // Those that are forgotten end once they have delivered what they have.
        let forget = |known: &Running, idle_for| {
            let is_idle = known.is_idle(now, idle_for);
            if is_idle {
                *lock(&self.forgotten) += known.looked_up();
            }
            is_idle
        };
        running.retain(|_, known| !forget(known, IDLE));
        if running.len() >= KEPT {
            running.retain(|_, known| !forget(known, Duration::ZERO));
        }
        let (settings, transport) = start()?;
        let started = Running::start(settings, transport, awaiting, refreshed);
        if let Some(spent) = running.insert(scope, Arc::clone(&started)) {
            *lock(&self.forgotten) += spent.looked_up();
        }
        Ok(started)
    }

    /// What all of them have looked up so far.
    pub(crate) fn looked_up(&self) -> LookedUp {
        let running = lock(&self.running);
        let mut all = *lock(&self.forgotten);
        running.values().for_each(|running| all += running.looked_up());
        all
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        lock(&self.running).len()
    }
}

impl Running {
    fn start(
        settings: EngineSettings,
        transport: WorkspaceCalls,
        awaiting: Option<Awaiting>,
        refreshed: Option<Instant>,
    ) -> Arc<Self> {
        let (mut delivery, submissions, outcomes, control) = Delivery::new(settings, transport);
        let state = State {
            used: Some(Instant::now()),
            refreshed,
            ..State::default()
        };
        let shared = Arc::new(Shared {
            waiting: Waiting::default(),
            state: Mutex::new(state),
        });
        for key in awaiting.iter().flat_map(|awaiting| &awaiting.keys) {
            delivery.await_contact(*key);
        }
        tokio::spawn(delivery.run());
        let running = Arc::new(Self {
            submissions,
            control,
            shared: Arc::clone(&shared),
        });
        tokio::spawn(hand_on(outcomes, shared, Arc::downgrade(&running), awaiting));
        running
    }

    pub(crate) fn submissions(&self) -> &Submissions {
        &self.submissions
    }

    /// From now on, the outcome of this event goes there.
    pub(crate) fn expect(&self, event: EventId, listener: Listener) {
        lock(&self.shared.waiting).insert(event, listener);
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

    fn looked_up(&self) -> LookedUp {
        let totals = self.control.status().totals;
        LookedUp {
            searches: totals.searches,
            people: totals.looked_up,
        }
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
async fn hand_on(mut outcomes: Outcomes, shared: Arc<Shared>, running: Weak<Running>, awaiting: Option<Awaiting>) {
    while let Some(mut outcome) = outcomes.next().await {
        note(&outcome, &mut lock(&shared.state));
        let listener = lock(&shared.waiting).remove(&outcome.event);
        let arrival = outcome.arrival.take();
        let scope = listener.as_ref().and_then(|listener| listener.scope);
        if let Some(listener) = listener {
            hand_to(listener, outcome).await;
        }
        // What waits for the contact by now is in the store, or on its way there, before it is recalled.
        if let (Some(arrival), Some(awaiting), Some(running)) = (arrival, &awaiting, running.upgrade()) {
            // Nobody recalls any more once the service stops.
            let _ = awaiting.arrivals.send(Arrived {
                running,
                target: awaiting.target.clone(),
                arrival,
                scope,
            });
        }
    }
    // Should the engine have ended before its time, nobody waits in vain.
    lock(&shared.waiting).clear();
}

/// Hands an outcome to whoever waits for it; first the event is kept, if it waits for its contact.
async fn hand_to(listener: Listener, outcome: Outcome) {
    let Listener { outcomes, draft, .. } = listener;
    // Whoever has gone has been answered, or will not be.
    match draft.and_then(|draft| draft.event(&outcome)) {
        None => _ = outcomes.send(Heard { outcome, kept: None }),
        Some((store, event)) => {
            let keeping = store.keep(event).await;
            tokio::spawn(async move {
                let kept = Some(keeping.is_written().await);
                _ = outcomes.send(Heard { outcome, kept });
            });
        }
    }
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

/// The engine of a workspace that runs, which is used now, unless its token has been refused for long enough.
fn in_use(running: &HashMap<Scope, Arc<Running>>, scope: Scope, now: Instant) -> Option<Arc<Running>> {
    let known = running.get(&scope).filter(|known| !known.is_spent(now))?;
    lock(&known.shared.state).used = Some(now);
    Some(Arc::clone(known))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in here can be left half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intercom::IntercomClient;
    use crate::settings::Settings;
    use intercom_api::Region;
    use intercom_delivery::client::{AccessToken, Client, Workspace};
    use std::sync::Barrier;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_workspace_has_one_engine_however_many_ask_for_it_at_once() {
        let client = Client::builder().build().unwrap();
        let intercom = Arc::new(IntercomClient::new(client, Settings::default()));
        for round in 0..200 {
            let token = round.to_string();
            let scope = intercom.contacts.scope("https://api.intercom.io", &token, None);
            let together = Arc::new(Barrier::new(4));
            let asking: Vec<_> = (0..4)
                .map(|_| {
                    let (intercom, token, together) = (Arc::clone(&intercom), token.clone(), Arc::clone(&together));
                    tokio::task::spawn_blocking(move || {
                        together.wait();
                        let running = intercom.workspaces.get(scope, None, || {
                            let workspace = Workspace::new(Region::Us, AccessToken::new(&token)?);
                            let calls = WorkspaceCalls::new(intercom.calls.clone(), workspace, Region::Us);
                            Ok((EngineSettings::new(), calls))
                        });
                        running.unwrap()
                    })
                })
                .collect();
            let mut engines = Vec::new();
            for asked in asking {
                engines.push(asked.await.unwrap());
            }
            assert!(
                engines.iter().all(|engine| Arc::ptr_eq(engine, &engines[0])),
                "round {round}"
            );
        }
    }
}
