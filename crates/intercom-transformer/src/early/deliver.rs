//! From the store to Intercom: what waited for a contact that has come, and dead letters that were replayed.

use super::access::KnownAccess;
use super::events::EarlyEvents;
use super::look::Look;
use super::settle::{Converted, convert, note, settle_all};
use crate::engines;
use crate::intercom::IntercomClient;
use crate::workspaces::{Arrived, Listener, Running};
use event_store::{About, Error, Pending, Queue, Settled, Store, Target, TargetId};
use intercom_api::CompanyId;
use intercom_delivery::{ContactKey, EventId, Submission, Terms};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// So many are recalled at a time.
const RECALLED: usize = 64;
/// So many are with the engines at a time, besides those that are recalled.
const WINDOW: usize = 512;
/// How many events are read at a time.
const CHUNK: usize = 256;
/// How long to wait before the store is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// How long it takes at most until it is noticed what another process has put into the queue.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Delivers what is in the store, as long as the service lives and does not stop.
pub(crate) fn watch(intercom: &Arc<IntercomClient>, arrivals: mpsc::UnboundedReceiver<Arrived>) {
    let stopping = intercom.stopping.subscribe();
    tokio::spawn(recall_all(Arc::downgrade(intercom), arrivals));
    tokio::spawn(go_on(Arc::downgrade(intercom), stopping));
}

/// Recalls what waits for contacts that come with requests.
async fn recall_all(intercom: Weak<IntercomClient>, mut arrivals: mpsc::UnboundedReceiver<Arrived>) {
    while let Some(arrived) = arrivals.recv().await {
        let intercom = Weak::clone(&intercom);
        tokio::spawn(async move {
            if let Some(intercom) = intercom.upgrade() {
                recall(&intercom, arrived).await;
            }
        });
    }
}

/// Delivers what waits for a contact that has come, before its later events.
async fn recall(intercom: &IntercomClient, arrived: Arrived) -> Option<()> {
    let early = intercom.early.get()?;
    let Arrived {
        running,
        target,
        arrival,
        scope,
    } = arrived;
    let mut terms = Terms::new();
    (terms.scope, terms.asks_again) = (scope, true);
    let destination = serde_json::from_str(&target.settings).unwrap_or_default();
    while !running.submissions().is_closed() {
        let taking = early.turn.taking().await;
        let recalled = early.store.recall_for(target.clone(), arrival.keys.clone(), RECALLED);
        let Ok(recalled) = recalled.await else {
            drop(taking);
            if early.store.is_written().await.is_err() {
                // It has been closed, and has them.
                break;
            }
            tokio::time::sleep(AGAIN).await;
            continue;
        };
        early.turn.begin(recalled.iter().map(|recalled| recalled.event.seq));
        drop(taking);
        if recalled.is_empty() {
            break;
        }
        let events = recalled
            .into_iter()
            .map(|recalled| (recalled.event, recalled.saved_company));
        let ready = ready(intercom, &destination, events.collect(), |_| terms).await;
        let (send, outcomes) = mpsc::unbounded_channel();
        for submission in &ready.submissions {
            running.expect(submission.event, Listener::new(send.clone(), scope));
        }
        drop(send);
        let events = ready
            .submissions
            .iter()
            .map(|submission| submission.event)
            .collect::<Vec<_>>();
        if !ready.submissions.is_empty() && !running.submissions().recall(arrival.id, ready.submissions) {
            running.forget(events);
        }
        settle_all(
            &early.store,
            &early.turn,
            &intercom.metrics,
            &running,
            ready.events,
            outcomes,
        )
        .await;
    }
    running.submissions().all_recalled(arrival.id);
    Some(())
}

/// Events of the store as they are handed in.
struct Ready {
    submissions: Vec<Submission>,
    events: HashMap<EventId, (i64, About)>,
}

/// Converts events; those that are not to be delivered are settled.
async fn ready(
    intercom: &IntercomClient,
    destination: &rudderstack_to_intercom::Destination,
    events: Vec<(Pending, Option<CompanyId>)>,
    mut terms: impl FnMut(&Submission) -> Terms,
) -> Ready {
    let (mut settled, mut ready) = (
        Vec::new(),
        Ready {
            submissions: Vec::new(),
            events: HashMap::new(),
        },
    );
    for (pending, saved_company) in events {
        let event = EventId(intercom.workspaces.number());
        match convert(event, &pending, destination) {
            Converted::Settled(settlement) => settled.push(Settled::new(pending.seq, settlement)),
            Converted::Ready(mut submission, about) => {
                submission.saved_company = saved_company;
                submission.terms = terms(&submission);
                ready.events.insert(event, (pending.seq, about));
                ready.submissions.push(*submission);
            }
        }
    }
    if let Some(early) = intercom.early.get() {
        note(&early.store, &early.turn, settled).await;
    }
    ready
}

/// Delivers what is in the queue, and looks for contacts, time and again.
async fn go_on(intercom: Weak<IntercomClient>, mut stopping: watch::Receiver<bool>) {
    let mut reader = None;
    let mut look = Look::default();
    loop {
        let Some(pause) = intercom.upgrade().and_then(|intercom| {
            let early = intercom.early.get()?;
            Some(LOOK_AGAIN.min(early.first_look / 4).max(Duration::from_millis(10)))
        }) else {
            return;
        };
        tokio::select! {
            stops = stopping.wait_for(|stops| *stops) => { drop(stops); return },
            () = tokio::time::sleep(pause) => {}
        }
        let Some(intercom) = intercom.upgrade() else { return };
        let Some(early) = intercom.early.get() else { return };
        match round(&intercom, early, reader.take(), &mut look).await {
            Ok(queue) => reader = Some(queue),
            Err(Error::Closed) => return,
            Err(error) => tracing::warn!(code = error.code(), "what waits for its contact cannot be read"),
        }
    }
}

