//! `completions`: a script for the shell.

use crate::exit::{Error, Exit};
use crate::print::all_that_is_wanted;
use clap::{Args, Command};
use clap_complete::Shell;
use std::io::{self, Write as _};

/// Print a script that completes this program's arguments in a shell
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  rudder-intercom completions bash > ~/.local/share/bash-completion/completions/rudder-intercom"
)]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    /// Prints the script for this command line.
    pub(crate) fn run(self, mut command_line: Command) -> Result<Exit, Error> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command_line, "rudder-intercom", &mut script);
        let mut stdout = io::stdout();
        all_that_is_wanted(stdout.write_all(&script).and_then(|()| stdout.flush()))?;
        Ok(Exit::Done)
    }
}
