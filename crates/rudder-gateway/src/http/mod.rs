//! The HTTP API: what RudderStack's SDKs ask for, and the page.

mod api;
mod body;
mod cors;
mod intake;
mod memory;
mod page;
mod preview;
mod ready;
mod response;
mod source_config;

use crate::error::Error;
use crate::monitor::Monitor;
use crate::settings::Settings;
use crate::store::{Queue, Store};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware;
use axum::response::Response;
use axum::routing::{get, post};
use chrono::Utc;
use memory::Memory;
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

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct App {
    settings: Arc<Settings>,
    store: Store,
    monitor: Monitor,
    /// For the page; the delivery has a connection of its own.
    queue: Mutex<Queue>,
    /// How much memory is left for requests.
    memory: Memory,
    long_bodies: Arc<Semaphore>,
}

impl App {
    pub(crate) fn new(settings: Arc<Settings>, store: Store, monitor: Monitor) -> Result<Arc<Self>, Error> {
        // So that the largest request fits in, as it comes and as events.
        let largest = settings.max_request_bytes.saturating_add(body::STEP);
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
    fn arrival(&self) -> Arrival {
        let mut arrival = Arrival::new(Utc::now());
        arrival.max_event_bytes = self.settings.max_event_bytes;
        arrival.max_events = self.settings.max_request_events;
        arrival.max_total_bytes = self.settings.max_request_bytes.saturating_mul(MAX_GROWTH);
        arrival
    }
}

pub(crate) use ready::probes;

pub(crate) fn router(app: Arc<App>) -> Router {
    let probes = probes(app.monitor.clone());
    let sdk = Router::new()
        .route("/v1/{kind}", post(intake::one))
        .route("/v1/batch", post(intake::batch))
        .route("/beacon/v1/batch", post(intake::beacon))
        .route("/sourceConfig", get(source_config::get))
        .route("/sourceConfig/", get(source_config::get))
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn(cors::cors))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), page::local_only));
    let api = Router::new()
        .route("/api/stats", get(api::stats))
        .route("/api/dead-letters", get(api::dead_letters))
        .route("/api/dead-letters/{id}", get(api::dead_letter))
        .route("/api/dead-letters/replay", post(api::replay))
        .route("/api/dead-letters/drop", post(api::drop_dead_letters))
        .route("/api/preview", post(preview::preview))
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), page::guard));
    let page = Router::new()
        .route("/", get(page::html))
        .route("/page.css", get(page::css))
        .route("/page.js", get(page::script))
        .method_not_allowed_fallback(wrong_method);
    Router::new()
        .merge(sdk)
        .merge(api)
        .merge(page)
        // Bodies are bounded where they are read.
        .layer(DefaultBodyLimit::disable())
        .with_state(app)
        .merge(probes)
}

async fn wrong_method(_: Request) -> Response {
    response::Fault::new(
        405,
        "wrong_method",
        "this path takes another method: see the header Allow",
    )
    .into()
}
