//! What operators can see of the gateway, as Prometheus scrapes it.

use crate::trouble::Trouble;
use event_store::QueueStatus;
use intercom_delivery::{Status, Totals, Waiting};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry, Unit};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use strum::IntoEnumIterator as _;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabels {
    outcome: &'static str,
    code: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TroubleLabels {
    trouble: &'static str,
}

type Seconds = Gauge<f64, AtomicU64>;

/// What is counted and measured.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    events: Family<OutcomeLabels, Counter>,
    failures: Family<CodeLabels, Counter>,
    delivered_after: Histogram,
    alerts: Family<OutcomeLabels, Counter>,
    calls: Counter,
    retries: Counter,
    throttled: Counter,
    /// What the engine had counted when it was last looked at. Another engine counts from the start.
    counted: Mutex<Totals>,
    queue_events: Gauge,
    awaiting_events: Gauge,
    queue_bytes: Gauge,
    oldest: Seconds,
    dead_letters: Gauge,
    dead_letter_bytes: Gauge,
    waits: Family<ReasonLabels, Gauge>,
    troubles: Family<TroubleLabels, Gauge>,
    limit: Gauge,
    remaining: Gauge,
    in_engine: Gauge,
    dropped: Counter,
    store_bytes: Gauge,
    disk_free: Gauge,
}

/// What is measured when somebody looks.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) queue: Option<QueueStatus>,
    pub(crate) status: Option<Status>,
    pub(crate) troubles: BTreeSet<Trouble>,
    /// Dead letters dropped so far.
    pub(crate) dropped: u64,
    pub(crate) store_bytes: Option<u64>,
    pub(crate) disk_free: Option<u64>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("rudder_intercom_gateway");
        let to = &mut registry;
        Self {
            requests: counted(to, "requests", "Requests of SDKs by route, and accepted or why not"),
            events: counted(to, "events", "Events by what became of them"),
            failures: counted(to, "failures", "Events rejected, failed or dropped, by code"),
            delivered_after: {
                // From ten milliseconds to eleven hours.
                let after = Histogram::new(exponential_buckets(0.01, 4.0, 12));
                let help = "How long after they were received events were delivered";
                to.register_with_unit("delivered_after", help, Unit::Seconds, after.clone());
                after
            },
            alerts: counted(to, "alerts", "Messages to the webhook for alerts"),
            calls: counted(to, "calls", "Calls made to Intercom"),
            retries: counted(to, "call_retries", "Calls that repeat one that failed"),
            throttled: counted(to, "calls_throttled", "Calls answered 429"),
            queue_events: counted(to, "queue_events", "Events that wait"),
            awaiting_events: counted(
                to,
                "awaiting_events",
                "Events that wait for a contact who is not there yet",
            ),
            queue_bytes: measured(to, Unit::Bytes, "queue", "Length of the events that wait"),
            oldest: measured(
                to,
                Unit::Seconds,
                "oldest_event",
                "How long the oldest event has waited",
            ),
            dead_letters: counted(to, "dead_letters", "Dead letters kept"),
            dead_letter_bytes: measured(to, Unit::Bytes, "dead_letters", "Length of the dead letters"),
            dropped: counted(to, "dead_letters_dropped", "Dead letters that were too many or too old"),
            waits: counted(to, "delivery_waits", "What the delivery waits for: 1, or 0"),
            troubles: counted(to, "trouble", "What is wrong: 1, or 0"),
            limit: counted(to, "rate_limit", "Calls that Intercom allows in a window"),
            remaining: counted(to, "rate_limit_remaining", "Calls left in the window"),
            in_engine: counted(to, "events_under_way", "Events that the engine has"),
            store_bytes: measured(to, Unit::Bytes, "store", "Size of the store's files"),
            disk_free: measured(to, Unit::Bytes, "disk_free", "Room left on the store's disk"),
            counted: Mutex::default(),
            registry,
        }
    }

    /// Adds the metrics to a text. `# EOF` is for whoever ends it.
    pub(crate) fn encode(&self, figures: &Figures, text: &mut String) {
        let number = |value: Option<u64>| i64::try_from(value.unwrap_or_default()).unwrap_or(i64::MAX);
        if let Some(queue) = &figures.queue {
            self.queue_events.set(queue.events);
            self.awaiting_events.set(queue.awaiting);
            self.queue_bytes.set(queue.event_bytes);
            self.oldest
                .set(queue.oldest_age_ms.unwrap_or_default() as f64 / 1_000.0);
            self.dead_letters.set(queue.dead_letters);
            self.dead_letter_bytes.set(queue.dead_letter_bytes);
        }
        let waiting = figures.status.and_then(|status| status.waiting);
        for reason in REASONS {
            let is_so = waiting.is_some_and(|waiting| reason_of(waiting) == reason);
            self.waits.get_or_create(&ReasonLabels { reason }).set(is_so.into());
        }
        for trouble in Trouble::iter() {
            let labels = TroubleLabels {
                trouble: trouble.code(),
            };
            let is_so = figures.troubles.contains(&trouble);
            self.troubles.get_or_create(&labels).set(is_so.into());
        }
        if let Some(status) = &figures.status {
            self.count(&status.totals);
            self.in_engine
                .set(i64::try_from(status.queued + status.active).unwrap_or(i64::MAX));
            if let Some(budget) = status.budget {
                self.limit.set(budget.limit.into());
                self.remaining.set(budget.remaining.into());
            }
        }
        self.dropped.inner().store(figures.dropped, Ordering::Relaxed);
        self.store_bytes.set(number(figures.store_bytes));
        self.disk_free.set(number(figures.disk_free));
        // Writing to a string cannot fail.
        let _ = encode_registry(text, &self.registry);
    }

    /// A request has been answered.
    pub(crate) fn request(&self, route: &'static str, outcome: &'static str) {
        self.requests.get_or_create(&RequestLabels { route, outcome }).inc();
    }

    /// Something has become of so many events.
    pub(crate) fn events(&self, outcome: &'static str, count: usize) {
        if count > 0 {
            self.events
                .get_or_create(&OutcomeLabels { outcome })
                .inc_by(count as u64);
        }
    }

    /// The webhook for alerts has taken a message, or has not.
    pub(crate) fn alert(&self, outcome: &'static str) {
        self.alerts.get_or_create(&OutcomeLabels { outcome }).inc();
    }

    /// An event was rejected or has failed for this reason, or was dropped as a dead letter.
    pub(crate) fn failure(&self, outcome: &'static str, code: &str) {
        self.events(outcome, 1);
        let labels = CodeLabels {
            outcome,
            code: code.to_owned(),
        };
        self.failures.get_or_create(&labels).inc();
    }

    /// An event was delivered so long after it was received.
    pub(crate) fn delivered(&self, after: Duration) {
        self.events("delivered", 1);
        self.delivered_after.observe(after.as_secs_f64());
    }

    /// Adds what the engine has counted since.
    pub(crate) fn count(&self, totals: &Totals) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let since = |now: u64, before: u64| now.checked_sub(before).unwrap_or(now);
        self.calls.inc_by(since(totals.calls, counted.calls));
        self.retries.inc_by(since(totals.retries, counted.retries));
        self.throttled.inc_by(since(totals.throttled, counted.throttled));
        *counted = *totals;
    }
}

