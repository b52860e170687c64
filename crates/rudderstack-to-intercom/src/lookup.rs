//! Which contact an event is about.

use crate::source::{Source, paths};
use intercom_api::{Contact, ExternalId, Role, SearchContacts, SearchQuery, SearchValue};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use strum::{EnumIter, EnumString, IntoEnumIterator, IntoStaticStr};

/// How a contact is found.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Lookup {
    /// The field that is searched.
    pub field: LookupField,
    /// The value that it must have.
    pub value: SearchValue,
    /// Of several hits, the one with this external id is the right one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefer: Option<ExternalId>,
}

impl Lookup {
    /// Contacts whose `field` is `value`.
    pub fn new(field: LookupField, value: impl Into<SearchValue>) -> Self {
        Self {
            field,
            value: value.into(),
            prefer: None,
        }
    }

    /// The same, preferring the contact with this external id.
    #[must_use]
    pub fn with_prefer(mut self, external_id: impl Into<ExternalId>) -> Self {
        self.prefer = Some(external_id.into());
        self
    }

    /// The external id that is searched, if it is one.
    pub fn external_id(&self) -> Option<ExternalId> {
        match (&self.field, &self.value) {
            (LookupField::Standard(ContactField::ExternalId), SearchValue::Text(id)) => {
                Some(ExternalId::new(id.as_str()))
            }
            _ => None,
        }
    }

    /// The email that is searched, if it is one.
    pub fn email(&self) -> Option<&String> {
        match (&self.field, &self.value) {
            (LookupField::Standard(ContactField::Email), SearchValue::Text(email)) => Some(email),
            _ => None,
        }
    }

    /// The search that finds the contact.
    pub fn search(&self) -> SearchContacts {
        let filter = SearchQuery::filter(
            self.field.to_string(),
            intercom_api::SearchOperator::Equals,
            self.value.clone(),
        );
        SearchContacts::new(SearchQuery::all([filter]))
    }

    /// Of several hits, the right one (D23): the one with the external id that is preferred, else a user rather than a
    /// lead, else the first.
    pub fn best<'c>(&self, hits: &'c [Contact]) -> Option<&'c Contact> {
        let preferred = self
            .prefer
            .as_ref()
            .and_then(|prefer| hits.iter().find(|hit| hit.external_id.as_ref() == Some(prefer)));
        preferred
            .or_else(|| hits.iter().find(|hit| hit.role == Some(Role::User)))
            .or_else(|| hits.first())
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lookup({})", self.field)
    }
}

/// A field that Intercom can search contacts by.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum LookupField {
    /// One of Intercom's own.
    Standard(ContactField),
    /// A custom attribute, written `custom_attributes.<name>`.
    CustomAttribute(String),
}

impl LookupField {
    /// `email`, the default.
    pub const EMAIL: Self = Self::Standard(ContactField::Email);
    /// `external_id`
    pub const EXTERNAL_ID: Self = Self::Standard(ContactField::ExternalId);

    /// What is accepted, in words.
    pub fn accepted() -> String {
        let mut names: Vec<&str> = ContactField::iter().map(Into::into).collect();
        names.push("custom_attributes.<name>");
        names.join(", ")
    }
}

/// The prefix of a custom attribute's search field.
pub(crate) const CUSTOM: &str = "custom_attributes.";

impl FromStr for LookupField {
    type Err = strum::ParseError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name.strip_prefix(CUSTOM) {
            Some(attribute) if !attribute.is_empty() => Ok(Self::CustomAttribute(attribute.to_owned())),
            _ => name.parse().map(Self::Standard),
        }
    }
}

impl fmt::Display for LookupField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Standard(field) => f.write_str(field.into()),
            Self::CustomAttribute(name) => write!(f, "{CUSTOM}{name}"),
        }
    }
}

