//! identify: create or update a contact.

use crate::coerce::{BOOLEAN, TEXT};
use crate::company_key::CompanyKey;
use crate::deviation::Deviation;
use crate::flatten::{CONTACT_ATTRIBUTES, custom_attributes};
use crate::issue::{Rejection, RejectionCode, WarningCode};
use crate::member::{self, Requested};
use crate::names::Names;
use crate::plan::SaveContact;
use crate::reader::Reader;
use crate::rule::{Rule, rules};
use crate::source::{Source, entries, generic, paths};
use intercom_api::{CompanyExternalId, ContactFields};
use rudderstack_events::{EventType, Kind, Raw};

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
        signed_up_at: UNIX_SECONDS from paths!["traits.createdAt", "context.traits.createdAt"], "guide: Traits mapping", [D5, D32];
        last_seen_at: UNIX_SECONDS from paths!["context.traits.lastSeenAt", "traits.lastSeenAt", "last_seen_at"], "guide: Traits mapping", [D5, D9, D32];
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
        event_type: EventType::Identify,
        target: "custom_attributes",
        sources: ATTRIBUTES_FROM,
        coercion: "flattened with `_`, without the standard traits and the lookup field",
        document: "guide: Send custom attributes",
        deviations: &[Deviation::D11, Deviation::D28, Deviation::D29],
    },
    Rule {
        event_type: EventType::Identify,
        target: "detach",
        sources: COMPANY,
        coercion: "the `id`, else the `name`, of an object with `remove: true`, or of each in an array: the contact is detached \
            from that company; a company without `remove` does nothing, with the warning `company_not_linked`",
        document: "guide: Remove user from company",
        deviations: &[Deviation::D27],
    },
];

const ATTRIBUTES_FROM: &[Source] = entries!["traits.*", "context.traits.*"];
const COMPANY: &[Source] = paths![
    "traits.company",
    "context.traits.company",
    "traits.companies",
    "context.traits.companies",
];

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
    // Not the guide's, but of the same kind as `company`: what it says of companies is no attribute of the contact.
    "companies",
];

static TRAITS: Names = Names::new(STANDARD_TRAITS);

/// The contact's fields, custom attributes included.
pub(crate) fn fields(reader: &Reader<'_>) -> Result<ContactFields, Rejection> {
    let mut contact = ContactFields::default();
    fill(reader, &mut contact)?;
    Ok(contact)
}

/// Fills the contact's fields where they stand, and gives the field that the event asks for to look the contact up by.
fn fill(reader: &Reader<'_>, contact: &mut ContactFields) -> Result<Option<Requested>, Rejection> {
    apply(reader, contact);
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
    contact.custom_attributes = custom_attributes(reader, traits, CONTACT_ATTRIBUTES, &TRAITS, requested.as_ref());
    if contact.owner_id.is_some() {
        *contact = std::mem::take(contact).in_version(reader.destination.api_version);
    }
    Ok(requested)
}

/// What the traits of an identify say of one company.
enum Mention {
    /// The contact is to be detached from it.
    Remove(CompanyKey),
    /// Nothing that has an effect: contacts are linked by group events.
    NotLinked,
    /// Nothing, or nothing that can be read.
    Nothing,
}

/// The companies to detach the contact from: those of the first place that names any (D27).
fn removals(reader: &Reader<'_>) -> Vec<CompanyKey> {
    let mut is_warned = false;
    for source in COMPANY {
        let Source::Path(path) = *source else { continue };
        let Some(value) = reader.value(path) else { continue };
        let place = reader.place(path);
        let mentions: Vec<Mention> = match value.as_array() {
            Some(items) => {
                let items = items.iter().enumerate();
                items
                    .map(|(at, item)| mention(reader, item, &format!("{place}/{at}")))
                    .collect()
            }
            None => vec![mention(reader, &value, &place)],
        };
        // SDKs send the traits in both places.
        if !is_warned && mentions.iter().any(|mention| matches!(mention, Mention::NotLinked)) {
            is_warned = true;
            let message = "an identify links nobody to a company; a group event does";
            reader.warn(WarningCode::CompanyNotLinked, place.as_str(), message);
        }
        let mut keys = Vec::new();
        for mention in mentions {
            if let Mention::Remove(key) = mention
                && !keys.contains(&key)
            {
                keys.push(key);
            }
        }
        if !keys.is_empty() {
            reader.note(|| "detach".to_owned(), || place);
            return keys;
        }
    }
    Vec::new()
}

/// Reads one company in the traits.
fn mention(reader: &Reader<'_>, value: &Raw<'_>, place: &str) -> Mention {
    let company = match value.kind() {
        Kind::Object => value.as_object().unwrap_or_default(),
        // A name, or an id.
        Kind::Null => return Mention::Nothing,
        _ => {
            let is_empty = value.string().is_some_and(|text| text.is_empty());
            return if is_empty { Mention::Nothing } else { Mention::NotLinked };
        }
    };
    let read = |key| Some((company.get(key)?, format!("{place}/{key}")));
    match read("remove").filter(|(remove, _)| !remove.is_null()) {
        None if company.is_empty() => return Mention::Nothing,
        None => return Mention::NotLinked,
        Some((remove, place)) => match reader.coerce_untraced(remove, &BOOLEAN, &place) {
            Some(true) => {}
            Some(false) => return Mention::NotLinked,
            None => return Mention::Nothing,
        },
    }
    let text = |key| read(key).and_then(|(value, place)| reader.coerce_untraced(value, &TEXT, &place));
    if let Some(id) = text("id") {
        Mention::Remove(CompanyKey::CompanyId(CompanyExternalId::new(id)))
    } else if let Some(name) = text("name") {
        Mention::Remove(CompanyKey::Name(name))
    } else {
        let message = "expected an id or a name of the company that the contact is to be detached from";
        reader.warn(WarningCode::MalformedValue, place, message);
        Mention::Nothing
    }
}

pub(crate) fn plan(reader: &Reader<'_>) -> Result<SaveContact, Rejection> {
    let mut contact = ContactFields::default();
    let requested = fill(reader, &mut contact)?;
    let lookup = member::lookup_of_contact(reader, requested, &contact)?;
    let mut plan = SaveContact::new(lookup, contact);
    plan.detach = removals(reader);
    Ok(plan)
}
