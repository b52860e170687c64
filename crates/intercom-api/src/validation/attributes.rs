//! Custom attributes, and their definitions.

use super::Checks;
use crate::json::{Attributes, Value};
use crate::{AttributeOption, CreateDataAttribute, DataAttributeModel, DataType, UpdateDataAttribute, limits};
use std::borrow::Cow;
use validator::{Validate, ValidationError, ValidationErrors};

impl Checks {
    /// Checks custom attributes beside standard ones of these names: see [`limits`]. An error names the attribute by its place.
    pub(super) fn attributes(&mut self, attributes: &Attributes, standard: &[&str]) -> &mut Self {
        for (at, (name, value)) in attributes.iter().enumerate() {
            for code in [fault_of_name(name, standard), fault_of_value(value)]
                .into_iter()
                .flatten()
            {
                let mut error = ValidationError::new(code);
                error.params.insert(Cow::Borrowed("position"), at.into());
                self.0.add("custom_attributes", error);
            }
        }
        self
    }
}

fn fault_of_name(name: &str, standard: &[&str]) -> Option<&'static str> {
    if name.is_empty() {
        Some("empty_name")
    } else if name.contains(limits::FORBIDDEN_IN_ATTRIBUTE_NAMES) {
        Some("forbidden_character")
    } else if standard.contains(&name) {
        Some("standard_name")
    } else {
        None
    }
}

fn fault_of_value(value: &Value) -> Option<&'static str> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
        Value::String(text) => (text.chars().count() > limits::ATTRIBUTE_TEXT_CHARACTERS).then_some("too_long"),
        Value::Array(_) | Value::Object(_) => Some("nested"),
    }
}

impl Validate for CreateDataAttribute {
    /// Checks the name, the type and that values to choose from are strings and a choice.
    fn validate(&self) -> Result<(), ValidationErrors> {
        let is_choice = self.options.is_none() || self.data_type == DataType::String;
        let standard = match self.model {
            DataAttributeModel::Contact => limits::STANDARD_CONTACT_ATTRIBUTES,
            DataAttributeModel::Company => limits::STANDARD_COMPANY_ATTRIBUTES,
            DataAttributeModel::Conversation | DataAttributeModel::Other(_) => &[],
        };
        let mut checks = Checks::new();
        if let Some(code) = fault_of_name(&self.name, standard) {
            checks.that(false, "name", code);
        }
        checks
            .that(self.data_type.is_known(), "data_type", "unknown_type")
            .that(is_choice, "options", "only_for_strings")
            .that(has_choice(self.options.as_deref()), "options", "too_few")
            .finish()
    }
}

impl Validate for UpdateDataAttribute {
    /// Checks that values to choose from are a choice.
    fn validate(&self) -> Result<(), ValidationErrors> {
        let has_choice = has_choice(self.options.as_deref());
        Checks::new().that(has_choice, "options", "too_few").finish()
    }
}

fn has_choice(options: Option<&[AttributeOption]>) -> bool {
    options.is_none_or(|options| options.len() >= limits::ATTRIBUTE_OPTIONS_AT_LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CompanyFields, ContactFields, UpsertCompany};

    fn fault(name: &'static str, value: impl Into<Value>) -> Option<String> {
        let fields = ContactFields::new().with_custom_attributes([("fine", Value::from(1)), (name, value.into())]);
        let error = fields.validate().err()?;
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("secret") && shown.contains("Number(1)"), "{shown}");
        let found = &error.field_errors()["custom_attributes"];
        assert_eq!(found.len(), 1, "{shown}");
        Some(found[0].code.to_string())
    }

    #[test]
    fn what_is_refused_of_custom_attributes_is_found() {
        let long = |length: usize| "é".repeat(length);
        assert_eq!(fault("plan", "pro"), None);
        assert_eq!(fault("plan", Value::Null), None);
        assert_eq!(fault("plan", long(255)), None);
        assert_eq!(fault("plan", long(256)).as_deref(), Some("too_long"));
        assert_eq!(fault("plan", vec!["secret"]).as_deref(), Some("nested"));
        assert_eq!(
            fault("plan", Attributes::from([("secret", 1)])).as_deref(),
            Some("nested")
        );
        assert_eq!(fault("", 2).as_deref(), Some("empty_name"));
        assert_eq!(fault("a.secret", 2).as_deref(), Some("forbidden_character"));
        assert_eq!(fault("last_seen_at", 2).as_deref(), Some("standard_name"));
        let company = CompanyFields::new()
            .with_company_id("c")
            .with_custom_attributes([("industry", "x")]);
        assert!(UpsertCompany::new(company).validate().is_err());
    }

    #[test]
    fn a_definition_has_a_name_and_a_choice_of_strings() {
        let create = |name: &str| CreateDataAttribute::new(name, DataAttributeModel::Contact, DataType::String);
        let options = |count: usize| vec![AttributeOption::new("small"); count];
        assert!(create("size").validate().is_ok());
        assert!(
            create("").validate().is_err() && create("email").validate().is_err() && create("a$").validate().is_err()
        );
        assert!(create("size").with_options(options(1)).validate().is_err());
        let mut choice = create("size").with_options(options(2));
        assert!(choice.validate().is_ok());
        choice.data_type = DataType::Integer;
        assert!(choice.validate().is_err());
        assert!(UpdateDataAttribute::new(5).with_options(options(1)).validate().is_err());
    }
}
