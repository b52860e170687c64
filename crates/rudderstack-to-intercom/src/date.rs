//! Dates in all the forms that reach RudderStack, read as JavaScript's `Date` reads them.
//!
//! The differences are in favour of the data: a time without an offset is UTC (JavaScript: the zone of whoever reads), a
//! weekday that does not fit the date is passed over, and what JavaScript only guesses at is refused: a date without a
//! year, a day that its month does not have (`2023-02-29`), `01.05.2024`, words that mean nothing.

/// The furthest moment from 1970 that JavaScript's `Date` can hold, in seconds.
pub(crate) const FURTHEST: i64 = 8_640_000_000_000;

/// Reads a date, as whole seconds since 1970 (the floor of the instant); `None` if it is not one.
pub(crate) fn unix_seconds(text: &str) -> Option<i64> {
    if let Some(seconds) = usual(text) {
        return Some(seconds);
    }
    let text = text.trim();
    let mut parts = Parts::default();
    let mut rest = Text(text);
    parts.iso = rest.iso_date().or_else(|| rest.basic_date());
    while let Some(first) = rest.peek() {
        match first {
            '(' => rest.skip_comment(),
            '0'..='9' => parts.number(&mut rest)?,
            'a'..='z' | 'A'..='Z' => parts.word(&mut rest)?,
            '+' | '-' => parts.offset(&mut rest)?,
            ',' => rest.skip(first),
            space if space.is_whitespace() => rest.skip(space),
            _ => return None,
        }
    }
    parts.instant().filter(|seconds| seconds.abs() <= FURTHEST)
}

/// A date as nearly all of them are written, `2024-01-05T19:11:00.337Z`; `None` if it is any other, or none at all.
fn usual(text: &str) -> Option<i64> {
    let (moment, rest) = text.as_bytes().split_first_chunk::<19>()?;
    let fraction = match rest {
        [b'Z'] => &[][..],
        [b'.', fraction @ .., b'Z'] if !fraction.is_empty() => fraction,
        _ => return None,
    };
    let [a, b, c, d, b'-', e, f, b'-', g, h, b'T', i, j, b':', k, l, b':', m, n] = *moment else {
        return None;
    };
    if !fraction
        .iter()
        .chain(&[a, b, c, d, e, f, g, h, i, j, k, l, m, n])
        .all(u8::is_ascii_digit)
    {
        return None;
    }
    let two = |tens: u8, ones: u8| u32::from(tens - b'0') * 10 + u32::from(ones - b'0');
    let (hour, minute, second) = (two(i, j), two(k, l), two(m, n));
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let year = two(a, b) * 100 + two(c, d);
    let midnight = days_since_1970(year.into(), two(e, f), two(g, h))? * 86_400;
    Some(midnight + i64::from(hour * 3600 + minute * 60 + second))
}

/// What is left of a text.
#[derive(Clone, Copy)]
struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    fn peek(self) -> Option<char> {
        self.0.chars().next()
    }

    fn skip(&mut self, c: char) {
        self.0 = &self.0[c.len_utf8()..];
    }

    /// Takes one of these characters, if it is next.
    fn eat(&mut self, chars: &[char]) -> bool {
        match self.0.strip_prefix(chars) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn take_while(&mut self, takes: impl Fn(u8) -> bool) -> &'a str {
        let end = self.0.bytes().position(|byte| !takes(byte)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest;
        taken
    }

    fn digits(&mut self) -> &'a str {
        self.take_while(|byte| byte.is_ascii_digit())
    }

    /// A number of one or two digits.
    fn small(&mut self) -> Option<u32> {
        let digits = self.digits();
        (digits.len() <= 2).then(|| digits.parse().ok()).flatten()
    }

    /// A number of exactly so many digits; more may follow.
    fn fixed(&mut self, count: usize) -> Option<u32> {
        let digits = self.0.get(..count)?;
        let number = digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| digits.parse().ok());
        self.0 = &self.0[count..];
        number.flatten()
    }

    /// `2024-01-05` or `2024-01`, with a time, a zone or nothing behind it; a year of its own; `+002024-01-05`. Takes nothing
    /// if it is something else. Years before 0 are refused.
    fn iso_date(&mut self) -> Option<(i64, u32, u32)> {
        let mut rest = *self;
        let year = if rest.eat(&['+']) {
            rest.fixed(6)?
        } else {
            rest.fixed(4)?
        };
        let mut month_and_day = [1, 1];
        let mut read = 0;
        while read < 2 && rest.eat(&['-']) {
            month_and_day[read] = rest.fixed(2)?;
            read += 1;
        }
        let ends = match rest.peek() {
            None => true,
            Some(next) => read > 0 && (matches!(next, 'T' | 't' | 'Z' | 'z') || next.is_whitespace()),
        };
        if !ends {
            return None;
        }
        *self = rest;
        Some((year.into(), month_and_day[0], month_and_day[1]))
    }

    /// The date of `20240105T191100Z`; the digits of the time are left.
    fn basic_date(&mut self) -> Option<(i64, u32, u32)> {
        let mut rest = *self;
        let date = (rest.fixed(4)?.into(), rest.fixed(2)?, rest.fixed(2)?);
        if !rest.eat(&['T', 't']) {
            return None;
        }
        *self = rest;
        Some(date)
    }

    /// A comment in parentheses, which may be nested, and may lack its end.
    fn skip_comment(&mut self) {
        let mut depth = 0usize;
        while let Some(c) = self.peek() {
            self.skip(c);
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }
}

