//! Shows on a terminal how far the delivery is.

use super::tracker::Tracker;
use crate::input::Position;
use crate::print::note;
use crate::text::{counted, thousands};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use intercom_delivery::client::Control;
use intercom_delivery::{Status, Time, Waiting};
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// How often the display changes.
const TICK: Duration = Duration::from_millis(250);

/// A line on standard error that says how far the delivery is; nothing if that is not a terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    read: Position,
}

impl Progress {
    /// A display for an input that is read so far.
    pub(crate) fn new(read: Position) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self {
                bar: ProgressBar::hidden(),
                read,
            };
        }
        let bar = ProgressBar::with_draw_target(read.total(), ProgressDrawTarget::stderr());
        let template = match read.total() {
            Some(_) => "{bar:24} {percent:>3} %  {msg}",
            None => "{spinner} {msg}",
        };
        // The template is ours; should it be wrong, the default style does as well.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar, read }
    }

    /// Shows how far the delivery is, until it is dropped.
    pub(super) async fn show(&self, tracker: Arc<Tracker>, control: Control) {
        if self.bar.is_hidden() {
            return std::future::pending().await;
        }
        let start = Instant::now();
        let mut ticks = tokio::time::interval(TICK);
        loop {
            ticks.tick().await;
            self.bar.set_position(self.read.bytes());
            let message = describe(tracker.events_done(), start.elapsed(), &control.status());
            self.bar.set_message(message);
        }
    }

    /// Takes the display away.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// Prints a line without disturbing the display.
    pub(crate) fn println(&self, line: &str) {
        self.bar.suspend(|| note!("{line}"));
    }
}

/// Events, rate, what Intercom allows, and what is waited for.
fn describe(events: u64, elapsed: Duration, status: &Status) -> String {
    let rate = events as f64 / elapsed.as_secs_f64().max(0.001);
    let mut text = format!("{}, {} a second", counted(events, "event"), thousands(rate as u64));
    if status.totals.failed > 0 {
        text.push_str(&format!(", {} failed", thousands(status.totals.failed)));
    }
    if let Some(budget) = status.budget {
        text.push_str(&format!(
            ", {} of {} calls left",
            thousands(budget.remaining.into()),
            thousands(budget.limit.into())
        ));
    }
    let until = |time: Time| format!("{:.0} s", time.since(now()).as_secs_f64().ceil());
    match status.waiting {
        Some(Waiting::RateLimit(time)) => text.push_str(&format!(", waiting {} for the rate limit", until(time))),
        Some(Waiting::Throttled(time)) => text.push_str(&format!(", asked to wait {}", until(time))),
        Some(Waiting::Outage(_)) => text.push_str(", waiting until Intercom can be reached"),
        Some(Waiting::Backoff(time)) => text.push_str(&format!(", trying again in {}", until(time))),
        _ => {}
    }
    text
}

fn now() -> Time {
    Time::default().after(SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default())
}
