//! What is at the edges of the rules, where a small change of them would show nowhere else.

mod numbers;

use intercom_api::{
    CompanyFields, Contact, ContactFields, CreateContact, DataEvent, ExternalId, Region, UnixSeconds, UpsertCompany,
};
use rudderstack_events::{Event, EventType, Field, MAX_DEPTH, Raw};
use rudderstack_to_intercom::{
    AttributeNames, ContactField, Conversion, Decision, Destination, Deviation, FieldLookup, Identities, LongText,
    Lookup, LookupField, Mapped, Person, Plan, RejectionCode, SameSecond, SaveCompany, SaveContact, SharedEmail,
    Warning, WarningCode, convert, rules,
};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use strum::IntoEnumIterator;

const NOW: UnixSeconds = UnixSeconds(1_700_000_000);

fn converted(event: &str) -> Conversion {
    let read = Event::from_json(event).expect("an event");
    match convert(&read, &Destination::new(), NOW) {
        Ok(Decision::Convert(conversion)) => *conversion,
        other => panic!("{event} gives {other:?}"),
    }
}

/// A field of what is written to Intercom, as JSON.
fn field(conversion: &Conversion, name: &str) -> Option<String> {
    let body = match &conversion.plan {
        Plan::SaveContact(plan) => serde_json::to_string(&plan.update),
        Plan::SaveCompany(plan) => serde_json::to_string(&plan.company),
        Plan::SubmitEvent(event) => serde_json::to_string(event),
        other => panic!("an unexpected plan: {other:?}"),
    };
    let body: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&body.expect("a body")).expect("an object");
    body.get(name).map(|value| value.get().to_owned())
}

fn codes(conversion: &Conversion) -> Vec<&str> {
    conversion
        .warnings
        .iter()
        .map(|warning| warning.code.as_str())
        .collect()
}

