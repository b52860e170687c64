//! Each coercion against an oracle that is written another way.

use proptest::prelude::*;
use proptest::sample::select;
use rudderstack_events::strategies::{self, Json};
use rudderstack_to_intercom::{Destination, Plan};
use test_support::Outcome;

/// The field of the contact or company that comes of one trait, as JSON text, and whether a warning was given.
fn coerced(call: &str, key: &str, target: &str, value: &Json) -> (Option<String>, bool) {
    let event = Json::object([("type", call), ("userId", "u-1"), ("groupId", "g-1")])
        .with(&["traits"], Json::object([(key, value.clone())]));
    let outcome = Outcome::of(&event.to_string(), &Destination::new());
    let conversion = outcome.conversion().expect("the event has an identity");
    let body = match &conversion.plan {
        Plan::SaveContact(plan) => serde_json::to_string(&plan.update),
        Plan::SaveCompany(plan) => serde_json::to_string(&plan.company),
        other => panic!("an unexpected plan: {other:?}"),
    };
    let body: std::collections::HashMap<String, Box<serde_json::value::RawValue>> =
        serde_json::from_str(&body.expect("a body")).expect("an object");
    let place = format!("/traits/{key}");
    let warned = outcome.warnings().iter().any(|warning| warning.path == place);
    (body.get(target).map(|value| value.get().to_owned()), warned)
}

/// Whether there is a value at all, and one that is neither an array nor an object.
fn is_absent(value: &Json) -> bool {
    matches!(value, Json::Null) || *value == Json::String(String::new())
}

/// The value of a decimal numeral, read digit by digit: mantissa and power of ten, without trailing zeros.
pub(super) fn decimal(text: &str) -> Option<(bool, String, i64)> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let mut exponent = exponent - fraction.len() as i64;
    let mut digits = digits.trim_start_matches('0').to_owned();
    while digits.ends_with('0') {
        digits.pop();
        exponent += 1;
    }
    let exponent = if digits.is_empty() { 0 } else { exponent };
    Some((negative && !digits.is_empty(), digits, exponent))
}

/// Numerals in all the ways that people write them, and texts that are not.
fn numeral() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => strategies::number(),
        2 => "[+-]?[0-9]{1,6}\\.?[0-9]{0,4}([eE][+-]?[0-9]{1,2})?",
        1 => "[+-]?\\.[0-9]{1,4}",
        1 => "0[xX][0-9a-fA-F]{1,12}",
        1 => strategies::text(),
        1 => select(vec!["true", "false", "NaN", "Infinity", "inf", "1_000", "1,5", "0x", "e5", "--1", "1 2"]).prop_map(str::to_owned),
    ]
}

/// The value of a text that is a number, as JavaScript has it.
fn numeral_value(text: &str) -> Option<(bool, String, i64)> {
    let text = text.trim();
    match (text, text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))) {
        ("true", _) => decimal("1"),
        ("false", _) => decimal("0"),
        (_, Some(digits)) => u64::from_str_radix(digits, 16)
            .ok()
            .filter(|_| digits.starts_with(|c: char| c.is_ascii_hexdigit()))
            .and_then(|n| decimal(&n.to_string())),
        // A text that is beyond the range of a double is not a number in JavaScript.
        _ => decimal(text).filter(|_| text.parse::<f64>().is_ok_and(f64::is_finite)),
    }
}

/// Whether Intercom takes a number for an amount of money a month.
fn is_amount((negative, digits, exponent): &(bool, String, i64)) -> bool {
    let magnitude = digits.len() as i64 + exponent;
    *negative
        || magnitude < 10
        || magnitude == 10
            && format!("{digits:0<10}")[..10]
                .parse::<u64>()
                .is_ok_and(|whole| whole <= 2_147_483_647)
}

