//! Which field and value a contact is looked up by.

use crate::coerce::{BOOLEAN, Coercion, IMAGE_URL, INTEGER, SCALAR, TEXT, UNIX_SECONDS};
use crate::issue::{Rejection, RejectionCode, WarningCode};
use crate::lookup::{ContactField, FieldKind, Lookup, LookupField};
use crate::reader::Reader;
use crate::source::{Path, Root, Source, generic};
use intercom_api::{ContactFields, ExternalId, SearchValue};
use rudderstack_events::Raw;

/// The field that the event asks for in its options.
pub(crate) struct Requested {
    /// What the event calls it.
    pub(crate) name: String,
    field: LookupField,
}

/// The field that the event asks for in its options; `None` if it asks for none.
pub(crate) fn requested_field(reader: &Reader<'_>) -> Result<Option<Requested>, Rejection> {
    const LOOKUP: &[Source] = &[Source::Path(Path::new("integrations.<Intercom>.lookup"))];
    let Some(name) = reader.read("lookup", LOOKUP, &TEXT) else {
        return Ok(None);
    };
    let field = match name.as_str() {
        // What the guide's readers write, and Intercom does not have (D18).
        "userId" | "user_id" => LookupField::EXTERNAL_ID,
        other => other
            .parse()
            .map_err(|_| invalid_field(&reader.pointer(Root::Options, "lookup")))?,
    };
    Ok(Some(Requested { name, field }))
}

pub(crate) fn invalid_field(pointer: &str) -> Rejection {
    let message = format!(
        "Intercom cannot search contacts by this field; it can by {} (case-sensitive), and userId means external_id",
        LookupField::accepted()
    );
    Rejection::new(RejectionCode::InvalidLookupField, pointer, message)
}

/// How the contact of an identify is found.
pub(crate) fn lookup_of_contact(
    reader: &Reader<'_>,
    requested: Option<Requested>,
    contact: &ContactFields,
) -> Result<Lookup, Rejection> {
    let prefer = contact.external_id.clone();
    let found = match &requested {
        Some(Requested { field, .. }) => requested_lookup(reader, field, Describing::Person, prefer),
        None => default_lookup(reader, Describing::Person, prefer.as_ref()),
    };
    // Without a request, an email or an external id is there, or the event would have been rejected before.
    found.ok_or_else(|| {
        let name = requested.map_or_else(|| LookupField::EMAIL.to_string(), |requested| requested.name);
        // The name has been checked to be one of Intercom's, or is that of a custom attribute: no value of the event.
        let message = format!("the event has no value for the lookup field {name:?}");
        Rejection::new(
            RejectionCode::MissingLookupValue,
            reader.pointer(Root::Options, "lookup"),
            message,
        )
    })
}

/// How the user of a group event is found; `None`, with a warning, if there is nothing to find them by.
pub(crate) fn lookup_of_member(reader: &Reader<'_>, requested: Option<&Requested>) -> Option<Lookup> {
    let prefer = user_id(reader, "lookup.prefer", Describing::Company);
    let found = match requested {
        Some(Requested { field, .. }) => requested_lookup(reader, field, Describing::Company, prefer),
        None => default_lookup(reader, Describing::Company, prefer.as_ref()),
    };
    if found.is_none() {
        let (pointer, message) = match requested {
            Some(Requested { name, .. }) => (
                reader.pointer(Root::Options, "lookup"),
                format!("no value for the lookup field {name:?}, so that no user is linked to the company"),
            ),
            None => (
                "/userId".to_owned(),
                "neither a user id nor an email of the user, so that nobody is linked to the company".to_owned(),
            ),
        };
        reader.warn(WarningCode::NoMember, pointer, message);
    }
    found
}

fn requested_lookup(
    reader: &Reader<'_>,
    field: &LookupField,
    describing: Describing,
    prefer: Option<ExternalId>,
) -> Option<Lookup> {
    Some(Lookup {
        field: field.clone(),
        value: value(reader, field, describing)?,
        prefer,
    })
}

/// By email, else by external id (D21).
fn default_lookup(reader: &Reader<'_>, describing: Describing, prefer: Option<&ExternalId>) -> Option<Lookup> {
    [LookupField::EMAIL, LookupField::EXTERNAL_ID]
        .into_iter()
        .find_map(|field| {
            let value = value(reader, &field, describing)?;
            Some(Lookup {
                field,
                value,
                prefer: prefer.cloned(),
            })
        })
}

/// Whom `traits` describe; `context.traits` always describe the person.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Describing {
    Person,
    Company,
}

/// The sources in the order that fits: what describes the person comes first (D20).
fn ordered(sources: &[Source], describing: Describing) -> Vec<Source> {
    let mut ordered = sources.to_vec();
    if describing == Describing::Company {
        let root = |source: &Source| match source {
            Source::Path(path) | Source::PathIfEmail(path) => path.root,
            _ => Root::Event,
        };
        let of_traits = |source: &Source| matches!(root(source), Root::Traits | Root::ContextTraits);
        // In every list these stand together.
        if let Some(start) = ordered.iter().position(of_traits) {
            let end = ordered.iter().rposition(of_traits).map_or(start, |at| at + 1);
            ordered[start..end].sort_by_key(|source| root(source) == Root::Traits);
        }
    }
    ordered
}