/// Registers a metric without a unit.
fn counted<M: Metric + Clone + Default>(to: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    to.register(name, help, metric.clone());
    metric
}

/// Registers a metric with a unit.
fn measured<M: Metric + Clone + Default>(to: &mut Registry, unit: Unit, name: &str, help: &str) -> M {
    let metric = M::default();
    to.register_with_unit(name, help, unit, metric.clone());
    metric
}

const REASONS: [&str; 5] = ["responses", "rate_limit", "throttled", "outage", "backoff"];

/// What the delivery waits for, in a word.
pub(crate) fn reason_of(waiting: Waiting) -> &'static str {
    match waiting {
        Waiting::Responses => "responses",
        Waiting::RateLimit(_) => "rate_limit",
        Waiting::Throttled(_) => "throttled",
        Waiting::Outage(_) => "outage",
        Waiting::Backoff(_) => "backoff",
    }
}

exact_json::debug_shows! { Metrics { .. } }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_written_as_text() {
        let metrics = Metrics::new();
        metrics.request("batch", "accepted");
        metrics.failure("failed", "server_error");
        metrics.delivered(Duration::from_millis(20));
        let mut totals = Totals::default();
        totals.calls = 5;
        metrics.count(&totals);
        totals.calls = 7;
        metrics.count(&totals);
        totals.calls = 1;
        metrics.count(&totals);
        let figures = Figures {
            troubles: [Trouble::TokenRefused].into(),
            ..Figures::default()
        };
        let mut text = String::new();
        metrics.encode(&figures, &mut text);
        for line in [
            "rudder_intercom_gateway_requests_total{route=\"batch\",outcome=\"accepted\"} 1",
            "rudder_intercom_gateway_failures_total{outcome=\"failed\",code=\"server_error\"} 1",
            "rudder_intercom_gateway_events_total{outcome=\"delivered\"} 1",
            "rudder_intercom_gateway_calls_total 8",
            "rudder_intercom_gateway_trouble{trouble=\"token_refused\"} 1",
            "rudder_intercom_gateway_trouble{trouble=\"outage\"} 0",
            "rudder_intercom_gateway_delivered_after_seconds_bucket{le=\"0.04\"} 1",
            "rudder_intercom_gateway_delivery_waits{reason=\"backoff\"} 0",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
