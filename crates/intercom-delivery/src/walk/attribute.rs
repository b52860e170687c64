//! Custom attributes that the workspace does not have.

use crate::codes::DeliveryWarning;
use intercom_api::{Attributes, Call, Value};
use serde_json::value::RawValue;

/// Where a body has its custom attributes.
pub(crate) const CUSTOM: &str = "custom_attributes";

/// The value that a body gives a custom attribute.
pub(super) fn value_in(body: &RawValue, name: &str) -> Option<Value> {
    let fields: Attributes = serde_json::from_str(body.get()).ok()?;
    match fields.get(CUSTOM)? {
        Value::Object(custom) => custom.get(name).cloned(),
        _ => None,
    }
}

/// Leaves custom attributes out of a call's body, and warns of those that were in it.
pub(super) fn leave_out(call: &mut Call, names: &[String]) -> Vec<DeliveryWarning> {
    let parse = |body: &RawValue| serde_json::from_str::<Attributes>(body.get()).ok();
    let Some(mut fields) = call.body.as_deref().filter(|_| !names.is_empty()).and_then(parse) else {
        return Vec::new();
    };
    let Some(Value::Object(mut custom)) = fields.get(CUSTOM).cloned() else {
        return Vec::new();
    };
    let dropped = names
        .iter()
        .filter(|name| custom.remove(name).is_some())
        .map(|name| DeliveryWarning::AttributeDropped {
            attribute: name.clone(),
        })
        .collect();
    match custom.is_empty() {
        true => fields.remove(CUSTOM),
        false => fields.insert(CUSTOM, Value::Object(custom)),
    };
    call.body = serde_json::value::to_raw_value(&fields).ok();
    dropped
}
