//! The thread that writes.

use super::accepted::{Accepted, Refusal};
use super::awaiting::{self, Recalled};
use super::counters::Counters;
use super::dead_letter::json;
use super::dropping::drop_oldest;
use super::early::EarlyEvent;
use super::guard::{Condition, Guard};
use super::history::{self, NewStep, OpenBlock, Run, StepKind, Trace};
use super::intents;
use super::seen::Seen;
use super::settled::{Settled, Settlement, Undelivered};
use super::target::{self, Target, TargetId};
use super::totals::{self, Totals};
use super::undelivered;
use crate::clock::now;
use crate::error::Error;
use crate::event::{CompleteEvent, MessageKey};
use crate::settings::{Awaiting, Bounds, StoreSettings};
use intercom_delivery::journal::learnt;
use intercom_delivery::{ContactKey, DeliveryWarning};
use rudderstack_events::EventType;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{Notify, mpsc, oneshot, watch};

/// How many bytes of events one transaction takes in. More would only make the first of them wait longer.
const TRANSACTION_BYTES: usize = 8 << 20;
/// How many events may be settled in one transaction.
const TRANSACTION_SETTLED: usize = 8_192;
/// How long to wait before it is tried again to note what became of events.
const PAUSE: Duration = Duration::from_secs(1);
/// How often it is looked for dead letters that are too old, if nothing else is written.
const TIDY: Duration = Duration::from_secs(60);

/// Which events are put back.
#[derive(Debug)]
pub(super) struct Recall {
    pub(super) target: Option<Target>,
    pub(super) keys: Vec<ContactKey>,
    pub(super) limit: usize,
    pub(super) reply: oneshot::Sender<Vec<Recalled>>,
}

type Reply = oneshot::Sender<Result<Accepted, Refusal>>;

#[derive(Debug)]
pub(super) enum Command {
    /// Events, each with its trace, if it is kept.
    Accept(Vec<CompleteEvent>, Vec<Trace>, Reply),
    Settle(Vec<Settled>),
    Keep(Box<EarlyEvent>, oneshot::Sender<Result<(), Refusal>>),
    Looked(TargetId, Vec<ContactKey>),
    Recall(Recall),
    /// To look how the store is.
    Look,
    Close(oneshot::Sender<()>),
}

