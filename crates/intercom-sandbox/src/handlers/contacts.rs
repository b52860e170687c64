//! Contacts: create, update, find, archive, merge, delete, erase.

use super::{Outcome, Success};
use crate::body::{Body, given};
use crate::error::ApiError;
use crate::json::{Seq, object};
use crate::pages::Cursor;
use crate::request::UnixMillis;
use crate::store::attributes::Model;
use crate::store::contacts::{Fields, Key, Presence, Role};
use crate::target::Target;
use crate::version::Shape;
use crate::views::ContactView;
use crate::workspace::Workspace;
use intercom_api::ErrorCode;

/// What can be written of a contact.
const WRITABLE: &[&str] = &[
    "role",
    "external_id",
    "email",
    "phone",
    "name",
    "avatar",
    "owner_id",
    "signed_up_at",
    "last_seen_at",
    "unsubscribed_from_emails",
    "language_override",
    "email_verified",
    "custom_attributes",
];

/// Reads everything but the custom attributes.
fn read_fields(body: &Body, fields: &mut Fields) -> Result<(), ApiError> {
    body.refuse_unknown(WRITABLE)?;
    let is_identified = body.id("external_id")?.is_some_and(|id| !id.is_empty());
    fields.role = match body.text("role")? {
        // A lead that gets an external id becomes a user.
        None if is_identified => Role::User,
        None => fields.role,
        Some("user") => Role::User,
        Some("lead") => Role::Lead,
        Some(_) => return Err(ApiError::invalid("role", "role must be user or lead")),
    };
    body.set_id("external_id", &mut fields.external_id)?;
    body.set_text("email", &mut fields.email)?;
    fields.email = fields.email.take().filter(|email| !email.is_empty());
    body.set_text("phone", &mut fields.phone)?;
    body.set_text("name", &mut fields.name)?;
    body.set_text("avatar", &mut fields.avatar)?;
    body.set_text("language_override", &mut fields.language_override)?;
    body.set_integer("owner_id", &mut fields.owner_id)?;
    body.set_integer("signed_up_at", &mut fields.signed_up_at)?;
    body.set_integer("last_seen_at", &mut fields.last_seen_at)?;
    body.set_boolean("unsubscribed_from_emails", &mut fields.unsubscribed_from_emails)
}

impl Workspace {
    fn contact_response(&self, at: u32) -> Outcome {
        self.contact_view(at)
            .map(|view| Success::json(&view))
            .ok_or_else(ApiError::contact_not_found)
    }

    /// Fails if another contact holds one of the identities.
    fn refuse_conflict(&self, fields: &Fields, except: Option<u32>) -> Result<(), ApiError> {
        match self.contacts.conflict(fields, except) {
            None => Ok(()),
            Some(other) => {
                let archived = self
                    .contacts
                    .get(other)
                    .is_some_and(|contact| contact.presence == Presence::Archived);
                Err(ApiError::conflict(&self.contact_id(other), archived))
            }
        }
    }

    /// Puts a body's values into `fields`, having checked all of them.
    fn write_contact(
        &mut self,
        body: &Body,
        mut fields: Fields,
        except: Option<u32>,
        now: UnixMillis,
    ) -> Result<Fields, ApiError> {
        read_fields(body, &mut fields)?;
        if self.settings.refuse_lead_ids && fields.role == Role::Lead && fields.external_id.is_some() {
            return Err(ApiError::invalid("external_id", "A lead cannot have an external_id"));
        }
        let attributes = body.object("custom_attributes")?;
        if let Some(attributes) = attributes {
            self.attributes.check(Model::Contact, attributes)?;
        }
        self.refuse_conflict(&fields, except)?;
        if let Some(attributes) = attributes {
            let into = &mut fields.custom_attributes;
            self.attributes.write(Model::Contact, attributes, into, now.seconds());
        }
        Ok(fields)
    }

    pub(super) fn create_contact(&mut self, body: &[u8], now: UnixMillis) -> Outcome {
        let body = Body::parse(body)?;
        // An empty id or address is none.
        let is_identified =
            body.id("external_id")?.is_some() || body.text("email")?.is_some_and(|email| !email.is_empty());
        if !is_identified && body.get("role").is_none() {
            body.refuse_unknown(WRITABLE)?;
            return Err(ApiError::missing("email", "email, external_id or role must be given"));
        }
        let fields = self.write_contact(&body, Fields::default(), None, now)?;
        let at = self.contacts.create(fields, now);
        self.contact_response(at)
    }

