//! `sandbox`: a stand-in for Intercom.

use crate::exit::{Error, Exit};
use crate::interrupt::Interrupt;
use crate::print::{all_that_is_wanted, note};
use crate::text::{BOLD, DIM};
use crate::values::{Address, Format as _, OneOf, Time, parser};
use clap::{Args, ValueHint};
use intercom_api::{DataAttributeModel, DataType};
use intercom_sandbox::{DuplicateEmail, Faults, RateLimit, Settings};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::TcpListener;

/// Serve a stand-in for Intercom, to develop and rehearse against
///
/// It keeps contacts, companies, tags, events and attributes in memory, with Intercom's rules. It forgets everything
/// when it ends.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  rudder-intercom sandbox
  rudder-intercom sandbox --strict --attribute contact:plan:string
  INTERCOM_ACCESS_TOKEN=any rudder-intercom send events.ndjson --intercom-base-url http://127.0.0.1:4010

Besides Intercom's own paths it has GET /_sandbox/state, POST /_sandbox/reset and PUT /_sandbox/faults.")]
pub(crate) struct Sandbox {
    /// The address and port to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4010", value_parser = parser::<Address, SocketAddr>())]
    listen: SocketAddr,
    #[command(flatten)]
    rules: Rules,
}

/// How strict, slow and unreliable the sandbox is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rules")]
struct Rules {
    /// Be as strict as Intercom: undefined attributes fail, search lags by 30 seconds, 10,000 calls a minute.
    #[arg(long)]
    strict: bool,
    /// Fail calls with a custom attribute that is not defined.
    #[arg(long)]
    defined_attributes_only: bool,
    /// Define a custom attribute, such as contact:plan:string; can be repeated.
    #[arg(long = "attribute", value_name = "MODEL:NAME:TYPE", value_parser = parse_attribute)]
    attributes: Vec<(DataAttributeModel, String, DataType)>,
    /// How long it takes until a changed contact can be found by search, such as 10s.
    #[arg(long, value_name = "TIME", value_parser = parser::<Time, Duration>())]
    search_lag: Option<Duration>,
    /// How many calls are answered in what time, such as 1666/10s; none for no limit.
    #[arg(long, value_name = "CALLS/TIME", value_parser = parse_rate)]
    rate_limit: Option<Rate>,
    /// What becomes of a second user with an email that another has: conflict refuses it, allow lets several have it.
    #[arg(long, value_name = "POLICY", default_value_t, value_parser = parser::<OneOf, DuplicateEmail>())]
    duplicate_email: DuplicateEmail,
    /// Refuse leads with a user id.
    #[arg(long)]
    refuse_lead_ids: bool,
    /// How many values the list of a search's filter can have.
    #[arg(long, value_name = "COUNT")]
    max_search_values: Option<usize>,
    /// How many event names may be active.
    #[arg(long, value_name = "COUNT")]
    max_event_names: Option<usize>,
    /// Accept only the token in this file. Without it, any token will do.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    token_file: Option<PathBuf>,
    /// The share of calls that go wrong at random, from 0 to 1: errors, delays, broken connections.
    #[arg(long, value_name = "SHARE", value_parser = parse_share)]
    fault_rate: Option<f64>,
    /// What decides about ids and random faults: the same seed and calls give the same responses.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    seed: u64,
}

#[derive(Clone, Copy, Debug)]
enum Rate {
    None,
    Limit(RateLimit),
}

impl Rules {
    fn settings(self) -> Result<Settings, Error> {
        let mut settings = if self.strict {
            Settings::strict()
        } else {
            Settings::default()
        };
        settings.accept_any_attribute &= !self.defined_attributes_only;
        settings.attributes = self.attributes;
        settings.search_lag = self.search_lag.unwrap_or(settings.search_lag);
        settings.max_event_names = self.max_event_names.unwrap_or(settings.max_event_names);
        settings.seed = self.seed;
        settings.duplicate_email = self.duplicate_email;
        settings.refuse_lead_ids = self.refuse_lead_ids;
        settings.max_search_values = self.max_search_values;
        match self.rate_limit {
            Some(Rate::None) => settings.rate_limit = None,
            Some(Rate::Limit(limit)) => settings.rate_limit = Some(limit),
            None => {}
        }
        if let Some(path) = &self.token_file {
            settings.token = Some(super::token::read_file(path)?);
        }
        if let Some(share) = self.fault_rate {
            settings.faults = Faults::mixed(share);
        }
        Ok(settings)
    }
}

