//! The program's manual pages, and what completes its arguments in shells, to be packed with it.

use crate::{guide, project};
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

/// The shells, and what their files are called.
const SHELLS: [(&str, &str); 5] = [
    ("bash", "rudder-intercom"),
    ("zsh", "_rudder-intercom"),
    ("fish", "rudder-intercom.fish"),
    ("powershell", "_rudder-intercom.ps1"),
    ("elvish", "rudder-intercom.elv"),
];

pub(crate) fn run(output: &project::Output) -> ExitCode {
    let folder = output.or("manual");
    project::end(write(&folder).map(|()| format!("manual pages and completions written below {}", folder.display())))
}

fn write(folder: &Path) -> Result<(), String> {
    let program = guide::build(&[])?;
    let run = |arguments: &[&str]| {
        let output = Command::new(&program).args(arguments).output();
        let output = output.map_err(|error| format!("{}: {error}", program.display()))?;
        match output.status.success() {
            true => Ok(output.stdout),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    };
    let pages = folder.join("man1");
    run(&["manual", &pages.to_string_lossy()])?;
    for (shell, name) in SHELLS {
        let script = run(&["completions", shell])?;
        let file = folder.join("completions").join(name);
        let written = fs::create_dir_all(folder.join("completions")).and_then(|()| fs::write(&file, script));
        written.map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(())
}
