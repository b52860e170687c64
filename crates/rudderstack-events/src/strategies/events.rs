//! Events as SDKs send them.

use super::json::Json;
use crate::EventType;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;
use strum::IntoEnumIterator as _;

/// An event of any type, as the browser SDK, a server SDK or a warehouse source sends it.
pub fn event() -> impl Strategy<Value = Json> {
    Union::new_weighted(
        EventType::iter()
            .map(|kind| (frequency(kind), event_of(kind)))
            .collect(),
    )
}

/// How often events of a type are made.
fn frequency(kind: EventType) -> u32 {
    match kind {
        EventType::Track => 15,
        EventType::Identify => 9,
        EventType::Group => 6,
        EventType::Record => 3,
        EventType::Page | EventType::Screen | EventType::Alias => 1,
    }
}

/// An event of one type.
pub fn event_of(kind: EventType) -> BoxedStrategy<Json> {
    if kind == EventType::Record {
        return record().boxed();
    }
    (envelope(), any::<bool>(), person(), body(kind))
        .prop_map(move |(envelope, browser, person, body)| {
            let mut event = Json::object([("type", kind.as_str())]);
            extend(&mut event, &envelope);
            extend(&mut event, &body);
            match kind {
                // The browser SDK sends what it knows of the person with every event.
                _ if browser => event.set(&["context", "traits"], person),
                EventType::Identify => event.set(&["traits"], person),
                _ => {}
            }
            event
        })
        .boxed()
}

fn extend(event: &mut Json, more: &Json) {
    for (key, value) in more.entries() {
        event.set(&[key], value.clone());
    }
}

/// What an event has whatever its type.
fn envelope() -> impl Strategy<Value = Json> {
    let optional = prop::collection::vec(any::<bool>(), 5);
    (id(), id(), id(), time(), context(), integrations(), optional).prop_map(
        |(message, user, anonymous, time, context, integrations, there)| {
            let mut event = Json::object([("messageId", message), ("channel", "web".into())]);
            let mut put = |at: usize, key: &str, value: Json| {
                if there[at] {
                    event.set(&[key], value);
                }
            };
            put(0, "userId", user);
            put(1, "anonymousId", anonymous);
            put(2, "timestamp", time.clone());
            put(3, "integrations", integrations);
            put(4, "sentAt", time.clone());
            event.set(&["originalTimestamp"], time);
            event.set(&["context"], context);
            event
        },
    )
}

fn context() -> impl Strategy<Value = Json> {
    (any::<bool>(), select(vec!["en-GB", "de-DE", "ja-JP"])).prop_map(|(browser, locale)| {
        let library = if browser {
            "RudderLabs JavaScript SDK"
        } else {
            "analytics-node"
        };
        let mut context = Json::object([("library", Json::object([("name", library), ("version", "3.0.0")]))]);
        if browser {
            context.set(&["locale"], locale);
            context.set(&["userAgent"], "Mozilla/5.0 (X11; Linux x86_64)");
            context.set(&["page", "url"], "https://shop.example/pricing?ref=mail");
            context.set(&["screen", "width"], 1512);
            context.set(&["sessionId"], 1_704_481_800_123);
        }
        context
    })
}

fn integrations() -> impl Strategy<Value = Json> {
    let all = any::<bool>().prop_map(|all| Json::object([("All", all)]));
    let fields = [
        "email",
        "phone",
        "external_id",
        "userId",
        "name",
        "custom_attributes.plan",
        "Email",
    ];
    let options = select(fields.to_vec()).prop_map(|field| Json::object([("lookup", field)]));
    let name = select(vec!["INTERCOM", "Intercom", "intercom", "INTERCOM_V2", "Intercom V2"]);
    let one = (
        all,
        name,
        prop_oneof![3 => options, 1 => any::<bool>().prop_map(Json::Bool)],
    )
        .prop_map(|(all, name, value)| all.with(&[name], value));
    prop_oneof![2 => Just(Json::object([("All", true)])), 1 => one]
}

