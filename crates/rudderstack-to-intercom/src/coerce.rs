//! How a value of an event becomes a value of an Intercom field.

use crate::date;
use crate::issue::WarningCode;
use intercom_api::{ContactId, Number, SearchValue, UnixSeconds, Value as Json, limits};
use rudderstack_events::{Kind, Raw, Scalar};
use std::borrow::Cow;
use std::ops::RangeInclusive;

/// What came of a value.
pub(crate) enum Coerced<T> {
    /// This.
    Value(T),
    /// Nothing there: go on to the next source.
    Absent,
    /// Something of the wrong kind: warn, and go on to the next source.
    TryNext(WarningCode),
    /// The right kind, but not a possible value: warn, and leave the field out.
    Refused(WarningCode),
}

use Coerced::{Absent, Refused, TryNext, Value};

/// How values are turned into a `T`.
pub(crate) struct Coercion<T> {
    /// Its name in the mapping reference.
    pub(crate) name: &'static str,
    /// What it does, for the mapping reference.
    pub(crate) rule: &'static str,
    /// What it expects, in messages.
    pub(crate) expected: &'static str,
    /// Does it. The lifetime is that of the event.
    pub(crate) run: for<'r> fn(&'r Raw<'_>) -> Coerced<T>,
}

/// The scalar, unless it is unusable.
fn usable<'r>(raw: &'r Raw<'_>) -> Result<Scalar<'r>, Option<WarningCode>> {
    match raw.scalar() {
        Some(Scalar::String(text)) if text.is_empty() => Err(None),
        Some(scalar) => Ok(scalar),
        None if raw.is_null() => Err(None),
        None => Err(Some(WarningCode::MalformedValue)),
    }
}

macro_rules! usable {
    ($raw:expr) => {
        match usable($raw) {
            Ok(scalar) => scalar,
            Err(None) => return Absent,
            Err(Some(code)) => return TryNext(code),
        }
    };
}

pub(crate) const TEXT: Coercion<String> = Coercion {
    name: "text",
    rule: "A string as it is; a number or boolean by its JSON text.",
    expected: "a text",
    run: |raw| Value(usable!(raw).into_text().into_owned()),
};

/// Intercom's own id of a contact, which becomes part of a path: a text that would change the path is none.
pub(crate) const ANY_CONTACT_ID: Coercion<ContactId> = Coercion {
    name: "id of a contact",
    rule: "As a text, but neither `.` nor `..`, which no id is.",
    expected: "Intercom's id of a contact",
    run: |raw| {
        let id = usable!(raw).into_text().into_owned().try_into();
        id.map_or(TryNext(WarningCode::MalformedValue), Value)
    },
};

/// A value that keeps its own type.
pub(crate) const SCALAR: Coercion<SearchValue> = Coercion {
    name: "text, number or boolean",
    rule: "As it is.",
    expected: "a text, a number or a boolean",
    run: |raw| match usable!(raw) {
        Scalar::String(text) => Value(SearchValue::Text(text.into_owned())),
        Scalar::Boolean(value) => Value(SearchValue::Bool(value)),
        Scalar::Number(text) => {
            let number = Number::from_json_text(text).map(SearchValue::Number);
            number.map_or(TryNext(WarningCode::InvalidNumber), Value)
        }
    },
};

/// A text that must be an email address to count; anything else there is no fault.
pub(crate) const EMAIL_ADDRESS: Coercion<String> = Coercion {
    name: "email address",
    rule: "A string that is a valid email address; anything else is passed over.",
    expected: "an email address",
    run: |raw| match raw.string() {
        Some(text) if validator::ValidateEmail::validate_email(&text) => Value(text.into_owned()),
        _ => Absent,
    },
};

pub(crate) const BOOLEAN: Coercion<bool> = Coercion {
    name: "boolean",
    rule: "`true` and `false`, also as strings in any case.",
    expected: "a boolean",
    run: |raw| match usable!(raw) {
        Scalar::Boolean(value) => Value(value),
        Scalar::String(text) if text.eq_ignore_ascii_case("true") => Value(true),
        Scalar::String(text) if text.eq_ignore_ascii_case("false") => Value(false),
        _ => Refused(WarningCode::InvalidBoolean),
    },
};

pub(crate) const NUMBER: Coercion<Number> = Coercion {
    name: "number",
    rule: "A number with its text; a string that is a decimal, an exponent or a `0x` hexadecimal number, spaces around it allowed; `true` is 1, `false` is 0.",
    expected: "a number",
    run: |raw| number(&usable!(raw)).map_or(Refused(WarningCode::InvalidNumber), Value),
};

