//! The first usable value wins, whatever stands in later places.
//!
//! The tables here are written from the mapping's description, not taken from the rules that the conversion runs from: a
//! rule that is changed by mistake must differ from them.

use super::NO_ENTRIES;
use proptest::prelude::*;
use proptest::sample::select;
use rudderstack_events::EventType;
use rudderstack_events::strategies::Json;
use rudderstack_to_intercom::rules::{self, Rule};
use rudderstack_to_intercom::{Conversion, Destination, Plan, Source, WarningCode};
use std::collections::BTreeSet;
use std::sync::LazyLock;
use test_support::{NOW, Outcome};

/// A field, where it may come from, and what kind of value it is.
#[derive(Debug)]
struct Field {
    call: &'static str,
    target: &'static str,
    paths: &'static [&'static str],
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Text,
    Date,
    /// A date, where what is none gives way to the next place.
    AnyDate,
    Number,
    Integer,
    Boolean,
    Role,
    Image,
    /// Text of which the last place counts only if it is an email address.
    Email,
}

const USER_ID: &[&str] = &[
    "userId",
    "traits.userId",
    "traits.id",
    "context.traits.userId",
    "context.traits.id",
    "anonymousId",
];
pub(super) const EMAIL: &[&str] = &[
    "traits.email",
    "context.traits.email",
    "properties.email",
    "context.externalId[0].id",
];

pub(super) const AVATAR: &[&str] = &[
    "traits.avatar",
    "context.traits.avatar",
    "traits.avatarURL",
    "context.traits.avatarURL",
    "traits.avatar_URL",
    "context.traits.avatar_URL",
];

const fn field(call: &'static str, target: &'static str, kind: Kind, paths: &'static [&'static str]) -> Field {
    Field {
        call,
        target,
        paths,
        kind,
    }
}

const FIELDS: &[Field] = &[
    field("identify", "external_id", Kind::Text, USER_ID),
    field("identify", "email", Kind::Email, EMAIL),
    field(
        "identify",
        "phone",
        Kind::Text,
        &["traits.phone", "context.traits.phone", "properties.phone"],
    ),
    field("identify", "avatar", Kind::Image, AVATAR),
    field("identify", "name", Kind::Text, &["traits.name", "context.traits.name"]),
    field("identify", "role", Kind::Role, &["traits.role", "context.traits.role"]),
    field(
        "identify",
        "owner_id",
        Kind::Integer,
        &["traits.ownerId", "context.traits.ownerId"],
    ),
    field(
        "identify",
        "signed_up_at",
        Kind::Date,
        &["traits.createdAt", "context.traits.createdAt"],
    ),
    field(
        "identify",
        "last_seen_at",
        Kind::Date,
        &["context.traits.lastSeenAt", "traits.lastSeenAt", "last_seen_at"],
    ),
    field(
        "identify",
        "unsubscribed_from_emails",
        Kind::Boolean,
        &[
            "traits.unsubscribedFromEmails",
            "context.traits.unsubscribedFromEmails",
            "context.unsubscribedFromEmails",
        ],
    ),
    field("track", "event_name", Kind::Text, &["event"]),
    field("track", "user_id", Kind::Text, USER_ID),
    field("track", "email", Kind::Email, EMAIL),
    field(
        "track",
        "created_at",
        Kind::AnyDate,
        &["timestamp", "originalTimestamp", "sentAt", "receivedAt"],
    ),
    field("group", "company_id", Kind::Text, &["groupId", "traits.groupId"]),
    field("group", "name", Kind::Text, &["traits.name"]),
    field("group", "website", Kind::Text, &["traits.website"]),
    field("group", "plan", Kind::Text, &["traits.plan", "context.traits.plan"]),
    field("group", "size", Kind::Integer, &["traits.size", "context.traits.size"]),
    field(
        "group",
        "industry",
        Kind::Text,
        &["traits.industry", "context.traits.industry"],
    ),
    field(
        "group",
        "monthly_spend",
        Kind::Number,
        &["traits.monthlySpend", "context.traits.monthlySpend"],
    ),
    field(
        "group",
        "remote_created_at",
        Kind::Date,
        &["traits.remoteCreatedAt", "context.traits.remoteCreatedAt"],
    ),
];

/// What can stand in a place.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    /// Nothing, `null` or an empty text.
    Unusable(Option<Json>),
    /// An array or an object.
    Malformed(Json),
    /// A plain value that the field cannot take.
    Impossible(Json),
    /// A value, and the text of what becomes of it.
    Usable(Json, String),
}

