//! The command line.

use crate::commands;
use crate::exit::Error;
use crate::input::{Opened, Source};
use crate::values::{Size, parser};
use anstream::{ColorChoice, eprintln};
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum, ValueHint};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

const AFTER_HELP: &str = "\
Examples:
  rudder-intercom send events.ndjson --sandbox      try it without an Intercom account
  rudder-intercom check events.ndjson               what would happen, before anything is sent
  rudder-intercom attributes events.ndjson          the custom attributes that are missing in Intercom
  rudder-intercom convert events.ndjson --pretty    every call, and where each field comes from
  rudder-intercom send events.ndjson.gz             deliver, with the token in INTERCOM_ACCESS_TOKEN

Input is newline-delimited events, a JSON array, one event, {\"batch\": […]}, or captured requests
({\"path\", \"headers\", \"body\"}); plain, gzip or zstd. What is read is known by its content, not its name.

Exit codes:
  0    everything was converted or delivered
  1    some events were rejected or failed; the others are done
  2    bad usage, or input or output that cannot be read or written
  3    no valid access token
  130  interrupted";

/// Sends RudderStack events to Intercom, as RudderStack's "Intercom v2" destination does.
#[derive(Debug, Parser)]
#[command(name = "rudder-intercom", version, after_help = AFTER_HELP, max_term_width = 110)]
#[command(propagate_version = true, subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// When to use colours.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Output"
    )]
    color: Color,
    /// What to log to standard error: off, error, warn, info, debug, trace, or filters such as intercom_delivery=debug.
    /// Off by default, save that serve logs info.
    #[arg(
        long,
        global = true,
        value_name = "FILTER",
        env = "RUST_LOG",
        help_heading = "Output",
        hide_env_values = true
    )]
    log: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Convert(commands::convert::Convert),
    Check(commands::check::Check),
    Attributes(commands::attributes::Attributes),
    Erase(commands::erase::Erase),
    Serve(Box<commands::serve::Serve>),
    Send(Box<commands::send::Send>),
    Sandbox(commands::sandbox::Sandbox),
    Queue(commands::queue::Queue),
    Completions(commands::completions::Completions),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Runs the program with the arguments it was started with.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.color {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    }
    .write_global();
    let log = match &cli.command {
        // It has more to say about the log.
        Command::Serve(_) => Ok(()),
        _ => log_to_stderr(cli.log.as_deref().unwrap_or("off"), LogFormat::Text),
    };
    let result = log.and_then(|()| match cli.command {
        Command::Convert(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Attributes(command) => command.run(),
        Command::Erase(command) => command.run(),
        Command::Serve(command) => command.run(cli.log),
        Command::Send(command) => command.run(),
        Command::Sandbox(command) => command.run(),
        Command::Queue(command) => command.run(),
        Command::Completions(command) => command.run(Cli::command()),
    });
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            let red = anstyle::AnsiColor::Red.on_default().bold();
            eprintln!("{red}error:{red:#} {}", error.report());
            error.exit().into()
        }
    }
}

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::EnumString, strum::EnumIter)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum LogFormat {
    /// A line an event, for people.
    Text,
    /// A JSON object an event.
    Json,
}

/// Starts to log to standard error.
pub(crate) fn log_to_stderr(filter: &str, format: LogFormat) -> Result<(), Error> {
    let targets: Targets = filter
        .parse()
        .map_err(|error| Error::Usage(format!("--log {filter}: {error}")))?;
    let ansi = anstream::AutoStream::choice(&std::io::stderr()) != ColorChoice::Never;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let log = tracing_subscriber::registry().with(targets);
    // Fails only if there is a logger already, which then does its work.
    let _ = match format {
        LogFormat::Text => log.with(lines.with_ansi(ansi)).try_init(),
        LogFormat::Json => log.with(lines.json().flatten_event(true)).try_init(),
    };
    Ok(())
}

/// What every command that reads events is told about them.
#[derive(Clone, Debug, Args)]
pub struct Input {
    /// The file with the events, or - for standard input.
    #[arg(value_name = "FILE", default_value = "-", value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// The longest event, batch or captured request that is accepted, such as 512KiB or 8MB.
    #[arg(long, value_name = "SIZE", default_value = "4MiB", value_parser = parser::<Size, usize>())]
    max_event_bytes: usize,
}

impl Input {
    /// Opens the input.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened.
    pub fn open(&self) -> Result<Opened, Error> {
        let source = Source::from(self.file.as_path());
        if source == Source::Stdin && std::io::stdin().is_terminal() {
            eprintln!("reading events from the terminal; end with Ctrl-D");
        }
        source.open().map_err(|source| Error::Open {
            path: self.file.clone(),
            source,
        })
    }

    /// The file, as it was given.
    pub fn file(&self) -> &std::path::Path {
        &self.file
    }

    /// How long a record may be.
    pub fn limit(&self) -> usize {
        self.max_event_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
