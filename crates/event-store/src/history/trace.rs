//! By what an event is found again, once it is gone: hashes, and what says nothing of anybody.

use memchr::memmem::Finder;
use rudderstack_events::scan::Cursor;
use rudderstack_events::{EventType, Object, Raw, Scalar};
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;
use strum::IntoEnumIterator as _;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// How many keys an event has at most.
const MOST_KEYS: usize = 7;
/// The longest name of an event that is kept, in bytes. Intercom's own are at most 120 characters long.
const LONGEST_NAME: usize = 120;
/// How many bytes a key has: of a million events, two of different people share a key about once in five hundred stores.
pub(super) const KEY_BYTES: usize = 6;

/// What stands for an id, an email address or a `messageId`: 48 bits of a hash that is another one in every store.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceKey(u64);

impl TraceKey {
    fn of(seed: u64, kind: u8, value: &str) -> Self {
        // Kinds differ by their seed, so that the value need not be copied.
        let hash = xxh3_64_with_seed(
            value.as_bytes(),
            seed ^ u64::from(kind).wrapping_mul(0x9E37_79B9_7F4A_7C15),
        );
        Self(hash >> 16)
    }

    pub(super) fn bytes(self) -> [u8; KEY_BYTES] {
        let mut bytes = [0; KEY_BYTES];
        bytes.copy_from_slice(&self.0.to_le_bytes()[..KEY_BYTES]);
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Self {
        let mut whole = [0; 8];
        whole[..bytes.len().min(KEY_BYTES)].copy_from_slice(&bytes[..bytes.len().min(KEY_BYTES)]);
        Self(u64::from_le_bytes(whole))
    }
}

/// Twelve hexadecimal digits.
impl fmt::Display for TraceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012x}", self.0)
    }
}

impl fmt::Debug for TraceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for TraceKey {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(|key| Self(key & 0xFFFF_FFFF_FFFF))
    }
}

const USER: u8 = 1;
const ANONYMOUS: u8 = 2;
const EMAIL: u8 = 3;
const MESSAGE: u8 = 4;

/// The keys that an event may have which has this text as a user id, an anonymous id, an email address or a `messageId`.
pub(super) fn keys_of(seed: u64, text: &str) -> Vec<TraceKey> {
    let text = text.trim();
    let mut keys = [USER, ANONYMOUS, MESSAGE]
        .map(|kind| TraceKey::of(seed, kind, text))
        .to_vec();
    keys.push(TraceKey::of(seed, EMAIL, &text.to_lowercase()));
    keys
}

/// The keys of people, whatever the store.
#[derive(Default)]
pub(crate) struct PersonKeys {
    keys: HashSet<TraceKey>,
    /// Email addresses of people who have a user id: they are theirs unless another user has them.
    emails: HashSet<TraceKey>,
}

impl PersonKeys {
    /// Adds somebody with this user id, this email address, or both.
    pub(crate) fn add(&mut self, user_id: Option<&str>, email: Option<&str>) {
        let (id, email) = (user_id.map(user_key), email.map(email_key));
        match id {
            Some(_) => self.emails.extend(email),
            None => self.keys.extend(email),
        }
        self.keys.extend(id);
    }

    /// Whether an event is one of theirs, by its JSON text.
    pub(crate) fn are_of(&self, json: &str) -> bool {
        let Ok(event) = Object::from_json(json) else {
            return false;
        };
        let trace = Trace::of_entries(0, &event, json);
        let has = |keys: &HashSet<TraceKey>| trace.keys().iter().any(|key| keys.contains(key));
        let is_of_user = || event.get("userId").and_then(id).is_some();
        has(&self.keys) || (has(&self.emails) && !is_of_user())
    }

