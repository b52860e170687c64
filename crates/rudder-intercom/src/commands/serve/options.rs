//! The settings of `serve`, each of which can be given by flag, by variable or in a file.

use super::gateway::GatewaySettings;
use crate::cli::LogFormat;
use crate::commands::connection::parse_region;
use clap::ValueHint;
use intercom_api::{ApiVersion, Region};
use intercom_delivery::{ArchivedPolicy, AttributePolicy, UnknownContactPolicy};
use intercom_transformer::{BaseUrl, Settings};
use rudderstack_to_intercom::{AttributeNames, LongText, SameSecond};
use serde::de::{Deserialize, Deserializer, Error as _};
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Everything that `serve` is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Config {
    pub(super) service: Settings,
    pub(super) gateway: GatewaySettings,
}

/// Declares the options: a line each, with the unit and default that `--help` shows. The field's name is that in the
/// part of [`Config`] that is named beside the heading.
macro_rules! options {
    ($($heading:literal for $part:ident {$(
        $(#[doc = $doc:literal])+
        $field:ident: $type:ty, $value:literal, $variable:literal, $default:literal $(, [$($more:tt)+])?;
    )*})*) => {
        /// Every setting, if it is given.
        #[derive(Debug, Default, clap::Args, serde::Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
        pub(super) struct Options {
            $($(
                #[arg(
                    long,
                    value_name = $value,
                    env = $variable,
                    help_heading = $heading,
                    hide_env_values = true,
                    // A literal is wanted of a doc comment, and this is none.
                    help = concat!($($doc,)+ " [default:", $default, "]").trim_start(),
                    $($($more)+)?
                )]
                #[serde(deserialize_with = "text")]
                $field: Option<$type>,
            )*)*
            /// The form of the log: text or json. [default: text]
            #[arg(long, value_name = "FORM", env = "RUDDER_INTERCOM_LOG_FORMAT", help_heading = "Output", hide_env_values = true)]
            #[serde(deserialize_with = "text")]
            pub(super) log_format: Option<LogFormat>,
            /// In the file only: what `--log` is on the command line.
            #[arg(skip)]
            pub(super) log: Option<String>,
        }

        impl Options {
            /// These, and those of `other` where these say nothing.
            pub(super) fn or(self, other: Self) -> Self {
                Self {
                    $($($field: self.$field.or(other.$field),)*)*
                    log_format: self.log_format.or(other.log_format),
                    log: self.log.or(other.log),
                }
            }

            /// The settings, with the defaults where nothing is said.
            pub(super) fn config(&self) -> Config {
                let mut config = Config::default();
                $($(
                    if let Some(value) = &self.$field {
                        config.$part.$field = value.clone().into();
                    }
                )*)*
                config
            }

            /// The names of the gateway's settings that are given.
            pub(super) fn of_gateway(&self) -> Vec<String> {
                let given = [$($((stringify!($part), stringify!($field), self.$field.is_some()),)*)*];
                given
                    .into_iter()
                    .filter(|(part, _, is_given)| *part == "gateway" && *is_given)
                    .map(|(_, name, _)| name.replace('_', "-"))
                    .collect()
            }

            /// Names and values, without those that are not set.
            pub(super) fn show(config: &Config) -> Vec<(String, String)> {
                let shown = [$($((stringify!($field), config.$part.$field.show()),)*)*];
                shown
                    .into_iter()
                    .filter_map(|(name, value)| Some((name.replace('_', "-"), value?)))
                    .collect()
            }
        }

        /// Names and defaults as `--help` shows them.
        #[cfg(test)]
        const DEFAULTS: &[(&str, &str)] = &[$($((stringify!($field), $default),)*)*];
    };
}

