//! No walk makes more calls than it is said to, in whatever workspace.

use fastrand::Rng;
use intercom_api::{ApiError, Call, CompanyFields, DataAttributeModel, DataEvent, DataType};
use intercom_delivery::{
    ArchivedPolicy, AttributePolicy, Ending, EventEmail, Next, Policies, UnknownContactPolicy, Verdict, Walk,
};
use intercom_sandbox::{DuplicateEmail, Request, Sandbox, Settings, UnixMillis};
use rudderstack_to_intercom::{CompanyKey, Lookup, Missing, Person, Plan, SaveCompany, SaveContact};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

fn settings(random: &mut Rng) -> Settings {
    Settings::default()
        .with_any_attribute(false)
        .with_attribute(DataAttributeModel::Contact, "known", DataType::String)
        .with_search_lag(Duration::from_secs(random.choice([0, 60]).unwrap()))
        .with_duplicate_email(
            random
                .choice([DuplicateEmail::Conflict, DuplicateEmail::Allow])
                .unwrap(),
        )
}

fn policies(random: &mut Rng) -> Policies {
    let mut policies = Policies::default();
    let attributes = [AttributePolicy::Fail, AttributePolicy::Drop, AttributePolicy::Create];
    policies.attributes = random.choice(attributes).unwrap();
    policies.unknown_contact = random
        .choice([UnknownContactPolicy::Fail, UnknownContactPolicy::Create])
        .unwrap();
    policies.event_email = random.choice([EventEmail::Sent, EventEmail::LeftOut]).unwrap();
    // What is not restored ends sooner.
    policies.archived = if random.u8(..5) == 0 {
        ArchivedPolicy::Fail
    } else {
        ArchivedPolicy::Restore
    };
    policies
}

/// A workspace and its clock.
struct World {
    sandbox: Sandbox,
    now: UnixMillis,
    contacts: Vec<String>,
}

impl World {
    fn new(random: &mut Rng) -> Self {
        let mut world = Self {
            sandbox: Sandbox::new(settings(random)),
            now: UnixMillis::from_secs(1_700_000_000),
            contacts: Vec::new(),
        };
        for _ in 0..random.usize(..14) {
            world.change(random);
        }
        world
    }

    /// Somebody else does something.
    fn change(&mut self, random: &mut Rng) {
        self.now = self.now.after(Duration::from_secs(random.u64(..40)));
        let one = random.choice(&self.contacts).cloned();
        let another = random.choice(&self.contacts).cloned();
        let company = format!("k{}", random.u8(..2));
        let company = json!({"company_id": company, "name": format!("Name of {company}")});
        let (method, path, body) = match (random.u8(..9), one, another) {
            (0..=3, ..) | (_, None, _) | (_, _, None) => ("POST", "/contacts".to_owned(), contact(random)),
            (4, Some(one), _) => ("PUT", format!("/contacts/{one}"), contact(random)),
            (5, Some(one), _) => ("POST", format!("/contacts/{one}/archive"), Value::Null),
            (6, Some(from), Some(into)) => (
                "POST",
                "/contacts/merge".to_owned(),
                json!({"from": from, "into": into}),
            ),
            (7, Some(one), _) => ("DELETE", format!("/contacts/{one}"), Value::Null),
            _ => ("POST", "/companies".to_owned(), company),
        };
        let created = self.act(method, &path, &body);
        if let ("/contacts", Some(id)) = (&*path, created["id"].as_str()) {
            self.contacts.push(id.to_owned());
        }
    }

    /// What others do may be refused.
    fn act(&mut self, method: &str, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let response = self
            .sandbox
            .act(Request::new(method, path).body(body.as_bytes()), self.now);
        serde_json::from_slice(&response.body).unwrap_or_default()
    }

    /// Carries a plan out, and counts the calls.
    fn walk(&mut self, plan: Plan, policies: Policies) -> (Vec<Call>, Ending) {
        let mut walk = Walk::new(plan, policies);
        let mut calls = Vec::new();
        loop {
            let call = match walk.next(&mut ()) {
                Next::Call(call) | Next::LastWrite(call) => call,
                Next::Wait(never) => match never {},
                Next::End(ending) => return (calls, ending),
            };
            let response = self.sandbox.call(&call, self.now);
            calls.push(call);
            assert!(calls.len() < 100, "{calls:?}");
            let error = ApiError::parse(response.status, &response.body);
            let response = if response.status < 300 {
                Ok(&*response.body)
            } else {
                Err(&error)
            };
            match walk.handle_response(response, &mut ()) {
                Verdict::GoOn => {}
                Verdict::Retry(code) => panic!("{code}"),
                Verdict::End(ending) => return (calls, ending),
            }
        }
    }
}

fn user_id(random: &mut Rng) -> Option<String> {
    random.bool().then(|| format!("u{}", random.u8(..3)))
}

fn email(random: &mut Rng) -> Option<String> {
    random.bool().then(|| format!("m{}@example.org", random.u8(..3)))
}

