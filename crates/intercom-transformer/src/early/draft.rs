//! How an event is kept that has to wait for its contact.

use crate::early::access::Access;
use crate::jobs::Job;
use event_store::{About, Awaited, CompleteEvent, EarlyEvent, MessageKey, Store, Target, Undelivered};
use intercom_delivery::{DeliveryResult, FailureRecord, Outcome};

/// All that is kept of an event, until it is known whether it has to be. `Debug` shows its type only.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    store: Store,
    event: CompleteEvent,
    at: i64,
    target: Target,
    about: About,
}

impl Draft {
    /// That of a job; none, if its event cannot be written.
    pub(crate) fn of(store: &Store, job: &Job<'_>) -> Option<Self> {
        let access = Access::of(job);
        let json = serde_json::to_string(job.message).ok()?;
        let about = About::from(job.message);
        let id = about.message_id.as_deref().unwrap_or(&json);
        let key = MessageKey::of(access.destination_id, id);
        Some(Self {
            store: store.clone(),
            at: job.converted_at.0.saturating_mul(1_000),
            target: access.target(),
            event: CompleteEvent::new(json, key),
            about,
        })
    }

    /// The event as it is kept, and where, if this outcome says that it waits for its contact.
    pub(crate) fn event(self, outcome: &Outcome) -> Option<(Store, EarlyEvent)> {
        let awaited = awaited(outcome, &self.about)?;
        Some((self.store, EarlyEvent::new(self.event, self.at, self.target, awaited)))
    }
}

/// What an event waits for, if it waits for its contact.
pub(crate) fn awaited(outcome: &Outcome, about: &About) -> Option<Awaited> {
    let awaits = outcome.awaits.as_ref()?;
    let mut awaited = Awaited::new(awaits.keys.clone());
    awaited.saved_company.clone_from(&awaits.submission.saved_company);
    if let DeliveryResult::Failed(failed) = &outcome.result {
        let failure = FailureRecord::from(&**failed);
        awaited.otherwise = Some(Box::new(Undelivered::new(failure, about.clone())));
    }
    Some(awaited)
}