/// A number of a date, and how many digits it was written with.
#[derive(Clone, Copy)]
struct Figure {
    value: u32,
    digits: usize,
}

impl Figure {
    fn is_day(self) -> bool {
        self.digits <= 2 && (1..=31).contains(&self.value)
    }

    /// A year of four digits and more, or of fewer: up to 49 means this century, as in JavaScript.
    fn year(self) -> Option<i64> {
        let year = i64::from(self.value);
        match self.digits {
            1 | 2 => Some(year + if year < 50 { 2000 } else { 1900 }),
            4..=6 => Some(year),
            _ => None,
        }
    }
}

/// What has been read of a date.
#[derive(Default)]
struct Parts {
    /// Year, month and day of an ISO date.
    iso: Option<(i64, u32, u32)>,
    figures: Vec<Figure>,
    month: Option<u32>,
    /// Seconds since midnight, as written.
    time: Option<Time>,
    afternoon: Option<bool>,
    /// Seconds east of Greenwich.
    offset: Option<i64>,
    zone: Option<Zone>,
}

#[derive(Clone, Copy)]
struct Time {
    hour: u32,
    minute: u32,
    second: u32,
    fraction: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Zone {
    /// A name of Greenwich's time, which an offset may follow.
    Utc,
    /// Any other.
    Other,
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
const ZONES: [(&str, i64); 12] = [
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
    ("pdt", -7),
];

/// `None` where the slot is taken already.
fn fill<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.is_none().then(|| *slot = Some(value))
}

impl Parts {
    /// A time, or a figure of the date.
    fn number(&mut self, text: &mut Text<'_>) -> Option<()> {
        let mut ahead = *text;
        let digits = ahead.digits();
        if ahead.eat(&[':']) {
            return self.clock(text);
        }
        if self.iso.is_some() {
            // Behind the `T` of a basic date.
            return if digits.len() == 4 || digits.len() == 6 {
                self.basic_clock(text)
            } else {
                None
            };
        }
        *text = ahead;
        self.figures.push(Figure {
            value: digits.parse().ok()?,
            digits: digits.len(),
        });
        // `19-May-2019`, `01/05/2024`, `19. May`, `2024.01.05`, `19th May`; but not `01.05.2024`, which is the first of May
        // to some.
        let dot_joins = text.0.starts_with(". ") || self.figures.first().is_some_and(|first| first.digits == 4);
        let joined = text.eat(&['-', '/']) || (dot_joins && text.eat(&['.']));
        if joined && text.0.is_empty() {
            return None;
        }
        let suffix = text.0.get(..2).map(str::to_ascii_lowercase);
        if !joined && matches!(suffix.as_deref(), Some("st" | "nd" | "rd" | "th")) {
            text.0 = &text.0[2..];
        }
        (self.figures.len() <= 3).then_some(())
    }

    /// `hh:mm`, `hh:mm:ss`, with a fraction of any length.
    fn clock(&mut self, text: &mut Text<'_>) -> Option<()> {
        let hour = text.small()?;
        let minute = text.eat(&[':']).then(|| text.small())??;
        let second = if text.eat(&[':']) { text.small()? } else { 0 };
        self.fraction(text, hour, minute, second)
    }

    /// `hhmm`, `hhmmss`, with a fraction of any length.
    fn basic_clock(&mut self, text: &mut Text<'_>) -> Option<()> {
        let (hour, minute) = (text.fixed(2)?, text.fixed(2)?);
        let second = text.fixed(2).unwrap_or(0);
        self.fraction(text, hour, minute, second)
    }

    fn fraction(&mut self, text: &mut Text<'_>, hour: u32, minute: u32, second: u32) -> Option<()> {
        let mut fraction = false;
        // A comma may also end the time.
        let is_fraction = |next: &str| next.starts_with(|c: char| c.is_ascii_digit());
        if text.0.starts_with('.') || text.0.strip_prefix(',').is_some_and(is_fraction) {
            text.eat(&['.', ',']);
            let digits = text.digits();
            if digits.is_empty() {
                return None;
            }
            fraction = digits.bytes().any(|digit| digit != b'0');
        }
        let time = Time {
            hour,
            minute,
            second,
            fraction,
        };
        fill(&mut self.time, time)
    }

