//! `manual`: what the help says, as manual pages.

use crate::exit::{Error, Exit};
use crate::print::note;
use clap::{Args, Command, ValueHint};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Write this program's manual pages, one for each command
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  rudder-intercom manual ~/.local/share/man/man1, and then: man rudder-intercom-send"
)]
pub(crate) struct Manual {
    /// The folder for them; made if it is not there.
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    folder: PathBuf,
}

impl Manual {
    /// Writes the pages for this command line.
    pub(crate) fn run(self, command_line: Command) -> Result<Exit, Error> {
        let cannot = Error::write(&self.folder);
        fs::create_dir_all(&self.folder).map_err(cannot)?;
        // What clap knows of a command only once it has been built: its whole name, and what is global.
        let mut command_line = command_line.disable_help_subcommand(true);
        command_line.build();
        let count = write(&command_line, &self.folder).map_err(cannot)?;
        note!("wrote {count} pages into {}", self.folder.display());
        Ok(Exit::Done)
    }
}

/// Writes the page of a command, and those of its own commands. Gives how many they are.
fn write(command: &Command, folder: &Path) -> io::Result<usize> {
    let name = command
        .get_display_name()
        .unwrap_or_else(|| command.get_name())
        .to_owned();
    let page = clap_mangen::Man::new(command.clone().name(&name));
    let mut text = Vec::new();
    page.render(&mut text)?;
    fs::write(folder.join(format!("{name}.1")), text)?;
    let mut count = 1;
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        count += write(inner, folder)?;
    }
    Ok(count)
}
