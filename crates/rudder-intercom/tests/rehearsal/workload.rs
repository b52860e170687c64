//! Random events, the flags that they are sent with, and the Intercom that they are sent to.

use crate::trouble::{TROUBLES, troubled};
use fastrand::Rng;
use intercom_api::{DataAttributeModel, DataType};
use intercom_sandbox::{DuplicateEmail, Settings};
use serde_json::{Map, Value, json};

/// How many people an input is about.
const PEOPLE: usize = 4;

/// What is sent where, and how.
pub(crate) struct Workload {
    pub(crate) settings: Settings,
    /// Whether the attributes that the events need are created first.
    pub(crate) creates_attributes: bool,
    pub(crate) flags: Vec<&'static str>,
    pub(crate) events: String,
}

fn settings(seed: u64) -> Settings {
    let contact = |name: &str, data_type| (DataAttributeModel::Contact, name.to_owned(), data_type);
    // Whether Intercom takes lists in searches, and of what length, is not known; nor what it says to second users with an
    // email, and to leads with a user id.
    let mut settings = Settings::strict()
        .with_max_search_values(seed.is_multiple_of(3).then_some(1))
        .with_refused_lead_ids(seed.is_multiple_of(2));
    if seed.is_multiple_of(5) {
        settings = settings.with_duplicate_email(DuplicateEmail::Allow);
    }
    settings.attributes = vec![
        contact("plan", DataType::String),
        contact("seats", DataType::Integer),
        contact("score", DataType::Float),
        contact("is_trial", DataType::Boolean),
        contact("renewed_at", DataType::Date),
        contact("née", DataType::String),
        contact("home_city", DataType::String),
        contact("roles_0", DataType::String),
        (DataAttributeModel::Company, "tier".to_owned(), DataType::String),
        (DataAttributeModel::Company, "founded_at".to_owned(), DataType::DateTime),
    ];
    settings
}

/// A number whose text is written as it is, whatever a number of this program can hold.
fn number(text: impl Into<String>) -> Value {
    Value::String(format!("#{}", text.into()))
}

/// The JSON text, with the numbers.
fn text_of(event: &Value) -> String {
    let text = event.to_string();
    let mut parts = text.split("\"#");
    let mut written = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (number, rest) = part.split_once('"').unwrap_or((part, ""));
        written.extend([number, rest]);
    }
    written
}

/// Numbers as text, at the bounds of what is a number somewhere.
const NUMBERS: [&str; 22] = [
    "-0",
    "0.0",
    "1e2",
    "1E-7",
    "1.50",
    "-3",
    "1e400",
    "-1e400",
    "1e-400",
    "2147483647",
    "2147483647.99",
    "2147483648",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "100000000000",
    "253402300799",
    "253402300800",
    "1716480000000000000",
    "12345678901234567890123456789012345678901234567890",
    "0.30000000000000000001",
];

/// Texts that may be meant as something else.
const TEXTS: [&str; 27] = [
    "",
    " ",
    "true",
    "FALSE",
    " 12 ",
    "0x1F",
    "1e3",
    "NaN",
    "-",
    "12,5",
    "a text",
    "2026-05-01T10:00:00Z",
    "2026-05-01",
    "01/05/2026",
    "31/02/2026",
    "99/99/9999",
    "29/02/2023",
    "1969-12-31T23:59:59Z",
    "6000-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "10000-01-01T00:00:00Z",
    "1716480000000",
    "Mon May 19 2019 18:34:24 GMT+0000 (UTC)",
    "\u{0}",
    "😀",
    "e\u{301}",
    "lead",
];

/// Values of all kinds, some of which are not of the attribute's type: they are turned into it, or left out.
pub(crate) fn value(random: &mut Rng) -> Value {
    match random.u8(..14) {
        0 => Value::Null,
        1 => json!(random.bool()),
        2 => json!(random.u32(..5000)),
        3 => json!(f64::from(random.u32(..500)) / 8.0),
        4 => json!(1_700_000_000_000_i64 + random.i64(..1_000_000)),
        5 | 6 => number(NUMBERS[random.usize(..NUMBERS.len())]),
        7 => number("7".repeat([1, 255, 256, 400][random.usize(..4)])),
        8 => {
            let letter = ["x", "ß", "😀"][random.usize(..3)];
            json!(letter.repeat([254, 255, 256, 1000][random.usize(..4)]))
        }
        _ => json!(TEXTS[random.usize(..TEXTS.len())]),
    }
}