pub(crate) const INTEGER: Coercion<i64> = Coercion {
    name: "whole number",
    rule: "As a number, but without a fraction.",
    expected: "a whole number of 64 bits",
    run: |raw| match number(&usable!(raw)) {
        Some(number) => whole(&number).map_or(Refused(WarningCode::NotAnInteger), Value),
        None => Refused(WarningCode::InvalidNumber),
    },
};

/// A number that Intercom takes for an amount of money a month.
pub(crate) const MONTHLY_AMOUNT: Coercion<Number> = Coercion {
    name: "monthly amount",
    rule: "As a number, but at most 2147483647.",
    expected: "a number of at most 2147483647",
    run: |raw| match number(&usable!(raw)) {
        // The limit is far below the integers that a double cannot hold.
        Some(number) if number.as_f64().trunc() <= limits::MONTHLY_SPEND as f64 => Value(number),
        Some(_) => Refused(WarningCode::TooLarge),
        None => Refused(WarningCode::InvalidNumber),
    },
};

/// What has the form of Intercom's own ids of contacts; anything else gives way to the next source.
pub(crate) const CONTACT_ID: Coercion<ContactId> = Coercion {
    name: "contact id",
    rule: "A text of 24 hexadecimal digits.",
    expected: "an id that Intercom gives a contact, which has 24 hexadecimal digits",
    run: |raw| {
        let text = usable!(raw).into_text();
        let is_id = text.len() == limits::CONTACT_ID_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match ContactId::try_from(text.into_owned()) {
            Ok(id) if is_id => Value(id),
            _ => TryNext(WarningCode::IdNotAContact),
        }
    },
};

const DATES: &str = "A date, rounded down to the second: ISO 8601 and RFC 3339 (date only and no offset mean UTC), RFC 2822, \
    what JavaScript's `Date.toString()` prints (a weekday that does not fit is ignored), `May 19, 2019 18:34:24`, `01/05/2024` \
    (month first). A number, also as a string: seconds; from 10¹¹ on milliseconds, from 10¹⁴ on microseconds, from 10¹⁷ on \
    nanoseconds. Before 1970 or after 9999: left out, `date_out_of_range`.";

pub(crate) const UNIX_SECONDS: Coercion<UnixSeconds> = Coercion {
    name: "Unix seconds",
    rule: DATES,
    expected: "a date",
    run: |raw| unix_seconds(&usable!(raw)).map_or_else(Refused, Value),
};

/// For a field that must have a date: what is no date gives way to the next source.
pub(crate) const FIRST_UNIX_SECONDS: Coercion<UnixSeconds> = Coercion {
    name: "Unix seconds, of the first that is a date",
    rule: "As Unix seconds, but what is no date gives way to the next place instead of ending the search.",
    expected: "a date",
    run: |raw| unix_seconds(&usable!(raw)).map_or_else(TryNext, Value),
};

pub(crate) const ROLE: Coercion<intercom_api::contacts::Role> = Coercion {
    name: "role",
    rule: "`user` or `lead`.",
    expected: "one of the roles user and lead",
    run: |raw| match usable!(raw).into_text().as_ref() {
        "user" => Value(intercom_api::contacts::Role::User),
        "lead" => Value(intercom_api::contacts::Role::Lead),
        _ => Refused(WarningCode::InvalidRole),
    },
};

pub(crate) const IMAGE_URL: Coercion<String> = Coercion {
    name: "image URL",
    rule: "A string; of an object its `image_url`.",
    expected: "the address of an image",
    run: |raw| {
        if raw.kind() == Kind::Object {
            let url = raw
                .as_object()
                .and_then(|object| object.get("image_url")?.string().map(Cow::into_owned));
            return url
                .filter(|url| !url.is_empty())
                .map_or(TryNext(WarningCode::InvalidImageUrl), Value);
        }
        match usable!(raw) {
            Scalar::String(text) => Value(text.into_owned()),
            _ => Refused(WarningCode::InvalidImageUrl),
        }
    },
};

macro_rules! documented {
    ($($coercion:ident),+) => {
        /// The coercions, with what they do.
        pub(crate) const DOCUMENTED: &[(&str, &str)] = &[$(($coercion.name, $coercion.rule)),+];
    };
}
documented! { TEXT, ANY_CONTACT_ID, EMAIL_ADDRESS, NUMBER, MONTHLY_AMOUNT, INTEGER, BOOLEAN, UNIX_SECONDS, FIRST_UNIX_SECONDS, ROLE, IMAGE_URL, SCALAR }