impl fmt::Debug for LookupField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for LookupField {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Standard(field) => serializer.serialize_str(field.into()),
            Self::CustomAttribute(_) => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for LookupField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

/// How the value of a search field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldKind {
    Text,
    Integer,
    Date,
    Boolean,
}

macro_rules! contact_fields {
    ($($variant:ident $kind:ident = $name:literal,)*) => {
        /// A contact field that Intercom can search by.
        ///
        /// Source: Intercom's OpenAPI description 2.10, `POST /contacts/search`, "Accepted Fields".
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumString, EnumIter, IntoStaticStr)]
        #[non_exhaustive]
        pub enum ContactField {
            $(
                #[doc = concat!("`", $name, "`")]
                #[strum(serialize = $name)]
                $variant,
            )*
        }

        impl ContactField {
            pub(crate) const fn kind(self) -> FieldKind {
                match self {
                    $(Self::$variant => FieldKind::$kind,)*
                }
            }

            /// The traits of the field's own name.
            pub(crate) const fn own_traits(self) -> &'static [Source] {
                match self {
                    $(Self::$variant => paths![concat!("traits.", $name), concat!("context.traits.", $name)],)*
                }
            }
        }
    };
}

contact_fields! {
    Id Text = "id",
    Role Text = "role",
    Name Text = "name",
    Avatar Text = "avatar",
    OwnerId Integer = "owner_id",
    Email Text = "email",
    EmailDomain Text = "email_domain",
    Phone Text = "phone",
    ExternalId Text = "external_id",
    CreatedAt Date = "created_at",
    SignedUpAt Date = "signed_up_at",
    UpdatedAt Date = "updated_at",
    LastSeenAt Date = "last_seen_at",
    LastContactedAt Date = "last_contacted_at",
    LastRepliedAt Date = "last_replied_at",
    LastEmailOpenedAt Date = "last_email_opened_at",
    LastEmailClickedAt Date = "last_email_clicked_at",
    LanguageOverride Text = "language_override",
    Browser Text = "browser",
    BrowserLanguage Text = "browser_language",
    Os Text = "os",
    LocationCountry Text = "location.country",
    LocationRegion Text = "location.region",
    LocationCity Text = "location.city",
    UnsubscribedFromEmails Boolean = "unsubscribed_from_emails",
    MarkedEmailAsSpam Boolean = "marked_email_as_spam",
    HasHardBounced Boolean = "has_hard_bounced",
    IosLastSeenAt Date = "ios_last_seen_at",
    IosAppVersion Text = "ios_app_version",
    IosDevice Text = "ios_device",
    IosAppDevice Text = "ios_app_device",
    IosOsVersion Text = "ios_os_version",
    IosAppName Text = "ios_app_name",
    IosSdkVersion Text = "ios_sdk_version",
    AndroidLastSeenAt Date = "android_last_seen_at",
    AndroidAppVersion Text = "android_app_version",
    AndroidDevice Text = "android_device",
    AndroidAppName Text = "android_app_name",
    AndroidSdkVersion Text = "android_sdk_version",
    SegmentId Text = "segment_id",
    TagId Text = "tag_id",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_a_closed_set() {
        assert_eq!("email".parse(), Ok(LookupField::EMAIL));
        assert_eq!(
            "custom_attributes.plan".parse(),
            Ok(LookupField::CustomAttribute("plan".to_owned()))
        );
        for name in ["Email", "userId", "custom_attributes.", "", "shoe_size"] {
            assert!(name.parse::<LookupField>().is_err(), "{name}");
        }
        assert_eq!(
            "location.city".parse::<LookupField>().unwrap().to_string(),
            "location.city"
        );
    }

    #[test]
    fn a_lookup_is_one_filter() {
        let search = Lookup::new(LookupField::EMAIL, "ann@example.com").search();
        assert_eq!(
            serde_json::to_string(&search).unwrap(),
            r#"{"query":{"operator":"AND","value":[{"field":"email","operator":"=","value":"ann@example.com"}]}}"#
        );
    }
}