pub(super) struct Writer {
    connection: Connection,
    seen: Seen,
    settings: StoreSettings,
    /// What could not be noted yet.
    unsettled: Vec<Settled>,
    /// Keeps other gateways out until everything is written.
    lock: File,
    guard: Guard,
    condition: watch::Sender<Condition>,
    /// How many dead letters have been dropped, and when that was last said.
    dropped: Arc<AtomicU64>,
    given_up: Arc<AtomicU64>,
    warned_of_dropped: Option<Instant>,
    /// When dead letters were last looked at.
    tidied: Instant,
    /// Where the traces of events are added.
    block: Option<OpenBlock>,
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        settings: StoreSettings,
        lock: File,
        guard: Guard,
        condition: watch::Sender<Condition>,
        [dropped, given_up]: [Arc<AtomicU64>; 2],
    ) -> Result<Self, Error> {
        Ok(Self {
            seen: Seen::load(&connection, settings.repeats, now())?,
            block: history::open_block(&connection)?,
            connection,
            settings,
            unsettled: Vec::new(),
            lock,
            guard,
            condition,
            dropped,
            given_up,
            warned_of_dropped: None,
            tidied: Instant::now(),
        })
    }

    pub(super) fn run(mut self, mut commands: mpsc::Receiver<Command>, changed: &Notify) {
        let mut closing = None;
        while closing.is_none() {
            let first = match commands.try_recv() {
                Ok(command) => Some(command),
                Err(TryRecvError::Empty) if self.unsettled.is_empty() => commands.blocking_recv(),
                Err(TryRecvError::Empty) => {
                    // Nobody need come by for what could not be noted to be noted.
                    self.commit(Group::default());
                    continue;
                }
                Err(TryRecvError::Disconnected) => None,
            };
            let Some(first) = first else { break };
            let mut group = Group::default();
            let mut next = Some(first);
            while let Some(command) = next {
                match command {
                    Command::Accept(events, traces, reply) => group.accept(events, traces, reply),
                    Command::Settle(settled) => group.settled.extend(settled),
                    Command::Keep(event, reply) => group.keeps.push((*event, reply)),
                    Command::Looked(target, keys) => group.looked.push((target, keys)),
                    Command::Recall(recall) => group.recalls.push(recall),
                    Command::Look => {}
                    Command::Close(done) => {
                        closing = Some(done);
                        commands.close();
                    }
                }
                next = if group.is_full() {
                    None
                } else {
                    commands.try_recv().ok()
                };
            }
            if self.commit(group) {
                changed.notify_one();
            }
        }
        // What comes after the wish to close is turned away: its reply is dropped.
        drop(commands);
        if !self.unsettled.is_empty() {
            self.commit(Group::default());
        }
        // Leaves one tidy file behind; nothing is lost without.
        let _ = self
            .connection
            .pragma_query(None, "wal_checkpoint(TRUNCATE)", |_| Ok(()));
        drop(self.connection);
        drop(self.lock);
        if let Some(done) = closing {
            let _ = done.send(());
        }
    }

    /// Writes a group in one transaction and answers; says whether events were stored.
    fn commit(&mut self, mut group: Group) -> bool {
        group.settled.splice(0..0, self.unsettled.drain(..));
        let found = match *self.condition.borrow() {
            Condition::StoreCorrupt => Condition::StoreCorrupt,
            _ => self.guard.look(),
        };
        if found != Condition::Sound {
            self.fail(group, found, None);
            return false;
        }
        let has_tidied = self.tidied.elapsed() < TIDY;
        if group.is_empty() && has_tidied && *self.condition.borrow() == Condition::Sound {
            return false;
        }
        self.tidied = Instant::now();
        let now = now();
        let mut fresh = Vec::new();
        match transact(
            &mut self.connection,
            &mut self.seen,
            &self.settings,
            &group,
            &mut fresh,
            self.block.as_ref(),
            now,
        ) {
            Ok(Written {
                answers,
                recalled,
                seen,
                dropped,
                given_up,
                block,
            }) => {
                self.block = block;
                self.tell_of_dropped(dropped);
                self.given_up.fetch_add(given_up as u64, Ordering::Relaxed);
                let has_stored = !fresh.is_empty() || answers.iter().flatten().any(|accepted| accepted.stored > 0);
                self.seen.saved(seen, fresh, now);
                self.become_so(Condition::Sound, None);
                for (reply, answer) in group.replies.into_iter().zip(answers) {
                    // Nobody may be waiting any more: the sender has hung up, and will send again.
                    let _ = reply.send(answer);
                }
                for (_, reply) in group.keeps {
                    // As above.
                    let _ = reply.send(Ok(()));
                }
                for (Recall { reply, .. }, recalled) in group.recalls.into_iter().zip(recalled) {
                    let _ = reply.send(recalled);
                }
                has_stored
            }
            Err(error) => {
                self.seen.undo(&fresh);
                self.fail(group, Condition::of(&error), Some(&error));
                false
            }
        }
    }

    /// Turns a group away; what became of events is kept for later.
    fn fail(&mut self, group: Group, condition: Condition, error: Option<&rusqlite::Error>) {
        self.become_so(condition, error);
        for reply in group.replies {
            let _ = reply.send(Err(condition.into()));
        }
        for (_, reply) in group.keeps {
            let _ = reply.send(Err(condition.into()));
        }
        self.unsettled = group.settled;
        thread::sleep(PAUSE);
    }

    /// Counts dead letters that were dropped, and says so, once an hour.
    fn tell_of_dropped(&mut self, count: usize) {
        self.dropped.fetch_add(count as u64, Ordering::Relaxed);
        let is_known = self
            .warned_of_dropped
            .is_some_and(|warned| warned.elapsed() < Duration::from_secs(3_600));
        if count > 0 && !is_known {
            self.warned_of_dropped = Some(Instant::now());
            tracing::warn!(
                code = "dead_letters_dropped",
                "dead letters are too many or too old: the oldest are dropped"
            );
        }
    }

    /// Says so, if the store is in another condition than before.
    fn become_so(&mut self, condition: Condition, error: Option<&rusqlite::Error>) {
        let has_changed = self
            .condition
            .send_if_modified(|known| std::mem::replace(known, condition) != condition);
        if !has_changed {
            return;
        }
        let (code, meaning, what) = (
            condition.code(),
            condition.meaning(),
            self.settings.keeper.when_not_sound(),
        );
        match (condition, error) {
            (Condition::Sound, _) => tracing::warn!(code, "{meaning} again"),
            (_, Some(error)) => tracing::error!(code, %error, "{meaning}; {what}"),
            (_, None) => tracing::error!(code, "{meaning}; {what}"),
        }
    }
}

/// What is written in one transaction.
#[derive(Default)]
struct Group {
    requests: Vec<(Vec<CompleteEvent>, Vec<Trace>)>,
    replies: Vec<Reply>,
    bytes: usize,
    settled: Vec<Settled>,
    keeps: Vec<(EarlyEvent, oneshot::Sender<Result<(), Refusal>>)>,
    looked: Vec<(TargetId, Vec<ContactKey>)>,
    recalls: Vec<Recall>,
}

