//! Data attributes: which standard and custom attributes contacts and companies have.
//!
//! Source: the data attribute operations of Intercom's OpenAPI description 2.10 and
//! <https://developers.intercom.com/docs/references/2.10/rest-api/api.intercom.io/data-attributes>.

use crate::ids::{AdminId, DataAttributeId};
use crate::model::{open_enum, request, response, text_or};
use crate::pages::Pages;
use crate::time::UnixSeconds;

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

request! {
    /// Lists attributes: `GET /data_attributes`.
    #[non_exhaustive]
    ListDataAttributes => DataAttributeList {
        query {
            optional {
                /// Of contacts or of companies; of both if unset.
                model: DataAttributeModel,
                /// Archived ones too.
                include_archived: bool,
            }
        }
    }
}

impl ListDataAttributes {
    /// Those of one model.
    pub fn of(model: DataAttributeModel) -> Self {
        Self {
            model: Some(model),
            ..Self::new()
        }
    }
}

request! {
    /// Creates a custom attribute: `POST /data_attributes`.
    #[non_exhaustive]
    CreateDataAttribute => DataAttribute {
        body {
            required {
                /// The name.
                name: String,
                /// What it belongs to.
                model: DataAttributeModel,
                /// The type of its values.
                data_type: DataType,
            }
            optional {
                /// What it is for.
                description: String,
                /// The values to choose from; for strings only.
                options: Vec<AttributeOption>,
                /// Whether the Messenger can set it.
                messenger_writable: bool,
            }
        }
    }
}

request! {
    /// Changes a custom attribute, or archives it: `PUT /data_attributes/{id}`. Its type cannot be changed.
    #[non_exhaustive]
    UpdateDataAttribute => DataAttribute {
        path {
            /// The attribute.
            id: DataAttributeId,
        }
        body {
            optional {
                /// What it is for.
                description: String,
                /// The values to choose from; for strings only.
                options: Vec<AttributeOption>,
                /// Whether it is to be archived.
                archived: bool,
                /// Whether the Messenger can set it.
                messenger_writable: bool,
            }
        }
    }
}

text_or! {
    /// A value to choose from: an object in requests, a string in responses.
    AttributeOption {
        /// The value.
        Text,
        /// An object that holds the value.
        Object(OptionValue),
    }
}

response! {
    /// A value to choose from.
    OptionValue {
        optional {
            /// The value.
            value: String,
        }
    }
}

impl AttributeOption {
    /// The value, in the form that requests want.
    pub fn new(value: impl Into<String>) -> Self {
        let mut object = OptionValue::new();
        object.value = Some(value.into());
        Self::Object(Box::new(object))
    }

    /// The value.
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::Text(value) => Some(value),
            Self::Object(object) => object.value.as_deref(),
        }
    }
}

response! {
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
            /// The values to choose from.
            options: Vec<AttributeOption>,
            /// Whether the API can set it.
            api_writable: bool,
            /// Whether the Messenger can set it.
            messenger_writable: bool,
            /// Whether teammates can set it.
            ui_writable: bool,
            /// Whether it is a custom attribute.
            custom: bool,
            /// Whether it is archived.
            archived: bool,
            /// When it was created.
            created_at: UnixSeconds,
            /// When it was last changed.
            updated_at: UnixSeconds,
            /// The teammate who created it.
            admin_id: AdminId,
        }
    }
}

response! {
    /// Attributes.
    DataAttributeList {
        optional {
            /// `list`.
            object_type = "type": String,
            /// The attributes.
            data: Vec<DataAttribute>,
            /// Where the other pages are.
            pages: Pages,
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

    #[test]
    fn values_to_choose_from_are_objects_in_requests() {
        let create = CreateDataAttribute::new("size", DataAttributeModel::Contact, DataType::String)
            .with_options(vec![AttributeOption::new("small"), AttributeOption::new("large")]);
        let body = create.to_call().unwrap().body.unwrap();
        let options = r#""options":[{"value":"small"},{"value":"large"}]"#;
        assert!(body.get().contains(options), "{}", body.get());
    }
}
