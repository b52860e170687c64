//! Where values come from: paths into an event, declared once and used to read and to document.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A part of an event that paths start from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Root {
    /// The event itself.
    Event,
    /// `traits`
    Traits,
    /// `context`
    Context,
    /// `context.traits`
    ContextTraits,
    /// `properties`
    Properties,
    /// `context.externalId[0]`
    FirstExternalId,
    /// The options for Intercom under `integrations`.
    Options,
    /// `fields` of a record.
    Fields,
    /// `identifiers` of a record.
    Identifiers,
}

impl Root {
    const ALL: [Self; 9] = [
        // Longer prefixes first.
        Self::ContextTraits,
        Self::FirstExternalId,
        Self::Context,
        Self::Traits,
        Self::Properties,
        Self::Options,
        Self::Fields,
        Self::Identifiers,
        Self::Event,
    ];

    const fn prefix(self) -> &'static str {
        match self {
            Self::Event => "",
            Self::Traits => "traits.",
            Self::Context => "context.",
            Self::ContextTraits => "context.traits.",
            Self::Properties => "properties.",
            Self::FirstExternalId => "context.externalId[0].",
            Self::Options => "integrations.<Intercom>.",
            Self::Fields => "fields.",
            Self::Identifiers => "identifiers.",
        }
    }
}

/// A path to one value, such as `context.traits.email`.
///
/// A part in angle brackets stands for any name, at the end for one with dots as well.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Path {
    pub(crate) root: Root,
    pub(crate) key: &'static str,
    /// The key within the object under `key`.
    pub(crate) inner: Option<&'static str>,
    text: &'static str,
}

impl Path {
    /// The path that is written like this.
    pub(crate) const fn new(text: &'static str) -> Self {
        let mut at = 0;
        loop {
            let root = Root::ALL[at];
            if let Some(rest) = strip_prefix(text, root.prefix()) {
                let (key, inner) = split_at_dot(rest);
                return Self { root, key, inner, text };
            }
            at += 1;
        }
    }

    /// The path as the mapping reference writes it.
    pub const fn as_str(self) -> &'static str {
        self.text
    }

    /// Whether a JSON pointer leads to the same place, or to one in it if the path ends in `*`.
    fn leads_to(self, pointer: &str) -> bool {
        let mut tokens = pointer.split('/').skip(1);
        let mut parts = self.text.split('.').peekable();
        while let Some(part) = parts.next() {
            let (name, index) = part.split_once('[').unwrap_or((part, ""));
            let token = tokens.next();
            if name == "*" || (name.starts_with('<') && parts.peek().is_none()) {
                return token.is_some();
            }
            if !token.is_some_and(|token| token == name || name.starts_with('<')) {
                return false;
            }
            if !index.is_empty() && tokens.next() != index.strip_suffix(']') {
                return false;
            }
        }
        tokens.next().is_none()
    }
}

/// The text before the first dot, and the text after it.
const fn split_at_dot(text: &'static str) -> (&'static str, Option<&'static str>) {
    let mut at = 0;
    while at < text.len() {
        if text.as_bytes()[at] == b'.' {
            return (text.split_at(at).0, Some(text.split_at(at + 1).1));
        }
        at += 1;
    }
    (text, None)
}

