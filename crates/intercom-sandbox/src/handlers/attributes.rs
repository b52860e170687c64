//! Data attributes: the standard ones, and the custom ones that are defined.

use super::{Outcome, Success};
use crate::body::{Body, given};
use crate::error::ApiError;
use crate::json::{Seq, object};
use crate::request::UnixMillis;
use crate::store::attributes::{Definition, Model, can_be_named};
use crate::target::Target;
use crate::views::ADMIN_ID;
use crate::workspace::Workspace;
use intercom_api::{DataAttributeModel, DataType, ErrorCode, Value};
use serde::Serialize;

/// A standard attribute: full name, type, whether the API writes it.
struct Standard(Model, &'static str, &'static str, bool);

const STANDARD: &[Standard] = &[
    Standard(Model::Company, "name", "string", true),
    Standard(Model::Company, "company_id", "string", false),
    Standard(Model::Company, "last_request_at", "date", false),
    Standard(Model::Company, "remote_created_at", "date", true),
    Standard(Model::Company, "user_count", "integer", false),
    Standard(Model::Company, "session_count", "integer", false),
    Standard(Model::Company, "plan.name", "string", false),
    Standard(Model::Company, "monthly_spend", "float", true),
    Standard(Model::Company, "size", "integer", true),
    Standard(Model::Company, "industry", "string", true),
    Standard(Model::Company, "website", "string", true),
    Standard(Model::Company, "id", "string", false),
    Standard(Model::Contact, "id", "string", false),
    Standard(Model::Contact, "external_id", "string", true),
    Standard(Model::Contact, "role", "string", true),
    Standard(Model::Contact, "name", "string", true),
    Standard(Model::Contact, "email", "string", true),
    Standard(Model::Contact, "phone", "string", true),
    Standard(Model::Contact, "avatar", "string", true),
    Standard(Model::Contact, "owner_id", "integer", true),
    Standard(Model::Contact, "signed_up_at", "date", true),
    Standard(Model::Contact, "last_seen_at", "date", true),
    Standard(Model::Contact, "created_at", "date", false),
    Standard(Model::Contact, "updated_at", "date", false),
    Standard(Model::Contact, "unsubscribed_from_emails", "boolean", true),
    Standard(Model::Contact, "language_override", "string", true),
];

impl Serialize for Standard {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(model, full_name, data_type, writable) = self;
        let name = full_name.rsplit('.').next().unwrap_or(full_name);
        object! {
            "type": "data_attribute",
            "name": name,
            "full_name": full_name,
            "label": name,
            "data_type": data_type,
            "api_writable": writable,
            "ui_writable": false,
            "messenger_writable": true,
            "custom": false,
            "archived": false,
            "model": model.as_str(),
        }
        .serialize(serializer)
    }
}

/// A custom attribute, at its place.
pub(crate) fn definition_view(at: u32, definition: &Definition) -> impl Serialize + '_ {
    object! {
        "id": u64::from(at) + 1,
        "type": "data_attribute",
        "name": &definition.name,
        "full_name": format!("custom_attributes.{}", definition.name),
        "label": &definition.name,
        "description"?: definition.description.as_deref(),
        "data_type": &definition.data_type,
        "options"?: Some(&definition.options).filter(|options| !options.is_empty()),
        "api_writable": true,
        "ui_writable": false,
        "messenger_writable": definition.messenger_writable,
        "custom": true,
        "archived": definition.archived,
        "admin_id": ADMIN_ID,
        "created_at": definition.created_at,
        "updated_at": definition.updated_at,
        "model": definition.model.as_str(),
    }
}

/// The options of a list attribute: objects with a `value`, or the texts themselves.
fn read_options(body: &Body) -> Result<Option<Vec<Box<str>>>, ApiError> {
    let Some(value) = body.get("options") else {
        return Ok(None);
    };
    let Value::Array(items) = value else {
        return Err(ApiError::invalid("options", "Options isn't an array"));
    };
    let text = |item: &Value| match item {
        Value::String(text) => Some(text.as_str().into()),
        Value::Object(option) => option.get("value").and_then(Value::as_str).map(Into::into),
        _ => None,
    };
    let options: Option<Vec<Box<str>>> = items.iter().map(text).collect();
    options
        .filter(|options| options.len() != 1)
        .ok_or_else(|| ApiError::invalid("options", "The Data Attribute must have at least two options"))
        .map(Some)
}