/// The number that JavaScript's `Number()` makes of a value, with its text where that is JSON already.
fn number(scalar: &Scalar<'_>) -> Option<Number> {
    match scalar {
        Scalar::Number(text) => Number::from_json_text(text),
        Scalar::Boolean(value) => Some(Number::from(i64::from(*value))),
        Scalar::String(text) => number_of_text(text.trim()),
    }
}

fn number_of_text(text: &str) -> Option<Number> {
    if let Some(number) = Number::from_json_text(text) {
        return number.as_f64().is_finite().then_some(number);
    }
    match text {
        "true" => return Some(Number::from(1i64)),
        "false" => return Some(Number::from(0i64)),
        _ => {}
    }
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        let digits = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = digits.then(|| u128::from_str_radix(hex, 16).ok()).flatten()?;
        return Number::from_json_text(&number.to_string());
    }
    let number = Number::from_json_text(&json_of_decimal(text)?)?;
    number.as_f64().is_finite().then_some(number)
}

/// A decimal that is not JSON as one that is: `+1`, `.5`, `1.`, `007`.
fn json_of_decimal(text: &str) -> Option<String> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = text.split_at(text.find(['e', 'E']).unwrap_or(text.len()));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}{exponent}"))
}

/// Whether a number has no fraction, however it is written: `13.0` and `1e2` have none.
pub(crate) fn is_whole(number: &Number) -> bool {
    let text = number.as_str();
    // Nearly all are written so.
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return true;
    }
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (_, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = fraction.trim_end_matches('0').len();
    // An exponent that is too long for a number of digits moves the point beyond any fraction, or any whole.
    match exponent.parse::<i64>() {
        Ok(exponent @ 0..) => digits as u64 <= exponent.unsigned_abs(),
        Ok(_) => whole(number).is_some(),
        Err(_) => !exponent.starts_with('-'),
    }
}

/// The value of a whole number, if it fits.
pub(crate) fn whole(number: &Number) -> Option<i64> {
    if let Some(number) = number.as_i64() {
        return Some(number);
    }
    let text = number.as_str();
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits = format!("{whole}{fraction}");
    let mut power = exponent.checked_sub(fraction.len().try_into().ok()?)?;
    let mut value: i64 = digits.parse().ok()?;
    while power < 0 && value % 10 == 0 && value != 0 {
        value /= 10;
        power += 1;
    }
    match (value, power) {
        (0, _) => Some(0),
        (_, 0..=18) => value.checked_mul(10_i64.checked_pow(power.try_into().ok()?)?),
        _ => None,
    }
}

/// From 1970 to the end of 9999: what is outside is no date of a person, but a default value or a wrong unit (D32).
pub(crate) const POSSIBLE_SECONDS: RangeInclusive<i64> = 0..=253_402_300_799;

/// The moment that a value of a custom attribute says.
pub(crate) fn seconds_of(value: &Json) -> Option<UnixSeconds> {
    let scalar = match value {
        Json::Number(number) => Scalar::Number(number.as_str()),
        Json::String(text) => Scalar::String(text.as_str().into()),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => return None,
    };
    unix_seconds(&scalar).ok()
}

fn unix_seconds(scalar: &Scalar<'_>) -> Result<UnixSeconds, WarningCode> {
    let seconds = match scalar {
        Scalar::Boolean(_) => None,
        Scalar::Number(text) => Some(seconds_of_number(text)),
        Scalar::String(text) => match Number::from_json_text(text.trim()) {
            Some(number) => Some(seconds_of_number(number.as_str())),
            None => date::unix_seconds(text),
        },
    };
    let seconds = seconds.ok_or(WarningCode::InvalidDate)?;
    if POSSIBLE_SECONDS.contains(&seconds) {
        Ok(UnixSeconds(seconds))
    } else {
        Err(WarningCode::DateOutOfRange)
    }
}

/// How many units of a number of time make a second, by its magnitude: milliseconds, taken for seconds, would be beyond
/// the year 5000.
const fn units_a_second(magnitude: u64) -> i64 {
    match magnitude {
        0..100_000_000_000 => 1,
        100_000_000_000..100_000_000_000_000 => 1_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000_000,
        _ => 1_000_000_000,
    }
}