const fn strip_prefix(text: &'static str, prefix: &str) -> Option<&'static str> {
    let (bytes, start) = (text.as_bytes(), prefix.as_bytes());
    if bytes.len() < start.len() {
        return None;
    }
    let mut at = 0;
    while at < start.len() {
        if bytes[at] != start[at] {
            return None;
        }
        at += 1;
    }
    Some(text.split_at(start.len()).1)
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

/// Something a field can be filled from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// The value at a path.
    Path(Path),
    /// The value at a path, if it is a valid email address.
    PathIfEmail(Path),
    /// The value at a path among the person's traits, where the company's are meant: it is taken with a warning.
    OfPerson(Path),
    /// The value at a path, unless the event has a user id.
    UnlessUserId(Path),
    /// `anonymousId`, if the destination's settings send it.
    AnonymousId,
    /// The first usable value of each list, joined by a space.
    Joined(&'static [Path], &'static [Path]),
    /// Every entry of the object at a path that ends in `*`.
    Entries(Path),
    /// The time that the caller passes in.
    Now,
}

/// What stands for [`Source::AnonymousId`] and [`Source::Now`] in a trace.
pub(crate) const ANONYMOUS_ID: &str = "/anonymousId";
pub(crate) const NOW: &str = "(time of conversion)";

impl Source {
    /// Whether a value that a trace says to be from `place` comes from here. See
    /// [`FieldSource`](crate::FieldSource).
    pub fn covers(&self, place: &str) -> bool {
        match self {
            Self::Now => place == NOW,
            _ => self.paths().into_iter().any(|path| path.leads_to(place)),
        }
    }

    /// The paths to the values, in order; none for the time of conversion.
    pub fn paths(&self) -> Vec<Path> {
        match *self {
            Self::Path(path)
            | Self::PathIfEmail(path)
            | Self::OfPerson(path)
            | Self::UnlessUserId(path)
            | Self::Entries(path) => vec![path],
            Self::AnonymousId => vec![Path::new("anonymousId")],
            Self::Joined(first, second) => [first, second].concat(),
            Self::Now => Vec::new(),
        }
    }
}

/// Where the value of an Intercom field came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FieldSource {
    /// The field, such as `custom_attributes.plan`.
    pub field: String,
    /// The JSON pointer of the value in the event.
    pub source: String,
}

/// Declares a list of sources that are paths.
macro_rules! paths {
    ($($text:expr),+ $(,)?) => {
        // Made once, when the program is compiled.
        const { &[$($crate::source::Source::Path($crate::source::Path::new($text))),+] }
    };
}

/// Declares the sources of a company's field: a trait of the company, else the person's trait of that name.
macro_rules! company_paths {
    ($key:literal) => {
        const {
            &[
                $crate::source::Source::Path($crate::source::Path::new(concat!("traits.", $key))),
                $crate::source::Source::OfPerson($crate::source::Path::new(concat!("context.traits.", $key))),
            ]
        }
    };
}

/// Declares a list of sources that are all the entries of objects.
macro_rules! entries {
    ($($text:literal),+ $(,)?) => {
        const { &[$($crate::source::Source::Entries($crate::source::Path::new($text))),+] }
    };
}

pub(crate) use {company_paths, entries, paths};

/// The sources that several fields and the lookup share.
pub(crate) mod generic {
    use super::{Path, Source};

