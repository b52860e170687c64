//! Whether Intercom can be reached at all.
//!
//! When calls fail one after the other and none is answered, whoever they are for, it is Intercom or the way to it that
//! is down: an outage. Then single calls are made as probes, at most one a second, until one is answered. What fails in
//! an outage is not the event's fault, so that it uses up none of the event's attempts.

use super::backoff::Backoff;
use super::settings::EngineSettings;
use super::time::Time;
use std::collections::BTreeSet;
use std::time::Duration;

/// So many calls in a row that did not even reach Intercom make an outage, whoever they were for.
const UNREACHABLE: u32 = 3;
/// So many calls in a row that failed in another way do, if they were for so many events, over so long a time: the calls
/// of a single event may fail because of the event.
const FAILURES: u32 = 10;
const EVENTS: usize = 3;
const FAILING_FOR: Duration = Duration::from_secs(1);
/// The least time between two probes, and what is added to it at most.
const BETWEEN_PROBES: Duration = Duration::from_secs(1);
const JITTER: Duration = Duration::from_secs(1);
/// A probe that has had no response for so long does not keep the next one waiting: it may have been sent into the void.
const UNANSWERED_PROBE: Duration = Duration::from_secs(3);
/// How long an event waits whose call has failed in an outage: the next probe is somebody else's, if there is somebody.
pub(super) const PAUSE: Duration = Duration::from_millis(2_500);

/// Failures in a row.
#[derive(Debug)]
struct Row {
    since: Time,
    failures: u32,
    unreachable: u32,
    /// The jobs whose calls failed: not more of them than matter.
    jobs: BTreeSet<u64>,
}

#[derive(Debug)]
pub(super) struct Health {
    row: Option<Row>,
    outage: Option<Outage>,
    patience: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Outage {
    since: Time,
    /// When the next probe may be made.
    probe: Time,
}

impl Health {
    pub(super) fn new(settings: &EngineSettings) -> Self {
        Self {
            row: None,
            outage: None,
            patience: settings.outage_patience,
        }
    }

    /// Since when nothing has been answered, if there is an outage.
    pub(super) fn down_since(&self) -> Option<Time> {
        self.outage.map(|outage| outage.since)
    }

    /// When the next probe may be made, if there is an outage.
    pub(super) fn next_probe(&self) -> Option<Time> {
        self.outage.map(|outage| outage.probe)
    }

    /// The moment from which a call may be made.
    pub(super) fn ready_at(&self) -> Time {
        self.next_probe().unwrap_or_default()
    }

    /// Whether a call that fails now counts as an attempt of its event.
    pub(super) fn counts_attempts(&self, now: Time) -> bool {
        self.outage.is_none_or(|outage| now.since(outage.since) > self.patience)
    }

    /// A call is made.
    pub(super) fn sent(&mut self, now: Time) {
        if let Some(outage) = &mut self.outage {
            outage.probe = now.after(UNANSWERED_PROBE);
        }
    }

    /// A call of this job has failed in passing. Says whether that makes it an outage.
    pub(super) fn failed(&mut self, job: u64, is_unreachable: bool, now: Time, backoff: &mut Backoff) -> bool {
        let next = now.after(BETWEEN_PROBES).after(backoff.jitter(JITTER));
        if let Some(outage) = &mut self.outage {
            outage.probe = outage.probe.min(next);
            return false;
        }
        let row = self.row.get_or_insert(Row {
            since: now,
            failures: 0,
            unreachable: 0,
            jobs: BTreeSet::new(),
        });
        row.failures = row.failures.saturating_add(1);
        row.unreachable = row.unreachable.saturating_add(u32::from(is_unreachable));
        if row.jobs.len() < EVENTS {
            row.jobs.insert(job);
        }
        let fails_whatever_is_asked =
            row.failures >= FAILURES && row.jobs.len() >= EVENTS && now.since(row.since) >= FAILING_FOR;
        if row.unreachable < UNREACHABLE && !fails_whatever_is_asked {
            return false;
        }
        self.outage = Some(Outage {
            since: row.since,
            probe: next,
        });
        true
    }

    /// A call has been answered.
    pub(super) fn answered(&mut self) {
        self.row = None;
        self.outage = None;
    }
}
