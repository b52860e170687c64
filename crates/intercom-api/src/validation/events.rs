//! Data events.

use super::{Checks, is_given};
use crate::{DataEvent, ExternalId, SummariseDataEvents};
use validator::{Validate, ValidationErrors};

impl Validate for DataEvent {
    /// Checks the name, the time and whom it is about.
    fn validate(&self) -> Result<(), ValidationErrors> {
        let texts = [self.user_id.as_ref().map(ExternalId::as_str), self.email.as_deref()];
        let identified = texts.into_iter().any(is_given) || self.id.is_some();
        Checks::new()
            .that(!self.event_name.is_empty(), "event_name", "empty")
            .that(self.created_at.is_some(), "created_at", "missing")
            .that(identified, "user_id", "missing_identity")
            .finish()
    }
}

impl Validate for SummariseDataEvents {
    /// Checks that the event is named.
    fn validate(&self) -> Result<(), ValidationErrors> {
        let named = is_given(self.event_summaries.event_name.as_deref());
        Checks::new().that(named, "event_name", "empty").finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EventSummary, EventsOf, ListDataEvents, SubmitDataEvent};

    #[test]
    fn an_event_has_a_name_a_time_and_somebody() {
        assert_eq!(DataEvent::new("").validate().unwrap_err().errors().len(), 3);
        let nobody = DataEvent::new("").with_user_id("").with_email("");
        assert_eq!(nobody.validate().unwrap_err().errors().len(), 3);
        let event = DataEvent::new("opened-door").with_created_at(7).with_id(5);
        // Intercom ignores what comes after the tenth, and takes the event.
        let event = event.with_metadata((0..11).map(|n| (n.to_string(), n)));
        assert!(SubmitDataEvent::new(event).validate().is_ok());
        assert!(
            SummariseDataEvents::new("ann-1", EventSummary::new())
                .validate()
                .is_err()
        );
        let list = ListDataEvents::new(EventsOf::UserId("ann-1".into()));
        assert!(list.validate().is_ok() && list.with_per_page(200).validate().is_err());
    }
}
