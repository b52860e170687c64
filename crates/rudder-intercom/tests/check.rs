//! `check`: the report as JSON, as text and as a page.

mod common;

use common::{fixture, identify, run};
use serde_json::{Value, json};

fn check(input: impl AsRef<[u8]>) -> Value {
    run(&["check", "--json"], input).json()
}

#[test]
fn totals_by_type_and_outcome() {
    let input = [
        r#"{"type":"identify","userId":"a"}"#,
        r#"{"type":"track","userId":"a","event":"x"}"#,
        r#"{"type":"track","event":"x"}"#,
        r#"{"type":"track","userId":"a","event":"x","integrations":{"Intercom":false}}"#,
        r#"{"type":"page"}"#,
        r#"{"type":"dance"}"#,
        "nonsense",
    ]
    .join("\n");
    let run = run(&["check", "--json"], &input);
    assert_eq!(run.code(), 1);
    let report = run.json();
    assert_eq!(report["events"], 7);
    assert_eq!(
        (&report["converted"], &report["rejected"], &report["skipped"]),
        (&json!(2), &json!(4), &json!(1))
    );
    assert_eq!(
        report["types"],
        json!([
            {"type": "track", "events": 3, "converted": 1, "rejected": 1, "skipped": 1, "would_fail": 0},
            {"type": "(other)", "events": 1, "converted": 0, "rejected": 1, "skipped": 0, "would_fail": 0},
            {"type": "identify", "events": 1, "converted": 1, "rejected": 0, "skipped": 0, "would_fail": 0},
            {"type": "page", "events": 1, "converted": 0, "rejected": 1, "skipped": 0, "would_fail": 0},
        ])
    );
    let codes: Vec<(&str, u64, &Value)> = report["rejections"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            (
                finding["code"].as_str().unwrap(),
                finding["count"].as_u64().unwrap(),
                &finding["lines"],
            )
        })
        .collect();
    assert_eq!(
        codes,
        [
            ("unsupported_event_type", 2, &json!([5, 6])),
            ("missing_identity", 1, &json!([3])),
            ("invalid_json", 1, &json!([7])),
        ]
    );
}

#[test]
fn up_to_three_lines_are_named() {
    let report = check("{\"type\":\"page\"}\n".repeat(2000));
    assert_eq!(report["rejections"][0]["lines"], json!([1, 2, 3]));
    assert_eq!(report["rejections"][0]["count"], 2000);
    let warned = r#"{"type":"identify","userId":"a","traits":{"createdAt":"soon"}}"#;
    let report = check(format!("{warned}\n\n{warned}"));
    assert_eq!(report["warnings"][0]["code"], "invalid_date");
    assert_eq!(report["warnings"][0]["lines"], json!([1, 3]));
}