impl Workspace {
    /// `GET /data_attributes`, all on one page.
    pub(super) fn list_data_attributes(&self, target: &Target<'_>) -> Outcome {
        let model = match target.query("model").as_deref().map(DataAttributeModel::from) {
            None => None,
            // There are no attributes of conversations.
            Some(DataAttributeModel::Conversation) => return Ok(super::empty_list()),
            Some(model) => Some(
                Model::of(&model)
                    .ok_or_else(|| ApiError::invalid("model", "model must be contact, company or conversation"))?,
            ),
        };
        let archived = target.query("include_archived").as_deref() == Some("true");
        let wanted = |of: Model| model.is_none_or(|model| model == of);
        /// One of both kinds.
        #[derive(Serialize)]
        #[serde(untagged)]
        enum Entry<S, C> {
            Standard(S),
            Custom(C),
        }
        let all = || {
            let standard = STANDARD.iter().filter(|standard| wanted(standard.0));
            let custom = self.attributes.iter();
            let custom = custom.filter(|(_, known)| wanted(known.model) && (archived || !known.archived));
            standard
                .map(Entry::Standard)
                .chain(custom.map(|(at, known)| Entry::Custom(definition_view(at, known))))
        };
        Ok(Success::json(&object! { "type": "list", "data": Seq(all) }))
    }

    pub(super) fn create_data_attribute(&mut self, body: &[u8], now: UnixMillis) -> Outcome {
        let body = Body::parse(body)?;
        body.refuse_unknown(&[
            "name",
            "model",
            "data_type",
            "description",
            "options",
            "messenger_writable",
        ])?;
        let text = |name| given(name, body.text(name)?.filter(|text| !text.is_empty()));
        let model = Model::of(&body.text("model")?.unwrap_or_default().into()).ok_or_else(|| {
            ApiError::invalid(
                "model",
                "The Data Attribute model field must be either contact or company",
            )
        })?;
        let name = text("name")?;
        if !can_be_named(model, name) {
            let message =
                "Your name for this attribute must only contain alphanumeric characters, currency symbols, and hyphens";
            return Err(ApiError::invalid("name", message));
        }
        let data_type = DataType::from(text("data_type")?);
        if matches!(data_type, DataType::Other(_)) {
            return Err(ApiError::invalid("data_type", "Data Type isn't an option"));
        }
        // Of either model: a name is the one's or the other's.
        let owner = [model, model.other()]
            .into_iter()
            .find(|&owner| self.attributes.find(owner, name).is_some());
        if let Some(owner) = owner {
            let (owner, wanted) = (owner.as_data(), model.as_data());
            let message = format!(
                "You already have '{name}' in your {owner} data. To save this as new {wanted} data, use a different name."
            );
            return Err(ApiError::invalid("name", message));
        }
        if !self.attributes.has_room(0) {
            let message = "The workspace cannot have more custom attributes";
            return Err(ApiError::invalid("name", message));
        }
        let options = read_options(&body)?.unwrap_or_default();
        let description = body.text("description")?;
        let writable = body.boolean("messenger_writable")?;
        let at = self.attributes.define(model, name, data_type, now.seconds());
        if let Some(definition) = self.attributes.get_mut(at) {
            definition.options = options;
            definition.description = description.map(Into::into);
            definition.messenger_writable = writable.unwrap_or(definition.messenger_writable);
        }
        self.data_attribute_response(at)
    }

    fn data_attribute_response(&self, at: u32) -> Outcome {
        let definition = self.attributes.get(at).ok_or_else(no_such_definition)?;
        Ok(Success::json(&definition_view(at, definition)))
    }

    pub(super) fn update_data_attribute(&mut self, id: &str, body: &[u8], now: UnixMillis) -> Outcome {
        let at = id.parse::<u32>().ok().and_then(|number| number.checked_sub(1));
        let at = at.ok_or_else(no_such_definition)?;
        let definition = self.attributes.get_mut(at).ok_or_else(no_such_definition)?;
        let body = Body::parse(body)?;
        body.refuse_unknown(&["archived", "description", "options", "messenger_writable"])?;
        let options = read_options(&body)?;
        let (archived, writable) = (body.boolean("archived")?, body.boolean("messenger_writable")?);
        body.set_text("description", &mut definition.description)?;
        definition.options = options.unwrap_or_else(|| std::mem::take(&mut definition.options));
        definition.archived = archived.unwrap_or(definition.archived);
        definition.messenger_writable = writable.unwrap_or(definition.messenger_writable);
        definition.updated_at = now.seconds();
        self.data_attribute_response(at)
    }
}

fn no_such_definition() -> ApiError {
    ApiError::new(
        404,
        ErrorCode::FieldNotFound,
        "We couldn't find that data attribute to update",
    )
}
