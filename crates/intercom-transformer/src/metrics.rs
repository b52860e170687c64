//! What operators can see, as Prometheus scrapes it.

use crate::early::{InStore, StoreMetrics};
use crate::looked_up::LookedUp;
use intercom_api::{OperationId, RateLimit, Region};
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::fmt::{self, Write as _};
use std::time::Duration;
use strum::IntoStaticStr;

/// The content type of [`Metrics::encode`].
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Adds metrics to a text.
pub(crate) type Others = dyn Fn(&mut String) + Send + Sync;

/// A label value that is one of the names of an enum.
macro_rules! label_values {
    ($($name:ty)*) => {$(
        impl EncodeLabelValue for $name {
            fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
                encoder.write_str((*self).into())
            }
        }
    )*};
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Endpoint {
    RouterTransform,
    Proxy,
    Processor,
    DeleteUsers,
    Features,
    Health,
    BuildVersion,
    Metrics,
    Unknown,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum EventOutcome {
    /// A request was returned for delivery.
    Returned,
    /// Everything was done here.
    Handled,
    /// It was delivered here.
    Delivered,
    /// It is not for Intercom.
    Filtered,
    /// It can never be sent.
    Aborted,
    /// It is to be sent again.
    Retried,
}

/// What kind of event it was, or `delivery` for one that came to the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum EventKind {
    Identify,
    Track,
    Page,
    Screen,
    Group,
    Alias,
    Record,
    Other,
    Delivery,
    Deletion,
}

impl From<Option<rudderstack_events::EventType>> for EventKind {
    fn from(kind: Option<rudderstack_events::EventType>) -> Self {
        use rudderstack_events::EventType;
        match kind {
            Some(EventType::Identify) => Self::Identify,
            Some(EventType::Track) => Self::Track,
            Some(EventType::Page) => Self::Page,
            Some(EventType::Screen) => Self::Screen,
            Some(EventType::Group) => Self::Group,
            Some(EventType::Alias) => Self::Alias,
            Some(EventType::Record) => Self::Record,
            None => Self::Other,
        }
    }
}

/// What the memory of contacts said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Memory {
    Hit,
    Miss,
}

