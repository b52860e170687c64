//! Events outside of a pass over JSON text: kept, edited, sent to another thread, and inside other types and formats. The models have
//! a test each where they are declared.
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

use exact_json::testing::{anywhere, object};
use rudderstack_events::traits::{Address, GroupTraits, PersonTraits};
use rudderstack_events::{
    Event, EventType, Field, Group, Identify, Integrations, Object, Raw, Reveal, Timestamp, Track, UserId,
};
use serde_json::json;
use std::borrow::Cow;
use std::time::SystemTime;

#[test]
fn what_is_no_model_can_stand_anywhere_too() {
    let _: Event<'static> = object(&json!({"type": "dance", "context": {"locale": "de"}}));
    let _: Object<'static> = object(&json!({"a": {"b": [1, "x", null, true]}}));
    let _: Integrations<'static> = object(&json!({"All": true, "Intercom": {"lookup": "email"}}));
}

#[test]
fn scalars() {
    let _: Timestamp<'static> = anywhere(&json!("2026-01-01T00:00:00Z"));
    let _: EventType = anywhere(&json!("track"));
    let _: Raw<'static> = anywhere(&json!({"a": 1}));
    let _: Raw<'static> = anywhere(&json!([1, -2, 3.5, "x", null]));
    let _: Field<'static, Object<'static>> = anywhere(&json!({"a": 1}));
    assert_eq!(serde_json::from_str::<UserId<'_>>("42").unwrap(), "42");
    assert!(serde_json::from_str::<UserId<'_>>("{}").is_err());
    assert_eq!(
        serde_json::from_str::<EventType>("\"Track\"").unwrap(),
        EventType::Track
    );
}

#[test]
fn an_owned_event_outlives_its_text_and_says_the_same() {
    let text =
        r#"{"type":"identify","userId":42,"context":{"traits":{"balance":1.00,"e":"\u00e4"}},"traits":{"n":1e400}}"#;
    let event = {
        let text = text.to_owned();
        Event::from_json(&text).unwrap().into_owned()
    };
    assert_eq!(serde_json::to_string(&event).unwrap(), text);
    assert_eq!(event, Event::from_json(text).unwrap());
    assert_eq!(event.common().user_id.ok().unwrap(), "42");
    let context = event.common().context.ok().unwrap();
    assert_eq!(context.traits.entry("balance").unwrap().json(), "1.00");
    assert!(serde_json::from_str::<Track<'_>>(text).is_err());
}

#[test]
fn events_are_edited() {
    fn email(event: &Identify<'_>) -> Option<String> {
        Some(event.traits.entry("email")?.string()?.into_owned())
    }
    let mut event: Event<'_> =
        Event::from_json(r#"{"type":"identify","traits":{"email":"a@example.com","n":1}}"#).unwrap();
    event.common_mut().timestamp = chrono::DateTime::UNIX_EPOCH.into();
    event.common_mut().user_id = UserId::from(7).into();
    let Event::Identify(mut identify) = event else {
        panic!("an identify")
    };
    identify.traits.edit(|traits| traits.insert("plan", "pro")).unwrap();
    assert_eq!(email(&identify).as_deref(), Some("a@example.com"));
    assert_eq!(
        serde_json::to_string(&identify).unwrap(),
        concat!(
            r#"{"type":"identify","userId":"7","timestamp":"1970-01-01T00:00:00.000Z","#,
            r#""traits":{"email":"a@example.com","n":1,"plan":"pro"}}"#
        )
    );
    let mut track = Track::new();
    track.event = "Order Completed".into();
    let items: Vec<Object<'_>> = vec![Object::new().with("sku", "x").with("price", 2.5)];
    track
        .properties
        .edit(|properties| properties.extend([("items", items)]))
        .unwrap();
    let properties = track.properties.ok().unwrap();
    assert_eq!(properties["items"].json(), r#"[{"sku":"x","price":2.5}]"#);
    assert!(properties["missing"].is_null());
    track.properties = serde_json::from_str("[]").unwrap();
    assert!(track.properties.edit(|_| ()).is_err());
    assert_eq!(track.properties.raw().unwrap().json(), "[]");
}

#[test]
fn what_is_read_of_a_part_outlives_what_it_is_read_through() {
    fn email<'e>(identify: &'e Identify<'e>) -> Option<Cow<'e, str>> {
        identify.traits.ok()?.get("email")?.string()
    }
    fn city<'e>(identify: &'e Identify<'e>) -> Option<Cow<'e, str>> {
        identify.traits.ok()?.get("address")?.as_object()?.get("city")?.string()
    }
    fn first_list<'e>(identify: &'e Identify<'e>) -> Option<Raw<'e>> {
        identify.traits.ok()?.get("lists")?.as_array()?.into_iter().next()
    }
    let text =
        r#"{"type":"identify","traits":{"email":"a@example.com","address":{"city":"Gr\u0061z"},"lists":[[1.0]]}}"#;
    let Event::Identify(received) = Event::from_json(text).unwrap() else {
        panic!("an identify")
    };
    let owned = received.clone().into_owned();
    let set = Identify::new().with_traits(owned.traits.ok().unwrap().into_owned());
    for identify in [&received, &owned, &set] {
        assert_eq!(email(identify).as_deref(), Some("a@example.com"));
        assert_eq!(city(identify).as_deref(), Some("Graz"));
        assert_eq!(first_list(identify).unwrap().json(), "[1.0]");
    }
}

#[test]
fn parts_are_set_to_what_is_at_hand() {
    let moment = chrono::DateTime::parse_from_rfc3339("2026-01-01T01:00:00+01:00").unwrap();
    let mut track = Track::new();
    track.common.user_id = "u-1".into();
    track.common.anonymous_id = String::from("a-1").into();
    track.common.message_id = 7.into();
    track.common.sent_at = "2026-01-01T00:00:00Z".into();
    track.common.timestamp = moment.into();
    let text = r#"{"type":"track","messageId":"7","userId":"u-1","anonymousId":"a-1","timestamp":"2026-01-01T00:00:00.000Z","sentAt":"2026-01-01T00:00:00Z"}"#;
    assert_eq!(serde_json::to_string(&track).unwrap(), text);
    let numbers = Object::from([
        ("u8", Raw::from(8_u8)),
        ("f32", 0.5_f32.into()),
        ("usize", 9_usize.into()),
    ]);
    let mut object = Object::from([
        ("text", Raw::from(Cow::Borrowed("a\"b"))),
        ("array", [1, 2].into()),
        ("slice", ["x"][..].into()),
        ("id", UserId::from("u-1").into()),
        ("moment", moment.into()),
        ("time", Timestamp::new("soon").into()),
        ("system", SystemTime::UNIX_EPOCH.into()),
        ("address", Address::new().with_city("Graz").into()),
    ]);
    object.extend(&numbers);
    let text = r#"{"text":"a\"b","array":[1,2],"slice":["x"],"id":"u-1","moment":"2026-01-01T00:00:00.000Z","time":"soon","system":"1970-01-01T00:00:00.000Z","address":{"city":"Graz"},"u8":8,"f32":0.5,"usize":9}"#;
    assert_eq!(object.to_json(), text);
    for (key, value) in &mut object {
        if key == "array" {
            *value = Raw::from(None::<bool>);
        }
    }
    *object.get_mut("slice").unwrap() = 3.into();
    assert!(object.get_mut("nothing").is_none() && object.contains_key("array") && !object.contains_key("nothing"));
    assert_eq!(object.keys().nth(1), Some("array"));
    assert!(object.to_json().contains(r#""array":null,"slice":3"#));
}

#[test]
fn a_part_is_read_by_the_names_of_what_is_in_it() {
    let traits = r#"{"email":"a@example.com","address":{"city":"Graz"},"company":5,"age":"x","pet":"cat"}"#;
    let text = format!(r#"{{"type":"identify","traits":{traits},"context":{{"traits":{traits}}}}}"#);
    let Event::Identify(identify) = Event::from_json(&text).unwrap() else {
        panic!("an identify")
    };
    let context = identify.common.context.ok().unwrap();
    let mut set = Identify::new();
    set.traits = Object::from_json(traits).unwrap().into();
    // As it was received, as it was read in the first pass, and as it was set.
    for field in [&identify.traits, &context.traits, &set.traits] {
        let person: PersonTraits<'_> = field.view().unwrap().unwrap();
        assert_eq!(person.email.ok().as_deref(), Some("a@example.com"));
        assert_eq!(person.address.ok().unwrap().city.ok().as_deref(), Some("Graz"));
        assert!(person.company.get().is_err() && person.age.get().is_err() && person.name.is_absent());
        assert_eq!(person.extra["pet"].string().as_deref(), Some("cat"));
        assert_eq!(
            serde_json::to_value(&person).unwrap(),
            serde_json::from_str::<serde_json::Value>(traits).unwrap()
        );
    }
    let group: Group<'_> = serde_json::from_str(r#"{"type":"group","traits":[]}"#).unwrap();
    assert!(group.traits.view::<GroupTraits<'_>>().is_err());
    assert_eq!(Group::new().traits.view::<GroupTraits<'_>>().unwrap(), None);
}

#[test]
fn events_are_made_in_one_expression() {
    let track = Track::new()
        .with_user_id(7)
        .with_event("Order Completed")
        .with_timestamp(SystemTime::UNIX_EPOCH)
        .with_properties(Object::new().with("total", 3));
    let text = r#"{"type":"track","userId":"7","timestamp":"1970-01-01T00:00:00.000Z","event":"Order Completed","properties":{"total":3}}"#;
    assert_eq!(serde_json::to_string(&track).unwrap(), text);
    let shown = format!("{track:?} {:?}", track.reveal());
    assert_eq!(shown.matches("Completed").count(), 1, "{shown}");
    let group = Group::new().with_traits(GroupTraits::new().with_name("Acme").with_employees("1-10"));
    assert_eq!(
        serde_json::to_string(&group).unwrap(),
        r#"{"type":"group","traits":{"name":"Acme","employees":"1-10"}}"#
    );
}

#[test]
fn an_event_is_written_with_its_own_type() {
    let mut track = Track::new().with_event("Opened");
    track.common.kind = "identify".into();
    let text = r#"{"type":"track","event":"Opened"}"#;
    assert_eq!(serde_json::to_string(&track).unwrap(), text);
    assert_eq!(serde_json::to_string(&Event::from(track.clone())).unwrap(), text);
    track.common.kind = Field::Absent;
    assert_eq!(serde_json::to_string(&track).unwrap(), text);
    // As the sender wrote it.
    let text = r#"{"type":"Track","event":"Opened"}"#;
    assert_eq!(serde_json::to_string(&Event::from_json(text).unwrap()).unwrap(), text);
}
