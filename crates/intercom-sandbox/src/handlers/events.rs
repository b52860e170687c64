//! Data events: submit, list, summarise.

use super::{Outcome, Success};
use crate::body::{Body, given};
use crate::error::ApiError;
use crate::json::{NULL, Seq, object};
use crate::pages::{Numbered, PER_PAGE};
use crate::store::contacts::{Contact, Key};
use crate::store::events::{Event, Submitted, Summary};
use crate::target::Target;
use crate::workspace::Workspace;
use intercom_api::{Attributes, ErrorCode, Number, Value, limits};
use serde::Serialize;
use serde_json::value::RawValue;

/// Seconds since 1970 from which on a number must be meant in milliseconds: the year 10000.
const TOO_LATE: i64 = 253_402_300_800;

/// A time of an event: whole seconds.
fn event_time(name: &str, value: Option<&Value>) -> Result<i64, ApiError> {
    let value = match value {
        None | Some(Value::Null) => return Err(ApiError::missing(name, format!("{name} must be given"))),
        Some(Value::Number(number)) => Number::as_i64(number),
        Some(Value::String(text)) => text.parse().ok(),
        Some(_) => None,
    };
    value
        .filter(|seconds| (0..TOO_LATE).contains(seconds))
        .ok_or_else(|| ApiError::invalid(name, format!("{name} must be a time in whole seconds since 1970")))
}

fn too_many_names(max: usize) -> ApiError {
    ApiError::new(
        400,
        ErrorCode::ParameterInvalid,
        format!("Cannot have more than {max} active event names"),
    )
}

/// The metadata that are kept, as JSON text.
fn kept_metadata(metadata: &Attributes) -> Option<Box<str>> {
    if metadata.is_empty() {
        return None;
    }
    let kept: Attributes = metadata
        .iter()
        .take(limits::EVENT_METADATA_KEYS)
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect();
    serde_json::to_string(&kept).ok().map(String::into_boxed_str)
}

impl Workspace {
    /// The contact that an event names: by `id`, else `user_id`, else `email`; the first that there is. Only a user goes by
    /// the email.
    fn event_contact(&self, user_id: Option<&str>, email: Option<&str>, id: Option<&str>) -> Result<u32, ApiError> {
        let by_id = || self.contact(id?).ok().map(|(at, _)| at);
        let by_user_id = || self.contacts.by_identity(Key::ExternalId, user_id?);
        let by_email = || self.contacts.user_by_email(&email?.to_lowercase());
        by_id()
            .or_else(by_user_id)
            .or_else(by_email)
            .ok_or_else(ApiError::contact_not_found)
    }

    pub(super) fn submit_event(&mut self, body: &[u8]) -> Outcome {
        let body = Body::parse(body)?;
        let name = given("event_name", body.text("event_name")?.filter(|name| !name.is_empty()))?;
        let created_at = event_time("created_at", body.get("created_at"))?;
        let (user_id, email, id) = (body.id("user_id")?, body.text("email")?, body.id("id")?);
        if user_id.is_none() && email.is_none() && id.is_none() {
            return Err(ApiError::missing("user_id", "user_id, email or id must be given"));
        }
        let metadata = body.object("metadata")?;
        let contact = self.event_contact(user_id.as_deref(), email, id.as_deref())?;
        let kept = || metadata.and_then(kept_metadata);
        match self.events.submit(contact, name, created_at, kept) {
            Submitted::TooManyNames => return Err(too_many_names(self.settings.max_event_names)),
            Submitted::New(Some(at)) => {
                if let Some(contact) = self.contacts.get_mut(contact) {
                    contact.events.push(at);
                }
            }
            Submitted::New(None) | Submitted::Repeat => {}
        }
        Ok(Success::empty(202))
    }

