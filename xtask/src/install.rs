//! What the project does not bring along: packages of the system, of npm and of PyPI.
//!
//! Whatever is installed, but for packages of the system, lies where the caller says, below `target`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// Something that is needed of the system.
pub(crate) struct Need {
    pub(crate) is_there: fn() -> bool,
    /// The Debian packages that have it.
    pub(crate) packages: &'static [&'static str],
}

/// Node.
pub(crate) const NODE: Need = Need {
    is_there: || succeeds("node", &["--version"]),
    packages: &["nodejs"],
};

/// Its package manager.
pub(crate) const NPM: Need = Need {
    is_there: || succeeds("npm", &["--version"]),
    packages: &["npm"],
};

/// Python, with what makes virtual environments.
pub(crate) const PYTHON: Need = Need {
    is_there: || succeeds("python3", &["-c", "import ensurepip, venv"]),
    packages: &["python3", "python3-venv"],
};

/// How long to wait before a package registry is asked again: one that cannot be reached for a moment fails nothing.
const WAITS: [Duration; 4] = [
    Duration::from_secs(3),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(60),
];

/// Copies the files of a folder to where packages may be installed beside them.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let copy = || -> std::io::Result<()> {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                fs::copy(entry.path(), to.join(entry.file_name()))?;
            }
        }
        Ok(())
    };
    copy().map_err(|error| format!("{}: {error}", to.display()))
}

/// Installs the packages of a folder, in the versions of its lock file.
pub(crate) fn npm(folder: &Path) -> Result<(), String> {
    patiently("the JavaScript packages cannot be installed with npm", || {
        let mut npm = Command::new("npm");
        // Not `ci`, which wants the optional packages of every platform in the lock file.
        npm.args([
            "install",
            "--ignore-scripts",
            "--omit=optional",
            "--no-audit",
            "--no-fund",
        ])
        .arg("--prefer-offline")
        .current_dir(folder);
        npm
    })
}

/// Makes a virtual environment with these packages, and gives its interpreter.
pub(crate) fn python(requirements: &Path, environment: &Path) -> Result<PathBuf, String> {
    let python = environment.join("bin/python");
    // One that was left half-made, or whose interpreter has gone, is made again.
    if !succeeds(&python, &["-m", "pip", "--version"]) {
        succeed(Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment))?;
    }
    patiently("the Python packages cannot be installed with pip", || {
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .arg("--requirement")
            .arg(requirements);
        pip
    })?;
    Ok(python)
}

/// Installs what the system lacks, where that is possible: as root on Debian and its like.
pub(crate) fn packages(needs: &[Need]) -> Result<(), String> {
    let missing = needs.iter().filter(|need| !(need.is_there)());
    let packages: Vec<_> = missing.flat_map(|need| need.packages).collect();
    if packages.is_empty() {
        return Ok(());
    }
    let names = packages.iter().map(|name| **name).collect::<Vec<_>>().join(", ");
    let needed = format!("these packages are needed and cannot be installed: {names}");
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.args(["--yes", "--quiet", "--option", "DPkg::Lock::Timeout=120"])
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null());
        apt
    };
    if !succeeds("apt-get", &["--version"]) {
        return Err(needed);
    }
    println!("installing {names}");
    patiently(&needed, || {
        let mut update = apt();
        update.arg("update");
        update
    })?;
    patiently(&needed, || {
        let mut install = apt();
        install.args(["install", "--no-install-recommends"]).args(&packages);
        install
    })
}

/// Runs a command that needs a package registry, a few times if need be.
pub(crate) fn patiently(what_fails: &str, command: impl Fn() -> Command) -> Result<(), String> {
    for wait in WAITS {
        let Err(reason) = succeed(&mut command()) else {
            return Ok(());
        };
        eprintln!("{reason}; trying again in {wait:?}");
        thread::sleep(wait);
    }
    succeed(&mut command()).map_err(|reason| format!("{what_fails}, after {} attempts: {reason}", WAITS.len() + 1))
}

pub(crate) fn succeeds(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

pub(crate) fn succeed(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program} ended with {status}")),
        Err(error) => Err(format!("cannot run {program}: {error}")),
    }
}
