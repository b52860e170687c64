//! Custom attributes: which are defined, and what their values are.

use crate::error::ApiError;
use intercom_api::{Attributes, DataAttributeModel, DataType, Value};
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

    pub(crate) fn of(model: &DataAttributeModel) -> Option<Self> {
        match model {
            DataAttributeModel::Contact => Some(Self::Contact),
            DataAttributeModel::Company => Some(Self::Company),
            _ => None,
        }
    }
}

pub(crate) struct Definitions {
    all: Vec<Definition>,
    /// Places by name, for each model.
    by_name: [HashMap<Box<str>, u32>; 2],
    accept_any: bool,
}

impl Definitions {
    pub(crate) fn new(accept_any: bool) -> Self {
        Self {
            all: Vec::new(),
            by_name: [HashMap::new(), HashMap::new()],
            accept_any,
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

    /// Fails for the first attribute that cannot be written.
    pub(crate) fn check(&self, model: Model, values: &Attributes) -> Result<(), ApiError> {
        if self.accept_any {
            return Ok(());
        }
        match values
            .keys()
            .find(|name| self.find(model, name).is_none_or(|known| known.archived))
        {
            Some(name) => Err(ApiError::no_such_attribute(name)),
            None => Ok(()),
        }
    }

    /// Writes attributes that were checked; those that are not defined become so. `null` removes a value.
    pub(crate) fn write(&mut self, model: Model, values: &Attributes, into: &mut Attributes, now: i64) {
        for (name, value) in values.iter() {
            if self.accept_any && self.find(model, name).is_none() {
                self.define(model, name, type_of(value), now);
            }
            if *value == Value::Null {
                into.remove(name);
            } else {
                into.insert(name.to_owned(), value.clone());
            }
        }
    }
}

/// The type that an attribute with such a value has.
fn type_of(value: &Value) -> DataType {
    match value {
        Value::Bool(_) => DataType::Boolean,
        Value::Number(number) if number.as_i64().is_some() => DataType::Integer,
        Value::Number(_) => DataType::Float,
        _ => DataType::String,
    }
}