/// What an event has because of its type.
fn body(kind: EventType) -> BoxedStrategy<Json> {
    let name = || select(vec!["Order Completed", "Door Opened", "Signed Up", "Übersicht"]);
    match kind {
        EventType::Track => (name(), properties())
            .prop_map(|(name, properties)| Json::object([("event", name.into()), ("properties", properties)]))
            .boxed(),
        EventType::Page | EventType::Screen => (name(), properties())
            .prop_map(|(name, properties)| Json::object([("name", name.into()), ("properties", properties)]))
            .boxed(),
        EventType::Group => (id(), company())
            .prop_map(|(id, company)| Json::object([("groupId", id), ("traits", company)]))
            .boxed(),
        EventType::Alias => id().prop_map(|id| Json::object([("previousId", id)])).boxed(),
        EventType::Identify | EventType::Record => Just(Json::object::<&str, Json>([])).boxed(),
    }
}

/// An id: mostly a text, now and then a number.
pub fn id() -> impl Strategy<Value = Json> {
    prop_oneof![
        4 => "[a-z]{1,6}-[0-9]{1,6}".prop_map(Json::String),
        2 => "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}".prop_map(Json::String),
        1 => (1_i64..1_000_000_000).prop_map(Json::from),
    ]
}

/// An email address, in any case.
pub fn address() -> impl Strategy<Value = String> {
    "[a-zA-Z]{1,8}(\\.[a-z]{1,6})?(\\+[a-z]{1,4})?@([a-z]{2,8}\\.)?example\\.(com|org)"
}

/// A time, in one of the forms that SDKs use.
pub fn time() -> impl Strategy<Value = Json> {
    (0_i64..4_000_000_000, 0_u32..1000, 0_u8..5).prop_map(|(seconds, millis, form)| {
        let time = chrono::DateTime::from_timestamp(seconds, millis * 1_000_000).unwrap_or_default();
        let text = match form {
            0 => return Json::from(seconds),
            1 => return Json::from(seconds * 1000 + i64::from(millis)),
            2 => time.format("%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)"),
            3 => time.format("%Y-%m-%d"),
            _ => time.format("%Y-%m-%dT%H:%M:%S%.3fZ"),
        };
        Json::String(text.to_string())
    })
}

