//! The rate limit: calls counted in aligned windows.

use crate::request::UnixMillis;
use crate::settings::RateLimit;

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

#[derive(Clone, Debug)]
pub(crate) struct RateCounter {
    limit: RateLimit,
    window_ms: u64,
    window: u64,
    used: u64,
}

impl RateCounter {
    pub(crate) fn new(limit: RateLimit) -> Self {
        Self {
            limit,
            window_ms: u64::try_from(limit.window.as_millis()).unwrap_or(u64::MAX).max(1),
            window: 0,
            used: 0,
        }
    }

    /// Counts a call.
    pub(crate) fn count(&mut self, now: UnixMillis) -> Standing {
        let window = now.0 / self.window_ms;
        if window != self.window {
            self.window = window;
            self.used = 0;
        }
        let exceeded = self.used >= self.limit.calls;
        if !exceeded {
            self.used += 1;
        }
        let reset = window.saturating_add(1).saturating_mul(self.window_ms);
        Standing {
            limit: self.limit.calls,
            remaining: self.limit.calls - self.used,
            reset: UnixMillis(reset),
            exceeded,
            retry_after: (exceeded && self.limit.retry_after).then(|| (reset - now.0).div_ceil(1000)),
        }
    }
}
