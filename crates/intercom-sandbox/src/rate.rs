//! The rate limit: calls counted in aligned windows.

use crate::request::UnixMillis;
use crate::settings::RateLimit;
use intercom_api::limits;
use std::time::Duration;

/// Where a call stands within the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    /// When the next window begins.
    pub(crate) reset: UnixMillis,
    /// Whether this call is one too many.
    pub(crate) exceeded: bool,
    /// Seconds until the next window, if the response is to say so.
    pub(crate) retry_after: Option<u64>,
}

/// What the headers say of a sandbox without a limit: more calls than anybody makes.
const NO_LIMIT: RateLimit = RateLimit::new(1_000_000, Duration::from_secs(limits::RATE_LIMIT_WINDOW_SECONDS as u64));

#[derive(Clone, Debug)]
pub(crate) struct RateCounter {
    limit: RateLimit,
    is_limited: bool,
    window_ms: u64,
    window: u64,
    used: u64,
}

impl RateCounter {
    pub(crate) fn new(limit: Option<RateLimit>) -> Self {
        let is_limited = limit.is_some();
        let limit = limit.unwrap_or(NO_LIMIT);
        Self {
            limit,
            is_limited,
            window_ms: u64::try_from(limit.window.as_millis()).unwrap_or(u64::MAX).max(1),
            window: 0,
            used: 0,
        }
    }

    /// Counts a call.
    pub(crate) fn count(&mut self, now: UnixMillis) -> Standing {
        self.turn_to(now);
        let is_used_up = self.used >= self.limit.calls;
        if !is_used_up {
            self.used += 1;
        }
        self.standing(now, is_used_up && self.is_limited)
    }

    /// Where the app stands, without a call of its own.
    pub(crate) fn look(&mut self, now: UnixMillis) -> Standing {
        self.turn_to(now);
        self.standing(now, false)
    }

    fn turn_to(&mut self, now: UnixMillis) {
        let window = now.0 / self.window_ms;
        if window != self.window {
            self.window = window;
            self.used = 0;
        }
    }

    fn standing(&self, now: UnixMillis, exceeded: bool) -> Standing {
        let reset = self.window.saturating_add(1).saturating_mul(self.window_ms);
        Standing {
            limit: self.limit.calls,
            remaining: self.limit.calls - self.used,
            reset: UnixMillis(reset),
            exceeded,
            retry_after: (exceeded && self.limit.retry_after).then(|| (reset - now.0).div_ceil(1000)),
        }
    }
}