    pub(super) fn update_contact(&mut self, id: &str, body: &[u8], now: UnixMillis) -> Outcome {
        let (at, contact) = self.any_contact(id)?;
        match contact.presence {
            Presence::Active => {}
            Presence::Merged(into) => return Err(self.merged_into(into)),
            Presence::Archived | Presence::Deleted => return Err(ApiError::contact_not_found()),
        }
        let body = Body::parse(body)?;
        let fields = Fields::clone(&contact.fields);
        let fields = self.write_contact(&body, fields, Some(at), now)?;
        self.contacts.update(at, fields, now);
        self.contact_response(at)
    }

    pub(super) fn retrieve_contact(&self, id: &str) -> Outcome {
        let (at, contact) = self.any_contact(id)?;
        match contact.presence {
            Presence::Active => self.contact_response(at),
            Presence::Merged(into) if self.asked.shape >= Shape::V2_16 => Err(self.merged_into(into)),
            Presence::Merged(_) | Presence::Archived | Presence::Deleted => Err(ApiError::contact_not_found()),
        }
    }

    /// Since version 2.16 the error says into which contact.
    fn merged_into(&self, into: u32) -> ApiError {
        let canonical = || format!("</contacts/{}>; rel=\"canonical\"", self.contact_id(into));
        ApiError::contact_merged((self.asked.shape >= Shape::V2_16).then(canonical))
    }

    pub(super) fn retrieve_contact_by_external_id(&self, external_id: &str) -> Outcome {
        let at = self.contacts.by_identity(Key::ExternalId, external_id);
        at.ok_or_else(ApiError::contact_not_found)
            .and_then(|at| self.contact_response(at))
    }

    /// Blocks a contact. What that keeps a person from, such as writing to the workspace, does not exist here.
    pub(super) fn block_contact(&mut self, id: &str, now: UnixMillis) -> Outcome {
        let (at, contact) = self.contact(id)?;
        let fields = Fields::clone(&contact.fields);
        let response = Success::json(&object! {
            "id": id, "external_id": &fields.external_id, "type": "contact", "blocked": true,
        });
        self.contacts.update(at, fields, now);
        Ok(response)
    }

    pub(super) fn list_contacts(&self, target: &Target<'_>) -> Outcome {
        let cursor = Cursor::from_query(target, &self.ids)?;
        let places: Vec<u32> = self.contacts.active().map(|(at, _)| at).collect();
        Ok(self.contact_list(&places, &cursor))
    }

    /// A page of a list of contacts, given by their places.
    pub(super) fn contact_list(&self, places: &[u32], cursor: &Cursor) -> Success {
        self.list_of_contacts(places, cursor, |at| self.contact_view(at))
    }

