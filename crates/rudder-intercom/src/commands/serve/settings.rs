//! The settings of `serve`. Each is declared here and nowhere else; its default is that of the crate it is for.

use super::setting::{Declared, Setting};
use crate::values::{Address, Count, File, Format, OneOf, Optional, SecretFile, Size, Switch, Time};
use intercom_transformer::BaseUrl;
use tracing_subscriber::filter::Targets;

const SERVICE: &str = "Service";
const INTERCOM: &str = "Intercom";
/// The heading of what only a gateway has.
pub(super) const GATEWAY: &str = "Gateway";
/// The heading of what a store has, of a gateway or of a transformer.
pub(super) const STORE: &str = "Store";
const OUTPUT: &str = "Output";
/// The setting whose flag belongs to all commands.
pub(super) const LOG: &str = "log";

/// Where Intercom is called.
#[derive(Debug)]
struct Url;

impl Format<BaseUrl> for Url {
    const PLACEHOLDER: &'static str = "URL";

    fn parse(text: &str) -> Result<BaseUrl, String> {
        text.parse()
            .map_err(|error: intercom_transformer::InvalidBaseUrl| error.to_string())
    }

    fn show(value: &BaseUrl) -> Option<String> {
        Some(value.to_string())
    }
}

/// What is logged.
#[derive(Debug)]
struct LogFilter;

impl Format<String> for LogFilter {
    const PLACEHOLDER: &'static str = "FILTER";

    fn parse(text: &str) -> Result<String, String> {
        match text.parse::<Targets>() {
            Ok(_) => Ok(text.to_owned()),
            Err(error) => Err(format!(
                "expected a level such as info, or filters such as intercom_delivery=debug: {error}"
            )),
        }
    }

    fn show(value: &String) -> Option<String> {
        Some(value.clone())
    }
}

