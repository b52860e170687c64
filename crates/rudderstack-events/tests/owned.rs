//! Every public model outside of a pass over JSON text: kept, sent to another thread, and inside other types and formats.
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

use rudderstack_events::context::{
    App, Campaign, Device, ExternalId, Library, Network, Os, Page as WebPage, Screen as DeviceScreen, Sources,
};
use rudderstack_events::{
    Alias, AnonymousId, Common, Context, Event, EventType, Field, Group, GroupId, Identify, Integrations, MessageId,
    Object, OwnedEvent, Page, PreviousId, Raw, Record, Screen, Timestamp, Track, UserId,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt::Debug;
use std::thread;

#[derive(Serialize, Deserialize)]
#[serde(tag = "shape")]
enum Tagged<T> {
    Model(T),
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged<T> {
    Model(T),
}

#[derive(Serialize, Deserialize)]
struct Flattened<T> {
    place: u8,
    #[serde(flatten)]
    model: T,
}

#[derive(Serialize, Deserialize)]
struct Kept<T> {
    models: Vec<T>,
}

fn value(model: &impl Serialize) -> Value {
    serde_json::to_value(model).unwrap()
}

/// Where any value can stand.
fn anywhere<T>(sent: &Value) -> T
where
    T: Serialize + DeserializeOwned + Clone + PartialEq + Debug + Send + 'static,
{
    let text = sent.to_string();
    let model: T = serde_json::from_reader(text.as_bytes()).unwrap();
    assert_eq!(value(&model), *sent);
    assert_eq!(value(&serde_json::from_value::<T>(sent.clone()).unwrap()), *sent);
    let Untagged::Model(untagged) = serde_json::from_str::<Untagged<T>>(&text).unwrap();
    assert_eq!(value(&Untagged::Model(untagged)), *sent);
    let kept: Kept<T> = serde_json::from_value(json!({"models": [sent]})).unwrap();
    assert_eq!(value(&kept.models[0]), *sent);
    let mut cbor = Vec::new();
    ciborium::into_writer(&model, &mut cbor).unwrap();
    assert_eq!(value(&ciborium::from_reader::<T, _>(&cbor[..]).unwrap()), *sent);
    let copy = model.clone();
    let returned = thread::spawn(move || copy).join().unwrap();
    assert_eq!(returned, model);
    model
}

/// Where an object can stand as well.
fn object<T>(sent: &Value) -> T
where
    T: Serialize + DeserializeOwned + Clone + PartialEq + Debug + Send + 'static,
{
    let mut with = sent.clone();
    with["shape"] = "Model".into();
    let tagged: Tagged<T> = serde_json::from_value(with.clone()).unwrap();
    assert_eq!(value(&tagged), with);
    let mut with = sent.clone();
    with["place"] = 7.into();
    let flattened: Flattened<T> = serde_json::from_str(&with.to_string()).unwrap();
    assert_eq!((value(&flattened), flattened.place), (with, 7));
    let Tagged::Model(model) = tagged;
    assert_eq!(value(&model), *sent);
    assert!(serde_json::from_str::<T>("[1]").is_err());
    anywhere(sent)
}

macro_rules! models {
    ($($test:ident: $model:ty = $sent:tt;)*) => {$(
        #[test]
        fn $test() {
            let _: $model = object(&json!($sent));
        }
    )*};
}

models! {
    event: OwnedEvent = {"type": "page", "name": "Home", "x": [1.5, null]};
    event_of_no_known_type: OwnedEvent = {"type": "dance", "context": {"locale": "de"}};
    identify: Identify<'static> = {"type": "identify", "userId": 42, "context": {"traits": {"a": {"b": 1}}}, "traits": {"n": 1}};
    track: Track<'static> = {"type": "track", "event": "Bought", "properties": {"total": 12.5}};
    page: Page<'static> = {"type": "page", "name": "Home", "category": null};
    screen: Screen<'static> = {"type": "screen", "name": "Home"};
    group: Group<'static> = {"type": "group", "groupId": "g", "traits": {}};
    alias: Alias<'static> = {"type": "alias", "previousId": "p"};
    record: Record<'static> = {"type": "record", "action": "insert", "fields": {"a": 1}, "identifiers": {"email": "e"}};
    common: Common<'static> = {"type": "track", "messageId": "m", "integrations": {"All": false}, "x": true};
    context: Context<'static> = {"traits": {"a": 1}, "ip": "::1", "externalId": [{"type": "t", "id": "i"}], "x": {}};
    app: App<'static> = {"name": "n", "x": 1};
    device: Device<'static> = {"id": "i", "adTrackingEnabled": true, "x": 1};
    os: Os<'static> = {"name": "n", "x": 1};
    network: Network<'static> = {"wifi": true, "x": 1};
    library: Library<'static> = {"name": "n", "x": 1};
    campaign: Campaign<'static> = {"name": "n", "x": 1};
    web_page: WebPage<'static> = {"path": "/", "x": 1};
    device_screen: DeviceScreen<'static> = {"width": 1, "x": 1};
    external_id: ExternalId<'static> = {"type": "t", "x": 1};
    sources: Sources<'static> = {"job_id": "j", "x": 1};
    integrations: Integrations<'static> = {"All": true, "Intercom": {"lookup": "email"}};
    any_object: Object<'static> = {"a": {"b": [1, "x", null, true]}};
}

#[test]
fn scalars() {
    let _: UserId<'static> = anywhere(&json!("u"));
    let _: AnonymousId<'static> = anywhere(&json!("a"));
    let _: GroupId<'static> = anywhere(&json!("g"));
    let _: PreviousId<'static> = anywhere(&json!("p"));
    let _: MessageId<'static> = anywhere(&json!("m"));
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
        Some(event.traits.entry("email")?.into_string()?.into_owned())
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
