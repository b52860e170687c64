//! What a contact or a company has, by the names that requests give it.

use intercom_api::{Attributes, Company, CompanyFields, Contact, ContactFields, Number, Value};
use serde::Serialize;
use std::collections::BTreeMap;

/// Fields by name; custom attributes behind [`CUSTOM`]. What is not set is not there.
pub(crate) type Fields = BTreeMap<Box<str>, Value>;

/// What the name of a custom attribute begins with.
pub(super) const CUSTOM: &str = "custom_attributes.";
/// The member of a body that holds them.
const CUSTOM_MEMBER: &str = "custom_attributes";

/// The fields of a contact that can be written.
pub(super) fn of_contact(contact: &Contact) -> Fields {
    written(&ContactFields::from(contact.clone()))
}

/// The fields of a company that can be written.
pub(super) fn of_company(company: &Company) -> Fields {
    let mut fields = CompanyFields::new();
    fields.company_id.clone_from(&company.company_id);
    fields.name.clone_from(&company.name);
    fields.website.clone_from(&company.website);
    fields.plan = company.plan.as_ref().and_then(|plan| plan.name()).map(str::to_owned);
    fields.size = company.size;
    fields.industry.clone_from(&company.industry);
    fields.monthly_spend.clone_from(&company.monthly_spend);
    fields.remote_created_at = company.remote_created_at;
    fields.custom_attributes = company.custom_attributes.clone().unwrap_or_default();
    written(&fields)
}

fn written(fields: &impl Serialize) -> Fields {
    let mut read = Fields::new();
    // Every model of the API is an object.
    if let Ok(body) = serde_json::to_vec(fields)
        && let Ok(body) = serde_json::from_slice::<Attributes>(&body)
    {
        write(&mut read, &body);
    }
    read
}

/// Writes a body, as Intercom does: what it does not name stays, and `null` unsets.
pub(super) fn write(fields: &mut Fields, body: &Attributes) {
    for (name, value) in body.iter() {
        match value {
            Value::Object(attributes) if name == CUSTOM_MEMBER => {
                for (name, value) in attributes.iter() {
                    set(fields, format!("{CUSTOM}{name}"), value);
                }
            }
            value => set(fields, name.to_owned(), value),
        }
    }
}

fn set(fields: &mut Fields, name: String, value: &Value) {
    let is_no_email = name == "email" && value.as_str() == Some("");
    match value {
        _ if value.is_null() || is_no_email => drop(fields.remove(name.as_str())),
        // An id may be written either way.
        Value::Number(id) if matches!(&*name, "external_id" | "company_id") => {
            fields.insert(name.into(), id.as_str().into());
        }
        value => drop(fields.insert(name.into(), value.clone())),
    }
}

/// The fields as a response has them.
pub(super) fn to_body(fields: &Fields) -> Attributes {
    let (mut body, mut custom) = (Attributes::new(), Attributes::new());
    for (name, value) in fields {
        match name.strip_prefix(CUSTOM) {
            Some(name) => custom.push_new(name.to_owned(), value.clone()),
            None => body.push_new(name.to_string(), value.clone()),
        }
    }
    body.insert(CUSTOM_MEMBER, custom);
    body
}

/// Whether Intercom makes the same of both values of a field, as far as is known.
pub(super) fn is_same(name: &str, before: Option<&Value>, after: Option<&Value>) -> bool {
    let (before, after) = (before.filter(is_something), after.filter(is_something));
    let (Some(before), Some(after)) = (before, after) else {
        // One who has not unsubscribed is subscribed.
        let is_default = |value: &Value| name == "unsubscribed_from_emails" && value.as_bool() == Some(false);
        return before.or(after).is_none_or(is_default);
    };
    match (name, before, after) {
        _ if before == after => true,
        ("email", Value::String(before), Value::String(after)) => before.to_lowercase() == after.to_lowercase(),
        ("phone", Value::String(before), Value::String(after)) => dialled(before) == dialled(after),
        // Fractions are cut off.
        ("monthly_spend", Value::Number(before), Value::Number(after)) => {
            before.as_f64().trunc() == after.as_f64().trunc()
        }
        (_, Value::Number(before), Value::Number(after)) => is_same_number(before, after),
        ("owner_id", Value::Number(number), Value::String(text)) => number.as_str() == text,
        ("owner_id", Value::String(text), Value::Number(number)) => number.as_str() == text,
        (_, Value::Number(seconds), Value::String(text)) | (_, Value::String(text), Value::Number(seconds)) => {
            is_day(text, seconds)
        }
        _ => false,
    }
}

fn is_something(value: &&Value) -> bool {
    !value.is_null() && value.as_str() != Some("")
}

fn dialled(phone: &str) -> String {
    phone.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect()
}

fn is_same_number(before: &Number, after: &Number) -> bool {
    match (before.as_i64(), after.as_i64()) {
        (Some(before), Some(after)) => before == after,
        _ => before.as_f64() == after.as_f64(),
    }
}

/// Whether a day, which Intercom takes as `DD/MM/YYYY`, is the one of a moment.
fn is_day(text: &str, seconds: &Number) -> bool {
    let day = chrono::NaiveDate::parse_from_str(text, "%d/%m/%Y").ok();
    let moment = seconds
        .as_i64()
        .and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0));
    day.is_some() && day == moment.map(|moment| moment.date_naive())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(json: &str) -> Value {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn values_that_intercom_makes_the_same_of_are_the_same() {
        for (name, before, after, is_same) in [
            ("name", r#""Ann""#, r#""Ann""#, true),
            ("name", r#""Ann""#, r#""ann""#, false),
            ("email", r#""Ann@x.example""#, r#""ann@x.example""#, true),
            ("phone", r#""+1 (555) 01""#, r#""+155501""#, true),
            ("phone", r#""+155501""#, r#""+155502""#, false),
            ("owner_id", "12", r#""12""#, true),
            ("monthly_spend", "12", "12.75", true),
            ("custom_attributes.seats", "12", "12.0", true),
            ("custom_attributes.seats", "9007199254740993", "9007199254740992", false),
            ("custom_attributes.born_at", "951782400", r#""29/02/2000""#, true),
            ("custom_attributes.born_at", "951782399", r#""29/02/2000""#, false),
            ("custom_attributes.plan", r#""""#, "null", true),
            ("custom_attributes.vip", "false", "null", false),
            ("unsubscribed_from_emails", "false", "null", true),
            ("unsubscribed_from_emails", "true", "null", false),
        ] {
            let (before, after) = (value(before), value(after));
            assert_eq!(super::is_same(name, Some(&before), Some(&after)), is_same, "{name}");
            assert_eq!(super::is_same(name, Some(&after), Some(&before)), is_same, "{name}");
        }
    }

    #[test]
    fn what_a_body_does_not_name_stays() {
        let mut fields = Fields::new();
        let body = |json: &str| serde_json::from_str::<Attributes>(json).unwrap();
        write(
            &mut fields,
            &body(r#"{"name":"Ann","custom_attributes":{"plan":"pro","seats":3}}"#),
        );
        write(
            &mut fields,
            &body(r#"{"phone":"+1","custom_attributes":{"seats":null}}"#),
        );
        let shown = serde_json::to_string(&to_body(&fields)).unwrap();
        assert_eq!(
            shown,
            r#"{"name":"Ann","phone":"+1","custom_attributes":{"plan":"pro"}}"#
        );
    }
}
