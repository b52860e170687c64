//! Dead letters, and which of them are meant.

use intercom_api::UnixSeconds;
use intercom_delivery::FailureRecord;
use rusqlite::Row;
use rusqlite::types::{ToSql, Type};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// How long it can be undone that dead letters were dropped by hand, in milliseconds.
pub(super) const KEPT_DROPPED: i64 = 5 * 60 * 1_000;

/// What is read of a dead letter, besides its event and the event's number.
pub(super) const COLUMNS: &str = "id, at, received_at, kind, code, event_type, user_id, message_id, detail";

/// An event that could not be delivered. `Debug` shows its number and the reason only.
#[derive(Clone, Serialize)]
#[non_exhaustive]
pub struct DeadLetter {
    /// Its number.
    pub id: i64,
    /// The number that its event came in with, under which its history is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_number: Option<i64>,
    /// When it became a dead letter, in Unix milliseconds.
    pub at: i64,
    /// When it was put into the queue, in Unix milliseconds.
    pub received_at: i64,
    /// `rejected` or `failed`.
    pub kind: String,
    /// The reason.
    pub code: String,
    /// What kind of event it is.
    pub event_type: Option<String>,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Its `messageId`.
    pub message_id: Option<String>,
    /// What else is known of the reason.
    pub detail: FailureRecord,
    /// The event, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Box<RawValue>>,
}

impl DeadLetter {
    /// The same as a line of a file of dead letters, which can be sent again with its event.
    pub fn into_record(self) -> FailureRecord {
        let mut record = self.detail;
        record.version = Some(FailureRecord::VERSION);
        record.code = self.code;
        record.received_at = Some(UnixSeconds(self.received_at / 1_000));
        if let Some(event) = self.event {
            record.set_event(event);
        }
        record
    }
}

exact_json::debug_shows! { DeadLetter { id, code } }

/// Which dead letters are meant: those to which everything applies that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Filter {
    /// These numbers only; all, if there are none.
    pub ids: Vec<i64>,
    /// Those of the events that came in with these numbers only; all, if there are none.
    pub events: Vec<i64>,
    /// These reasons only; all, if there are none.
    pub codes: Vec<String>,
    /// This user id.
    pub user_id: Option<String>,
    /// Dead since then, in Unix milliseconds.
    pub since: Option<i64>,
    /// Dead before then, in Unix milliseconds.
    pub until: Option<i64>,
    /// With a number below this one.
    pub before_id: Option<i64>,
}

impl Filter {
    /// All of them.
    pub fn all() -> Self {
        Self::default()
    }

    /// This one only.
    pub fn one(id: i64) -> Self {
        Self {
            ids: vec![id],
            ..Self::default()
        }
    }

    pub(super) fn condition<'a>(&'a self) -> (String, Vec<&'a dyn ToSql>) {
        let mut parts = vec!["1".to_owned()];
        let mut values: Vec<&dyn ToSql> = Vec::new();
        let places = |count| vec!["?"; count].join(", ");
        if !self.ids.is_empty() {
            parts.push(format!("id IN ({})", places(self.ids.len())));
            values.extend(self.ids.iter().map(|id| id as &dyn ToSql));
        }
        if !self.events.is_empty() {
            parts.push(format!("event IN ({})", places(self.events.len())));
            values.extend(self.events.iter().map(|event| event as &dyn ToSql));
        }
        if !self.codes.is_empty() {
            parts.push(format!("code IN ({})", places(self.codes.len())));
            values.extend(self.codes.iter().map(|code| code as &dyn ToSql));
        }
        let mut add = |part: &str, value: Option<&'a dyn ToSql>| {
            if let Some(value) = value {
                parts.push(part.to_owned());
                values.push(value);
            }
        };
        add("user_id = ?", self.user_id.as_ref().map(|value| value as _));
        add("at >= ?", self.since.as_ref().map(|value| value as _));
        add("at < ?", self.until.as_ref().map(|value| value as _));
        add("id < ?", self.before_id.as_ref().map(|value| value as _));
        (parts.join(" AND "), values)
    }
}

/// Reads a dead letter.
pub(super) fn dead_letter(row: &Row<'_>) -> rusqlite::Result<DeadLetter> {
    Ok(DeadLetter {
        id: row.get(0)?,
        at: row.get(1)?,
        received_at: row.get(2)?,
        kind: row.get(3)?,
        code: row.get(4)?,
        event_type: row.get(5)?,
        user_id: row.get(6)?,
        message_id: row.get(7)?,
        detail: from_json(row.get_ref(8)?.as_str()?)?,
        event: row.get::<_, Option<String>>(9)?.map(raw).transpose()?,
        event_number: row.get(10)?,
    })
}

pub(super) fn raw(json: String) -> rusqlite::Result<Box<RawValue>> {
    RawValue::from_string(json).map_err(unreadable)
}

/// Writes what is kept as JSON.
pub(super) fn json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// Reads what is kept as JSON.
pub(super) fn from_json<T: DeserializeOwned>(json: &str) -> rusqlite::Result<T> {
    serde_json::from_str(json).map_err(unreadable)
}

fn unreadable(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into())
}
