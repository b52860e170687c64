//! Versions of the API, and which description their responses follow.

use intercom_api::{ApiVersion, OperationId};

/// The description that a response follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shape {
    /// That of version 2.10: for all versions before 2.16, and where none is asked for.
    #[default]
    V2_10,
    /// That of version 2.16: for it and all that came after.
    V2_16,
}

impl Shape {
    /// Whether the description has the operation.
    pub(crate) fn has(self, operation: OperationId) -> bool {
        let version = match self {
            Self::V2_10 => ApiVersion::V2_10,
            Self::V2_16 => ApiVersion::V2_16,
        };
        operation.since().is_none_or(|since| since <= version)
    }

    /// How a request with that `Intercom-Version` header is answered; nothing if there is no such version.
    pub(crate) fn asked_for(header: Option<&str>) -> Option<Self> {
        let Some(header) = header.map(str::trim) else {
            return Some(Self::default());
        };
        if ["Unstable", "Preview"]
            .iter()
            .any(|name| header.eq_ignore_ascii_case(name))
        {
            return Some(Self::V2_16);
        }
        let (major, minor) = header.split_once('.')?;
        let minor = minor.parse::<u8>().ok().filter(|number| number.to_string() == minor)?;
        match (major, minor) {
            ("1", 0..=4) | ("2", 0..=15) => Some(Self::V2_10),
            ("2", 16..=17) => Some(Self::V2_16),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_version_is_known() {
        assert_eq!(Shape::asked_for(None), Some(Shape::V2_10));
        for version in ["1.0", "1.4", "2.0", "2.6", "2.7", "2.10", "2.15", " 2.4 "] {
            assert_eq!(Shape::asked_for(Some(version)), Some(Shape::V2_10), "{version}");
        }
        for version in ["2.16", "2.17", "Unstable", "unstable", "Preview"] {
            assert_eq!(Shape::asked_for(Some(version)), Some(Shape::V2_16), "{version}");
        }
        for version in ["", "2", "1.5", "2.18", "3.0", "2.010", "2.+1", "v2.10", "latest"] {
            assert_eq!(Shape::asked_for(Some(version)), None, "{version}");
        }
    }
}
