//! The calls of a plan, as data and as text.

use crate::company_key::CompanyKey;
use crate::lookup::{Lookup, Person};
use crate::plan::{COMPANY_ID, CONTACT_ID, Missing, Plan, Step, When, WithRequest};
use exact_json::RawJson;
use intercom_api::{
    AttributeName, Attributes, Call, ContactFields, CreateContact, GroupOperator, Operation, OperationId,
    SearchContacts, SearchOperator, UpdateContact, Value,
};
use serde::de::Error as _;
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::ptr;
use std::sync::{LazyLock, OnceLock};

/// A call of a plan, before anything is known of the responses.
///
/// What only an earlier response tells stands as a placeholder in path or body: [`CONTACT_ID`] and [`COMPANY_ID`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PlannedCall {
    /// On what it depends.
    pub when: When,
    /// The call.
    pub call: Call,
}

/// `operation`, `when`, `method`, `path`, and `query` (an object) and `body` if there are any.
impl Serialize for PlannedCall {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Call {
            operation,
            path,
            query,
            body,
            ..
        } = &self.call;
        write_call(serializer, self.when, *operation, path, query, body.as_ref())
    }
}

impl<'de> Deserialize<'de> for PlannedCall {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Written {
            operation: OperationId,
            when: When,
            path: String,
            #[serde(default)]
            query: Attributes,
            #[serde(default, with = "exact_json::option")]
            body: Option<Box<RawValue>>,
        }
        let Written {
            operation,
            when,
            path,
            query,
            body,
        } = Written::deserialize(deserializer)?;
        let text = |(name, value): (AttributeName, Value)| match value {
            Value::String(text) => Ok((String::from(name).into(), text)),
            _ => Err(D::Error::custom("expected a text in the query")),
        };
        let mut call = Call::new(operation, path);
        call.query = query.into_iter().map(text).collect::<Result<_, _>>()?;
        call.body = body;
        Ok(Self { when, call })
    }
}

/// The one way in which a call is written for people.
fn write_call<S: Serializer>(
    serializer: S,
    when: When,
    operation: OperationId,
    path: &str,
    query: &[(Cow<'static, str>, String)],
    body: Option<impl Serialize>,
) -> Result<S::Ok, S::Error> {
    struct Query<'a>(&'a [(Cow<'static, str>, String)]);
    impl Serialize for Query<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
        }
    }
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("operation", &operation)?;
    map.serialize_entry("when", &when)?;
    map.serialize_entry("method", &operation.method())?;
    map.serialize_entry("path", path)?;
    if !query.is_empty() {
        map.serialize_entry("query", &Query(query))?;
    }
    if let Some(body) = body {
        map.serialize_entry("body", &body)?;
    }
    map.end()
}

/// A plan and its calls, only to be written. What is the body of a call may be part of the plan and of another call as well;
/// it is made into text once.
pub struct Written<'p> {
    plan: &'p Plan,
    /// The body that the plan is about, once it is made into text.
    body: OnceLock<Option<RawJson>>,
}

impl fmt::Debug for Written<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Written").field(self.plan).finish()
    }
}

impl<'p> Written<'p> {
    fn new(plan: &'p Plan) -> Self {
        Self {
            plan,
            body: OnceLock::new(),
        }
    }

    /// The body that the plan is about, as text.
    fn body(&self) -> Option<&RawJson> {
        let write = || {
            let body = match self.plan {
                Plan::SaveContact(plan) => serde_json::value::to_raw_value(&plan.update),
                Plan::SubmitEvent(event) => serde_json::value::to_raw_value(event),
                Plan::SaveCompany(plan) => serde_json::value::to_raw_value(&plan.company),
                Plan::DeleteContact(_) => return None,
            };
            body.ok().map(RawJson)
        };
        self.body.get_or_init(write).as_ref()
    }

    /// The plan, written as it would be itself.
    pub fn plan(&self) -> WrittenPlan<'_> {
        WrittenPlan(self)
    }

    /// The calls, written as [`Plan::calls`] would be, without being made first.
    pub fn calls(&self) -> WrittenCalls<'_> {
        WrittenCalls(self)
    }

    /// The body of a step as text, if it is the one that the plan is about, and text already or needed more than once.
    fn body_of(&self, step: Step<'_>) -> Option<&RawJson> {
        match (step, self.plan) {
            (Step::UpdateContact(fields) | Step::CreateContact(fields), Plan::SaveContact(plan)) => {
                self.body().filter(|_| ptr::eq(fields, &raw const plan.update))
            }
            (Step::SubmitEvent(_) | Step::UpsertCompany(_), _) => self.body.get()?.as_ref(),
            _ => None,
        }
    }
}

