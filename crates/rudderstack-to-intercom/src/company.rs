//! group: create or update a company, link the user, tag the company.

use crate::coerce::{Coerced, TEXT};
use crate::deviation::Deviation;
use crate::flatten::{COMPANY_ATTRIBUTES, custom_attributes};
use crate::issue::{Rejection, RejectionCode};
use crate::member::{self, Requested};
use crate::names::Names;
use crate::plan::SaveCompany;
use crate::reader::Reader;
use crate::rule::{Rule, rules};
use crate::source::{Source, company_paths, entries, generic, paths};
use intercom_api::CompanyFields;
use rudderstack_events::{EventType, Kind, Raw};
use std::collections::HashSet;

rules! {
    /// group, to the fields of a company.
    Group => CompanyFields, fn apply, const RULES {
        company_id: TEXT from generic::GROUP_ID, "guide: Group, Supported mappings";
        name: TEXT from paths!["traits.name"], "guide: Group, Supported mappings", [D25];
        website: TEXT from paths!["traits.website"], "guide: Group, Supported mappings", [D25];
        plan: TEXT from company_paths!["plan"], "guide: Group, Supported mappings", [D25];
        size: INTEGER from company_paths!["size"], "guide: Group, Supported mappings", [D6, D25];
        industry: TEXT from company_paths!["industry"], "guide: Group, Supported mappings", [D25];
        monthly_spend: MONTHLY_AMOUNT from company_paths!["monthlySpend"], "guide: Group, Supported mappings", [D25, D28];
        remote_created_at: UNIX_SECONDS from company_paths!["remoteCreatedAt"], "guide: Group, Supported mappings", [D5, D25, D32];
    }
}

/// The rules of what is not one value.
pub(crate) const MORE_RULES: &[Rule] = &[
    Rule {
        event_type: EventType::Group,
        target: "custom_attributes",
        sources: ATTRIBUTES_FROM,
        coercion: "flattened with `_`, without the standard traits and the lookup field",
        document: "guide: Send custom attributes",
        deviations: &[Deviation::D25, Deviation::D28, Deviation::D29],
    },
    Rule {
        event_type: EventType::Group,
        target: "tags",
        sources: TAGS,
        coercion: "the texts of an array, or one text, without repeats: the company is tagged with each",
        document: "guide: Group, Supported mappings",
        deviations: &[Deviation::D13, Deviation::D14, Deviation::D25],
    },
];

// The person's traits, in `context.traits`, say nothing of the company (D25).
const ATTRIBUTES_FROM: &[Source] = entries!["traits.*"];
const TAGS: &[Source] = company_paths!["tags"];

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

static TRAITS: Names = Names::new(STANDARD_TRAITS);

/// The company's fields, custom attributes included.
pub(crate) fn fields(reader: &Reader<'_>) -> Result<CompanyFields, Rejection> {
    let mut company = CompanyFields::default();
    fill(reader, &mut company)?;
    Ok(company)
}

/// Fills the company's fields where they stand, and gives the field that the event asks for to look the user up by.
fn fill(reader: &Reader<'_>, company: &mut CompanyFields) -> Result<Option<Requested>, Rejection> {
    apply(reader, company);
    if company.company_id.is_none() {
        return Err(Rejection::new(
            RejectionCode::MissingGroupId,
            "/groupId",
            "a group needs a group id",
        ));
    }
    let requested = member::requested_field(reader)?;
    let traits = reader.first_object(ATTRIBUTES_FROM, |_| true);
    company.custom_attributes = custom_attributes(reader, traits, COMPANY_ATTRIBUTES, &TRAITS, requested.as_ref());
    Ok(requested)
}

/// The names of the tags, without repeats.
fn tags(reader: &Reader<'_>) -> Vec<String> {
    for source in TAGS {
        let (Source::Path(path) | Source::OfPerson(path)) = *source else {
            continue;
        };
        let Some(value) = reader.value(path) else { continue };
        let pointer = reader.place(path);
        let items: Vec<Raw<'_>> = match value.kind() {
            Kind::Array => value.as_array().unwrap_or_default(),
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
            if matches!(source, Source::OfPerson(_)) {
                reader.warn_of_person(pointer.clone());
            }
            reader.note(|| "tags".to_owned(), || pointer);
            return tags;
        }
    }
    Vec::new()
}

pub(crate) fn plan(reader: &Reader<'_>) -> Result<SaveCompany, Rejection> {
    let mut company = CompanyFields::default();
    let requested = fill(reader, &mut company)?;
    let mut plan = SaveCompany::new(company);
    plan.member = member::lookup_of_member(reader, requested.as_ref());
    plan.tags = tags(reader);
    Ok(plan)
}