label_values! { Endpoint EventOutcome EventKind Memory }

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    endpoint: Endpoint,
    status: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndpointLabels {
    endpoint: Endpoint,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EventLabels {
    r#type: EventKind,
    outcome: EventOutcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobLabels {
    result: &'static str,
    /// Why, if it was not simply delivered.
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    operation: &'static str,
    /// The HTTP status, or why there was none.
    status: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    operation: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct MemoryLabels {
    result: Memory,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RegionLabels {
    region: &'static str,
}

/// What is told when the metrics are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Present {
    /// Whether requests are taken.
    pub(crate) is_ready: bool,
    /// How many contact ids are remembered.
    pub(crate) remembered: usize,
    /// How many workspaces are delivered to.
    pub(crate) workspaces: usize,
    pub(crate) looked_up: LookedUp,
    pub(crate) in_store: InStore,
}

/// The metrics of the service.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_seconds: Family<EndpointLabels, Histogram>,
    requests_in_progress: Gauge,
    events: Family<EventLabels, Counter>,
    jobs: Family<JobLabels, Counter>,
    token_refreshes: Counter,
    workspaces: Gauge,
    searches: Counter,
    people: Counter,
    ready: Gauge,
    pub(crate) store: StoreMetrics,
    calls: Family<CallLabels, Counter>,
    call_seconds: Family<OperationLabels, Histogram>,
    calls_in_progress: Gauge,
    rate_limit: Family<RegionLabels, Gauge>,
    rate_limit_remaining: Family<RegionLabels, Gauge>,
    memory: Family<MemoryLabels, Counter>,
    remembered: Gauge,
    connections: Gauge,
    resident: Gauge,
}

fn seconds() -> Histogram {
    Histogram::new([
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
    ])
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("rudder_intercom"),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(seconds),
            requests_in_progress: Gauge::default(),
            events: Family::default(),
            jobs: Family::default(),
            token_refreshes: Counter::default(),
            workspaces: Gauge::default(),
            searches: Counter::default(),
            people: Counter::default(),
            ready: Gauge::default(),
            store: StoreMetrics::default(),
            calls: Family::default(),
            call_seconds: Family::new_with_constructor(seconds),
            calls_in_progress: Gauge::default(),
            rate_limit: Family::default(),
            rate_limit_remaining: Family::default(),
            memory: Family::default(),
            remembered: Gauge::default(),
            connections: Gauge::default(),
            resident: Gauge::default(),
        };
        metrics.register_single();
        let registry = &mut metrics.registry;
        registry.register("http_requests", "HTTP requests answered", metrics.requests.clone());
        registry.register_with_unit(
            "http_request",
            "How long answering took",
            Unit::Seconds,
            metrics.request_seconds.clone(),
        );
        registry.register(
            "events",
            "Events by type and what became of them",
            metrics.events.clone(),
        );
        registry.register(
            "jobs",
            "Events carried out here: delivered, to be tried again, or ended, and why",
            metrics.jobs.clone(),
        );
        metrics.store.register(registry);
        registry.register(
            "calls",
            "Calls to Intercom by operation and status",
            metrics.calls.clone(),
        );
        registry.register_with_unit(
            "call",
            "How long calls to Intercom took",
            Unit::Seconds,
            metrics.call_seconds.clone(),
        );
        registry.register(
            "rate_limit",
            "Calls that Intercom allows in a window, as it last said",
            metrics.rate_limit.clone(),
        );
        registry.register(
            "rate_limit_remaining",
            "Calls that are left in the window, as Intercom last said",
            metrics.rate_limit_remaining.clone(),
        );
        registry.register(
            "contact_lookups",
            "Contacts looked up, by whether they were remembered",
            metrics.memory.clone(),
        );
        registry.register_with_unit(
            "resident_memory",
            "Memory of the process that is in RAM",
            Unit::Bytes,
            metrics.resident.clone(),
        );
        metrics
    }

    /// Registers those that have no labels.
    fn register_single(&mut self) {
        for (name, help, gauge) in [
            (
                "http_requests_in_progress",
                "HTTP requests with a body that are being answered",
                &self.requests_in_progress,
            ),
            ("connections", "Open connections", &self.connections),
            (
                "workspaces",
                "Workspaces that are delivered to from here",
                &self.workspaces,
            ),
            (
                "ready",
                "Whether requests are taken: not once a stop has begun",
                &self.ready,
            ),
            (
                "calls_in_progress",
                "Calls to Intercom on their way",
                &self.calls_in_progress,
            ),
            ("remembered_contacts", "Contact ids remembered", &self.remembered),
        ] {
            self.registry.register(name, help, gauge.clone());
        }
        for (name, help, counter) in [
            (
                "token_refreshes",
                "How often rudder-server was told to fetch an access token anew",
                &self.token_refreshes,
            ),
            (
                "contact_searches",
                "Searches for the contacts of events that are delivered from here",
                &self.searches,
            ),
            (
                "contacts_looked_for",
                "People that these searches were for",
                &self.people,
            ),
        ] {
            self.registry.register(name, help, counter.clone());
        }
    }

    /// All metrics as text, and those of others behind them.
    pub(crate) fn encode(&self, present: Present, others: Option<&Others>) -> String {
        self.remembered
            .set(i64::try_from(present.remembered).unwrap_or(i64::MAX));
        self.workspaces
            .set(i64::try_from(present.workspaces).unwrap_or(i64::MAX));
        self.ready.set(present.is_ready.into());
        self.store.set(present.in_store);
        for (counter, count) in [
            (&self.searches, present.looked_up.searches),
            (&self.people, present.looked_up.people),
        ] {
            counter.inc_by(count.saturating_sub(counter.get()));
        }
        if let Some(bytes) = resident_bytes() {
            self.resident.set(bytes);
        }
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode_registry(&mut text, &self.registry);
        if let Some(others) = others {
            others(&mut text);
        }
        let _ = encode_eof(&mut text);
        text
    }

    pub(crate) fn request(&self, endpoint: Endpoint, status: u16, took: Duration) {
        self.requests.get_or_create(&RequestLabels { endpoint, status }).inc();
        self.request_seconds
            .get_or_create(&EndpointLabels { endpoint })
            .observe(took.as_secs_f64());
    }

    pub(crate) fn events(&self, kind: EventKind, outcome: EventOutcome, count: u64) {
        let labels = EventLabels { r#type: kind, outcome };
        self.events.get_or_create(&labels).inc_by(count);
    }

    /// What became of an event that was carried out here.
    pub(crate) fn job(&self, result: &'static str, code: &'static str) {
        self.jobs.get_or_create(&JobLabels { result, code }).inc();
    }

    pub(crate) fn token_refresh(&self) {
        self.token_refreshes.inc();
    }

    pub(crate) fn call(&self, operation: OperationId, status: impl fmt::Display, took: Duration) {
        let operation = operation.as_str();
        let labels = CallLabels {
            operation,
            status: status.to_string(),
        };
        self.calls.get_or_create(&labels).inc();
        self.call_seconds
            .get_or_create(&OperationLabels { operation })
            .observe(took.as_secs_f64());
    }

    pub(crate) fn rate_limit(&self, region: Region, limit: &RateLimit) {
        let labels = RegionLabels { region: region.into() };
        self.rate_limit.get_or_create(&labels).set(limit.limit.into());
        self.rate_limit_remaining
            .get_or_create(&labels)
            .set(limit.remaining.into());
    }

    pub(crate) fn memory(&self, result: Memory) {
        self.memory.get_or_create(&MemoryLabels { result }).inc();
    }

    pub(crate) fn request_in_progress(&self) -> InProgress {
        InProgress::new(&self.requests_in_progress)
    }

    pub(crate) fn call_in_progress(&self) -> InProgress {
        InProgress::new(&self.calls_in_progress)
    }

    pub(crate) fn connection(&self) -> InProgress {
        InProgress::new(&self.connections)
    }
}

exact_json::debug_shows! { Metrics { .. } }

/// Counts something for as long as it lives, also when what it belongs to is dropped half way.
#[derive(Debug)]
pub(crate) struct InProgress(Gauge);

impl InProgress {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// The memory of this process that is in RAM; known on Linux only.
fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_written_as_text() {
        let metrics = Metrics::new();
        metrics.events(EventKind::Track, EventOutcome::Returned, 3);
        metrics.call(OperationId::SearchContacts, 200, Duration::from_millis(3));
        metrics.call(OperationId::SearchContacts, "timeout", Duration::from_secs(3));
        metrics.request(Endpoint::RouterTransform, 200, Duration::from_millis(1));
        let in_progress = metrics.call_in_progress();
        let present = Present {
            remembered: 7,
            looked_up: LookedUp { searches: 2, people: 9 },
            ..Present::default()
        };
        let text = metrics.encode(present, None);
        for line in [
            "rudder_intercom_events_total{type=\"track\",outcome=\"returned\"} 3",
            "rudder_intercom_calls_total{operation=\"search_contacts\",status=\"timeout\"} 1",
            "rudder_intercom_http_requests_total{endpoint=\"router_transform\",status=\"200\"} 1",
            "rudder_intercom_calls_in_progress 1",
            "rudder_intercom_remembered_contacts 7",
            "rudder_intercom_contacts_looked_for_total 9",
            "rudder_intercom_ready 0",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        drop(in_progress);
        assert!(
            metrics
                .encode(present, None)
                .contains("rudder_intercom_calls_in_progress 0")
        );
    }
}