/// The whole seconds of a number, rounded down.
fn seconds_of_number(text: &str) -> i64 {
    if let Ok(whole) = text.parse::<i64>() {
        return whole.div_euclid(units_a_second(whole.unsigned_abs()));
    }
    // Conversions of a float saturate, which is out of any range.
    let number = text.parse::<f64>().unwrap_or(f64::INFINITY);
    (number / units_a_second(number.abs() as u64) as f64).floor() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<T>(coercion: &Coercion<T>, json: &str) -> Result<T, &'static str> {
        let raw: Raw<'_> = serde_json::from_str(json).unwrap();
        match (coercion.run)(&raw) {
            Value(value) => Ok(value),
            Absent => Err("absent"),
            TryNext(code) | Refused(code) => Err(code.as_str()),
        }
    }

    #[test]
    fn numbers() {
        for (json, text) in [
            ("1.50", "1.50"),
            ("9007199254740993", "9007199254740993"),
            ("\" 12 \"", "12"),
            ("\"1e3\"", "1e3"),
            ("\".5\"", "0.5"),
            ("\"+7\"", "7"),
            ("\"0x1F\"", "31"),
            ("true", "1"),
            ("\"false\"", "0"),
        ] {
            assert_eq!(run(&NUMBER, json).unwrap().as_str(), text, "{json}");
        }
        for json in ["\"\"", "null"] {
            assert_eq!(run(&NUMBER, json), Err("absent"), "{json}");
        }
        for json in [
            "\"x\"",
            "\"NaN\"",
            "\"Infinity\"",
            "\"1e999\"",
            "\"0x\"",
            "\"1,5\"",
            "\" \"",
        ] {
            assert_eq!(run(&NUMBER, json), Err("invalid_number"), "{json}");
        }
        assert_eq!(run(&NUMBER, "{}"), Err("malformed_value"));
    }

    #[test]
    fn whole_numbers() {
        for (json, value) in [
            ("13", 13),
            ("\"13\"", 13),
            ("13.0", 13),
            ("1e2", 100),
            ("-1", -1),
            ("\"0xff\"", 255),
        ] {
            assert_eq!(run(&INTEGER, json), Ok(value), "{json}");
        }
        for json in ["1.5", "\"1.5\"", "1e300"] {
            assert_eq!(run(&INTEGER, json), Err("not_an_integer"), "{json}");
        }
    }

    #[test]
    fn seconds_and_milliseconds() {
        for (json, value) in [
            ("1558290864", 1_558_290_864),
            ("1558290864999", 1_558_290_864),
            ("\"1558290864\"", 1_558_290_864),
            ("\" 1558290864999 \"", 1_558_290_864),
            ("99999999999", 99_999_999_999),
            ("100000000000", 100_000_000),
            ("1716480000999999", 1_716_480_000),
            ("1716480000999999999", 1_716_480_000),
            ("1716480000.999", 1_716_480_000),
            ("1.716480000999e15", 1_716_480_000),
            ("0", 0),
        ] {
            assert_eq!(run(&UNIX_SECONDS, json), Ok(UnixSeconds(value)), "{json}");
        }
        for json in ["true", "\"soon\""] {
            assert_eq!(run(&UNIX_SECONDS, json), Err("invalid_date"), "{json}");
        }
        for json in [
            "-1.5",
            "-0.5",
            "-62135596800",
            "1e300",
            "-1e300",
            "\"0001-01-01T00:00:00Z\"",
            "\"+010000-01-01\"",
        ] {
            assert_eq!(run(&UNIX_SECONDS, json), Err("date_out_of_range"), "{json}");
        }
    }

    #[test]
    fn the_rest() {
        assert_eq!(run(&BOOLEAN, "\"TRUE\""), Ok(true));
        assert_eq!(run(&BOOLEAN, "1"), Err("invalid_boolean"));
        assert_eq!(
            run(&IMAGE_URL, r#"{"image_url":"https://x.example/a.png"}"#).unwrap(),
            "https://x.example/a.png"
        );
        assert_eq!(run(&IMAGE_URL, r#"{"type":"avatar"}"#), Err("invalid_image_url"));
        assert_eq!(run(&IMAGE_URL, "5"), Err("invalid_image_url"));
        assert_eq!(run(&TEXT, "5.0").unwrap(), "5.0");
        assert_eq!(run(&TEXT, "[]"), Err("malformed_value"));
        assert_eq!(run(&EMAIL_ADDRESS, "\"ann@example.com\"").unwrap(), "ann@example.com");
        assert_eq!(run(&EMAIL_ADDRESS, "\"ann\""), Err("absent"));
    }
}
