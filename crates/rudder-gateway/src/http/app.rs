//! What the handlers share.

use super::memory::Memory;
use crate::monitor::Monitor;
use crate::settings::Settings;
use chrono::Utc;
use event_store::Error;
use event_store::{Queue, Store};
use rudderstack_events::request::Arrival;
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

/// How many bytes of requests, and of the events that are made of them, are held in memory at a time.
const MEMORY: usize = 64 << 20;
/// How many long bodies are decompressed and taken apart at a time: half of what the machine can do, so that the other half
/// is for short ones.
fn long_bodies() -> usize {
    std::thread::available_parallelism().map_or(2, |cores| (cores.get() / 2).max(2))
}

/// How many times as long as the longest request its events may become, each with the context of the batch.
const MAX_GROWTH: usize = 8;
/// How much is decompressed at a time.
pub(super) const STEP: usize = 64 << 10;

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct App {
    pub(super) settings: Arc<Settings>,
    pub(super) store: Store,
    pub(super) monitor: Monitor,
    /// For the page; the delivery has a connection of its own.
    pub(super) queue: Mutex<Queue>,
    /// How much memory is left for requests.
    pub(super) memory: Memory,
    pub(super) long_bodies: Arc<Semaphore>,
}

impl App {
    pub(crate) fn new(settings: Arc<Settings>, store: Store, monitor: Monitor) -> Result<Arc<Self>, Error> {
        // So that the largest request fits in, as it comes and as events.
        let largest = settings.max_request_bytes.saturating_add(STEP);
        let largest = largest
            .saturating_mul(MAX_GROWTH + 2)
            .saturating_add(settings.max_event_bytes);
        Ok(Arc::new(Self {
            queue: Mutex::new(store.queue()?),
            settings,
            store,
            monitor,
            memory: Memory::new(MEMORY.max(largest)),
            long_bodies: Arc::new(Semaphore::new(long_bodies())),
        }))
    }

    /// How the gateway is doing.
    pub(crate) fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    /// What is known of a request that has just come in.
    pub(super) fn arrival(&self) -> Arrival {
        let mut arrival = Arrival::new(Utc::now());
        arrival.max_event_bytes = self.settings.max_event_bytes;
        arrival.max_events = self.settings.max_request_events;
        arrival.max_total_bytes = self.settings.max_request_bytes.saturating_mul(MAX_GROWTH);
        arrival
    }
}
