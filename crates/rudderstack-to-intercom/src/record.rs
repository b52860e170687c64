//! record (reverse ETL): insert, update or delete a contact.

use crate::contact::{self, overlay, set};
use crate::deviation::Deviation;
use crate::flatten::{CONTACT_ATTRIBUTES, Flattener};
use crate::issue::{Rejection, RejectionCode, WarningCode};
use crate::lookup::{Lookup, LookupField, Person};
use crate::member;
use crate::plan::{Missing, Plan, SaveContact};
use crate::reader::{Reader, escape_pointer};
use crate::rule::Rule;
use crate::source::{Root, entries};
use intercom_api::{ContactFields, ExternalId, SearchValue};
use rudderstack_events::{EventType, Object, Record};
use strum::EnumString;

/// The rules of what is not one value.
pub(crate) const MORE_RULES: &[Rule] = &[
    Rule {
        event_type: EventType::Record,
        target: "custom_attributes",
        sources: entries!["fields.custom_attributes.*", "fields.*", "identifiers.*"],
        coercion: "flattened with `_`; what Intercom has no field for becomes one, with a warning",
        document: "RudderStack: reverse ETL, record events",
        deviations: &[Deviation::D17, Deviation::D28, Deviation::D29],
    },
    Rule {
        event_type: EventType::Record,
        target: member::VALUE,
        sources: entries!["identifiers.*"],
        coercion: "the first usable identifier that Intercom can search by",
        document: "RudderStack: reverse ETL, record events",
        deviations: &[Deviation::D15, Deviation::D16],
    },
];

/// What happened to the row.
#[derive(Clone, Copy, PartialEq, Eq, EnumString)]
#[strum(serialize_all = "snake_case", ascii_case_insensitive)]
enum Action {
    Insert,
    Update,
    Delete,
}

/// The names under which the entries of a row go into a contact; those without one are left out.
type NameOf = fn(&str) -> Option<&str>;

/// Puts the entries of `row` into the contact; what Intercom has no field for becomes a custom attribute (D17).
fn fill(reader: &Reader<'_>, contact: &mut ContactFields, row: &Object<'_>, pointer: &str, name_of: NameOf) {
    let mut attributes = Flattener::new(reader, CONTACT_ATTRIBUTES, row.len());
    for (key, value) in row.iter() {
        let Some(name) = name_of(key) else { continue };
        let place = || format!("{pointer}/{}", escape_pointer(key));
        if set(reader, contact, name, value, &place()) {
            continue;
        }
        match key.strip_prefix("custom_attributes") {
            Some("") if value.is_null() => {}
            Some("") => {
                let Some(entries) = value.as_object() else {
                    let message = format!("expected an object, found {}", value.kind());
                    reader.warn(WarningCode::MalformedValue, place(), message);
                    continue;
                };
                for (name, value) in entries.iter() {
                    let place = || format!("{}/{}", place(), escape_pointer(name));
                    attributes.add(name, value, &place);
                }
            }
            Some(name) if name.len() > 1 && name.starts_with('.') => {
                attributes.add(&name[1..], value, &place);
            }
            _ => {
                // A name that no custom attribute can have is warned of as such.
                if !CONTACT_ATTRIBUTES.is_reserved(key) {
                    let message = "Intercom has no such field; it is sent as a custom attribute";
                    reader.warn(WarningCode::UnknownField, place(), message);
                }
                attributes.add(key, value, &place);
            }
        }
    }
    contact.custom_attributes = attributes.finish(pointer);
    *contact = std::mem::take(contact).in_version(reader.destination.api_version);
}

/// What Intercom calls the field that an identifier names.
fn field_name(key: &str) -> &str {
    match key {
        "userId" | "user_id" => "external_id",
        other => other,
    }
}

/// The same, unless Intercom can search by the field but not write it, such as `email_domain`.
fn writable_name(key: &str) -> Option<&str> {
    let name = field_name(key);
    let is_written = contact::RULES.iter().any(|rule| rule.target == name);
    (is_written || !matches!(name.parse(), Ok(LookupField::Standard(_)))).then_some(name)
}

/// The first usable identifier (D15); of a person, all that the record names.
fn lookup(reader: &Reader<'_>, identifiers: &Object<'_>) -> Result<Lookup, Rejection> {
    let (mut external_id, mut email) = (None, None);
    let mut unsearchable = None;
    for (key, value) in identifiers.iter() {
        let pointer = format!("/identifiers/{}", escape_pointer(key));
        let Ok(field) = field_name(key).parse::<LookupField>() else {
            unsearchable.get_or_insert((pointer, key));
            continue;
        };
        let is_of_person = external_id.is_some() || email.is_some();
        let wanted = match field {
            LookupField::EXTERNAL_ID => Some(&mut external_id),
            LookupField::EMAIL => Some(&mut email),
            _ => None,
        };
        if wanted.as_ref().map_or(is_of_person, |wanted| wanted.is_some()) {
            continue;
        }
        match (member::search_value(reader, &field, value, &pointer), wanted) {
            (Some(SearchValue::Text(text)), Some(wanted)) => *wanted = Some(text),
            (Some(value), _) => return Ok(Lookup::new(field, value)),
            (None, _) => {}
        }
    }
    if let Some(person) = Person::new(external_id.map(ExternalId::new), email.as_deref()) {
        return Ok(person.with_shared_email(reader.destination.shared_email).into());
    }
    Err(match unsearchable {
        Some((pointer, key)) => member::invalid_field(&pointer, key),
        None => Rejection::new(
            RejectionCode::MissingLookupValue,
            "/identifiers",
            "a record needs an identifier with a value to find the contact by",
        ),
    })
}

pub(crate) fn plan(reader: &Reader<'_>, record: &Record<'_>) -> Result<Plan, Rejection> {
    let action = record
        .action
        .ok()
        .and_then(|action| action.parse::<Action>().ok())
        .ok_or_else(|| {
            Rejection::new(
                RejectionCode::UnsupportedAction,
                "/action",
                "the action of a record must be insert, update or delete",
            )
        })?;
    let nothing = Object::new();
    let identifiers = reader.object(Root::Identifiers).unwrap_or(&nothing);
    let lookup = lookup(reader, identifiers)?;
    if action == Action::Delete {
        return Ok(Plan::DeleteContact(lookup));
    }
    let row = reader.object(Root::Fields).unwrap_or(&nothing);
    let mut update = ContactFields::default();
    fill(reader, &mut update, row, "/fields", |name| Some(name));
    let missing = if action == Action::Update {
        Missing::Reject
    } else {
        let mut create = ContactFields::default();
        fill(reader, &mut create, identifiers, "/identifiers", writable_name);
        overlay(&mut create, &update);
        if create.email.is_none() && create.external_id.is_none() && create.role.is_none() {
            return Err(Rejection::new(
                RejectionCode::CannotCreate,
                "/fields",
                "Intercom creates a contact only with an email, an external id or a role; this record has none of them",
            ));
        }
        Missing::CreateWith(Box::new(create))
    };
    let mut plan = SaveContact::new(lookup, update);
    plan.missing = missing;
    Ok(Plan::SaveContact(plan))
}