impl Cell {
    pub(super) fn json(&self) -> Option<&Json> {
        match self {
            Self::Unusable(json) => json.as_ref(),
            Self::Malformed(json) | Self::Impossible(json) | Self::Usable(json, _) => Some(json),
        }
    }
}

pub(super) fn cell(kind: Kind) -> impl Strategy<Value = Cell> {
    let unusable = select(vec![None, Some(Json::Null), Some("".into())]).prop_map(Cell::Unusable);
    let malformed = select(vec![
        Json::Object(NO_ENTRIES),
        Json::Array(Vec::new()),
        Json::Array(vec!["text".into()]),
        Json::object([("text", "text")]),
    ]);
    prop_oneof![
        3 => unusable,
        1 => malformed.prop_map(Cell::Malformed),
        1 => impossible(kind),
        3 => usable(kind),
    ]
}

/// A plain value that the kind cannot take; any other, where it takes all.
fn impossible(kind: Kind) -> BoxedStrategy<Cell> {
    let values: Vec<Json> = match kind {
        Kind::Text | Kind::Email => return usable(kind),
        Kind::Date | Kind::AnyDate => vec![true.into(), "soon".into(), "2023-02-30".into()],
        Kind::Number => vec!["many".into(), "1,5".into(), " ".into()],
        Kind::Integer => vec!["many".into(), "1.5".into(), Json::Number("2.5".into())],
        Kind::Boolean => vec!["yes".into(), 1.into()],
        Kind::Role => vec!["admin".into(), "User".into(), true.into()],
        Kind::Image => vec![7.into(), false.into()],
    };
    select(values).prop_map(Cell::Impossible).boxed()
}

fn usable(kind: Kind) -> BoxedStrategy<Cell> {
    let text = || "[a-zA-Z0-9 ]{1,12}";
    let quoted = |text: String| Cell::Usable(Json::String(text.clone()), format!("\"{text}\""));
    let same = |json: Json| Cell::Usable(json.clone(), json.to_string());
    match kind {
        Kind::Text => prop_oneof![
            3 => text().prop_map(quoted),
            1 => any::<i32>().prop_map(|n| Cell::Usable(i64::from(n).into(), format!("\"{n}\""))),
            1 => any::<bool>().prop_map(|b| Cell::Usable(b.into(), format!("\"{b}\""))),
        ]
        .boxed(),
        Kind::Email => "[a-z]{1,8}@example\\.com".prop_map(quoted).boxed(),
        Kind::Date | Kind::AnyDate => (0_i64..99_999_999_999)
            .prop_flat_map(|seconds| {
                let time = chrono::DateTime::from_timestamp(seconds, 0).expect("within range");
                let texts = [
                    seconds.to_string(),
                    format!("{seconds}999"),
                    time.to_rfc2822(),
                    time.format("%Y-%m-%dT%H:%M:%S.999Z").to_string(),
                ];
                // A number below 10^11 is in seconds, and a year beyond 9999 has no usual form.
                let forms = if seconds < 100_000_000 { 0..1 } else { 0..4_usize };
                forms.prop_map(move |form| Cell::Usable(texts[form].as_str().into(), seconds.to_string()))
            })
            .boxed(),
        Kind::Number => prop_oneof![
            "-?[1-9][0-9]{0,8}\\.[0-9]{1,3}".prop_map(move |text| same(Json::Number(text))),
            "[1-9][0-9]{0,8}".prop_map(|text| Cell::Usable(format!(" {text} ").into(), text)),
        ]
        .boxed(),
        Kind::Integer => prop_oneof![
            any::<i32>().prop_map(move |n| same(i64::from(n).into())),
            any::<i32>().prop_map(|n| Cell::Usable(n.to_string().into(), n.to_string())),
        ]
        .boxed(),
        Kind::Boolean => any::<bool>()
            .prop_map(|b| Cell::Usable(if b { "TRUE".into() } else { b.into() }, b.to_string()))
            .boxed(),
        Kind::Role => select(vec!["user", "lead"])
            .prop_map(move |role| same(role.into()))
            .boxed(),
        Kind::Image => ("https://[a-z]{1,8}\\.example/a\\.png", any::<bool>())
            .prop_map(|(url, whole)| {
                let json = if whole {
                    Json::object([("image_url", url.as_str())])
                } else {
                    url.as_str().into()
                };
                Cell::Usable(json, format!("\"{url}\""))
            })
            .boxed(),
    }
}

pub(super) fn put(event: &mut Json, path: &str, value: Json) {
    match path {
        "context.externalId[0].id" => {
            let id = Json::Array(vec![Json::object([("id", value)])]);
            event.set(&["context", "externalId"], id);
        }
        _ => event.set(
            &path.replace("<Intercom>", "INTERCOM").split('.').collect::<Vec<_>>(),
            value,
        ),
    }
}