impl Group {
    fn accept(&mut self, events: Vec<CompleteEvent>, traces: Vec<Trace>, reply: Reply) {
        self.bytes += events.iter().map(|event| event.json.len()).sum::<usize>();
        self.requests.push((events, traces));
        self.replies.push(reply);
    }

    fn is_empty(&self) -> bool {
        let has_events = !(self.requests.is_empty() && self.settled.is_empty() && self.keeps.is_empty());
        !has_events && self.recalls.is_empty() && self.looked.is_empty()
    }

    fn is_full(&self) -> bool {
        self.bytes >= TRANSACTION_BYTES || self.settled.len() + self.keeps.len() >= TRANSACTION_SETTLED
    }
}

/// What was written in one transaction.
struct Written {
    answers: Vec<Result<Accepted, Refusal>>,
    recalled: Vec<Vec<Recalled>>,
    seen: i64,
    dropped: usize,
    given_up: usize,
    block: Option<OpenBlock>,
}

fn transact(
    connection: &mut Connection,
    seen: &mut Seen,
    settings: &StoreSettings,
    group: &Group,
    fresh: &mut Vec<MessageKey>,
    block: Option<&OpenBlock>,
    now: i64,
) -> rusqlite::Result<Written> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut totals = Totals::load(&transaction)?;
    let mut counters = Counters::default();
    let keeps_history = settings.history.events > 0;
    for settled in &group.settled {
        settle(
            &transaction,
            settled,
            &settings.awaiting,
            &mut totals,
            &mut counters,
            keeps_history,
            now,
        )?;
    }
    for (early, _) in &group.keeps {
        if seen.insert(early.event.key) {
            fresh.push(early.event.key);
            let (seq, target) = (totals.next_seq, target::number(&transaction, &early.target)?);
            totals.next_seq += 1;
            totals.put_in(&transaction, seq, early.at, &early.event.json, Some(target))?;
            awaiting::keep(&transaction, seq, &early.awaited, &settings.awaiting, &mut totals, now)?;
            counters.minute.received += 1;
        } else {
            counters.minute.repeated += 1;
        }
    }
    for (target, keys) in &group.looked {
        awaiting::looked(&transaction, *target, keys, &settings.awaiting, now)?;
    }
    let mut recalled = Vec::with_capacity(group.recalls.len());
    for Recall {
        target, keys, limit, ..
    } in &group.recalls
    {
        let target = target.as_ref().map(|target| target::number(&transaction, target));
        recalled.push(awaiting::recall(
            &transaction,
            target.transpose()?,
            keys,
            *limit,
            &mut totals,
        )?);
    }
    let mut given_up = awaiting::give_up(&transaction, &settings.awaiting, &mut totals, now)?;
    for settled in &mut given_up {
        settled.how.notes.push((&DeliveryWarning::MemberNotFound).into());
        settle(
            &transaction,
            settled,
            &settings.awaiting,
            &mut totals,
            &mut counters,
            keeps_history,
            now,
        )?;
    }
    let dropped = drop_oldest(&transaction, &mut totals, &mut counters, &settings.dead_letters, now)?;
    let bounds = settings.bounds;
    let is_late = is_too_far_behind(&transaction, bounds, now)?;
    let mut answers = Vec::with_capacity(group.requests.len());
    let mut run = Run::new(totals.next_seq, now);
    for (events, traces) in &group.requests {
        if let Some(refusal) = refusal(&totals, bounds, events, is_late) {
            answers.push(Err(refusal));
            continue;
        }
        let mut accepted = Accepted::default();
        for (at, event) in events.iter().enumerate() {
            if !seen.insert(event.key) {
                accepted.repeated += 1;
                continue;
            }
            fresh.push(event.key);
            totals.put_in(&transaction, totals.next_seq, now, &event.json, None)?;
            totals.next_seq += 1;
            if let Some(trace) = traces.get(at) {
                run.add(trace);
            }
            accepted.stored += 1;
        }
        counters.minute.received += i64::try_from(accepted.stored).unwrap_or(i64::MAX);
        counters.minute.repeated += i64::try_from(accepted.repeated).unwrap_or(i64::MAX);
        answers.push(Ok(accepted));
    }
    let block = keep_history(&transaction, settings, block, &run, &mut totals, now)?;
    counters.save(&transaction, now)?;
    totals.save(&transaction)?;
    let seen = seen.save(&transaction, fresh, now)?;
    transaction.commit()?;
    Ok(Written {
        answers,
        recalled,
        seen,
        dropped,
        given_up: given_up.len(),
        block,
    })
}