    pub(crate) const USER_ID: &[Source] = &[
        Source::Path(Path::new("userId")),
        Source::Path(Path::new("traits.userId")),
        Source::Path(Path::new("traits.id")),
        Source::Path(Path::new("context.traits.userId")),
        Source::Path(Path::new("context.traits.id")),
        Source::AnonymousId,
    ];
    /// The user id without the anonymous id that may stand in for it.
    pub(crate) const IDENTIFIED_USER_ID: &[Source] = USER_ID.split_last().expect("not empty").1;
    pub(crate) const ANONYMOUS_ID: &[Source] = paths!["anonymousId"];
    pub(crate) const MESSAGE_ID: &[Source] = paths!["messageId"];
    pub(crate) const EMAIL: &[Source] = &[
        Source::Path(Path::new("traits.email")),
        Source::Path(Path::new("context.traits.email")),
        Source::Path(Path::new("properties.email")),
        Source::PathIfEmail(Path::new("context.externalId[0].id")),
    ];
    /// The email of a company's member: `traits` describe the company (D26).
    pub(crate) const MEMBER_EMAIL: &[Source] = &[
        Source::Path(Path::new("context.traits.email")),
        Source::UnlessUserId(Path::new("traits.email")),
        Source::Path(Path::new("properties.email")),
        Source::PathIfEmail(Path::new("context.externalId[0].id")),
    ];
    /// The user id of a company's member, from where it cannot be an id of the company.
    pub(crate) const MEMBER_ID: &[Source] = &[
        Source::Path(Path::new("userId")),
        Source::Path(Path::new("context.traits.userId")),
        Source::Path(Path::new("context.traits.id")),
        Source::AnonymousId,
    ];
    pub(crate) const PHONE: &[Source] = paths!["traits.phone", "context.traits.phone", "properties.phone"];
    pub(crate) const AVATAR: &[Source] = paths![
        "traits.avatar",
        "context.traits.avatar",
        "traits.avatarURL",
        "context.traits.avatarURL",
        "traits.avatar_URL",
        "context.traits.avatar_URL",
    ];
    pub(crate) const NAME: &[Source] = paths!["traits.name", "context.traits.name"];
    pub(crate) const PERSON_NAME: &[Source] = &[
        Source::Path(Path::new("traits.name")),
        Source::Path(Path::new("context.traits.name")),
        Source::Joined(FIRST_NAME, LAST_NAME),
    ];
    const FIRST_NAME: &[Path] = &[
        Path::new("traits.firstName"),
        Path::new("traits.firstname"),
        Path::new("traits.first_name"),
        Path::new("context.traits.firstName"),
        Path::new("context.traits.firstname"),
        Path::new("context.traits.first_name"),
    ];
    const LAST_NAME: &[Path] = &[
        Path::new("traits.lastName"),
        Path::new("traits.lastname"),
        Path::new("traits.last_name"),
        Path::new("context.traits.lastName"),
        Path::new("context.traits.lastname"),
        Path::new("context.traits.last_name"),
    ];
    pub(crate) const GROUP_ID: &[Source] = paths!["groupId", "traits.groupId"];
    pub(crate) const EVENT_TIME: &[Source] = &[
        Source::Path(Path::new("timestamp")),
        Source::Path(Path::new("originalTimestamp")),
        Source::Path(Path::new("sentAt")),
        Source::Path(Path::new("receivedAt")),
        Source::Now,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_know_their_root() {
        for (text, root, key) in [
            ("userId", Root::Event, "userId"),
            ("traits.email", Root::Traits, "email"),
            ("context.traits.email", Root::ContextTraits, "email"),
            (
                "context.unsubscribedFromEmails",
                Root::Context,
                "unsubscribedFromEmails",
            ),
            ("context.externalId[0].id", Root::FirstExternalId, "id"),
            ("properties.id", Root::Properties, "id"),
            ("integrations.<Intercom>.lookup", Root::Options, "lookup"),
            ("fields.email", Root::Fields, "email"),
            ("traits.*", Root::Traits, "*"),
            ("traits", Root::Event, "traits"),
            ("traits.", Root::Traits, ""),
        ] {
            let path = Path::new(text);
            assert_eq!((path.root, path.key, path.inner), (root, key, None));
        }
        let nested = Path::new("context.traits.location.city");
        assert_eq!(
            (nested.root, nested.key, nested.inner),
            (Root::ContextTraits, "location", Some("city"))
        );
    }

    #[test]
    fn sources_cover_their_places() {
        let path = |text| Source::Path(Path::new(text));
        for (source, place, covered) in [
            (path("traits.email"), "/traits/email", true),
            (path("traits.email"), "/context/traits/email", false),
            (path("traits.email"), "/traits/email/0", false),
            (path("traits.email"), "/traits", false),
            (path("context.externalId[0].id"), "/context/externalId/0/id", true),
            (path("context.externalId[0].id"), "/context/externalId/1/id", false),
            (path("integrations.<Intercom>.id"), "/integrations/Intercom V2/id", true),
            (path("traits.location.city"), "/traits/location/city", true),
            (path("traits.<field>"), "/traits/location/city", true),
            (Source::Entries(Path::new("traits.*")), "/traits/items/0/sku", true),
            (Source::Entries(Path::new("traits.*")), "/traits", false),
            (Source::Entries(Path::new("traits.*")), "/context/traits/a", false),
            (Source::Now, NOW, true),
            (Source::AnonymousId, ANONYMOUS_ID, true),
            (Source::AnonymousId, "/userId", false),
        ] {
            assert_eq!(source.covers(place), covered, "{source:?} {place}");
        }
    }
}
