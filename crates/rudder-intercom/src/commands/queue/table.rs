//! A table that fits the terminal.

use crate::text::{BAD, BOLD, DIM, GOOD, NOTE, printable};
use anstyle::Style;
use chrono::DateTime;
use rudder_gateway::store::{EventState, TracedEvent};
use std::io::{self, IsTerminal as _, Write};

/// How wide the columns are that do not depend on the terminal, with two spaces after each: number, time, type, attempts.
const FIXED: usize = 10 + 16 + 10 + 7;
/// How many digits of what stands for a person are shown: enough to tell the people of one screen apart.
const PERSON: usize = 6;

/// How wide the other columns are.
pub(super) struct Table {
    name: usize,
    user: usize,
    outcome: usize,
}

impl Table {
    /// One that fits the terminal that standard output is, if it is one; otherwise nothing is cut.
    pub(super) fn new(shows_values: bool) -> Self {
        let width = io::stdout()
            .is_terminal()
            .then(|| terminal_size::terminal_size_of(io::stdout()))
            .flatten()
            .map(|(width, _)| usize::from(width.0));
        Self::of_width(width, shows_values)
    }

    fn of_width(width: Option<usize>, shows_values: bool) -> Self {
        let Some(width) = width else {
            return Self {
                name: usize::MAX,
                user: usize::MAX,
                outcome: usize::MAX,
            };
        };
        let left = width.saturating_sub(FIXED);
        let user = if shows_values {
            (left / 4).clamp(PERSON, 28)
        } else {
            PERSON
        };
        let left = left.saturating_sub(user + 4);
        let name = (left * 2 / 5).clamp(4, 40);
        Self {
            name,
            user,
            outcome: left.saturating_sub(name).max(9),
        }
    }

    pub(super) fn head(&self, output: &mut dyn Write) -> io::Result<()> {
        let (name, user) = (pad("NAME", self.name, 24), pad("USER", self.user, PERSON));
        writeln!(
            output,
            "{DIM}{:>8}  {:<14}  {:<8}  {name}  {user}  {:>5}  OUTCOME{DIM:#}",
            "NUMBER", "TIME (UTC)", "TYPE", "TRIES"
        )
    }

    pub(super) fn line(&self, event: &TracedEvent, user: Option<&str>, output: &mut dyn Write) -> io::Result<()> {
        let kind = event.event_type.map_or("–", |kind| kind.as_str());
        let name = pad(&printable(event.name.as_deref().unwrap_or("–")), self.name, 24);
        let person = event.person.map(|person| person.to_string()[..PERSON].to_owned());
        let user = user.map(printable).or(person).unwrap_or_else(|| "–".to_owned());
        let user = pad(&user, self.user, PERSON);
        let tries = if event.attempts == 0 {
            "–".to_owned()
        } else {
            event.attempts.to_string()
        };
        let state = event.state.as_str();
        // The colour tells the state, if there is no room for both.
        let outcome = match event.code.as_deref().map(printable) {
            Some(code) if state.len() + 2 + code.len() <= self.outcome => format!("{state}: {code}"),
            code => cut(code.as_deref().unwrap_or(state), self.outcome),
        };
        let style = style(event.state);
        writeln!(
            output,
            "{BOLD}{:>8}{BOLD:#}  {}  {kind:<8}  {name}  {user}  {tries:>5}  {style}{outcome}{style:#}",
            event.number,
            moment(event.received_at, "%m-%d %H:%M:%S"),
        )
    }
}

/// The style of what has become of an event.
pub(super) fn style(state: EventState) -> Style {
    match state {
        EventState::Delivered => GOOD,
        EventState::Failed => BAD,
        EventState::Rejected | EventState::Retrying | EventState::Awaiting => NOTE,
        _ => Style::new(),
    }
}

/// A time in UTC.
pub(super) fn moment(milliseconds: i64, format: &str) -> String {
    DateTime::from_timestamp_millis(milliseconds).map_or_else(String::new, |time| time.format(format).to_string())
}

/// A length of time in its greatest unit.
pub(super) fn elapsed(milliseconds: i64) -> String {
    let seconds = milliseconds.max(0) / 1_000;
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// The text, cut where it is longer than there is room for.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// The same, filled up with spaces; up to `usual`, if nothing is cut.
fn pad(text: &str, width: usize, usual: usize) -> String {
    let filled = if width == usize::MAX { usual } else { width };
    format!("{:<filled$}", cut(text, width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut() {
        assert_eq!((cut("abc", 3).as_str(), cut("abcd", 3).as_str()), ("abc", "ab…"));
        assert_eq!(pad("äbcd", 6, 1), "äbcd  ");
        assert_eq!(pad("abcd", usize::MAX, 6), "abcd  ");
    }

    #[test]
    fn waits_are_shown_in_their_greatest_unit() {
        assert_eq!(
            [elapsed(-1), elapsed(119_999), elapsed(120_000), elapsed(172_800_000)],
            ["0s", "119s", "2m", "2d"]
        );
    }

    #[test]
    fn a_table_fits_the_terminal() {
        for width in [80, 100, 132, 200] {
            for shows_values in [false, true] {
                let table = Table::of_width(Some(width), shows_values);
                let used = FIXED + table.name + table.user + table.outcome + 4;
                assert!(used <= width, "{used} of {width}");
            }
        }
    }
}
