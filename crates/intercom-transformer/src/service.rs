//! The HTTP service: paths, headers, bodies, limits.

use crate::body::{check_format, content_length, read_body, too_large};
use crate::early::{self, EarlyEvents};
use crate::intercom::IntercomClient;
use crate::metrics::{self, Endpoint, Present};
use crate::problem::{Problem, catch_panics, json, other_destination};
use crate::protocol::{
    API_VERSION, API_VERSION_HEADER, BadRequest, DESTINATION_INFO_HEADER, Features, Parts, ProxyVersion, SECRET_HEADER,
    is_destination_type, json::members,
};
use crate::settings::Settings;
use crate::{deletion, processor, proxy, router};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use event_store::Store;
use http_access::{Secret, check_browser, credentials};
use intercom_delivery::client::Client;
use serde_json::value::RawValue;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Instant;

/// The service, without a connection: something that answers requests.
///
/// Clones share what is remembered, counted and limited.
#[derive(Clone)]
pub struct Transformer {
    pub(crate) intercom: Arc<IntercomClient>,
    rooms: Arc<Semaphore>,
    others: Option<Arc<metrics::Others>>,
}

exact_json::debug_shows! { Transformer { intercom, .. } }

impl Transformer {
    /// A service with these settings. Nothing is called and nothing is listened to yet.
    ///
    /// # Errors
    ///
    /// If the HTTP client cannot be set up.
    pub fn new(settings: Settings) -> Result<Self, intercom_delivery::client::Error> {
        let client = Client::builder()
            .connect_timeout(settings.connect_timeout)
            .response_timeout(settings.call_timeout)
            .build()?;
        Ok(Self::over(client, settings))
    }

    /// The same with a client of one's own, such as [one of an Intercom within this process](Client::in_process).
    pub fn over(client: Client, settings: Settings) -> Self {
        Self {
            rooms: Arc::new(Semaphore::new(settings.max_requests.get().min(Semaphore::MAX_PERMITS))),
            intercom: Arc::new(IntercomClient::new(client, settings)),
            others: None,
        }
    }

    /// Keeps events that come before their contact in this store until it is there, and delivers them then; rudder-server is
    /// told that they are done. Only of one whose settings say that a transformer delivers from it. Takes a tokio runtime.
    ///
    /// `first_look` is how soon it is looked for a contact that somebody else may have created, as in the settings of the
    /// store.
    #[must_use]
    pub fn with_store(self, store: Store, first_look: Duration) -> Self {
        let (arrivals, arrived) = mpsc::unbounded_channel();
        let early = EarlyEvents::new(store, first_look, arrivals);
        if self.intercom.early.set(early).is_ok() {
            early::watch(&self.intercom, arrived);
        }
        self
    }

    /// Writes what has been handed to the [store](Self::with_store), and closes it. What is not delivered stays there.
    pub async fn close_store(&self) {
        self.intercom.stopping.send_replace(true);
        if let Some(early) = self.intercom.early.get() {
            early.store().clone().close().await;
        }
    }

    /// Shows other metrics behind its own: `add` adds them to a text in OpenMetrics' format, without the line that ends it.
    #[must_use]
    pub fn with_metrics(mut self, add: impl Fn(&mut String) + Send + Sync + 'static) -> Self {
        self.others = Some(Arc::new(add));
        self
    }

    /// The service of all its paths, wherever requests come from.
    pub fn router(&self) -> Router {
        self.routes(Routes::ALL, false)
    }

