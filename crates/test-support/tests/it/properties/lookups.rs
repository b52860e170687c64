//! Which contact an event is about: the field, and the first usable value for it.

use super::precedence::{AVATAR, Cell, EMAIL, Kind, cell, put};
use proptest::prelude::*;
use rudderstack_events::strategies::Json;
use rudderstack_to_intercom::{Destination, Lookup, Plan, RejectionCode, WarningCode};
use test_support::Outcome;

/// A search field, and the places of its value: for an identify, and for the member of a group.
#[derive(Debug)]
struct Field {
    name: &'static str,
    kind: Kind,
    identify: &'static [&'static str],
    group: &'static [&'static str],
}

const FIELDS: &[Field] = &[
    Field {
        name: "email",
        kind: Kind::Email,
        identify: EMAIL,
        group: &[
            "context.traits.email",
            "traits.email",
            "properties.email",
            "context.externalId[0].id",
        ],
    },
    Field {
        name: "phone",
        kind: Kind::Text,
        identify: &["traits.phone", "context.traits.phone", "properties.phone"],
        group: &["context.traits.phone", "traits.phone", "properties.phone"],
    },
    Field {
        name: "name",
        kind: Kind::Text,
        identify: &["traits.name", "context.traits.name"],
        group: &["context.traits.name", "traits.name"],
    },
    Field {
        name: "avatar",
        kind: Kind::Image,
        identify: AVATAR,
        group: &[
            "context.traits.avatar",
            "context.traits.avatarURL",
            "context.traits.avatar_URL",
            "traits.avatar",
            "traits.avatarURL",
            "traits.avatar_URL",
        ],
    },
    Field {
        name: "external_id",
        kind: Kind::Text,
        identify: &[
            "traits.external_id",
            "context.traits.external_id",
            "userId",
            "traits.userId",
            "traits.id",
            "context.traits.userId",
            "context.traits.id",
            "anonymousId",
        ],
        group: &[
            "context.traits.external_id",
            "traits.external_id",
            "userId",
            "context.traits.userId",
            "context.traits.id",
            "traits.userId",
            "traits.id",
            "anonymousId",
        ],
    },
    Field {
        name: "browser",
        kind: Kind::Text,
        identify: &["traits.browser", "context.traits.browser"],
        group: &["context.traits.browser", "traits.browser"],
    },
    Field {
        name: "location.city",
        kind: Kind::Text,
        identify: &["traits.location.city", "context.traits.location.city"],
        group: &["context.traits.location.city", "traits.location.city"],
    },
    Field {
        name: "owner_id",
        kind: Kind::Integer,
        identify: &["traits.owner_id", "context.traits.owner_id"],
        group: &["context.traits.owner_id", "traits.owner_id"],
    },
    Field {
        name: "last_seen_at",
        kind: Kind::Date,
        identify: &["traits.last_seen_at", "context.traits.last_seen_at"],
        group: &["context.traits.last_seen_at", "traits.last_seen_at"],
    },
    Field {
        name: "has_hard_bounced",
        kind: Kind::Boolean,
        identify: &["traits.has_hard_bounced", "context.traits.has_hard_bounced"],
        group: &["context.traits.has_hard_bounced", "traits.has_hard_bounced"],
    },
];

fn field_and_cells() -> impl Strategy<Value = (&'static Field, Vec<Cell>, bool)> {
    (0..FIELDS.len()).prop_flat_map(|at| {
        let field = &FIELDS[at];
        let cells = prop::collection::vec(cell(field.kind), field.identify.len());
        (Just(field), cells, any::<bool>())
    })
}

fn lookup(plan: &Plan) -> Option<&Lookup> {
    match plan {
        Plan::SaveContact(plan) => Some(&plan.lookup),
        Plan::SaveCompany(plan) => plan.member.as_ref(),
        other => panic!("an unexpected plan: {other:?}"),
    }
}

proptest! {
    #![proptest_config(super::cases(2048))]

    /// Of all the places of a lookup value, the first usable one counts; those of the person come first.
    #[test]
    fn the_first_usable_lookup_value_wins((field, cells, group) in field_and_cells()) {
        let (call, paths) = if group { ("group", field.group) } else { ("identify", field.identify) };
        let mut event = Json::object([("type", call)]);
        if group {
            event.set(&["groupId"], "g-1");
        }
        // Something that an identify can be saved with, whatever it is looked up by.
        match field.name {
            "email" if !group => event.set(&["userId"], "u-1"),
            // With a user id, the email of `traits` would not count.
            "email" => {}
            _ => event.set(&["properties", "email"], "ann@example.com"),
        }
        event.set(&["integrations", "Intercom", "lookup"], field.name);
        for (cell, path) in cells.iter().zip(paths) {
            if let Some(json) = cell.json() {
                put(&mut event, path, json.clone());
            }
        }
        let mut expected = None;
        for cell in &cells {
            match cell {
                Cell::Usable(_, becomes) => {
                    expected = Some(if field.name == "email" { becomes.to_lowercase() } else { becomes.clone() });
                    break;
                }
                Cell::Impossible(_) => break,
                Cell::Unusable(_) | Cell::Malformed(_) => {}
            }
        }
        let outcome = Outcome::of(&event.to_string(), &Destination::new().with_anonymous_id(true));
        match &outcome {
            Outcome::Converted(conversion) => match lookup(&conversion.plan) {
                Some(Lookup::Person(_)) => prop_assert!(false, "a field is asked for: {}", event),
                Some(Lookup::Field(lookup)) => {
                    prop_assert_eq!(lookup.field.to_string(), field.name);
                    prop_assert_eq!(serde_json::to_string(&lookup.value).ok(), expected, "{}", event);
                }
                None => {
                    prop_assert!(group && expected.is_none(), "{}", event);
                    prop_assert!(conversion.warnings.iter().any(|warning| warning.code == WarningCode::NoMember));
                }
            },
            Outcome::Rejected(rejection) => {
                prop_assert_eq!(rejection.code, RejectionCode::MissingLookupValue);
                prop_assert!(!group && expected.is_none(), "{}", event);
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }

    /// A name that Intercom cannot search by is refused, whatever its case and its likeness.
    #[test]
    fn unknown_lookup_fields_are_refused(name in prop_oneof!["[a-z_]{1,12}", Just("Email".to_owned()), Just("custom_attributes.".to_owned())]) {
        let event = Json::object([("type", "identify"), ("userId", "u-1")])
            .with(&["traits"], Json::object([(name.as_str(), "x")]))
            .with(&["integrations", "Intercom", "lookup"], name.as_str());
        let known: bool = name.parse::<rudderstack_to_intercom::LookupField>().is_ok() || ["userId", "user_id"].contains(&name.as_str());
        match Outcome::of(&event.to_string(), &Destination::new()) {
            Outcome::Rejected(rejection) if rejection.code == RejectionCode::InvalidLookupField => prop_assert!(!known),
            _ => prop_assert!(known),
        }
    }
}
