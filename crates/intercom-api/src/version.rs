//! The published versions of the API, and the hosts that serve it.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// A published version of Intercom's API, sent in the `Intercom-Version` header.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Display, EnumString, EnumIter, IntoStaticStr,
)]
#[non_exhaustive]
pub enum ApiVersion {
    /// 2.7
    #[strum(serialize = "2.7")]
    V2_7,
    /// 2.8
    #[strum(serialize = "2.8")]
    V2_8,
    /// 2.9
    #[strum(serialize = "2.9")]
    V2_9,
    /// 2.10, which the models of this crate are written from.
    #[default]
    #[strum(serialize = "2.10")]
    V2_10,
    /// 2.11
    #[strum(serialize = "2.11")]
    V2_11,
    /// 2.12
    #[strum(serialize = "2.12")]
    V2_12,
    /// 2.13
    #[strum(serialize = "2.13")]
    V2_13,
    /// 2.14
    #[strum(serialize = "2.14")]
    V2_14,
    /// 2.15
    #[strum(serialize = "2.15")]
    V2_15,
    /// 2.16
    #[strum(serialize = "2.16")]
    V2_16,
}

impl ApiVersion {
    /// The value of the `Intercom-Version` header.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Where an Intercom workspace is hosted. Names are read in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Display, EnumString, EnumIter, IntoStaticStr)]
#[strum(ascii_case_insensitive)]
#[non_exhaustive]
pub enum Region {
    /// United States.
    #[default]
    #[strum(to_string = "US")]
    Us,
    /// European Union. Read as `EU`, too.
    #[strum(to_string = "Europe", serialize = "EU")]
    Europe,
    /// Australia. Read as `AU`, too.
    #[strum(to_string = "Australia", serialize = "AU")]
    Australia,
}

impl Region {
    /// The base URL of the API, without a slash at the end.
    pub const fn base_url(self) -> &'static str {
        match self {
            Self::Us => "https://api.intercom.io",
            Self::Europe => "https://api.eu.intercom.io",
            Self::Australia => "https://api.au.intercom.io",
        }
    }
}

macro_rules! by_name {
    ($($name:ident)*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.into())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = Cow::<str>::deserialize(deserializer)?;
                name.parse().map_err(|_| de::Error::custom(concat!("expected a ", stringify!($name))))
            }
        }
    )*};
}

by_name! { ApiVersion Region }

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator as _;

    #[test]
    fn regions_are_read_in_every_spelling() {
        for (text, region) in [
            ("US", Region::Us),
            ("us", Region::Us),
            ("Europe", Region::Europe),
            ("EU", Region::Europe),
            ("eu", Region::Europe),
            ("Eu", Region::Europe),
            ("europe", Region::Europe),
            ("AUSTRALIA", Region::Australia),
            ("Australia", Region::Australia),
            ("AU", Region::Australia),
            ("au", Region::Australia),
        ] {
            assert_eq!(text.parse(), Ok(region));
        }
        assert_eq!(Region::Europe.to_string(), "Europe");
        assert_eq!(ApiVersion::default().as_str(), "2.10");
    }

    #[test]
    fn names_can_stand_anywhere() {
        for version in ApiVersion::iter() {
            let _: ApiVersion = exact_json::testing::anywhere(&version.as_str().into());
        }
        for region in Region::iter() {
            let _: Region = exact_json::testing::anywhere(&region.to_string().into());
        }
    }
}
