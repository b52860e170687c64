//! Numbers and amounts.

use super::{codes, converted, field};

#[test]
fn words_are_numbers_as_texts_too() {
    for (value, number) in [
        (r#""true""#, "1"),
        (r#"" true ""#, "1"),
        (r#""false""#, "0"),
        ("true", "1"),
    ] {
        let event = format!(r#"{{"type":"group","groupId":"g-1","traits":{{"monthlySpend":{value}}}}}"#);
        assert_eq!(
            field(&converted(&event), "monthly_spend").as_deref(),
            Some(number),
            "{value}"
        );
    }
}

#[test]
fn an_exponent_moves_the_point() {
    for (value, number) in [
        ("100e-2", Some("1")),
        ("120e-1", Some("12")),
        ("-5.0e1", Some("-50")),
        ("1.25e2", Some("125")),
        ("0e-5", Some("0")),
        ("0.0e400", Some("0")),
        ("9e18", Some("9000000000000000000")),
        ("100e-3", None),
        ("125e-2", None),
        ("1.25e1", None),
        ("10e18", None),
        ("1e19", None),
        ("1e99999999999999999999", None),
    ] {
        let event = format!(r#"{{"type":"identify","userId":"u-1","traits":{{"ownerId":{value}}}}}"#);
        let conversion = converted(&event);
        assert_eq!(field(&conversion, "owner_id").as_deref(), number, "{value}");
        let expected = if number.is_some() {
            vec![]
        } else {
            vec!["not_an_integer"]
        };
        assert_eq!(codes(&conversion), expected, "{value}");
    }
}

#[test]
fn an_amount_is_whole_however_it_is_written() {
    for (amount, is_whole) in [
        ("1e99999999999999999999", true),
        ("1e-99999999999999999999", false),
        ("100e-2", true),
        ("100e-3", false),
        ("1.25e2", true),
        ("1.25e1", false),
        ("1.20e1", true),
    ] {
        let event = format!(
            r#"{{"type":"track","userId":"u-1","event":"Paid","properties":{{"price":{{"amount":{amount},"currency":"eur"}}}}}}"#
        );
        let expected = if is_whole { vec![] } else { vec!["fractional_amount"] };
        assert_eq!(codes(&converted(&event)), expected, "{amount}");
    }
}

#[test]
fn half_a_monetary_amount_or_rich_link_is_flattened() {
    let metadata = |properties: &str| {
        let event = format!(r#"{{"type":"track","userId":"u-1","event":"Paid","properties":{{"p":{properties}}}}}"#);
        field(&converted(&event), "metadata")
    };
    for (properties, written) in [
        (r#"{"amount":5}"#, r#"{"p.amount":5}"#),
        (r#"{"currency":"eur"}"#, r#"{"p.currency":"eur"}"#),
        (r#"{"url":"u"}"#, r#"{"p.url":"u"}"#),
        (r#"{"value":"v"}"#, r#"{"p.value":"v"}"#),
        (r#"{"amount":5,"value":"v"}"#, r#"{"p.amount":5,"p.value":"v"}"#),
        (
            r#"{"amount":5,"currency":"eur"}"#,
            r#"{"p":{"amount":5,"currency":"eur"}}"#,
        ),
        (r#"{"url":"u","value":"v"}"#, r#"{"p":{"url":"u","value":"v"}}"#),
    ] {
        assert_eq!(metadata(properties).as_deref(), Some(written));
    }
}
