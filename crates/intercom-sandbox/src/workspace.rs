//! One Intercom workspace: everything that requests read and change.

use crate::error::ApiError;
use crate::ids::{Ids, Kind};
use crate::request::UnixMillis;
use crate::settings::Settings;
use crate::store::attributes::{Definitions, Model, Rules};
use crate::store::companies::{Companies, Company};
use crate::store::contacts::{Contact, Contacts, Presence};
use crate::store::events::Events;
use crate::store::tags::Tags;
use crate::version::Asked;
use intercom_api::Region;

/// A note on a contact.
pub(crate) struct Note {
    pub(crate) contact: u32,
    pub(crate) body: Box<str>,
    pub(crate) created_at: i64,
}

/// A scroll over all companies that is under way.
pub(crate) struct Scroll {
    pub(crate) parameter: String,
    /// The place from which it goes on.
    pub(crate) next: u32,
    pub(crate) last_used: UnixMillis,
}

pub(crate) struct Workspace {
    pub(crate) settings: Settings,
    /// What the request at hand asks for by its version.
    pub(crate) asked: Asked,
    pub(crate) ids: Ids,
    pub(crate) contacts: Contacts,
    pub(crate) companies: Companies,
    pub(crate) tags: Tags,
    pub(crate) attributes: Definitions,
    pub(crate) events: Events,
    pub(crate) notes: Vec<Option<Note>>,
    pub(crate) scroll: Option<Scroll>,
    pub(crate) scrolls: u64,
    pub(crate) deletion_requests: u64,
}

impl Workspace {
    pub(crate) fn new(settings: Settings) -> Self {
        let mut attributes = Definitions::new(Rules {
            accept_any_attribute: settings.accept_any_attribute,
            refuse_long_text: settings.refuse_long_text,
            max_attributes: settings.max_attributes,
        });
        for (model, name, data_type) in &settings.attributes {
            if let Some(model) = Model::of(model)
                && attributes.find(model, name).is_none()
            {
                attributes.define(model, name, data_type.clone(), 0);
            }
        }
        Self {
            asked: Asked::default(),
            ids: Ids::new(settings.seed),
            contacts: Contacts::new(settings.search_lag, settings.duplicate_email),
            companies: Companies::default(),
            tags: Tags::default(),
            attributes,
            events: Events::new(settings.event_detail, settings.max_event_names),
            notes: Vec::new(),
            scroll: None,
            scrolls: 0,
            deletion_requests: 0,
            settings,
        }
    }

    /// The URL of a path, for a link to a next page.
    pub(crate) fn url(&self, path: &str) -> String {
        let base = self.settings.base_url.as_deref();
        format!("{}{path}", base.unwrap_or(Region::Us.base_url()))
    }

    pub(crate) fn contact_id(&self, at: u32) -> String {
        self.ids.write(Kind::Contact, at)
    }

    pub(crate) fn company_id(&self, at: u32) -> String {
        self.ids.write(Kind::Company, at)
    }

    /// The contact with that id, whatever became of it.
    pub(crate) fn any_contact(&self, id: &str) -> Result<(u32, &Contact), ApiError> {
        let at = self.ids.read(Kind::Contact, id);
        at.and_then(|at| Some((at, self.contacts.get(at)?)))
            .ok_or_else(ApiError::contact_not_found)
    }

    /// The active contact with that id.
    pub(crate) fn contact(&self, id: &str) -> Result<(u32, &Contact), ApiError> {
        self.any_contact(id).and_then(|found| match found.1.presence {
            Presence::Active => Ok(found),
            _ => Err(ApiError::contact_not_found()),
        })
    }

    pub(crate) fn company(&self, id: &str) -> Result<(u32, &Company), ApiError> {
        let at = self.ids.read(Kind::Company, id);
        at.and_then(|at| Some((at, self.companies.get(at)?)))
            .ok_or_else(ApiError::company_not_found)
    }

    pub(crate) fn tag(&self, id: &str) -> Result<u32, ApiError> {
        self.tags.by_id(id).ok_or_else(ApiError::resource_not_found)
    }
}