#[test]
fn custom_attributes_with_their_types() {
    let identify = |traits: &str| format!(r#"{{"type":"identify","userId":"a","traits":{traits}}}"#);
    let input = [
        identify(r#"{"seats":1,"score":1,"trial":true,"renewed_at":1700000000,"odd":1,"empty":null}"#),
        identify(r#"{"seats":2,"score":1.5,"trial":false,"odd":"x"}"#),
        r#"{"type":"group","groupId":"g","traits":{"seats":"many"}}"#.to_owned(),
    ]
    .join("\n");
    let report = check(input);
    let attributes: Vec<String> = report["custom_attributes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| {
            let text = |key: &str| a[key].as_str().unwrap();
            let mixed = if a["mixed"] == true { " mixed" } else { "" };
            format!(
                "{}.{} {} {}{mixed}",
                text("model"),
                text("name"),
                text("type"),
                a["events"]
            )
        })
        .collect();
    assert_eq!(
        attributes,
        [
            "contact.odd string 2 mixed",
            "contact.score float 2",
            "contact.seats integer 2",
            "contact.trial boolean 2",
            "contact.empty string 1",
            "contact.renewed_at date 1",
            "company.seats string 1",
        ]
    );
}

#[test]
fn event_names_and_metadata_against_the_limits() {
    let track = |number: usize| format!("{{\"type\":\"track\",\"userId\":\"a\",\"event\":\"name {number}\"}}\n");
    let mut input: String = (0..121).map(track).collect();
    let keys: Vec<String> = (0..11).map(|number| format!("\"k{number}\":1")).collect();
    input.push_str(&format!(
        "{{\"type\":\"track\",\"userId\":\"a\",\"event\":\"name 0\",\"properties\":{{{}}}}}",
        keys.join(",")
    ));
    let report = check(input);
    assert_eq!(
        (&report["event_names"]["distinct"], &report["event_names"]["limit"]),
        (&json!(121), &json!(120))
    );
    assert_eq!(
        report["event_names"]["names"][0],
        json!({"name": "name 0", "events": 2})
    );
    assert_eq!(
        report["long_metadata"],
        json!({"events": 1, "limit": 10, "most_keys": 11, "lines": [122]})
    );
}

/// What Intercom would refuse or drop, though each event by itself is in order.
#[test]
fn limits_of_all_events_together() {
    let track = |message: &str, user: &str, second: u32| {
        format!(
            r#"{{"type":"track","messageId":"{message}","userId":"{user}","event":"Seen","timestamp":"2026-01-05T10:00:{second:02}.5Z"}}"#
        )
    };
    let traits: Vec<String> = (0..251).map(|number| format!("\"a{number}\":1")).collect();
    let input = [
        track("m-1", "ann", 1),
        track("m-2", "ann", 1),
        // The same event again, another second, another user.
        track("m-1", "ann", 1),
        track("m-3", "ann", 20),
        track("m-4", "ben", 1),
        format!(
            r#"{{"type":"identify","userId":"ann","traits":{{{}}}}}"#,
            traits.join(",")
        ),
        r#"{"type":"identify","userId":"ben","traits":{"a0":"many"}}"#.to_owned(),
    ]
    .join("\n");
    let codes = |report: &Value| -> Vec<(String, u64, Value)> {
        let limits = report["limits"].as_array().unwrap().iter();
        limits
            .map(|limit| {
                let code = limit["code"].as_str().unwrap().to_owned();
                (code, limit["count"].as_u64().unwrap(), limit["lines"].clone())
            })
            .collect()
    };
    let report = check(&input);
    assert_eq!(
        codes(&report),
        [
            ("mixed_types".to_owned(), 1, json!([6, 7])),
            ("too_many_attributes".to_owned(), 1, json!([6])),
            ("same_second".to_owned(), 1, json!([2])),
        ]
    );
    assert_eq!(report["limits"][2]["flag"], "--same-second spread");
    let spread = run(&["check", "--same-second", "spread", "--json"], &input).json();
    assert_eq!(codes(&spread).len(), 2, "m-1 and m-2 are moved by different seconds");
    let text = run(&["check"], &input);
    for part in [
        "Refused or dropped by Intercom",
        "same_second",
        "See --same-second spread.",
    ] {
        assert!(text.stdout().contains(part), "{part} in {}", text.stdout());
    }
}

#[test]
fn d34_events_before_their_users_identify_are_worth_knowing() {
    let path = fixture("before_the_contact.ndjson");
    let path = path.to_str().unwrap();
    let checked = run(&["check", "--json", path], "");
    assert_eq!(checked.code(), 0, "it is no failure");
    let report = checked.json();
    let note = &report["notes"][0];
    assert_eq!(
        (&note["code"], &note["count"], &note["lines"], &note["costs"]),
        (&json!("before_contact"), &json!(2), &json!([1, 2]), &json!("nothing"))
    );
    // The workspace may have the contact of somebody who never comes.
    let note = &report["notes"][1];
    assert_eq!(
        (&note["code"], &note["count"], &note["lines"], &note["costs"]),
        (
            &json!("contact_not_in_events"),
            &json!(1),
            &json!([3]),
            &json!("nothing")
        )
    );
    assert_eq!(report["would_fail"], 0);
    let text = run(&["check", path], "").stdout();
    for part in [
        "2  before_contact  lines 1, 2",
        "they wait for it. Nothing is lost.",
        "See send --no-wait-for-contact.",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("report.html");
    run(&["check", "--html", page.to_str().unwrap(), path], "");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("<code class=\"quiet\">before_contact</code>"), "{page}");
}

/// By whatever the event names the contact, and however far away the identify is.
#[test]
fn d34_a_contact_comes_under_a_user_id_or_an_email() {
    let by_email =
        |email: &str| format!(r#"{{"type":"track","event":"x","context":{{"traits":{{"email":"{email}"}}}}}}"#);
    let record =
        r#"{"type":"record","action":"insert","identifiers":{"email":"ben@example.org"},"fields":{"name":"Ben"}}"#;
    let update =
        r#"{"type":"record","action":"update","identifiers":{"email":"eve@example.org"},"fields":{"name":"Eve"}}"#;
    let mut lines = vec![
        by_email("Ben@example.org"),
        by_email("user-1@example.org"),
        by_email("eve@example.org"),
        r#"{"type":"group","userId":"user-1","groupId":"g","traits":{"email":"user-1@example.org"}}"#.to_owned(),
        identify(1),
        identify(1),
        by_email("user-1@example.org"),
    ];
    lines.extend((2..20_000).map(identify));
    lines.extend([record.to_owned(), update.to_owned(), record.to_owned()]);
    let report = check(lines.join("\n"));
    let note = &report["notes"][0];
    assert_eq!(
        (&note["count"], &note["lines"]),
        (&json!(3), &json!([1, 2, 4])),
        "{note}"
    );
}

#[test]
fn the_flags_of_the_conversion_are_obeyed() {
    let input = format!(
        r#"{{"type":"identify","userId":"ann","traits":{{"billing.plan":"pro","diary":"{}"}}}}"#,
        "x".repeat(256)
    );
    let names = |arguments: &[&str]| -> Vec<String> {
        let report = run(arguments, &input).json();
        let attributes = report["custom_attributes"].as_array().unwrap().iter();
        attributes.map(|a| a["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&["check", "--json"]), ["billing_plan", "diary"]);
    let as_is = [
        "check",
        "--json",
        "--attribute-names",
        "as_is",
        "--long-text",
        "leave_out",
    ];
    // Nobody can create it.
    assert_eq!(names(&as_is), [""; 0]);
    let report = run(&as_is, &input).json();
    assert_eq!(
        (&report["limits"][0]["code"], &report["would_fail"]),
        (&json!("refused"), &json!(1))
    );
    let flags: Vec<&Value> = report["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|warning| &warning["flag"])
        .collect();
    assert!(flags.contains(&&json!("--attribute-names")) && flags.contains(&&json!("--long-text")));
    assert_eq!(run(&["check", "--long-text", "burn"], "").code(), 2);
}

#[test]
fn names_are_told_apart_up_to_a_limit() {
    let input: String = (0..10_050)
        .map(|number| format!("{{\"type\":\"track\",\"userId\":\"a\",\"event\":\"e{number}\"}}\n"))
        .collect();
    let report = check(input);
    assert_eq!(
        (&report["event_names"]["distinct"], &report["event_names"]["more"]),
        (&json!(10_000), &json!(50))
    );
}

#[test]
fn calls_with_and_without_savings() {
    let group = r#"{"type":"group","groupId":"g","userId":"user-1","traits":{"tags":["a","b"]}}"#;
    let track = r#"{"type":"track","userId":"user-1","event":"x"}"#;
    let input = [
        identify(1),
        identify(1),
        group.to_owned(),
        group.to_owned(),
        track.to_owned(),
    ]
    .join("\n");
    let report = check(input);
    // Search and save; nothing new; company, link, two tags; nothing new; the event.
    // In the worst case, an identify is of a known user whose email is somebody else's, a company is gone, and an event is of
    // an archived contact.
    let (identify, group, track) = (2 + 4 + 7, 2 + 2 + 3 + 2 * 2, 1 + 2 + 1);
    assert_eq!(
        report["calls"],
        json!({"expected": 2 + 4 + 1, "plain": 2 + 2 + 5 + 5 + 1, "worst_case": 2 * identify + 2 * group + track})
    );
    assert_eq!(report["minutes"]["plain"], 15.0 / 10_000.0);
    assert_eq!(report["minutes"]["worst_case"], 52.0 / 10_000.0);
}

/// An attribute is listed once, and created once, however many events have it.
#[test]
fn custom_attributes_cost_calls_once() {
    let identify = |plan: &str| format!(r#"{{"type":"identify","userId":"a","traits":{{"plan":"{plan}"}}}}"#);
    let calls = |input: String| check(input)["calls"].clone();
    let without = calls([r#"{"type":"identify","userId":"a"}"#; 3].join("\n"));
    let with = calls(["a", "b", "c"].map(identify).join("\n"));
    let worst_case = |calls: &Value| calls["worst_case"].as_u64().unwrap();
    assert_eq!(worst_case(&with), worst_case(&without) + 2);
    assert_eq!(with["expected"], json!(1 + 1 + 3));
}

/// What would fail is not said to be sent, wherever it is shown.
#[test]
fn what_would_fail_cannot_be_sent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    let long = format!(
        r#"{{"type":"identify","userId":"a","traits":{{"plan":"{}"}}}}"#,
        "x".repeat(256)
    );
    let input = [
        long,
        identify(1),
        r#"{"type":"track","userId":"a","event":"x"}"#.to_owned(),
    ]
    .join("\n");
    let check = ["check", "--long-text", "as_is"];
    let json = run(&[&check[..], &["--json"]].concat(), &input);
    assert_eq!((json.code(), &json.json()["would_fail"]), (1, &json!(1)));
    assert_eq!(
        json.json()["types"],
        json!([
            {"type": "identify", "events": 2, "converted": 2, "rejected": 0, "skipped": 0, "would_fail": 1},
            {"type": "track", "events": 1, "converted": 1, "rejected": 0, "skipped": 0, "would_fail": 0},
        ])
    );
    let text = run(&[&check[..], &["--html", path.to_str().unwrap()]].concat(), &input);
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let has = |line: &[&str]| text.stdout().lines().any(|found| words(found) == line);
    assert!(text.stdout().contains("2 of 3 events can be sent"), "{}", text.stdout());
    assert!(
        has(&["identify", "2", "1", "1", "-", "-"]) && has(&["track", "1", "1", "-", "-", "-"]),
        "{}",
        text.stdout()
    );
    let page = std::fs::read_to_string(path).unwrap();
    assert!(page.contains("<b>2</b><span>can be sent</span>") && page.contains("<b>1</b><span>would fail</span>"));
    assert!(page.contains("<i class=\"failing\""), "{page}");
}

#[test]
fn what_is_beyond_a_limit_would_fail() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    let track = |number: usize| format!("{{\"type\":\"track\",\"userId\":\"a\",\"event\":\"name {number}\"}}\n");
    let input = |names| (0..names).map(track).collect::<String>();
    let run = |names| run(&["check", "--html", path.to_str().unwrap()], input(names));
    let (within, beyond) = (run(120), run(121));
    assert!(
        within.code() == 0 && within.stdout().starts_with("120 of 120 events"),
        "{}",
        within.stdout()
    );
    assert!(
        beyond.code() == 1 && beyond.stdout().starts_with("120 of 121 events"),
        "{}",
        beyond.stdout()
    );
    assert!(std::fs::read_to_string(path).unwrap().contains("<h1>120 of 121 events"));
}

#[test]
fn text_for_people() {
    let run = run(&["check", fixture("quickstart.ndjson").to_str().unwrap()], "");
    assert_eq!(run.code(), 0);
    for part in [
        "7 of 7 events can be sent",
        "address_city",
        "1 of 120 that Intercom allows",
        "about 14 calls; 18 without the savings of delivery; at most 91 if everything that can go wrong does",
    ] {
        assert!(run.stdout().contains(part), "{part} in {}", run.stdout());
    }
    assert!(!run.stdout().contains('\u{1b}'));
}

#[test]
fn a_page_that_needs_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.html");
    let hostile = r#"{"type":"track","userId":"a","event":"<script>alert('&\"')</script>"}"#;
    let run = run(
        &["check", "--html", path.to_str().unwrap()],
        format!("{hostile}\n{{\"type\":\"page\"}}\n{}", identify(1)),
    );
    assert_eq!(run.code(), 1);
    let page = std::fs::read_to_string(path).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));
    assert!(page.contains("2 of 3 events can be sent to Intercom (66.7\u{a0}%)"));
    assert!(page.contains("&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;"));
    assert!(page.contains("class=\"chart\"") && page.contains("prefers-color-scheme: dark"));
    for foreign in ["<script", "src=", "href=", "url(", "@import", "http://", "https://"] {
        assert!(!page.contains(foreign), "{foreign}");
    }
}

#[test]
fn a_page_that_cannot_be_written_is_noticed_at_once() {
    let run = run(&["check", "--html", "/no/such/folder/report.html"], identify(1));
    assert_eq!(run.code(), 2);
    assert!(run.stderr().contains("cannot write"), "{}", run.stderr());
}