/// Names that the workspace has, some of which are spelled as Intercom cannot have them, and some that it has itself.
fn attributes(random: &mut Rng) -> Map<String, Value> {
    let names = [
        "plan",
        "seats",
        "score",
        "is_trial",
        "renewed_at",
        "née",
        "home.city",
        "$plan",
        "seats?",
        "`score`",
        "created_at",
        "id",
        "user_id",
        "last_seen_at",
        "$$",
        "",
        "_",
        "home_city",
        "roles[0]",
    ];
    let count = random.usize(..6);
    let mut all: Map<String, Value> = random
        .choose_multiple(names, count)
        .into_iter()
        .map(|name| (name.to_owned(), value(random)))
        .collect();
    for (name, nested) in [
        ("home", json!({"city": value(random)})),
        ("roles", json!([value(random)])),
        ("nothing", json!({"at": [], "all": {}})),
    ] {
        if random.u8(..6) == 0 {
            all.insert(name.to_owned(), nested);
        }
    }
    all
}

fn mail(person: usize) -> String {
    format!("person-{person}@example.org")
}

/// What becomes of fields that Intercom has itself, whatever is put there.
fn standard(random: &mut Rng, fields: &[&str]) -> Map<String, Value> {
    let count = random.usize(..3);
    let chosen = random.choose_multiple(fields.iter().copied(), count);
    chosen
        .into_iter()
        .map(|name| {
            let value = match random.u8(..8) {
                0 => json!({"name": value(random)}),
                1 => json!([value(random)]),
                _ => value(random),
            };
            (name.to_owned(), value)
        })
        .collect()
}

fn identify(random: &mut Rng, person: usize) -> Value {
    let fields = [
        "createdAt",
        "lastSeenAt",
        "ownerId",
        "phone",
        "name",
        "firstName",
        "avatar",
        "unsubscribedFromEmails",
        "company",
        "companies",
        "role",
    ];
    let mut traits = standard(random, &fields);
    traits.extend(attributes(random));
    let address = match random.u8(..12) {
        // Somebody else's.
        0 => mail((person + 1) % PEOPLE),
        1 => mail(person).to_uppercase(),
        _ => mail(person),
    };
    traits.insert("email".to_owned(), address.into());
    match random.u8(..8) {
        0 => drop(traits.insert("role".to_owned(), json!("lead"))),
        1 => drop(traits.insert(
            "company".to_owned(),
            json!([{"id": "co-0", "remove": true}, {"name": "Fern", "remove": true}]),
        )),
        _ => {}
    }
    let key = format!("u-{person}");
    match random.u8(..4) {
        0 => json!({"type": "Identify", "userId": key, "context": {"traits": traits}}),
        _ => json!({"type": "identify", "userId": key, "traits": traits}),
    }
}

fn track(random: &mut Rng, person: usize, number: usize) -> Value {
    let names = ["Event 1", "Event 2", " ", "é😀", "a.b$c"];
    let name = match random.u8(..8) {
        0 => json!(random.u8(..3)),
        1 => json!("y".repeat(300)),
        _ => json!(names[random.usize(..names.len())]),
    };
    let mut properties: Map<String, Value> = (0..random.usize(..14))
        .map(|at| (format!("k{at}"), value(random)))
        .collect();
    for (name, nested) in [
        ("price", json!({"amount": value(random), "currency": value(random)})),
        (
            "link",
            json!({"url": value(random), "value": value(random), "more": {"x": [1]}}),
        ),
        ("deep", json!({"a": {"b": [value(random), []]}, "c": {}})),
        ("", value(random)),
        ("id", json!("order-1")),
    ] {
        if random.u8(..5) == 0 {
            properties.insert(name.to_owned(), nested);
        }
    }
    let mut event = json!({
        "type": "track", "userId": format!("u-{person}"), "event": name, "messageId": format!("m-{number}"),
        "timestamp": format!("2026-01-05T10:{:02}:00Z", number % 60), "properties": properties,
    });
    if random.u8(..6) == 0 {
        // What is no moment gives way to another.
        event["originalTimestamp"] = event["timestamp"].take();
        event["timestamp"] = value(random);
    }
    event
}

