//! Dates in all the forms that reach RudderStack, read as JavaScript's `Date` reads them.
//!
//! Two differences, both in favour of the data: a time without an offset is UTC (JavaScript: the zone of whoever reads),
//! and a weekday that does not fit the date is passed over.

use chrono::NaiveDate;

/// The furthest moment from 1970 that JavaScript's `Date` can hold, in seconds.
pub(crate) const FURTHEST: i64 = 8_640_000_000_000;

/// Reads a date, as whole seconds since 1970 (the floor of the instant); `None` if it is not one.
pub(crate) fn unix_seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    iso(text)
        .or_else(|| written(text))
        .filter(|seconds| seconds.abs() <= FURTHEST)
}

/// A time of day and the offset it is given in, both in seconds.
#[derive(Clone, Copy, Default)]
struct Clock {
    seconds: i64,
    offset: i64,
}

fn instant(year: i32, month: u32, day: u32, clock: Clock) -> Option<i64> {
    let date = NaiveDate::from_ymd_opt(year, month, day)?;
    Some(date.and_hms_opt(0, 0, 0)?.and_utc().timestamp() + clock.seconds - clock.offset)
}

/// Seconds since midnight. 24:00:00 is the midnight that ends the day; a leap second counts as the second after it.
fn time_of_day(hour: u32, minute: u32, second: u32) -> Option<i64> {
    let fits = (hour < 24 && minute < 60 && second <= 60) || (hour == 24 && minute == 0 && second == 0);
    fits.then(|| i64::from(hour * 3600 + minute * 60 + second))
}

/// ISO 8601 and RFC 3339: date, date and time, week-less and ordinal-less, in basic separators only.
fn iso(text: &str) -> Option<i64> {
    let mut cursor = Cursor::new(text);
    let year = cursor.signed_year()?;
    let mut month = 1;
    let mut day = 1;
    if cursor.eat(b'-') {
        month = cursor.digits(2)?;
        if cursor.eat(b'-') {
            day = cursor.digits(2)?;
        }
    }
    let mut clock = Clock::default();
    if cursor.eat_any(b"Tt ") {
        cursor.skip_spaces();
        clock = cursor.clock()?;
    }
    cursor.is_at_end().then(|| instant(year, month, day, clock)).flatten()
}

struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text.as_bytes() }
    }

    fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.eat_any(&[byte])
    }

    fn eat_any(&mut self, bytes: &[u8]) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if bytes.contains(first) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    /// Exactly so many digits.
    fn digits(&mut self, count: usize) -> Option<u32> {
        let (number, rest) = self.rest.split_at_checked(count)?;
        let mut value = 0;
        for byte in number {
            value = value * 10 + u32::from(byte.is_ascii_digit().then(|| byte - b'0')?);
        }
        self.rest = rest;
        Some(value)
    }

    /// Four digits, or a sign and six. Years before 0 are refused.
    fn signed_year(&mut self) -> Option<i32> {
        let year = if self.eat(b'+') {
            self.digits(6)?
        } else {
            self.digits(4)?
        };
        i32::try_from(year).ok()
    }

    /// `hh:mm`, `hh:mm:ss`, with a fraction of any length, and an offset.
    fn clock(&mut self) -> Option<Clock> {
        let hour = self.digits(2)?;
        if !self.eat(b':') {
            return None;
        }
        let minute = self.digits(2)?;
        let second = if self.eat(b':') { self.digits(2)? } else { 0 };
        let mut fraction = false;
        if self.eat_any(b".,") {
            let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 {
                return None;
            }
            fraction = self.rest[..digits].iter().any(|byte| *byte != b'0');
            self.rest = &self.rest[digits..];
        }
        if hour == 24 && fraction {
            return None;
        }
        self.skip_spaces();
        let offset = if self.is_at_end() || self.eat_any(b"Zz") {
            0
        } else {
            self.offset()?
        };
        Some(Clock {
            seconds: time_of_day(hour, minute, second)?,
            offset,
        })
    }

    /// `+hh:mm`, `+hhmm` or `+hh`.
    fn offset(&mut self) -> Option<i64> {
        let sign = if self.eat(b'+') {
            1
        } else if self.eat(b'-') {
            -1
        } else {
            return None;
        };
        let hours = self.digits(2)?;
        self.eat(b':');
        let minutes = if self.is_at_end() { 0 } else { self.digits(2)? };
        (hours < 24 && minutes < 60).then(|| sign * i64::from(hours * 3600 + minutes * 60))
    }
}

