//! What the page shows and does, as JSON.

use super::ready::Wrong;
use super::response::{Fault, json};
use super::{App, body};
use crate::explain::{Explanation, explain};
use crate::metrics::reason_of;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use axum::response::Response;
use event_store::Error;
use event_store::now;
use event_store::{CodeCount, DeadLetter, Filter, Minute, Queue, QueueStatus};
use intercom_delivery::{Status, Time, Waiting};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::{Arc, PoisonError};

/// The longest span of the charts: eight days, in minutes.
const LONGEST_SPAN: i64 = 8 * 24 * 60;
/// How many dead letters are listed at a time.
const PAGE: usize = 50;

/// A query, if it can be read.
type Asked<T> = Result<Query<T>, QueryRejection>;
/// A number in a path, if it is one.
pub(super) type Number = Result<Path<i64>, PathRejection>;

impl From<QueryRejection> for Fault {
    fn from(_: QueryRejection) -> Self {
        Self::new(400, "invalid_query", "the query has a parameter of the wrong form")
    }
}

impl From<PathRejection> for Fault {
    fn from(_: PathRejection) -> Self {
        Self::new(
            400,
            "invalid_id",
            "the number of an event or a dead letter is a whole number",
        )
    }
}

/// Asks the store, away from the threads that serve requests.
pub(super) async fn ask<T: Send + 'static>(
    app: Arc<App>,
    question: impl FnOnce(&mut Queue) -> Result<T, Error> + Send + 'static,
) -> Result<T, Fault> {
    let asked =
        tokio::task::spawn_blocking(move || question(&mut app.queue.lock().unwrap_or_else(PoisonError::into_inner)));
    Ok(asked.await.unwrap_or(Err(Error::Closed))?)
}

#[derive(Deserialize)]
pub(super) struct Span {
    minutes: Option<i64>,
}

#[derive(Serialize)]
struct Stats {
    now: i64,
    queue: QueueStatus,
    minutes: Vec<Minute>,
    codes: Vec<Explained>,
    delivery: Option<DeliveryStatus>,
    trouble: Vec<Wrong>,
    outage: Option<Unreachable>,
    sandbox: Option<String>,
}

/// Where Intercom cannot be reached, and why.
#[derive(Serialize)]
struct Unreachable {
    host: String,
    cause: String,
    since: u64,
}

/// A code, what it means, and what to do about it.
#[derive(Serialize)]
struct Explained {
    #[serde(flatten)]
    count: CodeCount,
    meaning: &'static str,
    advice: &'static str,
    can_replay: bool,
}

fn explained(count: CodeCount) -> Explained {
    let found = explain(&count.code);
    Explained {
        meaning: found.map_or("", |found| found.meaning),
        advice: found.map_or("", |found| found.advice),
        can_replay: found.is_some_and(|found| found.remedy.is_replay()),
        count,
    }
}

#[derive(Serialize)]
struct DeliveryStatus {
    queued: usize,
    active: usize,
    in_flight: usize,
    halted: bool,
    waiting: Option<&'static str>,
    until: Option<u64>,
    limit: Option<u32>,
    remaining: Option<u32>,
    resets: Option<u64>,
    calls: u64,
    retries: u64,
    throttled: u64,
}

impl From<Status> for DeliveryStatus {
    fn from(status: Status) -> Self {
        use Waiting::{Backoff, Outage, RateLimit, Responses, Throttled};
        let until = match status.waiting {
            Some(RateLimit(until) | Throttled(until) | Outage(until) | Backoff(until)) => Some(until),
            Some(Responses) | None => None,
        };
        Self {
            queued: status.queued,
            active: status.active,
            in_flight: status.in_flight,
            halted: status.halted,
            waiting: status.waiting.map(reason_of),
            until: until.map(Time::unix_millis),
            limit: status.budget.map(|budget| budget.limit),
            remaining: status.budget.map(|budget| budget.remaining),
            resets: status.budget.map(|budget| budget.resets.unix_millis()),
            calls: status.totals.calls,
            retries: status.totals.retries,
            throttled: status.totals.throttled,
        }
    }
}

/// `GET /api/stats?minutes=60`.
pub(super) async fn stats(State(app): State<Arc<App>>, span: Asked<Span>) -> Result<Response, Fault> {
    let Query(span) = span?;
    let now = now();
    let span = span.minutes.unwrap_or(60).clamp(1, LONGEST_SPAN);
    let since = now / 60_000 - span + 1;
    let (delivery, sandbox) = (app.monitor.status(), app.settings.sandbox_url.clone());
    let (queue, minutes, codes) = ask(Arc::clone(&app), move |queue| {
        Ok((queue.status()?, queue.minutes(since)?, queue.codes()?))
    })
    .await?;
    Ok(json(&Stats {
        now,
        queue,
        minutes,
        codes: codes.into_iter().map(explained).collect(),
        delivery: delivery.map(DeliveryStatus::from),
        trouble: app.monitor().troubles().into_iter().map(Wrong::from).collect(),
        outage: app.monitor().outage().map(|outage| Unreachable {
            host: outage.host,
            cause: outage.cause,
            since: outage.since.unix_millis(),
        }),
        sandbox,
    }))
}

