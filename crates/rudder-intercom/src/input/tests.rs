use super::{Chunk, Item, Splitter};
use std::io::{self, Read};

/// Gives out a few bytes at a time.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(self.0.len()).min(buffer.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

fn read_from(reader: impl Read, limit: usize) -> Vec<String> {
    let (mut splitter, mut chunk, mut found, mut more) =
        (Splitter::new(reader, limit), Chunk::default(), Vec::new(), true);
    while more {
        chunk.clear();
        more = splitter.fill(&mut chunk).unwrap();
        chunk.for_each(|item| {
            found.push(match item {
                Item::Event(received) => {
                    let code = received
                        .dead_letter
                        .map(|record| format!(" ({})", record.code))
                        .unwrap_or_default();
                    format!("{} {}{code}", received.line, received.json)
                }
                Item::Fault(fault) => {
                    let column = fault.column.map(|column| format!(":{column}")).unwrap_or_default();
                    format!("{}{column} {}", fault.line, fault.kind.code())
                }
            });
        });
    }
    found
}

/// Reads in one go and in trickles, which must come to the same.
#[track_caller]
fn read_within(text: impl AsRef<[u8]>, limit: usize) -> Vec<String> {
    let text = text.as_ref();
    let found = read_from(text, limit);
    for bytes in [1, 2, 7, 64] {
        assert_eq!(read_from(Trickle(text, bytes), limit), found, "{bytes} bytes at a time");
    }
    found
}

#[track_caller]
fn read(text: impl AsRef<[u8]>) -> Vec<String> {
    read_within(text, 4096)
}

