//! Random workspaces, random events for them, and what has changed between two states of a sandbox, found without the
//! program.
#![allow(dead_code, reason = "each test binary uses some of it")]

use super::Served;
use fastrand::Rng;
use intercom_api::{
    AttachCompany, CompanyFields, ContactFields, ContactId, CreateContact, DataAttributeModel, DataType, Role,
    TagCompanies, UpsertCompany,
};
use intercom_sandbox::{DuplicateEmail, Settings};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const PEOPLE: usize = 7;
const COMPANIES: usize = 4;

/// A sandbox that is as strict as Intercom, but for the lag of its search.
pub(crate) fn settings(random: &mut Rng) -> Settings {
    let of = |model: DataAttributeModel, name: &str, data_type| (model, name.to_owned(), data_type);
    let mut settings = Settings::strict().with_max_search_values(random.bool().then_some(1));
    settings.search_lag = Duration::ZERO;
    settings.rate_limit = None;
    settings.attributes = vec![
        of(DataAttributeModel::Contact, "plan", DataType::String),
        of(DataAttributeModel::Contact, "seats", DataType::Integer),
        of(DataAttributeModel::Contact, "score", DataType::Float),
        of(DataAttributeModel::Contact, "vip", DataType::Boolean),
        of(DataAttributeModel::Contact, "renewed_at", DataType::Date),
        of(DataAttributeModel::Company, "tier", DataType::String),
    ];
    settings
}

/// What is in the workspace already, put there by somebody else.
pub(crate) fn populate(random: &mut Rng, sandbox: &Served, shares_emails: bool) {
    // Only where two users have one email is it known that they can.
    for number in 0..if shares_emails { 2 } else { 0 } {
        let mut fields = ContactFields::new();
        fields.external_id = Some(format!("sharing-{number}").into());
        fields.email = Some("shared@example.org".to_owned());
        sandbox.call(&CreateContact::new(fields));
    }
    let mut companies = Vec::new();
    for number in 0..random.usize(..=COMPANIES) {
        let mut fields = CompanyFields::new();
        fields.company_id = Some(format!("co-{number}").into());
        fields.name = random.bool().then(|| format!("Company {number}"));
        fields.industry = random.bool().then(|| "Tea".to_owned());
        let company = sandbox.call(&UpsertCompany::new(fields)).id;
        if random.bool() {
            sandbox.call(&TagCompanies::new("tall", [company.clone().into()]));
        }
        companies.push(company);
    }
    let has_many = random.u8(..4) == 0;
    for number in 0..if has_many { 12 } else { 0 } {
        let mut fields = CompanyFields::new();
        fields.company_id = Some(format!("other-{number}").into());
        companies.push(sandbox.call(&UpsertCompany::new(fields)).id);
    }
    for person in 0..PEOPLE {
        if random.u8(..3) == 0 {
            continue;
        }
        let mut fields = ContactFields::new();
        let is_lead = random.u8(..5) == 0;
        fields.role = Some(if is_lead { Role::Lead } else { Role::User });
        if !is_lead && random.u8(..4) > 0 {
            fields.external_id = Some(format!("u-{person}").into());
        }
        fields.email = (fields.external_id.is_none() || random.bool()).then(|| format!("p-{person}@example.org"));
        if random.u8(..8) == 0 {
            // It is somebody else's, whom no event is about: if it were one who gives it up, it would be that of whoever is faster.
            fields.external_id = Some(format!("holder-{person}").into());
            fields.email = Some(format!("p-{person}@example.org"));
        }
        fields.name = random.bool().then(|| "Before".to_owned());
        fields.phone = random.bool().then(|| "+15550000".to_owned());
        if random.bool() {
            fields = fields.with_custom_attributes([("plan", "free")]);
        }
        let call = intercom_api::Operation::to_call(&CreateContact::new(fields)).unwrap();
        let Some(contact) = sandbox.try_call(&call) else {
            continue;
        };
        for company in &companies {
            if has_many || random.u8(..3) == 0 {
                let contact: ContactId = contact["id"].as_str().unwrap().parse().unwrap();
                sandbox.call(&AttachCompany::new(contact, company.clone()));
            }
        }
    }
}