/// The plan of a [`Written`].
#[derive(Clone, Copy, Debug)]
pub struct WrittenPlan<'w>(&'w Written<'w>);

impl Serialize for WrittenPlan<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// As [`SaveContact`].
        #[derive(Serialize)]
        struct Contact<'p> {
            lookup: &'p Lookup,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            detach: &'p [CompanyKey],
            update: &'p RawJson,
            missing: &'p Missing,
        }
        /// As [`SaveCompany`].
        #[derive(Serialize)]
        struct Company<'p> {
            company: &'p RawJson,
            #[serde(skip_serializing_if = "Option::is_none")]
            member: Option<&'p Lookup>,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            tags: &'p [String],
        }
        /// As [`Plan`].
        #[derive(Serialize)]
        #[serde(rename_all = "snake_case")]
        enum Parts<'p> {
            SaveContact(Contact<'p>),
            SubmitEvent(&'p RawJson),
            SaveCompany(Company<'p>),
        }
        let plan = self.0.plan;
        let parts = match (plan, self.0.body()) {
            (Plan::SaveContact(plan), Some(update)) => Parts::SaveContact(Contact {
                lookup: &plan.lookup,
                detach: &plan.detach,
                update,
                missing: &plan.missing,
            }),
            (Plan::SubmitEvent(_), Some(event)) => Parts::SubmitEvent(event),
            (Plan::SaveCompany(plan), Some(company)) => Parts::SaveCompany(Company {
                company,
                member: plan.member.as_ref(),
                tags: &plan.tags,
            }),
            (Plan::DeleteContact(_), _) | (_, None) => return plan.serialize(serializer),
        };
        parts.serialize(serializer)
    }
}

/// The calls of a [`Written`].
#[derive(Clone, Copy, Debug)]
pub struct WrittenCalls<'w>(&'w Written<'w>);

impl Serialize for WrittenCalls<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = |(when, step)| WrittenCall {
            when,
            step,
            body: self.0.body_of(step),
        };
        serializer.collect_seq(self.0.plan.steps().map(written))
    }
}

struct WrittenCall<'w> {
    when: When,
    step: Step<'w>,
    body: Option<&'w RawJson>,
}

impl Serialize for WrittenCall<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { when, step, body } = *self;
        match (step, body) {
            // Most calls are of these, which need no request to be made.
            (Step::FindContact(Lookup::Person(person)), _) => {
                let search = Search { query: Query(person) };
                write_call(
                    serializer,
                    when,
                    SearchContacts::ID,
                    SearchContacts::ID.template(),
                    &[],
                    Some(search),
                )
            }
            (Step::UpdateContact(_), Some(body)) => {
                write_call(serializer, when, UpdateContact::ID, &UPDATE_PATH, &[], Some(body))
            }
            (Step::CreateContact(_), Some(body)) => {
                let path = CreateContact::ID.template();
                write_call(serializer, when, CreateContact::ID, path, &[], Some(body))
            }
            _ => step.with_request(None, None, Write { when, body, serializer }),
        }
    }
}

/// The path of an update of a contact whose id is not known yet.
static UPDATE_PATH: LazyLock<String> = LazyLock::new(|| {
    let call = Step::UpdateContact(&ContactFields::new()).to_call(None, None);
    readable(call.path.into()).into_owned()
});

/// What [`Lookup::search`] makes of a person, only to be written.
#[derive(Serialize)]
struct Search<'p> {
    query: Query<'p>,
}

struct Query<'p>(&'p Person);

impl Serialize for Query<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Filter<'p> {
            field: &'static str,
            operator: SearchOperator,
            value: &'p str,
        }
        struct Filters<'p>(&'p Person);
        impl Serialize for Filters<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let filters = self.0.searched().into_iter().map(|(field, value)| Filter {
                    field: field.into(),
                    operator: SearchOperator::Equals,
                    value,
                });
                serializer.collect_seq(filters)
            }
        }
        let operator = match self.0.searched().into_iter().count() {
            1 => GroupOperator::And,
            _ => GroupOperator::Or,
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("operator", &operator)?;
        map.serialize_entry("value", &Filters(self.0))?;
        map.end()
    }
}

