//! An older event that is delivered after newer ones of the same contact or company: what they have written stays.

use crate::codes::Supersession;
use crate::walk::{CUSTOM, as_attributes, moves_to};
use intercom_api::{CompanyExternalId, SearchValue};
use rudderstack_to_intercom::{CompanyKey, FieldLookup, Identities, Lookup, LookupField, Missing, Plan, SharedEmail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Whom and which company an event is about, as far as it says so itself. `Debug` shows no value.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// Whether the email, if there is one, decides whose a contact is, whatever its user id.
    #[serde(default, skip_serializing_if = "crate::contact::is_false")]
    goes_by_email: bool,
    /// Another field and its value, by which the contact is looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lookup: Option<FieldLookup>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    company: Option<CompanyExternalId>,
}

impl Subject {
    /// The subject of an event.
    pub fn of(plan: &Plan, identities: &Identities) -> Self {
        let lookup = plan.lookup();
        // What is looked up is what the contact has; what is written, only once it is.
        let user_id = lookup.and_then(Lookup::external_id).or(identities.user_id.as_deref());
        let email = lookup.and_then(Lookup::email).or(identities.email.as_deref());
        let given = |text: &&str| !text.is_empty();
        Self {
            user_id: user_id.filter(given).map(str::to_owned),
            email: email.filter(given).map(str::to_lowercase),
            goes_by_email: matches!(lookup, Some(Lookup::Person(person)) if person.shared_email == SharedEmail::Same),
            lookup: match lookup {
                Some(Lookup::Field(lookup)) if !is_identity(&lookup.field) => Some(lookup.clone()),
                Some(Lookup::Person(_) | Lookup::Field(_)) | None => None,
            },
            company: match plan {
                Plan::SaveCompany(plan) => plan.company.company_id.clone(),
                Plan::SaveContact(_) | Plan::DeleteContact(_) | Plan::SubmitEvent(_) => None,
            },
        }
    }

    /// What it can be told by: two subjects that have none of these in common are not the same.
    pub fn keys(&self) -> impl Iterator<Item = String> + '_ {
        let user = self.user_id.iter().map(|id| format!("user {id}"));
        let email = self.email.iter().map(|email| format!("email {email}"));
        let lookup = self.lookup.iter().filter_map(|lookup| {
            let value = serde_json::to_string(&lookup.value).ok()?;
            Some(format!("{} {value}", lookup.field))
        });
        let company = self.company.iter().map(|id| format!("company {id}"));
        user.chain(email).chain(lookup).chain(company)
    }

    /// A later event about the same person may have changed who they are.
    fn follow(&mut self, later: &Plan) {
        if let Plan::SaveContact(plan) = later {
            if let Some(id) = &plan.update.external_id {
                self.user_id = Some(id.as_str().to_owned());
            }
            if let Some(email) = &plan.update.email {
                self.email = Some(email.to_lowercase());
            }
        }
    }

    /// Whether both are about the same person: the user id decides, and where one of them has none, the email; unless it
    /// decides alone.
    fn is_same_person(&self, other: &Self) -> bool {
        fn are_same<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> Option<bool> {
            a.zip(b).map(|(a, b)| a == b)
        }
        let by_email = are_same(self.email.as_ref(), other.email.as_ref());
        let is_same = by_email
            .filter(|_| self.goes_by_email || other.goes_by_email)
            .or_else(|| are_same(self.user_id.as_ref(), other.user_id.as_ref()))
            .or(by_email)
            .or_else(|| are_same(self.lookup.as_ref(), other.lookup.as_ref()));
        is_same.unwrap_or_default()
    }
}

exact_json::debug_shows! { Subject { .. } }

fn is_identity(field: &LookupField) -> bool {
    *field == LookupField::EMAIL || *field == LookupField::EXTERNAL_ID
}

/// What later events have written of what an undelivered event is about. `Debug` shows no value.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Superseded {
    /// The names of fields of the contact; that of a custom attribute is `custom_attributes.<name>`.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    fields: BTreeSet<String>,
    /// The ids of companies that the contact has joined or left.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    companies: BTreeSet<String>,
    /// The names of fields of the company.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    company_fields: BTreeSet<String>,
    /// Whether anything was done to the contact, other than deleting it, and since it was deleted if it was.
    #[serde(skip_serializing_if = "crate::contact::is_false")]
    written: bool,
    /// Whether it was deleted.
    #[serde(skip_serializing_if = "crate::contact::is_false")]
    deleted: bool,
    /// How the contact is found now, if it is not found any more as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    found_by: Option<FieldLookup>,
}

exact_json::debug_shows! { Superseded(superseded) { fields = superseded.fields.len(), deleted, .. } }