/// What there is to do for a target.
struct Found {
    id: TargetId,
    access: KnownAccess,
    pending: Vec<(Pending, Option<CompanyId>)>,
    due: Vec<Pending>,
}

async fn round(
    intercom: &Arc<IntercomClient>,
    early: &EarlyEvents,
    reader: Option<Queue>,
    look: &mut Look,
) -> Result<Queue, Error> {
    let reader = match reader {
        Some(reader) => reader,
        None => early.store.queue()?,
    };
    let taking = early.turn.taking().await;
    let room = WINDOW.saturating_sub(early.turn.under_way());
    let not_now = early.turn.not_now();
    let settings = intercom.settings.clone();
    let (reader, targets) = read(&early.store, reader, |reader| {
        let status = reader.status()?;
        match (status.events, status.awaiting) {
            (0, 0) => Ok(Vec::new()),
            _ => reader.targets(),
        }
    })
    .await?;
    let known: Vec<(TargetId, Target, KnownAccess)> = targets
        .into_iter()
        .filter_map(|(id, target)| {
            let access = early.access(&target, &settings.own_token, settings.api_version)?;
            Some((id, target, access))
        })
        .collect();
    if known.is_empty() {
        return Ok(reader);
    }
    let looks: HashSet<TargetId> = known.iter().map(|(id, ..)| *id).filter(|id| look.may(*id)).collect();
    let (reader, found) = read(&early.store, reader, move |reader| {
        let mut room = room;
        let mut found = Vec::with_capacity(known.len());
        for (id, _, access) in known {
            let pending = pending(reader, id, &not_now, room)?;
            room -= pending.len();
            let due = match looks.contains(&id) {
                true => reader.due(id, CHUNK)?,
                false => Vec::new(),
            };
            found.push(Found {
                id,
                access,
                pending,
                due,
            });
        }
        Ok(found)
    })
    .await?;
    let all = found.iter().flat_map(|found| &found.pending);
    early.turn.begin(all.map(|(pending, _)| pending.seq));
    drop(taking);
    for Found {
        id,
        access,
        pending,
        due,
    } in found
    {
        if !pending.is_empty() {
            hand_in(intercom, early, &access, pending).await;
        }
        if !due.is_empty() {
            look.look(intercom, early, id, &access, due).await;
        }
    }
    Ok(reader)
}

async fn read<T: Send + 'static>(
    store: &Store,
    reader: Queue,
    act: impl FnOnce(&Queue) -> Result<T, Error> + Send + 'static,
) -> Result<(Queue, T), Error> {
    store.beside(move || act(&reader).map(|found| (reader, found))).await?
}

/// Up to `limit` events of the queue of a target that can go now.
fn pending(
    reader: &Queue,
    target: TargetId,
    not_now: &HashSet<i64>,
    limit: usize,
) -> Result<Vec<(Pending, Option<CompanyId>)>, Error> {
    let mut found = Vec::new();
    let mut last = 0;
    while found.len() < limit {
        let page = reader.pending_of(target, last, CHUNK)?;
        let Some(latest) = page.last() else { break };
        last = latest.seq;
        found.extend(page.into_iter().filter(|pending| !not_now.contains(&pending.seq)));
    }
    found.truncate(limit);
    let mut saved: BTreeMap<i64, CompanyId> = match found.is_empty() {
        true => BTreeMap::new(),
        false => reader.saved_companies()?,
    };
    let with_company = |pending: Pending| {
        let company = saved.remove(&pending.seq);
        (pending, company)
    };
    Ok(found.into_iter().map(with_company).collect())
}

/// Hands events of the queue to the engine of their workspace.
async fn hand_in(
    intercom: &Arc<IntercomClient>,
    early: &EarlyEvents,
    access: &KnownAccess,
    pending: Vec<(Pending, Option<CompanyId>)>,
) {
    let scope = Some(intercom.workspaces.number());
    let mut chains: HashMap<Option<ContactKey>, u64> = HashMap::new();
    let terms = |submission: &Submission| {
        let mut terms = Terms::new();
        let whose = ContactKey::of_plan(&submission.plan).first().copied();
        // Whoever was not there may have been found since.
        terms.asks_again = true;
        let chain = chains.entry(whose).or_insert_with(|| intercom.workspaces.number());
        (terms.scope, terms.chain) = (scope, whose.map(|_| *chain));
        terms
    };
    let seqs: Vec<i64> = pending.iter().map(|(pending, _)| pending.seq).collect();
    let running = match engines::running(intercom, access.as_ref()).await {
        Ok(running) => running,
        Err(error) => {
            tracing::warn!(
                code = error.code(),
                "what has waited for its contact cannot be delivered"
            );
            return seqs.into_iter().for_each(|seq| early.turn.rest(seq));
        }
    };
    let ready = ready(intercom, &access.destination, pending, terms).await;
    let (send, outcomes) = mpsc::unbounded_channel();
    submit(&running, ready.submissions, &send, scope).await;
    drop(send);
    let (intercom, events) = (Arc::clone(intercom), ready.events);
    tokio::spawn(async move {
        if let Some(early) = intercom.early.get() {
            settle_all(&early.store, &early.turn, &intercom.metrics, &running, events, outcomes).await;
        }
    });
}

async fn submit(
    running: &Running,
    submissions: Vec<Submission>,
    outcomes: &mpsc::UnboundedSender<crate::workspaces::Heard>,
    scope: Option<u64>,
) {
    for submission in submissions {
        let event = submission.event;
        running.expect(event, Listener::new(outcomes.clone(), scope));
        if running.submissions().submit(submission).await.is_err() {
            // It goes on later, with another token perhaps.
            running.forget([event]);
        }
    }
}