/// Writes the call of a request.
struct Write<'w, S> {
    when: When,
    /// The body, if it is text already.
    body: Option<&'w RawJson>,
    serializer: S,
}

impl<S: Serializer> WithRequest for Write<'_, S> {
    type Output = Result<S::Ok, S::Error>;

    fn with<O: Operation>(self, request: &O, body: Option<O::Body<'_>>) -> Self::Output {
        let path = readable(request.path());
        let query = request.query();
        match self.body {
            Some(text) => write_call(self.serializer, self.when, O::ID, &path, &query, Some(text)),
            None => write_call(self.serializer, self.when, O::ID, &path, &query, body),
        }
    }
}

/// A path for readers: the braces of a placeholder are encoded like any other text, but need not be for them.
fn readable(path: Cow<'_, str>) -> Cow<'_, str> {
    const ENCODED: [(&str, &str); 2] = [("%7Bcontact.id%7D", CONTACT_ID), ("%7Bcompany.id%7D", COMPANY_ID)];
    let mut rest = path.as_ref();
    let mut shown = String::new();
    while let Some(at) = rest.find('%') {
        let placeholder = |(encoded, id)| Some((rest[at..].strip_prefix(encoded)?, id));
        let (after, id) = ENCODED
            .into_iter()
            .find_map(placeholder)
            .unwrap_or((&rest[at + 1..], "%"));
        shown.push_str(&rest[..at]);
        shown.push_str(id);
        rest = after;
    }
    if shown.is_empty() {
        return path;
    }
    shown.push_str(rest);
    shown.into()
}

impl Plan {
    /// The calls that carry the plan out from nothing, in order, each once, as if none failed.
    pub fn calls(&self) -> Vec<PlannedCall> {
        let planned = |(when, step): (When, Step<'_>)| {
            let mut call = step.to_call(None, None);
            call.path = readable(call.path.into()).into_owned();
            PlannedCall { when, call }
        };
        self.steps().map(planned).collect()
    }

    /// The plan and its calls, only to be written.
    pub fn written(&self) -> Written<'_> {
        Written::new(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lookup::LookupField;
    use crate::plan::{SaveCompany, SaveContact};
    use intercom_api::{CompanyFields, ContactFields, DataEvent};

    fn text(value: &impl Serialize) -> String {
        serde_json::to_string(value).unwrap()
    }

    #[test]
    fn what_is_written_is_the_plan_and_its_calls() {
        let lookup = Lookup::new(LookupField::EMAIL, "ann@example.com");
        let contact = ContactFields::new()
            .with_name("Ann \"A\" Lee")
            .with_custom_attributes([("seats", 12)]);
        let save = SaveContact::new(lookup.clone(), contact.clone());
        let detach = save.clone().with_detach([CompanyKey::Name("Fern".to_owned())]);
        let company = SaveCompany::new(CompanyFields::new().with_name("Fern"));
        let person = |id: Option<&str>, email| Lookup::Person(Person::new(id.map(Into::into), email).unwrap());
        for plan in [
            Plan::SaveContact(save.clone()),
            Plan::DeleteContact(person(Some("u 1"), Some("ann@example.com"))),
            Plan::DeleteContact(person(Some("u 1"), None)),
            Plan::DeleteContact(person(None, Some("ann@example.com"))),
            Plan::SaveContact(detach),
            Plan::SaveContact(save.clone().with_missing(Missing::Reject)),
            Plan::SaveContact(save.with_missing(Missing::CreateWith(Box::new(contact.with_phone("1"))))),
            Plan::DeleteContact(lookup.clone()),
            Plan::SubmitEvent(DataEvent::new("Opened").with_metadata([("total", 1.5)])),
            Plan::SaveCompany(company.clone()),
            Plan::SaveCompany(company.with_member(lookup).with_tags(["retail"])),
        ] {
            let written = plan.written();
            assert_eq!(text(&written.plan()), text(&plan));
            assert_eq!(text(&written.calls()), text(&plan.calls()));
            assert!(!format!("{written:?}").contains("Lee"));
        }
    }
}