impl Superseded {
    /// Whether it is nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what a later event has written, as far as it concerns the subject of the undelivered one, which may be known
    /// by something else from then on.
    pub fn add(&mut self, older: &mut Subject, later: &Plan, identities: &Identities) {
        let subject = Subject::of(later, identities);
        let is_same_person = older.is_same_person(&subject);
        if let Plan::SaveCompany(plan) = later
            && older.company.is_some()
            && older.company == plan.company.company_id
        {
            self.company_fields.extend(names(&plan.company));
        }
        if !is_same_person {
            return;
        }
        older.follow(later);
        match later {
            Plan::SaveContact(plan) => {
                self.written = true;
                self.fields.extend(names(&plan.update));
                self.fields.extend(plan.create().into_iter().flat_map(names));
                self.companies.extend(plan.detach.iter().map(name_of));
                if let Some((value, before)) = moves_to(&plan.lookup, &plan.update).zip(plan.lookup.fields().first()) {
                    self.found_by = Some(FieldLookup::new(before.field.clone(), value));
                }
            }
            // Whoever comes after a deletion is somebody new.
            Plan::DeleteContact(_) => (self.deleted, self.written) = (true, false),
            Plan::SubmitEvent(_) => self.written = true,
            Plan::SaveCompany(plan) => {
                self.written |= plan.member.is_some();
                let joined = plan.company.company_id.iter().filter(|_| plan.member.is_some());
                self.companies.extend(joined.map(|id| id.as_str().to_owned()));
            }
        }
    }

    /// Adds what is known from elsewhere.
    pub fn merge(&mut self, other: Self) {
        self.fields.extend(other.fields);
        self.companies.extend(other.companies);
        self.company_fields.extend(other.company_fields);
        self.written = other.written || self.written && !other.deleted;
        self.deleted |= other.deleted;
        self.found_by = other.found_by.or(self.found_by.take());
    }

    /// Lets the contact be found by what it has now.
    fn redirect(&self, lookup: &mut Lookup) {
        let first = lookup.fields().into_iter().next();
        let (Some(now), Some(first)) = (&self.found_by, first) else {
            return;
        };
        if now.field != first.field {
            return;
        }
        match (lookup, &now.value) {
            (Lookup::Field(lookup), value) => lookup.value.clone_from(value),
            (Lookup::Person(person), SearchValue::Text(text)) if now.field == LookupField::EMAIL => {
                person.email = Some(text.to_lowercase());
            }
            (Lookup::Person(person), SearchValue::Text(text)) => person.external_id = Some(text.as_str().into()),
            (Lookup::Person(_), _) => {}
        }
    }

    /// Leaves out of an older plan what is superseded, and says how much that is.
    pub fn apply(&self, plan: &mut Plan) -> Supersession {
        if self.is_empty() {
            // A plan that writes nothing but whom it finds or creates is one all the same.
            return Supersession::Not;
        }
        let before = plan.clone();
        let is_left = match plan {
            Plan::SaveContact(_) if self.deleted => return Supersession::Wholly,
            Plan::SaveContact(plan) => {
                let create = plan.create().cloned();
                plan.update = without(&plan.update, &self.fields);
                plan.detach.retain(|key| !self.companies.contains(&name_of(key)));
                if let Some(create) = create {
                    let mut left = without(&create, &self.fields);
                    // Who is created nevertheless, because somebody has deleted them, is still the same person.
                    (left.external_id, left.email) = (create.external_id, create.email);
                    if left != plan.update {
                        plan.missing = Missing::CreateWith(Box::new(left));
                    }
                }
                self.redirect(&mut plan.lookup);
                !plan.update.is_empty() || !plan.detach.is_empty()
            }
            Plan::DeleteContact(_) if self.written || self.deleted => return Supersession::Wholly,
            Plan::DeleteContact(_) => true,
            // Nobody is created again for an event from before they were deleted.
            Plan::SubmitEvent(_) if self.deleted && !self.written => return Supersession::Wholly,
            Plan::SubmitEvent(_) => true,
            Plan::SaveCompany(plan) => {
                let id = plan.company.company_id.clone();
                plan.company = without(&plan.company, &self.company_fields);
                let has_fields = !plan.company.is_empty();
                plan.company.company_id.clone_from(&id);
                let is_superseded = id.is_some_and(|id| self.companies.contains(id.as_str()));
                if self.deleted || is_superseded {
                    plan.member = None;
                }
                if let Some(member) = &mut plan.member {
                    self.redirect(member);
                }
                has_fields || plan.member.is_some() || !plan.tags.is_empty()
            }
        };
        match (is_left, before == *plan) {
            (_, true) => Supersession::Not,
            (false, false) => Supersession::Wholly,
            (true, false) => Supersession::Partly,
        }
    }
}

