//! Runs a delivery from its input to its last outcome.

use super::abort::AbortRule;
use super::dead_letters::DeadLetters;
use super::prepare::{Prepared, Preparer, Ready};
use super::progress::Progress;
use super::records::Records;
use super::summary::Summary;
use super::tracker::Tracker;
use crate::check::{Moments, SAME_SECOND};
use crate::convert::now;
use crate::exit::Error;
use crate::input::Opened;
use crate::interrupt::Interrupt;
use crate::{exit, interrupt, pipeline};
use crossbeam_channel::bounded;
use intercom_delivery::client::{Control, Delivery, Submissions, Transport};
use intercom_delivery::journal::{Done, Earlier, Journal, JournalError};
use intercom_delivery::{EngineSettings, EventId, FailureCode, Submission};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What is to be delivered, and how.
#[derive(Debug)]
pub(crate) struct Job<T> {
    /// The events.
    pub(crate) input: Opened,
    /// How long a record of the input may be.
    pub(crate) limit: usize,
    /// Makes them ready.
    pub(crate) preparer: Preparer,
    /// How the engine works.
    pub(crate) engine: EngineSettings,
    /// Where calls go.
    pub(crate) transport: T,
    /// The record of what is done.
    pub(crate) journal: Option<Journal>,
    /// Where events go that failed.
    pub(crate) dead_letters: Option<DeadLetters>,
    /// The delivery is aborted when more than so many percent of the events have failed for one reason.
    pub(crate) abort_above: u8,
    /// Whether dead letters are sent as they are, whatever later events have written since.
    pub(crate) replay_as_new: bool,
    /// Who listens already to whether the program is to end; otherwise, the delivery does.
    pub(crate) interrupt: Option<Interrupt>,
}

impl<T> Job<T> {
    /// A delivery without journal and dead letters.
    pub(crate) fn new(input: Opened, limit: usize, preparer: Preparer, engine: EngineSettings, transport: T) -> Self {
        Self {
            input,
            limit,
            preparer,
            engine,
            transport,
            journal: None,
            dead_letters: None,
            abort_above: 100,
            replay_as_new: false,
            interrupt: None,
        }
    }
}

/// What came of a delivery.
#[derive(Debug)]
pub(crate) struct Delivered {
    /// What became of the events that were read.
    pub(crate) summary: Summary,
    /// How it ended.
    pub(crate) end: End,
    /// How many items of the input were left out because dead letters were asked for, and they are not.
    pub(crate) no_dead_letters: u64,
    /// Whether that holds for all of them.
    pub(crate) nothing_asked_for: bool,
}

/// How a delivery ended.
#[derive(Debug)]
pub(crate) enum End {
    /// Every event of the input has its outcome.
    Complete,
    /// The user stopped it.
    Interrupted,
    /// Nearly everything failed for this reason.
    Aborted(FailureCode),
    /// Intercom does not accept the access token.
    Unauthorized,
    /// Intercom cannot be reached, for this reason.
    Unreachable(String),
    /// The journal is of another input, as the event in this line shows.
    OtherInput(u64),
    /// It could not go on.
    Failed(Error),
}

