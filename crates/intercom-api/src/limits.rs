//! What Intercom allows, as of November 2026. Each constant names its source.

use crate::time::UnixSeconds;

/// Event names that can be active in a workspace.
///
/// <https://www.intercom.com/help/en/articles/175-set-up-event-tracking-in-intercom>, November 2026.
pub const ACTIVE_EVENT_NAMES: usize = 120;

/// Keys of an event's metadata that are kept; those that come later are ignored.
///
/// OpenAPI description 2.10, `POST /events`, November 2026.
pub const EVENT_METADATA_KEYS: usize = 10;

/// Calls a minute that an app may make.
///
/// <https://developers.intercom.com/docs/references/rest-api/errors/rate-limiting>, November 2026.
pub const CALLS_PER_MINUTE: u32 = 10_000;

/// Calls a minute that all apps of a workspace may make together.
///
/// <https://developers.intercom.com/docs/references/rest-api/errors/rate-limiting>, November 2026.
pub const CALLS_PER_MINUTE_OF_WORKSPACE: u32 = 25_000;

/// Seconds of one window in which calls are counted: a sixth of the calls a minute fall to each.
///
/// <https://developers.intercom.com/docs/references/rest-api/errors/rate-limiting>, November 2026.
pub const RATE_LIMIT_WINDOW_SECONDS: u32 = 10;

/// Characters that a text under a custom attribute can have; Intercom refuses the whole update for a longer one.
///
/// <https://www.intercom.com/help/en/articles/179-create-and-track-custom-data-attributes-cdas>, November 2026.
pub const ATTRIBUTE_TEXT_CHARACTERS: usize = 255;

/// Custom attributes that a workspace can have.
///
/// <https://www.intercom.com/help/en/articles/179-create-and-track-custom-data-attributes-cdas>, November 2026.
pub const CUSTOM_ATTRIBUTES: usize = 250;

/// Characters that the name of a custom attribute cannot have.
///
/// <https://www.intercom.com/help/en/articles/179-create-and-track-custom-data-attributes-cdas>, November 2026; brackets
/// and question marks are refused too.
pub const FORBIDDEN_IN_ATTRIBUTE_NAMES: &[char] = &[
    '.', '$', '~', '`', '!', '@', '#', '%', '^', '&', '*', '\'', '{', '}', '|', '\\', '"', '[', ']', '?', '\0',
];

/// Names of a contact's standard attributes, which a custom attribute cannot have.
///
/// Article 179 as above; the names: OpenAPI description 2.10, schema `contact` and `POST /contacts/search`.
pub const STANDARD_CONTACT_ATTRIBUTES: &[&str] = &[
    "id",
    "user_id",
    "external_id",
    "workspace_id",
    "role",
    "name",
    "email",
    "email_domain",
    "phone",
    "formatted_phone",
    "avatar",
    "owner_id",
    "created_at",
    "updated_at",
    "signed_up_at",
    "last_seen_at",
    "last_replied_at",
    "last_contacted_at",
    "last_email_opened_at",
    "last_email_clicked_at",
    "unsubscribed_from_emails",
    "marked_email_as_spam",
    "has_hard_bounced",
    "language_override",
    "browser",
    "browser_version",
    "browser_language",
    "os",
    "ios_app_name",
    "ios_app_version",
    "ios_device",
    "ios_os_version",
    "ios_sdk_version",
    "ios_last_seen_at",
    "android_app_name",
    "android_app_version",
    "android_device",
    "android_os_version",
    "android_sdk_version",
    "android_last_seen_at",
];

/// Names of a company's standard attributes, which a custom attribute cannot have.
///
/// Article 179 as above; the names: OpenAPI description 2.10, schema `company` and the examples of `GET /data_attributes`.
pub const STANDARD_COMPANY_ATTRIBUTES: &[&str] = &[
    "id",
    "company_id",
    "app_id",
    "name",
    "website",
    "plan",
    "size",
    "industry",
    "monthly_spend",
    "session_count",
    "user_count",
    "created_at",
    "updated_at",
    "last_request_at",
    "remote_created_at",
];

/// Hexadecimal digits of the id that Intercom gives a contact.
///
/// OpenAPI description 2.10, the examples of schema `contact`, November 2026.
pub const CONTACT_ID_DIGITS: usize = 24;

/// The greatest `monthly_spend` of a company.
///
/// OpenAPI description 2.10, `create_or_update_company_request`, November 2026.
pub const MONTHLY_SPEND: i64 = 2_147_483_647;

/// Companies that one contact can belong to.
///
/// OpenAPI description 2.10, `POST /contacts/{id}/companies`, November 2026.
pub const COMPANIES_PER_CONTACT: usize = 1000;