/// An event that is sent whatever the field holds.
fn base(field: &Field) -> Json {
    let mut event = Json::object([("type", field.call)]);
    if !matches!(field.target, "external_id" | "user_id") {
        event.set(&["userId"], "u-1");
    }
    if field.target != "email" {
        event.set(&["properties", "email"], "ann@example.com");
    }
    match field.call {
        "track" => event.set(&["event"], "Door Opened"),
        "group" => event.set(&["groupId"], "g-1"),
        _ => {}
    }
    event
}

/// What the field must be, as JSON text.
fn expected(field: &Field, cells: &[Cell]) -> Option<String> {
    for cell in cells {
        match cell {
            Cell::Usable(_, becomes) => return Some(becomes.clone()),
            Cell::Impossible(_) if field.kind != Kind::AnyDate => return None,
            Cell::Unusable(_) | Cell::Malformed(_) | Cell::Impossible(_) => {}
        }
    }
    (field.target == "created_at").then(|| NOW.0.to_string())
}

/// The field of the body, as JSON text.
fn found(conversion: &Conversion, target: &str) -> Option<String> {
    let body = match &conversion.plan {
        Plan::SaveContact(plan) => serde_json::to_string(&plan.update),
        Plan::SubmitEvent(event) => serde_json::to_string(event),
        Plan::SaveCompany(plan) => serde_json::to_string(&plan.company),
        other => panic!("an unexpected plan: {other:?}"),
    };
    let body: std::collections::HashMap<String, Box<serde_json::value::RawValue>> =
        serde_json::from_str(&body.expect("a body")).expect("an object");
    body.get(target).map(|value| value.get().to_owned())
}

/// The rules as they are declared, so that a new one is tested without a new line in the table above.
static DECLARED: LazyLock<Vec<Field>> = LazyLock::new(|| {
    let events = [EventType::Identify, EventType::Track, EventType::Group];
    let rules = rules::all().filter(|rule| events.contains(&rule.event_type));
    rules.filter_map(declared).collect()
});

/// `None` for what is not one plain value.
fn declared(rule: &'static Rule) -> Option<Field> {
    let mut paths = Vec::new();
    for source in rule.sources {
        match source {
            Source::Path(path) | Source::PathIfEmail(path) | Source::OfPerson(path) => paths.push(path.as_str()),
            Source::AnonymousId => paths.push("anonymousId"),
            // These come last, and nothing in the event leads to them.
            Source::Joined(..) | Source::Now => {}
            _ => return None,
        }
    }
    let has_email = |source: &Source| matches!(source, Source::PathIfEmail(_));
    let kind = match rule.coercion {
        "text" if rule.sources.iter().any(has_email) => Kind::Email,
        "text" => Kind::Text,
        "Unix seconds" => Kind::Date,
        "Unix seconds, of the first that is a date" => Kind::AnyDate,
        "number" | "monthly amount" => Kind::Number,
        "whole number" => Kind::Integer,
        "boolean" => Kind::Boolean,
        "role" => Kind::Role,
        "image URL" => Kind::Image,
        _ => return None,
    };
    Some(Field {
        call: rule.event_type.as_str(),
        target: rule.target,
        paths: Vec::leak(paths),
        kind,
    })
}

fn field_and_cells(fields: &'static [Field]) -> impl Strategy<Value = (&'static Field, Vec<Cell>)> {
    (0..fields.len()).prop_flat_map(move |at| {
        let field = &fields[at];
        (Just(field), prop::collection::vec(cell(field.kind), field.paths.len()))
    })
}

