//! What has become of the copy.

use super::companies::{self, Companies};
use super::contacts::{self, Contacts, Person};
use super::fields::{Fields, is_same};
use super::questions::{EMAIL, EXTERNAL_ID, ID, Key, Question};
use super::wanted::Wanted;
use intercom_api::{DataAttributeModel, UnixSeconds, Value};
use rudderstack_to_intercom::CompanyKey;
use std::collections::{BTreeMap, BTreeSet};

/// What changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::Display, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub(crate) enum What {
    Contact,
    Company,
}

/// How it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::Display, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Effect {
    Created,
    Changed,
    /// It is deleted, and created again.
    Replaced,
    Deleted,
}

/// A field with another value.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct FieldChange {
    pub(crate) name: Box<str>,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
}

/// A company that a contact is linked to, or is not any more.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Link {
    /// Intercom's id, if the company is there.
    pub(crate) id: Option<String>,
    /// The caller's id, if it is known.
    pub(crate) company_id: Option<String>,
}

/// Something that changes.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) what: What,
    pub(crate) effect: Effect,
    /// Intercom's id, if it is there.
    pub(crate) id: Option<String>,
    /// Who or what it is to the caller: a user id, or else an email; a company id.
    pub(crate) name: Option<Value>,
    /// What events that are about it are known by.
    pub(crate) key: Option<Key>,
    /// The line of the first event that is about it.
    pub(crate) line: Option<u64>,
    pub(crate) fields: Vec<FieldChange>,
    pub(crate) linked: Vec<Link>,
    pub(crate) detached: Vec<Link>,
    pub(crate) tags: Vec<String>,
    /// When it was last changed in Intercom.
    pub(crate) updated_at: Option<UnixSeconds>,
}

// Names, links and tags are data of events.
exact_json::debug_shows! { Change(change) { what, effect, fields = change.fields.len(), .. } }

/// Everything that changes, in the order of the lines that are about it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    pub(crate) all: Vec<Change>,
    /// Contacts that events are about, and that stay as they are.
    pub(crate) same_contacts: u64,
    /// The same of companies.
    pub(crate) same_companies: u64,
    /// Custom attributes that are created.
    pub(crate) attributes: Vec<(DataAttributeModel, String)>,
    /// Data events that are submitted. Whether they are there already is not known.
    pub(crate) data_events: u64,
    /// The calls that it takes.
    pub(crate) calls: u64,
}

impl Changes {
    /// What is not as it was.
    pub(super) fn between(contacts: &Contacts, companies: &Companies, wanted: &Wanted) -> Self {
        let mut changes = Self::default();
        let link = |id: &str| {
            let known = companies.get(id);
            let company_id = known.and_then(|known| known.is.fields.get("company_id"));
            Link {
                id: known.is_none_or(|known| known.was.is_some()).then(|| id.to_owned()),
                company_id: company_id.and_then(Value::as_str).map(str::to_owned),
            }
        };
        let replacing = Replacing::new(contacts);
        for record in contacts.records() {
            let was = replacing.replaced_by(record).or(record.was.as_deref());
            let is = record.is.as_deref();
            let effect = match (was, is) {
                (None, None) => continue,
                (Some(_), None) if replacing.is_replaced(record) => continue,
                (None, Some(_)) => Effect::Created,
                (Some(_), None) => Effect::Deleted,
                (Some(_), Some(_)) if record.was.is_none() => Effect::Replaced,
                (Some(_), Some(_)) => Effect::Changed,
            };
            let nobody = Person::default();
            let (before, after) = (was.unwrap_or(&nobody), is.unwrap_or(&nobody));
            let links = |some: &BTreeSet<String>, others: &BTreeSet<String>| {
                let links = some.difference(others).map(|id| link(id));
                links.collect::<Vec<Link>>()
            };
            let change = Change {
                what: What::Contact,
                effect,
                id: record.was.is_some().then(|| record.id.clone()),
                name: name_of(is.or(was).map(|person| &person.fields), &[EXTERNAL_ID, EMAIL]),
                key: is.or(was).and_then(identity).map(Key::Person),
                line: line_of(record, wanted),
                fields: match effect {
                    Effect::Deleted => Vec::new(),
                    _ => difference(&before.fields, &after.fields),
                },
                linked: links(&after.companies, &before.companies),
                detached: match effect {
                    Effect::Deleted => Vec::new(),
                    _ => links(&before.companies, &after.companies),
                },
                tags: Vec::new(),
                updated_at: record.updated_at,
            };
            match change.is_none() {
                true => changes.same_contacts += u64::from(record.is_touched),
                false => changes.all.push(change),
            }
        }
        changes.add_companies(companies, wanted);
        changes
            .all
            .sort_by_key(|change| (change.what, change.line.unwrap_or(u64::MAX)));
        changes
    }