/// What a contact may be given.
fn contact(random: &mut Rng) -> Value {
    let mut contact = Map::new();
    let mut set = |name: &str, value: Option<String>| {
        contact.extend(value.map(|value| (name.to_owned(), Value::String(value))));
    };
    set("external_id", user_id(random));
    set("email", email(random));
    set("phone", random.bool().then(|| format!("+44{}", random.u8(..2))));
    set("role", (random.u8(..4) == 0).then(|| "lead".to_owned()));
    contact.into()
}

fn lookup(random: &mut Rng) -> Lookup {
    let field = match random.u8(..8) {
        0 => ("phone", format!("+44{}", random.u8(..2))),
        1 => ("email", format!("m{}@example.org", random.u8(..3))),
        2 => ("external_id", format!("u{}", random.u8(..3))),
        _ => {
            let person = Person::new(user_id(random).map(Into::into), email(random).as_deref());
            return person.map_or_else(|| lookup(random), Into::into);
        }
    };
    Lookup::new(field.0.parse().unwrap(), field.1)
}

fn attributes(random: &mut Rng) -> Value {
    let names = ["known", "new", "newer", "newest"];
    let count = random.usize(..names.len());
    let names = random.choose_multiple(names, count);
    names
        .into_iter()
        .map(|name| (name.to_owned(), json!("x")))
        .collect::<Map<_, _>>()
        .into()
}

fn save_contact(random: &mut Rng) -> SaveContact {
    let fields = |random: &mut Rng| {
        let mut fields = contact(random);
        fields["custom_attributes"] = attributes(random);
        fields
    };
    let update = fields(random);
    let read = |fields: &Value| serde_json::from_value(fields.clone()).unwrap();
    let companies = (0..random.usize(..3)).map(|_| match random.bool() {
        true => CompanyKey::CompanyId(format!("k{}", random.u8(..2)).into()),
        false => CompanyKey::Name(format!("Name of k{}", random.u8(..2))),
    });
    let companies: Vec<CompanyKey> = companies.collect();
    let plan = SaveContact::new(lookup(random), read(&update)).with_detach(companies);
    match random.u8(..4) {
        0 => plan.with_missing(Missing::Reject),
        1 => {
            // With all that it would be updated with, and more.
            let mut create = fields(random);
            for (name, value) in update.as_object().unwrap() {
                match (&mut create[name], value) {
                    (Value::Object(more), Value::Object(some)) => more.extend(some.clone()),
                    (place, value) => *place = value.clone(),
                }
            }
            plan.with_missing(Missing::CreateWith(Box::new(read(&create))))
        }
        _ => plan,
    }
}

fn plan(random: &mut Rng) -> Plan {
    match random.u8(..10) {
        0..=4 => Plan::SaveContact(save_contact(random)),
        5 => Plan::DeleteContact(lookup(random)),
        6 | 7 => {
            let mut event = DataEvent::new("seen");
            event.user_id = user_id(random).map(Into::into);
            event.email = email(random);
            event.created_at = Some(intercom_api::UnixSeconds(1_700_000_000));
            Plan::SubmitEvent(event)
        }
        _ => {
            let company = format!("k{}", random.u8(..2));
            let fields = json!({"company_id": company, "name": company, "custom_attributes": attributes(random)});
            let company: CompanyFields = serde_json::from_value(fields).unwrap();
            let tags = (0..random.usize(..3)).map(|tag| format!("tag {tag}"));
            let plan = SaveCompany::new(company).with_tags(tags);
            Plan::SaveCompany(if random.bool() {
                plan.with_member(lookup(random))
            } else {
                plan
            })
        }
    }
}

/// The kinds of plans, and the most calls that plans of a kind have come to beyond those as planned.
#[derive(Default)]
struct Detours(BTreeMap<&'static str, usize>);

impl Detours {
    fn note(&mut self, plan: &Plan, calls: usize) {
        let kind = match plan {
            Plan::SaveContact(_) => "contact",
            Plan::DeleteContact(_) => "deletion",
            Plan::SubmitEvent(_) => "event",
            Plan::SaveCompany(_) => "company",
        };
        let most = self.0.entry(kind).or_default();
        *most = (*most).max(calls.saturating_sub(plan.calls().len()));
    }
}

#[test]
fn no_walk_makes_more_calls_than_the_most() {
    let mut detours = Detours::default();
    for seed in 0..800 {
        let random = &mut Rng::with_seed(seed);
        let mut world = World::new(random);
        for _ in 0..4 {
            let (plan, policies) = (plan(random), policies(random));
            let most = Walk::most_calls(&plan, policies);
            assert!(most >= plan.steps().count(), "{plan:?}");
            let (calls, ending) = world.walk(plan.clone(), policies);
            detours.note(&plan, calls.len());
            let paths = || {
                calls
                    .iter()
                    .map(|call| format!("{} {}", call.operation, call.path))
                    .collect::<Vec<_>>()
            };
            assert!(
                calls.len() <= most,
                "seed {seed}: {most} {ending:?} {policies:?} {plan:?} {:#?}",
                paths()
            );
            world.now = world.now.after(Duration::from_secs(random.u64(..40)));
        }
    }
    // There are workspaces that make them go a long way.
    assert!(
        detours.0["contact"] >= 5 && detours.0["event"] >= 4 && detours.0["company"] >= 4,
        "{:?}",
        detours.0
    );
}
