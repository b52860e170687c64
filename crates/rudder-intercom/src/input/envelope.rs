//! What stands around an event, and holds for it where the event itself says nothing.

use rudderstack_events::{Object, Raw};
use std::borrow::Cow;

/// What the batch or the request says about its events.
///
/// Of a batch these are `context` (key by key), `integrations` and `sentAt`; of a request, the call that its path names.
/// The `timestamp` of a batch is when it was made, not when its events happened, so it does not count.
#[derive(Clone, Debug, Default)]
pub(super) struct Envelope {
    kind: Option<&'static str>,
    context: Option<Raw<'static>>,
    integrations: Option<Raw<'static>>,
    sent_at: Option<Raw<'static>>,
}

impl Envelope {
    /// What a path of RudderStack's HTTP API says: `/v1/identify` and the like.
    pub(super) fn of_path(path: &str) -> Self {
        const CALLS: [&str; 7] = ["identify", "track", "page", "screen", "group", "alias", "record"];
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        Self {
            kind: CALLS.into_iter().find(|&call| call == last),
            ..Self::default()
        }
    }

    /// What the other entries of a batch say.
    pub(super) fn of_batch(batch: &Object<'_>) -> Self {
        let object = |key| {
            batch
                .get(key)
                .filter(|value| value.object().is_some())
                .map(|value| value.clone().into_owned())
        };
        Self {
            kind: None,
            context: object("context"),
            integrations: object("integrations"),
            sent_at: present(batch, "sentAt").map(|value| value.clone().into_owned()),
        }
    }

    /// What stands before the array of a batch: the start of an object, cut off before the value of its last key.
    pub(super) fn before_batch(start: &[u8]) -> Self {
        let whole = str::from_utf8(start).map(|start| format!("{start}null}}"));
        let Ok(whole) = whole else { return Self::default() };
        serde_json::from_str(&whole)
            .map(|entries| Self::of_batch(&entries))
            .unwrap_or_default()
    }

    /// The event with everything that it lacks. What is no object stays what it is.
    pub(super) fn apply<'e>(&self, event: &'e str) -> Cow<'e, str> {
        let Ok(mut entries) = serde_json::from_str::<Object<'_>>(event) else {
            return Cow::Borrowed(event);
        };
        let absent = |key, value: &Option<Raw<'static>>| value.clone().filter(|_| present(&entries, key).is_none());
        let additions = [
            ("context", self.merged_context(&entries)),
            ("integrations", absent("integrations", &self.integrations)),
            ("sentAt", absent("sentAt", &self.sent_at)),
            ("type", absent("type", &self.kind.and_then(Raw::from_serialize))),
        ];
        let mut changed = false;
        for (key, value) in additions {
            if let Some(value) = value {
                entries.insert(key, value);
                changed = true;
            }
        }
        match serde_json::to_string(&entries) {
            Ok(text) if changed => Cow::Owned(text),
            _ => Cow::Borrowed(event),
        }
    }

    /// The event's own context with what only the batch's has, if that changes anything.
    fn merged_context(&self, event: &Object<'_>) -> Option<Raw<'static>> {
        let ours = self.context.as_ref()?;
        let Some(theirs) = present(event, "context") else {
            return Some(ours.clone());
        };
        let mut merged = theirs.object()?;
        let before = merged.len();
        let ours = ours.object()?;
        for (key, value) in ours.iter().map(|(key, value)| (key.to_owned(), value.borrow())) {
            if merged.get(&key).is_none() {
                merged.insert(key, value);
            }
        }
        (merged.len() > before).then(|| Raw::from_serialize(&merged)).flatten()
    }
}

/// The value under a key, unless it is `null`.
pub(super) fn present<'o, 'a>(object: &'o Object<'a>, key: &str) -> Option<&'o Raw<'a>> {
    object.get(key).filter(|value| !value.is_null())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(text: &str) -> Envelope {
        Envelope::of_batch(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn an_event_gets_what_it_lacks() {
        let envelope =
            batch(r#"{"batch":[],"sentAt":"s","timestamp":"t","context":{"a":1,"b":2},"integrations":{"All":true}}"#);
        assert_eq!(
            envelope.apply(r#"{"type":"track","context":{"b":3}}"#),
            r#"{"type":"track","context":{"b":3,"a":1},"integrations":{"All":true},"sentAt":"s"}"#
        );
        assert_eq!(
            envelope.apply(r#"{"sentAt":null,"integrations":{},"context":null}"#),
            r#"{"sentAt":"s","integrations":{},"context":{"a":1,"b":2}}"#
        );
    }

    #[test]
    fn an_event_that_lacks_nothing_stays_as_it_is() {
        let envelope = batch(r#"{"sentAt":"s","context":{"a":1}}"#);
        for text in [
            r#"{ "sentAt" : "x", "context": {"a":null} }"#,
            "[1]",
            "nonsense",
            r#"{"sentAt":1,"context":7}"#,
        ] {
            assert!(
                matches!(envelope.apply(text), Cow::Borrowed(same) if same == text),
                "{text}"
            );
        }
    }

    #[test]
    fn a_path_names_the_call() {
        for (path, event) in [
            ("/v1/identify", r#"{"type":"identify"}"#),
            ("/v1/track/?x=/v1/page", r#"{"type":"track"}"#),
            ("/v1/batch", "{}"),
            ("/beacon/v1/other", "{}"),
        ] {
            assert_eq!(Envelope::of_path(path).apply("{}"), event, "{path}");
        }
        assert_eq!(
            Envelope::of_path("/v1/page").apply(r#"{"type":"Track"}"#),
            r#"{"type":"Track"}"#
        );
    }

    #[test]
    fn the_start_of_a_batch_is_enough() {
        let envelope = Envelope::before_batch(br#" {"sentAt":"s","batch" : "#);
        assert_eq!(envelope.apply("{}"), r#"{"sentAt":"s"}"#);
        assert_eq!(Envelope::before_batch(b"\xff").apply("{}"), "{}");
    }
}