/// Delivers the events of an input. What is in flight when it has to stop is finished.
///
/// # Errors
///
/// If it cannot begin.
pub(crate) fn deliver<T: Transport>(runtime: &Runtime, job: Job<T>) -> Result<Delivered, JournalError> {
    let earlier = job
        .journal
        .as_ref()
        .map(Journal::earlier)
        .transpose()?
        .unwrap_or_default();
    let tracker = Arc::new(Tracker::new(Summary::after(earlier.calls)));
    let progress = Arc::new(Progress::new(job.input.position));

    let mut engine = job.engine;
    // Whoever keeps nothing needs neither what was about to be done, nor what was written by what.
    engine.notes_intents = job.journal.is_some() || job.dead_letters.is_some();
    let (mut delivery, submissions, outcomes, control) = Delivery::new(engine, job.transport);
    if let Some(journal) = &job.journal {
        journal.learnt(now(), |contact| delivery.remember_contact(contact))?;
    }
    let records = Records::new(job.journal, job.dead_letters, AbortRule::new(job.abort_above))?;
    let running = runtime.spawn(delivery.run());
    let (interrupted, interrupts) = bounded(1);
    let (is_read, read) = watch::channel(false);
    // A thread of its own, because it waits for the disk.
    let following = {
        let (handle, tracker) = (runtime.handle().clone(), Arc::clone(&tracker));
        let (control, interrupted) = (control.clone(), interrupted.clone());
        let stop = move || {
            control.stop();
            // Wakes whoever waits for more input.
            let _ = interrupted.try_send(());
        };
        let submissions = submissions.clone();
        thread::spawn(move || handle.block_on(tracker.follow(outcomes, submissions, records, read, stop)))
    };
    let is_over = Arc::new(AtomicBool::new(false));
    let listening = listen(
        runtime,
        job.interrupt,
        control.clone(),
        (interrupted, Arc::clone(&progress), Arc::clone(&is_over)),
    );
    let telling = runtime.spawn(watch_reach(control.clone(), Arc::clone(&progress)));
    let showing = {
        let (progress, tracker, control) = (Arc::clone(&progress), Arc::clone(&tracker), control.clone());
        runtime.spawn(async move { progress.show(tracker, control).await })
    };

    let mut intake = Intake {
        next: 0,
        earlier,
        replay_as_new: job.replay_as_new,
        tracker: Arc::clone(&tracker),
        submissions,
        no_dead_letters: 0,
        other_input: None,
        moments: Moments::default(),
    };
    let result = pipeline::run(job.input.reader, job.limit, job.preparer, Some(&interrupts), |events| {
        Ok(runtime.block_on(intake.take(events)))
    });
    let other_input = intake.other_input.take();
    let no_dead_letters = intake.no_dead_letters;
    let nothing_asked_for = no_dead_letters > 0 && no_dead_letters == intake.next;
    // The way in closes, so the delivery ends once it has done what it has.
    drop(intake);
    is_read.send_replace(true);
    let status = runtime.block_on(running);
    let ended = match &status {
        Ok(status) if status.halted => Some(FailureCode::Unauthorized),
        Ok(status) if !status.closed && matches!(result, Ok(pipeline::End::Complete)) => None,
        _ => Some(FailureCode::Stopped),
    };
    let recorded = following
        .join()
        .map(|followed| followed.and_then(|records| tracker.finish(records, ended)));
    showing.abort();
    telling.abort();
    if let Some(listening) = listening {
        listening.abort();
    }
    is_over.store(true, Ordering::Relaxed);
    progress.clear();

    let unreachable = control.unreachable().map(|error| exit::with_causes(&*error));
    let end = match (recorded, status, result) {
        (Ok(Err(error)), ..) => End::Failed(Error::Record(Box::new(error))),
        (Err(_), ..) | (_, Err(_), _) => End::Failed(Error::Pipeline(pipeline::Error::Worker)),
        (_, Ok(status), _) if status.halted => End::Unauthorized,
        _ if unreachable.is_some() => End::Unreachable(unreachable.unwrap_or_default()),
        (Ok(Ok(Some(code))), ..) => End::Aborted(code),
        (.., Err(error)) => End::Failed(error.into()),
        (_, _, Ok(_)) if other_input.is_some() => End::OtherInput(other_input.unwrap_or_default()),
        (_, _, Ok(pipeline::End::Complete)) if !control.status().closed => End::Complete,
        _ => End::Interrupted,
    };
    let summary = tracker.take_summary();
    Ok(Delivered {
        summary,
        end,
        no_dead_letters,
        nothing_asked_for,
    })
}

/// Stops the delivery when the program is asked to end. Gives the task that waits for that, if somebody else listens.
fn listen(
    runtime: &Runtime,
    interrupt: Option<Interrupt>,
    control: Control,
    (interrupted, progress, is_over): (crossbeam_channel::Sender<()>, Arc<Progress>, Arc<AtomicBool>),
) -> Option<JoinHandle<()>> {
    let Some(interrupt) = interrupt else {
        // Where nobody can listen, the system ends the program, and the journal has what was done by then.
        let _ = interrupt::listen(reaction(control, progress, interrupted, is_over));
        return None;
    };
    Some(runtime.spawn(async move {
        interrupt.asked().await;
        control.stop();
        let _ = interrupted.try_send(());
    }))
}