/// Companies that [`ListCompanies`](crate::ListCompanies) reaches, over all its pages.
///
/// OpenAPI description 2.10, `POST /companies/list`, November 2026.
pub const LISTED_COMPANIES: usize = 10_000;

/// Values that a custom attribute with values to choose from has at least.
///
/// OpenAPI description 2.10, example `too_few_options_for_list` of `POST /data_attributes`, November 2026.
pub const ATTRIBUTE_OPTIONS_AT_LEAST: usize = 2;

/// Days for which [`ListDataEvents`](crate::ListDataEvents) knows single events.
///
/// OpenAPI description 2.10, `GET /events`, November 2026.
pub const LISTED_EVENTS_DAYS: u32 = 90;

/// Tags, notes, companies and subscription types of a contact that a response shows; the others are at its `url`.
///
/// OpenAPI description 2.10, schema `contact`, November 2026.
pub const ADDRESSABLES_SHOWN: usize = 10;

/// Filters in one AND or OR group of a search.
///
/// OpenAPI description 2.10, `POST /contacts/search`, November 2026.
pub const SEARCH_FILTERS_PER_GROUP: usize = 15;

/// How deep groups can be nested in the outermost group of a search.
///
/// OpenAPI description 2.10, `POST /contacts/search`, November 2026.
pub const SEARCH_NESTED_GROUPS: usize = 2;

/// Hits on a page of a search unless it asks for another number.
///
/// OpenAPI description 2.10, `POST /contacts/search`, November 2026.
pub const SEARCH_PAGE_SIZE: u32 = 50;

/// The greatest page of contacts that can be asked for.
///
/// <https://developers.intercom.com/docs/build-an-integration/learn-more/rest-apis/pagination>, November 2026.
pub const PAGE_SIZE: u32 = 150;

/// How many calls are left in the current window, as the headers of a response say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub struct RateLimit {
    /// Calls in a window: `X-RateLimit-Limit`.
    pub limit: u32,
    /// Calls left in this one: `X-RateLimit-Remaining`.
    pub remaining: u32,
    /// When the next window begins: `X-RateLimit-Reset`.
    pub reset: UnixSeconds,
}

impl RateLimit {
    /// A state of the limit.
    pub const fn new(limit: u32, remaining: u32, reset: UnixSeconds) -> Self {
        Self {
            limit,
            remaining,
            reset,
        }
    }

    /// Reads the headers of a response. `None` unless all three are there and whole numbers; a negative `remaining` is none
    /// left.
    #[cfg(feature = "http")]
    pub fn from_headers(headers: &http::HeaderMap) -> Option<Self> {
        Self::read(|name| headers.get(name)?.to_str().ok())
    }

    /// The same through a look-up by name, in lower case: `x-ratelimit-limit` and so on.
    pub fn read<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let number = |name| header(name)?.trim().parse::<i64>().ok();
        Some(Self {
            limit: number("x-ratelimit-limit")?.try_into().ok()?,
            remaining: number("x-ratelimit-remaining")?.max(0).try_into().ok()?,
            reset: UnixSeconds(number("x-ratelimit-reset")?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_headers_are_needed() {
        let headers = |name: &str| match name {
            "x-ratelimit-limit" => Some("1667"),
            "x-ratelimit-remaining" => Some("-2"),
            "x-ratelimit-reset" => Some(" 1700000010"),
            _ => None,
        };
        assert_eq!(
            RateLimit::read(headers),
            Some(RateLimit::new(1667, 0, UnixSeconds(1_700_000_010)))
        );
        assert_eq!(
            RateLimit::read(|name| headers(name).filter(|_| name != "x-ratelimit-reset")),
            None
        );
        assert_eq!(RateLimit::read(|_| Some("soon")), None);
    }

    #[cfg(feature = "http")]
    #[test]
    fn the_headers_of_a_response_are_read() {
        let mut headers = http::HeaderMap::new();
        for (name, value) in [("x-ratelimit-limit", "1667"), ("x-ratelimit-remaining", "5")] {
            headers.insert(name, http::HeaderValue::from_static(value));
        }
        assert_eq!(RateLimit::from_headers(&headers), None);
        headers.insert("X-RateLimit-Reset", http::HeaderValue::from_static("1700000010"));
        let limit = RateLimit::new(1667, 5, UnixSeconds(1_700_000_010));
        assert_eq!(RateLimit::from_headers(&headers), Some(limit));
        let _: RateLimit = exact_json::testing::object(&serde_json::to_value(limit).unwrap());
    }
}
