//! The events of a request that calls must be made for, and what is told of each.

use crate::metrics::{EventKind, EventOutcome, Metrics};
use crate::protocol::{Authorization, Elements, Failure, Metadata, status};
use intercom_api::UnixSeconds;
use rudderstack_events::Event;
use rudderstack_to_intercom::{Destination, Identities, Plan};
use std::sync::Arc;

/// An event that calls must be made for.
#[derive(Debug)]
pub(crate) struct Job<'r> {
    /// Its place in the request.
    pub(crate) event: usize,
    pub(crate) kind: EventKind,
    /// The event itself.
    pub(crate) message: &'r Event<'r>,
    pub(crate) plan: Arc<Plan>,
    pub(crate) identities: Identities,
    /// When it was converted: one that has no time of its own has this one.
    pub(crate) converted_at: UnixSeconds,
    pub(crate) destination: Destination,
    pub(crate) authorization: Authorization,
    /// Whether the token is the program's own, rather than one that came with the event.
    pub(crate) is_own_token: bool,
    pub(crate) surroundings: Surroundings<'r>,
}

/// What is echoed with an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surroundings<'r> {
    pub(crate) raw: &'r str,
    pub(crate) read: &'r Metadata<'r>,
    pub(crate) destination: Option<&'r str>,
}

/// Writes the element of an event that failed, and says what became of it.
pub(crate) fn fail(
    event: usize,
    failure: &Failure,
    surroundings: &Surroundings<'_>,
    elements: &mut Elements,
) -> EventOutcome {
    let Surroundings { raw, read, destination } = surroundings;
    elements.failed(event, failure, raw, read, *destination);
    match failure.status {
        status::FILTERED => EventOutcome::Filtered,
        _ if failure.is_retryable() => EventOutcome::Retried,
        _ => EventOutcome::Aborted,
    }
}

/// Counts events, so that the metrics are touched once a request.
#[derive(Debug, Default)]
pub(crate) struct Tally(Vec<((EventKind, EventOutcome), u64)>);

impl Tally {
    pub(crate) fn count(&mut self, kind: EventKind, outcome: EventOutcome) {
        let key = (kind, outcome);
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some((_, count)) => *count += 1,
            None => self.0.push((key, 1)),
        }
    }

    pub(crate) fn report(&self, metrics: &Metrics) {
        for ((kind, outcome), count) in &self.0 {
            metrics.events(*kind, *outcome, *count);
        }
    }
}
