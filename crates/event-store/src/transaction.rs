//! One transaction of the writer.

use super::accepted::{Accepted, Refusal};
use super::awaiting::{self, Recalled};
use super::counters::Counters;
use super::dead_letter::json;
use super::dropping::drop_oldest;
use super::group::{Group, Recall};
use super::history::{self, NewStep, OpenBlock, Run, StepKind};
use super::intents;
use super::seen::Seen;
use super::settled::{Settled, Settlement, Undelivered};
use super::target;
use super::totals::{self, Totals};
use super::undelivered;
use crate::clock::Moment;
use crate::event::{CompleteEvent, MessageKey};
use crate::settings::{Bounds, StoreSettings};
use crate::statements::Statements as _;
use intercom_delivery::DeliveryWarning;
use intercom_delivery::journal::learnt;
use rudderstack_events::EventType;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

/// What was written in one transaction.
pub(super) struct Written {
    pub(super) answers: Vec<Result<Accepted, Refusal>>,
    pub(super) recalled: Vec<Vec<Recalled>>,
    pub(super) seen: i64,
    pub(super) dropped: usize,
    pub(super) given_up: usize,
    pub(super) block: Option<OpenBlock>,
}

/// Writes a group.
pub(super) fn transact(
    connection: &mut Connection,
    seen: &mut Seen,
    settings: &StoreSettings,
    group: &Group,
    fresh: &mut Vec<MessageKey>,
    block: Option<&OpenBlock>,
    moment: Moment,
) -> rusqlite::Result<Written> {
    let now = moment.now;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut totals = Totals::load(&transaction)?;
    let mut counters = Counters::default();
    for settled in &group.settled {
        settle(&transaction, settled, settings, &mut totals, &mut counters, now)?;
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
            now,
        )?);
    }
    let mut given_up = awaiting::give_up(&transaction, &settings.awaiting, &mut totals, now)?;
    for settled in &mut given_up {
        settled.how.notes.push((&DeliveryWarning::MemberNotFound).into());
        settle(&transaction, settled, settings, &mut totals, &mut counters, now)?;
    }
    let dropped = drop_oldest(&transaction, &mut totals, &mut counters, &settings.dead_letters, moment)?;
    let bounds = settings.bounds;
    let is_late = is_too_far_behind(&transaction, bounds, now)?;
    let mut answers = Vec::with_capacity(group.requests.len());
    let mut run = Run::new(totals.next_seq, now);
    for events in &group.requests {
        if let Some(refusal) = refusal(&totals, bounds, events, is_late) {
            answers.push(Err(refusal));
            continue;
        }
        let mut accepted = Accepted::default();
        for event in events {
            if !seen.insert(event.key) {
                accepted.repeated += 1;
                continue;
            }
            fresh.push(event.key);
            totals.put_in(&transaction, totals.next_seq, now, &event.json, None)?;
            totals.next_seq += 1;
            if let Some(trace) = &event.trace {
                run.add(trace);
            }
            accepted.stored += 1;
        }
        counters.minute.received += i64::try_from(accepted.stored).unwrap_or(i64::MAX);
        counters.minute.repeated += i64::try_from(accepted.repeated).unwrap_or(i64::MAX);
        answers.push(Ok(accepted));
    }
    let block = keep_history(&transaction, settings, block, &run, &mut totals, moment)?;
    counters.save(&transaction, moment)?;
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
    moment: Moment,
) -> rusqlite::Result<Option<OpenBlock>> {
    let block = match run.count() {
        0 => block.cloned(),
        _ => history::append(transaction, block, run, totals)?,
    };
    let left = history::prune(transaction, &settings.history, totals, moment)?;
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
    settings: &StoreSettings,
    totals: &mut Totals,
    counters: &mut Counters,
    now: i64,
) -> rusqlite::Result<()> {
    if let Some(contact) = &settled.learnt {
        learnt::keep(transaction, contact, now)?;
    }
    if let Some(contact) = &settled.begun_with {
        intents::begin(transaction, settled.seq, contact)?;
    }
    let event = history::origin(transaction, settled.seq)?;
    let keeps_history = settings.history.events > 0;
    let note = |step: Option<NewStep<'_>>| match step.filter(|_| keeps_history) {
        Some(step) => history::note(transaction, event, now, &step),
        None => Ok(()),
    };
    note(settled.attempt.as_deref().map(NewStep::attempt))?;
    let failure = match &settled.settlement {
        Settlement::GoesOn => return Ok(()),
        Settlement::Awaits(awaited) => {
            note(Some(NewStep::of(StepKind::Awaits)))?;
            return awaiting::keep(transaction, settled.seq, awaited, &settings.awaiting, totals, now);
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
        transaction.run(
            "INSERT INTO dead_letters
                     (at, received_at, kind, code, event_type, user_id, message_id, detail, event, body, target)
                 SELECT ?, at, ?, ?, ?, ?, ?, ?, ?, body, target FROM events WHERE seq = ?",
            params![
                now,
                kind,
                failure.code,
                about.event_type.map(EventType::as_str),
                about.user_id,
                about.message_id,
                json(&detail)?,
                event,
                settled.seq
            ],
        )?;
        if let Some(submission) = settled.submission.as_deref().filter(|_| transaction.changes() > 0) {
            undelivered::died(transaction, settled.seq, transaction.last_insert_rowid(), submission)?;
        }
    } else {
        undelivered::delivered(transaction, settled.seq, settled.submission.as_deref())?;
    }
    transaction.run("DELETE FROM intents WHERE seq = ?", [settled.seq])?;
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
