//! Shows on a terminal how far the delivery is.

use super::tracker::{SoFar, Tracker};
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
            let so_far = tracker.so_far();
            self.bar.set_position(so_far.share_of(self.read.bytes()));
            let message = describe(so_far, start.elapsed(), &control.status());
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

impl SoFar {
    /// As much of what has been read as has come to an outcome.
    fn share_of(self, read: u64) -> u64 {
        let done = self.earlier + self.done;
        let all = done + self.under_way + self.awaiting;
        (read as f64 * (done as f64 / all.max(1) as f64)) as u64
    }
}

/// Events, rate, what Intercom allows, and what is waited for.
fn describe(so_far: SoFar, elapsed: Duration, status: &Status) -> String {
    let mut text = counts(so_far, elapsed);
    if let Some(budget) = status.budget {
        text.push_str(&format!(
            ", {} of {} calls left",
            thousands(budget.remaining.into()),
            thousands(budget.limit.into())
        ));
    }
    let until = |time: Time| format!("{:.0} s", time.since(now()).as_secs_f64().ceil().max(1.0));
    match status.waiting {
        Some(Waiting::RateLimit(time)) => text.push_str(&format!(", waiting {} for the rate limit", until(time))),
        Some(Waiting::Throttled(time)) => text.push_str(&format!(", asked to wait {}", until(time))),
        Some(Waiting::Outage(_)) => text.push_str(", waiting until Intercom can be reached"),
        Some(Waiting::Backoff(time)) => text.push_str(&format!(", trying again in {}", until(time))),
        _ => {}
    }
    text
}

fn counts(so_far: SoFar, elapsed: Duration) -> String {
    let rate = so_far.done as f64 / elapsed.as_secs_f64().max(0.001);
    let mut text = format!("{}, {} a second", counted(so_far.done, "event"), thousands(rate as u64));
    if so_far.failed > 0 {
        text.push_str(&format!(", {} failed", thousands(so_far.failed)));
    }
    match so_far.awaiting {
        0 => {}
        1 => text.push_str(", 1 waits for its contact"),
        awaiting => text.push_str(&format!(", {} wait for their contact", thousands(awaiting))),
    }
    text
}

fn now() -> Time {
    Time::default().after(SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_has_not_failed_and_is_not_done() {
        let so_far = SoFar {
            earlier: 10,
            done: 40,
            failed: 2,
            under_way: 30,
            awaiting: 20,
        };
        assert_eq!(so_far.share_of(1_000), 500);
        assert_eq!(SoFar::default().share_of(0), 0);
        assert_eq!(
            counts(so_far, Duration::from_secs(2)),
            "40 events, 20 a second, 2 failed, 20 wait for their contact"
        );
    }
}
