use super::*;

fn accepts(text: &str) -> bool {
    let mut cursor = Cursor::new(text);
    cursor.value().is_ok() && cursor.end().is_ok()
}

#[test]
fn accepts_what_serde_json_accepts() {
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"\\u00e9\\n\"",
        "\"\\x\"",
        "\"",
        "1",
        "-0.5e+3",
        "01",
        "1.",
        "-",
        "true",
        "nul",
        "null",
        " ",
        "\t",
        "\u{1}",
        "é",
        "\"é\\\"…………………\"",
        "\"\\u12\"",
    ];
    // Every text of up to four pieces.
    let mut texts = vec![String::new()];
    for _ in 0..4 {
        texts = texts
            .iter()
            .flat_map(|text| {
                pieces
                    .iter()
                    .map(move |piece| format!("{text}{piece}"))
                    .chain([text.clone()])
            })
            .collect();
        texts.sort_unstable();
        texts.dedup();
    }
    assert!(texts.len() > 100_000);
    for text in &texts {
        let reference = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        assert_eq!(accepts(text), reference, "{text:?}");
    }
}

/// Entries of plain strings are gone over together; what stands among them must not matter.
#[test]
fn accepts_the_entries_that_serde_json_accepts() {
    let keys = ["\"a\":", "\"a\" : ", "\"\\n\":", "\"aaaaaaaa\":", "\"a\""];
    let values = [
        "\"b\"",
        "\"\"",
        "\"\\\"\"",
        "\"bbbbbbbbb\" ",
        "1",
        "[\"b\",\"c\"]",
        "{\"b\":\"c\"}",
        "",
    ];
    let entries = || {
        keys.iter()
            .flat_map(|key| values.iter().map(move |value| format!("{key}{value}")))
    };
    for first in entries() {
        for second in entries() {
            for end in ["", ",", ",\"c\":\"d\"", " , \"c\":\"d\""] {
                let text = format!("{{{first},{second}{end}}}");
                for length in (1..=text.len()).filter(|&length| length == text.len() || length % 7 == 0) {
                    let text = &text[..length];
                    let reference = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
                    assert_eq!(accepts(text), reference, "{text:?}");
                }
            }
        }
    }
}

#[test]
fn values_of_every_sort_inside_containers() {
    for text in [
        r#"{"a":{"b":[1,[],{},[[{"c":null}]]],"d":"x"},"e":[true,false]}"#,
        r#" [ { } , [ ] , "]" , "\"}" , -1e9 ] "#,
        r#"{"long string of more than eight bytes":"… and \u00fc one \"quote\" and a backslash \\"}"#,
    ] {
        assert!(accepts(text), "{text}");
    }
    for text in [
        r#"{"a":[1,2}"#,
        r#"[{"a":1]"#,
        r#"{"a":1,}"#,
        "[1,]",
        r#"{"a" 1}"#,
        r#"{a:1}"#,
        "[1 2]",
        "{} {}",
    ] {
        assert!(!accepts(text), "{text}");
    }
}

#[test]
fn what_is_known_is_skipped() {
    let known = r#"{"a":[1]}"#;
    for (text, is_known) in [
        (r#" {"a":[1]},2"#, true),
        (r#"{"a":[1] }"#, false),
        (r#"{"a":["#, false),
        ("", false),
    ] {
        assert_eq!(Cursor::new(text).skip_known(known), is_known, "{text}");
    }
    assert!(!Cursor::new("12").skip_known("1"));
    let mut cursor = Cursor::new(r#"[ {"a":1} , 2]"#);
    let mut texts = Vec::new();
    let read = cursor.array(|cursor| {
        texts.push(match cursor.ahead() {
            Some(b'{') => cursor.object_text(|cursor, _| cursor.value().map(|_| ()))?,
            _ => cursor.value()?,
        });
        Ok(())
    });
    assert_eq!((read, texts), (Ok(()), vec![r#"{"a":1}"#, "2"]));
}

#[test]
fn depth_is_bounded() {
    let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    assert!(accepts(&nested(MAX_DEPTH)));
    let text = nested(MAX_DEPTH + 1);
    assert_eq!(Cursor::new(&text).value().unwrap_err().kind, FaultKind::TooDeep);
}

#[test]
fn control_characters_are_found_wherever_they_stand() {
    for at in 0..20 {
        let mut text = "\"12345678901234567890\"".to_owned();
        assert!(accepts(&text));
        text.replace_range(at + 1..at + 2, "\u{1f}");
        let fault = Cursor::new(&text).value().unwrap_err();
        assert_eq!(
            fault,
            Fault {
                at: at + 1,
                kind: FaultKind::Syntax
            }
        );
    }
}
