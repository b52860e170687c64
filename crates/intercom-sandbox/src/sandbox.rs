//! The sandbox: what happens to a request from its arrival to its response.

use crate::calls::{CallOutcome, Calls};
use crate::error::ApiError;
use crate::faults::{ErrorResponse, Fault, FaultSource, Faults};
use crate::handlers::Success;
use crate::rate::{RateCounter, Standing};
use crate::request::{CallRequest, Dropped, Request, Response, UnixMillis};
use crate::settings::Settings;
use crate::target::Target;
use crate::version::Asked;
use crate::workspace::Workspace;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use intercom_api::{Call, ErrorCode};
use std::borrow::Cow;
use std::time::Duration;

/// An Intercom workspace in memory.
///
/// It has no clock, no randomness of its own and does no I/O: the same requests at the same times give the same responses.
///
/// ```
/// use intercom_sandbox::{Request, Sandbox, Settings, UnixMillis};
///
/// let mut sandbox = Sandbox::new(Settings::default());
/// let request = Request::new("POST", "/contacts")
///     .authorization("Bearer any")
///     .body(br#"{"email":"ada@example.org"}"#);
/// let response = sandbox.handle(request, UnixMillis::from_secs(1_700_000_000));
/// assert_eq!(response.status, 200);
/// let again = sandbox.handle(request, UnixMillis::from_secs(1_700_000_001));
/// assert_eq!(again.status, 409);
/// ```
pub struct Sandbox {
    workspace: Workspace,
    faults: FaultSource,
    rate: RateCounter,
    calls: Calls,
    requests: u64,
}

impl Sandbox {
    /// An empty workspace.
    pub fn new(settings: Settings) -> Self {
        Self {
            faults: FaultSource::new(&settings.faults, settings.seed),
            rate: RateCounter::new(settings.rate_limit),
            calls: Calls::default(),
            requests: 0,
            workspace: Workspace::new(settings),
        }
    }

    /// Empties the workspace and starts again with the same settings.
    pub fn reset(&mut self) {
        *self = Self::new(self.workspace.settings.clone());
    }

    /// Replaces what goes wrong. Calls are counted, and chance is drawn, from the start again.
    pub fn set_faults(&mut self, faults: Faults) {
        self.faults = FaultSource::new(&faults, self.workspace.settings.seed);
        self.workspace.settings.faults = faults;
    }

    /// Accepts only this token from now on, or any: a token can be revoked in the middle of a run.
    pub fn set_token(&mut self, token: Option<String>) {
        self.workspace.settings.token = token;
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.workspace.settings
    }

    pub(crate) fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    pub(crate) fn calls(&self) -> &Calls {
        &self.calls
    }

    /// Answers a request.
    pub fn handle(&mut self, request: Request<'_>, now: UnixMillis) -> Response {
        self.requests += 1;
        let mut standing = None;
        let admitted = self.admit(&request, now, &mut standing);
        let target = Target::find(request.method, request.path_and_query);
        let operation = target.as_ref().map(|target| target.operation);
        let response = match (admitted, target) {
            (Err(error), _) => self.respond(Err(error), standing),
            (Ok(()), Some(target)) if self.workspace.asked.has(target.operation) => {
                self.serve(&target, request.body, now, standing)
            }
            (Ok(()), Some(target)) => self.respond(Err(ApiError::not_yet(target.operation)), standing),
            (Ok(()), None) => {
                let error = ApiError::no_route(request.method, request.path_and_query);
                self.respond(Err(error), standing)
            }
        };
        let outcome = match response.dropped {
            Some(dropped) => CallOutcome::Dropped(dropped),
            None => CallOutcome::Answered(response.status),
        };
        self.calls.count(operation, outcome);
        response
    }

    /// Answers a call, with an `Authorization` header that is accepted.
    pub fn call(&mut self, call: &Call, now: UnixMillis) -> Response {
        let authorization = format!("Bearer {}", self.settings().token.as_deref().unwrap_or("any"));
        let request = CallRequest::new(call, Some(&authorization));
        self.handle(request.as_request(), now)
    }

    /// Does what a request asks for as if somebody else did it: another integration, or a person in Intercom's own pages.
    ///
    /// Token, version, rate limit and faults play no part, and the call is not counted.
    pub fn act(&mut self, request: Request<'_>, now: UnixMillis) -> Response {
        self.requests += 1;
        self.workspace.asked = Asked::default();
        let outcome = match Target::find(request.method, request.path_and_query) {
            Some(target) => self.workspace.perform(&target, request.body, now),
            None => Err(ApiError::no_route(request.method, request.path_and_query)),
        };
        self.respond(outcome, None)
    }

