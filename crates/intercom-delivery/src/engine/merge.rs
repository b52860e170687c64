//! Which consecutive events can be delivered by one update.

use super::queue::Entry;
use intercom_api::{SearchValue, Value};
use rudderstack_to_intercom::{Lookup, LookupField, Missing, Plan, SaveContact};

/// Whether delivering `next` right after `last` is the same as delivering their fields in one update.
///
/// Both must find the same contact, and neither may do anything but update it.
pub(super) fn can_merge(last: &Entry, next: &Entry) -> bool {
    let (Plan::SaveContact(a), Plan::SaveContact(b)) = (&*last.plan, &*next.plan) else {
        return false;
    };
    !next.alone
        && last.terms == next.terms
        && a.lookup == b.lookup
        && a.detach.is_empty()
        && b.detach.is_empty()
        && a.update.external_id == b.update.external_id
        && a.update.email == b.update.email
        && std::mem::discriminant(&a.missing) == std::mem::discriminant(&b.missing)
        && keeps_lookup(a)
}

/// Whether the contact is still found by the same lookup after the update.
fn keeps_lookup(plan: &SaveContact) -> bool {
    let created = match &plan.missing {
        Missing::CreateWith(create) => Some(create.as_ref()),
        Missing::Create | Missing::Reject => None,
    };
    [Some(&plan.update), created].into_iter().flatten().all(|fields| {
        let Ok(text) = serde_json::to_string(fields) else {
            return false;
        };
        let Ok(Value::Object(body)) = serde_json::from_str(&text) else {
            return false;
        };
        let written = match &plan.lookup.field {
            LookupField::CustomAttribute(name) => match body.get("custom_attributes") {
                Some(Value::Object(custom)) => custom.get(name),
                _ => None,
            },
            field => body.get(&field.to_string()),
        };
        written.is_none_or(|written| is_same(&plan.lookup, written))
    })
}

fn is_same(lookup: &Lookup, written: &Value) -> bool {
    match (&lookup.value, written) {
        (SearchValue::Text(a), Value::String(b)) if lookup.field == LookupField::EMAIL => {
            a.to_lowercase() == b.to_lowercase()
        }
        (SearchValue::Text(a), Value::String(b)) => a == b,
        (SearchValue::Number(a), Value::Number(b)) => a == b,
        (SearchValue::Bool(a), Value::Bool(b)) => a == b,
        _ => false,
    }
}