fn group(random: &mut Rng, person: usize) -> Value {
    let fields = [
        "size",
        "monthlySpend",
        "remoteCreatedAt",
        "plan",
        "industry",
        "website",
        "tags",
    ];
    let mut traits = standard(random, &fields);
    traits.insert(
        "name".to_owned(),
        ["Fern".into(), value(random)][random.usize(..2)].clone(),
    );
    traits.insert("tier".to_owned(), value(random));
    if random.bool() {
        traits.insert("founded_at".to_owned(), value(random));
    }
    if random.bool() {
        traits.insert("tags".to_owned(), json!(["a", "", "a", 5, null, {}, "x".repeat(300)]));
    }
    let id = [
        json!("co-0"),
        json!("co-1"),
        json!(17),
        json!("ö/% &"),
        json!("c".repeat(300)),
    ][random.usize(..5)]
    .clone();
    json!({
        "type": "group", "userId": format!("u-{person}"), "groupId": id, "context": {"traits": {"email": mail(person)}},
        "traits": traits,
    })
}

/// Somebody whom the event has looked up by a field that it names.
fn looked_up(random: &mut Rng, person: usize) -> Value {
    let fields = [
        "email",
        "phone",
        "name",
        "userId",
        "custom_attributes.seats",
        "custom_attributes.plan",
        "custom_attributes.is_trial",
        "owner_id",
        "signed_up_at",
        "unsubscribed_from_emails",
        "role",
        "avatar",
    ];
    let field = fields[random.usize(..fields.len())];
    let mut traits = json!({"email": mail(person), "name": "Ann", "phone": "+441", "avatar": "https://example.org/a"});
    let name = field.strip_prefix("custom_attributes.").unwrap_or(field);
    traits[name] = match name {
        "plan" => json!("pro"),
        _ => value(random),
    };
    json!({
        "type": "identify", "userId": format!("u-{person}"), "traits": traits,
        "integrations": {"Intercom": {"lookup": field}},
    })
}

fn record(random: &mut Rng, person: usize) -> Value {
    let names = [
        "name",
        "seats",
        "phone",
        "owner_id",
        "signed_up_at",
        "last_seen_at",
        "unsubscribed_from_emails",
        "avatar",
        "plan",
    ];
    let mut fields = standard(random, &names);
    if random.bool() {
        fields.insert("custom_attributes".to_owned(), attributes(random).into());
    }
    let action = ["insert", "UPDATE"][random.usize(..2)];
    json!({"type": "record", "action": action, "identifiers": {"external_id": format!("u-{person}")}, "fields": fields})
}

fn event(random: &mut Rng, number: usize) -> Value {
    let person = random.usize(..PEOPLE);
    match random.u8(..10) {
        0..=2 => identify(random, person),
        3 | 4 => track(random, person, number),
        5 | 6 => group(random, person),
        7 => record(random, person),
        8 => looked_up(random, person),
        // Whom only an address names: a lead, of whom events go under Intercom's own id.
        _ => match random.bool() {
            true => {
                json!({"type": "identify", "traits": {"email": "lead@example.org", "role": "lead", "seats": value(random)}})
            }
            false => json!({
                "type": "track", "event": "Event 1", "traits": {"email": "lead@example.org"}, "properties": {"a": value(random)},
                "timestamp": format!("2026-01-05T11:{:02}:00Z", number % 60),
            }),
        },
    }
}

/// The workload of a seed.
pub(crate) fn workload(seed: u64) -> Workload {
    let mut random = Rng::with_seed(seed);
    let mut events: Vec<Value> = (0..PEOPLE)
        .map(|person| json!({"type": "identify", "userId": format!("u-{person}"), "traits": {"email": mail(person)}}))
        .collect();
    events.push(json!({"type": "identify", "traits": {"email": "lead@example.org", "role": "lead"}}));
    for number in 0..random.usize(4..14) {
        events.push(event(&mut random, number));
    }
    let mut flags = Vec::new();
    let troubles = random.usize(..3);
    for (at, trouble) in random.choose_multiple(TROUBLES, troubles).into_iter().enumerate() {
        troubled(&mut random, trouble, &mut events, &mut flags);
        // Identifies that are next to each other are merged, and the value of a later one may take the place of one that
        // would have been refused.
        events.push(json!({
            "type": "track", "userId": "u-0", "event": "Event 1", "timestamp": format!("2026-01-05T12:{at:02}:00Z"),
        }));
    }
    let lines: Vec<String> = events.iter().map(text_of).collect();
    Workload {
        settings: settings(seed),
        creates_attributes: random.u8(..3) == 0,
        flags,
        events: lines.join("\n"),
    }
}