    fn list_of_contacts<'a>(
        &self,
        places: &[u32],
        cursor: &Cursor,
        view: impl Fn(u32) -> Option<ContactView<'a>>,
    ) -> Success {
        let (shown, pages) = cursor.cut(places, &self.ids);
        Success::json(&object! {
            "type": "list",
            "data": Seq(|| shown.iter().filter_map(|at| view(*at))),
            "total_count": places.len(),
            "pages": pages,
        })
    }

    pub(super) fn search_contacts(&mut self, body: &[u8], now: UnixMillis) -> Outcome {
        self.contacts.settle(now);
        let cursor = Cursor::from_search(&Body::parse(body)?, &self.ids)?;
        let places = self.search(body)?;
        Ok(self.list_of_contacts(&places, &cursor, |at| self.hit_view(at)))
    }

    pub(super) fn delete_contact(&mut self, id: &str) -> Outcome {
        let (at, contact) = self.any_contact(id)?;
        if !matches!(contact.presence, Presence::Active | Presence::Archived) {
            return Err(ApiError::contact_not_found());
        }
        let response = Success::json(&object! {
            "id": id, "external_id": &contact.fields.external_id, "type": "contact", "deleted": true,
        });
        self.remove_contact(at, Presence::Deleted);
        Ok(response)
    }

    fn remove_contact(&mut self, at: u32, presence: Presence) {
        self.count_for_companies(at, false);
        if let Some(contact) = self.contacts.get_mut(at) {
            for note in std::mem::take(&mut contact.notes) {
                self.notes[note as usize] = None;
            }
        }
        self.contacts.remove(at, presence);
    }

    /// Archives a contact, or restores it.
    pub(super) fn set_archived(&mut self, id: &str, archived: bool, now: UnixMillis) -> Outcome {
        let (at, contact) = self.any_contact(id)?;
        let response = Success::json(&object! {
            "id": id, "external_id": &contact.fields.external_id, "type": "contact", "archived": archived,
        });
        match (contact.presence, archived) {
            (Presence::Active, true) => {
                self.count_for_companies(at, false);
                self.contacts.hide(at, Presence::Archived);
            }
            (Presence::Archived, false) => {
                self.contacts.unarchive(at, now);
                self.count_for_companies(at, true);
            }
            // Already so.
            (Presence::Active, false) | (Presence::Archived, true) => {}
            (Presence::Deleted | Presence::Merged(_), _) => return Err(ApiError::contact_not_found()),
        }
        Ok(response)
    }

    pub(super) fn merge_contacts(&mut self, body: &[u8], now: UnixMillis) -> Outcome {
        let body = Body::parse(body)?;
        body.refuse_unknown(&["from", "into", "skip_duplicate_validation"])?;
        let id = |name| given(name, body.id(name)?);
        let (from, into) = (id("from")?, id("into")?);
        let (from, source) = self.contact(&from)?;
        let (into, target) = self.contact(&into)?;
        if source.fields.role != Role::Lead {
            return Err(ApiError::invalid("from", "from must be the id of a lead"));
        }
        if target.fields.role != Role::User {
            return Err(ApiError::invalid("into", "into must be the id of a user"));
        }
        let is_checked =
            self.asked.shape >= Shape::V2_16 && !body.boolean("skip_duplicate_validation")?.unwrap_or_default();
        if is_checked && !are_duplicates(&source.fields, &target.fields) {
            let message = "Contacts can only be merged when they are duplicates (matching email or phone). \
                           Pass skip_duplicate_validation=true to override this check.";
            return Err(ApiError::new(400, ErrorCode::InvalidMerge, message));
        }
        let (source_fields, events) = (Fields::clone(&source.fields), source.events.clone());
        let (companies, notes) = (source.companies.clone(), source.notes.clone());
        let email = target.fields.email.clone();
        let mut fields = merged(Fields::clone(&target.fields), source_fields);
        self.count_for_companies(from, false);
        if let Some(contact) = self.contacts.get_mut(from) {
            // They live on in the other contact.
            contact.notes = Vec::new();
            contact.events = Vec::new();
        }
        self.contacts.remove(from, Presence::Merged(into));
        if self.contacts.conflict(&fields, Some(into)).is_some() {
            // Leads may share an address that only one user can have.
            fields.email = email;
        }
        self.contacts.update(into, fields, now);
        self.events.hand_over(from, into, &events);
        for note in &notes {
            if let Some(note) = self.notes[*note as usize].as_mut() {
                note.contact = into;
            }
        }
        if let Some(contact) = self.contacts.get_mut(into) {
            contact.events.extend(events);
            contact.notes.extend(notes);
        }
        for company in companies {
            self.join_company(into, company);
        }
        self.contact_response(into)
    }

    pub(super) fn request_user_deletion(&mut self, body: &[u8]) -> Outcome {
        let body = Body::parse(body)?;
        let id = given("intercom_user_id", body.id("intercom_user_id")?)?;
        let (at, contact) = self.any_contact(&id)?;
        let events = contact.events.clone();
        if matches!(contact.presence, Presence::Active | Presence::Archived) {
            self.remove_contact(at, Presence::Deleted);
        }
        self.events.erase(at, &events);
        self.contacts.forget(at);
        self.deletion_requests += 1;
        Ok(Success::json(&object! { "id": self.deletion_requests }))
    }
}

/// Whether two contacts share an email address or a phone number.
fn are_duplicates(one: &Fields, other: &Fields) -> bool {
    let same_email = one.email.is_some() && one.email_key() == other.email_key();
    same_email || (one.phone.is_some() && one.phone == other.phone)
}

/// What the target of a merge has afterwards: its own values, and the source's where it has none.
fn merged(mut target: Fields, source: Fields) -> Fields {
    fn fill<T>(slot: &mut Option<T>, other: Option<T>) {
        if slot.is_none() {
            *slot = other;
        }
    }
    fill(&mut target.external_id, source.external_id);
    fill(&mut target.email, source.email);
    fill(&mut target.phone, source.phone);
    fill(&mut target.name, source.name);
    fill(&mut target.avatar, source.avatar);
    fill(&mut target.language_override, source.language_override);
    fill(&mut target.owner_id, source.owner_id);
    fill(&mut target.signed_up_at, source.signed_up_at);
    target.last_seen_at = target.last_seen_at.max(source.last_seen_at);
    for (name, value) in source.custom_attributes.iter() {
        if target.custom_attributes.get(name).is_none() {
            target.custom_attributes.push_new(name.to_owned(), value.clone());
        }
    }
    for (tag, applied_at) in source.tags {
        if target.tags.iter().all(|(known, _)| *known != tag) {
            target.tags.push((tag, applied_at));
        }
    }
    target
}
