//! Ten thousand lines of which many are truncated, mistyped, deep, huge or not UTF-8: no panic, each bad line named, every good
//! line done.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use common::{identify, run, track};
use std::fmt::Write as _;

/// A small generator, so that the lines are the same every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % limit as u64).unwrap()
    }
}

/// What is expected of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Expected {
    Converted,
    Rejected(&'static str),
}

fn line(number: usize, random: &mut Random) -> (Vec<u8>, Expected) {
    let good = if number.is_multiple_of(2) {
        identify(number)
    } else {
        track(number)
    };
    let cut = 1 + random.below(good.len() - 1);
    let invalid = Expected::Rejected("invalid_json");
    match random.below(12) {
        0 => (good[..cut].into(), invalid),
        1 => (good.replacen(':', " ", 1).into(), invalid),
        2 => (good.replacen('"', "'", 1).into(), invalid),
        3 => (format!("{good}}}").into(), invalid),
        4 => {
            let levels = 120 + random.below(5000);
            let deep = format!(
                r#"{{"type":"identify","userId":"u","x":{}{}}}"#,
                "[".repeat(levels),
                "]".repeat(levels)
            );
            (
                deep.into(),
                if levels < 128 {
                    Expected::Converted
                } else {
                    Expected::Rejected("too_deep")
                },
            )
        }
        5 => (
            r#"{"a":"#.repeat(130 + random.below(2000)).into(),
            Expected::Rejected("too_deep"),
        ),
        6 => {
            let mut bytes = good.into_bytes();
            let at = 10 + random.below(10);
            bytes[at] = 0xff;
            (bytes, Expected::Rejected("not_utf8"))
        }
        7 => {
            let scalar = ["7", "null", "\"text\"", "true", "-1.5e3"][random.below(5)];
            (scalar.into(), Expected::Rejected("not_an_object"))
        }
        8 if random.below(60) == 0 => {
            let mut huge = format!(r#"{{"type":"identify","userId":"u{number}","traits":{{"x":""#);
            huge.extend(std::iter::repeat_n('x', 1 << 20));
            huge.push_str("\"}}");
            (huge.into(), Expected::Converted)
        }
        _ => (good.into(), Expected::Converted),
    }
}

fn file(seed: u64, lines: usize) -> (Vec<u8>, Vec<Expected>) {
    let mut random = Random(seed);
    let (mut bytes, mut expected) = (Vec::new(), Vec::new());
    for number in 0..lines {
        let (line, outcome) = line(number, &mut random);
        bytes.extend_from_slice(&line);
        bytes.push(b'\n');
        expected.push(outcome);
    }
    (bytes, expected)
}

#[test]
fn ten_thousand_lines() {
    let (bytes, expected) = file(1, 10_000);
    let run = run(&["convert"], bytes);
    assert_eq!(run.code(), 1);
    assert!(run.stderr().is_empty(), "{}", run.stderr());
    let lines = run.lines();
    assert_eq!(lines.len(), expected.len(), "one outcome a line");
    let mut wrong = String::new();
    for (number, (line, expected)) in lines.iter().zip(&expected).enumerate() {
        let fits = match expected {
            Expected::Converted => line["outcome"] == "converted",
            Expected::Rejected(code) => line["error"]["code"] == *code && line["line"] == number + 1,
        };
        if !fits {
            writeln!(
                wrong,
                "line {}: expected {expected:?}, found {} {}",
                number + 1,
                line["outcome"],
                line["error"]
            )
            .unwrap();
        }
        assert_eq!(line["index"], number);
    }
    assert!(wrong.is_empty(), "{wrong}");
    let named = |code: &str| {
        expected
            .iter()
            .filter(|&&outcome| {
                outcome
                    == Expected::Rejected(match code {
                        "invalid_json" => "invalid_json",
                        "too_deep" => "too_deep",
                        "not_utf8" => "not_utf8",
                        _ => "not_an_object",
                    })
            })
            .count()
    };
    for code in ["invalid_json", "too_deep", "not_utf8", "not_an_object"] {
        assert!(named(code) > 100, "{code} must occur");
    }
}

#[test]
fn the_same_lines_through_check() {
    let (bytes, expected) = file(2, 3_000);
    let report = run(&["check", "--json"], bytes).json();
    let converted = expected
        .iter()
        .filter(|&&outcome| outcome == Expected::Converted)
        .count();
    assert_eq!(report["events"], expected.len());
    assert_eq!(report["converted"], converted);
}

#[test]
fn lines_beyond_the_limit() {
    let huge = format!(
        r#"{{"type":"identify","userId":"u","traits":{{"x":"{}"}}}}"#,
        "x".repeat(1 << 20)
    );
    let input = format!("{huge}\n{}\n{}\n{}\n", identify(1), &huge[..1 << 20], identify(2));
    let limited = run(&["convert", "--max-event-bytes", "64KiB"], &input);
    assert_eq!(limited.outcomes(), ["too_large", "converted", "too_large", "converted"]);
    assert_eq!(
        run(&["convert"], &input).outcomes(),
        ["converted", "converted", "invalid_json", "converted"]
    );
}

/// What people give who have only exports, and what they are told.
#[test]
fn files_of_another_kind_are_named_with_what_to_do() {
    let events = identify(1);
    let utf16 = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, bytes).unwrap();
        encoder.finish().unwrap()
    };
    let mut tar = vec![0; 1024];
    tar[..13].copy_from_slice(b"events.ndjson");
    tar[257..262].copy_from_slice(b"ustar");
    let workbook = [b"PK\x03\x04".as_slice(), &[0; 26], b"[Content_Types].xml"].concat();
    let files: [(&str, Vec<u8>); 12] = [
        (
            "zip archive: give the file inside",
            [b"PK\x03\x04", events.as_bytes()].concat(),
        ),
        ("Excel workbook", workbook),
        ("older Office file", b"\xd0\xcf\x11\xe0\xa1\xb1".to_vec()),
        ("UTF-16 text", utf16(&format!("\u{feff}{events}"))),
        ("UTF-16 text", utf16(&events)),
        ("CSV, a table", b"userId,email\n1,ann@example.org\n".to_vec()),
        ("CSV, a table", gzip(b"userId,email\n1,ann@example.org\n")),
        ("tar archive", gzip(&tar)),
        ("bzip2", b"BZh91AY&SY".to_vec()),
        ("xz", b"\xfd7zXZ\0".to_vec()),
        ("Parquet file", b"PAR1\x15\x04".to_vec()),
        ("SQLite database", b"SQLite format 3\0".to_vec()),
    ];
    for (told, file) in files {
        let run = run(&["check", "-"], &file);
        assert_eq!((run.code(), &*run.stdout()), (2, ""), "{told}");
        assert!(run.stderr().contains(told), "{told}: {}", run.stderr());
        assert!(!run.stderr().contains("ann@"), "{}", run.stderr());
    }
    // A line that is cut off at its beginning is no table.
    let cut = format!("{}\n{events}\n", &events[3..]);
    assert_eq!(run(&["check", "-"], cut).code(), 1);
}
