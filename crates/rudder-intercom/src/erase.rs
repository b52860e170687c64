//! Erasure of people: who they are, and the receipts of what was requested.

use crate::exit::Error;
use chrono::{DateTime, SecondsFormat, Utc};
use intercom_api::ResourceId;
use intercom_delivery::RequestedDeletion;
use serde::Serialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, Write as _};
use std::path::Path;

/// Somebody who is to be erased. `Debug` shows where they were named, never by what.
#[derive(Clone)]
pub(crate) struct Person {
    /// The external id.
    pub(crate) user_id: Option<String>,
    /// The email.
    pub(crate) email: Option<String>,
    /// Where they were named: `line 3`, or `--email 1`.
    pub(crate) named: String,
}

impl Person {
    /// Somebody with this external id.
    pub(crate) fn with_user_id(user_id: String, named: String) -> Self {
        Self {
            user_id: Some(user_id),
            email: None,
            named,
        }
    }

    /// Somebody with this email.
    pub(crate) fn with_email(email: String, named: String) -> Self {
        Self {
            user_id: None,
            email: Some(email),
            named,
        }
    }

    /// What they are identified by.
    pub(crate) fn identified_by(&self) -> &'static str {
        match (&self.user_id, &self.email) {
            (Some(_), Some(_)) => "user_id_or_email",
            (Some(_), None) => "user_id",
            _ => "email",
        }
    }
}

exact_json::debug_shows! { Person { named } }

/// What a file of people may hold, for messages.
const EXPECTED: &str =
    r#"expected a JSON object with "userId", "email" or both and nothing else, or requests with "userAttributes""#;

/// Reads people: JSON objects with `userId`, `email` or both, or requests to RudderStack's `/deleteUsers`, one a line or
/// over several.
///
/// # Errors
///
/// If there is anything else, such as an event: then nobody is to be erased, because the file may not be what it was
/// taken for.
pub(crate) fn read_people(path: &Path, mut reader: impl BufRead) -> Result<Vec<Person>, Error> {
    let mut text = String::new();
    reader.read_to_string(&mut text).map_err(Error::open(path))?;
    let mut people = Vec::new();
    let mut values = serde_json::Deserializer::from_str(&text).into_iter::<&RawValue>();
    loop {
        let rest = &text[values.byte_offset()..];
        let start = text.len() - rest.trim_start().len();
        let line = 1 + text[..start].matches('\n').count();
        let bad = |what: &str| Error::Usage(format!("{}, line {line}: {what}", path.display()));
        match values.next() {
            None => return Ok(people),
            Some(Err(_)) => return Err(bad(EXPECTED)),
            Some(Ok(value)) => add_people(value, &format!("line {line}"), &mut people).map_err(bad)?,
        }
    }
}

/// Adds the people of one value of the file.
fn add_people(value: &RawValue, named: &str, people: &mut Vec<Person>) -> Result<(), &'static str> {
    if value.get().starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(value.get()).map_err(|_| EXPECTED)?;
        for (at, item) in items.into_iter().enumerate() {
            add_people(item, &format!("{named}, item {}", at + 1), people)?;
        }
        return Ok(());
    }
    let members: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(value.get()).map_err(|_| EXPECTED)?;
    if let Some(users) = members.get("userAttributes") {
        let users: Vec<BTreeMap<Cow<'_, str>, &RawValue>> = serde_json::from_str(users.get()).map_err(|_| EXPECTED)?;
        for (at, user) in users.iter().enumerate() {
            people.push(person(user, format!("{named}, user {}", at + 1))?);
        }
        return Ok(());
    }
    if members.keys().any(|key| IN_EVENTS.contains(&&**key)) {
        return Err("this is an event, and not somebody to erase; give a file of people instead");
    }
    if members.keys().any(|key| !matches!(&**key, "userId" | "email")) {
        return Err(EXPECTED);
    }
    people.push(person(&members, named.to_owned())?);
    Ok(())
}

/// What events have and people do not.
const IN_EVENTS: &[&str] = &[
    "type",
    "event",
    "messageId",
    "anonymousId",
    "context",
    "traits",
    "properties",
    "originalTimestamp",
    "batch",
];

fn person(members: &BTreeMap<Cow<'_, str>, &RawValue>, named: String) -> Result<Person, &'static str> {
    let (user_id, email) = (id(members.get("userId"))?, id(members.get("email"))?);
    if user_id.is_none() && email.is_none() {
        return Err(EXPECTED);
    }
    Ok(Person { user_id, email, named })
}

/// An id as it is written: some systems write it as a number, of any length. One that is null or empty is none.
fn id(raw: Option<&&RawValue>) -> Result<Option<String>, &'static str> {
    let text = match raw.map(|raw| raw.get()) {
        None | Some("null") => return Ok(None),
        Some(text) => text,
    };
    let id = match text.as_bytes().first() {
        Some(b'"') => serde_json::from_str(text).map_err(|_| EXPECTED)?,
        Some(b'-' | b'0'..=b'9') => text.to_owned(),
        _ => return Err(EXPECTED),
    };
    Ok(Some(id).filter(|id| !id.trim().is_empty()))
}

