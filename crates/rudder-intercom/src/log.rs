//! The log, on standard error.

use crate::exit::Error;
use crate::traces::Traces;
use anstream::ColorChoice;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::EnumString, strum::EnumIter)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum LogFormat {
    /// A line an event, for people.
    Text,
    /// A JSON object an event.
    Json,
}

/// Starts to log to standard error, and to trace.
pub(crate) fn log_to_stderr(filter: &str, format: LogFormat, traces: Option<&Traces>) -> Result<(), Error> {
    let targets: Targets = filter
        .parse()
        .map_err(|error| Error::Usage(format!("--log {filter}: {error}")))?;
    let ansi = anstream::AutoStream::choice(&std::io::stderr()) != ColorChoice::Never;
    let lines = tracing_subscriber::fmt::layer()
        // Else it panics where standard error cannot be written.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    let log = tracing_subscriber::registry().with(traces.map(Traces::layer));
    // Fails only if there is a logger already, which then does its work.
    let _ = match format {
        LogFormat::Text => log.with(lines.with_ansi(ansi).with_filter(targets)).try_init(),
        LogFormat::Json => log
            .with(lines.json().flatten_event(true).with_filter(targets))
            .try_init(),
    };
    Ok(())
}
