//! Where values come from: paths into an event, declared once and used to read and to document.

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
}

impl Root {
    const ALL: [Self; 7] = [
        // Longer prefixes first.
        Self::ContextTraits,
        Self::FirstExternalId,
        Self::Context,
        Self::Traits,
        Self::Properties,
        Self::Options,
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
        }
    }
}

/// A path to one value, such as `context.traits.email`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Path {
    pub(crate) root: Root,
    pub(crate) key: &'static str,
    text: &'static str,
}

impl Path {
    /// The path that is written like this.
    pub(crate) const fn new(text: &'static str) -> Self {
        let mut at = 0;
        loop {
            let root = Root::ALL[at];
            if let Some(key) = strip_prefix(text, root.prefix()) {
                return Self { root, key, text };
            }
            at += 1;
        }
    }

    /// The path to a key below a root, for a key that is known only when the program runs.
    pub(crate) const fn at(root: Root, key: &'static str) -> Self {
        Self { root, key, text: key }
    }

    /// The path as the mapping reference writes it.
    pub const fn as_str(self) -> &'static str {
        self.text
    }
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
    /// `anonymousId`, if the destination's settings send it.
    AnonymousId,
    /// The first usable value of each list, joined by a space.
    Joined(&'static [Path], &'static [Path]),
    /// The time that the caller passes in.
    Now,
}

/// Declares a list of sources that are paths.
macro_rules! paths {
    ($($text:literal),+ $(,)?) => {
        &[$($crate::source::Source::Path($crate::source::Path::new($text))),+]
    };
}

pub(crate) use paths;

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
    pub(crate) const EMAIL: &[Source] = &[
        Source::Path(Path::new("traits.email")),
        Source::Path(Path::new("context.traits.email")),
        Source::Path(Path::new("properties.email")),
        Source::PathIfEmail(Path::new("context.externalId[0].id")),
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
    pub(crate) const WEBSITE: &[Source] = paths!["traits.website", "context.traits.website", "properties.website"];
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
        ] {
            let path = Path::new(text);
            assert_eq!((path.root, path.key), (root, key));
        }
    }
}
