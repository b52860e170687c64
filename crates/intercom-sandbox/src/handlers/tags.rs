//! Tags on companies and contacts.

use super::{Outcome, Success};
use crate::body::{Body, id_text};
use crate::error::ApiError;
use crate::json::{Seq, object};
use crate::request::UnixMillis;
use crate::store::contacts::Fields;
use crate::workspace::Workspace;
use intercom_api::{Attributes, ErrorCode, Value};

/// One thing that is to be tagged, or untagged.
struct Tagging {
    at: u32,
    untag: bool,
}

fn bad_tag() -> ApiError {
    ApiError::new(400, ErrorCode::ParameterInvalid, "invalid tag parameters")
}

impl Workspace {
    /// `POST /tags`: creates a tag, renames it (`id`), puts it on things or takes it off them (`untag`).
    ///
    /// Nothing happens unless everything can.
    pub(super) fn create_tag(&mut self, body: &[u8], now: UnixMillis) -> Outcome {
        let body = Body::parse(body)?;
        let name = body.text("name")?.filter(|name| !name.is_empty()).ok_or_else(bad_tag)?;
        let companies = self.taggings(&body, "companies", Self::company_of)?;
        let contacts = self.taggings(&body, "users", |workspace, item| {
            let id = item_id(item, "id")?.ok_or_else(ApiError::contact_not_found)?;
            workspace.contact(&id).map(|(at, _)| at)
        })?;
        if let Some(id) = body.id("id")? {
            let at = self.tag(&id)?;
            if !self.tags.rename(at, name) {
                return Err(ApiError::invalid("name", "a tag of that name exists already"));
            }
            return Ok(Success::json(&self.tag_view(at)));
        }
        let all = || companies.iter().chain(&contacts);
        if all().next().is_some() && all().all(|tagging| tagging.untag) && self.tags.by_name(name).is_none() {
            return Err(ApiError::resource_not_found());
        }
        let tag = self.tags.ensure(name);
        for Tagging { at, untag } in companies {
            if let Some(company) = self.companies.get_mut(at) {
                if untag {
                    company.tags.retain(|known| *known != tag);
                } else if !company.tags.contains(&tag) {
                    company.tags.push(tag);
                }
            }
        }
        for Tagging { at, untag } in contacts {
            self.set_contact_tag(at, tag, !untag, now);
        }
        Ok(Success::json(&self.tag_view(tag)))
    }

    fn taggings(
        &self,
        body: &Body,
        name: &str,
        find: impl Fn(&Self, &Attributes) -> Result<u32, ApiError>,
    ) -> Result<Vec<Tagging>, ApiError> {
        let items = body.array(name)?.unwrap_or_default();
        let tagging = |item: &Value| match item {
            Value::Object(item) => Ok(Tagging {
                at: find(self, item)?,
                untag: item.get("untag") == Some(&Value::Bool(true)),
            }),
            _ => Err(bad_tag()),
        };
        items.iter().map(tagging).collect()
    }

    fn company_of(&self, item: &Attributes) -> Result<u32, ApiError> {
        if let Some(id) = item_id(item, "id")? {
            return self.company(&id).map(|(at, _)| at);
        }
        let company_id = item_id(item, "company_id")?.ok_or_else(ApiError::company_not_found)?;
        self.companies
            .by_company_id(&company_id)
            .ok_or_else(ApiError::company_not_found)
    }

    fn set_contact_tag(&mut self, contact: u32, tag: u32, tagged: bool, now: UnixMillis) {
        let Some(known) = self.contacts.get(contact) else {
            return;
        };
        if known.fields.tags.iter().any(|(known, _)| *known == tag) == tagged {
            return;
        }
        let mut fields = Fields::clone(&known.fields);
        if tagged {
            fields.tags.push((tag, now.seconds()));
        } else {
            fields.tags.retain(|(known, _)| *known != tag);
        }
        self.contacts.update(contact, fields, now);
    }

    pub(super) fn list_tags(&self) -> Success {
        Success::json(&object! {
            "type": "list",
            "data": Seq(|| self.tags.iter().map(|(at, _)| self.tag_view(at))),
        })
    }

    pub(super) fn find_tag(&self, id: &str) -> Outcome {
        self.tag(id).map(|at| Success::json(&self.tag_view(at)))
    }

    /// Deletes a tag, and takes it off everything.
    pub(super) fn delete_tag(&mut self, id: &str, now: UnixMillis) -> Outcome {
        let tag = self.tag(id)?;
        let tagged: Vec<u32> = self
            .contacts
            .iter()
            .filter(|(_, contact)| contact.fields.tags.iter().any(|(known, _)| *known == tag))
            .map(|(at, _)| at)
            .collect();
        for contact in tagged {
            self.set_contact_tag(contact, tag, false, now);
        }
        self.companies.forget_tag(tag);
        self.tags.delete(tag);
        Ok(Success::empty(200))
    }

    pub(super) fn tag_contact(&mut self, contact: &str, body: &[u8], now: UnixMillis) -> Outcome {
        let (at, _) = self.contact(contact)?;
        let body = Body::parse(body)?;
        let id = body
            .id("id")?
            .ok_or_else(|| ApiError::new(400, ErrorCode::ParameterNotFound, "tag not specified"))?;
        let tag = self.tag(&id)?;
        self.set_contact_tag(at, tag, true, now);
        Ok(self.applied_tag(at, tag, now))
    }

    pub(super) fn untag_contact(&mut self, contact: &str, tag: &str, now: UnixMillis) -> Outcome {
        let (at, contact) = self.contact(contact)?;
        let tag = self.tag(tag)?;
        if contact.fields.tags.iter().all(|(known, _)| *known != tag) {
            return Err(ApiError::resource_not_found());
        }
        let response = self.applied_tag(at, tag, now);
        self.set_contact_tag(at, tag, false, now);
        Ok(response)
    }

    fn applied_tag(&self, contact: u32, tag: u32, now: UnixMillis) -> Success {
        let tags = self
            .contacts
            .get(contact)
            .map_or(&[][..], |contact| &contact.fields.tags);
        let applied_at = tags.iter().find(|(known, _)| *known == tag);
        Success::json(&self.applied_tag_view(tag, applied_at.map_or(now.seconds(), |(_, at)| *at)))
    }

    pub(super) fn list_contact_tags(&self, contact: &str) -> Outcome {
        let (_, contact) = self.contact(contact)?;
        let tags = || {
            contact
                .fields
                .tags
                .iter()
                .map(|(tag, at)| self.applied_tag_view(*tag, *at))
        };
        Ok(Success::json(&object! { "type": "list", "data": Seq(tags) }))
    }
}

fn item_id<'a>(item: &'a Attributes, name: &str) -> Result<Option<std::borrow::Cow<'a, str>>, ApiError> {
    item.get(name)
        .filter(|value| **value != Value::Null)
        .map_or(Ok(None), |value| id_text(name, value))
}