options! {
    "Service" for service {
        /// Where rudder-server finds the service; port 0 takes a free one.
        listen: SocketAddr, "ADDR", "RUDDER_INTERCOM_LISTEN", " 127.0.0.1:9090";
        /// Where /metrics and /health are served besides.
        metrics_listen: SocketAddr, "ADDR", "RUDDER_INTERCOM_METRICS_LISTEN", " nowhere";
        /// The longest body of a request.
        max_body_bytes: Size, "SIZE", "RUDDER_INTERCOM_MAX_BODY_BYTES", " 32MiB";
        /// Requests in progress at one time; beyond them, the answer is 503.
        max_requests: NonZeroUsize, "COUNT", "RUDDER_INTERCOM_MAX_REQUESTS", " 128";
        /// Connections at one time; beyond them, new ones wait.
        max_connections: NonZeroUsize, "COUNT", "RUDDER_INTERCOM_MAX_CONNECTIONS", " 4096";
        /// How long the body of a request may take to arrive.
        body_timeout: Seconds, "TIME", "RUDDER_INTERCOM_BODY_TIMEOUT", " 30s";
        /// How long a connection may be idle, or take for the head of a request.
        idle_timeout: Seconds, "TIME", "RUDDER_INTERCOM_IDLE_TIMEOUT", " 120s";
        /// How long the calls for one request may take; what is not done by then is to be retried.
        request_timeout: Seconds, "TIME", "RUDDER_INTERCOM_REQUEST_TIMEOUT", " 60s";
        /// How long a stop waits for requests in progress.
        shutdown_timeout: Seconds, "TIME", "RUDDER_INTERCOM_SHUTDOWN_TIMEOUT", " 30s";
    }
    "Intercom" for service {
        /// Where Intercom is called in place of its own hosts; {host} in it stands for the host that is meant.
        intercom_base_url: BaseUrl, "URL", "RUDDER_INTERCOM_INTERCOM_BASE_URL", " Intercom's hosts";
        /// The version of Intercom's API.
        api_version: ApiVersion, "VERSION", "RUDDER_INTERCOM_API_VERSION", " 2.10";
        /// What happens to a contact who is archived and to be created: restore or fail.
        on_archived: ArchivedPolicy, "POLICY", "RUDDER_INTERCOM_ON_ARCHIVED", " restore";
        /// Calls to Intercom at one time.
        max_calls: NonZeroUsize, "COUNT", "RUDDER_INTERCOM_MAX_CALLS", " 128";
        /// Calls to Intercom at one time for one request.
        max_calls_per_request: NonZeroUsize, "COUNT", "RUDDER_INTERCOM_MAX_CALLS_PER_REQUEST", " 16";
        /// How long a connection to Intercom may take.
        connect_timeout: Seconds, "TIME", "RUDDER_INTERCOM_CONNECT_TIMEOUT", " 5s";
        /// How long an answer of Intercom may take.
        call_timeout: Seconds, "TIME", "RUDDER_INTERCOM_CALL_TIMEOUT", " 15s";
        /// How many contact ids are remembered.
        remembered_contacts: NonZeroUsize, "COUNT", "RUDDER_INTERCOM_REMEMBERED_CONTACTS", " 50000";
        /// How long a contact id is remembered that a search has found; 0s for not at all.
        remember_for: Seconds, "TIME", "RUDDER_INTERCOM_REMEMBER_FOR", " 60s";
    }
    "Gateway" for gateway {
        /// Take events straight from RudderStack's SDKs too, keep them on disk until they are in Intercom, and serve a page to watch it.
        gateway: bool, "YES", "RUDDER_INTERCOM_GATEWAY", " false", [num_args = 0..=1, require_equals = true, default_missing_value = "true"];
        /// Deliver to a stand-in for Intercom within this program.
        sandbox: bool, "YES", "RUDDER_INTERCOM_SANDBOX", " false", [num_args = 0..=1, require_equals = true, default_missing_value = "true"];
        /// The file in which events are kept, made if it is not there.
        store: PathBuf, "FILE", "RUDDER_INTERCOM_STORE", " rudder-intercom.db, or sandbox.db with --sandbox, which is not to get the events that are meant for Intercom", [value_hint = ValueHint::FilePath];
        /// Accept the write keys in this file, one a line, or else those in RUDDER_INTERCOM_WRITE_KEYS, with commas between them.
        write_keys_file: PathBuf, "FILE", "RUDDER_INTERCOM_WRITE_KEYS_FILE", " any key, from this machine only, and from no web pages but its own", [value_hint = ValueHint::FilePath];
        /// Show the page to those only who know the token in this file, or else in RUDDER_INTERCOM_PAGE_TOKEN.
        page_token_file: PathBuf, "FILE", "RUDDER_INTERCOM_PAGE_TOKEN_FILE", " to this machine only", [value_hint = ValueHint::FilePath];
        /// Read Intercom's access token from this file instead of INTERCOM_ACCESS_TOKEN.
        token_file: PathBuf, "FILE", "RUDDER_INTERCOM_TOKEN_FILE", " none", [value_hint = ValueHint::FilePath];
        /// Where the workspace is hosted: US, Europe or Australia.
        region: Region, "REGION", "RUDDER_INTERCOM_REGION", " US", [value_parser = parse_region];
        /// Let the anonymous id stand in for a user id that is missing.
        send_anonymous_id: bool, "YES", "RUDDER_INTERCOM_SEND_ANONYMOUS_ID", " false", [num_args = 0..=1, require_equals = true, default_missing_value = "true"];
        /// What to do with texts that are longer than the 255 characters of a custom attribute: cut, leave_out or as_is.
        long_text: LongText, "POLICY", "RUDDER_INTERCOM_LONG_TEXT", " cut";
        /// What to do with names that a custom attribute cannot have: rename or as_is.
        attribute_names: AttributeNames, "POLICY", "RUDDER_INTERCOM_ATTRIBUTE_NAMES", " rename";
        /// What to do about track events of one name, user and second, of which Intercom keeps the first: as_is, or spread them over 5 seconds by their messageId.
        same_second: SameSecond, "POLICY", "RUDDER_INTERCOM_SAME_SECOND", " as_is";
        /// What to do with custom attributes that the workspace does not have: fail the event, drop or create the attribute.
        attributes: AttributePolicy, "POLICY", "RUDDER_INTERCOM_ATTRIBUTES", " fail";
        /// What to do with a track event of a contact who does not exist: fail the event, or create the contact.
        on_unknown_contact: UnknownContactPolicy, "POLICY", "RUDDER_INTERCOM_ON_UNKNOWN_CONTACT", " fail";
        /// The longest event.
        max_event_bytes: Size, "SIZE", "RUDDER_INTERCOM_MAX_EVENT_BYTES", " 32KiB";
        /// The longest request with events, before and after decompression.
        max_request_bytes: Size, "SIZE", "RUDDER_INTERCOM_MAX_REQUEST_BYTES", " 4MiB";
        /// How many events may wait; beyond them, the answer is 503.
        max_queue_events: u64, "COUNT", "RUDDER_INTERCOM_MAX_QUEUE_EVENTS", " 10000000";
        /// How much room events and dead letters may take together; beyond it, the answer is 503.
        max_queue_bytes: Bytes, "SIZE", "RUDDER_INTERCOM_MAX_QUEUE_BYTES", " 16GiB";
        /// How long the oldest event may wait; beyond that, the answer is 503.
        max_queue_age: Seconds, "TIME", "RUDDER_INTERCOM_MAX_QUEUE_AGE", " any time";
        /// How long senders are told to wait that are answered 503.
        retry_after: Seconds, "TIME", "RUDDER_INTERCOM_RETRY_AFTER", " 30s";
        /// For how long an event with the same messageId is dropped as a repeat.
        repeat_window: Seconds, "TIME", "RUDDER_INTERCOM_REPEAT_WINDOW", " 3600s";
        /// How many messageIds are remembered for that, at most.
        remembered_messages: usize, "COUNT", "RUDDER_INTERCOM_REMEMBERED_MESSAGES", " 1000000";
        /// Take the first address of X-Forwarded-For for the sender's: behind a proxy that sets it.
        trust_forwarded_for: bool, "YES", "RUDDER_INTERCOM_TRUST_FORWARDED_FOR", " false", [num_args = 0..=1, require_equals = true, default_missing_value = "true"];
    }
}