    /// The route `/ready`, for a service that is not part of another: whether it takes requests, which it does until it is
    /// told to stop.
    pub fn probes(&self) -> Router {
        let ready = |State(service): State<Self>| async move {
            match *service.intercom.stopping.borrow() {
                false => json(StatusCode::OK, r#"{"ready":true}"#),
                true => json(StatusCode::SERVICE_UNAVAILABLE, r#"{"ready":false}"#),
            }
        };
        Router::new().route("/ready", get(ready)).with_state(self.clone())
    }

    /// The service of some of its paths. On a loopback address, the names that it may be called by are looked at too.
    pub(crate) fn routes(&self, routes: Routes, is_loopback: bool) -> Router {
        let group = |endpoint: Endpoint, token: Option<&Secret>, router: Router<Self>| {
            let guard = Guard {
                token: token.cloned(),
                is_loopback,
            };
            router
                .layer(middleware::from_fn_with_state(guard, admit))
                .layer(middleware::from_fn_with_state((self.clone(), endpoint), observe))
        };
        let health = Router::new().route("/health", get(health));
        // Whoever probes has no secrets, and learns none.
        let health = health.layer(middleware::from_fn_with_state(
            (self.clone(), Endpoint::Health),
            observe,
        ));
        let mut router = Router::new().merge(health);
        if routes.metrics {
            let token = self.intercom.settings.metrics_token.as_ref();
            let metrics = Router::new().route("/metrics", get(metrics_text));
            router = router.merge(group(Endpoint::Metrics, token, metrics));
        }
        if routes.transformer {
            let token = self.intercom.settings.token.as_ref();
            let proxy = Router::new()
                .route("/v0/destinations/{destination}/proxy", post(proxy_v0))
                .route("/v1/destinations/{destination}/proxy", post(proxy_v1));
            let others = [
                (Endpoint::RouterTransform, "/routerTransform", post(router_transform)),
                (Endpoint::Processor, "/v0/destinations/{destination}", post(process)),
                (Endpoint::DeleteUsers, "/deleteUsers", post(delete_users)),
                (Endpoint::Features, "/features", get(features)),
                (Endpoint::BuildVersion, "/transformerBuildVersion", get(build_version)),
            ];
            router = router.merge(group(Endpoint::Proxy, token, proxy));
            for (endpoint, path, method) in others {
                router = router.merge(group(endpoint, token, Router::new().route(path, method)));
            }
        }
        self.finish(router)
    }

    fn finish(&self, router: Router<Self>) -> Router {
        let unknown = middleware::from_fn_with_state((self.clone(), Endpoint::Unknown), observe);
        router
            .method_not_allowed_fallback(method_not_allowed)
            .merge(Router::new().fallback(unknown_path).layer(unknown))
            .layer(catch_panics())
            .layer(middleware::map_response(with_api_version))
            .with_state(self.clone())
    }
}

/// Which paths are served, besides `/health`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)]
pub struct Routes {
    /// Those of rudder-server.
    pub transformer: bool,
    /// `/metrics`.
    pub metrics: bool,
}

impl Routes {
    /// All of them.
    pub const ALL: Self = Self {
        transformer: true,
        metrics: true,
    };
    /// `/metrics` alone.
    pub const METRICS: Self = Self {
        transformer: false,
        metrics: true,
    };
}

/// Who may make a request.
#[derive(Clone, Debug)]
struct Guard {
    token: Option<Secret>,
    is_loopback: bool,
}

async fn admit(State(guard): State<Guard>, request: Request, next: Next) -> Result<Response, Problem> {
    match guard.token {
        Some(token) if credentials(request.headers()).is_some_and(|given| token.matches(&given)) => {}
        Some(_) => {
            let message = "the token is missing or wrong: give it as a bearer token, or as the password in the URL";
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", message));
        }
        None => check_browser(request.uri(), request.headers(), guard.is_loopback).map_err(|foreign| {
            let message = format!("{foreign}; with a token it would be served");
            Problem::new(StatusCode::FORBIDDEN, foreign.code(), message)
        })?,
    }
    Ok(next.run(request).await)
}

/// What RudderStack drops events for is a 404, so there is none below paths that it uses.
async fn unknown_path(request: Request) -> Problem {
    const KNOWN: [&str; 8] = [
        "v0",
        "v1",
        "routertransform",
        "deleteusers",
        "features",
        "health",
        "transformerbuildversion",
        "metrics",
    ];
    let first = request.uri().path().split('/').find(|segment| !segment.is_empty());
    let first = first.unwrap_or_default().to_ascii_lowercase();
    if KNOWN.contains(&first.as_str()) {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "unknown_path",
            "nothing is served at this path",
        )
    } else {
        Problem::new(StatusCode::NOT_FOUND, "not_found", "nothing is served at this path")
    }
}

async fn method_not_allowed() -> Problem {
    let message = "this path is not served for this method";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
}

async fn with_api_version(mut response: Response) -> Response {
    let name = HeaderName::from_static(API_VERSION_HEADER);
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static(API_VERSION));
    response
}

async fn observe(State((service, endpoint)): State<(Transformer, Endpoint)>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let response = next.run(request).await;
    let took = started.elapsed();
    let status = response.status().as_u16();
    service.intercom.metrics.request(endpoint, status, took);
    let endpoint: &str = endpoint.into();
    tracing::debug!(endpoint, status, ?took, "request answered");
    response
}

async fn router_transform(State(service): State<Transformer>, request: Request) -> Result<Response, Problem> {
    let (headers, body) = service.read(request).await?;
    let secret = headers.get(SECRET_HEADER).and_then(|value| value.to_str().ok());
    let parts = router::transform(&service.intercom, utf8(&body)?, secret).await?;
    Ok(body.respond_in_parts(parts))
}

async fn process(
    State(service): State<Transformer>,
    Path(destination): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (_, body) = service.read(request).await?;
    if !is_destination_type(&destination) {
        return Err(other_destination());
    }
    let response = processor::refuse(&service.intercom, utf8(&body)?)?;
    Ok(body.respond(StatusCode::OK, response))
}