/// Dates with names or slashes: RFC 2822, what `Date.toString()` prints, `May 19, 2019 18:34:24`, `01/05/2024`.
fn written(text: &str) -> Option<i64> {
    let mut found = Written::default();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            ' ' | ',' | '\t' => &rest[1..],
            '(' => after_comment(rest)?,
            'a'..='z' | 'A'..='Z' => {
                let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
                found.word(&rest[..end])?;
                // A full stop ends an abbreviation; a hyphen joins `19-May-2019`.
                rest[end..].strip_prefix(['.', '-']).unwrap_or(&rest[end..])
            }
            '+' | '-' => {
                let end = rest[1..]
                    .find(|c: char| !c.is_ascii_digit() && c != ':')
                    .map_or(rest.len(), |at| at + 1);
                found.offset(&rest[..end])?;
                &rest[end..]
            }
            '0'..='9' => {
                let end = rest
                    .find(|c: char| !matches!(c, '0'..='9' | ':' | '/' | '.'))
                    .unwrap_or(rest.len());
                let (token, after) = rest.split_at(end);
                if token.contains(':') {
                    found.time(token)?;
                    after
                } else if token.contains('/') {
                    found.slashes(token)?;
                    after
                } else {
                    let token = token.strip_suffix('.').unwrap_or(token);
                    found.number(token)?;
                    // `19-May-2019`, `19th May`.
                    let after = after.strip_prefix('-').unwrap_or(after);
                    ["st", "nd", "rd", "th"]
                        .iter()
                        .find_map(|suffix| after.strip_prefix(suffix))
                        .unwrap_or(after)
                }
            }
            _ => return None,
        };
    }
    found.instant()
}

/// What follows a comment in parentheses, which may be nested.
fn after_comment(text: &str) -> Option<&str> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => {
                depth -= 1;
                if depth == 0 {
                    return Some(&text[at + 1..]);
                }
            }
            _ => {}
        }
    }
    None
}

#[derive(Default)]
struct Written {
    year: Option<i32>,
    month: Option<u32>,
    day: Option<u32>,
    clock: Option<(u32, u32, u32)>,
    afternoon: Option<bool>,
    offset: Option<i64>,
    zone: bool,
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];
/// The zones that JavaScript knows by name, with their offsets in hours.
const ZONES: [(&str, i64); 11] = [
    ("z", 0),
    ("ut", 0),
    ("utc", 0),
    ("gmt", 0),
    ("est", -5),
    ("edt", -4),
    ("cst", -6),
    ("cdt", -5),
    ("mst", -7),
    ("mdt", -6),
    ("pst", -8),
];

/// `None` where the slot is taken already.
fn fill<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.is_none().then(|| *slot = Some(value))
}

impl Written {
    fn word(&mut self, word: &str) -> Option<()> {
        let word = word.to_ascii_lowercase();
        let names = |full: &&str| word.len() >= 3 && full.starts_with(word.as_str());
        if let Some(month) = MONTHS.iter().position(names) {
            return fill(&mut self.month, month as u32 + 1);
        }
        if WEEKDAYS.iter().any(names) {
            return Some(());
        }
        match word.as_str() {
            "am" | "pm" => return fill(&mut self.afternoon, word == "pm"),
            // `2019-05-19T18:34` is ISO; here the letter only separates.
            "t" | "at" | "of" => return Some(()),
            "pdt" => {
                self.zone = true;
                return fill(&mut self.offset, -7 * 3600);
            }
            _ => {}
        }
        let (_, hours) = ZONES.iter().find(|(name, _)| *name == word)?;
        self.zone = true;
        // `GMT+0200`: the name is followed by what counts.
        if *hours != 0 {
            fill(&mut self.offset, hours * 3600)?;
        }
        Some(())
    }

    fn offset(&mut self, token: &str) -> Option<()> {
        let mut cursor = Cursor::new(token);
        // `19-2019` is no date that anybody writes.
        if self.clock.is_none() && !self.zone {
            return None;
        }
        let offset = cursor.offset().filter(|_| cursor.is_at_end())?;
        fill(&mut self.offset, offset)
    }