/// Reads a string or a number of the file as the flag would be read.
fn text<'de, D: Deserializer<'de>, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: FromStr<Err: fmt::Display>,
{
    let value = match toml::Value::deserialize(deserializer)? {
        toml::Value::String(text) => text,
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Boolean(is_so) => is_so.to_string(),
        other => {
            return Err(D::Error::custom(format!(
                "expected a string, a whole number, true or false, not {}",
                other.type_str()
            )));
        }
    };
    value.parse().map(Some).map_err(D::Error::custom)
}

/// A length of time: a number of seconds, or with a unit, such as 500ms, 15s or 2m.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seconds(Duration);

impl FromStr for Seconds {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected a time of at most a day, such as 500ms, 15s or 2m";
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| EXPECTED)?;
        let milliseconds = match unit {
            "ms" => Some(number),
            "" | "s" => number.checked_mul(1000),
            "m" => number.checked_mul(60_000),
            _ => None,
        };
        let is_sane = |milliseconds: &u64| *milliseconds <= 86_400_000;
        let milliseconds = milliseconds.filter(is_sane).ok_or(EXPECTED)?;
        Ok(Self(Duration::from_millis(milliseconds)))
    }
}

impl From<Seconds> for Duration {
    fn from(seconds: Seconds) -> Self {
        seconds.0
    }
}