fn user_id(reader: &Reader<'_>, target: &str, describing: Describing) -> Option<ExternalId> {
    let id = reader.read(target, &ordered(generic::USER_ID, describing), &TEXT);
    id.map(ExternalId::new)
}

/// What the value that is searched for is called in a trace.
pub(crate) const VALUE: &str = "lookup.value";

fn read<T>(reader: &Reader<'_>, sources: &[Source], describing: Describing, coercion: &Coercion<T>) -> Option<T> {
    reader.read(VALUE, &ordered(sources, describing), coercion)
}

/// The value to look up by, lower-cased for an email (D22).
fn value(reader: &Reader<'_>, field: &LookupField, describing: Describing) -> Option<SearchValue> {
    let field = match field {
        LookupField::CustomAttribute(name) => return attribute(reader, field, name, describing),
        LookupField::Standard(field) => *field,
    };
    let text = |sources| read(reader, sources, describing, &TEXT);
    match field {
        ContactField::Email => text(generic::EMAIL).map(|email| search_email(&email)),
        ContactField::Phone => text(generic::PHONE).map(Into::into),
        ContactField::Name => text(generic::NAME).map(Into::into),
        ContactField::Avatar => read(reader, generic::AVATAR, describing, &IMAGE_URL).map(Into::into),
        ContactField::ExternalId => match trait_value(reader, "external_id", describing, &TEXT) {
            Some(id) => Some(id.into()),
            None => user_id(reader, VALUE, describing).map(|id| id.into_string().into()),
        },
        other => {
            let name: &'static str = other.into();
            match other.kind() {
                FieldKind::Text => trait_value(reader, name, describing, &TEXT).map(Into::into),
                FieldKind::Integer => trait_value(reader, name, describing, &INTEGER).map(Into::into),
                FieldKind::Boolean => trait_value(reader, name, describing, &BOOLEAN).map(Into::into),
                FieldKind::Date => trait_value(reader, name, describing, &UNIX_SECONDS).map(|time| time.0.into()),
            }
        }
    }
}

/// A trait of the field's own name; a dot in the name leads into an object.
fn trait_value<T>(
    reader: &Reader<'_>,
    name: &'static str,
    describing: Describing,
    coercion: &Coercion<T>,
) -> Option<T> {
    let sources = [Root::Traits, Root::ContextTraits].map(|root| Source::Path(Path::at(root, name)));
    read(reader, &sources, describing, coercion).or_else(|| {
        let (outer, inner) = name.split_once('.')?;
        roots(describing).into_iter().find_map(|root| {
            let object = reader.object(root)?.get(outer)?.object()?;
            let pointer = format!("{}/{inner}", reader.pointer(root, outer));
            reader.coerce(VALUE, object.get(inner)?, coercion, &pointer)
        })
    })
}

/// Where traits of the person are, in order.
fn roots(describing: Describing) -> [Root; 2] {
    match describing {
        Describing::Person => [Root::Traits, Root::ContextTraits],
        Describing::Company => [Root::ContextTraits, Root::Traits],
    }
}

/// The trait that becomes the custom attribute.
fn attribute(reader: &Reader<'_>, field: &LookupField, name: &str, describing: Describing) -> Option<SearchValue> {
    roots(describing).into_iter().find_map(|root| {
        let value = reader.object(root)?.get(name)?;
        search_value(reader, field, value, &reader.pointer(root, name))
    })
}

/// One value, as the search for the field takes it; a warning if that is not possible.
pub(crate) fn search_value(
    reader: &Reader<'_>,
    field: &LookupField,
    raw: &Raw<'_>,
    pointer: &str,
) -> Option<SearchValue> {
    let LookupField::Standard(field) = *field else {
        return reader.coerce(VALUE, raw, &SCALAR, pointer);
    };
    match (field, field.kind()) {
        (ContactField::Email, _) => reader
            .coerce(VALUE, raw, &TEXT, pointer)
            .map(|email| search_email(&email)),
        (ContactField::Avatar, _) => reader.coerce(VALUE, raw, &IMAGE_URL, pointer).map(Into::into),
        (_, FieldKind::Text) => reader.coerce(VALUE, raw, &TEXT, pointer).map(Into::into),
        (_, FieldKind::Integer) => reader.coerce(VALUE, raw, &INTEGER, pointer).map(Into::into),
        (_, FieldKind::Boolean) => reader.coerce(VALUE, raw, &BOOLEAN, pointer).map(Into::into),
        (_, FieldKind::Date) => reader
            .coerce(VALUE, raw, &UNIX_SECONDS, pointer)
            .map(|time| time.0.into()),
    }
}

/// Intercom keeps emails in lower case (D22).
fn search_email(email: &str) -> SearchValue {
    email.to_lowercase().into()
}
