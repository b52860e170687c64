//! The whole state of a sandbox, as one JSON object.

use crate::handlers::definition_view;
use crate::json::{Seq, object};
use crate::sandbox::Sandbox;
use crate::store::contacts::{Contact, Presence};
use crate::views::{Plan, avatar};
use crate::workspace::Workspace;
use intercom_api::{Attributes, Value};
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;
use std::io;

/// The whole state of a sandbox.
///
/// Objects have the names and shapes of Intercom's own, with these differences: a contact lists all its `companies` and
/// `tags` in full, with `company_id` and `name`, and says whether it is `archived`. Contacts that were deleted, erased or
/// merged away are not listed. `data_attributes` are the custom ones.
///
/// `Debug` shows names of fields and no value of a contact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct State {
    /// The contacts, in the order of their creation.
    pub contacts: Vec<Attributes>,
    /// The companies, in the order of their creation.
    pub companies: Vec<Attributes>,
    /// The events, in the order of their arrival, without repeats. Empty if events are only counted.
    pub events: Vec<Attributes>,
    /// The tags, in the order of their creation.
    pub tags: Vec<Attributes>,
    /// The custom attributes that are defined, in the order in which they were.
    pub data_attributes: Vec<Attributes>,
    /// How many calls there were, by operation (`snake_case`, or `unknown`) and then by status; calls without a response
    /// count as `dropped_before_effect` or `dropped_after_effect`.
    pub calls: BTreeMap<String, BTreeMap<String, u64>>,
}

/// A state that is made while it is written.
struct StateView<'a>(&'a Sandbox);

impl Serialize for StateView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let workspace = self.0.workspace();
        object! {
            "contacts": Seq(|| {
                let contacts = workspace.contacts.iter();
                contacts.filter_map(|(at, contact)| workspace.contact_state(at, contact))
            }),
            "companies": Seq(|| workspace.companies.iter().filter_map(|(at, _)| workspace.company_state(at))),
            "events": Seq(|| workspace.event_states()),
            "tags": Seq(|| workspace.tags.iter().map(|(at, _)| workspace.tag_view(at))),
            "data_attributes": Seq(|| workspace.attributes.iter().map(|(at, known)| definition_view(at, known))),
            "calls": self.0.calls().by_operation(),
        }
        .serialize(serializer)
    }
}

impl Workspace {
    fn contact_state<'a>(&'a self, at: u32, contact: &'a Contact) -> Option<impl Serialize + use<'a>> {
        let archived = match contact.presence {
            Presence::Active => false,
            Presence::Archived => true,
            Presence::Deleted | Presence::Merged(_) => return None,
        };
        let fields = &*contact.fields;
        let tags = || {
            let tags = fields.tags.iter();
            tags.map(|(tag, _)| self.tag_view(*tag))
        };
        let companies = || {
            contact.companies.iter().filter_map(|at| {
                let company = self.companies.get(*at)?;
                Some(object! {
                    "type": "company",
                    "id": self.company_id(*at),
                    "company_id": &company.company_id,
                    "name": &company.details.name,
                })
            })
        };
        let notes = || {
            let notes = contact.notes.iter().filter_map(|note| self.notes.get(*note as usize));
            notes
                .flatten()
                .map(|note| object! { "type": "note", "body": &note.body })
        };
        Some(object! {
            "type": "contact",
            "id": self.contact_id(at),
            "external_id": &fields.external_id,
            "role": fields.role.as_str(),
            "email": &fields.email,
            "phone": &fields.phone,
            "name": &fields.name,
            "avatar": avatar(fields.avatar.as_deref()),
            "owner_id": fields.owner_id,
            "signed_up_at": fields.signed_up_at,
            "last_seen_at": fields.last_seen_at,
            "unsubscribed_from_emails": fields.unsubscribed_from_emails,
            "language_override": &fields.language_override,
            "created_at": contact.created_at,
            "updated_at": fields.updated_at,
            "archived": archived,
            "custom_attributes": &fields.custom_attributes,
            "tags": object! { "type": "list", "data": Seq(tags), "total_count": fields.tags.len() },
            "companies": object! { "type": "list", "data": Seq(companies), "total_count": contact.companies.len() },
            "notes": object! { "type": "list", "data": Seq(notes), "total_count": contact.notes.len() },
        })
    }

    fn company_state(&self, at: u32) -> Option<impl Serialize + '_> {
        let company = self.companies.get(at)?;
        let details = &company.details;
        Some(object! {
            "type": "company",
            "id": self.company_id(at),
            "company_id": &company.company_id,
            "name": &details.name,
            "plan": Plan(company),
            "size": details.size,
            "website": &details.website,
            "industry": &details.industry,
            "monthly_spend": details.monthly_spend,
            "remote_created_at": details.remote_created_at,
            "created_at": company.created_at,
            "updated_at": company.updated_at,
            "user_count": company.members.len(),
            "custom_attributes": &details.custom_attributes,
            "tags": self.tag_list(&company.tags),
        })
    }

    fn event_states(&self) -> impl Iterator<Item: Serialize> + '_ {
        self.events
            .iter()
            .filter_map(|(at, event)| Some(self.event_view(event, at, self.contacts.get(at)?)))
    }
}