impl Sandbox {
    /// Serves until it is interrupted.
    pub(crate) fn run(self) -> Result<Exit, Error> {
        let settings = self.rules.settings()?;
        let interrupt = Interrupt::listen()?;
        let runtime = tokio::runtime::Runtime::new()
            .map_err(|error| Error::System("cannot start the server".to_owned(), error))?;
        runtime.block_on(async {
            let cannot = |error| Error::System(format!("cannot listen on {}", self.listen), error);
            let listener = TcpListener::bind(self.listen).await.map_err(cannot)?;
            let url = format!("http://{}", listener.local_addr().map_err(cannot)?);
            all_that_is_wanted(writeln!(anstream::stdout(), "{BOLD}{url}{BOLD:#}"))?;
            note!("A sandbox of Intercom. Try it:\n");
            note!(
                "  curl {url}/contacts -H 'Authorization: Bearer any' -H 'Content-Type: application/json' \\\n    \
                 -d '{{\"email\": \"ann@example.com\"}}'\n  curl {url}/_sandbox/state\n"
            );
            note!("{DIM}Ctrl-C ends it.{DIM:#}");
            intercom_sandbox::serve(listener, settings, async move { interrupt.asked().await })
                .await
                .map_err(|error| Error::System("the sandbox has failed".to_owned(), std::io::Error::other(error)))
        })?;
        Ok(Exit::Done)
    }
}

fn parse_attribute(text: &str) -> Result<(DataAttributeModel, String, DataType), String> {
    let hint = || "expected MODEL:NAME:TYPE, such as contact:plan:string".to_owned();
    let (model, rest) = text.split_once(':').ok_or_else(hint)?;
    let (name, data_type) = rest.rsplit_once(':').ok_or_else(hint)?;
    let model = DataAttributeModel::from(model);
    if !matches!(model, DataAttributeModel::Contact | DataAttributeModel::Company) {
        return Err("the model must be contact or company".to_owned());
    }
    let data_type = DataType::from(data_type);
    if matches!(data_type, DataType::Other(_)) {
        return Err("the type must be string, integer, float, boolean, datetime or date".to_owned());
    }
    if name.is_empty() {
        Err(hint())
    } else {
        Ok((model, name.to_owned(), data_type))
    }
}

fn parse_rate(text: &str) -> Result<Rate, String> {
    let hint = "expected CALLS/TIME, such as 1666/10s, or none";
    if text == "none" {
        return Ok(Rate::None);
    }
    let (calls, time) = text.split_once('/').ok_or(hint)?;
    let calls = calls.parse().map_err(|_| hint)?;
    match Time::parse(time)? {
        window if window < Duration::from_millis(1) => Err(hint.to_owned()),
        window => Ok(Rate::Limit(RateLimit::new(calls, window))),
    }
}

fn parse_share(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| "expected a number from 0 to 1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_named_with_model_and_type() {
        let (model, name, data_type) = parse_attribute("company:a:b:integer").unwrap();
        assert_eq!(
            (model, name.as_str(), data_type),
            (DataAttributeModel::Company, "a:b", DataType::Integer)
        );
        for text in [
            "",
            "plan",
            "contact:plan",
            "user:plan:string",
            "contact:plan:text",
            "contact::string",
        ] {
            assert!(parse_attribute(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates_and_shares() {
        assert!(matches!(parse_rate("none"), Ok(Rate::None)));
        assert!(
            matches!(parse_rate("100/2500ms"), Ok(Rate::Limit(limit)) if limit == RateLimit::new(100, Duration::from_millis(2500)))
        );
        for text in ["", "100", "100/0", "-1/2", "100/-1", "x/y", "1/NaN"] {
            assert!(parse_rate(text).is_err(), "{text}");
        }
        assert_eq!(parse_share("0.05"), Ok(0.05));
        for text in ["", "5 %", "-0.1", "1.1", "NaN"] {
            assert!(parse_share(text).is_err(), "{text}");
        }
    }
}
