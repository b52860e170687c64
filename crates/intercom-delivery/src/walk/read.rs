//! A contact that was read, compared with what is asked for: a search may be out of date, a contact that is read is not.

use super::attribute::CUSTOM;
use intercom_api::{Attributes, Contact, ContactFields, ExternalId, SearchValue, Value};
use rudderstack_to_intercom::{ContactField, FieldLookup, Lookup, LookupField, SaveContact};
use serde::Serialize;

/// What a contact has. No `Debug`: it is personal.
pub(crate) struct ReadContact(Attributes);

impl ReadContact {
    /// Reads a response; none, if it is not a contact's.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let contact: Attributes = serde_json::from_slice(body).ok()?;
        contact.get("id")?.as_str()?;
        Some(Self(contact))
    }

    /// A contact that a search shows.
    pub(crate) fn shown(contact: &Contact) -> Option<Self> {
        Self::parse(&serde_json::to_vec(contact).ok()?)
    }

    /// Whether it would be the same after a write of these fields, as far as it shows them.
    pub(crate) fn is_kept_by(&self, body: &[u8]) -> bool {
        let Ok(fields) = serde_json::from_slice::<Attributes>(body) else {
            return false;
        };
        let has_email = |email: &Value| value_in(&self.0, &LookupField::EMAIL) == Some(email);
        // Emails are the same in any case, but are kept as they are written.
        fields.get("email").is_none_or(has_email) && self.has(&fields)
    }

    /// Whether an up-to-date search would find it.
    pub(super) fn is_found_by(&self, lookup: &Lookup) -> bool {
        let has = |lookup: &FieldLookup| is_same(&lookup.field, value_in(&self.0, &lookup.field), &lookup.value);
        let fields = lookup.fields();
        let [by_id, by_email] = fields.as_slice() else {
            return fields.iter().all(has);
        };
        // Who has another external id is somebody else, whatever the email.
        has(by_id) || value_in(&self.0, &by_id.field).is_none() && has(by_email)
    }

    /// Whether it has all of these already.
    pub(super) fn has_all(&self, fields: &ContactFields) -> bool {
        as_attributes(fields).is_some_and(|fields| self.has(&fields))
    }

    fn has(&self, fields: &Attributes) -> bool {
        fields.iter().all(|(name, value)| match (name, value) {
            (CUSTOM, Value::Object(custom)) => custom.iter().all(|(name, value)| {
                let field = LookupField::CustomAttribute(name.to_owned());
                is_same_value(&field, value_in(&self.0, &field), value)
            }),
            (name, value) => match name.parse() {
                Ok(field) => is_same_value(&field, value_in(&self.0, &field), value),
                // A field that cannot be searched by, and cannot be compared for certain.
                Err(_) => false,
            },
        })
    }
}

/// What the lookup's field is changed to by a write of these fields, if it is: the same lookup does not lead to the
/// contact afterwards.
///
/// Of a person, the external id leads to the contact, whatever the email.
pub(crate) fn moves_to(lookup: &Lookup, fields: &ContactFields) -> Option<SearchValue> {
    let lookup = lookup.fields().into_iter().next()?;
    let value = match &lookup.field {
        &LookupField::EMAIL => fields.email.as_deref().map(SearchValue::from),
        &LookupField::EXTERNAL_ID => fields
            .external_id
            .as_ref()
            .map(ExternalId::as_str)
            .map(SearchValue::from),
        LookupField::CustomAttribute(name) => fields.custom_attributes.get(name).and_then(search_value),
        field @ LookupField::Standard(_) => as_attributes(fields)?.get(&field.to_string()).and_then(search_value),
    };
    let is_kept = |value: &SearchValue| match (value, &lookup.value) {
        (SearchValue::Text(a), SearchValue::Text(b)) if lookup.field == LookupField::EMAIL => {
            a.to_lowercase() == b.to_lowercase()
        }
        (a, b) => a == b,
    };
    value.filter(|value| !is_kept(value))
}

/// What the contact is found by once the plan is carried out, if that is something else than before.
pub(super) fn moved_lookup(plan: &SaveContact) -> Option<Lookup> {
    let to = moves_to(&plan.lookup, &plan.update).filter(|to| *to != SearchValue::Null)?;
    let field = plan.lookup.fields().into_iter().next()?.field;
    // What leaves a company besides cannot be told from the contact alone.
    let is_told = plan.detach.is_empty();
    let to = match to {
        SearchValue::Text(text) if field == LookupField::EMAIL => text.to_lowercase().into(),
        to => to,
    };
    is_told.then(|| Lookup::new(field, to))
}

/// Whether several contacts can have the value. What is remembered of such a lookup is one of them at best.
pub(super) fn may_be_shared(lookup: &Lookup) -> bool {
    let first = lookup.fields().into_iter().next();
    !first.is_some_and(|first| {
        matches!(
            first.field,
            LookupField::Standard(ContactField::Id | ContactField::ExternalId)
        )
    })
}

/// The fields of a body by their names.
pub(crate) fn as_attributes(fields: &impl Serialize) -> Option<Attributes> {
    serde_json::from_slice(&serde_json::to_vec(fields).ok()?).ok()
}

