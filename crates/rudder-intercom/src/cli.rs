//! The command line.

use crate::commands;
use crate::log::{LogFormat, log_to_stderr};
use crate::print::note;
use anstream::ColorChoice;
use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};
use std::process::ExitCode;

const AFTER_HELP: &str = "\
Examples:
  rudder-intercom send events.ndjson --sandbox      try it without an Intercom account
  rudder-intercom check events.ndjson               what would happen, before anything is sent
  rudder-intercom diff events.ndjson                what would change in the workspace, field by field
  rudder-intercom attributes events.ndjson          the custom attributes that are missing in Intercom
  rudder-intercom doctor                            whether token, network and workspace are well
  rudder-intercom convert events.ndjson --pretty    every call, and where each field comes from
  rudder-intercom send events.ndjson.gz             deliver, with the token in INTERCOM_ACCESS_TOKEN
  rudder-intercom verify events.ndjson              whether the workspace has what the events say

Input is newline-delimited events, a JSON array, one event, {\"batch\": […]}, or captured requests
({\"path\", \"headers\", \"body\"}); plain, gzip or zstd. What is read is known by its content, not its name.

Exit codes:
  0    everything was converted or delivered
  1    some events were rejected or failed; the others are done
  2    bad usage, or input or output that cannot be read or written
  3    no valid access token
  4    Intercom cannot be reached
  130  interrupted";

/// Sends RudderStack events to Intercom, as RudderStack's "Intercom v2" destination does.
#[derive(Debug, Parser)]
#[command(name = "rudder-intercom", version, after_help = AFTER_HELP, max_term_width = 110)]
#[command(propagate_version = true, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
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
    /// Off by default, except that serve logs info.
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
    Diff(Box<commands::diff::Diff>),
    Verify(Box<commands::verify::Verify>),
    Doctor(commands::doctor::Doctor),
    Attributes(commands::attributes::Attributes),
    Erase(commands::erase::Erase),
    Serve(Box<commands::serve::Serve>),
    Send(Box<commands::send::Send>),
    Sandbox(commands::sandbox::Sandbox),
    Queue(commands::queue::Queue),
    Completions(commands::completions::Completions),
    Manual(commands::manual::Manual),
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
pub(crate) fn main() -> ExitCode {
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
        _ => log_to_stderr(cli.log.as_deref().unwrap_or("off"), LogFormat::Text, None),
    };
    let result = log.and_then(|()| match cli.command {
        Command::Convert(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Diff(command) => command.run(),
        Command::Verify(command) => command.run(),
        Command::Doctor(command) => command.run(),
        Command::Attributes(command) => command.run(),
        Command::Erase(command) => command.run(),
        Command::Serve(command) => command.run(cli.log),
        Command::Send(command) => command.run(),
        Command::Sandbox(command) => command.run(),
        Command::Queue(command) => command.run(),
        Command::Completions(command) => command.run(Cli::command()),
        Command::Manual(command) => command.run(Cli::command()),
    });
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            let red = anstyle::AnsiColor::Red.on_default().bold();
            note!("{red}error:{red:#} {}", error.report());
            error.exit().into()
        }
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
