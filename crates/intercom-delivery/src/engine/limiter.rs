//! When the next call may be made: one limiter for all calls, driven by what Intercom's responses say of its limit.
//!
//! What is left of a window is spread over the time that is left of it, one call in a hundred being kept back, so that
//! the limit is used but not reached. When a window ends, the next one is presumed to be like it until a response tells.
//! Intercom's clock is followed through the `Date` of its responses.

use super::backoff::Backoff;
use super::settings::{AssumedLimit, EngineSettings};
use super::time::{Time, millis};
use crate::response::Response;
use intercom_api::RateLimit;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// How far behind its plan the limiter may catch up at once: timers are late.
const CATCH_UP_MICROS: u64 = 100_000;
/// A window that is said to end later than this is not believed.
const LONGEST_WINDOW_MILLIS: u64 = 15 * 60 * 1000;
/// How much later a window is taken to end when a response shows that it ended later than said, and at most. The moment
/// is given in whole seconds, so that it may be a second too early or too late.
const MARGIN_STEP_MILLIS: i64 = 250;
const MARGINS_MILLIS: std::ops::RangeInclusive<i64> = -1_000..=2_000;
/// How many other responses make up for one of 429 that does not say how long to wait.
const RESPONSES_AGAINST_ONE_429: u32 = 16;
/// The greatest jitter after a wait that Intercom asked for.
const RESUME_JITTER: Duration = Duration::from_millis(250);

/// How many calls the current window has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Budget {
    /// Calls in a window.
    pub limit: u32,
    /// Calls left in this one, as far as is known.
    pub remaining: u32,
    /// When the next window begins.
    pub resets: Time,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    limit: u32,
    /// What is left by the lowest response; in a presumed window, less what has been sent in it.
    remaining: u32,
    /// The call whose response says so. Those in flight that were made later are not in it yet.
    reported_by: u64,
    /// When it ends, by Intercom's clock in Unix seconds.
    reset: i64,
    /// When it ends, by ours.
    ends: Time,
    /// Since when it has been presumed, if no response has confirmed it.
    presumed: Option<Time>,
}

/// How far Intercom's clock is ahead of ours, in milliseconds: what is known of it.
#[derive(Clone, Copy, Debug)]
struct Skew {
    least: i64,
    most: i64,
}

impl Skew {
    const UNKNOWN: Self = Self {
        least: i64::MIN,
        most: i64::MAX,
    };

    /// A response with this date, in seconds, to a call that was sent and answered at these moments.
    fn learn(&mut self, date: i64, sent: Time, answered: Time) {
        let (Ok(sent), Ok(answered)) = (i64::try_from(sent.unix_millis()), i64::try_from(answered.unix_millis()))
        else {
            return;
        };
        let date = date.saturating_mul(1000);
        let shown = Self {
            least: date.saturating_sub(answered),
            most: date.saturating_add(999).saturating_sub(sent),
        };
        self.least = self.least.max(shown.least);
        self.most = self.most.min(shown.most);
        if self.least > self.most {
            // One of the clocks was set.
            *self = shown;
        }
    }

    /// Zero if that can be.
    fn millis(self) -> i64 {
        0.clamp(self.least, self.most.max(self.least))
    }
}

#[derive(Debug)]
pub(super) struct Limiter {
    window: Option<Window>,
    /// The numbers of the calls in flight, in the order in which they were made.
    in_flight: BTreeSet<u64>,
    /// When the last window that a response named ends, by Intercom's clock.
    last_reset: Option<i64>,
    /// Whether a call has been answered, or has failed: before, one at a time is made.
    has_landed: bool,
    window_millis: u64,
    /// How much later windows end than said.
    margin_millis: i64,
    skew: Skew,
    paused_until: Option<Time>,
    throttled_in_a_row: u32,
    /// How many responses it takes until those of 429 that did not say how long to wait are made up for.
    doubt: u32,
    /// The next call's place in the window's plan, in microseconds.
    next_micros: u64,
    /// The least time between two calls, in microseconds, and the next call's place by it.
    rate: Option<(u64, u64)>,
    assumed: Option<AssumedLimit>,
    longest_wait: Duration,
}

impl Limiter {
    pub(super) fn new(settings: &EngineSettings) -> Self {
        let window = settings.assumed_limit.map_or(
            u64::from(intercom_api::limits::RATE_LIMIT_WINDOW_SECONDS) * 1000,
            |limit| millis(limit.window).max(1),
        );
        Self {
            window: None,
            in_flight: BTreeSet::new(),
            last_reset: None,
            has_landed: false,
            window_millis: window,
            margin_millis: 0,
            skew: Skew::UNKNOWN,
            paused_until: None,
            throttled_in_a_row: 0,
            doubt: 0,
            next_micros: 0,
            rate: settings
                .max_rate
                .map(|calls| (1_000_000_u64.div_ceil(u64::from(calls.get())), 0)),
            assumed: settings.assumed_limit,
            longest_wait: settings.longest_wait,
        }
    }

