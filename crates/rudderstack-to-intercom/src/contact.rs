//! identify: create or update a contact.

use crate::coerce::{BOOLEAN, TEXT};
use crate::deviation::Deviation;
use crate::flatten::custom_attributes;
use crate::issue::{Rejection, RejectionCode};
use crate::member::{self, Requested};
use crate::plan::{CompanyKey, SaveContact};
use crate::reader::Reader;
use crate::rules::{Rule, rules};
use crate::source::{Source, entries, generic, paths};
use intercom_api::{CompanyExternalId, ContactFields};
use rudderstack_events::{EventType, Kind};

rules! {
    /// identify, to the fields of a contact.
    Identify => ContactFields, fn apply, fn set, fn overlay, const RULES, const RULES_BY_NAME {
        external_id: TEXT from generic::USER_ID, "guide: Traits mapping";
        email: TEXT from generic::EMAIL, "guide: Traits mapping", [D2];
        phone: TEXT from generic::PHONE, "guide: Traits mapping";
        avatar: IMAGE_URL from generic::AVATAR, "guide: Traits mapping", [D8];
        name: TEXT from generic::PERSON_NAME, "guide: Traits mapping";
        role: ROLE from paths!["traits.role", "context.traits.role"], "guide: Traits mapping", [D7];
        owner_id: INTEGER from paths!["traits.ownerId", "context.traits.ownerId"], "guide: Traits mapping", [D6];
        signed_up_at: UNIX_SECONDS from paths!["traits.createdAt", "context.traits.createdAt"], "guide: Traits mapping", [D5];
        last_seen_at: UNIX_SECONDS from paths!["context.traits.lastSeenAt", "traits.lastSeenAt", "last_seen_at"], "guide: Traits mapping", [D5, D9];
        unsubscribed_from_emails: BOOLEAN from paths![
            "traits.unsubscribedFromEmails",
            "context.traits.unsubscribedFromEmails",
            "context.unsubscribedFromEmails",
        ], "guide: Traits mapping; Unsubscribe user", [D10];
    }
}

/// The rules of what is not one value.
pub(crate) const MORE_RULES: &[Rule] = &[
    Rule {
        call: EventType::Identify,
        target: "custom_attributes",
        sources: ATTRIBUTES_FROM,
        coercion: "flattened with `_`, without the standard traits and the lookup field",
        document: "guide: Send custom attributes",
        deviations: &[Deviation::D11],
    },
    Rule {
        call: EventType::Identify,
        target: "detach",
        sources: COMPANY,
        coercion: "the `id`, else the `name`, of an object with `remove: true`: the contact is detached from that company",
        document: "guide: Remove user from company",
        deviations: &[],
    },
];

const ATTRIBUTES_FROM: &[Source] = entries!["traits.*", "context.traits.*"];
const COMPANY: &[Source] = paths!["traits.company", "context.traits.company"];

/// Traits of a person that are not custom attributes. Source: the guide, "Standard Intercom attributes".
pub const STANDARD_TRAITS: &[&str] = &[
    "userId",
    "role",
    "email",
    "phone",
    "name",
    "avatar",
    "company",
    "ownerId",
    "lastName",
    "lastname",
    "firstName",
    "firstname",
    "createdAt",
    "timestamp",
    "lastSeenAt",
    "originalTimestamp",
    "unsubscribedFromEmails",
];

/// The contact's fields, custom attributes included.
pub(crate) fn fields(reader: &Reader<'_>) -> Result<ContactFields, Rejection> {
    fields_and_request(reader).map(|(contact, _)| contact)
}

/// The same, and the field that the event asks for to look the contact up by.
fn fields_and_request(reader: &Reader<'_>) -> Result<(ContactFields, Option<Requested>), Rejection> {
    let mut contact = ContactFields::default();
    apply(reader, &mut contact);
    if contact.external_id.is_none() && contact.email.is_none() {
        return Err(Rejection::new(
            RejectionCode::MissingIdentity,
            "/userId",
            "an identify needs a user id or an email; this event has neither",
        ));
    }
    let requested = member::requested_field(reader)?;
    // An empty `traits` hides nothing (D11).
    let traits = reader.first_object(ATTRIBUTES_FROM, |traits| !traits.is_empty());
    contact.custom_attributes = custom_attributes(reader, traits, STANDARD_TRAITS, requested.as_ref());
    Ok((contact, requested))
}

/// The company to detach the contact from, if the event asks for it.
fn detach(reader: &Reader<'_>) -> Option<CompanyKey> {
    COMPANY.iter().flat_map(Source::paths).find_map(|path| {
        let company = reader.value(path).filter(|company| company.kind() == Kind::Object)?;
        let company = company.object()?;
        let pointer = || reader.place(path);
        let read = |key| Some((company.get(key)?, format!("{}/{key}", pointer())));
        let (remove, place) = read("remove")?;
        reader
            .coerce_untraced(remove, &BOOLEAN, &place)
            .filter(|remove| *remove)?;
        let text = |key| read(key).and_then(|(value, place)| reader.coerce_untraced(value, &TEXT, &place));
        let key = match text("id") {
            Some(id) => CompanyKey::CompanyId(CompanyExternalId::new(id)),
            None => CompanyKey::Name(text("name")?),
        };
        reader.note(|| "detach".to_owned(), pointer);
        Some(key)
    })
}

pub(crate) fn plan(reader: &Reader<'_>) -> Result<SaveContact, Rejection> {
    let (contact, requested) = fields_and_request(reader)?;
    let lookup = member::lookup_of_contact(reader, requested, &contact)?;
    let mut plan = SaveContact::new(lookup, contact);
    plan.detach = detach(reader);
    Ok(plan)
}