proptest! {
    #![proptest_config(super::cases(1024))]

    /// A number keeps its text, and a numeral in a text keeps its value.
    #[test]
    fn numbers(text in numeral(), before in " {0,2}", after in "[ \t\n]{0,2}", quoted in any::<bool>()) {
        // The white space around a number is not part of it.
        let is_number = serde_json::from_str::<serde_json::Number>(&text).is_ok() || text.parse::<f64>().is_ok_and(f64::is_infinite) && strategies_number(&text);
        let is_json = is_number && text.trim() == text;
        let value = if quoted || !is_json { Json::String(format!("{before}{text}{after}")) } else { Json::Number(text.clone()) };
        let (found, warned) = coerced("group", "monthlySpend", "monthly_spend", &value);
        if is_absent(&value) {
            prop_assert_eq!((found, warned), (None, false));
            return Ok(());
        }
        let number = if let Json::Number(text) = &value { decimal(text) } else { numeral_value(&text) };
        let expected = number.filter(is_amount);
        prop_assert_eq!(found.is_some(), expected.is_some(), "{} gives {:?}", value, found);
        prop_assert_eq!(warned, expected.is_none());
        if let (Some(found), Json::Number(text)) = (&found, &value) {
            prop_assert_eq!(found, text);
        }
        if let (Some(found), Some(expected)) = (&found, expected) {
            let exact = decimal(found).expect("a number");
            prop_assert_eq!(exact, expected, "{} gives {}", value, found);
        }
    }

    /// A whole number is one without a fraction, however it is written; any other is left out.
    #[test]
    fn whole_numbers(text in numeral()) {
        let (found, _) = coerced("identify", "ownerId", "owner_id", &Json::String(text.clone()));
        let number = numeral_value(&text);
        match found {
            Some(found) => {
                let whole: i64 = found.parse().expect("a whole number");
                prop_assert_eq!(decimal(&found), number, "{} gives {}", text, whole);
            }
            None => {
                // No number at all, or one with a fraction, or one beyond what is exact.
                let is_whole = number.is_some_and(|(_, digits, exponent)| exponent >= 0 && digits.len() as i64 + exponent <= 18);
                prop_assert!(!is_whole, "{} is whole", text);
            }
        }
    }

    /// A boolean is one, or its word in any case.
    #[test]
    fn booleans(value in strategies::json()) {
        let (found, warned) = coerced("identify", "unsubscribedFromEmails", "unsubscribed_from_emails", &value);
        let expected = match &value {
            Json::Bool(value) => Some(value.to_string()),
            Json::String(text) => ["true", "false"].iter().find(|word| text.to_ascii_lowercase() == **word).map(|word| (*word).to_owned()),
            _ => None,
        };
        prop_assert_eq!(warned, expected.is_none() && !is_absent(&value));
        prop_assert_eq!(found, expected);
    }

    /// A role is one of two words.
    #[test]
    fn roles(value in prop_oneof![strategies::json(), select(vec!["user", "lead", "User", "admin"]).prop_map(Json::from)]) {
        let (found, warned) = coerced("identify", "role", "role", &value);
        let expected = ["user", "lead"].into_iter().find(|role| value == Json::from(*role)).map(|role| format!("\"{role}\""));
        prop_assert_eq!(warned, expected.is_none() && !is_absent(&value));
        prop_assert_eq!(found, expected);
    }

    /// A text is a string as it is, or the JSON text of a number or boolean.
    #[test]
    fn texts(value in strategies::json()) {
        let (found, warned) = coerced("identify", "phone", "phone", &value);
        let expected = match &value {
            value if is_absent(value) => None,
            Json::String(_) => Some(value.to_string()),
            Json::Number(_) | Json::Bool(_) => Some(format!("\"{value}\"")),
            _ => None,
        };
        prop_assert_eq!(warned, matches!(value, Json::Array(_) | Json::Object(_)));
        prop_assert_eq!(found, expected);
    }

    /// An image is a string, or the `image_url` of an object.
    #[test]
    fn images(value in prop_oneof![strategies::json(), strategies::json().prop_map(|url| Json::object([("image_url", url)]))]) {
        let (found, warned) = coerced("identify", "avatar", "avatar", &value);
        let url = if matches!(value, Json::Object(_)) { value.get("image_url") } else { Some(&value) };
        let expected = url.filter(|url| matches!(url, Json::String(text) if !text.is_empty())).map(Json::to_string);
        prop_assert_eq!(warned, expected.is_none() && !is_absent(&value));
        prop_assert_eq!(found, expected);
    }

    /// A date is the second that a calendar gives for it, in whatever form it is written and whatever its offset.
    #[test]
    fn dates(seconds in -62_135_596_800_i64..253_402_300_799, millis in 0_u32..1000, offset in -14_i32 * 60..=14 * 60, form in 0_usize..FORMS.len()) {
        let offset = chrono::FixedOffset::east_opt(offset * 60).expect("less than a day");
        let time = chrono::DateTime::from_timestamp(seconds, millis * 1_000_000).expect("within range").with_timezone(&offset);
        // At the ends of the range, an offset leads to a year of another form.
        prop_assume!((1000..=9999).contains(&chrono::Datelike::year(&time)));
        let text = time.format(FORMS[form]).to_string();
        let (found, warned) = coerced("identify", "createdAt", "signed_up_at", &Json::String(text.clone()));
        // Nobody's date is before 1970.
        prop_assert_eq!(found, (seconds >= 0).then(|| seconds.to_string()), "{}", text);
        prop_assert_eq!(warned, seconds < 0);
    }

    /// A number of time is in seconds, milliseconds, microseconds or nanoseconds, by its magnitude; as a text as well.
    #[test]
    fn times_as_numbers(seconds in 100_000_000_i64..9_000_000_000, unit in 0_u32..4, rest in 0_i64..1_000_000_000, negative in any::<bool>(), quoted in any::<bool>()) {
        let a_second = 1000_i64.pow(unit);
        let number = (seconds * a_second + rest % a_second) * if negative { -1 } else { 1 };
        let value = if quoted { Json::String(number.to_string()) } else { number.into() };
        let (found, warned) = coerced("identify", "createdAt", "signed_up_at", &value);
        prop_assert_eq!(found, (number >= 0).then(|| seconds.to_string()));
        prop_assert_eq!(warned, number < 0);
    }
}

/// Forms of a date that keep its second, as chrono writes them.
const FORMS: &[&str] = &[
    "%Y-%m-%dT%H:%M:%S%.3f%:z",
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%d %H:%M:%S%.9f%:z",
    "%Y-%m-%dt%H:%M:%S%:z",
    "%a, %d %b %Y %H:%M:%S %z",
    "%d %b %Y %H:%M:%S %z",
    "%a %b %d %Y %H:%M:%S GMT%z (Some Zone)",
    "%a %b %d %Y %H:%M:%S GMT%z",
    "%B %d, %Y %H:%M:%S GMT%z",
    "%b %e, %Y, %H:%M:%S GMT%z",
    "%B %d, %Y %I:%M:%S %p GMT%z",
    "%m/%d/%Y %H:%M:%S GMT%z",
];

/// Whether the text is a JSON number, whatever its size.
fn strategies_number(text: &str) -> bool {
    serde_json::from_str::<Box<serde_json::value::RawValue>>(text).is_ok_and(|raw| raw.get() == text)
        && text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
}