/// A dead letter in the list, and whether it can help to replay it.
#[derive(Serialize)]
struct Letter {
    #[serde(flatten)]
    letter: DeadLetter,
    why: Option<Explanation>,
}

#[derive(Deserialize)]
pub(super) struct List {
    code: Option<String>,
    before: Option<i64>,
}

/// `GET /api/dead-letters?code=&before=`: without anybody's id, and without the events.
pub(super) async fn dead_letters(State(app): State<Arc<App>>, list: Asked<List>) -> Result<Response, Fault> {
    let Query(list) = list?;
    let mut filter = Filter::all();
    filter.codes = list.code.filter(|code| !code.is_empty()).into_iter().collect();
    filter.before_id = list.before;
    let mut dead_letters = ask(app, move |queue| queue.dead_letters(&filter, PAGE, false)).await?;
    dead_letters
        .iter_mut()
        .for_each(|dead_letter| dead_letter.user_id = None);
    let letters = dead_letters.into_iter().map(|letter| Letter {
        why: explain(&letter.code),
        letter,
    });
    Ok(json(&letters.collect::<Vec<_>>()))
}

/// `GET /api/dead-letters/{id}`: all of it.
pub(super) async fn dead_letter(State(app): State<Arc<App>>, id: Number) -> Result<Response, Fault> {
    let Path(id) = id?;
    let dead_letter: Option<DeadLetter> = ask(app, move |queue| queue.dead_letter(id)).await?;
    dead_letter
        .map(|dead_letter| json(&dead_letter))
        .ok_or_else(|| Fault::new(404, "not_found", "there is no such dead letter"))
}

/// Which dead letters: some by number, those of a code or some codes, or all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Chosen {
    Ids(Vec<i64>),
    Code(String),
    Codes(Vec<String>),
    All,
}

async fn chosen(app: &App, request: Request) -> Result<Filter, Fault> {
    let (parts, body) = request.into_parts();
    let body = body::read(app, 0, &parts.headers, body).await?;
    let mut filter = Filter::all();
    match serde_json::from_str(&body.text) {
        Ok(Chosen::Ids(ids)) if !ids.is_empty() && ids.len() <= 1_000 => filter.ids = ids,
        Ok(Chosen::Code(code)) => filter.codes = vec![code],
        Ok(Chosen::Codes(codes)) if !codes.is_empty() && codes.len() <= 100 => filter.codes = codes,
        Ok(Chosen::All) => {}
        _ => {
            let message = r#"send {"ids":[1,2]} with up to 1000 numbers, {"code":"..."}, {"codes":["..."]} or "all""#;
            return Err(Fault::new(400, "invalid_choice", message));
        }
    }
    Ok(filter)
}

#[derive(Deserialize)]
pub(super) struct Replay {
    /// Whether nothing is left out that later events have written.
    #[serde(default)]
    as_new: bool,
}

/// `POST /api/dead-letters/replay`, with `?as_new=true` for events that are to overwrite later ones.
pub(super) async fn replay(
    State(app): State<Arc<App>>,
    how: Asked<Replay>,
    request: Request,
) -> Result<Response, Fault> {
    let Query(how) = how?;
    let filter = chosen(&app, request).await?;
    let replayed = ask(app, move |queue| queue.replay(&filter, how.as_new)).await?;
    Ok(json(&json!({"replayed": replayed})))
}

/// `POST /api/dead-letters/drop`.
pub(super) async fn drop_dead_letters(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let filter = chosen(&app, request).await?;
    let dropped = ask(app, move |queue| queue.drop_dead_letters(&filter)).await?;
    Ok(json(&dropped))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Undo {
    at: i64,
}

/// `POST /api/dead-letters/restore`: undoes that those were dropped that were dropped at this time.
pub(super) async fn restore(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let (parts, body) = request.into_parts();
    let body = body::read(&app, 0, &parts.headers, body).await?;
    let invalid = |_| Fault::new(400, "invalid_choice", r#"send {"at":...} as dropping has answered"#);
    let Undo { at } = serde_json::from_str(&body.text).map_err(invalid)?;
    let restored = ask(app, move |queue| queue.restore(Some(at))).await?;
    Ok(json(&json!({"restored": restored})))
}
