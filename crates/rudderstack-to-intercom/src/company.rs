//! group: create or update a company, link the user, tag the company.

use crate::coerce::{Coerced, TEXT};
use crate::flatten::{ATTRIBUTES, flatten};
use crate::issue::{Rejection, RejectionCode};
use crate::member::{self, Requested};
use crate::plan::SaveCompany;
use crate::reader::Reader;
use crate::rules::rules;
use crate::source::{Root, generic, paths};
use intercom_api::{Attributes, CompanyFields};
use rudderstack_events::{Kind, Raw};

rules! {
    /// group, to the fields of a company.
    Group => CompanyFields, fn apply, const RULES {
        company_id: TEXT from generic::GROUP_ID, "guide: Group, Supported mappings";
        name: TEXT from generic::NAME, "guide: Group, Supported mappings";
        website: TEXT from generic::WEBSITE, "guide: Group, Supported mappings";
        plan: TEXT from paths!["traits.plan", "context.traits.plan"], "guide: Group, Supported mappings";
        size: INTEGER from paths!["traits.size", "context.traits.size"], "guide: Group, Supported mappings", [D6];
        industry: TEXT from paths!["traits.industry", "context.traits.industry"], "guide: Group, Supported mappings";
        monthly_spend: NUMBER from paths!["traits.monthlySpend", "context.traits.monthlySpend"], "guide: Group, Supported mappings";
        remote_created_at: UNIX_SECONDS from paths!["traits.remoteCreatedAt", "context.traits.remoteCreatedAt"], "guide: Group, Supported mappings", [D5];
    }
}

/// Traits of a company that are not custom attributes. Source: the guide, "Standard Intercom attributes".
pub const STANDARD_TRAITS: &[&str] = &[
    "tags",
    "size",
    "plan",
    "name",
    "email",
    "userId",
    "website",
    "industry",
    "segments",
    "userCount",
    "createdAt",
    "sessionCount",
    "monthlySpend",
    "remoteCreatedAt",
];

/// The company's fields, custom attributes included.
pub(crate) fn fields(reader: &Reader<'_>) -> Result<CompanyFields, Rejection> {
    fields_and_request(reader).map(|(company, _)| company)
}

/// The same, and the field that the event asks for to look the user up by.
fn fields_and_request(reader: &Reader<'_>) -> Result<(CompanyFields, Option<Requested>), Rejection> {
    let mut company = CompanyFields::default();
    apply(reader, &mut company);
    if company.company_id.is_none() {
        return Err(Rejection::new(
            RejectionCode::MissingGroupId,
            "/groupId",
            "a group needs a group id",
        ));
    }
    let requested = member::requested_field(reader)?;
    company.custom_attributes = custom_attributes(reader, requested.as_ref());
    Ok((company, requested))
}

fn custom_attributes(reader: &Reader<'_>, requested: Option<&Requested>) -> Attributes {
    let root = if reader.object(Root::Traits).is_some() {
        Root::Traits
    } else {
        Root::ContextTraits
    };
    let Some(traits) = reader.object(root) else {
        return Attributes::new();
    };
    let skip = |key: &str| STANDARD_TRAITS.contains(&key) || requested.is_some_and(|lookup| lookup.name == key);
    flatten(reader, traits, &reader.pointer(root, ""), ATTRIBUTES, skip)
}

/// The names of the tags, without repeats.
fn tags(reader: &Reader<'_>) -> Vec<String> {
    for root in [Root::Traits, Root::ContextTraits] {
        let Some(value) = reader.object(root).and_then(|traits| traits.get("tags")) else {
            continue;
        };
        let pointer = reader.pointer(root, "tags");
        let items: Vec<Raw<'_>> = match value.kind() {
            Kind::Array => value.array().unwrap_or_default(),
            // One tag may be sent as it is (D13).
            _ => vec![value.borrow()],
        };
        let mut tags: Vec<String> = Vec::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            match (TEXT.run)(item) {
                Coerced::Value(tag) if tags.contains(&tag) => {}
                Coerced::Value(tag) => tags.push(tag),
                Coerced::Absent => {}
                Coerced::TryNext(code) | Coerced::Refused(code) => {
                    let pointer = if value.kind() == Kind::Array {
                        format!("{pointer}/{at}")
                    } else {
                        pointer.clone()
                    };
                    reader.warn(
                        code,
                        pointer,
                        format!("expected the name of a tag, found {}", item.kind()),
                    );
                }
            }
        }
        if !tags.is_empty() {
            reader.note(|| "tags".to_owned(), || pointer);
            return tags;
        }
    }
    Vec::new()
}

pub(crate) fn plan(reader: &Reader<'_>) -> Result<SaveCompany, Rejection> {
    let (company, requested) = fields_and_request(reader)?;
    let mut plan = SaveCompany::new(company);
    plan.member = member::lookup_of_member(reader, requested.as_ref());
    plan.tags = tags(reader);
    Ok(plan)
}
