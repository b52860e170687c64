//! Notes on contacts.

use super::{Outcome, Success};
use crate::body::{Body, given};
use crate::error::ApiError;
use crate::json::{Seq, object};
use crate::pages::{Numbered, PER_PAGE};
use crate::request::UnixMillis;
use crate::target::Target;
use crate::views::{ADMIN_ID, note_id};
use crate::workspace::{Note, Workspace};
use serde::Serialize;

impl Workspace {
    fn note_view(&self, at: u32) -> Option<impl Serialize + '_> {
        let note = self.notes.get(at as usize)?.as_ref()?;
        Some(object! {
            "type": "note",
            "id": note_id(at),
            "created_at": note.created_at,
            "contact": object! { "type": "contact", "id": self.contact_id(note.contact) },
            "author": super::admins::admin_view(),
            "body": &note.body,
        })
    }

    pub(super) fn create_note(&mut self, contact: &str, body: &[u8], now: UnixMillis) -> Outcome {
        let (contact, _) = self.contact(contact)?;
        let body = Body::parse(body)?;
        let text = given("body", body.text("body")?)?;
        if body.id("admin_id")?.is_some_and(|admin| admin != ADMIN_ID) {
            return Err(ApiError::resource_not_found());
        }
        let at = u32::try_from(self.notes.len()).expect("fewer than four thousand million notes");
        let html = if text.starts_with('<') {
            text.to_owned()
        } else {
            format!("<p>{text}</p>")
        };
        self.notes.push(Some(Note {
            contact,
            body: html.into(),
            created_at: now.seconds(),
        }));
        if let Some(contact) = self.contacts.get_mut(contact) {
            contact.notes.push(at);
        }
        Ok(Success::json(&self.note_view(at)))
    }

    /// The notes of a contact, the latest first.
    pub(super) fn list_contact_notes(&self, target: &Target<'_>) -> Outcome {
        let (_, contact) = self.contact(target.first())?;
        let latest_first: Vec<u32> = contact.notes.iter().rev().copied().collect();
        let url = self.url(&format!("/contacts/{}/notes", target.first()));
        let (shown, pages) = Numbered::from_query(target, PER_PAGE)?.cut(&latest_first, &url);
        Ok(Success::json(&object! {
            "type": "list",
            "data": Seq(|| shown.iter().filter_map(|note| self.note_view(*note))),
            "total_count": latest_first.len(),
            "pages": pages,
        }))
    }

    pub(super) fn retrieve_note(&self, id: &str) -> Outcome {
        let at = id.parse::<u32>().ok().and_then(|number| number.checked_sub(1));
        at.and_then(|at| self.note_view(at))
            .map(|note| Success::json(&note))
            .ok_or_else(ApiError::resource_not_found)
    }
}