    /// The moment from which a call may be made: now, or later.
    pub(super) fn ready_at(&mut self, now: Time) -> Time {
        if let Some(until) = self.paused_until {
            if until > now {
                return until;
            }
            self.paused_until = None;
        }
        self.roll(now);
        self.next_at(now)
    }

    /// The same, as far as it is known without presuming the next window.
    pub(super) fn next_at(&self, now: Time) -> Time {
        let mut at = now;
        if !self.has_landed && self.window.is_none() && !self.in_flight.is_empty() {
            // Its response tells how many more there may be.
            return Time::NEVER;
        }
        if let Some((_, next)) = self.rate {
            at = at.max(Time::from_unix_millis(next.div_ceil(1000)));
        }
        if let Some(window) = self.window {
            at = at.max(if self.available(&window) == 0 {
                self.end_of(&window)
            } else {
                Time::from_unix_millis(self.next_micros.div_ceil(1000))
            });
        }
        at
    }

    /// Until when Intercom has asked for a wait, if it has.
    pub(super) fn paused_until(&self, now: Time) -> Option<Time> {
        self.paused_until.filter(|until| *until > now)
    }

    fn end_of(&self, window: &Window) -> Time {
        let millis = window.ends.unix_millis().saturating_add_signed(self.margin_millis);
        Time::from_unix_millis(millis)
    }

    /// Presumes the next window when one has ended.
    fn roll(&mut self, now: Time) {
        if self.window.is_none()
            && let Some(assumed) = self.assumed.take()
        {
            let ends = now.after(assumed.window);
            self.window = Some(Window {
                limit: assumed.calls,
                remaining: assumed.calls,
                reported_by: 0,
                reset: i64::MIN,
                ends,
                presumed: Some(now),
            });
        }
        let Some(window) = self.window.filter(|window| self.end_of(window) <= now) else {
            return;
        };
        let late = millis(now.since(self.end_of(&window)));
        let windows = late / self.window_millis + 1;
        let passed = windows.saturating_mul(self.window_millis);
        // What was not sent in one window is not made up for in the next.
        self.next_micros = self.next_micros.max(now.unix_millis().saturating_mul(1000));
        self.window = Some(Window {
            remaining: window.limit,
            reset: window
                .reset
                .saturating_add(i64::try_from(passed / 1000).unwrap_or(i64::MAX)),
            ends: window.ends.after(Duration::from_millis(passed)),
            presumed: Some(now),
            ..window
        });
    }

    /// A call is made.
    pub(super) fn sent(&mut self, call: u64, now: Time) {
        let micros = now.unix_millis().saturating_mul(1000);
        if let Some((interval, next)) = &mut self.rate {
            *next = (*next).max(micros.saturating_sub(CATCH_UP_MICROS)) + *interval;
        }
        let plan = self
            .window
            .map(|window| (self.available(&window), self.end_of(&window)));
        self.in_flight.insert(call);
        let (Some(window), Some((available, ends))) = (&mut self.window, plan) else {
            return;
        };
        let left = millis(ends.since(now)).saturating_mul(1000);
        let interval = left / u64::from(available.max(1));
        self.next_micros = self.next_micros.max(micros.saturating_sub(CATCH_UP_MICROS)) + interval;
        if window.presumed.is_some() {
            window.remaining = window.remaining.saturating_sub(1);
        }
    }

    /// A call is not in flight any more.
    pub(super) fn landed(&mut self, call: u64) {
        self.in_flight.remove(&call);
        self.has_landed = true;
    }

    /// A call that was made at `sent` has been answered.
    pub(super) fn answered(&mut self, call: u64, response: &Response, sent: Time, now: Time) {
        if let Some(date) = response.date {
            self.skew.learn(date.0, sent, now);
        }
        if response.status != 429 {
            self.throttled_in_a_row = 0;
            self.doubt = self.doubt.saturating_sub(1);
        }
        if let Some(headers) = response.rate_limit.filter(|headers| self.is_credible(*headers, now)) {
            self.read_headers(call, headers, sent, now);
        }
    }

    /// Whether the headers can be those of a limit. To believe others could stop everything for ever, for instance where
    /// a proxy writes headers of its own.
    fn is_credible(&self, headers: RateLimit, now: Time) -> bool {
        headers.limit > 0
            && headers.remaining <= headers.limit
            && self.until_reset(headers, now) <= LONGEST_WINDOW_MILLIS
    }

    /// How many milliseconds it is until the moment that the headers name, by Intercom's clock.
    fn until_reset(&self, headers: RateLimit, now: Time) -> u64 {
        let wait = i64::try_from(now.unix_millis()).map_or(0, |ours| {
            headers
                .reset
                .0
                .saturating_mul(1000)
                .saturating_sub(self.skew.millis())
                .saturating_sub(ours)
        });
        u64::try_from(wait).unwrap_or(0)
    }