    /// Answers a request whose body is too long to be read. It is no call.
    #[cfg(feature = "server")]
    pub(crate) fn refuse_body(&mut self, now: UnixMillis) -> Response {
        self.requests += 1;
        let standing = self.rate.look(now);
        self.respond(Err(ApiError::of_status(413)), Some(standing))
    }

    /// Checks token, version and rate limit.
    fn admit(
        &mut self,
        request: &Request<'_>,
        now: UnixMillis,
        standing: &mut Option<Standing>,
    ) -> Result<(), ApiError> {
        let token = request.authorization.and_then(token).filter(|token| !token.is_empty());
        let expected = self.settings().token.as_deref();
        let is_accepted = token.is_some_and(|token| expected.is_none_or(|expected| *expected == *token));
        if !is_accepted {
            // It counts against nobody's limit.
            *standing = Some(self.rate.look(now));
            return Err(ApiError::unauthorized());
        }
        *standing = Some(self.rate.count(now));
        self.workspace.asked = Asked::by(request.version).ok_or_else(|| {
            let message = "The requested Intercom-Version is not a published version";
            ApiError::new(400, ErrorCode::IntercomVersionInvalid, message)
        })?;
        match standing {
            Some(standing) if standing.exceeded => Err(ApiError::of_status(429)),
            _ => Ok(()),
        }
    }

    /// Does what an admitted request asks for, or lets it go wrong.
    fn serve(&mut self, target: &Target<'_>, body: &[u8], now: UnixMillis, standing: Option<Standing>) -> Response {
        let mut perform = || self.workspace.perform(target, body, now);
        match self.faults.next(target.operation) {
            None => {
                let outcome = perform();
                self.respond(outcome, standing)
            }
            Some(Fault::DelayMs(delay)) => {
                let outcome = perform();
                Response {
                    delay: Some(Duration::from_millis(delay)),
                    ..self.respond(outcome, standing)
                }
            }
            Some(Fault::Status(error)) => {
                if error.after_effect {
                    // Whatever comes of it is not told.
                    let _ = perform();
                }
                self.faulty(error, standing)
            }
            Some(Fault::Drop(dropped)) => {
                let outcome = match dropped {
                    Dropped::BeforeEffect => Err(ApiError::of_status(503)),
                    Dropped::AfterEffect => perform(),
                };
                Response {
                    dropped: Some(dropped),
                    ..self.respond(outcome, standing)
                }
            }
        }
    }

    fn faulty(&self, error: ErrorResponse, standing: Option<Standing>) -> Response {
        let mut response = self.respond(Err(ApiError::of_status(error.status)), standing);
        if let Some(body) = error.body {
            response.body = body.into_bytes();
        }
        if let Some(seconds) = error.retry_after {
            response.headers.push(("Retry-After", seconds.to_string()));
        }
        response
    }

    fn respond(&self, outcome: Result<Success, ApiError>, standing: Option<Standing>) -> Response {
        let request_id = self.workspace.ids.request(self.requests);
        let mut response = match outcome {
            Ok(success) => Response::new(success.status, success.body),
            Err(error) => {
                let mut response = Response::new(error.status, error.to_body(&request_id));
                response.headers.extend(error.link.map(|link| ("Link", link)));
                response
            }
        };
        if !response.body.is_empty() {
            response
                .headers
                .push(("Content-Type", "application/json; charset=utf-8".to_owned()));
        }
        response.headers.push(("X-Request-Id", request_id));
        if let Some(standing) = standing {
            // Rounded up: at that second the next window has begun.
            let reset = standing.reset.0.div_ceil(1000);
            response.headers.push(("X-RateLimit-Limit", standing.limit.to_string()));
            response
                .headers
                .push(("X-RateLimit-Remaining", standing.remaining.to_string()));
            response.headers.push(("X-RateLimit-Reset", reset.to_string()));
            if let Some(seconds) = standing.retry_after {
                response.headers.push(("Retry-After", seconds.to_string()));
            }
        }
        response
    }
}

/// The token of an `Authorization` header: `Bearer`, or the user name of `Basic`, as older clients send it.
fn token(header: &str) -> Option<Cow<'_, str>> {
    let (scheme, credentials) = header.trim().split_once(' ')?;
    let credentials = credentials.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(Cow::Borrowed(credentials));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(credentials).ok()?).ok()?;
    let (name, _password) = decoded.split_once(':')?;
    Some(Cow::Owned(name.to_owned()))
}

exact_json::debug_shows! { Sandbox(sandbox) { settings = sandbox.settings(), requests, .. } }