impl Sandbox {
    /// The whole state, as values of its own.
    pub fn state(&self) -> State {
        // Through its text, so that there is one description of what the state looks like.
        let text = crate::json::to_vec(&StateView(self));
        serde_json::from_slice(&text).expect("a state reads what a state writes")
    }

    /// Writes the whole state as JSON, without holding a second copy of it.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write_state(&self, writer: impl io::Write) -> io::Result<()> {
        serde_json::to_writer(writer, &StateView(self)).map_err(io::Error::from)
    }
}

impl State {
    /// The state without what the sandbox decides (ids, its own times, calls), and in an order that depends on nothing
    /// but what is there: two runs that did the same have equal normalised states.
    ///
    /// Contacts and companies are sorted by identity, events by contact, name and time, custom attributes by name. Links
    /// are reduced to `company_id`s and names. Of data attributes only model and name stay, because the type of one that
    /// nobody defined depends on which value came first.
    #[must_use]
    pub fn normalised(&self) -> Self {
        let mut state = Self {
            contacts: self.contacts.iter().map(normalised_contact).collect(),
            companies: self.companies.iter().map(normalised_company).collect(),
            events: self
                .events
                .iter()
                .map(|event| without(event, &["intercom_user_id"]))
                .collect(),
            tags: self.tags.iter().map(|tag| without(tag, &["id"])).collect(),
            data_attributes: self.data_attributes.iter().map(normalised_attribute).collect(),
            calls: BTreeMap::new(),
        };
        sort_by(&mut state.contacts, &["external_id", "email"]);
        sort_by(&mut state.companies, &["company_id"]);
        sort_by(&mut state.events, &["user_id", "email", "event_name", "created_at"]);
        sort_by(&mut state.tags, &["name"]);
        sort_by(&mut state.data_attributes, &["model", "name"]);
        state
    }
}

fn without(object: &Attributes, names: &[&str]) -> Attributes {
    let kept = object.iter().filter(|(name, _)| !names.contains(name));
    kept.map(|(name, value)| (name.to_owned(), value.clone())).collect()
}

fn text_of(value: Option<&Value>) -> String {
    value.map_or_else(String::new, |value| serde_json::to_string(value).unwrap_or_default())
}

/// Sorts by these fields, then by everything.
fn sort_by(objects: &mut [Attributes], names: &[&str]) {
    objects.sort_by_cached_key(|object| {
        let mut key: Vec<String> = names.iter().map(|name| text_of(object.get(name))).collect();
        key.push(serde_json::to_string(object).unwrap_or_default());
        key
    });
}

/// The values of one field of a list's items, sorted.
fn item_values(object: &Attributes, list: &str, items: &str, field: &str) -> Value {
    let items = match object.get(list) {
        Some(Value::Object(list)) => list.get(items),
        // Normalised before.
        Some(values) => return values.clone(),
        None => None,
    };
    let mut values: Vec<Value> = match items {
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(|item| match item {
                Value::Object(item) => item.get(field).cloned(),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    values.sort_by_cached_key(|value| text_of(Some(value)));
    Value::Array(values)
}

fn sort_custom_attributes(object: &mut Attributes) {
    if let Some(Value::Object(attributes)) = object.get("custom_attributes") {
        let mut names: Vec<&str> = attributes.keys().collect();
        names.sort_unstable();
        let sorted: Attributes = names
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), attributes.get(name)?.clone())))
            .collect();
        object.insert("custom_attributes", Value::Object(sorted));
    }
}

fn normalised_contact(contact: &Attributes) -> Attributes {
    let mut kept = without(contact, &["id", "created_at", "updated_at"]);
    kept.insert("tags", item_values(contact, "tags", "data", "name"));
    kept.insert("companies", item_values(contact, "companies", "data", "company_id"));
    kept.insert("notes", item_values(contact, "notes", "data", "body"));
    sort_custom_attributes(&mut kept);
    kept
}

fn normalised_company(company: &Attributes) -> Attributes {
    let mut kept = without(company, &["id", "created_at", "updated_at"]);
    kept.insert("tags", item_values(company, "tags", "tags", "name"));
    sort_custom_attributes(&mut kept);
    kept
}

fn normalised_attribute(attribute: &Attributes) -> Attributes {
    let kept = attribute.iter().filter(|(name, _)| matches!(*name, "model" | "name"));
    kept.map(|(name, value)| (name.to_owned(), value.clone())).collect()
}
