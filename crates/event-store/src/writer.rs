//! The thread that writes.

use super::accepted::Refusal;
use super::early::EarlyEvent;
use super::group::{Group, Recall, Reply};
use super::guard::{Condition, Guard};
use super::history::{self, OpenBlock};
use super::seen::Seen;
use super::settled::Settled;
use super::target::TargetId;
use super::transaction::{Written, transact};
use crate::clock::Moment;
use crate::error::Error;
use crate::event::CompleteEvent;
use crate::settings::StoreSettings;
use intercom_delivery::ContactKey;
use rusqlite::Connection;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{Notify, mpsc, oneshot, watch};

/// How long to wait before it is tried again to note what became of events.
const PAUSE: Duration = Duration::from_secs(1);
/// How often it is looked for what is too old, if nothing else is written.
const TIDY: Duration = Duration::from_secs(60);
/// How often it is looked for that while other things are written: each look costs several statements.
const TIDY_WHEN_BUSY: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) enum Command {
    Accept(Vec<CompleteEvent>, Reply),
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
    /// When it was last looked for what is too old, in Unix milliseconds.
    tidied: Option<i64>,
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
            seen: Seen::load(&connection, settings.repeats, settings.clock.now())?,
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
            tidied: None,
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
            closing = self.take(first, &mut commands, changed);
        }
        self.end(commands, closing);
    }

    /// Writes a command together with those behind it. Says whom to tell that it is closed, if that was one of them.
    pub(super) fn take(
        &mut self,
        first: Command,
        commands: &mut mpsc::Receiver<Command>,
        changed: &Notify,
    ) -> Option<oneshot::Sender<()>> {
        let mut closing = None;
        let mut group = Group::default();
        let mut next = Some(first);
        while let Some(command) = next {
            match command {
                Command::Accept(events, reply) => group.accept(events, reply),
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
        closing
    }

    /// Leaves the store to others.
    pub(super) fn end(mut self, commands: mpsc::Receiver<Command>, closing: Option<oneshot::Sender<()>>) {
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
        let now = self.settings.clock.now();
        let has_tidied = |lately: Duration| {
            self.tidied
                .is_some_and(|tidied| u128::from(now.abs_diff(tidied)) < lately.as_millis())
        };
        if group.is_empty() && has_tidied(TIDY) && *self.condition.borrow() == Condition::Sound {
            return false;
        }
        let moment = Moment {
            now,
            tidies: !has_tidied(TIDY_WHEN_BUSY),
        };
        let mut fresh = Vec::new();
        match transact(
            &mut self.connection,
            &mut self.seen,
            &self.settings,
            &group,
            &mut fresh,
            self.block.as_ref(),
            moment,
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
                if moment.tidies {
                    self.tidied = Some(now);
                }
                self.tell_of_dropped(dropped);
                self.given_up.fetch_add(given_up as u64, Ordering::Relaxed);
                let has_stored = !fresh.is_empty() || answers.iter().flatten().any(|accepted| accepted.stored > 0);
                self.seen.saved(seen, fresh, now);
                if *self.condition.borrow() != Condition::DiskFull || self.guard.has_room() {
                    self.become_so(Condition::Sound, None);
                }
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
                self.guard.had_no_room_for(group.bytes);
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
