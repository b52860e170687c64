//! Which field and value a contact is looked up by.

use crate::coerce::{ANY_CONTACT_ID, BOOLEAN, Coercion, IMAGE_URL, INTEGER, SCALAR, TEXT, UNIX_SECONDS};
use crate::deviation::Deviation;
use crate::issue::{Rejection, RejectionCode, WarningCode};
use crate::lookup::{ContactField, FieldKind, FieldLookup, Lookup, LookupField, Person};
use crate::reader::Reader;
use crate::rule::LookupRule;
use crate::source::{Root, Source, generic, paths};
use intercom_api::{ContactFields, ExternalId, SearchValue};
use rudderstack_events::{EventType, Raw};
use std::borrow::Cow;
use strum::IntoEnumIterator;

/// The field that the event asks for in its options.
pub(crate) struct Requested {
    /// What the event calls it.
    pub(crate) name: String,
    field: LookupField,
}

impl Requested {
    /// Whether a trait of this name is the field: by the event's name for it, or by Intercom's.
    pub(crate) fn is_named(&self, key: &str) -> bool {
        self.name == key || matches!(self.field, LookupField::Standard(field) if <&str>::from(field) == key)
    }

    /// The field in a message. The name of a custom attribute is text of the event.
    fn shown(&self) -> String {
        match &self.field {
            LookupField::Standard(_) => format!("{:?}", self.name),
            LookupField::CustomAttribute(_) => "under custom_attributes".to_owned(),
        }
    }
}

/// Where the event asks for a field.
pub(crate) const FIELD: &[Source] = paths!["integrations.<Intercom>.lookup"];

/// The field that the event asks for in its options; `None` if it asks for none.
pub(crate) fn requested_field(reader: &Reader<'_>) -> Result<Option<Requested>, Rejection> {
    let Some(name) = reader.read("lookup", FIELD, &TEXT) else {
        return Ok(None);
    };
    let field = match name.as_str() {
        // What the guide's readers write, and Intercom does not have (D18).
        "userId" | "user_id" => LookupField::EXTERNAL_ID,
        other => other
            .parse()
            .map_err(|_| invalid_field(&reader.pointer(Root::Options, "lookup"), other))?,
    };
    Ok(Some(Requested { name, field }))
}

/// A field of this name, which is not shown: it may be anything.
pub(crate) fn invalid_field(pointer: &str, name: &str) -> Rejection {
    let meant = LookupField::alike(name).map_or_else(String::new, |field| format!("; did you mean {field}?"));
    let message = format!(
        "Intercom cannot search contacts by this field; it can by {} (case-sensitive), and userId means external_id{meant}",
        LookupField::common()
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
        None => person(reader, prefer, Describing::Person),
    };
    // Without a request, an email or an external id is there, or the event would have been rejected before.
    found.ok_or_else(|| {
        let name = requested.map_or_else(|| "\"email\"".to_owned(), |requested| requested.shown());
        let message = format!("the event has no value for the lookup field {name}");
        Rejection::new(
            RejectionCode::MissingLookupValue,
            reader.pointer(Root::Options, "lookup"),
            message,
        )
    })
}