/// What is made of one typed event is what is made of any event, whatever the event's `integrations` say.
#[test]
fn typed_conversions_are_the_general_one() {
    let destination = Destination::new();
    let all_false = |event: &str| event.replacen('{', r#"{"integrations":{"All":false},"#, 1);

    let text = r#"{"type":"identify","userId":"u-1","traits":{"email":"ann@example.com","plan":"pro"}}"#;
    let Plan::SaveContact(plan) = converted(text).plan else {
        panic!("an identify")
    };
    let text = all_false(text);
    let event = Event::from_json(&text).unwrap();
    assert_eq!(convert(&event, &destination, NOW), Ok(Decision::Skip));
    assert_eq!(
        Conversion::try_from(Mapped::new(&event, &destination, NOW))
            .unwrap()
            .plan,
        Plan::SaveContact(plan.clone())
    );
    let Event::Identify(identify) = &event else {
        panic!("an identify")
    };
    let mapped = Mapped::new(identify, &destination, NOW);
    assert_eq!(ContactFields::try_from(mapped).unwrap(), plan.update);
    assert_eq!(CreateContact::try_from(mapped).unwrap().contact, plan.update);
    assert_eq!(SaveContact::try_from(mapped).unwrap(), plan);
    assert_eq!(Plan::try_from(mapped).unwrap(), Plan::SaveContact(plan));

    let text = r#"{"type":"track","userId":"u-1","event":"Door Opened","properties":{"door":7}}"#;
    let Plan::SubmitEvent(plan) = converted(text).plan else {
        panic!("a track")
    };
    let text = all_false(text);
    let Ok(Event::Track(track)) = Event::from_json(&text) else {
        panic!("a track")
    };
    let mapped = Mapped::new(&track, &destination, NOW);
    assert_eq!(DataEvent::try_from(mapped).unwrap(), plan);
    assert_eq!(Plan::try_from(mapped).unwrap(), Plan::SubmitEvent(plan));

    let text =
        r#"{"type":"group","userId":"u-1","groupId":"g-1","traits":{"plan":"pro","tags":["vip"],"colour":"red"}}"#;
    let Plan::SaveCompany(plan) = converted(text).plan else {
        panic!("a group")
    };
    let text = all_false(text);
    let Ok(Event::Group(group)) = Event::from_json(&text) else {
        panic!("a group")
    };
    let mapped = Mapped::new(&group, &destination, NOW);
    assert_eq!(CompanyFields::try_from(mapped).unwrap(), plan.company);
    assert_eq!(UpsertCompany::try_from(mapped).unwrap().company, plan.company);
    assert_eq!(SaveCompany::try_from(mapped).unwrap(), plan);
    assert_eq!(Plan::try_from(mapped).unwrap(), Plan::SaveCompany(plan));

    let text = r#"{"type":"record","action":"delete","identifiers":{"email":"ann@example.com"}}"#;
    let plan = converted(text).plan;
    let text = all_false(text);
    let Ok(Event::Record(record)) = Event::from_json(&text) else {
        panic!("a record")
    };
    assert_eq!(Plan::try_from(Mapped::new(&record, &destination, NOW)).unwrap(), plan);
}

/// Why an event is rejected comes with what was noticed before.
#[test]
fn a_rejection_has_its_warnings() {
    let destination = Destination::new();
    let text = r#"{"type":"identify","traits":{"email":{}}}"#;
    let event = Event::from_json(text).unwrap();
    let general = convert(&event, &destination, NOW).unwrap_err();
    let Event::Identify(identify) = &event else {
        panic!("an identify")
    };
    let typed = ContactFields::try_from(Mapped::new(identify, &destination, NOW)).unwrap_err();
    for rejection in [general, typed] {
        assert_eq!(rejection.code(), "missing_identity");
        assert!(!rejection.is_retryable());
        let codes: Vec<&str> = rejection.warnings.iter().map(|warning| warning.code.as_str()).collect();
        assert_eq!(codes, ["malformed_value"]);
        assert_eq!(format!("{rejection:?}"), "missing_identity at /userId (1 warnings)");
    }
}

#[test]
fn debug_says_what_is_there_and_not_what_it_is() {
    let conversion = converted(
        r#"{"type":"group","userId":"u-1","groupId":"g-1","context":{"traits":{"email":"Ann@Example.com"}},
            "traits":{"tags":["vip","early"]}}"#,
    );
    assert_eq!(format!("{:?}", conversion.identities), r#"{"user_id", "email"}"#);
    assert_eq!(format!("{:?}", Identities::new()), "{}");
    let Plan::SaveCompany(plan) = &conversion.plan else {
        panic!("a group")
    };
    let shown = format!("{plan:?}");
    assert!(shown.starts_with("SaveCompany {"), "{shown}");
    assert!(
        shown.contains("member: Some(Lookup(external_id))") && shown.ends_with("tags: 2 }"),
        "{shown}"
    );
    for (company, key) in [(r#""id":"c-1""#, "CompanyId(..)"), (r#""name":"Acme""#, "Name(..)")] {
        let event =
            format!(r#"{{"type":"identify","userId":"u-1","traits":{{"company":{{"remove":true,{company}}}}}}}"#);
        let Plan::SaveContact(plan) = converted(&event).plan else {
            panic!("an identify")
        };
        assert_eq!(format!("{:?}", plan.detach), format!("[{key}]"));
    }
    let warning = &converted(r#"{"type":"identify","userId":"u-1","traits":{"createdAt":"soon"}}"#).warnings[0];
    assert_eq!(format!("{warning:?}"), "invalid_date at /traits/createdAt");
    let field: LookupField = "custom_attributes.plan".parse().unwrap();
    assert_eq!(format!("{field:?}"), "custom_attributes.plan");
    let email = rules::all().find(|rule| rule.target == "email").unwrap();
    assert_eq!(format!("{:?}", email.sources[0]), "Path(traits.email)");
}

#[test]
fn calls_are_written_with_what_they_depend_on() {
    let text = r#"{"type":"identify","userId":"u-1","traits":{"company":{"remove":true,"name":"Acme"}}}"#;
    let calls = converted(text).plan.calls();
    assert_eq!(
        serde_json::to_string(&calls[1]).unwrap(),
        r#"{"operation":"find_company","when":"found","method":"GET","path":"/companies","query":{"name":"Acme"}}"#
    );
    assert_eq!(
        serde_json::to_string(&calls[3]).unwrap(),
        r#"{"operation":"update_contact","when":"found","method":"PUT","path":"/contacts/{contact.id}","body":{"external_id":"u-1"}}"#
    );
}

/// Of several contacts, the preferred one is right, else the first user, else the first.
#[test]
fn the_best_contact_is_the_preferred_one() {
    let contact = |id: &str, external_id: &str, role: &str| -> Contact {
        let text = format!(r#"{{"type":"contact","id":"{id}","external_id":"{external_id}","role":"{role}"}}"#);
        serde_json::from_str(&text).unwrap()
    };
    let hits = [
        contact("1", "x", "lead"),
        contact("2", "y", "user"),
        contact("3", "u-1", "lead"),
        contact("4", "z", "user"),
    ];
    let mut lookup = FieldLookup::new(LookupField::EMAIL, "ann@example.com");
    let best = |lookup: &FieldLookup, hits: &[Contact]| {
        let lookup = Lookup::from(lookup.clone());
        lookup.candidates(hits).first().map(|hit| hit.id.as_str().to_owned())
    };
    assert_eq!(best(&lookup, &hits).as_deref(), Some("2"));
    assert_eq!(best(&lookup, &hits[..1]).as_deref(), Some("1"));
    assert_eq!(best(&lookup, &[]), None);
    lookup.prefer = Some(ExternalId::new("u-1"));
    assert_eq!(best(&lookup, &hits).as_deref(), Some("3"));
    lookup.prefer = Some(ExternalId::new("nobody"));
    assert_eq!(best(&lookup, &hits).as_deref(), Some("2"));
}

/// D24: a contact with another external id is somebody else, whatever its email.
#[test]
fn d24_whose_a_contact_is() {
    let contact = |id: &str, external_id: Option<&str>, email: Option<&str>, role: &str| -> Contact {
        let json = serde_json::json!({"id": id, "external_id": external_id, "email": email, "role": role});
        serde_json::from_value(json).unwrap()
    };
    let office = Some("Office@example.com");
    let theirs = contact("theirs", Some("u-2"), office, "user");
    let lead = contact("lead", None, office, "lead");
    let user = contact("user", None, office, "user");
    let mine = contact("mine", Some("u-1"), Some("old@example.com"), "lead");
    let other = contact("other", None, Some("other@example.com"), "user");
    let all = [&theirs, &lead, &user, &mine, &other];
    let chosen = |user_id: Option<&str>, email, hits: &[&Contact], shared_email| {
        let person = Person::new(user_id.map(ExternalId::from), email).unwrap();
        let lookup = Lookup::from(person.with_shared_email(shared_email));
        let hits: Vec<Contact> = hits.iter().map(|hit| (*hit).clone()).collect();
        let ids: Vec<String> = lookup.candidates(&hits).iter().map(|hit| hit.id.to_string()).collect();
        ids.join(" ")
    };
    let separate = |user_id, email, hits: &[&Contact]| chosen(user_id, email, hits, SharedEmail::Separate);
    assert_eq!(separate(Some("u-1"), office, &all), "mine");
    assert_eq!(separate(Some("u-3"), office, &all), "user lead");
    assert_eq!(separate(Some("u-3"), office, &[&theirs, &lead]), "lead");
    assert_eq!(separate(Some("u-3"), office, &[&theirs, &other]), "");
    assert_eq!(separate(Some("u-3"), None, &all), "");
    assert_eq!(separate(None, office, &all), "theirs user lead");
    assert_eq!(separate(None, office, &[&lead]), "lead");
    let same = |user_id, hits: &[&Contact]| chosen(user_id, office, hits, SharedEmail::Same);
    assert_eq!(same(Some("u-3"), &[&lead, &theirs]), "theirs lead");
    assert_eq!(same(Some("u-2"), &[&user, &theirs]), "theirs user");
    assert_eq!(same(Some("u-1"), &[&mine]), "", "its email is another");
}

#[test]
fn a_lookup_names_whom_it_searches() {
    let email = Lookup::new(LookupField::EMAIL, "ann@example.com");
    assert_eq!(email.email(), Some("ann@example.com"));
    assert_eq!(email.external_id(), None);
    let id = Lookup::new(LookupField::EXTERNAL_ID, "u-1");
    assert_eq!(id.external_id(), Some("u-1"));
    assert_eq!(id.email(), None);
}

#[test]
fn every_code_says_what_it_means_and_what_to_do() {
    let of = |code: &str, meaning: &str, advice: &str| {
        for text in [meaning, advice] {
            let is_sentence = text.ends_with('.') && text.starts_with(|c: char| c.is_ascii_uppercase() || c == '`');
            assert!(is_sentence && text.len() > 10, "{code}: {text:?}");
        }
        assert!(
            code.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase()),
            "{code}"
        );
    };
    for code in WarningCode::iter() {
        of(code.as_str(), code.meaning(), code.advice());
        assert_eq!(serde_json::to_string(&code).unwrap(), format!("{:?}", code.as_str()));
    }
    for code in RejectionCode::iter() {
        of(code.as_str(), code.meaning(), code.advice());
        assert_eq!(serde_json::to_string(&code).unwrap(), format!("{:?}", code.as_str()));
    }
}

#[test]
fn settings_are_an_object() {
    assert_eq!(Destination::new().with_region(Region::Europe).region, Region::Europe);
    let anonymous = Destination::new().with_region(Region::Europe).with_anonymous_id(true);
    assert!(anonymous.send_anonymous_id && anonymous.region == Region::Europe);
    assert!(!anonymous.with_anonymous_id(false).send_anonymous_id);
    let read = |text: &str| serde_json::from_str::<Destination>(text);
    let destination = read(r#"{"apiServer":"Australia","sendAnonymousId":"true"}"#).unwrap();
    assert_eq!(
        (destination.region, destination.send_anonymous_id),
        (Region::Australia, false)
    );
    assert_eq!(read(r#"{"apiServer":"Mars"}"#).unwrap(), Destination::new());
    assert!(read(r#"{"sendAnonymousId":true}"#).unwrap().send_anonymous_id);
    assert!(read("[]").is_err());
    let settings = read(r#"{"longText":"leave_out","attributeNames":"as_is","sameSecond":"spread"}"#).unwrap();
    assert_eq!(
        settings,
        Destination::new()
            .with_long_text(LongText::LeaveOut)
            .with_attribute_names(AttributeNames::AsIs)
            .with_same_second(SameSecond::Spread)
    );
    assert_eq!(
        read(r#"{"longText":"burn","attributeNames":7,"sameSecond":null}"#).unwrap(),
        Destination::new()
    );
}

#[test]
fn dates_at_the_edges() {
    for (text, seconds) in [
        ("2024-01-05-06", None),
        // The midnight that ends the day, and not a moment more.
        ("2024-01-05T24:00:00.000Z", Some("1704499200")),
        ("2024-01-05T24:00:00.500Z", None),
        ("2024-01-05T24:00:00.5Z", None),
        ("2024-01-05T24:00:01Z", None),
        ("2024-01-05T24:01:00Z", None),
        // An hour has sixty minutes, also in an offset.
        ("2024-01-05T00:00:00+00:59", Some("1704409260")),
        ("2024-01-05T00:00:00+00:60", None),
        ("2024-01-05T00:00:00 +0060", None),
        // A date that says its month twice, and one without a year.
        ("2024-01-05 May", None),
        ("5/9", None),
        ("05-09", None),
    ] {
        let event = format!(r#"{{"type":"identify","userId":"u-1","traits":{{"createdAt":"{text}"}}}}"#);
        assert_eq!(field(&converted(&event), "signed_up_at").as_deref(), seconds, "{text}");
    }
}

/// Four digits are a year, however small.
#[test]
fn d32_a_date_before_1970_is_one_and_is_left_out() {
    for text in ["0019 May 5", "0019/05/05", "1969-12-31T23:59:59Z"] {
        let event = format!(r#"{{"type":"identify","userId":"u-1","traits":{{"createdAt":"{text}"}}}}"#);
        let conversion = converted(&event);
        assert_eq!(field(&conversion, "signed_up_at"), None, "{text}");
        assert_eq!(codes(&conversion), ["date_out_of_range"], "{text}");
    }
}

/// The same message is moved by the same each time, and messages are moved by 0 to 4 seconds, all of which occur.
#[test]
fn d33_events_are_spread_over_five_seconds() {
    let spread = Destination::new().with_same_second(SameSecond::Spread);
    let created_at = |message: usize| {
        let event = format!(
            r#"{{"type":"track","messageId":"m-{message}","userId":"u-1","event":"Door Opened","timestamp":"2024-01-05T10:00:00.9Z"}}"#
        );
        let event = Event::from_json(&event).expect("an event");
        let Ok(Decision::Convert(conversion)) = convert(&event, &spread, NOW) else {
            panic!("a track is converted")
        };
        field(&conversion, "created_at")
            .expect("a time")
            .parse::<i64>()
            .expect("seconds")
    };
    let mut counts = [0; 5];
    for message in 0..500 {
        let moved = created_at(message) - 1_704_448_800;
        counts[usize::try_from(moved).expect("never earlier")] += 1;
        assert_eq!(created_at(message), moved + 1_704_448_800);
    }
    assert!(counts.iter().all(|count| *count > 50), "{counts:?}");
}

#[test]
fn a_record_without_custom_attributes_has_null_for_them() {
    let event = r#"{"type":"record","action":"update","identifiers":{"email":"ann@example.com"},
        "fields":{"name":"Ann","custom_attributes":null}}"#;
    let conversion = converted(event);
    assert_eq!(codes(&conversion), [] as [&str; 0]);
    assert_eq!(field(&conversion, "custom_attributes"), None);
}

/// What the reference and the check of the fixtures are made from.
#[test]
fn every_field_to_look_up_by_has_one_rule() {
    for event_type in [EventType::Identify, EventType::Group] {
        let of_call: Vec<_> = rules::lookups().filter(|rule| rule.event_type == event_type).collect();
        let custom: LookupField = "custom_attributes.plan".parse().unwrap();
        for field in ContactField::iter().map(LookupField::Standard).chain([custom]) {
            let rules: Vec<_> = of_call.iter().filter(|rule| rule.is_for(&field)).collect();
            assert_eq!(rules.len(), 1, "{field} in {event_type}");
            let name = field.to_string().replace("plan", "<name>");
            assert!(rules[0].fields.contains(&name.as_str()), "{field} in {event_type}");
            let is_of_company = rules[0].deviations.contains(&Deviation::D20);
            assert_eq!(is_of_company, event_type == EventType::Group, "{field} in {event_type}");
        }
    }
}

#[test]
fn every_rule_says_what_it_does() {
    let coercions: Vec<(&str, &str)> = rules::coercions().collect();
    for (name, what) in &coercions {
        assert!(!name.is_empty() && what.ends_with('.'), "{name}: {what}");
    }
    for rule in rules::all() {
        // Of what is not one value, the rule itself says what becomes of it.
        let is_value = coercions.iter().any(|(name, _)| *name == rule.coercion);
        assert!(is_value || rule.coercion.len() > 30, "{rule:?}");
        assert!(!rule.sources.is_empty() && !rule.document.is_empty(), "{rule:?}");
        assert!(rule.fills(rule.target) && rule.fills(&format!("{}.plan", rule.target)));
        assert!(!rule.fills(&format!("{}s", rule.target)) && !rule.fills("nothing"));
    }
}

/// An event that a program has put together can hold more than one that was read.
#[test]
fn traits_that_are_too_deep_to_be_read_are_passed_over() {
    let nested = |levels: usize| format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
    for (levels, found) in [
        (MAX_DEPTH, None),
        (MAX_DEPTH + 1, Some("expected at most 128 levels, found object")),
    ] {
        let traits = RawValue::from_string(nested(levels)).unwrap();
        let Ok(Event::Identify(mut identify)) = Event::from_json(r#"{"type":"identify","userId":"u-1"}"#) else {
            panic!("an identify")
        };
        identify.traits = Field::Received(Raw::from(traits));
        let Ok(Decision::Convert(conversion)) = convert(&Event::from(identify), &Destination::new(), NOW) else {
            panic!("an identify with a user id is sent")
        };
        let found_at = |warning: &Warning| (warning.path == "/traits").then(|| warning.message.clone());
        assert_eq!(conversion.warnings.iter().find_map(found_at).as_deref(), found);
    }
}

#[test]
fn external_ids_are_an_array_or_nothing() {
    for (ids, expected) in [
        ("null", vec![]),
        ("[]", vec![]),
        ("{}", vec!["malformed_value"]),
        ("7", vec!["malformed_value"]),
    ] {
        let event = format!(r#"{{"type":"identify","userId":"u-1","context":{{"externalId":{ids}}}}}"#);
        assert_eq!(codes(&converted(&event)), expected, "{ids}");
    }
}

/// Events of one person stay in order, whatever field the person is looked up by.
#[test]
fn an_external_id_that_is_an_email_identifies() {
    for (id, email) in [("Ann@Example.com", Some("ann@example.com")), ("crm-7", None)] {
        let event = format!(
            r#"{{"type":"group","groupId":"g-1","traits":{{"phone":"1"}},"context":{{"externalId":[{{"id":"{id}"}}]}},
                "integrations":{{"INTERCOM":{{"lookup":"phone"}}}}}}"#
        );
        assert_eq!(converted(&event).identities.email.as_deref(), email, "{id}");
    }
}
