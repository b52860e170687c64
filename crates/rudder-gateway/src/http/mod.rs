//! The HTTP API: what RudderStack's SDKs ask for, and the page.

mod api;
mod app;
mod body;
mod cors;
mod events;
mod intake;
mod memory;
mod page;
mod preview;
mod ready;
mod response;
mod source_config;

pub(crate) use app::App;
pub(crate) use ready::probes;

use axum::Router;
use axum::extract::Request;
use axum::middleware;
use axum::response::Response;
use axum::routing::{get, post};
use std::sync::Arc;

pub(crate) fn router(app: Arc<App>) -> Router {
    let probes = probes(app.monitor().clone());
    let sdk = Router::new()
        .route("/v1/{kind}", post(intake::one))
        .route("/v1/batch", post(intake::batch))
        .route("/beacon/v1/batch", post(intake::beacon))
        .route("/sourceConfig", get(source_config::get))
        .route("/sourceConfig/", get(source_config::get))
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), cors::cors));
    let api = Router::new()
        .route("/api/stats", get(api::stats))
        .route("/api/dead-letters", get(api::dead_letters))
        .route("/api/dead-letters/{id}", get(api::dead_letter))
        .route("/api/dead-letters/replay", post(api::replay))
        .route("/api/dead-letters/drop", post(api::drop_dead_letters))
        .route("/api/dead-letters/restore", post(api::restore))
        .route("/api/dead-letters/{id}/edited", post(events::replay_edited))
        .route("/api/events", post(events::list))
        .route("/api/events/{number}", get(events::one))
        .route("/api/events/{number}/event", get(events::event))
        .route("/api/preview", post(preview::preview))
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), page::guard));
    let mut page = Router::new()
        .route("/", get(page::html))
        .route("/page.css", get(page::css));
    for (path, script) in page::SCRIPTS {
        page = page.route(path, get(async || page::script(script)));
    }
    let page = page.method_not_allowed_fallback(wrong_method);
    Router::new()
        .merge(sdk)
        .merge(api)
        .merge(page)
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
