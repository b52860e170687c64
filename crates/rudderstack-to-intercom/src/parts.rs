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

macro_rules! into_intercom {
    ($($(#[$doc:meta])* $theirs:ty => $ours:ty, $convert:expr;)*) => {$(
        impl IntoIntercom for $theirs {
            type Output = $ours;
            $(#[$doc])*
            fn into_intercom(self) -> $ours {
                let convert: fn(Self) -> $ours = $convert;
                convert(self)
            }
        }
    )*};
}

into_intercom! {
    UserId<'_> => ExternalId, ExternalId::new;
    GroupId<'_> => CompanyExternalId, CompanyExternalId::new;
    /// Numbers keep their text.
    Raw<'_> => Value, |raw| value_of(&raw);
    /// As it is: nothing is flattened, renamed or left out, so that Intercom may refuse it.
    Object<'_> => Attributes, |object| object.into_iter().map(|(key, value)| (key.into_owned(), value_of(&value))).collect();
    /// `None` if it is no date: see [`parse_date`].
    Timestamp<'_> => Option<UnixSeconds>, |time| parse_date(time.as_str());
}

/// Reads a date in all the forms that reach RudderStack: ISO 8601, RFC 2822, what JavaScript's `Date` prints, Unix seconds to
/// nanoseconds, rounded down to the second. `None` if it is no date, or before 1970 or after 9999.
pub fn parse_date(text: &str) -> Option<UnixSeconds> {
    match (UNIX_SECONDS.run)(&Raw::from(text)) {
        Coerced::Value(time) => Some(time),
        _ => None,
    }
}