/// The value that a field has; none if it is unset.
fn value_in<'c>(contact: &'c Attributes, field: &LookupField) -> Option<&'c Value> {
    let value = match field {
        LookupField::CustomAttribute(name) => contact.get(CUSTOM)?.as_object()?.get(name),
        LookupField::Standard(field) => {
            let name: &str = field.into();
            let mut parts = name.split('.');
            let first = contact.get(parts.next()?)?;
            parts.try_fold(first, |value, part| value.as_object()?.get(part))
        }
    };
    value.filter(|value| **value != Value::Null)
}

fn search_value(value: &Value) -> Option<SearchValue> {
    Some(match value {
        Value::Null => SearchValue::Null,
        Value::Bool(value) => SearchValue::Bool(*value),
        Value::Number(value) => SearchValue::Number(value.clone()),
        Value::String(value) => SearchValue::Text(value.clone()),
        Value::Array(_) | Value::Object(_) => return None,
    })
}

/// Whether a field has what it is to have. An image is a text in what is sent, and an object in what is read.
fn is_same_value(field: &LookupField, value: Option<&Value>, wanted: &Value) -> bool {
    let value = match value {
        Some(Value::Object(image)) => image.get("image_url"),
        value => value,
    };
    search_value(wanted).is_some_and(|wanted| is_same(field, value, &wanted))
}

fn is_same(field: &LookupField, value: Option<&Value>, wanted: &SearchValue) -> bool {
    match (wanted, value) {
        (SearchValue::Null, value) => value.is_none(),
        (SearchValue::Text(wanted), Some(Value::String(value))) if *field == LookupField::EMAIL => {
            wanted.to_lowercase() == value.to_lowercase()
        }
        (SearchValue::Text(wanted), Some(Value::String(value))) => wanted.as_str() == &**value,
        (SearchValue::Bool(wanted), Some(Value::Bool(value))) => wanted == value,
        (SearchValue::Number(wanted), Some(Value::Number(value))) => {
            wanted == value || wanted.as_f64().total_cmp(&value.as_f64()).is_eq()
        }
        // Ids of teammates are texts in some versions of the API, and numbers in others.
        (SearchValue::Number(number), Some(Value::String(text))) => number.as_str() == &**text,
        (SearchValue::Text(text), Some(Value::Number(number))) => number.as_str() == text.as_str(),
        // A list is no value, and another type is another value.
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read() -> ReadContact {
        let body = r#"{"id":"c1","external_id":"u1","email":"Ann@x.y","owner_id":"7","phone":null,
            "avatar":{"type":"avatar","image_url":"https://x.y/a.png"},"location":{"country":"Norway"},
            "custom_attributes":{"seats":5.0,"plan":"pro","old":null}}"#;
        ReadContact::parse(body.as_bytes()).unwrap()
    }

    fn has(fields: &str) -> bool {
        read().has_all(&serde_json::from_str(fields).unwrap())
    }

    #[test]
    fn what_is_read_is_compared_with_the_lookup() {
        let finds = |field: &str, value: SearchValue| read().is_found_by(&Lookup::new(field.parse().unwrap(), value));
        assert!(finds("email", "ann@X.y".into()) && finds("external_id", "u1".into()) && finds("id", "c1".into()));
        assert!(finds("location.country", "Norway".into()) && finds("custom_attributes.seats", 5.into()));
        assert!(finds("owner_id", 7.into()));
        assert!(!finds("email", "bob@x.y".into()) && !finds("external_id", "U1".into()));
        assert!(!finds("phone", "1".into()) && !finds("custom_attributes.old", "1".into()));
        assert!(ReadContact::parse(b"{}").is_none() && ReadContact::parse(b"<html>").is_none());
    }

    #[test]
    fn what_is_read_is_compared_with_what_is_to_be_written() {
        assert!(has(r#"{"email":"ann@x.y","owner_id":7,"avatar":"https://x.y/a.png"}"#));
        assert!(has(
            r#"{"custom_attributes":{"seats":5,"plan":"pro","old":null,"never":null}}"#
        ));
        assert!(!has(r#"{"email":"bob@x.y"}"#));
        assert!(!has(r#"{"name":"Ann"}"#));
        assert!(!has(r#"{"custom_attributes":{"plan":"free"}}"#));
        assert!(!has(r#"{"custom_attributes":{"plan":null}}"#));
    }

    #[test]
    fn a_move_is_a_change_of_what_is_looked_up() {
        let moves = |field: &str, value: &str, fields: &str| {
            let lookup = Lookup::new(field.parse().unwrap(), value);
            moves_to(&lookup, &serde_json::from_str(fields).unwrap())
        };
        assert_eq!(moves("email", "a@x.y", r#"{"email":"A@x.y","name":"n"}"#), None);
        assert_eq!(moves("email", "a@x.y", r#"{"external_id":"u1"}"#), None);
        assert_eq!(moves("email", "a@x.y", r#"{"email":"b@x.y"}"#), Some("b@x.y".into()));
        assert_eq!(moves("external_id", "u1", r#"{"external_id":"u2"}"#), Some("u2".into()));
        assert_eq!(moves("phone", "1", r#"{"phone":"2"}"#), Some("2".into()));
        let custom = r#"{"custom_attributes":{"crm":"b"}}"#;
        assert_eq!(moves("custom_attributes.crm", "a", custom), Some("b".into()));
        assert_eq!(moves("custom_attributes.crm", "b", custom), None);
    }
}
