//! Words and colours that several commands print.

use anstyle::{AnsiColor, Style};
use intercom_api::limits;

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const FIELD: Style = AnsiColor::Cyan.on_default();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const NOTE: Style = AnsiColor::Yellow.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();

/// The text without characters that a terminal would take for commands.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}

/// How many minutes calls take at the rate limit of an app.
pub(crate) fn minutes(calls: u64) -> f64 {
    calls as f64 / f64::from(limits::CALLS_PER_MINUTE)
}

/// The same in words.
pub(crate) fn duration(minutes: f64) -> String {
    match minutes {
        ..1.0 => "less than a minute".to_owned(),
        ..90.0 => counted(minutes.ceil() as u64, "minute"),
        _ => format!("{:.1} hours", minutes / 60.0),
    }
}

/// The number with a comma between thousands.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The number and what it counts, in the plural where it is not one.
pub(crate) fn counted(number: u64, what: &str) -> String {
    format!("{} {}", thousands(number), plural(number, what))
}

/// The numbers of lines; nothing if there are none.
pub(crate) fn lines(lines: &[u64]) -> String {
    let numbers: Vec<String> = lines.iter().map(u64::to_string).collect();
    match numbers.len() as u64 {
        0 => String::new(),
        count => format!("{} {}", plural(count, "line"), numbers.join(", ")),
    }
}

/// The word, in the plural unless there is one of it.
pub(crate) fn plural(number: u64, word: &str) -> String {
    match word.strip_suffix('y') {
        _ if number == 1 => word.to_owned(),
        Some(stem) => format!("{stem}ies"),
        None => format!("{word}s"),
    }
}

/// The share of a whole, rounded so that only all of it is 100 % and only none of it 0 %.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "0 %".to_owned();
    }
    let share = part as f64 * 100.0 / whole as f64;
    match share {
        _ if part == 0 => "0 %".to_owned(),
        _ if part == whole => "100 %".to_owned(),
        ..0.1 => "less than 0.1 %".to_owned(),
        99.9.. => "more than 99.9 %".to_owned(),
        _ => format!("{share:.1} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_easy_to_read() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (12_345_678, "12,345,678")] {
            assert_eq!(thousands(number), text);
        }
        assert_eq!(counted(1, "event"), "1 event");
        assert_eq!(counted(0, "event"), "0 events");
        assert_eq!(counted(2, "company"), "2 companies");
    }

    #[test]
    fn only_all_of_it_is_a_hundred_percent() {
        for (part, whole, text) in [
            (0, 0, "0 %"),
            (0, 5, "0 %"),
            (5, 5, "100 %"),
            (1, 3, "33.3 %"),
            (99_999, 100_000, "more than 99.9 %"),
            (1, 100_000, "less than 0.1 %"),
        ] {
            assert_eq!(percent(part, whole), text);
        }
    }

    #[test]
    fn nothing_printed_commands_the_terminal() {
        assert_eq!(printable("a\u{1b}[31m\nb"), "a\u{fffd}[31m\u{fffd}b");
    }
}