async fn proxy_v0(service: State<Transformer>, path: Path<String>, request: Request) -> Result<Response, Problem> {
    deliver(service, path, request, ProxyVersion::V0).await
}

async fn proxy_v1(service: State<Transformer>, path: Path<String>, request: Request) -> Result<Response, Problem> {
    deliver(service, path, request, ProxyVersion::V1).await
}

async fn deliver(
    State(service): State<Transformer>,
    Path(destination): Path<String>,
    request: Request,
    version: ProxyVersion,
) -> Result<Response, Problem> {
    let (_, body) = service.read(request).await?;
    if !is_destination_type(&destination) {
        return Err(other_destination());
    }
    let (status, response) = proxy::deliver(&service.intercom, version, utf8(&body)?).await?;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Ok(body.respond(status, response))
}

async fn delete_users(State(service): State<Transformer>, request: Request) -> Result<Response, Problem> {
    let (headers, body) = service.read(request).await?;
    let info: Option<&RawValue> = headers
        .get(DESTINATION_INFO_HEADER)
        .and_then(|value| serde_json::from_slice(value.as_bytes()).ok());
    let secret = info
        .and_then(|info| members(info, ["secret"]))
        .and_then(|[secret]| secret);
    let secret = secret.map(RawValue::get);
    let (status, response) = deletion::delete_users(&service.intercom, utf8(&body)?, secret).await?;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Ok(body.respond(status, response))
}

async fn features() -> Response {
    json(StatusCode::OK, serde_json::to_vec(&Features::new()).unwrap_or_default())
}

async fn health() -> Response {
    let body = concat!(r#"{"service":"UP","version":""#, env!("CARGO_PKG_VERSION"), r#""}"#);
    json(StatusCode::OK, body)
}

async fn build_version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

async fn metrics_text(State(service): State<Transformer>) -> Response {
    let intercom = &service.intercom;
    let present = Present {
        is_ready: !*intercom.stopping.borrow(),
        remembered: intercom.contacts.len(),
        workspaces: intercom.workspaces.len(),
        looked_up: intercom.workspaces.looked_up(),
        in_store: intercom.early.get().map(EarlyEvents::in_store).unwrap_or_default(),
    };
    let text = intercom.metrics.encode(present, service.others.as_deref());
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response()
}

/// The body of a request, and the room that it takes for as long as it is worked on.
struct Work {
    bytes: Bytes,
    room: Room,
}

/// What a request takes until its response is written.
struct Room {
    _permit: OwnedSemaphorePermit,
    _in_progress: metrics::InProgress,
}

/// A response that keeps the room of its request: a client that does not take it keeps others waiting, rather than memory
/// growing.
struct Kept {
    body: Vec<u8>,
    _room: Room,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl Work {
    fn respond(self, status: StatusCode, body: Vec<u8>) -> Response {
        let Self { bytes, room } = self;
        drop(bytes);
        json(status, Bytes::from_owner(Kept { body, _room: room }))
    }

    /// Responds with what repeats itself, which is written part by part.
    fn respond_in_parts(self, parts: Parts) -> Response {
        let Self { bytes, room } = self;
        drop(bytes);
        let length = parts.bytes();
        let text = Bytes::from_owner(Kept {
            body: parts.text,
            _room: room,
        });
        let parts = parts
            .parts
            .into_iter()
            .map(move |part| Ok::<_, Infallible>(text.slice(part)));
        let mut response = json(StatusCode::OK, Body::from_stream(futures_util::stream::iter(parts)));
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
        response
    }
}

fn utf8(work: &Work) -> Result<&str, Problem> {
    std::str::from_utf8(&work.bytes).map_err(|_| BadRequest::NotUtf8.into())
}

impl Transformer {
    /// Reads a request with a JSON body.
    async fn read(&self, request: Request) -> Result<(HeaderMap, Work), Problem> {
        let settings = &self.intercom.settings;
        let (head, body) = request.into_parts();
        let room = Arc::clone(&self.rooms).try_acquire_owned().map_err(|_| {
            let message = "too many requests are in progress";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", message)
        })?;
        let in_progress = self.intercom.metrics.request_in_progress();
        check_format(&head.headers)?;
        let limit = settings.max_body_bytes.get();
        let expected = content_length(&head.headers);
        if expected.is_some_and(|length| length > limit) {
            return Err(too_large(limit));
        }
        let reading = tokio::time::timeout(settings.body_timeout, read_body(body, limit, expected)).await;
        let bytes = reading.map_err(|_| {
            let message = "the body did not arrive in time";
            Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", message)
        })??;
        let room = Room {
            _permit: room,
            _in_progress: in_progress,
        };
        let work = Work { bytes, room };
        Ok((head.headers, work))
    }
}