    /// Whether a contact is one of theirs, by its user id and its email address.
    pub(crate) fn have(&self, user_id: Option<&str>, email: Option<&str>) -> bool {
        let is_theirs = |key| self.keys.contains(&key);
        let email = email.map(email_key);
        user_id.map(user_key).is_some_and(is_theirs)
            || email.is_some_and(|email| is_theirs(email) || (user_id.is_none() && self.emails.contains(&email)))
    }
}

fn user_key(id: &str) -> TraceKey {
    TraceKey::of(0, USER, id.trim())
}

fn email_key(email: &str) -> TraceKey {
    TraceKey::of(0, EMAIL, &email.trim().to_lowercase())
}

/// What is kept of an event. `Debug` shows its type only.
#[derive(Clone, Default)]
pub struct Trace {
    pub(super) event_type: Option<EventType>,
    pub(super) name: Option<String>,
    keys: [TraceKey; MOST_KEYS],
    count: usize,
    /// Whether the first of the keys says whose it is.
    pub(super) has_person: bool,
}

exact_json::debug_shows! { Trace { event_type } }

impl Trace {
    /// That of an event's JSON text; an empty one, if it is none.
    pub(crate) fn of(seed: u64, json: &str) -> Self {
        Object::from_json(json).map_or_else(|_| Self::default(), |event| Self::of_entries(seed, &event, json))
    }

    /// That of an event, given its entries and its JSON text.
    ///
    /// It is made of every event that comes in: nothing is built of what is only passed over.
    pub(crate) fn of_entries(seed: u64, event: &Object<'_>, json: &str) -> Self {
        let text = |key| event.get(key).and_then(Raw::string);
        let event_type = text("type").and_then(|name| name.parse().ok());
        let name = match event_type {
            Some(EventType::Track) => text("event"),
            Some(EventType::Page | EventType::Screen) => text("name"),
            Some(EventType::Record) => text("action"),
            Some(EventType::Identify | EventType::Group | EventType::Alias) | None => None,
        };
        let mut trace = Self {
            event_type,
            name: name.and_then(|name| shortened(&name)),
            ..Self::default()
        };
        let id = |key| event.get(key).and_then(id).unwrap_or_default();
        trace.add(seed, USER, &id("userId"));
        let identifiers = event
            .get("identifiers")
            .filter(|_| event_type == Some(EventType::Record));
        for (name, value) in identifiers.and_then(Raw::as_object).iter().flat_map(Object::iter) {
            if !name.eq_ignore_ascii_case("email") {
                trace.add(seed, USER, &self::id(value).unwrap_or_default());
            }
        }
        emails(json, |email| {
            if email.contains(char::is_uppercase) {
                trace.add(seed, EMAIL, &email.to_lowercase());
            } else {
                trace.add(seed, EMAIL, email);
            }
        });
        trace.add(seed, ANONYMOUS, &id("anonymousId"));
        trace.has_person = trace.count > 0;
        // There is always room for it.
        trace.count = trace.count.min(MOST_KEYS - 1);
        trace.add(seed, MESSAGE, &id("messageId"));
        trace
    }

    /// Adds a key, unless it is of nothing.
    fn add(&mut self, seed: u64, kind: u8, value: &str) {
        let value = value.trim();
        if value.is_empty() {
            return;
        }
        let key = TraceKey::of(seed, kind, value);
        if self.count < MOST_KEYS && !self.keys().contains(&key) {
            self.keys[self.count] = key;
            self.count += 1;
        }
    }

    pub(super) fn keys(&self) -> &[TraceKey] {
        &self.keys[..self.count]
    }
}

/// What a name is kept as; none, if it is blank.
fn shortened(name: &str) -> Option<String> {
    let name = name.trim();
    let longest = LONGEST_NAME.min(name.len());
    let end = (0..=longest).rev().find(|at| name.is_char_boundary(*at))?;
    Some(name[..end].to_owned()).filter(|name| !name.is_empty())
}

