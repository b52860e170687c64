//! Whether requests can be accepted, and what else is wrong.

use super::response::json;
use crate::monitor::Monitor;
use crate::trouble::Trouble;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Serialize;

/// Something that is wrong.
#[derive(Serialize)]
pub(super) struct Wrong {
    code: &'static str,
    meaning: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'static str>,
    closes_the_intake: bool,
}

impl From<Trouble> for Wrong {
    fn from(trouble: Trouble) -> Self {
        Self {
            code: trouble.code(),
            meaning: trouble.meaning(),
            advice: trouble.advice(),
            closes_the_intake: trouble.closes_the_intake(),
        }
    }
}

/// The route `/ready`.
pub(crate) fn probes(monitor: Monitor) -> Router {
    Router::new().route("/ready", get(ready)).with_state(monitor)
}

/// Trouble with the delivery is told, but is no reason to send requests elsewhere: events are kept.
async fn ready(State(monitor): State<Monitor>) -> Response {
    #[derive(Serialize)]
    struct Readiness {
        ready: bool,
        trouble: Vec<Wrong>,
    }
    let troubles = monitor.troubles();
    let ready = !troubles.iter().any(|trouble| trouble.closes_the_intake());
    let trouble = troubles.into_iter().map(Wrong::from).collect();
    let mut response = json(&Readiness { ready, trouble });
    if !ready {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}