    /// `GET /events`: the events of a contact, the latest first, or their summary.
    pub(super) fn list_events(&self, target: &Target<'_>) -> Outcome {
        if target.query("type").as_deref() != Some("user") {
            return Err(ApiError::invalid("type", "type must be user"));
        }
        let [user_id, email, id] = ["user_id", "email", "intercom_user_id"].map(|name| target.query(name));
        if user_id.is_none() && email.is_none() && id.is_none() {
            let message = "user_id, email or intercom_user_id must be given";
            return Err(ApiError::missing("user_id", message));
        }
        let at = self.event_contact(user_id.as_deref(), email.as_deref(), id.as_deref())?;
        let contact = self.contacts.get(at).ok_or_else(ApiError::contact_not_found)?;
        let fields = &contact.fields;
        let pages = object! { "next": NULL };
        if target.query("summary").as_deref() == Some("true") {
            let summaries = || {
                self.events.summaries(at).map(|(name, summary)| {
                    let Summary { first, last, count } = summary;
                    object! { "name": name.to_owned(), "first": iso_8601(first), "last": iso_8601(last), "count": count }
                })
            };
            return Ok(Success::json(&object! {
                "type": "event.summary",
                "events": Seq(summaries),
                "pages": pages,
                "email": &fields.email,
                "intercom_user_id": self.contact_id(at),
                "user_id": &fields.external_id,
            }));
        }
        let latest_first: Vec<u32> = contact.events.iter().rev().copied().collect();
        let url = self.url(&format!("/events?type=user&intercom_user_id={}", self.contact_id(at)));
        let (shown, pages) = Numbered::from_query(target, PER_PAGE)?.cut(&latest_first, &url);
        let events = || {
            let events = shown.iter().filter_map(|event| self.events.get(*event));
            events.map(|event| self.event_view(event, at, contact))
        };
        Ok(Success::json(
            &object! { "type": "event.list", "events": Seq(events), "pages": pages },
        ))
    }

    /// A kept event.
    pub(crate) fn event_view<'a>(
        &'a self,
        event: &'a Event,
        at: u32,
        contact: &'a Contact,
    ) -> impl Serialize + use<'a> {
        let metadata = event.metadata.as_deref().unwrap_or("{}");
        object! {
            "type": "event",
            "event_name": self.events.name(event.name),
            "created_at": event.created_at,
            "user_id": &contact.fields.external_id,
            "email": &contact.fields.email,
            "intercom_user_id": self.contact_id(at),
            "metadata": serde_json::from_str::<&RawValue>(metadata).ok(),
        }
    }

    /// `POST /events/summaries`: events that happened before and are known by their number.
    pub(super) fn summarise_events(&mut self, body: &[u8]) -> Outcome {
        let body = Body::parse(body)?;
        let user_id = given("user_id", body.id("user_id")?)?;
        let summaries = given("event_summaries", body.object("event_summaries")?)?;
        let name = summaries.get("event_name").and_then(Value::as_str);
        let name = given("event_name", name.filter(|name| !name.is_empty()))?;
        let first = event_time("first", summaries.get("first"))?;
        let last = event_time("last", summaries.get("last"))?;
        let count = match summaries.get("count") {
            Some(Value::Number(number)) => number.as_i64().and_then(|count| u64::try_from(count).ok()),
            _ => None,
        };
        let count = count.ok_or_else(|| ApiError::invalid("count", "count must be a whole number"))?;
        let contact = self.event_contact(Some(&user_id), None, None)?;
        if !self.events.add_summary(contact, name, Summary { first, last, count }) {
            return Err(too_many_names(self.settings.max_event_names));
        }
        Ok(Success::empty(200))
    }
}

/// A moment as summaries of events show it: `2014-01-16T23:12:21.000+00:00`.
fn iso_8601(seconds: i64) -> String {
    let moment = chrono::DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    moment.to_rfc3339_opts(chrono::SecondsFormat::Millis, false)
}

#[cfg(test)]
mod tests {
    #[test]
    fn moments_are_written_as_intercom_does() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000+00:00"),
            (951_782_399, "2000-02-28T23:59:59.000+00:00"),
            (951_782_400, "2000-02-29T00:00:00.000+00:00"),
            (951_868_800, "2000-03-01T00:00:00.000+00:00"),
            (1_389_914_541, "2014-01-16T23:22:21.000+00:00"),
            (1_735_689_599, "2024-12-31T23:59:59.000+00:00"),
            (4_107_542_400, "2100-03-01T00:00:00.000+00:00"),
        ] {
            assert_eq!(super::iso_8601(seconds), text);
        }
    }
}