/// Stops the delivery at the first Ctrl-C, gives up what is in flight at the second, and everything at the third, or as
/// soon as nothing but printing is left to do.
fn reaction(
    control: Control,
    progress: Arc<Progress>,
    interrupted: crossbeam_channel::Sender<()>,
    is_over: Arc<AtomicBool>,
) -> impl FnMut(u32) + Send + 'static {
    move |count| {
        let _ = interrupted.try_send(());
        match count {
            _ if is_over.load(Ordering::Relaxed) => interrupt::exit(),
            1 => {
                control.stop();
                let progress = Arc::clone(&progress);
                // Whoever reads standard error may not read it now.
                thread::spawn(move || progress.println("finishing what is in flight; Ctrl-C again to give it up"));
            }
            2 => control.abort(),
            _ => interrupt::exit(),
        }
    }
}

/// Says when an outage begins and when it ends, be there a terminal or not, and gives up where no patience helps.
async fn watch_reach(mut control: Control, progress: Arc<Progress>) {
    let mut known = false;
    while control.reach_changed().await {
        if control.unreachable().is_some() {
            control.abort();
            return;
        }
        match control.outage() {
            Some(outage) if !known => progress.println(&format!(
                "cannot reach Intercom at {}: {}; trying again every few seconds, Ctrl-C to stop",
                outage.host, outage.cause
            )),
            None if known => progress.println("Intercom can be reached again"),
            Some(_) | None => {}
        }
        known = control.outage().is_some();
    }
}

/// Hands events over to the delivery, in order.
struct Intake {
    next: u64,
    earlier: Earlier,
    replay_as_new: bool,
    tracker: Arc<Tracker>,
    submissions: Submissions,
    no_dead_letters: u64,
    /// The line of the event that shows that the journal is of another input.
    other_input: Option<u64>,
    /// What has happened when, as far as Intercom keeps one event of a name, user and second.
    moments: Moments,
}

impl Intake {
    async fn take(&mut self, events: &mut Vec<Prepared>) -> ControlFlow<()> {
        for prepared in events.drain(..) {
            let event = self.next;
            self.next += 1;
            match prepared {
                Prepared::LeftOut => {}
                Prepared::NoDeadLetter => self.no_dead_letters += 1,
                Prepared::Skipped { kind } => self.tracker.update(|summary| summary.skipped(kind)),
                Prepared::Rejected {
                    code,
                    line,
                    kind,
                    warnings,
                } => self.tracker.update(|summary| {
                    summary.rejected(kind, code, line);
                    warnings.into_iter().for_each(|code| summary.warned(code, line));
                }),
                Prepared::Ready(ready) => self.hand_over(event, *ready).await?,
            }
        }
        ControlFlow::Continue(())
    }

    async fn hand_over(&mut self, event: u64, mut ready: Ready) -> ControlFlow<()> {
        let is_lost = ready.moment.is_some_and(|moment| self.moments.is_taken(moment));
        match self.earlier.get(event, ready.fingerprint) {
            Ok(None) => {}
            Ok(Some((done, code))) => {
                self.tracker.update(|summary| {
                    summary.earlier += 1;
                    match done {
                        Done::Delivered => summary.delivered(ready.kind),
                        Done::Rejected => summary.rejected(ready.kind, code, ready.line),
                        Done::Failed => summary.failed(ready.kind, code, ready.line, || None),
                    }
                });
                return ControlFlow::Continue(());
            }
            Err(_) => {
                self.other_input = Some(ready.line);
                return ControlFlow::Break(());
            }
        }
        let same_second = is_lost.then_some(SAME_SECOND);
        for code in std::mem::take(&mut ready.warnings).into_iter().chain(same_second) {
            self.tracker.update(|summary| summary.warned(code, ready.line));
        }
        if let Some(superseded) = self.earlier.superseded.remove(&event) {
            ready.superseded.merge(superseded);
        }
        self.tracker.begin(event, &mut ready).await;
        let mut submission = Submission::new(EventId(event), ready.plan, ready.identities);
        submission.begun_with = self.earlier.intents.remove(&event);
        submission.saved_company = self.earlier.saved_companies.remove(&event);
        if !self.replay_as_new {
            submission.supersede(&ready.superseded);
        }
        match self.submissions.submit(submission).await {
            Ok(()) => ControlFlow::Continue(()),
            // The tracker still has it, and keeps it for later.
            Err(_) => ControlFlow::Break(()),
        }
    }
}
