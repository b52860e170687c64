//! What outlasts a run: failures that could be replayed.

use crate::codes::FailureCode;
use crate::engine::Failed;
use crate::superseded::Superseded;
use intercom_api::UnixSeconds;
use rudderstack_to_intercom::RejectionCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use strum::IntoEnumIterator as _;

/// An event that was not delivered, and why: a line of a file of dead letters, and what a store keeps of such an event.
///
/// Serialises to one JSON object. Everything but the event and the code may be missing from it, so that records of
/// earlier releases can be read. `Debug` shows no values of the event.
#[derive(Clone, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FailureRecord {
    /// The version of the format that it is written in: [`VERSION`](Self::VERSION) in a file, none in a record of an
    /// earlier release, or one that is kept elsewhere.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The event, as it was received.
    #[serde(default, with = "exact_json::option", skip_serializing_if = "Option::is_none")]
    pub event: Option<Box<RawValue>>,
    /// Why: the name of a [`FailureCode`] or a [`RejectionCode`], or of what is wrong with the event's JSON.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub code: String,
    /// The same in a sentence.
    #[serde(default, alias = "message", skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// The JSON pointer of what is wrong with the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The operation that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The HTTP status of its last response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Intercom's own code of the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intercom_code: Option<String>,
    /// Intercom's name of the last request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The custom attribute that the workspace does not have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    /// How often the call was tried.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempts: u32,
    /// How many calls were made for the event.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub calls: u32,
    /// The line of the input that the event begins in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The time of an event that names none itself, so that sending it again is a repeat and not another event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received_at: Option<UnixSeconds>,
    /// What later events have written meanwhile: it is left out when the event is sent again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded: Option<Box<Superseded>>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl FailureRecord {
    /// The newest version of the format that can be read.
    pub const VERSION: u32 = 1;

    /// Whether only a newer release can read it.
    pub fn is_too_new(&self) -> bool {
        self.version.is_some_and(|version| version > Self::VERSION)
    }

    /// A record of which only the code is known.
    pub fn new(code: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            ..Self::default()
        }
    }

    /// An event that can never be delivered as it is; `path` is the JSON pointer of what is wrong with it.
    pub fn rejected(code: impl Into<String>, path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            path: Some(path.into()).filter(|path| !path.is_empty()),
            reason: reason.into(),
            ..Self::default()
        }
    }

    /// The same with the event's JSON text.
    ///
    /// # Errors
    ///
    /// If it is not JSON.
    pub fn with_event(mut self, json: &str) -> Result<Self, serde_json::Error> {
        self.set_event(serde_json::from_str(json)?);
        Ok(self)
    }

    /// Sets the event, in one line: a line break in JSON is never part of a value.
    pub fn set_event(&mut self, event: Box<RawValue>) {
        let line = event.get().replace(['\n', '\r'], " ");
        self.event = Some(RawValue::from_string(line).unwrap_or(event));
    }

    /// Whether this is the code of a failure or a rejection.
    pub fn is_code(code: &str) -> bool {
        Self::codes().any(|known| known == code)
    }

    /// The codes that a delivery or a conversion can fail with.
    pub fn codes() -> impl Iterator<Item = &'static str> {
        FailureCode::iter()
            .map(FailureCode::as_str)
            .chain(RejectionCode::iter().map(RejectionCode::as_str))
    }
}

impl From<&Failed> for FailureRecord {
    fn from(failed: &Failed) -> Self {
        Self {
            code: failed.code.as_str().to_owned(),
            reason: failed.to_string(),
            operation: failed.operation.map(|operation| operation.as_str().to_owned()),
            status: failed.status,
            intercom_code: failed.intercom_code.clone(),
            request_id: failed.request_id.clone(),
            attribute: failed.attribute.clone(),
            attempts: failed.attempts,
            calls: failed.calls,
            ..Self::default()
        }
    }
}

exact_json::debug_shows! { FailureRecord { code, line, .. } }

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> FailureRecord {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn records_of_earlier_releases_can_be_read() {
        let dead_letter = read(
            r#"{"event":{"type":"track"},"code":"timeout","reason":"r","operation":"submit_data_event",
                "request_id":null,"attempts":3,"line":7}"#,
        );
        assert_eq!(
            (dead_letter.code.as_str(), dead_letter.line, dead_letter.attempts),
            ("timeout", Some(7), 3)
        );
        assert_eq!(dead_letter.received_at, None);
        let detail = read(r#"{"path":"/event","message":"m"}"#);
        assert_eq!((detail.path.as_deref(), detail.reason.as_str()), (Some("/event"), "m"));
    }

    #[test]
    fn records_of_newer_releases_are_known_as_such() {
        assert!(read(r#"{"v":2,"event":{},"code":"x","more":1}"#).is_too_new());
        assert!(!read(r#"{"v":1,"event":{},"code":"x"}"#).is_too_new());
        assert!(!read(r#"{"event":{},"code":"x"}"#).is_too_new());
    }

    #[test]
    fn a_record_is_one_line_whatever_the_event_looks_like() {
        let record = FailureRecord::new("timeout")
            .with_event("{\n \"a\": \"b\\n\"\r\n}\n")
            .unwrap();
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(text, r#"{"event":{  "a": "b\n"  },"code":"timeout"}"#);
        assert!(!format!("{record:?}").contains("\"a\""));
    }

    #[test]
    fn the_codes_of_failures_and_rejections_are_known() {
        for code in ["unknown_contact", "timeout", "missing_event_name"] {
            assert!(FailureRecord::is_code(code), "{code}");
        }
        assert!(!FailureRecord::is_code("rate_limit"));
    }
}
