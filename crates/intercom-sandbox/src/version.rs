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

/// What a request asks for by its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// How it is answered.
    pub(crate) shape: Shape,
    /// The version whose operations there are.
    pub(crate) offer: ApiVersion,
}

impl Default for Asked {
    /// Of a request without a version: it gets that of the app, which may be any.
    fn default() -> Self {
        Self {
            shape: Shape::default(),
            offer: ApiVersion::V2_16,
        }
    }
}

impl Asked {
    /// What a request with that `Intercom-Version` header asks for; nothing if there is no such version.
    pub(crate) fn by(header: Option<&str>) -> Option<Self> {
        let Some(header) = header.map(str::trim) else {
            return Some(Self::default());
        };
        let latest = Self {
            shape: Shape::V2_16,
            offer: ApiVersion::V2_16,
        };
        if ["Unstable", "Preview"]
            .iter()
            .any(|name| header.eq_ignore_ascii_case(name))
        {
            return Some(latest);
        }
        let (major, minor) = header.split_once('.')?;
        let minor = minor.parse::<u8>().ok().filter(|number| number.to_string() == minor)?;
        match (major, minor) {
            ("1", 0..=4) | ("2", 0..=15) => Some(Self {
                shape: Shape::V2_10,
                // What came before all that can be named has what those have.
                offer: header.parse().unwrap_or(ApiVersion::V2_7),
            }),
            ("2", 16..=17) => Some(latest),
            _ => None,
        }
    }

    /// Whether there is the operation.
    pub(crate) fn has(self, operation: OperationId) -> bool {
        operation.since().is_none_or(|since| since <= self.offer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_version_is_known() {
        let shape = |version| Asked::by(version).map(|asked| asked.shape);
        assert_eq!(shape(None), Some(Shape::V2_10));
        for version in ["1.0", "1.4", "2.0", "2.6", "2.7", "2.10", "2.15", " 2.4 "] {
            assert_eq!(shape(Some(version)), Some(Shape::V2_10), "{version}");
        }
        for version in ["2.16", "2.17", "Unstable", "unstable", "Preview"] {
            assert_eq!(shape(Some(version)), Some(Shape::V2_16), "{version}");
        }
        for version in ["", "2", "1.5", "2.18", "3.0", "2.010", "2.+1", "v2.10", "latest"] {
            assert_eq!(shape(Some(version)), None, "{version}");
        }
    }

    #[test]
    fn an_operation_is_there_from_its_first_version_on() {
        let has = |version| Asked::by(version).unwrap().has(OperationId::BlockContact);
        for version in ["1.4", "2.6", "2.10", "2.13"] {
            assert!(!has(Some(version)), "{version}");
        }
        for version in ["2.14", "2.15", "2.17", "Preview"] {
            assert!(has(Some(version)), "{version}");
        }
        assert!(has(None));
    }
}
