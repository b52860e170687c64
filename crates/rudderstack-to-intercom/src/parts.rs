//! Parts of an event as Intercom's models have them.

use crate::coerce::{Coerced, UNIX_SECONDS};
use crate::flatten::value_of;
use intercom_api::{Attributes, CompanyExternalId, ExternalId, UnixSeconds, Value};
use rudderstack_events::{GroupId, Object, Raw, Timestamp, UserId};

/// What a part of an event is in Intercom's models.
///
/// Neither crate knows the other, so this stands in for `From`:
///
/// ```
/// use intercom_api::UnixSeconds;
/// use rudderstack_events::{Object, Timestamp, UserId};
/// use rudderstack_to_intercom::IntoIntercom as _;
///
/// assert_eq!(UserId::new("ann-1").into_intercom(), "ann-1");
/// assert_eq!(Object::new().with("plan", "pro").into_intercom()["plan"].as_str(), Some("pro"));
/// assert_eq!(Timestamp::new("5 Jan 2024").into_intercom(), Some(UnixSeconds(1_704_412_800)));
/// ```
pub trait IntoIntercom {
    /// The type in Intercom's models.
    type Output;

    /// The same in Intercom's models.
    fn into_intercom(self) -> Self::Output;
}

impl IntoIntercom for UserId<'_> {
    type Output = ExternalId;
    fn into_intercom(self) -> ExternalId {
        ExternalId::new(self)
    }
}

impl IntoIntercom for GroupId<'_> {
    type Output = CompanyExternalId;
    fn into_intercom(self) -> CompanyExternalId {
        CompanyExternalId::new(self)
    }
}

impl IntoIntercom for Raw<'_> {
    type Output = Value;
    /// Numbers keep their text.
    fn into_intercom(self) -> Value {
        value_of(&self)
    }
}

impl IntoIntercom for Object<'_> {
    type Output = Attributes;
    /// As it is: nothing is flattened, renamed or left out, so that Intercom may refuse it.
    fn into_intercom(self) -> Attributes {
        let entries = self.into_iter();
        entries
            .map(|(key, value)| (key.into_owned(), value_of(&value)))
            .collect()
    }
}

impl IntoIntercom for Timestamp<'_> {
    type Output = Option<UnixSeconds>;
    /// `None` if it is no date: see [`parse_date`].
    fn into_intercom(self) -> Option<UnixSeconds> {
        parse_date(self.as_str())
    }
}

/// Reads a date in all the forms that reach RudderStack: ISO 8601, RFC 2822, what JavaScript's `Date` prints, Unix seconds to
/// nanoseconds, rounded down to the second. `None` if it is no date, or before 1970 or after 9999.
pub fn parse_date(text: &str) -> Option<UnixSeconds> {
    match (UNIX_SECONDS.run)(&Raw::from(text)) {
        Coerced::Value(time) => Some(time),
        _ => None,
    }
}