/// How the user of a group event is found; `None`, with a warning, if there is nothing to find them by.
pub(crate) fn lookup_of_member(reader: &Reader<'_>, requested: Option<&Requested>) -> Option<Lookup> {
    let found = match requested {
        Some(Requested { field, .. }) => {
            let prefer = reader.read("lookup.prefer", generic::MEMBER_ID, &TEXT);
            requested_lookup(reader, field, Describing::Company, prefer.map(ExternalId::new))
        }
        None => match reader.read(VALUE, generic::MEMBER_ID, &TEXT) {
            // Whatever emails there are (D26).
            Some(id) => Person::new(Some(ExternalId::new(id)), None).map(Lookup::Person),
            None => person(reader, None, Describing::Company),
        },
    };
    if found.is_none() {
        let (pointer, message) = match requested {
            Some(requested) => (
                reader.pointer(Root::Options, "lookup"),
                format!(
                    "no value for the lookup field {}, so that no user is linked to the company",
                    requested.shown()
                ),
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
    let mut lookup = FieldLookup::new(field.clone(), value(reader, field, describing)?);
    lookup.prefer = prefer;
    Some(lookup.into())
}

/// By user id and email (D21).
fn person(reader: &Reader<'_>, user_id: Option<ExternalId>, describing: Describing) -> Option<Lookup> {
    let email = match value(reader, &LookupField::EMAIL, describing) {
        Some(SearchValue::Text(email)) => Some(email),
        _ => None,
    };
    if email.is_none() {
        // For the trace.
        reader.read(VALUE, generic::USER_ID, &TEXT);
    }
    let person = Person::new(user_id, email.as_deref())?;
    Some(person.with_shared_email(reader.destination.shared_email).into())
}

/// Whom `traits` describe; `context.traits` always describe the person.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Describing {
    Person,
    Company,
}

/// The sources in the order that fits: what describes the person comes first (D20).
fn ordered(sources: &'static [Source], describing: Describing) -> Cow<'static, [Source]> {
    if describing == Describing::Person {
        return Cow::Borrowed(sources);
    }
    let of_traits = |source: &Source| match source {
        Source::Path(path) => matches!(path.root, Root::Traits | Root::ContextTraits),
        _ => false,
    };
    let mut ordered = sources.to_vec();
    for run in ordered.chunk_by_mut(|a, b| of_traits(a) && of_traits(b)) {
        run.sort_by_key(|source| matches!(source, Source::Path(path) if path.root == Root::Traits));
    }
    Cow::Owned(ordered)
}

/// What the value that is searched for is called in a trace.
pub(crate) const VALUE: &str = "lookup.value";

/// Where the value of a field is: the sources that the field's own rule has, too, or else the traits of its name.
fn sources(field: ContactField, describing: Describing) -> [&'static [Source]; 2] {
    match field {
        ContactField::Email => match describing {
            Describing::Person => [generic::EMAIL, &[]],
            Describing::Company => [generic::MEMBER_EMAIL, &[]],
        },
        ContactField::Phone => [generic::PHONE, &[]],
        ContactField::Name => [generic::NAME, &[]],
        ContactField::Avatar => [generic::AVATAR, &[]],
        // A trait of that name, else the user id (D19).
        ContactField::ExternalId => [field.own_traits(), generic::USER_ID],
        other => [other.own_traits(), &[]],
    }
}

/// The value to look up by.
fn value(reader: &Reader<'_>, field: &LookupField, describing: Describing) -> Option<SearchValue> {
    let field = match field {
        LookupField::CustomAttribute(name) => return attribute(reader, field, name, describing),
        LookupField::Standard(field) => *field,
    };
    sources(field, describing).into_iter().find_map(|sources| {
        let sources = ordered(sources, describing);
        as_search_value(
            field,
            &Read {
                reader,
                sources: &sources,
            },
        )
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
    match field {
        LookupField::CustomAttribute(_) => reader.coerce(VALUE, raw, &SCALAR, pointer),
        LookupField::Standard(field) => as_search_value(*field, &Given { reader, raw, pointer }),
    }
}

/// Something that a coercion can be applied to.
trait Coerce {
    fn coerce<T>(&self, coercion: &Coercion<T>) -> Option<T>;
}

/// The first usable value of some sources.
struct Read<'r, 'e> {
    reader: &'r Reader<'e>,
    sources: &'r [Source],
}

impl Coerce for Read<'_, '_> {
    fn coerce<T>(&self, coercion: &Coercion<T>) -> Option<T> {
        self.reader.read(VALUE, self.sources, coercion)
    }
}

/// One value, and where it is.
struct Given<'r, 'e> {
    reader: &'r Reader<'e>,
    raw: &'r Raw<'r>,
    pointer: &'r str,
}

impl Coerce for Given<'_, '_> {
    fn coerce<T>(&self, coercion: &Coercion<T>) -> Option<T> {
        self.reader.coerce(VALUE, self.raw, coercion, self.pointer)
    }
}

/// The value as the search for the field takes it.
fn as_search_value(field: ContactField, value: &impl Coerce) -> Option<SearchValue> {
    match (field, field.kind()) {
        // Intercom keeps emails in lower case (D22).
        (ContactField::Email, _) => value.coerce(&TEXT).map(|email| email.to_lowercase().into()),
        (ContactField::Avatar, _) => value.coerce(&IMAGE_URL).map(Into::into),
        (ContactField::Id, _) => value.coerce(&ANY_CONTACT_ID).map(|id| id.into_string().into()),
        (_, FieldKind::Text) => value.coerce(&TEXT).map(Into::into),
        (_, FieldKind::Integer) => value.coerce(&INTEGER).map(Into::into),
        (_, FieldKind::Boolean) => value.coerce(&BOOLEAN).map(Into::into),
        (_, FieldKind::Date) => value.coerce(&UNIX_SECONDS).map(|time| time.0.into()),
    }
}

/// The rules by which a contact's lookup value is found, for an event of this type.
pub(crate) fn rules(event_type: EventType) -> impl Iterator<Item = LookupRule> {
    let describing = if event_type == EventType::Group {
        Describing::Company
    } else {
        Describing::Person
    };
    let rule = move |fields, sources: [&'static [Source]; 2], coercion, deviations: &[Deviation]| LookupRule {
        event_type,
        fields,
        sources: sources
            .into_iter()
            .flat_map(|sources| ordered(sources, describing).into_owned())
            .collect(),
        coercion,
        deviations: match describing {
            Describing::Person => deviations.to_vec(),
            Describing::Company => [deviations, &[Deviation::D20, Deviation::D26]].concat(),
        },
    };
    let special: [(ContactField, &'static str, &'static [Deviation]); 6] = [
        (
            ContactField::Email,
            "text, in lower case",
            &[Deviation::D21, Deviation::D22],
        ),
        (ContactField::Phone, TEXT.name, &[]),
        (ContactField::Name, TEXT.name, &[]),
        (ContactField::Avatar, IMAGE_URL.name, &[]),
        (ContactField::Id, ANY_CONTACT_ID.name, &[]),
        (ContactField::ExternalId, TEXT.name, &[Deviation::D18, Deviation::D19]),
    ];
    let of_kind = move |(kind, coercion)| {
        let is_special = move |field: &ContactField| special.iter().any(|(other, ..)| other == field);
        let fields = ContactField::iter().filter(|field| field.kind() == kind && !is_special(field));
        let own = paths!["traits.<field>", "context.traits.<field>"];
        rule(fields.map(<&str>::from).collect(), [own, &[]], coercion, &[])
    };
    let kinds = [
        (FieldKind::Text, TEXT.name),
        (FieldKind::Integer, INTEGER.name),
        (FieldKind::Boolean, BOOLEAN.name),
        (FieldKind::Date, UNIX_SECONDS.name),
    ];
    let custom = paths!["traits.<name>", "context.traits.<name>"];
    special
        .into_iter()
        .map(move |(field, coercion, deviations)| {
            rule(vec![field.into()], sources(field, describing), coercion, deviations)
        })
        .chain(kinds.into_iter().map(of_kind))
        .chain([rule(vec!["custom_attributes.<name>"], [custom, &[]], SCALAR.name, &[])])
}