macro_rules! settings {
    ($($heading:path {$(
        $(#[doc = $help:literal])+
        $name:literal: $format:ty => $($field:ident).+ $(, or $unset:literal)?;
    )*})*) => {
        /// All settings, in the order of the help.
        pub(super) const SETTINGS: &[Setting] = &[$($(Setting::new::<$format, _>(
            Declared {
                name: $name,
                heading: $heading,
                help: concat!($($help),+),
                unset: concat!($($unset)?),
            },
            |config| &config.$($field).+,
            |config| <$format as Format<_>>::show(&config.$($field).+),
            |config, text| {
                config.$($field).+ = <$format as Format<_>>::parse(text)?;
                Ok(())
            },
        ),)*)*];
    };
}

settings! {
    SERVICE {
        /// Where rudder-server finds the service; port 0 takes a free one, and :9090 all addresses of this machine.
        "listen": Address => listen;
        /// A second address for /metrics and /health.
        "metrics-listen": Optional<Address> => metrics_listen, or "nowhere";
        /// Answer rudder-server only if it gives the token in this file: DEST_TRANSFORM_URL=http://any:TOKEN@HOST:PORT.
        "transformer-token-file": SecretFile => transformer_token_file, or "anyone who reaches the port, except web pages";
        /// Show /metrics only to those who give the token in this file, as a bearer token or as a password.
        "metrics-token-file": SecretFile => metrics_token_file, or "anyone who reaches the port, except web pages";
        /// The longest body of a request.
        "max-body-bytes": Size => service.max_body_bytes;
        /// Requests in progress at one time; beyond them, the response is 503.
        "max-requests": Count => service.max_requests;
        /// Connections at one time; beyond them, new ones wait.
        "max-connections": Count => service.max_connections;
        /// How long the body of a request may take to arrive.
        "body-timeout": Time => service.body_timeout;
        /// Connections of one address at one time; beyond them, new ones are closed. Those of this machine are not counted.
        "max-connections-per-peer": Count => service.max_connections_per_peer;
        /// How long the head of a request may take to arrive.
        "header-timeout": Time => service.header_timeout;
        /// How long a client may take nothing of a response.
        "write-timeout": Time => service.write_timeout;
        /// How long a connection may be idle.
        "idle-timeout": Time => service.idle_timeout;
        /// Who makes the calls that an event needs: this program, while it answers, which loses nothing; or rudder-server, as with RudderStack's own transformer.
        "deliver": OneOf => service.deliver;
        /// How many instances of this program write to a workspace. One alone makes fewer calls: it writes nothing that it has written before.
        "instances": OneOf => service.instances;
        /// For how long, from its first attempt, an event is tried again whose contact no search finds: Intercom's searches lag.
        "settling-time": Time => service.settling_time;
        /// How long the calls for one request may take; what is not done by then is to be retried.
        "request-timeout": Time => service.request_timeout;
        /// How long a stop waits for requests in progress.
        "shutdown-timeout": Time => service.shutdown_timeout;
    }
    INTERCOM {
        /// Read Intercom's access token from this file. A gateway needs one; rudder-server's events take it that come without one.
        "token-file": SecretFile => token_file, or "none";
        /// Where Intercom is called in place of its own hosts; {host} in it stands for the host that is meant.
        "intercom-base-url": Optional<Url> => service.intercom_base_url, or "Intercom's hosts";
        /// The version of Intercom's API.
        "api-version": OneOf => service.api_version;
        /// What happens to an update of an archived contact: restore the contact, or fail the event.
        "on-archived": OneOf => service.on_archived;
        /// What to do with custom attributes that the workspace does not have: fail the event, drop or create the attribute.
        "attributes": OneOf => service.on_undefined;
        /// What to do with a track event of a contact who does not exist: fail the event, or create the contact.
        "on-unknown-contact": OneOf => service.on_unknown_contact;
        /// Calls to Intercom at one time.
        "max-calls": Count => service.max_calls;
        /// Calls to Intercom at one time for one request.
        "max-calls-per-request": Count => service.max_calls_per_request;
        /// How long a connection to Intercom may take.
        "connect-timeout": Time => service.connect_timeout;
        /// How long a response of Intercom may take.
        "call-timeout": Time => service.call_timeout;
        /// How many contact ids are remembered.
        "remembered-contacts": Count => service.remembered_contacts;
        /// How long a contact id is remembered that a search has found; 0s for not at all.
        "remember-for": Time => service.remember_for;
    }
    GATEWAY {
        /// Take events straight from RudderStack's SDKs too, keep them on disk until they are in Intercom, and serve a page to watch it.
        "gateway": Switch => is_gateway;
        /// Where rudder-server finds the transformer's paths. A gateway for others than this machine serves neither them nor /metrics on its own address, unless they have a token.
        "transformer-listen": Optional<Address> => transformer_listen, or "where the gateway listens";
        /// Deliver to a stand-in for Intercom within this program.
        "sandbox": Switch => sandbox;
        /// Accept the write keys in this file, one a line or with commas between them.
        "write-keys-file": SecretFile => write_keys_file, or "any key, from this machine only, and from no web pages but its own";
        /// Show the page only to those who know the token in this file.
        "page-token-file": SecretFile => page_token_file, or "to this machine only";
        /// Where the workspace is hosted: US, Europe (or EU) or Australia (or AU), in any case.
        "region": OneOf => gateway.destination.region;
        /// Let the anonymous id stand in for a user id that is missing.
        "send-anonymous-id": Switch => gateway.destination.send_anonymous_id;
        /// What to do with texts that are longer than the 255 characters of a custom attribute: cut, leave out, or send as is.
        "long-text": OneOf => gateway.destination.long_text;
        /// What to do with names that a custom attribute cannot have: rename, or send as is.
        "attribute-names": OneOf => gateway.destination.attribute_names;
        /// What to do about track events of one name, user and second, of which Intercom keeps the first: send as is, or spread them over 5 seconds by their messageId.
        "same-second": OneOf => gateway.destination.same_second;
        /// Whose a contact is that has the event's email and another external id: separate takes it for somebody else's, as Intercom does; same lets the email decide.
        "shared-email": OneOf => gateway.destination.shared_email;
        /// How long Intercom can make the gateway's calls wait at most, whatever it asks for.
        "longest-wait": Time => gateway.engine.longest_wait;
        /// The longest event.
        "max-event-bytes": Size => gateway.max_event_bytes;
        /// The longest request with events, before and after decompression.
        "max-request-bytes": Size => gateway.max_request_bytes;
        /// How many events a request may have; beyond them, the response is 413.
        "max-request-events": Count => gateway.max_request_events;
        /// How many events may wait; beyond them, the response is 503.
        "max-queue-events": Count => kept.bounds.events;
        /// How much room events may take; beyond it, the response is 503.
        "max-queue-bytes": Size => kept.bounds.bytes;
        /// How long the oldest event may wait; beyond that, the response is 503.
        "max-queue-age": Optional<Time> => kept.bounds.age, or "any time";
        /// Of how many events it is kept what has happened to them, by type, name and hashes of their ids; 0 keeps nothing.
        "max-history-events": Count => kept.history.events;
        /// For how long that is kept.
        "history-age": Time => kept.history.age;
        /// How long senders are told to wait that get a 503.
        "retry-after": Time => gateway.retry_after;
        /// From which age of the oldest event on the log and the metrics tell of a backlog.
        "backlog-after": Time => gateway.backlog_after;
        /// Tell the webhook whose URL is in this file, as Slack's take it, of an outage, a refused token, a full disk, a backlog and their like.
        "alert-webhook-file": SecretFile => alert_webhook_file, or "nobody";
        /// How long such a state must last, or be over, before the webhook is told.
        "alert-after": Time => alert_after;
        /// For how long an event with the same messageId is dropped as a repeat.
        "repeat-window": Time => kept.repeats.window;
        /// How many messageIds are remembered for that, at most.
        "remembered-messages": Count => kept.repeats.remembered;
        /// Take the first address of X-Forwarded-For for the sender's: behind a proxy that sets it.
        "trust-forwarded-for": Switch => gateway.trust_forwarded_for;
    }
    STORE {
        /// The file in which events are kept, made if it is not there: those of a gateway; without one, those that wait for the identify of their user. One of a gateway stays with the workspace, or the sandbox, that it was first used with: see `queue reassign`.
        "store": Optional<File> => store, or "rudder-intercom.db of a gateway, or sandbox.db with --sandbox; without a gateway, nothing is kept";
        /// How long track and group events wait that come before the identify of their user; 0s for not at all.
        "wait-for-contact": Time => kept.awaiting.age;
        /// How many of these wait; beyond it, the oldest end.
        "max-awaiting-events": Count => kept.awaiting.events;
        /// Without a gateway: how long after such an event it is first looked whether another instance has created its user; then at six, 30, 90 and 360 times that age, and so often from there.
        "look-for-contact-after": Time => kept.awaiting.first_look;
        /// How much room dead letters may take; beyond it, the oldest are dropped.
        "max-dead-letter-bytes": Size => kept.dead_letters.bytes;
        /// After how long dead letters are dropped.
        "max-dead-letter-age": Optional<Time> => kept.dead_letters.age, or "never";
        /// The file that dead letters are appended to before they are dropped; send can send them again.
        "dropped-dead-letters": Optional<File> => kept.dead_letters.file, or "none";
    }
    OUTPUT {
        /// What is logged.
        "log": LogFilter => log;
        /// The form of the log.
        "log-format": OneOf => log_format;
        /// The OpenTelemetry collector that traces of requests, events and calls go to, by OTLP over HTTP, such as http://localhost:4318. Needs a program that was built with --features otel.
        "otlp-endpoint": Optional<Url> => otlp_endpoint, or "nowhere";
    }
}

/// The setting with this name.
pub(super) fn named(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.declared.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::serve::config::Config;
    use std::collections::BTreeSet;

    #[test]
    fn every_setting_is_read_as_it_is_shown() {
        let defaults = Config::default();
        let mut names = BTreeSet::new();
        for setting in SETTINGS {
            assert!(
                names.insert(setting.declared.name),
                "{} is declared twice",
                setting.declared.name
            );
            match (setting.show)(&defaults) {
                Some(value) => {
                    let mut config = defaults.clone();
                    assert_eq!((setting.set)(&mut config, &value), Ok(()), "{}", setting.declared.name);
                    assert_eq!((setting.show)(&config), Some(value), "{}", setting.declared.name);
                }
                None => assert_ne!(
                    setting.declared.unset, "",
                    "{} says nothing of its absence",
                    setting.declared.name
                ),
            }
        }
    }
}