    /// A response says how many calls are left.
    fn read_headers(&mut self, call: u64, headers: RateLimit, sent: Time, now: Time) {
        let reset = headers.reset.0;
        let ends = now.after(Duration::from_millis(self.until_reset(headers, now)));
        let adopted = Window {
            limit: headers.limit,
            remaining: headers.remaining,
            reported_by: call,
            reset,
            ends,
            presumed: None,
        };
        let last_reset = self.last_reset.replace(reset.max(self.last_reset.unwrap_or(reset)));
        let Some(window) = &mut self.window else {
            self.window = Some(adopted);
            return;
        };
        if reset > window.reset {
            // The windows between were all presumed; if it is just one, its length is known now.
            let apart = |from: i64, to: i64| u64::try_from(to.saturating_sub(from).saturating_mul(1000)).ok();
            let one = last_reset.filter(|last| apart(*last, window.reset).is_some_and(|gap| gap <= self.window_millis));
            if let Some(length) = one
                .and_then(|last| apart(last, reset))
                .filter(|gap| *gap <= LONGEST_WINDOW_MILLIS)
            {
                self.window_millis = length.max(1);
            }
            if last_reset == Some(window.reset)
                && apart(window.reset, reset) == Some(self.window_millis)
                && window.presumed.is_none()
            {
                // It has ended by now, though it was taken to end later.
                let late = now.unix_millis().saturating_sub(window.ends.unix_millis());
                let early = window.ends.unix_millis().saturating_sub(now.unix_millis());
                let margin = i64::try_from(late).unwrap_or(0) - i64::try_from(early).unwrap_or(0);
                self.margin_millis = self.margin_millis.min(margin.max(*MARGINS_MILLIS.start()));
            }
            *window = adopted;
        } else if reset == window.reset {
            if window.presumed.is_some() || headers.remaining < window.remaining {
                *window = adopted;
            }
        } else if window.presumed.is_some_and(|since| sent >= since) {
            // The window that was presumed to have ended has not.
            self.margin_millis = (self.margin_millis + MARGIN_STEP_MILLIS).min(*MARGINS_MILLIS.end());
            *window = adopted;
            window.ends = window.ends.max(now);
        }
    }

    /// A call was answered 429: nothing is sent until Intercom says, or else until its window ends.
    ///
    /// One that says nothing of the limit, among responses of another kind, need not come from the limit. Then just its own
    /// call waits, and all others do only when there are more of these. Gives the moment from which that call may be made.
    pub(super) fn throttled(&mut self, response: &Response, times: u32, now: Time, backoff: &mut Backoff) -> Time {
        let reset = self
            .window
            .filter(|_| {
                response
                    .rate_limit
                    .is_some_and(|headers| self.is_credible(headers, now))
            })
            .map(|window| self.end_of(&window))
            .filter(|end| *end > now);
        let announced = match (response.retry_after, reset) {
            (Some(wait), _) => Some(now.after(wait.min(self.longest_wait))),
            (None, reset) => reset,
        };
        let is_lone = announced.is_none() && self.doubt == 0;
        if announced.is_none() {
            self.doubt = (self.doubt + RESPONSES_AGAINST_ONE_429).min(2 * RESPONSES_AGAINST_ONE_429);
        }
        if is_lone {
            return now.after(backoff.longest(times)).after(backoff.jitter(RESUME_JITTER));
        }
        if self.paused_until(now).is_none() {
            // Calls that were in flight together count as one.
            self.throttled_in_a_row = self.throttled_in_a_row.saturating_add(1);
        }
        let until = announced.unwrap_or_else(|| now.after(backoff.longest(self.throttled_in_a_row)));
        let until = until.after(backoff.jitter(RESUME_JITTER));
        self.paused_until = self.paused_until.max(Some(until));
        match announced {
            Some(_) => now,
            None => now.after(backoff.longest(times)),
        }
    }

    /// How many more calls can be made in the window: what is left, less a reserve, and less the calls of which it is
    /// not known whether they are counted already.
    fn available(&self, window: &Window) -> u32 {
        let uncounted = match window.presumed {
            // What has been sent in it has been taken off.
            Some(_) => 0,
            None => self.in_flight.range(window.reported_by..).count(),
        };
        let reserve = (window.limit / 100).min(20);
        let uncounted = u32::try_from(uncounted).unwrap_or(u32::MAX);
        window.remaining.saturating_sub(reserve).saturating_sub(uncounted)
    }

    /// What is known of the current window.
    pub(super) fn budget(&self) -> Option<Budget> {
        self.window.map(|window| Budget {
            limit: window.limit,
            remaining: window.remaining,
            resets: self.end_of(&window),
        })
    }
}
