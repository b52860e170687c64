//! An event that is under way.

use intercom_api::UnixSeconds;
use intercom_delivery::{FailureRecord, Subject, Superseded};
use serde::{Deserialize, Serialize};
use std::io;
use tokio::sync::OwnedSemaphorePermit;

/// What is kept of an event that is under way.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UnderWay {
    #[serde(skip)]
    pub(super) kind: &'static str,
    pub(super) line: u64,
    pub(super) fingerprint: u64,
    pub(super) received_at: UnixSeconds,
    pub(super) json: Option<Box<str>>,
    pub(super) superseded: Superseded,
    /// Whether it has waited for its contact, who has come.
    pub(super) has_waited: bool,
    #[serde(skip)]
    pub(super) _room: Option<OwnedSemaphorePermit>,
}

impl UnderWay {
    /// Adds what later events have written while it waited.
    pub(super) fn knows(&mut self, known: Option<&(Subject, Superseded)>) {
        if let Some((_, superseded)) = known {
            self.superseded.merge(superseded.clone());
        }
    }

    /// The event as a dead letter; none if its text was not kept.
    pub(super) fn record(&self, mut record: FailureRecord) -> io::Result<Option<FailureRecord>> {
        let Some(json) = self.json.as_deref() else {
            return Ok(None);
        };
        record.line = Some(self.line);
        record.received_at = Some(self.received_at);
        record.superseded = Some(&self.superseded)
            .filter(|superseded| !superseded.is_empty())
            .map(|superseded| Box::new(superseded.clone()));
        Ok(Some(record.with_event(json)?))
    }
}
