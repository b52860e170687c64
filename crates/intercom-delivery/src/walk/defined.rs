//! The custom attributes that a workspace has.

use intercom_api::{DataAttribute, DataAttributeModel, DataType};
use std::collections::HashMap;

/// The custom attributes that one model has in a workspace, with their types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DefinedAttributes(HashMap<String, DataType>);

impl DefinedAttributes {
    /// Those of a list, as `GET /data_attributes` gives it.
    pub fn new<'a>(model: &DataAttributeModel, list: impl IntoIterator<Item = &'a DataAttribute>) -> Self {
        let is_meant = |attribute: &&DataAttribute| {
            let is_of_model = attribute.model.as_ref().is_none_or(|known| known == model);
            is_of_model && attribute.custom == Some(true) && attribute.archived != Some(true)
        };
        let named = |attribute: &DataAttribute| Some((attribute.name.clone()?, attribute.data_type.clone()?));
        Self(list.into_iter().filter(is_meant).filter_map(named).collect())
    }

    /// The type of an attribute; none, if there is no such attribute.
    pub fn data_type(&self, name: &str) -> Option<&DataType> {
        self.0.get(name)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Takes note of a new one.
    pub fn define(&mut self, name: impl Into<String>, data_type: DataType) {
        self.0.insert(name.into(), data_type);
    }
}
