//! Data attributes: which standard and custom attributes contacts and companies have.
//!
//! Source: the data attribute operations of Intercom's OpenAPI description 2.10 and
//! <https://developers.intercom.com/docs/references/2.10/rest-api/api.intercom.io/data-attributes>.

use crate::ids::DataAttributeId;
use crate::json::Value;
use crate::model::{answer, open_enum, operation};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

open_enum! {
    /// What an attribute belongs to.
    DataAttributeModel {
        /// Contacts.
        Contact = "contact",
        /// Companies.
        Company = "company",
        /// Conversations. Read only.
        Conversation = "conversation",
    }
}

open_enum! {
    /// The type of an attribute's values.
    DataType {
        /// Text.
        String = "string",
        /// Whole numbers.
        Integer = "integer",
        /// Numbers.
        Float = "float",
        /// True or false.
        Boolean = "boolean",
        /// A moment, in Unix seconds.
        DateTime = "datetime",
        /// A day, in Unix seconds.
        Date = "date",
    }
}

/// Lists attributes: `GET /data_attributes`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListDataAttributes {
    /// Of contacts or of companies; of both if unset.
    pub model: Option<DataAttributeModel>,
    /// Archived ones too.
    pub include_archived: Option<bool>,
}
operation!(ListDataAttributes: Get "/data_attributes", no body, query filter => DataAttributeList);

impl ListDataAttributes {
    /// All attributes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those of one model.
    pub fn of(model: DataAttributeModel) -> Self {
        Self {
            model: Some(model),
            ..Self::default()
        }
    }

    fn filter(&self) -> Vec<(Cow<'static, str>, String)> {
        let model = self.model.as_ref().map(|model| ("model".into(), model.to_string()));
        let archived = self
            .include_archived
            .map(|include| ("include_archived".into(), include.to_string()));
        model.into_iter().chain(archived).collect()
    }
}

/// Creates a custom attribute: `POST /data_attributes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CreateDataAttribute {
    /// The name.
    pub name: String,
    /// What it belongs to.
    pub model: DataAttributeModel,
    /// The type of its values.
    pub data_type: DataType,
}
operation!(CreateDataAttribute: Post "/data_attributes", body self => DataAttribute);

impl CreateDataAttribute {
    /// An attribute with nothing but what it must have.
    pub fn new(name: impl Into<String>, model: DataAttributeModel, data_type: DataType) -> Self {
        Self {
            name: name.into(),
            model,
            data_type,
        }
    }
}

answer! {
    /// An attribute.
    DataAttribute {
        optional {
            /// Intercom's id; standard attributes have none.
            id: DataAttributeId,
            /// `data_attribute`.
            object_type = "type": String,
            /// What it belongs to.
            model: DataAttributeModel,
            /// The name.
            name: String,
            /// The name with what it is nested in: `custom_attributes.` and the name, for a custom one.
            full_name: String,
            /// The name for people.
            label: String,
            /// What it is for.
            description: String,
            /// The type of its values.
            data_type: DataType,
            /// Whether it is a custom attribute.
            custom: bool,
            /// Whether it is archived.
            archived: bool,
        }
    }
}

answer! {
    /// Attributes.
    DataAttributeList {
        optional {
            /// `list`.
            object_type = "type": String,
            /// The attributes.
            data: Vec<DataAttribute>,
            /// Where the other pages are.
            pages: Value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Operation;

    #[test]
    fn the_model_is_in_the_query() {
        let call = ListDataAttributes::of(DataAttributeModel::Company).to_call().unwrap();
        assert_eq!(call.path_and_query(), "/data_attributes?model=company");
        assert_eq!(
            ListDataAttributes::new().to_call().unwrap().path_and_query(),
            "/data_attributes"
        );
    }

    #[test]
    fn unknown_words_are_kept() {
        let text = r#"{"name":"x","model":"ticket","data_type":"mood"}"#;
        let request: CreateDataAttribute = serde_json::from_str(text).unwrap();
        assert_eq!(request.data_type, DataType::Other("mood".into()));
        assert_eq!(serde_json::to_string(&request).unwrap(), text);
    }
}