/// Keeps what came in, and forgets what is too old. Gives the block that is still added to.
fn keep_history(
    transaction: &Transaction<'_>,
    settings: &StoreSettings,
    block: Option<&OpenBlock>,
    run: &Run<'_>,
    totals: &mut Totals,
    now: i64,
) -> rusqlite::Result<Option<OpenBlock>> {
    let block = match run.count() {
        0 => block.cloned(),
        _ => history::append(transaction, block, run, totals)?,
    };
    let left = history::prune(transaction, &settings.history, totals, now)?;
    Ok(block.filter(|block| left.is_none_or(|left| block.is_from(left))))
}

fn is_too_far_behind(transaction: &Transaction<'_>, bounds: Bounds, now: i64) -> rusqlite::Result<bool> {
    let Some(age) = bounds.age else { return Ok(false) };
    let oldest = totals::oldest(transaction)?;
    Ok(oldest.is_some_and(|oldest| u128::from(now.abs_diff(oldest)) > age.as_millis() && now > oldest))
}

fn refusal(totals: &Totals, bounds: Bounds, events: &[CompleteEvent], is_late: bool) -> Option<Refusal> {
    let bytes: usize = events.iter().map(|event| event.json.len()).sum();
    let sum = |stored: i64, more: usize| stored.unsigned_abs().saturating_add(more as u64);
    if sum(totals.events, events.len()) > bounds.events {
        Some(Refusal::TooManyEvents)
    } else if sum(totals.event_bytes, bytes) > bounds.bytes {
        Some(Refusal::TooManyBytes)
    } else {
        is_late.then_some(Refusal::TooFarBehind)
    }
}

fn settle(
    transaction: &Transaction<'_>,
    settled: &Settled,
    waits: &Awaiting,
    totals: &mut Totals,
    counters: &mut Counters,
    keeps_history: bool,
    now: i64,
) -> rusqlite::Result<()> {
    if let Some(contact) = &settled.learnt {
        learnt::keep(transaction, contact, now)?;
    }
    if let Some(contact) = &settled.begun_with {
        intents::begin(transaction, settled.seq, contact)?;
    }
    let event = history::origin(transaction, settled.seq)?;
    let note = |step: Option<NewStep<'_>>| match step.filter(|_| keeps_history) {
        Some(step) => history::note(transaction, event, now, &step),
        None => Ok(()),
    };
    note(settled.attempt.as_deref().map(NewStep::attempt))?;
    let failure = match &settled.settlement {
        Settlement::GoesOn => return Ok(()),
        Settlement::Awaits(awaited) => {
            note(Some(NewStep::of(StepKind::Awaits)))?;
            return awaiting::keep(transaction, settled.seq, awaited, waits, totals, now);
        }
        Settlement::Rejected(undelivered) => Some(("rejected", undelivered)),
        Settlement::Failed(undelivered) => Some(("failed", undelivered)),
        Settlement::Delivered | Settlement::Skipped | Settlement::Dismissed(_) => None,
    };
    if let Some((kind, undelivered)) = failure {
        let Undelivered { failure, about } = &**undelivered;
        let mut detail = failure.clone();
        detail.event = None;
        detail.code.clear();
        let died = transaction
            .prepare_cached(
                "INSERT INTO dead_letters
                     (at, received_at, kind, code, event_type, user_id, message_id, detail, event, body, target)
                 SELECT ?, at, ?, ?, ?, ?, ?, ?, ?, body, target FROM events WHERE seq = ?",
            )?
            .execute(params![
                now,
                kind,
                failure.code,
                about.event_type.map(EventType::as_str),
                about.user_id,
                about.message_id,
                json(&detail)?,
                event,
                settled.seq
            ])?;
        if let Some(submission) = settled.submission.as_deref().filter(|_| died > 0) {
            undelivered::died(transaction, settled.seq, transaction.last_insert_rowid(), submission)?;
        }
    } else {
        undelivered::delivered(transaction, settled.seq, settled.submission.as_deref())?;
    }
    transaction
        .prepare_cached("DELETE FROM intents WHERE seq = ?")?
        .execute([settled.seq])?;
    awaiting::forget(transaction, settled.seq)?;
    let Some(bytes) = totals.take_out(transaction, settled.seq)? else {
        // It has been settled before.
        return Ok(());
    };
    history::ended(transaction, settled.seq, event)?;
    note(NewStep::of_settlement(&settled.settlement, &settled.how))?;
    match &settled.settlement {
        Settlement::Delivered => counters.minute.delivered += 1,
        Settlement::Skipped => counters.minute.skipped += 1,
        Settlement::Dismissed(code) => counters.reject(code),
        Settlement::Rejected(undelivered) => counters.reject(&undelivered.failure.code),
        Settlement::Failed(undelivered) => counters.fail(&undelivered.failure.code),
        Settlement::GoesOn | Settlement::Awaits(_) => {}
    }
    if failure.is_some() {
        totals.dead += 1;
        totals.dead_bytes += bytes;
    }
    Ok(())
}