/// An id: a text, or a number as it is written.
fn id<'v>(value: &'v Raw<'_>) -> Option<Cow<'v, str>> {
    match value.scalar()? {
        Scalar::String(text) => Some(text),
        Scalar::Number(number) => Some(number.into()),
        Scalar::Boolean(_) => None,
    }
}

/// A text, given as JSON.
fn text(json: &str) -> Option<Cow<'_, str>> {
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        return serde_json::from_str(json).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(inner))
}

static EMAIL_KEY: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(br#""email""#));

/// Hands out what stands under `email` anywhere in valid JSON text: among traits, properties, identifiers, or in the context.
fn emails(json: &str, mut found: impl FnMut(&str)) {
    for at in EMAIL_KEY.find_iter(json.as_bytes()) {
        let rest = json[at + EMAIL_KEY.needle().len()..].trim_start();
        let Some(rest) = rest.strip_prefix(':').map(str::trim_start) else {
            continue;
        };
        if let Ok(value) = Cursor::new(rest).value() {
            found(&text(value).unwrap_or_default());
        }
    }
}

/// The number of a type, from 1.
pub(super) fn number_of(event_type: Option<EventType>) -> u8 {
    let at = EventType::iter().position(|one| Some(one) == event_type);
    at.map_or(0, |at| u8::try_from(at + 1).unwrap_or(0))
}

/// The type with this number.
pub(super) fn type_of(number: u8) -> Option<EventType> {
    EventType::iter().nth(usize::from(number).checked_sub(1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_found(json: &str, text: &str) -> bool {
        let trace = Trace::of(7, json);
        keys_of(7, text).iter().any(|key| trace.keys().contains(key))
    }

    #[test]
    fn an_event_is_found_by_ids_emails_and_its_message_id() {
        let json = r#"{"type":"track","event":" Plan Changed ","userId":1042,"anonymousId":"anon","messageId":"m-1",
            "context":{"traits":{"email" : "Ann@Example.com"}},"properties":{"email":"ann\u0040second.example"}}"#;
        for text in ["1042", " anon", "m-1", "ann@example.COM", "ann@second.example"] {
            assert!(is_found(json, text), "{text}");
        }
        for text in ["104", "ann", "email", "track", "Plan Changed", ""] {
            assert!(!is_found(json, text), "{text}");
        }
        let trace = Trace::of(7, json);
        assert_eq!(
            (trace.event_type, trace.name.as_deref(), trace.has_person),
            (Some(EventType::Track), Some("Plan Changed"), true)
        );
        assert_ne!(Trace::of(8, json).keys, trace.keys, "another store has other hashes");
    }

    #[test]
    fn a_record_is_found_by_its_identifiers() {
        let json =
            r#"{"type":"record","action":"update","identifiers":{"user_id":"u-1","email":"a@x.example"},"fields":{}}"#;
        assert!(is_found(json, "u-1") && is_found(json, "a@x.example"));
    }

    #[test]
    fn what_only_looks_like_an_email_is_none() {
        for json in [
            r#"{"a":"email","userId":"u"}"#,
            r#"{"a":"\"email\":\"x\"","userId":"u"}"#,
            r#"{"email":5,"userId":"u"}"#,
        ] {
            assert_eq!(Trace::of(7, json).keys().len(), 1, "{json}");
        }
        assert!(Trace::of(7, "[1]").keys().is_empty());
    }

    #[test]
    fn an_event_without_ids_is_nobodys() {
        let trace = Trace::of(7, r#"{"type":"track","messageId":"m"}"#);
        assert_eq!((trace.keys().len(), trace.has_person), (1, false));
    }

    #[test]
    fn a_key_is_what_it_says() {
        let key = keys_of(7, "u")[0];
        assert_eq!(key.to_string().parse(), Ok(key));
        assert_eq!(TraceKey::from_bytes(&key.bytes()), key);
        for event_type in EventType::iter() {
            assert_eq!(type_of(number_of(Some(event_type))), Some(event_type));
        }
        assert_eq!(type_of(number_of(None)), None);
    }
}