/// What came of the erasure of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// Intercom has taken the request to delete the contact for good.
    Requested,
    /// The contact was gone when its deletion was requested.
    AlreadyGone,
    /// Intercom has no such contact; see `archived_by_email`.
    NotFound,
    /// Several contacts have the email, so none was touched.
    Ambiguous,
    /// It could not be requested.
    Failed,
}

/// One line of the receipts. It holds ids of Intercom and places in the input, and no personal data.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Receipt<'a> {
    /// When, as RFC 3339 in UTC.
    pub(crate) at: String,
    /// Which workspace: the base URL of its API.
    pub(crate) intercom: &'a str,
    /// Where the person was named.
    pub(crate) named: &'a str,
    /// Whether the person is identified by user id, by email, or by whichever is found first.
    pub(crate) identified_by: &'static str,
    /// What came of it.
    pub(crate) outcome: Outcome,
    /// Intercom's id of the contact.
    pub(crate) contact_id: Option<&'a str>,
    /// Intercom's id of the request for deletion.
    pub(crate) request_id: Option<&'a str>,
    /// Of one not found: `not_looked_for` if there may be an archived contact with the email.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) archived_by_email: Option<&'static str>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

impl<'a> Receipt<'a> {
    /// A receipt of this moment for a person in a workspace, without contact.
    pub(crate) fn new(intercom: &'a str, person: &'a Person, outcome: Outcome) -> Self {
        let now: DateTime<Utc> = std::time::SystemTime::now().into();
        Self {
            at: now.to_rfc3339_opts(SecondsFormat::Secs, true),
            intercom,
            named: &person.named,
            identified_by: person.identified_by(),
            outcome,
            contact_id: None,
            request_id: None,
            archived_by_email: None,
            error: None,
        }
    }

    /// The same for a contact whose deletion was requested.
    #[must_use]
    pub(crate) fn of(mut self, deletion: &'a RequestedDeletion) -> Self {
        self.contact_id = Some(deletion.contact.as_str());
        self.request_id = deletion.request.as_ref().map(ResourceId::as_str);
        self
    }
}

/// A file of receipts, one JSON object a line.
#[derive(Debug)]
pub(crate) struct Receipts(File);

impl Receipts {
    /// Opens the file, to write behind what it holds already.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened or made.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        OpenOptions::new().append(true).create(true).open(path).map(Self)
    }

    /// Adds receipts, so that they outlast a power cut.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub(crate) fn add(&mut self, receipts: &[Receipt<'_>]) -> io::Result<()> {
        let mut text = Vec::new();
        for receipt in receipts {
            serde_json::to_writer(&mut text, receipt)?;
            text.push(b'\n');
        }
        self.0.write_all(&text)?;
        self.0.sync_data()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Parts = (Option<String>, Option<String>, String);

    fn read(text: &str) -> Result<Vec<Parts>, String> {
        let people = read_people(Path::new("people"), text.as_bytes()).map_err(|error| error.report())?;
        let parts = |person: Person| (person.user_id, person.email, person.named);
        Ok(people.into_iter().map(parts).collect())
    }

    #[test]
    fn people_are_read_from_lines_and_from_requests() {
        let some = |text: &str| Some(text.to_owned());
        let text = "{\"userId\":123456789012345678901234567890}\n\n{\"email\":\"a@b.c\",\"userId\":null}\n\
            [{\"jobId\":\"1\",\"destType\":\"intercom_v2\",\n\"userAttributes\":[{\"userId\":\"u\",\"phone\":\"1\"}]}]";
        assert_eq!(
            read(text).unwrap(),
            [
                (some("123456789012345678901234567890"), None, "line 1".to_owned()),
                (None, some("a@b.c"), "line 3".to_owned()),
                (some("u"), None, "line 4, item 1, user 1".to_owned()),
            ]
        );
    }

    #[test]
    fn a_file_of_anything_else_is_refused() {
        for (text, reason) in [
            (
                "{\"userId\":\"a\"}\n{\"type\":\"track\",\"userId\":\"u\"}",
                "people, line 2: this is an event",
            ),
            ("{\"userId\":\"u\",\"traits\":{}}", "line 1: this is an event"),
            ("{\"batch\":[]}", "line 1: this is an event"),
            ("{\"userId\":\"u\",\"name\":\"Ann\"}", "line 1: expected"),
            ("{\"userId\":\"u\"", "line 1: expected"),
            ("{\"userId\":true}", "line 1: expected"),
            ("{\"userId\":\" \"}", "line 1: expected"),
            ("[{\"userAttributes\":[{}]}]", "line 1: expected"),
            ("a@example.org", "line 1: expected"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(reason) && !error.contains("Ann"), "{text}: {error}");
        }
    }
}
