//! Erasure of people: who they are, and the receipts of what was requested.

use crate::exit::Error;
use chrono::{DateTime, SecondsFormat, Utc};
use intercom_api::ResourceId;
use intercom_delivery::RequestedDeletion;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, Write as _};
use std::path::Path;

/// Somebody who is to be erased. `Debug` shows where they were named, never by what.
#[derive(Clone)]
#[non_exhaustive]
pub struct Person {
    /// The external id.
    pub user_id: Option<String>,
    /// The email.
    pub email: Option<String>,
    /// Where they were named: `line 3`, or `--email 1`.
    pub named: String,
}

impl Person {
    /// Somebody with this external id.
    pub fn with_user_id(user_id: String, named: String) -> Self {
        Self {
            user_id: Some(user_id),
            email: None,
            named,
        }
    }

    /// Somebody with this email.
    pub fn with_email(email: String, named: String) -> Self {
        Self {
            user_id: None,
            email: Some(email),
            named,
        }
    }

    /// What they are identified by.
    pub fn identified_by(&self) -> &'static str {
        match (&self.user_id, &self.email) {
            (Some(_), Some(_)) => "user_id_or_email",
            (Some(_), None) => "user_id",
            _ => "email",
        }
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Person({})", self.named)
    }
}

/// One line of a file of people.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "userId", default)]
    user_id: Option<Id>,
    #[serde(default)]
    email: Option<String>,
}

/// An id, which some systems write as a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Text(String),
    Number(serde_json::Number),
}

/// Reads people: a JSON object a line, with `userId`, `email` or both.
///
/// # Errors
///
/// If a line is something else: then nobody is to be erased, because the file may not be what it was taken for.
pub fn read_people(path: &Path, reader: impl BufRead) -> Result<Vec<Person>, Error> {
    let mut people = Vec::new();
    for (at, line) in reader.lines().enumerate() {
        let line = line.map_err(|source| Error::Open {
            path: path.to_owned(),
            source,
        })?;
        if line.trim().is_empty() {
            continue;
        }
        let named = format!("line {}", at + 1);
        let bad = || {
            let expected = r#"a JSON object with "userId", "email" or both"#;
            Error::Usage(format!("{}, {named}: expected {expected}", path.display()))
        };
        let Line { user_id, email } = serde_json::from_str(&line).map_err(|_| bad())?;
        let user_id = user_id.map(|id| match id {
            Id::Text(text) => text,
            Id::Number(number) => number.to_string(),
        });
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let (user_id, email) = (given(user_id), given(email));
        if user_id.is_none() && email.is_none() {
            return Err(bad());
        }
        people.push(Person { user_id, email, named });
    }
    Ok(people)
}

/// What came of the erasure of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// Intercom has taken the request to delete the contact for good.
    Requested,
    /// The contact was gone when its deletion was requested.
    AlreadyGone,
    /// Intercom has no such contact, not even an archived one.
    NotFound,
    /// It could not be requested.
    Failed,
}

/// One line of the receipts. It holds ids of Intercom and places in the input, and no personal data.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Receipt<'a> {
    /// When, as RFC 3339 in UTC.
    pub at: String,
    /// Which workspace: the base URL of its API.
    pub intercom: &'a str,
    /// Where the person was named.
    pub named: &'a str,
    /// Whether the person is identified by user id, by email, or by whichever is found first.
    pub identified_by: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// Intercom's id of the contact.
    pub contact_id: Option<&'a str>,
    /// Intercom's id of the request for deletion.
    pub request_id: Option<&'a str>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl<'a> Receipt<'a> {
    /// A receipt of this moment for a person in a workspace, without contact.
    pub fn new(intercom: &'a str, person: &'a Person, outcome: Outcome) -> Self {
        let now: DateTime<Utc> = std::time::SystemTime::now().into();
        Self {
            at: now.to_rfc3339_opts(SecondsFormat::Secs, true),
            intercom,
            named: &person.named,
            identified_by: person.identified_by(),
            outcome,
            contact_id: None,
            request_id: None,
            error: None,
        }
    }

    /// The same for a contact whose deletion was requested.
    #[must_use]
    pub fn of(mut self, deletion: &'a RequestedDeletion) -> Self {
        self.contact_id = Some(deletion.contact.as_str());
        self.request_id = deletion.request.as_ref().map(ResourceId::as_str);
        self
    }
}

/// A file of receipts, one JSON object a line.
#[derive(Debug)]
pub struct Receipts(File);

impl Receipts {
    /// Opens the file, to write behind what it holds already.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened or made.
    pub fn open(path: &Path) -> io::Result<Self> {
        OpenOptions::new().append(true).create(true).open(path).map(Self)
    }

    /// Adds receipts, so that they outlast a power cut.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn add(&mut self, receipts: &[Receipt<'_>]) -> io::Result<()> {
        let mut text = Vec::new();
        for receipt in receipts {
            serde_json::to_writer(&mut text, receipt)?;
            text.push(b'\n');
        }
        self.0.write_all(&text)?;
        self.0.sync_data()
    }
}