    fn time(&mut self, token: &str) -> Option<()> {
        let (clock, fraction) = token.split_once('.').unwrap_or((token, "0"));
        if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let mut parts = clock
            .split(':')
            .map(|part| (part.len() <= 2).then(|| part.parse::<u32>().ok()).flatten());
        let time = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
        parts.next().is_none().then(|| fill(&mut self.clock, time)).flatten()
    }

    /// `month/day/year`, or `year/month/day`.
    fn slashes(&mut self, token: &str) -> Option<()> {
        let mut parts = token.split('/');
        let (a, b, c) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let (year, month, day) = if a.len() == 4 { (a, b, c) } else { (c, a, b) };
        fill(&mut self.year, year_of(year)?)?;
        fill(&mut self.month, month.parse().ok()?)?;
        fill(&mut self.day, day.parse().ok()?)
    }

    fn number(&mut self, token: &str) -> Option<()> {
        if token.len() <= 2 && self.day.is_none() {
            return fill(&mut self.day, token.parse().ok()?);
        }
        fill(&mut self.year, year_of(token)?)
    }

    fn instant(self) -> Option<i64> {
        let (mut hour, minute, second) = self.clock.unwrap_or_default();
        if let Some(afternoon) = self.afternoon {
            if !(1..=12).contains(&hour) {
                return None;
            }
            hour = hour % 12 + if afternoon { 12 } else { 0 };
        }
        let clock = Clock {
            seconds: time_of_day(hour, minute, second)?,
            offset: self.offset.unwrap_or(0),
        };
        instant(self.year?, self.month?, self.day?, clock)
    }
}

/// A year of four digits, or of two: up to 49 means this century, as in JavaScript.
fn year_of(token: &str) -> Option<i32> {
    let year: i32 = token
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| token.parse().ok())??;
    match token.len() {
        1 | 2 => Some(year + if year < 50 { 2000 } else { 1900 }),
        4..=6 => Some(year),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::unix_seconds;

    #[test]
    fn dates_of_every_form() {
        for (text, seconds) in [
            ("Mon May 19 2019 18:34:24 GMT+0000 (UTC)", 1_558_290_864),
            (
                "Sun May 19 2019 20:34:24 GMT+0200 (Central European Summer Time)",
                1_558_290_864,
            ),
            ("2024-01-05T19:11:00.337Z", 1_704_481_860),
            ("2024-01-05t19:11:00z", 1_704_481_860),
            ("2024-01-05 19:11:00.337123456789", 1_704_481_860),
            ("2024-01-05T19:11Z", 1_704_481_860),
            ("2024-01-05T24:00:00Z", 1_704_499_200),
            ("2024-01-05", 1_704_412_800),
            ("2024-01", 1_704_067_200),
            ("2023-11-22T10:12:44.757+05:30", 1_700_628_164),
            ("2023-11-22T10:12:44+0530", 1_700_628_164),
            ("1969-12-31T23:59:59.5Z", -1),
            ("Fri, 05 Jan 2024 19:11:00 GMT", 1_704_481_860),
            ("Fri, 5 Jan 2024 14:11:00 -0500", 1_704_481_860),
            ("5 Jan 2024 14:11:00 EST", 1_704_481_860),
            ("5 Jan 24 19:11", 1_704_481_860),
            ("May 19, 2019 18:34:24", 1_558_290_864),
            ("may 19 2019 6:34:24 pm", 1_558_290_864),
            ("19-May-2019 18:34:24", 1_558_290_864),
            ("01/05/2024", 1_704_412_800),
            ("1/5/24 19:11:00", 1_704_481_860),
            ("2024/01/05 19:11:00", 1_704_481_860),
            ("2040-02-29T00:00:00Z", 2_214_086_400),
        ] {
            assert_eq!(unix_seconds(text), Some(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "yesterday",
            "2023-02-29",
            "2024-13-01",
            "2024-01-05T25:00:00Z",
            "2024-01-05T24:00:01Z",
            "-000001-01-01T00:00:00Z",
            "2024-01-05T19:11:00.Z",
            "2024-01-05Tx",
            "13/45/2024",
            "May 19",
            "12:00",
            "Mon May 19 2019 18:34:24 GMT+0000 (UTC",
            "May May 19 2019",
            "日本",
            "99999999-01-01",
        ] {
            assert_eq!(unix_seconds(text), None, "{text}");
        }
    }
}
