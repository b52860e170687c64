//! Which contact an event is about.

use crate::destination::SharedEmail;
use crate::source::{Source, paths};
use intercom_api::{Contact, ExternalId, Role, SearchContacts, SearchQuery, SearchValue};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use strum::{EnumIter, EnumString, IntoEnumIterator, IntoStaticStr};

/// How a contact is found.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lookup {
    /// By who it is, as Intercom itself tells people apart.
    Person(Person),
    /// By the field that the event asks for.
    Field(FieldLookup),
}

/// A contact with this value in this field, whoever it is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FieldLookup {
    /// The field that is searched.
    pub field: LookupField,
    /// The value that it must have.
    pub value: SearchValue,
    /// Of several hits, the one with this external id is the right one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefer: Option<ExternalId>,
}

impl FieldLookup {
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

    /// Whether a contact can have the value, as far as its email and external id say. Intercom's search is believed; but
    /// what was written since may say otherwise.
    pub fn fits(&self, contact: &Contact) -> bool {
        let SearchValue::Text(value) = &self.value else {
            return true;
        };
        match self.field {
            LookupField::EMAIL => has_email(contact, value),
            LookupField::EXTERNAL_ID => external_id(contact).is_none_or(|id| id == value),
            LookupField::Standard(_) | LookupField::CustomAttribute(_) => true,
        }
    }
}

impl From<FieldLookup> for Lookup {
    fn from(lookup: FieldLookup) -> Self {
        Self::Field(lookup)
    }
}

/// Who a contact is (D24): Intercom tells people apart by the external id first, and by the email only if there is none.
///
/// There is an external id or an email.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Person {
    /// The external id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<ExternalId>,
    /// The email, in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whose a contact is that has the email and another external id.
    #[serde(default, skip_serializing_if = "is_default")]
    pub shared_email: SharedEmail,
}

fn is_default(shared_email: &SharedEmail) -> bool {
    *shared_email == SharedEmail::default()
}

impl Person {
    /// The person with this external id and this email, of which one can be missing.
    pub fn new(external_id: Option<ExternalId>, email: Option<&str>) -> Option<Self> {
        let email = email.filter(|email| !email.is_empty()).map(str::to_lowercase);
        (external_id.is_some() || email.is_some()).then_some(Self {
            external_id,
            email,
            shared_email: SharedEmail::default(),
        })
    }

    /// The same with another view of shared emails.
    #[must_use]
    pub fn with_shared_email(mut self, shared_email: SharedEmail) -> Self {
        self.shared_email = shared_email;
        self
    }

    /// What is searched, field by field.
    pub(crate) fn searched(&self) -> impl IntoIterator<Item = (ContactField, &str)> {
        let email = self.email.as_deref();
        // The email alone decides, if there is one, where it is the same person's.
        let id = self.external_id.as_ref().map(ExternalId::as_str);
        let id = id.filter(|_| email.is_none() || self.shared_email == SharedEmail::Separate);
        let [id, email] =
            [(ContactField::ExternalId, id), (ContactField::Email, email)].map(|(field, text)| Some((field, text?)));
        id.into_iter().chain(email)
    }

    fn is_known_by_email(&self, hit: &Contact) -> bool {
        self.email.as_deref().is_some_and(|email| has_email(hit, email))
    }

    /// Whether the contact, which has the external id or the email, is this person.
    pub fn is(&self, contact: &Contact) -> bool {
        match (&self.external_id, self.shared_email) {
            (Some(id), SharedEmail::Separate) => external_id(contact).is_none_or(|other| other == id.as_str()),
            (None, _) | (_, SharedEmail::Same) => true,
        }
    }
}

impl From<Person> for Lookup {
    fn from(person: Person) -> Self {
        Self::Person(person)
    }
}

fn external_id(hit: &Contact) -> Option<&str> {
    let id = hit.external_id.as_ref().map(ExternalId::as_str);
    id.filter(|id| !id.is_empty())
}

/// Whether the hit has the email, as far as is said.
fn has_email(hit: &Contact, email: &str) -> bool {
    hit.email
        .as_deref()
        .is_none_or(|known| known.to_lowercase() == email.to_lowercase())
}

impl Lookup {
    /// Contacts whose `field` is `value`, whoever they are.
    pub fn new(field: LookupField, value: impl Into<SearchValue>) -> Self {
        Self::Field(FieldLookup::new(field, value))
    }

    /// The external id of whom the event is about, if it has one.
    pub fn external_id(&self) -> Option<&str> {
        match self {
            Self::Person(person) => person.external_id.as_ref().map(ExternalId::as_str),
            Self::Field(lookup) => match (&lookup.field, &lookup.value) {
                (&LookupField::EXTERNAL_ID, SearchValue::Text(id)) => Some(id),
                _ => lookup.prefer.as_ref().map(ExternalId::as_str),
            },
        }
    }

    /// The email that is searched, if one is.
    pub fn email(&self) -> Option<&str> {
        match self {
            Self::Person(person) => person.email.as_deref(),
            Self::Field(lookup) => match (&lookup.field, &lookup.value) {
                (&LookupField::EMAIL, SearchValue::Text(email)) => Some(email),
                _ => None,
            },
        }
    }

