//! Events of one name, user and second, of which Intercom keeps the first.

use crate::input::Received;
use intercom_api::DataEvent;
use rudderstack_events::MessageId;
use rudderstack_to_intercom::Plan;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// The code of an event that Intercom drops, because it has another one of that name, user and second.
pub(crate) const SAME_SECOND: &str = "same_second";

/// How many events are remembered at least: what fills a hash table of a megabyte. Those of one second usually stand near
/// each other.
const REMEMBERED: usize = 7 << 13;

/// A data event, as hashes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// Its name, user and second.
    key: u64,
    /// Which of those it is: one that is sent again is a repeat, and nothing is lost.
    message: u64,
    pub(super) line: u64,
}

impl Moment {
    /// Of what a plan submits; none, if that is no data event.
    pub(crate) fn of_plan(plan: &Plan, received: &Received<'_>, hasher: &RandomState) -> Option<Self> {
        let Plan::SubmitEvent(event) = plan else { return None };
        let message_id = received.event.common().message_id.ok();
        let message_id = message_id.as_ref().map(MessageId::as_str);
        Some(Self::of(event, message_id, received.line, hasher))
    }

    /// Of an event, with its `messageId` if it has one.
    fn of(event: &DataEvent, message_id: Option<&str>, line: u64, hasher: &RandomState) -> Self {
        let user = (event.id.as_ref(), event.user_id.as_ref());
        // Whoever is named by an id is not told apart by an email.
        let email = match user {
            (None, None) => event.email.as_ref().map(|email| email.to_lowercase()),
            _ => None,
        };
        let message = match message_id {
            Some(id) => hasher.hash_one(id),
            None => hasher.hash_one(serde_json::to_vec(event).unwrap_or_default()),
        };
        Self {
            key: hasher.hash_one((&event.event_name, event.created_at.map(|time| time.0), user, email)),
            message,
            line,
        }
    }
}

/// The latest events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moments {
    now: HashMap<u64, u64>,
    before: HashMap<u64, u64>,
}

impl Moments {
    /// Whether Intercom has another event of that name, user and second already.
    pub(crate) fn is_taken(&mut self, moment: Moment) -> bool {
        let known = self.now.get(&moment.key).or_else(|| self.before.get(&moment.key));
        if let Some(message) = known {
            return *message != moment.message;
        }
        if self.now.len() >= REMEMBERED {
            self.before = std::mem::take(&mut self.now);
        }
        self.now.insert(moment.key, moment.message);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use intercom_api::UnixSeconds;

    #[test]
    fn only_another_event_of_the_same_second_is_lost() {
        let hasher = RandomState::new();
        let mut moments = Moments::default();
        let mut is_taken = |name: &str, second: i64, email: &str, message: Option<&str>| {
            let mut event = DataEvent::new(name);
            event.created_at = Some(UnixSeconds(second));
            event.email = Some(email.to_owned());
            moments.is_taken(Moment::of(&event, message, 1, &hasher))
        };
        assert!(!is_taken("Seen", 1, "ann@example.com", Some("m-1")));
        assert!(!is_taken("Seen", 1, "ann@example.com", Some("m-1")));
        assert!(is_taken("Seen", 1, "Ann@example.com", Some("m-2")));
        assert!(is_taken("Seen", 1, "ann@example.com", None));
        assert!(!is_taken("Seen", 2, "ann@example.com", None));
        assert!(!is_taken("Seen", 2, "ann@example.com", None));
        assert!(!is_taken("Bought", 1, "ann@example.com", Some("m-3")));
        assert!(!is_taken("Seen", 1, "ben@example.com", Some("m-4")));
    }
}
