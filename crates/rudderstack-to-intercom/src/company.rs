//! group: create or update a company, link the user, tag the company.

use crate::coerce::{Coerced, TEXT};
use crate::deviation::Deviation;
use crate::flatten::custom_attributes;
use crate::issue::{Rejection, RejectionCode};
use crate::member::{self, Requested};
use crate::plan::SaveCompany;
use crate::reader::Reader;
use crate::rules::{Rule, rules};
use crate::source::{Source, entries, generic, paths};
use intercom_api::CompanyFields;
use rudderstack_events::{EventType, Kind, Raw};
use std::collections::HashSet;

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

/// The rules of what is not one value.
pub(crate) const MORE_RULES: &[Rule] = &[
    Rule {
        call: EventType::Group,
        target: "custom_attributes",
        sources: ATTRIBUTES_FROM,
        coercion: "flattened with `_`, without the standard traits and the lookup field",
        document: "guide: Send custom attributes",
        deviations: &[],
    },
    Rule {
        call: EventType::Group,
        target: "tags",
        sources: TAGS,
        coercion: "the texts of an array, or one text, without repeats: the company is tagged with each",
        document: "guide: Group, Supported mappings",
        deviations: &[Deviation::D13, Deviation::D14],
    },
];

const ATTRIBUTES_FROM: &[Source] = entries!["traits.*", "context.traits.*"];
const TAGS: &[Source] = paths!["traits.tags", "context.traits.tags"];

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
    let traits = reader.first_object(ATTRIBUTES_FROM, |_| true);
    company.custom_attributes = custom_attributes(reader, traits, STANDARD_TRAITS, requested.as_ref());
    Ok((company, requested))
}

/// The names of the tags, without repeats.
fn tags(reader: &Reader<'_>) -> Vec<String> {
    for path in TAGS.iter().flat_map(Source::paths) {
        let Some(value) = reader.value(path) else { continue };
        let pointer = reader.place(path);
        let items: Vec<Raw<'_>> = match value.kind() {
            Kind::Array => value.array().unwrap_or_default(),
            // One tag may be sent as it is (D13).
            _ => vec![value.borrow()],
        };
        let mut tags: Vec<String> = Vec::with_capacity(items.len());
        let mut seen = HashSet::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            match (TEXT.run)(item) {
                Coerced::Value(tag) => {
                    if seen.insert(tag.clone()) {
                        tags.push(tag);
                    }
                }
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
