//! The sandbox: what happens to a request from its arrival to its answer.

use crate::calls::{CallOutcome, Calls};
use crate::error::ApiError;
use crate::faults::{ErrorAnswer, Fault, FaultSource, Faults};
use crate::handlers::Answer;
use crate::rate::{RateCounter, Standing};
use crate::request::{CallRequest, Dropped, Reply, Request, UnixMillis};
use crate::settings::Settings;
use crate::target::Target;
use crate::workspace::Workspace;
use intercom_api::{ApiVersion, Call, ErrorCode};
use std::fmt;
use std::time::Duration;

/// An Intercom workspace in memory.
///
/// It has no clock, no randomness of its own and does no I/O: the same requests at the same times give the same answers.
///
/// ```
/// use intercom_sandbox::{Request, Sandbox, Settings, UnixMillis};
///
/// let mut sandbox = Sandbox::new(Settings::default());
/// let request = Request::new("POST", "/contacts")
///     .authorization("Bearer any")
///     .body(br#"{"email":"ada@example.org"}"#);
/// let reply = sandbox.handle(request, UnixMillis::from_secs(1_700_000_000));
/// assert_eq!(reply.status, 200);
/// let again = sandbox.handle(request, UnixMillis::from_secs(1_700_000_001));
/// assert_eq!(again.status, 409);
/// ```
pub struct Sandbox {
    workspace: Workspace,
    faults: FaultSource,
    rate: Option<RateCounter>,
    calls: Calls,
    requests: u64,
}

impl Sandbox {
    /// An empty workspace.
    pub fn new(settings: Settings) -> Self {
        Self {
            faults: FaultSource::new(&settings.faults, settings.seed),
            rate: settings.rate_limit.map(RateCounter::new),
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
    pub fn handle(&mut self, request: Request<'_>, now: UnixMillis) -> Reply {
        self.requests += 1;
        let mut standing = None;
        let Some(target) = Target::find(request.method, request.path_and_query) else {
            let reply = self.reply(Err(ApiError::no_route()), None);
            self.calls.count(None, CallOutcome::Answered(reply.status));
            return reply;
        };
        let reply = match self.admit(&request, now, &mut standing) {
            Err(error) => self.reply(Err(error), standing),
            Ok(()) => self.serve(&target, request.body, now, standing),
        };
        let outcome = match reply.dropped {
            Some(dropped) => CallOutcome::Dropped(dropped),
            None => CallOutcome::Answered(reply.status),
        };
        self.calls.count(Some(target.operation), outcome);
        reply
    }

    /// Answers a call, with an `Authorization` header that is accepted.
    pub fn call(&mut self, call: &Call, now: UnixMillis) -> Reply {
        let authorization = format!("Bearer {}", self.settings().token.as_deref().unwrap_or("any"));
        let request = CallRequest::new(call, Some(&authorization));
        self.handle(request.as_request(), now)
    }

    /// Does what a request asks for as if somebody else did it: another integration, or a person in Intercom's own pages.
    ///
    /// Token, version, rate limit and faults play no part, and the call is not counted.
    pub fn act(&mut self, request: Request<'_>, now: UnixMillis) -> Reply {
        self.requests += 1;
        let outcome = match Target::find(request.method, request.path_and_query) {
            Some(target) => self.workspace.perform(&target, request.body, now),
            None => Err(ApiError::no_route()),
        };
        self.reply(outcome, None)
    }

    /// Checks token, version and rate limit.
    fn admit(
        &mut self,
        request: &Request<'_>,
        now: UnixMillis,
        standing: &mut Option<Standing>,
    ) -> Result<(), ApiError> {
        let token = request.authorization.and_then(bearer).filter(|token| !token.is_empty());
        let token = token.ok_or_else(ApiError::unauthorized)?;
        if self
            .settings()
            .token
            .as_deref()
            .is_some_and(|expected| expected != token)
        {
            return Err(ApiError::unauthorized());
        }
        if request
            .version
            .is_some_and(|version| version.parse::<ApiVersion>().is_err())
        {
            let message = "The requested Intercom-Version is not a published version";
            return Err(ApiError::new(400, ErrorCode::IntercomVersionInvalid, message));
        }
        *standing = self.rate.as_mut().map(|rate| rate.count(now));
        match standing {
            Some(standing) if standing.exceeded => Err(ApiError::of_status(429)),
            _ => Ok(()),
        }
    }

    /// Does what an admitted request asks for, or lets it go wrong.
    fn serve(&mut self, target: &Target<'_>, body: &[u8], now: UnixMillis, standing: Option<Standing>) -> Reply {
        let mut perform = || self.workspace.perform(target, body, now);
        match self.faults.next(target.operation) {
            None => {
                let outcome = perform();
                self.reply(outcome, standing)
            }
            Some(Fault::DelayMs(delay)) => {
                let outcome = perform();
                Reply {
                    delay: Some(Duration::from_millis(delay)),
                    ..self.reply(outcome, standing)
                }
            }
            Some(Fault::Status(answer)) => {
                if answer.after_effect {
                    // Whatever comes of it is not told.
                    let _ = perform();
                }
                self.faulty(answer, standing)
            }
            Some(Fault::Drop(dropped)) => {
                let outcome = match dropped {
                    Dropped::BeforeEffect => Err(ApiError::of_status(503)),
                    Dropped::AfterEffect => perform(),
                };
                Reply {
                    dropped: Some(dropped),
                    ..self.reply(outcome, standing)
                }
            }
        }
    }

    fn faulty(&self, answer: ErrorAnswer, standing: Option<Standing>) -> Reply {
        let mut reply = self.reply(Err(ApiError::of_status(answer.status)), standing);
        if let Some(body) = answer.body {
            reply.body = body.into_bytes();
        }
        if let Some(seconds) = answer.retry_after {
            reply.headers.push(("Retry-After", seconds.to_string()));
        }
        reply
    }

    fn reply(&self, outcome: Result<Answer, ApiError>, standing: Option<Standing>) -> Reply {
        let request_id = self.workspace.ids.request(self.requests);
        let mut reply = match outcome {
            Ok(answer) => Reply::new(answer.status, answer.body),
            Err(error) => Reply::new(error.status, error.to_body(&request_id)),
        };
        if !reply.body.is_empty() {
            reply
                .headers
                .push(("Content-Type", "application/json; charset=utf-8".to_owned()));
        }
        reply.headers.push(("X-Request-Id", request_id));
        if let Some(standing) = standing {
            // Rounded up: at that second the next window has begun.
            let reset = standing.reset.0.div_ceil(1000);
            reply.headers.push(("X-RateLimit-Limit", standing.limit.to_string()));
            reply
                .headers
                .push(("X-RateLimit-Remaining", standing.remaining.to_string()));
            reply.headers.push(("X-RateLimit-Reset", reset.to_string()));
            if let Some(seconds) = standing.retry_after {
                reply.headers.push(("Retry-After", seconds.to_string()));
            }
        }
        reply
    }
}

/// The token of an `Authorization` header.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("settings", self.settings())
            .field("requests", &self.requests)
            .finish_non_exhaustive()
    }
}