fn traits(random: &mut Rng) -> Map<String, Value> {
    let mut traits = Map::new();
    let mut add = |random: &mut Rng, name: &str, value: Value| {
        if random.u8(..3) == 0 {
            traits.insert(name.to_owned(), value);
        }
    };
    let name = format!("Name {}", random.u8(..3));
    add(random, "name", json!(name));
    add(random, "phone", json!("+1 555 0000"));
    let owner = random.u8(1..3);
    add(random, "ownerId", json!(owner));
    add(random, "createdAt", json!("2024-02-03T10:00:00Z"));
    let unsubscribed = random.bool();
    add(random, "unsubscribedFromEmails", json!(unsubscribed));
    add(random, "avatar", json!("https://img.example/a.png"));
    let plan = if random.bool() { json!("pro") } else { Value::Null };
    add(random, "plan", plan);
    let seats = random.u8(..3);
    add(random, "seats", json!(seats.to_string()));
    add(random, "score", json!(f64::from(seats) / 2.0));
    add(random, "vip", json!(true));
    add(random, "renewed_at", json!("2026-05-01T10:00:00Z"));
    if random.u8(..12) == 0 {
        traits.insert("unknown".to_owned(), json!("x"));
    }
    traits
}

fn event(random: &mut Rng, number: usize, kind: Kind) -> Value {
    let person = random.usize(..PEOPLE);
    let user = format!("u-{person}");
    let mail = match random.u8(..8) {
        0 if kind.shares_emails => "shared@example.org".to_owned(),
        _ => format!("p-{person}@example.org"),
    };
    let company = format!("co-{}", random.usize(..COMPANIES));
    let kinds = if kind.is_repeatable { 14 } else { 18 };
    match random.u8(..kinds) {
        0..=5 => {
            let mut traits = traits(random);
            if random.u8(..4) > 0 {
                traits.insert("email".to_owned(), mail.into());
            }
            if random.u8(..5) == 0 {
                traits.insert("company".to_owned(), json!({"id": company, "remove": true}));
            }
            json!({"type": "identify", "userId": user, "traits": traits})
        }
        6..=10 => {
            let mut traits = Map::new();
            if random.bool() {
                traits.insert("name".to_owned(), json!(format!("Company {}", random.u8(..3))));
            }
            if random.u8(..3) == 0 {
                traits.insert("tags".to_owned(), json!(["tall", "round"]));
            }
            if random.u8(..3) == 0 {
                traits.insert("tier".to_owned(), json!("gold"));
            }
            if random.u8(..3) == 0 {
                traits.insert("monthlySpend".to_owned(), json!(12.5));
                traits.insert("plan".to_owned(), json!("big"));
            }
            json!({"type": "group", "userId": user, "groupId": company, "traits": traits})
        }
        11..=13 => json!({
            "type": "track", "userId": user, "event": format!("Event {}", random.u8(..5)), "messageId": format!("m-{number}"),
            "timestamp": format!("2026-01-05T10:{:02}:00Z", number % 60),
        }),
        // Not of those who share an email: one who becomes a lead hides that users can.
        14 => {
            let role = if random.bool() { "lead" } else { "user" };
            let mail = format!("p-{person}@example.org");
            json!({"type": "identify", "traits": {"email": mail, "role": role}})
        }
        15 => json!({
            "type": "record", "action": "insert", "identifiers": {"external_id": user, "email": mail},
            "fields": {"name": "Inserted", "custom_attributes": {"seats": 4}},
        }),
        16 => json!({
            "type": "record", "action": "update", "identifiers": {"external_id": user},
            "fields": {"email": format!("p-{person}.{}@example.org", random.u8(..2))},
        }),
        _ => json!({"type": "record", "action": "delete", "identifiers": {"external_id": user}}),
    }
}

/// What events there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// Whether they change nothing when they are sent again: nobody is deleted or called by another email, and nothing is
    /// left out because it comes too early.
    pub(crate) is_repeatable: bool,
    /// Whether several people have one email. Where only one can, it is that of whoever is faster.
    pub(crate) shares_emails: bool,
}