#[test]
fn lines() {
    assert_eq!(read("{\"a\":1}\n{\"b\":2}"), [r#"1 {"a":1}"#, r#"2 {"b":2}"#]);
    assert_eq!(
        read("\u{feff}{\"a\":1}\r\n\r\n  \t\n {\"b\":2} \r\n"),
        [r#"1 {"a":1}"#, r#"4 {"b":2}"#]
    );
    assert_eq!(read(""), [""; 0]);
    assert_eq!(read("\n \r\n"), [""; 0]);
}

#[test]
fn values_over_several_lines() {
    assert_eq!(
        read("{\n  \"a\": [\n    1\n  ]\n}\n{\n\"b\": 2\n}\n{\"c\":3}"),
        ["1 {\n  \"a\": [\n    1\n  ]\n}", "6 {\n\"b\": 2\n}", r#"9 {"c":3}"#]
    );
    assert_eq!(
        read("{\"a\":1}{\"b\":2} {\"c\":\n3}"),
        [r#"1 {"a":1}"#, r#"1 {"b":2}"#, "1 {\"c\":\n3}"]
    );
}

#[test]
fn arrays() {
    let expected = [r#"1 {"a":1}"#, r#"1 {"b":[2]}"#];
    assert_eq!(read(r#"[{"a":1},{"b":[2]}]"#), expected);
    assert_eq!(read("[]"), [""; 0]);
    assert_eq!(
        read("[\n  {\n    \"a\": 1\n  },\n  {\"b\": 2}\n]\n{\"c\":3}\n"),
        ["2 {\n    \"a\": 1\n  }", r#"5 {"b": 2}"#, r#"7 {"c":3}"#]
    );
    assert_eq!(
        read(r#"[{"a":1},7,"x",[],{"b":[2]}]"#),
        [
            r#"1 {"a":1}"#,
            "1 not_an_object",
            "1 not_an_object",
            "1 not_an_object",
            r#"1 {"b":[2]}"#
        ]
    );
    assert_eq!(read("{\"a\":1},\n{\"b\":2},\n"), [r#"1 {"a":1}"#, r#"2 {"b":2}"#]);
}

#[test]
fn a_bad_element_costs_itself_only() {
    assert_eq!(
        read(r#"[{"a":1},{"b" 2},{"c":3}]"#),
        [r#"1 {"a":1}"#, "1:15 invalid_json", r#"1 {"c":3}"#]
    );
    assert_eq!(
        read(r#"[{"a":tru},}{"c":3}]"#),
        ["1:10 invalid_json", "1:12 invalid_json", r#"1 {"c":3}"#]
    );
    assert_eq!(
        read("[\n{\"a\":1},\n{\"b\":\n{\"c\":3}\n]"),
        [r#"2 {"a":1}"#, "3 invalid_json", r#"4 {"c":3}"#]
    );
    assert_eq!(
        read("[\n  {\n    \"a\": 1\n    \"b\": 2\n  },\n  {\"c\": 3}\n]"),
        ["4:5 invalid_json", r#"6 {"c": 3}"#]
    );
    assert_eq!(read("[{\"a\":1}\n"), [r#"1 {"a":1}"#, "1 invalid_json"]);
    assert_eq!(
        read("[{\"a\":1},{\"b"),
        [r#"1 {"a":1}"#, "1 invalid_json", "1 invalid_json"]
    );
}

#[test]
fn a_bad_line_costs_itself_only() {
    let good = r#"{"good":true}"#;
    for (bad, named) in [
        (r#"{"a":"#, "2 invalid_json"),
        (r#"{"a":[1,2"#, "2 invalid_json"),
        (r#"{"a":{"b":[{}"#, "2:13 invalid_json"),
        (r#"{"a"#, "2:4 invalid_json"),
        (r#"{"a":tru}"#, "2:9 invalid_json"),
        (r#"{a:1}"#, "2:2 invalid_json"),
        (r#"{"a":1}}"#, "2:8 invalid_json"),
        ("nonsense", "2:2 invalid_json"),
        ("7", "2 not_an_object"),
        ("null", "2 not_an_object"),
        (r#""x""#, "2 not_an_object"),
        ("{", "2 invalid_json"),
        ("}", "2:1 invalid_json"),
    ] {
        let text = format!("{good}\n{bad}\n{good}\n{good}\n");
        assert_eq!(
            read(&text),
            [
                format!("1 {good}"),
                named.to_owned(),
                format!("3 {good}"),
                format!("4 {good}")
            ],
            "{bad}"
        );
    }
}

#[test]
fn not_utf8() {
    assert_eq!(
        read(b"{\"a\":\"\xff\"}\n{\"b\":2}\n\xfe\n"),
        ["1:7 not_utf8", r#"2 {"b":2}"#, "3:1 not_utf8"]
    );
}

#[test]
fn too_deep() {
    let nested = |levels: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(levels - 1), "]".repeat(levels - 1));
    let (deepest, deeper) = (nested(128), nested(129));
    assert_eq!(
        read(format!("{deepest}\n{deeper}\n{{\"b\":2}}\n")),
        [
            format!("1 {deepest}"),
            "2 too_deep".to_owned(),
            r#"3 {"b":2}"#.to_owned()
        ]
    );
    let unclosed = r#"{"a":"#.repeat(200);
    assert_eq!(
        read(format!("{unclosed}\n{{\"b\":2}}\n")),
        ["1:641 too_deep", r#"2 {"b":2}"#]
    );
    assert_eq!(
        read(format!("[{deeper},{{\"b\":2}}]")),
        ["1:134 too_deep", r#"1 {"b":2}"#]
    );
}

#[test]
fn too_large() {
    let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(100));
    let expected = ["1 too_large", r#"2 {"b":2}"#];
    assert_eq!(read_within(format!("{large}\n{{\"b\":2}}\n"), 64), expected);
    assert_eq!(read_within(format!("{}\n{{\"b\":2}}\n", "x".repeat(100)), 64), expected);
    assert_eq!(read_within(format!("{}\n{{\"b\":2}}\n", &large[..90]), 64), expected);
    assert_eq!(
        read_within(format!("{{\"a\":[{}\n{{\"b\":2}}\n", "1,".repeat(90)), 64),
        expected
    );
    assert_eq!(read_within(format!("[{large},\n{{\"b\":2}}]\n"), 64), expected);
    assert_eq!(
        read_within(format!("{large}{{\"b\":2}}"), 64),
        ["1 too_large", r#"1 {"b":2}"#]
    );
    let pretty = format!("{{\n{}  \"z\": 1\n}}\n{{\"b\":2}}", "  \"a\": 1,\n".repeat(20));
    assert_eq!(read_within(pretty, 64), ["1 too_large", r#"24 {"b":2}"#]);
}

#[test]
fn batches() {
    let batch = r#"{"batch":[{"type":"track"},{"type":"page","sentAt":"own"},3],"sentAt":"s"}"#;
    let expected = [
        r#"1 {"type":"track","sentAt":"s"}"#,
        r#"1 {"type":"page","sentAt":"own"}"#,
        "1 not_an_object",
    ];
    assert_eq!(read(batch), expected);
    assert_eq!(
        read(format!("{{\"path\":\"/v1/batch\",\"headers\":{{}},\"body\":{batch}}}")),
        expected
    );
    assert_eq!(read(r#"{"type":"batch","batch":[{"a":1}]}"#), [r#"1 {"a":1}"#]);
    assert_eq!(
        read("{\n\"batch\": [\n{\"a\":1},\n{\"b\":2}]}"),
        [r#"3 {"a":1}"#, r#"4 {"b":2}"#]
    );
    assert_eq!(
        read(r#"{"type":"track","batch":"x"}"#),
        [r#"1 {"type":"track","batch":"x"}"#]
    );
}

#[test]
fn a_long_batch_is_read_event_by_event() {
    let events = vec![r#"{"type":"track"}"#; 30].join(",\n");
    let text = format!("{{\"sentAt\":\"s\",\n\"batch\":[{events}],\"later\":{{}}}}\n{{\"b\":2}}");
    let found = read_within(&text, 100);
    assert_eq!(found.len(), 31);
    assert_eq!(found[29], r#"31 {"type":"track","sentAt":"s"}"#);
    assert_eq!(found[30], r#"32 {"b":2}"#);
    assert_eq!(read_within(&text[..text.len() - 10], 100)[30], "31 invalid_json");
}

#[test]
fn captured_requests() {
    assert_eq!(
        read(r#"{"path":"/v1/track","headers":{"a":"b"},"body":{"event":"x"}}"#),
        [r#"1 {"event":"x","type":"track"}"#]
    );
    // The path names the type, whatever the event says.
    assert_eq!(
        read(r#"{"body":{"type":"page"},"path":"/v1/track"}"#),
        [r#"1 {"type":"track"}"#]
    );
    assert_eq!(
        read(r#"{"body":{"type":"record"},"path":"/v1/record"}"#),
        [r#"1 {"type":"record"}"#]
    );
    assert_eq!(
        read(r#"{"path":"/elsewhere","body":{"batch":[{"a":1}],"sentAt":"s"}}"#),
        [r#"1 {"a":1,"sentAt":"s"}"#]
    );
    assert_eq!(read("{\"path\":\"/v1/batch\",\n\"body\":{}}"), ["2 missing_batch"]);
    assert_eq!(read(r#"{"path":"/v1/batch","body":{"batch":{}}}"#), ["1 invalid_batch"]);
    let event = r#"{"type":"track","path":"/v1/page","body":{"type":"page"}}"#;
    assert_eq!(read(event), [format!("1 {event}")]);
}

#[test]
fn dead_letters() {
    assert_eq!(
        read(r#"{"code":"timeout","event":{"type":"track","code":"x"},"attempts":3}"#),
        [r#"1 {"type":"track","code":"x"} (timeout)"#]
    );
    let event = r#"{"type":"track","event":"Coupon Used","properties":{"code":"x"}}"#;
    assert_eq!(read(event), [format!("1 {event}")]);
}

#[test]
fn many_chunks_keep_their_order() {
    let text: String = (0..2000).map(|number| format!("{{\"n\":{number}}}\n")).collect();
    let expected: Vec<String> = (0..2000)
        .map(|number| format!("{} {{\"n\":{number}}}", number + 1))
        .collect();
    assert_eq!(read_from(text.as_bytes(), 4096), expected);
    let array = format!("[{}]", text.trim().replace('\n', ","));
    assert_eq!(read_from(array.as_bytes(), 4096).len(), 2000);
}
