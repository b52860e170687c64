//! What the conversion makes can be kept, sent to another thread, and read inside of other types and formats.
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

use exact_json::testing::{anywhere, object};
use intercom_api::{CompanyFields, ContactFields, CreateContact, SubmitDataEvent, UnixSeconds};
use rudderstack_events::{Event, GroupId, Identify, Object, Raw, Timestamp, Track, UserId};
use rudderstack_to_intercom::{
    CompanyKey, Conversion, Converted, Decision, Destination, FieldLookup, FieldSource, Identities, IntoIntercom,
    LongText, Lookup, LookupField, Mapped, Missing, Person, Plan, PlannedCall, Rejection, RejectionCode, SaveCompany,
    SaveContact, SharedEmail, Warning, WarningCode, When, convert, parse_date,
};
use serde::Serialize;
use serde_json::{Value, json};
use strum::IntoEnumIterator;

const NOW: UnixSeconds = UnixSeconds(1_767_225_600);

fn value(model: &impl Serialize) -> Value {
    serde_json::to_value(model).unwrap()
}

fn lookup() -> Lookup {
    FieldLookup::new(LookupField::EMAIL, "ann@example.com")
        .with_prefer("ann-1")
        .into()
}

#[test]
fn plans_are_kept() {
    let contact = ContactFields::new()
        .with_external_id("ann-1")
        .with_custom_attributes([("seats", 12)]);
    let save = SaveContact::new(lookup(), contact.clone())
        .with_detach([CompanyKey::Name("Acme".into()), CompanyKey::CompanyId("a-1".into())])
        .with_missing(Missing::CreateWith(Box::new(contact)));
    let company = SaveCompany::new(CompanyFields::new().with_company_id("a-1"))
        .with_member(lookup())
        .with_tags(["vip"]);
    let _: Lookup = object(&value(&lookup()));
    let _: FieldLookup = object(&value(&FieldLookup::new(LookupField::EMAIL, "ann@example.com")));
    let person = Person::new(Some("ann-1".into()), Some("ann@example.com")).unwrap();
    let _: Person = object(&value(&person));
    let _: Lookup = object(&value(&Lookup::from(person)));
    let _: SaveContact = object(&value(&save));
    let _: SaveCompany = object(&value(&company));
    let _: Missing = anywhere(&value(&Missing::Reject));
    let _: Missing = object(&value(&save.missing));
    let _: When = anywhere(&json!("not_found"));
    let _: LookupField = anywhere(&json!("custom_attributes.plan"));
    let _: CompanyKey = object(&json!({"name": "Acme"}));
    for plan in [
        Plan::SaveContact(save),
        Plan::SaveCompany(company),
        Plan::DeleteContact(lookup()),
    ] {
        let _: Plan = object(&value(&plan));
        for call in plan.calls() {
            let _: PlannedCall = object(&value(&call));
        }
    }
}

#[test]
fn conversions_are_kept() {
    let text = r#"{"type":"track","userId":"ann-1","event":"Bought","timestamp":"never","properties":{"total":12.5}}"#;
    let event = Event::from_json(text).unwrap();
    let destination = Destination::new();
    let conversion = Conversion::try_from(Mapped::new(&event, &destination, NOW).traced()).unwrap();
    assert!(!conversion.warnings.is_empty() && !conversion.sources.is_empty());
    let _: Conversion = object(&value(&conversion));
    let _: FieldSource = object(&value(&conversion.sources[0]));
    let _: Warning = object(&value(&conversion.warnings[0]));
    let _: Identities = object(&value(&conversion.identities));
    let _: Decision = object(&value(&convert(&event, &destination, NOW).unwrap()));
    let _: Decision = anywhere(&value(&Decision::Skip));
    let rejection = convert(&Event::from_json(r#"{"type":"track"}"#).unwrap(), &destination, NOW).unwrap_err();
    let _: Rejection = object(&value(&rejection));
    for code in RejectionCode::iter() {
        let _: RejectionCode = anywhere(&value(&code));
    }
    for code in WarningCode::iter() {
        let _: WarningCode = anywhere(&value(&code));
    }
}

#[test]
fn settings_are_written_as_they_are_read() {
    let destination = Destination::new()
        .with_region(intercom_api::Region::Europe)
        .with_anonymous_id(true)
        .with_long_text(LongText::LeaveOut)
        .with_api_version(intercom_api::ApiVersion::V2_11);
    let read: Destination = object(&value(&destination));
    assert_eq!(read, destination);
    let _: SharedEmail = anywhere(&json!("same"));
    // What RudderStack calls the version is another thing.
    let read: Destination = serde_json::from_str(r#"{"apiVersion":"v2"}"#).unwrap();
    assert_eq!(read, Destination::new());
}

#[test]
fn a_typed_conversion_keeps_its_warnings() {
    let text = r#"{"type":"identify","userId":"ann-1","traits":{"createdAt":"never"}}"#;
    let identify: Identify<'_> = serde_json::from_str(text).unwrap();
    let destination = Destination::new();
    let mapped = Mapped::new(&identify, &destination, NOW);
    let converted = mapped.convert::<CreateContact>().unwrap();
    assert_eq!(converted.warnings[0].code, WarningCode::InvalidDate);
    assert_eq!(converted.value, CreateContact::try_from(mapped).unwrap());
    let _: Converted<CreateContact> = object(&value(&converted));

    let track = Track::new().with_user_id("ann-1").with_event("Bought");
    let submit = SubmitDataEvent::try_from(Mapped::new(&track, &destination, NOW)).unwrap();
    assert_eq!(submit.event.created_at, Some(NOW));
    let event = Event::from(track);
    let plan = Plan::try_from(Mapped::new(&event, &destination, NOW)).unwrap();
    assert_eq!(plan, Plan::SubmitEvent(submit.event));
}

#[test]
fn parts_of_an_event_become_parts_of_intercoms_models() {
    assert_eq!(UserId::new("ann-1").into_intercom(), "ann-1");
    assert_eq!(GroupId::from(7).into_intercom(), "7");
    let object = Object::from_json(r#"{"a":1.50,"b":{"c":[true,null,"x"]}}"#).unwrap();
    let attributes = object.clone().into_intercom();
    assert_eq!(serde_json::to_string(&attributes).unwrap(), object.to_json());
    assert_eq!(Raw::from(5).into_intercom().as_i64(), Some(5));
    assert_eq!(Timestamp::new("1767225600000").into_intercom(), Some(NOW));
    assert_eq!(parse_date("Thu, 01 Jan 2026 00:00:00 GMT"), Some(NOW));
    assert_eq!((parse_date("never"), parse_date("1969-12-31")), (None, None));
}
