//! The playground: what events would become, without sending anything.

use super::response::{Fault, json};
use super::{App, body};
use crate::complete::complete;
use axum::extract::{Request, State};
use axum::response::Response;
use intercom_api::UnixSeconds;
use rudderstack_events::request::Endpoint;
use rudderstack_events::{Event, EventType};
use rudderstack_to_intercom::{Decision, FieldSource, Mapped, PlannedCall, Rejection, RejectionCode, Warning};
use serde::Serialize;
use std::sync::Arc;

/// What an event becomes.
#[derive(Serialize)]
struct Preview {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    calls: Vec<PlannedCall>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sources: Vec<FieldSource>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Advised<Warning>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Advised<Rejection>>,
}

/// What is wrong, and what to do about it.
#[derive(Serialize)]
struct Advised<T> {
    #[serde(flatten)]
    what: T,
    advice: &'static str,
}

/// `POST /api/preview`: an event, an array of events, or a batch.
pub(super) async fn preview(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let (parts, body) = request.into_parts();
    let body = body::read(&app, 0, &parts.headers, body).await?;
    let arrival = app.arrival();
    let request = rudderstack_events::request::Request::receive(&body.text, Endpoint::Any, &arrival)?;
    let events = complete(&request, "", &arrival, |_, _| None)?;
    let now = UnixSeconds(arrival.received_at.timestamp());
    let previews = events.iter().map(|event| of(&event.json, &app, now));
    Ok(json(&previews.collect::<Result<Vec<_>, Fault>>()?))
}

fn of(event: &str, app: &App, now: UnixSeconds) -> Result<Preview, Fault> {
    let event = Event::from_json(event).map_err(|error| Fault::new(400, error.code(), error.to_string()))?;
    let result = Mapped::new(&event, &app.settings.destination, now).traced().decide();
    let mut preview = Preview {
        outcome: "skipped",
        event_type: event.event_type().map(EventType::as_str),
        calls: Vec::new(),
        sources: Vec::new(),
        warnings: Vec::new(),
        error: None,
    };
    let advised = |what: Warning| Advised {
        advice: what.code.advice(),
        what,
    };
    match result {
        Ok(Decision::Convert(conversion)) => {
            preview.outcome = "converted";
            preview.calls = conversion.plan.calls();
            preview.sources = conversion.sources;
            preview.warnings = conversion.warnings.into_iter().map(advised).collect();
        }
        Ok(_) => {}
        Err(mut rejection) => {
            preview.outcome = "rejected";
            preview.warnings = std::mem::take(&mut rejection.warnings)
                .into_iter()
                .map(advised)
                .collect();
            let advice = RejectionCode::advice(rejection.code);
            preview.error = Some(Advised {
                what: rejection,
                advice,
            });
        }
    }
    Ok(preview)
}