impl From<Seconds> for Option<Duration> {
    fn from(seconds: Seconds) -> Self {
        Some(seconds.0)
    }
}

/// A number of bytes on a disk, such as 16GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bytes(u64);

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        crate::cli::parse_bytes(text).map(Self)
    }
}

impl From<Bytes> for u64 {
    fn from(bytes: Bytes) -> Self {
        bytes.0
    }
}

/// A number of bytes in memory, such as 512KiB or 32MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size(NonZeroUsize);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let size = crate::cli::parse_size(text)?;
        NonZeroUsize::new(size)
            .map(Self)
            .ok_or_else(|| "expected at least one byte".to_owned())
    }
}

impl From<Size> for NonZeroUsize {
    fn from(size: Size) -> Self {
        size.0
    }
}

/// How a setting is written in the file.
trait Show {
    fn show(&self) -> Option<String>;
}

macro_rules! shown_as_text {
    ($($type:ty)*) => {$(
        impl Show for $type {
            fn show(&self) -> Option<String> {
                Some(self.to_string())
            }
        }
    )*};
}
shown_as_text! { SocketAddr BaseUrl ApiVersion ArchivedPolicy NonZeroUsize Region AttributePolicy UnknownContactPolicy LongText AttributeNames SameSecond u64 usize bool }

impl Show for PathBuf {
    fn show(&self) -> Option<String> {
        Some(self.display().to_string())
    }
}

impl Show for Duration {
    fn show(&self) -> Option<String> {
        Some(match self.subsec_millis() {
            0 => format!("{}s", self.as_secs()),
            _ => format!("{}ms", self.as_millis()),
        })
    }
}

impl<T: Show> Show for Option<T> {
    fn show(&self) -> Option<String> {
        self.as_ref().and_then(Show::show)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_in_the_help_are_true() {
        let shown = Options::show(&Config::default());
        for (name, default) in DEFAULTS {
            let name = name.replace('_', "-");
            let value = shown.iter().find(|(known, _)| *known == name).map(|(_, value)| value);
            let default = default.trim();
            match value {
                // These say in words what happens without them.
                None => assert!(!default.starts_with(|first: char| first.is_ascii_digit()), "{name}"),
                Some(value) if name.ends_with("-bytes") => {
                    assert_eq!(default.parse::<Bytes>(), value.parse(), "{name}");
                }
                Some(value) => assert_eq!(default, value, "{name}"),
            }
        }
    }

    #[test]
    fn times_have_units() {
        for (text, milliseconds) in [("0", 0), ("5", 5000), ("5s", 5000), ("250ms", 250), ("2m", 120_000)] {
            assert_eq!(text.parse(), Ok(Seconds(Duration::from_millis(milliseconds))), "{text}");
        }
        for text in ["", "s", "-1", "1.5", "1h", "99999999999999999999", "1000000"] {
            assert!(text.parse::<Seconds>().is_err(), "{text}");
        }
    }
}
