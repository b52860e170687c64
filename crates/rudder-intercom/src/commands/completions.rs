//! `completions`: a script for the shell.

use crate::exit::{Error, Exit};
use clap::{Args, Command};
use clap_complete::Shell;
use std::io::{self, Write as _};

/// Print a script that completes this program's arguments in a shell
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  rudder-intercom completions bash > ~/.local/share/bash-completion/completions/rudder-intercom"
)]
pub struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    /// Prints the script for this command line.
    pub(crate) fn run(self, mut command_line: Command) -> Result<Exit, Error> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command_line, "rudder-intercom", &mut script);
        match io::stdout().write_all(&script) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Output(error)),
            _ => Ok(Exit::Done),
        }
    }
}