    fn add_companies(&mut self, companies: &Companies, wanted: &Wanted) {
        let touched = companies.records().iter().filter(|record| record.is_touched);
        for companies::Record {
            id,
            was,
            is,
            updated_at,
            ..
        } in touched
        {
            let nothing = companies::Firm::default();
            let before = was.as_deref().unwrap_or(&nothing);
            let name = name_of(Some(&is.fields), &["company_id"]);
            let company_id = name.as_ref().and_then(Value::as_str);
            let change = Change {
                what: What::Company,
                effect: if was.is_some() {
                    Effect::Changed
                } else {
                    Effect::Created
                },
                id: was.is_some().then(|| id.clone()),
                line: company_id.and_then(|id| wanted.line_of_company(id)),
                key: company_id.map(|id| Key::Company(CompanyKey::CompanyId(id.into()))),
                name: name.clone(),
                fields: difference(&before.fields, &is.fields),
                linked: Vec::new(),
                detached: Vec::new(),
                tags: is.tags.difference(&before.tags).cloned().collect(),
                updated_at: *updated_at,
            };
            match change.is_none() {
                true => self.same_companies += 1,
                false => self.all.push(change),
            }
        }
    }

    /// Whether nothing changes.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty() && self.attributes.is_empty()
    }
}

impl Change {
    fn is_none(&self) -> bool {
        self.effect == Effect::Changed && self.has_no_news()
    }

    /// Whether it has the same as before.
    pub(crate) fn has_no_news(&self) -> bool {
        let has_its_links = self.linked.is_empty() && self.detached.is_empty();
        self.fields.is_empty() && has_its_links && self.tags.is_empty()
    }
}

fn difference(before: &Fields, after: &Fields) -> Vec<FieldChange> {
    let names: BTreeSet<&str> = before.keys().chain(after.keys()).map(|name| &**name).collect();
    let changed = names.into_iter().filter_map(|name| {
        let (before, after) = (before.get(name), after.get(name));
        (!is_same(name, before, after)).then(|| FieldChange {
            name: name.into(),
            before: before.cloned(),
            after: after.cloned(),
        })
    });
    changed.collect()
}

fn name_of(fields: Option<&Fields>, names: &[&str]) -> Option<Value> {
    names.iter().find_map(|name| fields?.get(*name).cloned())
}

fn line_of(record: &contacts::Record, wanted: &Wanted) -> Option<u64> {
    let of = |person: &Person| {
        let line = |field: &str| {
            let text = person.fields.get(field)?.as_str()?;
            wanted.line(&Question::text(field, text))
        };
        line(EXTERNAL_ID).into_iter().chain(line(EMAIL)).min()
    };
    let by_person = record.was.as_deref().and_then(of);
    let by_person = by_person.into_iter().chain(record.is.as_deref().and_then(of)).min();
    by_person.or_else(|| wanted.line(&Question::text(ID, &record.id)))
}

/// Contacts who are deleted, and created again as somebody with the same user id or, without one, the same email.
struct Replacing<'c> {
    /// Those who would be deleted, by who they are.
    deleted: BTreeMap<Question, &'c contacts::Record>,
    replaced: BTreeSet<&'c str>,
}

impl<'c> Replacing<'c> {
    fn new(contacts: &'c Contacts) -> Self {
        let is_deleted = |record: &&contacts::Record| record.was.is_some() && record.is.is_none();
        let deleted = contacts.records().iter().filter(is_deleted);
        let mut replacing = Self {
            deleted: deleted
                .filter_map(|record| Some((identity(record.was.as_deref()?)?, record)))
                .collect(),
            replaced: BTreeSet::new(),
        };
        for record in contacts.records().iter().filter(|record| record.was.is_none()) {
            let old = record.is.as_deref().and_then(identity);
            if let Some(old) = old.and_then(|identity| replacing.deleted.get(&identity)) {
                replacing.replaced.insert(&old.id);
            }
        }
        replacing
    }

    /// What the contact was before it was deleted, if this one is created in its place.
    fn replaced_by(&self, record: &contacts::Record) -> Option<&'c Person> {
        if record.was.is_some() {
            return None;
        }
        let old = self.deleted.get(&identity(record.is.as_deref()?)?)?;
        old.was.as_deref()
    }

    fn is_replaced(&self, record: &contacts::Record) -> bool {
        self.replaced.contains(record.id.as_str())
    }
}

fn identity(person: &Person) -> Option<Question> {
    let question = |field: &str| Some(Question::text(field, person.fields.get(field)?.as_str()?));
    question(EXTERNAL_ID).or_else(|| question(EMAIL))
}
