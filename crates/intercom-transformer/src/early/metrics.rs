//! What operators can see of events that wait for their contact.

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};
use std::fmt::{self, Write as _};
use std::time::Duration;
use strum::IntoStaticStr;

/// What becomes of an event that has waited in the store for its contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(super) enum Early {
    Delivered,
    /// It is in the store as a dead letter.
    Failed,
    /// What went wrong passes.
    TriedAgain,
    /// Its contact is not there after all.
    WaitsAgain,
}

impl EncodeLabelValue for Early {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        encoder.write_str((*self).into())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EarlyLabels {
    result: Early,
}

/// What is in the store of events that wait for their contact.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InStore {
    pub(crate) awaiting: i64,
    pub(crate) oldest: Duration,
    pub(crate) queued: i64,
    pub(crate) dead_letters: i64,
    pub(crate) given_up: u64,
    pub(crate) is_sound: bool,
}

impl Default for InStore {
    /// Nothing.
    fn default() -> Self {
        Self {
            awaiting: 0,
            oldest: Duration::ZERO,
            queued: 0,
            dead_letters: 0,
            given_up: 0,
            is_sound: true,
        }
    }
}

/// The metrics of the store. Without one, there is nothing in it.
#[derive(Debug, Default)]
pub(crate) struct StoreMetrics {
    events: Family<EarlyLabels, Counter>,
    searches: Counter,
    people: Counter,
    awaiting: Gauge,
    oldest: Gauge,
    queued: Gauge,
    dead_letters: Gauge,
    given_up: Counter,
    sound: Gauge,
}

impl StoreMetrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        let gauges = [
            (
                "awaiting_events",
                "Events that wait in the store for their contact",
                &self.awaiting,
            ),
            (
                "queued_events",
                "Events of the store that are being delivered: their contact has come, or they were replayed",
                &self.queued,
            ),
            (
                "dead_letters",
                "Events of the store that could not be delivered",
                &self.dead_letters,
            ),
            (
                "store_sound",
                "Whether the store can be written, if there is one",
                &self.sound,
            ),
        ];
        for (name, help, gauge) in gauges {
            registry.register(name, help, gauge.clone());
        }
        registry.register(
            "awaited_events",
            "Events that have waited in the store for their contact, by what became of them when it was there",
            self.events.clone(),
        );
        registry.register(
            "awaited_contact_searches",
            "Searches for contacts that events wait for",
            self.searches.clone(),
        );
        registry.register(
            "awaited_contacts_looked_for",
            "People that these searches were for",
            self.people.clone(),
        );
        registry.register_with_unit(
            "oldest_awaiting_event",
            "How long the oldest of the events has waited that wait for their contact",
            Unit::Seconds,
            self.oldest.clone(),
        );
        registry.register(
            "awaited_events_given_up",
            "Events that were given up because they had waited for their contact for too long, or were too many",
            self.given_up.clone(),
        );
    }

    /// An event has waited for its contact, and this became of it.
    pub(super) fn event(&self, result: Early) {
        self.events.get_or_create(&EarlyLabels { result }).inc();
    }

    /// So many people are looked for by one search.
    pub(super) fn looked_for(&self, people: usize) {
        self.searches.inc();
        self.people.inc_by(people as u64);
    }

    pub(crate) fn set(&self, found: InStore) {
        self.awaiting.set(found.awaiting);
        self.queued.set(found.queued);
        self.dead_letters.set(found.dead_letters);
        self.sound.set(found.is_sound.into());
        self.oldest
            .set(i64::try_from(found.oldest.as_secs()).unwrap_or(i64::MAX));
        self.given_up.inc_by(found.given_up.saturating_sub(self.given_up.get()));
    }
}