/// Checks that the first usable of the cells became the field, and that what was passed over was warned of.
fn check(field: &Field, cells: &[Cell]) -> Result<(), TestCaseError> {
    let mut event = base(field);
    for (cell, path) in cells.iter().zip(field.paths) {
        match cell.json() {
            Some(json) => put(&mut event, path, json.clone()),
            // The base may have set it.
            None => event.remove(path),
        }
    }
    let destination = Destination::new().with_anonymous_id(true);
    let outcome = Outcome::of(&event.to_string(), &destination);
    let expected = expected(field, cells);
    match outcome.conversion() {
        Some(conversion) => prop_assert_eq!(found(conversion, field.target), expected, "{}", event),
        None => {
            // Without these, there is nothing to send.
            let required = ["company_id", "event_name"].contains(&field.target);
            prop_assert!(required && expected.is_none(), "{} gives {:?}", event, outcome);
        }
    }
    for (cell, path) in cells.iter().zip(field.paths) {
        if matches!(cell, Cell::Usable(..)) {
            break;
        }
        // An id that is passed over is a trait like others, whose name no custom attribute can have.
        let is_of_field = |code| code != WarningCode::ReservedName;
        let mut warnings = outcome.warnings().iter();
        let warned = warnings.any(|warning| pointer(path) == warning.path && is_of_field(warning.code));
        // Any other external id than an email address is no fault.
        let is_fault = !matches!(cell, Cell::Unusable(_)) && !path.contains("externalId");
        prop_assert_eq!(warned, is_fault, "a warning of {}", path);
        if matches!(cell, Cell::Impossible(_)) && field.kind != Kind::AnyDate {
            break;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(super::cases(2048))]

    /// Of all the places that a field may come from, the first usable one counts.
    #[test]
    fn the_first_usable_value_wins((field, cells) in field_and_cells(FIELDS)) {
        check(field, &cells)?;
    }

    /// The same of the rules as they are declared.
    #[test]
    fn the_first_usable_value_of_every_rule_wins((field, cells) in field_and_cells(&DECLARED)) {
        check(field, &cells)?;
    }

    /// Without a name, it is the first usable first name and the first usable last name, or one of the two.
    #[test]
    fn a_name_is_joined_of_its_parts(
        first in prop::collection::vec(prop::option::of("[A-Z][a-z]{1,6}"), 6),
        last in prop::collection::vec(prop::option::of("[A-Z][a-z]{1,6}"), 6),
        name in prop::option::of("[A-Z][a-z]{1,6}"),
    ) {
        let mut event = Json::object([("type", "identify"), ("userId", "u-1")]);
        let roots = ["traits", "context.traits"];
        let places = |keys: [&str; 3]| roots.iter().flat_map(|root| keys.map(|key| format!("{root}.{key}"))).collect::<Vec<_>>();
        let parts = [(places(["firstName", "firstname", "first_name"]), &first), (places(["lastName", "lastname", "last_name"]), &last)];
        for (places, values) in &parts {
            for (place, value) in places.iter().zip(*values) {
                if let Some(value) = value {
                    put(&mut event, place, value.as_str().into());
                }
            }
        }
        if let Some(name) = &name {
            event.set(&["context", "traits", "name"], name.as_str());
        }
        let outcome = Outcome::of(&event.to_string(), &Destination::new());
        let conversion = outcome.conversion().expect("an identify with a user id is sent");
        let joined = [&first, &last].map(|values| values.iter().flatten().next().cloned());
        let joined = joined.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let expected = name.or_else(|| (!joined.is_empty()).then_some(joined)).map(|name| format!("\"{name}\""));
        prop_assert_eq!(found(conversion, "name"), expected);
    }

    /// Of the keys under `integrations`, the first that is there counts.
    #[test]
    fn the_first_spelling_of_the_integration_counts(there in prop::collection::vec(any::<bool>(), 6), now in 0_i64..9) {
        const NAMES: [&str; 6] = ["INTERCOM_V2", "Intercom V2", "intercom_v2", "INTERCOM", "Intercom", "intercom"];
        let mut event = Json::object([("type", "track"), ("event", "Door Opened")]);
        event.set(&["integrations", "All"], now % 2 == 0);
        // In the form of Intercom's ids, because another one would not be sent beside a user id.
        let id = |at: usize| format!("{at:024x}");
        for (at, name) in NAMES.iter().enumerate().rev() {
            if there[at] {
                event.set(&["integrations", name, "id"], id(at).as_str());
            }
        }
        event.set(&["userId"], "u-1");
        let outcome = Outcome::of(&event.to_string(), &Destination::new());
        let first = there.iter().position(|there| *there).map(|at| format!("\"{}\"", id(at)));
        match outcome.conversion() {
            Some(conversion) => prop_assert_eq!(found(conversion, "id"), first),
            None => prop_assert!(first.is_none() && outcome == Outcome::Skipped),
        }
    }
}

fn pointer(path: &str) -> String {
    let path = path.replace("[0]", ".0").replace("<Intercom>", "INTERCOM");
    format!("/{}", path.replace('.', "/"))
}

/// A rule that is gone, or whose target has another name, is noticed here.
#[test]
fn every_field_of_the_table_has_a_rule() {
    let names = |fields: &[Field]| -> BTreeSet<_> { fields.iter().map(|field| (field.call, field.target)).collect() };
    assert!(names(FIELDS).is_subset(&names(&DECLARED)));
}
