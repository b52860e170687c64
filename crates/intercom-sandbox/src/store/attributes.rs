//! Custom attributes: which are defined, and what their values are.

use crate::error::ApiError;
use intercom_api::{Attributes, DataAttributeModel, DataType, Value, ValueTypes, limits};
use std::collections::HashMap;

/// A custom attribute.
pub(crate) struct Definition {
    pub(crate) model: Model,
    pub(crate) name: Box<str>,
    pub(crate) data_type: DataType,
    pub(crate) description: Option<Box<str>>,
    pub(crate) options: Vec<Box<str>>,
    pub(crate) messenger_writable: bool,
    pub(crate) archived: bool,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

/// The models that can have custom attributes here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Model {
    Contact,
    Company,
}

impl Model {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Company => "company",
        }
    }

    /// What messages for people call its attributes.
    pub(crate) const fn as_data(self) -> &'static str {
        match self {
            Self::Contact => "people",
            Self::Company => "company",
        }
    }

    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Contact => Self::Company,
            Self::Company => Self::Contact,
        }
    }

    pub(crate) fn of(model: &DataAttributeModel) -> Option<Self> {
        match model {
            DataAttributeModel::Contact => Some(Self::Contact),
            DataAttributeModel::Company => Some(Self::Company),
            _ => None,
        }
    }
}

/// What is refused.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    /// Whether an undefined attribute becomes defined when it is first written.
    pub(crate) accept_any_attribute: bool,
    pub(crate) refuse_long_text: bool,
    pub(crate) max_attributes: Option<usize>,
}

pub(crate) struct Definitions {
    all: Vec<Definition>,
    /// Places by name, for each model.
    by_name: [HashMap<Box<str>, u32>; 2],
    rules: Rules,
}

impl Definitions {
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            all: Vec::new(),
            by_name: [HashMap::new(), HashMap::new()],
            rules,
        }
    }

    pub(crate) fn get_mut(&mut self, at: u32) -> Option<&mut Definition> {
        self.all.get_mut(at as usize)
    }

    pub(crate) fn get(&self, at: u32) -> Option<&Definition> {
        self.all.get(at as usize)
    }

    pub(crate) fn find(&self, model: Model, name: &str) -> Option<&Definition> {
        self.get(self.by_name[model as usize].get(name).copied()?)
    }

    /// All definitions in the order in which they were made, with their places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Definition)> {
        (0..).zip(&self.all)
    }

    /// Defines an attribute whose name is not taken.
    pub(crate) fn define(&mut self, model: Model, name: &str, data_type: DataType, now: i64) -> u32 {
        let at = u32::try_from(self.all.len()).expect("fewer than four thousand million attributes");
        self.all.push(Definition {
            model,
            name: name.into(),
            data_type,
            description: None,
            options: Vec::new(),
            messenger_writable: true,
            archived: false,
            created_at: now,
            updated_at: now,
        });
        self.by_name[model as usize].insert(name.into(), at);
        at
    }

    /// Whether another attribute can be defined, beside so many that are about to be.
    pub(crate) fn has_room(&self, beside: usize) -> bool {
        let used = || self.all.iter().filter(|known| !known.archived).count();
        self.rules.max_attributes.is_none_or(|max| used() + beside < max)
    }

    /// Fails for the first attribute that cannot be written.
    pub(crate) fn check(&self, model: Model, values: &Attributes) -> Result<(), ApiError> {
        let mut defined = 0;
        for (name, value) in values.iter() {
            let known = self.find(model, name).filter(|known| !known.archived);
            if known.is_none() {
                let rules = &self.rules;
                if !(rules.accept_any_attribute && can_be_named(model, name) && self.has_room(defined)) {
                    return Err(ApiError::no_such_attribute(name));
                }
                defined += usize::from(*value != Value::Null);
            }
            self.check_value(known, name, value)?;
        }
        Ok(())
    }

    fn check_value(&self, known: Option<&Definition>, name: &str, value: &Value) -> Result<(), ApiError> {
        let refused = |reason: &str| Err(ApiError::invalid(name, format!("Custom attribute '{name}' {reason}")));
        match value {
            Value::Array(_) | Value::Object(_) => return refused("must be a string, a number, a boolean or null"),
            Value::String(text)
                if self.rules.refuse_long_text && text.chars().nth(limits::ATTRIBUTE_TEXT_CHARACTERS).is_some() =>
            {
                return refused("must not be longer than 255 characters");
            }
            _ => {}
        }
        match known {
            Some(known) if !takes(&known.data_type, value) => {
                refused(&format!("expects a value of type {}", known.data_type.as_str()))
            }
            _ => Ok(()),
        }
    }

    /// Writes attributes that were checked; the first value of one that is not defined defines it. `null` removes a value.
    pub(crate) fn write(&mut self, model: Model, values: &Attributes, into: &mut Attributes, now: i64) {
        for (name, value) in values.iter() {
            if *value == Value::Null {
                into.remove(name);
                continue;
            }
            if !self.by_name[model as usize].contains_key(name) {
                let data_type = ValueTypes::of(value).data_type(name);
                // A moment may be a text, of which Intercom makes no date.
                let is_taken = takes(&data_type, value);
                self.define(model, name, if is_taken { data_type } else { DataType::String }, now);
            }
            into.insert(name.to_owned(), value.clone());
        }
    }
}

/// Whether a custom attribute can have that name.
pub(crate) fn can_be_named(model: Model, name: &str) -> bool {
    let standard = match model {
        Model::Contact => limits::STANDARD_CONTACT_ATTRIBUTES,
        Model::Company => limits::STANDARD_COMPANY_ATTRIBUTES,
    };
    !name.is_empty() && !name.contains(limits::FORBIDDEN_IN_ATTRIBUTE_NAMES) && !standard.contains(&name)
}

/// Whether an attribute of that type takes a value.
fn takes(data_type: &DataType, value: &Value) -> bool {
    match (data_type, value) {
        (_, Value::Null) => true,
        (DataType::Boolean, value) => matches!(value, Value::Bool(_)),
        (DataType::Integer, Value::Number(number)) => number.as_f64().fract() == 0.0,
        (DataType::Date | DataType::DateTime, Value::Number(number)) => number.as_i64().is_some(),
        (DataType::Date | DataType::DateTime, Value::String(text)) => is_day(text),
        (DataType::Float, value) => matches!(value, Value::Number(_)),
        (DataType::Integer | DataType::Date | DataType::DateTime, _) => false,
        // Text, and lists of options.
        (_, value) => matches!(value, Value::String(_)),
    }
}

/// A day as `DD/MM/YYYY`.
fn is_day(text: &str) -> bool {
    chrono::NaiveDate::parse_from_str(text, "%d/%m/%Y").is_ok()
}
