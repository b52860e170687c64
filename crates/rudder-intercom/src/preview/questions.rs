//! What has to be known of the workspace to carry a plan out.

use fnv::FnvHasher;
use intercom_api::{ContactFields, ContactId, DataEvent, ExternalId, SearchValue};
use rudderstack_to_intercom::{CompanyKey, Lookup, Plan, SaveContact};
use std::hash::{Hash, Hasher as _};

/// Who has this value in this field? An email is in lower case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Question {
    pub(super) field: Box<str>,
    /// The value, as JSON text.
    value: Box<str>,
}

// The value is data of an event.
exact_json::debug_shows! { Question { field } }

pub(super) const EXTERNAL_ID: &str = "external_id";
pub(super) const EMAIL: &str = "email";
pub(super) const ID: &str = "id";

impl Question {
    pub(super) fn new(field: &str, value: &SearchValue) -> Self {
        let value = match value {
            SearchValue::Text(email) if field == EMAIL => SearchValue::Text(email.to_lowercase()),
            other => other.clone(),
        };
        Self {
            field: field.into(),
            // A value of a search can always be written.
            value: serde_json::to_string(&value).unwrap_or_default().into(),
        }
    }

    pub(super) fn text(field: &str, text: &str) -> Self {
        Self::new(field, &SearchValue::from(text))
    }

    /// The value.
    pub(super) fn value(&self) -> SearchValue {
        serde_json::from_str(&self.value).unwrap_or(SearchValue::Null)
    }

    /// Whether several of these can be asked at once.
    pub(super) fn goes_with_others(&self) -> bool {
        matches!(&*self.field, EXTERNAL_ID | EMAIL | ID)
    }
}

/// What an event about somebody or something is known by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Person(Question),
    Company(CompanyKey),
}

impl Key {
    /// What the event of a plan is known by: the keys of the person, and the company.
    pub(crate) fn of(plan: &Plan) -> (Vec<Self>, Option<Self>) {
        let Questions { person, companies } = Questions::of(plan);
        let company = match plan {
            Plan::SaveCompany(_) => companies.into_iter().next(),
            // A contact leaves these, which says nothing of them.
            Plan::SaveContact(_) | Plan::DeleteContact(_) | Plan::SubmitEvent(_) => None,
        };
        let people = person.into_iter().map(Self::Person);
        (people.collect(), company.map(Self::Company))
    }

    /// A short stand-in, the same in every run.
    pub(crate) fn hash(&self) -> u64 {
        let mut hasher = FnvHasher::default();
        Hash::hash(self, &mut hasher);
        // Of texts that are alike, they are to be nothing alike.
        let hash = hasher.finish();
        let hash = (hash ^ (hash >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        hash ^ (hash >> 32)
    }
}

/// What has to be known for a plan.
#[derive(Debug, Default)]
pub(super) struct Questions {
    /// About one person, the most certain first.
    pub(super) person: Vec<Question>,
    pub(super) companies: Vec<CompanyKey>,
}

impl Questions {
    pub(super) fn of(plan: &Plan) -> Self {
        let mut questions = Self::default();
        match plan {
            Plan::SaveContact(plan) => questions.save_contact(plan),
            Plan::DeleteContact(lookup) => questions.lookup(lookup),
            Plan::SubmitEvent(event) => questions.data_event(event),
            Plan::SaveCompany(plan) => {
                let id = plan.company.company_id.clone();
                questions.companies.extend(id.map(CompanyKey::CompanyId));
                if let Some(member) = &plan.member {
                    questions.lookup(member);
                }
            }
        }
        questions
    }

    fn save_contact(&mut self, plan: &SaveContact) {
        self.lookup(&plan.lookup);
        // Whoever has these already is in the way.
        self.fields(&plan.update);
        if let Some(fields) = plan.create() {
            self.fields(fields);
        }
        self.companies.extend_from_slice(&plan.detach);
    }

    fn fields(&mut self, fields: &ContactFields) {
        let id = fields.external_id.as_ref().map(ExternalId::as_str);
        let email = fields.email.as_deref();
        for (field, value) in [(EXTERNAL_ID, id), (EMAIL, email)] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                self.ask(Question::text(field, value));
            }
        }
    }

    fn data_event(&mut self, event: &DataEvent) {
        let id = event.id.as_ref().map(ContactId::as_str);
        let user_id = event.user_id.as_ref().map(ExternalId::as_str);
        let email = event.email.as_deref();
        for (field, value) in [(ID, id), (EXTERNAL_ID, user_id), (EMAIL, email)] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                self.ask(Question::text(field, value));
            }
        }
    }

    fn lookup(&mut self, lookup: &Lookup) {
        for part in lookup.fields() {
            self.ask(Question::new(&part.field.to_string(), &part.value));
        }
    }

    fn ask(&mut self, question: Question) {
        if !self.person.contains(&question) {
            self.person.push(question);
        }
    }
}
