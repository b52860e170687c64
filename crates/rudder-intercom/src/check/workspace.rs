//! What the custom attributes of the workspace make of the events.

use super::people::saved;
use intercom_api::{Attributes, DataAttribute, DataAttributeModel, DataType, Number, SearchValue, Value, limits};
use intercom_delivery::DefinedAttributes;
use rudderstack_to_intercom::{Fit, Lookup, LookupField, Missing, Plan, Validate as _, fit};

/// The custom attributes that the workspace has.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    pub(super) contact: DefinedAttributes,
    pub(super) company: DefinedAttributes,
    /// How many there are, of those that count against the limit.
    pub(super) count: usize,
}

/// What becomes of an event's custom attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// Whether the workspace lacks one.
    pub(super) is_undefined: bool,
    /// Whether a value cannot be turned into the type that its attribute has.
    pub(super) is_of_another_type: bool,
    /// Whether contacts are looked up by a value that Intercom does not compare with the type that the attribute has.
    pub(super) is_not_comparable: bool,
}

impl Workspace {
    /// The workspace with these attributes, archived ones among them.
    pub(crate) fn new(attributes: &[DataAttribute]) -> Self {
        Self {
            contact: DefinedAttributes::new(&DataAttributeModel::Contact, attributes),
            company: DefinedAttributes::new(&DataAttributeModel::Company, attributes),
            count: attributes.iter().filter(|attribute| is_counted(attribute)).count(),
        }
    }

    /// What becomes of the custom attributes of a plan.
    pub(super) fn look_at(&self, plan: &Plan) -> Standing {
        let mut standing = match plan {
            Plan::SaveContact(plan) => standing(&self.contact, &saved(plan).custom_attributes),
            Plan::SaveCompany(plan) => standing(&self.company, &plan.company.custom_attributes),
            Plan::SubmitEvent(_) | Plan::DeleteContact(_) => Standing::default(),
        };
        if let Some(Lookup::Field(by)) = plan.lookup()
            && let LookupField::CustomAttribute(name) = &by.field
        {
            match self.contact.data_type(name) {
                None => standing.is_undefined = true,
                Some(data_type) => standing.is_not_comparable = !is_comparable(data_type, &by.value),
            }
        }
        standing
    }
}

/// Whether a custom attribute can have this name. Another one is refused, and nobody can create it.
pub(super) fn can_be(name: &str) -> bool {
    !name.is_empty() && !name.contains(limits::FORBIDDEN_IN_ATTRIBUTE_NAMES)
}

/// Whether contacts can be searched for a value of an attribute of this type: a search with another is refused.
fn is_comparable(data_type: &DataType, value: &SearchValue) -> bool {
    match data_type {
        DataType::Integer | DataType::Float | DataType::Date | DataType::DateTime => match value {
            SearchValue::Text(text) => Number::from_json_text(text).is_some(),
            value => matches!(value, SearchValue::Number(_) | SearchValue::Null),
        },
        DataType::Boolean => match value {
            SearchValue::Text(text) => text == "true" || text == "false",
            value => matches!(value, SearchValue::Bool(_) | SearchValue::Null),
        },
        _ => true,
    }
}

/// Whether Intercom would refuse what is written of a plan. What is left out is not: values that unset what cannot be there,
/// and those that do not fit the type that the attribute has in the workspace.
pub(super) fn is_refused(plan: &Plan, workspace: Option<&Workspace>) -> bool {
    if plan.validate().is_ok() {
        return false;
    }
    let mut written = plan.clone();
    match &mut written {
        Plan::SaveContact(plan) => {
            let defined = workspace.map(|workspace| &workspace.contact);
            leave_out(&mut plan.update.custom_attributes, defined);
            if let Missing::CreateWith(fields) = &mut plan.missing {
                leave_out(&mut fields.custom_attributes, defined);
            }
        }
        Plan::SaveCompany(plan) => {
            let defined = workspace.map(|workspace| &workspace.company);
            leave_out(&mut plan.company.custom_attributes, defined);
        }
        Plan::SubmitEvent(_) | Plan::DeleteContact(_) => {}
    }
    written.validate().is_err()
}

fn leave_out(attributes: &mut Attributes, defined: Option<&DefinedAttributes>) {
    let is_written = |name: &str, value: &Value| {
        let data_type = defined.and_then(|defined| defined.data_type(name));
        *value != Value::Null && data_type.is_none_or(|data_type| fit(data_type, value) != Fit::Not)
    };
    let written = attributes.iter().filter(|(name, value)| is_written(name, value));
    *attributes = written.map(|(name, value)| (name.to_owned(), value.clone())).collect();
}

fn is_counted(attribute: &DataAttribute) -> bool {
    attribute.custom == Some(true) && attribute.archived != Some(true)
}

fn standing(defined: &DefinedAttributes, attributes: &Attributes) -> Standing {
    let mut standing = Standing::default();
    let written = attributes
        .iter()
        .filter(|(name, value)| **value != Value::Null && can_be(name));
    for (name, value) in written {
        match defined.data_type(name) {
            None => standing.is_undefined = true,
            Some(data_type) => standing.is_of_another_type |= fit(data_type, value) == Fit::Not,
        }
    }
    standing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_searched_for_in_the_type_of_the_attribute() {
        let text = SearchValue::from;
        for (data_type, value, expected) in [
            (DataType::Integer, text("12"), true),
            (DataType::Integer, text("a dozen"), false),
            (DataType::Float, SearchValue::from(true), false),
            (DataType::Date, text("2026-01-05"), false),
            (DataType::Date, SearchValue::from(1_700_000_000), true),
            (DataType::Boolean, text("yes"), false),
            (DataType::Boolean, SearchValue::from(1), false),
            (DataType::Boolean, SearchValue::from(true), true),
            (DataType::String, SearchValue::from(12), true),
        ] {
            assert_eq!(is_comparable(&data_type, &value), expected, "{data_type:?} {value:?}");
        }
    }

    #[test]
    fn what_is_undefined_and_what_does_not_fit_is_told_apart() {
        let list = r#"[{"name":"seats","model":"contact","data_type":"integer","custom":true},
            {"name":"old","model":"contact","data_type":"string","custom":true,"archived":true}]"#;
        let list: Vec<DataAttribute> = serde_json::from_str(list).unwrap();
        let contact = Workspace::new(&list).contact;
        for (attributes, is_undefined, is_of_another_type) in [
            (r#"{"seats":"12"}"#, false, false),
            (r#"{"seats":"many"}"#, false, true),
            (r#"{"old":"x"}"#, true, false),
            (r#"{"new":null}"#, false, false),
            // Nobody can create it: it is refused.
            (r#"{"a.b":1}"#, false, false),
            (r#"{"new":1,"seats":1.5}"#, true, true),
        ] {
            let expected = Standing {
                is_undefined,
                is_of_another_type,
                is_not_comparable: false,
            };
            assert_eq!(
                standing(&contact, &serde_json::from_str(attributes).unwrap()),
                expected,
                "{attributes}"
            );
        }
    }
}