/// Random events, one a line, and the flags that they are sent with.
pub(crate) fn events(random: &mut Rng, kind: Kind) -> (String, Vec<&'static str>) {
    let count = random.usize(5..30);
    let mut events = Vec::new();
    if kind.shares_emails {
        // So that it is seen that users share an email.
        let traits = json!({"email": "shared@example.org"});
        events.push(json!({"type": "identify", "userId": "sharing-0", "traits": traits}).to_string());
    }
    let random_ones: Vec<Value> = (0..count).map(|number| event(random, number, kind)).collect();
    // Who is deleted, or given another email, by the user id alone has an email that only the workspace knows. Nothing
    // orders that and an event by this email alone, so that either can come first.
    let is_moved = |email: &str| {
        let mut records = random_ones
            .iter()
            .filter(|event| matches!(event["action"].as_str(), Some("update" | "delete")));
        records.any(|record| {
            let id = record["identifiers"]["external_id"].as_str().unwrap();
            email == format!("{}@example.org", id.replacen('u', "p", 1))
        })
    };
    let is_ordered = |event: &&Value| {
        event["type"] != "identify"
            || event["userId"].is_string()
            || !is_moved(event["traits"]["email"].as_str().unwrap())
    };
    events.extend(random_ones.iter().filter(is_ordered).map(Value::to_string));
    let mut flags = Vec::new();
    match random.u8(..4) {
        0 => flags.extend(["--attributes", "create"]),
        1 => flags.extend(["--attributes", "drop"]),
        _ => {}
    }
    if random.u8(..4) == 0 {
        flags.extend(["--on-unknown-contact", "create"]);
    }
    if !kind.is_repeatable && random.u8(..4) == 0 {
        flags.push("--no-wait-for-contact");
    }
    if random.u8(..6) == 0 {
        flags.extend(["--shared-email", "same"]);
    }
    (events.join("\n"), flags)
}

/// Several users can have one email, or not.
pub(crate) fn with_shared_emails(mut settings: Settings) -> Settings {
    settings.duplicate_email = DuplicateEmail::Allow;
    settings
}

/// A contact or a company: its fields, and in the case of a contact the caller's ids of its companies, of a company its
/// tags.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Thing {
    pub(crate) fields: BTreeMap<String, Value>,
    pub(crate) with: BTreeSet<String>,
}

/// What is in a sandbox, by Intercom's ids.
pub(crate) fn things(state: &Value, what: &str) -> BTreeMap<String, Thing> {
    let all = state[what].as_array().unwrap().iter();
    let active = all.filter(|thing| thing["archived"] != json!(true));
    active
        .map(|thing| (thing["id"].as_str().unwrap().to_owned(), self::thing(thing, what)))
        .collect()
}

fn thing(thing: &Value, what: &str) -> Thing {
    const CONTACT: &[&str] = &[
        "external_id",
        "role",
        "email",
        "phone",
        "name",
        "avatar",
        "owner_id",
        "signed_up_at",
        "last_seen_at",
        "unsubscribed_from_emails",
    ];
    const COMPANY: &[&str] = &[
        "company_id",
        "name",
        "plan",
        "size",
        "website",
        "industry",
        "monthly_spend",
        "remote_created_at",
    ];
    let names = if what == "contacts" { CONTACT } else { COMPANY };
    let mut fields = BTreeMap::new();
    for name in names {
        let value = match (*name, &thing[*name]) {
            ("avatar", avatar) => avatar["image_url"].clone(),
            ("plan", plan) => plan["name"].clone(),
            ("email", Value::String(email)) => json!(email.to_lowercase()),
            ("phone", Value::String(phone)) => json!(phone.replace(' ', "")),
            ("unsubscribed_from_emails", Value::Bool(false)) => Value::Null,
            // Which are not told apart from none.
            ("monthly_spend", spend) if *spend == json!(0) => Value::Null,
            (_, value) => value.clone(),
        };
        if !value.is_null() {
            fields.insert((*name).to_owned(), value);
        }
    }
    for (name, value) in thing["custom_attributes"].as_object().unwrap() {
        fields.insert(format!("custom_attributes.{name}"), value.clone());
    }
    let with = match what {
        "contacts" => thing["companies"]["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|company| &company["company_id"]),
        _ => {
            return Thing {
                fields,
                with: tags(thing),
            };
        }
    };
    Thing {
        fields,
        with: with.map(|id| id.as_str().unwrap().to_owned()).collect(),
    }
}

fn tags(company: &Value) -> BTreeSet<String> {
    let tags = company["tags"]["tags"].as_array().unwrap();
    tags.iter()
        .map(|tag| tag["name"].as_str().unwrap().to_owned())
        .collect()
}