fn name_of(key: &CompanyKey) -> String {
    match key {
        CompanyKey::CompanyId(id) => id.as_str().to_owned(),
        // No id, but what cannot be compared with one must not be taken for one.
        CompanyKey::Name(name) => format!("name {name}"),
    }
}

/// The names of the fields that are set.
fn names(fields: &impl Serialize) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (name, value) in as_attributes(fields).unwrap_or_default().iter() {
        match value.as_object() {
            Some(custom) if name == CUSTOM => names.extend(custom.keys().map(|name| format!("{CUSTOM}.{name}"))),
            _ => drop(names.insert(name.to_owned())),
        }
    }
    names
}

/// The same without the fields of these names.
fn without<F: Serialize + DeserializeOwned + Clone>(fields: &F, left_out: &BTreeSet<String>) -> F {
    let mut all = as_attributes(fields).unwrap_or_default();
    let custom = all.get(CUSTOM).and_then(|custom| custom.as_object()).cloned();
    for name in left_out {
        all.remove(name);
    }
    if let Some(mut custom) = custom {
        for name in left_out
            .iter()
            .filter_map(|name| name.strip_prefix(CUSTOM)?.strip_prefix('.'))
        {
            custom.remove(name);
        }
        all.insert(CUSTOM, intercom_api::Value::Object(custom));
    }
    let json = serde_json::to_vec(&all).unwrap_or_default();
    serde_json::from_slice(&json).unwrap_or_else(|_| fields.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use intercom_api::{CompanyFields, ContactFields};
    use rudderstack_to_intercom::{Person, SaveCompany, SaveContact};

    fn who(user_id: Option<&str>, email: Option<&str>) -> Identities {
        let mut identities = Identities::new();
        identities.user_id = user_id.map(str::to_owned);
        identities.email = email.map(str::to_owned);
        identities
    }

    fn save(user_id: &str, json: &str) -> Plan {
        let fields: ContactFields = serde_json::from_str(json).unwrap();
        Plan::SaveContact(SaveContact::new(Lookup::new(LookupField::EXTERNAL_ID, user_id), fields))
    }

    fn group(company: &str, json: &str, member: Option<&str>) -> Plan {
        let mut fields: CompanyFields = serde_json::from_str(json).unwrap();
        fields.company_id = Some(company.into());
        let mut plan = SaveCompany::new(fields);
        plan.member = member.map(|id| Lookup::new(LookupField::EXTERNAL_ID, id));
        Plan::SaveCompany(plan)
    }

    /// What is left of the older plan of `ann` after later ones.
    fn left(older: &Plan, later: &[(&Plan, Identities)]) -> (Supersession, Plan) {
        let mut subject = Subject::of(older, &who(Some("ann"), None));
        let mut superseded = Superseded::default();
        for (plan, identities) in later {
            superseded.add(&mut subject, plan, identities);
        }
        // As it is kept.
        let superseded: Superseded = serde_json::from_str(&serde_json::to_string(&superseded).unwrap()).unwrap();
        let mut plan = older.clone();
        (superseded.apply(&mut plan), plan)
    }

    fn update(plan: &Plan) -> String {
        match plan {
            Plan::SaveContact(plan) => serde_json::to_string(&plan.update).unwrap(),
            _ => String::new(),
        }
    }

    #[test]
    fn what_a_later_event_has_written_is_left_out() {
        let older = save(
            "ann",
            r#"{"name":"old","phone":"1","custom_attributes":{"plan":"free","seats":1}}"#,
        );
        let later = save("ann", r#"{"name":"new","custom_attributes":{"plan":"pro"}}"#);
        let (how, plan) = left(&older, &[(&later, who(Some("ann"), None))]);
        assert_eq!(how, Supersession::Partly);
        assert_eq!(update(&plan), r#"{"phone":"1","custom_attributes":{"seats":1}}"#);
        let others = save("bob", r#"{"name":"new"}"#);
        assert_eq!(left(&older, &[(&others, who(Some("bob"), None))]).0, Supersession::Not);
        assert_eq!(
            left(&older, &[(&older, who(Some("ann"), None))]).0,
            Supersession::Wholly
        );
    }

    #[test]
    fn a_deletion_and_what_comes_after_one_supersede_wholly() {
        let ann = || who(Some("ann"), None);
        let delete = Plan::DeleteContact(Lookup::new(LookupField::EXTERNAL_ID, "ann"));
        let others = save("bob", "{}");
        let save = save("ann", r#"{"external_id":"ann"}"#);
        assert_eq!(left(&save, &[(&delete, ann())]).0, Supersession::Wholly);
        assert_eq!(left(&delete, &[(&save, ann())]).0, Supersession::Wholly);
        assert_eq!(left(&delete, &[(&others, who(Some("bob"), None))]).0, Supersession::Not);
        let track = Plan::SubmitEvent(intercom_api::DataEvent::new("e"));
        assert_eq!(left(&track, &[(&delete, ann()), (&save, ann())]).0, Supersession::Not);
        assert_eq!(left(&delete, &[(&track, ann())]).0, Supersession::Wholly);
        assert_eq!(
            left(&track, &[(&save, ann()), (&delete, ann())]).0,
            Supersession::Wholly
        );
    }

    #[test]
    fn links_and_companies_keep_what_is_later() {
        let ann = || who(Some("ann"), None);
        let joins = group("acme", r#"{"name":"Old","industry":"Tea"}"#, Some("ann"));
        let mut leaves = SaveContact::new(Lookup::new(LookupField::EXTERNAL_ID, "ann"), ContactFields::new());
        leaves.detach = vec![CompanyKey::CompanyId("acme".into())];
        let leaves = Plan::SaveContact(leaves);
        let (how, plan) = left(&joins, &[(&leaves, ann())]);
        assert_eq!(how, Supersession::Partly);
        assert!(matches!(plan, Plan::SaveCompany(plan) if plan.member.is_none() && plan.company.name.is_some()));
        assert_eq!(left(&leaves, &[(&joins, ann())]).0, Supersession::Wholly);
        // Somebody else's group changes the company, and not who belongs to it.
        let others = group("acme", r#"{"name":"New"}"#, Some("bob"));
        let (how, plan) = left(&joins, &[(&others, who(Some("bob"), None))]);
        assert_eq!(how, Supersession::Partly);
        let Plan::SaveCompany(plan) = plan else { unreachable!() };
        assert!(plan.member.is_some() && plan.company.name.is_none() && plan.company.industry.is_some());
        assert_eq!(plan.company.company_id, Some("acme".into()));
    }

    #[test]
    fn people_are_told_apart_as_intercom_tells_them_apart() {
        let save = |id: Option<&str>, email: &str, shared_email| {
            let person = Person::new(id.map(Into::into), Some(email)).unwrap();
            let mut fields = ContactFields::new();
            fields.name = Some("x".to_owned());
            Plan::SaveContact(SaveContact::new(person.with_shared_email(shared_email).into(), fields))
        };
        for (shared_email, other, expected) in [
            (SharedEmail::Separate, Some("bob"), Supersession::Not),
            (SharedEmail::Separate, Some("ann"), Supersession::Wholly),
            (SharedEmail::Separate, None, Supersession::Wholly),
            (SharedEmail::Same, Some("bob"), Supersession::Wholly),
        ] {
            let older = save(Some("ann"), "a@x.y", shared_email);
            let later = save(other, "A@x.y", shared_email);
            assert_eq!(left(&older, &[(&later, who(other, None))]).0, expected, "{other:?}");
        }
    }

    #[test]
    fn who_has_moved_is_found_where_they_are() {
        let by_email = |email: &str, json: &str| {
            let fields: ContactFields = serde_json::from_str(json).unwrap();
            let mut plan = SaveContact::new(Lookup::new(LookupField::EMAIL, email), fields);
            plan.missing = Missing::Reject;
            Plan::SaveContact(plan)
        };
        let older = by_email("a@x.y", r#"{"email":"b@x.y","name":"old"}"#);
        let later = by_email("a@x.y", r#"{"email":"c@x.y"}"#);
        // The conversion takes what is written for an identity, too.
        let mut subject = Subject::of(&older, &who(None, Some("b@x.y")));
        let mut superseded = Superseded::default();
        superseded.add(&mut subject, &later, &who(None, Some("c@x.y")));
        superseded.add(&mut subject, &by_email("c@x.y", r#"{"phone":"2"}"#), &who(None, None));
        assert!(superseded.fields.contains("phone"), "they are known by their new email");
        let mut plan = older.clone();
        assert_eq!(superseded.apply(&mut plan), Supersession::Partly);
        assert_eq!(update(&plan), r#"{"name":"old"}"#);
        assert_eq!(plan.lookup().and_then(Lookup::email), Some("c@x.y"));
        // Whoever has the email that it would have got is somebody else.
        let mut others = Superseded::default();
        let mut subject = Subject::of(&older, &who(None, None));
        others.add(
            &mut subject,
            &by_email("b@x.y", r#"{"name":"bob"}"#),
            &who(None, Some("b@x.y")),
        );
        assert!(others.is_empty());
    }
}