    fn word(&mut self, text: &mut Text<'_>) -> Option<()> {
        let word = text.take_while(|byte| byte.is_ascii_alphabetic()).to_ascii_lowercase();
        let names = |full: &&str| word.len() >= 3 && full.starts_with(word.as_str());
        if let Some(month) = MONTHS.iter().position(names) {
            // `19-May-2019`, `Jan. 5`.
            text.eat(&['-', '.']);
            return fill(&mut self.month, month as u32 + 1);
        }
        if WEEKDAYS.iter().any(names) {
            text.eat(&['.']);
            return Some(());
        }
        match word.as_str() {
            "am" | "pm" => return self.time.and_then(|_| fill(&mut self.afternoon, word == "pm")),
            // `2019-05-19T18:34`.
            "t" => return text.peek()?.is_ascii_digit().then_some(()),
            "at" | "of" => return Some(()),
            _ => {}
        }
        let (_, hours) = ZONES.iter().find(|(name, _)| *name == word)?;
        if *hours != 0 {
            fill(&mut self.zone, Zone::Other)?;
            return fill(&mut self.offset, hours * 3600);
        }
        self.zone.get_or_insert(Zone::Utc);
        match self.offset {
            // `+0000 UTC`.
            Some(offset) => (offset == 0).then_some(()),
            // `GMT+0200`: the name is followed by what counts.
            None => Some(()),
        }
    }

    /// `+hh:mm`, `+hhmm`, `+hmm`, `+hh` or `+h`, behind a time or the name of Greenwich's.
    fn offset(&mut self, text: &mut Text<'_>) -> Option<()> {
        let sign = if text.eat(&['+']) {
            1
        } else {
            text.eat(&['-']);
            -1
        };
        if self.zone == Some(Zone::Other) || (self.time.is_none() && self.zone.is_none()) {
            return None;
        }
        let digits = text.digits();
        let number: u32 = digits.parse().ok()?;
        let (hours, minutes) = match digits.len() {
            1 | 2 => (number, if text.eat(&[':']) { text.fixed(2)? } else { 0 }),
            3 | 4 => (number / 100, number % 100),
            _ => return None,
        };
        let is_offset = hours < 24 && minutes < 60;
        is_offset.then(|| fill(&mut self.offset, sign * i64::from(hours * 3600 + minutes * 60)))?
    }

    fn instant(&self) -> Option<i64> {
        let (year, month, day) = self.date()?;
        let midnight = days_since_1970(year, month, day)? * 86_400;
        Some(midnight + self.seconds_of_day()? - self.offset.unwrap_or(0))
    }

    fn date(&self) -> Option<(i64, u32, u32)> {
        if let Some(iso) = self.iso {
            return (self.figures.is_empty() && self.month.is_none()).then_some(iso);
        }
        match (self.month, self.figures.as_slice()) {
            (Some(month), [year]) if !year.is_day() => Some((year.year()?, month, 1)),
            (Some(month), [year, day]) if !year.is_day() => Some((year.year()?, month, day.value)),
            (Some(month), [day, year]) => Some((year.year()?, month, day.value)),
            (None, [year, month]) if !year.is_day() => Some((year.year()?, month.value, 1)),
            (None, [year, month, day]) if !year.is_day() => Some((year.year()?, month.value, day.value)),
            (None, [month, day, year]) => Some((year.year()?, month.value, day.value)),
            _ => None,
        }
    }

    /// 24:00:00 is the midnight that ends the day; a leap second counts as the second after it.
    fn seconds_of_day(&self) -> Option<i64> {
        let Some(Time {
            mut hour,
            minute,
            second,
            fraction,
        }) = self.time
        else {
            return Some(0);
        };
        if let Some(afternoon) = self.afternoon {
            if hour > 12 {
                return None;
            }
            hour = hour % 12 + if afternoon { 12 } else { 0 };
        }
        let fits = hour < 24 && minute < 60 && second <= 60;
        let ends_the_day = hour == 24 && minute == 0 && second == 0 && !fraction;
        (fits || ends_the_day).then(|| i64::from(hour * 3600 + minute * 60 + second))
    }
}

/// The days from 1 January 1970 to a date of the Gregorian calendar; `None` if there is no such date.
fn days_since_1970(year: i64, month: u32, day: u32) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [
        31,
        if is_leap { 29 } else { 28 },
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let months = usize::try_from(month).ok()?.checked_sub(1)?;
    if !(1..=*lengths.get(months)?).contains(&day) {
        return None;
    }
    // Years that are over, and the leap days in them.
    let years = year - 1;
    let leap_days = years.div_euclid(4) - years.div_euclid(100) + years.div_euclid(400);
    let day_of_year = lengths[..months].iter().sum::<u32>() + day - 1;
    /// The same count for 1 January 1970.
    const UNTIL_1970: i64 = 719_162;
    Some(years * 365 + leap_days + i64::from(day_of_year) - UNTIL_1970)
}

#[cfg(test)]
mod tests;