/// An object that has some of these entries.
fn some_of(entries: Vec<(&'static str, BoxedStrategy<Json>)>) -> impl Strategy<Value = Json> {
    let keys: Vec<&str> = entries.iter().map(|(key, _)| *key).collect();
    let values: Vec<_> = entries
        .into_iter()
        .map(|(_, value)| prop::option::weighted(0.4, value))
        .collect();
    values.prop_map(move |values| {
        let there = keys.iter().zip(values).filter_map(|(key, value)| Some((*key, value?)));
        Json::object(there)
    })
}

fn one_of(texts: &[&'static str]) -> BoxedStrategy<Json> {
    select(texts.to_vec()).prop_map(Json::from).boxed()
}

/// What is known of a person: the traits that destinations know, and others.
pub fn person() -> impl Strategy<Value = Json> {
    let nested = (id(), any::<bool>()).prop_map(|(id, remove)| {
        let company = Json::object([("id", id), ("name", "Fern Ltd".into())]);
        if remove {
            company.with(&["remove"], true)
        } else {
            company
        }
    });
    some_of(vec![
        ("userId", id().boxed()),
        ("email", address().prop_map(Json::String).boxed()),
        ("name", one_of(&["Ann Lee", "Zoë O’Neil", "山田 太郎"])),
        ("firstName", one_of(&["Ann", "Zoë"])),
        ("lastName", one_of(&["Lee", "O’Neil"])),
        ("phone", "\\+[1-9][0-9]{7,11}".prop_map(Json::String).boxed()),
        ("avatar", one_of(&["https://img.example/ann.png"])),
        ("role", one_of(&["user", "lead", "admin"])),
        ("ownerId", (1_i64..100_000).prop_map(Json::from).boxed()),
        ("createdAt", time().boxed()),
        ("lastSeenAt", time().boxed()),
        ("unsubscribedFromEmails", any::<bool>().prop_map(Json::Bool).boxed()),
        ("company", nested.boxed()),
        ("plan", one_of(&["free", "pro", "enterprise"])),
        ("seats", (0_i64..500).prop_map(Json::from).boxed()),
        ("address", address_of_a_place().boxed()),
        (
            "interests",
            prop::collection::vec(one_of(&["boats", "bees", "books"]), 0..4)
                .prop_map(Json::Array)
                .boxed(),
        ),
    ])
}

fn address_of_a_place() -> impl Strategy<Value = Json> {
    some_of(vec![
        ("city", one_of(&["Leeds", "Köln", "Kyoto"])),
        ("postalCode", "[A-Z]{2}[0-9]{1,5}".prop_map(Json::String).boxed()),
        ("country", one_of(&["GB", "DE", "JP"])),
    ])
}

fn company() -> impl Strategy<Value = Json> {
    some_of(vec![
        ("name", one_of(&["Fern Ltd", "Möwe GmbH"])),
        ("email", address().prop_map(Json::String).boxed()),
        ("website", one_of(&["https://fern.example"])),
        ("plan", one_of(&["free", "pro"])),
        ("size", (1_i64..10_000).prop_map(Json::from).boxed()),
        ("industry", one_of(&["IT", "Gardening"])),
        (
            "monthlySpend",
            "[1-9][0-9]{0,5}\\.[0-9]{2}".prop_map(Json::Number).boxed(),
        ),
        ("remoteCreatedAt", time().boxed()),
        (
            "tags",
            prop::collection::vec(one_of(&["retail", "early adopter"]), 0..4)
                .prop_map(Json::Array)
                .boxed(),
        ),
        ("employees", (1_i64..10_000).prop_map(Json::from).boxed()),
        ("address", address_of_a_place().boxed()),
    ])
}

/// The details of something that was done, such as an order: nested, with prices, amounts and links.
pub fn properties() -> impl Strategy<Value = Json> {
    let price = || "[1-9][0-9]{0,4}\\.[0-9]{2}".prop_map(Json::Number);
    let product = (id(), price(), 1_i64..9).prop_map(|(sku, price, quantity)| {
        Json::object([("sku", sku), ("price", price), ("quantity", quantity.into())])
    });
    let amount = (1_i64..1_000_000)
        .prop_map(|amount| Json::object([("amount", Json::from(amount)), ("currency", "gbp".into())]));
    let link = id().prop_map(|id| {
        let url = format!("https://shop.example/receipts/{id}");
        Json::object([("url", Json::String(url)), ("value", id)])
    });
    some_of(vec![
        ("order_id", id().boxed()),
        ("id", id().boxed()),
        ("email", address().prop_map(Json::String).boxed()),
        ("total", price().boxed()),
        ("currency", one_of(&["USD", "EUR"])),
        ("coupon", one_of(&["", "SPRING"])),
        ("paid", any::<bool>().prop_map(Json::Bool).boxed()),
        ("price", amount.boxed()),
        ("receipt", link.boxed()),
        (
            "products",
            prop::collection::vec(product, 0..4).prop_map(Json::Array).boxed(),
        ),
        ("shipping", address_of_a_place().boxed()),
        ("note", Just(Json::Null).boxed()),
    ])
}

fn record() -> impl Strategy<Value = Json> {
    let identifiers = some_of(vec![
        ("external_id", id().boxed()),
        ("email", address().prop_map(Json::String).boxed()),
    ]);
    let fields = some_of(vec![
        ("name", one_of(&["Ann Lee", "Zoë O’Neil"])),
        ("phone", "\\+[1-9][0-9]{7,11}".prop_map(Json::String).boxed()),
        ("signed_up_at", time().boxed()),
        ("owner_id", (1_i64..100_000).prop_map(Json::from).boxed()),
        ("custom_attributes", person().boxed()),
        ("seats", (0_i64..500).prop_map(Json::from).boxed()),
    ]);
    (
        select(vec!["insert", "update", "delete", "INSERT"]),
        identifiers,
        fields,
        1_i64..10_000,
    )
        .prop_map(|(action, identifiers, fields, row)| {
            Json::object([
                ("type", "record".into()),
                ("action", action.into()),
                ("channel", "sources".into()),
                (
                    "context",
                    Json::object([("sources", Json::object([("job_id", "job-1"), ("version", "1.0")]))]),
                ),
                ("recordId", Json::String(row.to_string())),
                ("identifiers", identifiers),
                ("fields", fields),
            ])
        })
}
