//! Single events and what has become of them, as JSON.

use super::api::{Number, ask};
use super::response::{Fault, json};
use super::{App, body};
use crate::explain::{Explanation, explain, explain_event, explain_note};
use axum::extract::{Path, Request, State};
use axum::response::Response;
use event_store::{About, EventHistory, Find, Note, Queue, Step, TracedEvent, Wanted};
use rudderstack_events::Event;
use rudderstack_events::request::Endpoint;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

/// How many events are listed at a time.
const PAGE: usize = 50;

/// Which events are asked for. Ids and emails are in the body of a request: addresses are written to logs.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Asked {
    /// A user id, an anonymous id, an email address or a `messageId`.
    find: Option<String>,
    /// What stands for a person in the list of events.
    person: Option<String>,
    before: Option<i64>,
    after: Option<i64>,
    /// Whether user ids are to be shown of events that are still there.
    values: bool,
}

#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    event: TracedEvent,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
}

/// `POST /api/events`: the newest first.
pub(super) async fn list(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let (parts, body) = request.into_parts();
    let body = body::read(&app, 0, &parts.headers, body).await?;
    let invalid = || {
        let message = r#"send {}, {"find":"..."}, {"person":"..."}, {"before":1}, {"after":1} or {"values":true}, or several at a time"#;
        Fault::new(400, "invalid_search", message)
    };
    let asked: Asked = serde_json::from_str(&body.text).map_err(|_| invalid())?;
    let mut wanted = Wanted::all();
    wanted.find = match (asked.find, asked.person) {
        (Some(text), None) => Some(Find::Text(text)),
        (None, Some(person)) => Some(Find::Person(person.parse().map_err(|_| invalid())?)),
        (None, None) => None,
        (Some(_), Some(_)) => return Err(invalid()),
    };
    (wanted.before, wanted.after) = (asked.before, asked.after);
    let (events, more) = ask(app, move |queue| {
        let mut events = queue.traced(&wanted, PAGE + 1)?;
        let more = events.len() > PAGE;
        events.truncate(PAGE);
        let listed = events.into_iter().map(|event| Listed {
            user: asked.values.then(|| user(queue, event.number)).flatten(),
            event,
        });
        Ok((listed.collect::<Vec<_>>(), more))
    })
    .await?;
    Ok(json(&json!({"events": events, "more": more})))
}

/// Whose an event is that is still there.
fn user(queue: &Queue, number: i64) -> Option<String> {
    let event = queue.event(number).ok()??;
    About::from(&Event::from_json(event.get()).ok()?).user_id
}

/// A step, and what it means.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    step: Step,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Explanation>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<Explained>,
}

#[derive(Serialize)]
struct Explained {
    #[serde(flatten)]
    note: Note,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Explanation>,
}

/// `GET /api/events/{number}`: what has happened to it, without values.
pub(super) async fn one(State(app): State<Arc<App>>, number: Number) -> Result<Response, Fault> {
    let Path(number) = number?;
    let (history, is_kept) = ask(app, move |queue| {
        Ok((queue.history(number)?, queue.event(number)?.is_some()))
    })
    .await?;
    let EventHistory { event, steps, .. } = history.ok_or_else(unknown)?;
    let steps = steps.into_iter().map(|mut step| {
        let notes = std::mem::take(&mut step.detail.notes);
        Told {
            why: step.code.as_deref().and_then(explain),
            notes: notes.into_iter().map(explained).collect(),
            step,
        }
    });
    let why = explain_event(&event);
    Ok(json(
        &json!({"event": event, "why": why, "is_kept": is_kept, "steps": steps.collect::<Vec<_>>()}),
    ))
}

fn explained(note: Note) -> Explained {
    Explained {
        why: explain_note(&note.code),
        note,
    }
}

/// `GET /api/events/{number}/event`: the event, if it is still there.
pub(super) async fn event(State(app): State<Arc<App>>, number: Number) -> Result<Response, Fault> {
    let Path(number) = number?;
    let event = ask(app, move |queue| queue.event(number)).await?;
    event.map(|event| json(&event)).ok_or_else(unknown)
}

fn unknown() -> Fault {
    Fault::new(404, "not_found", "nothing is kept of an event with this number")
}

/// `POST /api/dead-letters/{id}/edited`: an event that takes the dead letter's place in the queue.
pub(super) async fn replay_edited(
    State(app): State<Arc<App>>,
    id: Number,
    request: Request,
) -> Result<Response, Fault> {
    let Path(id) = id?;
    let (parts, body) = request.into_parts();
    let body = body::read(&app, 0, &parts.headers, body).await?;
    let mut arrival = app.arrival();
    arrival.needs_identity = true;
    let received = rudderstack_events::request::Request::receive(&body.text, Endpoint::Any, &arrival)?;
    let mut events = crate::complete::complete(&received, "", &arrival, |_, _| None)?;
    let (Some(event), true) = (events.pop(), events.is_empty()) else {
        return Err(Fault::new(400, "not_one_event", "send one event"));
    };
    let is_replayed = ask(app, move |queue| queue.replay_edited(id, &event.json)).await?;
    if !is_replayed {
        return Err(Fault::new(404, "not_found", "there is no such dead letter"));
    }
    Ok(json(&json!({"replayed": 1})))
}