    /// What is searched, field by field.
    pub fn fields(&self) -> Vec<FieldLookup> {
        let person = match self {
            Self::Person(person) => person,
            Self::Field(lookup) => return vec![lookup.clone()],
        };
        let searched = person.searched().into_iter();
        searched
            .map(|(field, text)| FieldLookup::new(LookupField::Standard(field), text))
            .collect()
    }

    /// The search that finds the contact.
    pub fn search(&self) -> SearchContacts {
        let filter = |lookup: FieldLookup| {
            SearchQuery::filter(
                lookup.field.into_name(),
                intercom_api::SearchOperator::Equals,
                lookup.value,
            )
        };
        let mut filters: Vec<SearchQuery> = self.fields().into_iter().map(filter).collect();
        SearchContacts::new(match filters.len() {
            1 => SearchQuery::all(filters.drain(..)),
            _ => SearchQuery::any(filters),
        })
    }

    /// Of the hits of a search, those that can be the right one, the best first.
    ///
    /// With an external id, the contact that has it; else those with the email that have none, a user before a lead; a
    /// contact with another external id is somebody else (D24). Without, whoever has the email, a user before a lead. By
    /// the field that the event asks for: the one with the preferred external id, then a user rather than a lead (D23).
    pub fn candidates<'c>(&self, hits: &'c [Contact]) -> Vec<&'c Contact> {
        let is_mine = |hit: &&Contact| self.external_id().is_some() && external_id(hit) == self.external_id();
        let person = match self {
            Self::Person(person) if person.shared_email == SharedEmail::Separate || person.email.is_none() => person,
            Self::Person(_) | Self::Field(_) => {
                let fits = |hit: &&Contact| match self {
                    Self::Person(person) => person.is_known_by_email(hit),
                    Self::Field(_) => true,
                };
                let mut found: Vec<&Contact> = hits.iter().filter(fits).collect();
                found.sort_by_key(|hit| (!is_mine(hit), hit.role != Some(Role::User)));
                return found;
            }
        };
        if let Some(mine) = hits.iter().find(is_mine) {
            return vec![mine];
        }
        let fits = |hit: &&Contact| person.is_known_by_email(hit) && person.is(hit);
        let mut found: Vec<&Contact> = hits.iter().filter(fits).collect();
        found.sort_by_key(|hit| hit.role != Some(Role::User));
        found
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lookup(")?;
        for (at, lookup) in self.fields().iter().enumerate() {
            let or = if at > 0 { " or " } else { "" };
            write!(f, "{or}{}", lookup.field)?;
        }
        f.write_str(")")
    }
}

impl fmt::Debug for FieldLookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FieldLookup({})", self.field)
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = [
            ("external_id", self.external_id.is_some()),
            ("email", self.email.is_some()),
        ];
        let known = known.iter().filter(|(_, known)| *known).map(|(name, _)| name);
        f.debug_set().entries(known).finish()
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

    /// What Intercom calls it.
    fn into_name(self) -> Cow<'static, str> {
        match self {
            Self::Standard(field) => Cow::Borrowed(field.into()),
            Self::CustomAttribute(name) => Cow::Owned(format!("{CUSTOM}{name}")),
        }
    }

    /// The fields that people look up by, and how many others there are.
    pub(crate) fn common() -> String {
        let common = ["email", "external_id", "phone", "name", "id"];
        let others = ContactField::iter().count() - common.len();
        format!("{}, custom_attributes.<name> and {others} others", common.join(", "))
    }

    /// The field of Intercom's own that this is the name of, but for its letters' case and what separates its words.
    pub(crate) fn alike(name: &str) -> Option<&'static str> {
        let plain = |name: &str| -> String {
            let letters = name.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
            letters.flat_map(char::to_lowercase).collect()
        };
        let mut names = ContactField::iter().map(<&str>::from);
        names.find(|known| plain(known) == plain(name))
    }

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
        let name = <Cow<'_, str>>::deserialize(deserializer)?;
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
    fn a_person_is_searched_by_all_that_is_known() {
        let search = |external_id: Option<&str>, email, shared_email| {
            let person = Person::new(external_id.map(ExternalId::from), email).unwrap();
            let lookup = Lookup::from(person.with_shared_email(shared_email));
            serde_json::to_string(&lookup.search()).unwrap()
        };
        let both = search(Some("u-1"), Some("Ann@example.com"), SharedEmail::Separate);
        assert_eq!(
            both,
            r#"{"query":{"operator":"OR","value":[{"field":"external_id","operator":"=","value":"u-1"},{"field":"email","operator":"=","value":"ann@example.com"}]}}"#
        );
        let same = search(Some("u-1"), Some("ann@example.com"), SharedEmail::Same);
        assert!(same.contains("AND") && !same.contains("u-1"), "{same}");
        for shared_email in [SharedEmail::Separate, SharedEmail::Same] {
            assert!(search(Some("u-1"), None, shared_email).contains(r#""AND""#));
            assert!(!search(None, Some("a@b.c"), shared_email).contains("external_id"));
        }
        assert_eq!(Person::new(None, Some("")), None);
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
