//! The body of `POST /v1/batch`: several events in one request.

use crate::context::Context;
use crate::error::ParseError;
use crate::event::Event;
use crate::field::object_model;
use crate::integrations::Integrations;
use crate::json::Raw;
use crate::time::Timestamp;

object_model! {
    /// Several events that an SDK sends in one request.
    pub struct Batch<'a> {
        /// The events, each as it was received.
        batch: Vec<Raw<'a>> = "batch",
        /// The circumstances of all of them.
        context: Context<'a> = "context",
        /// The destinations of all of them.
        integrations: Integrations<'a> = "integrations",
        /// When the batch was made, by the sender's clock.
        timestamp: Timestamp<'a> = "timestamp",
        /// When it was sent, by the sender's clock.
        sent_at: Timestamp<'a> = "sentAt",
    }
}

impl Batch<'_> {
    /// Calls `each` with every event, or with what is wrong with it; one bad event does not stop the others.
    pub fn for_each_event(&self, mut each: impl FnMut(usize, Result<Event<'_>, ParseError>)) {
        for (index, raw) in self.batch.ok().unwrap_or_default().iter().enumerate() {
            each(index, Event::from_json(raw.json()));
        }
    }
}
