//! The pages that are written from the code: rewritten, or checked.

mod mapping;
mod settings;

use crate::guide;
use crate::project;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

/// What brings stale pages up to date.
const UPDATE: &str = "cargo xtask docs";

/// A page that is written from the code.
struct Page {
    /// Below the project's folder.
    path: &'static str,
    write: fn() -> Result<String, String>,
}

const PAGES: &[Page] = &[
    Page {
        path: "crates/rudderstack-to-intercom/MAPPING.md",
        write: || Ok(mapping::page()),
    },
    Page {
        path: "crates/rudder-intercom/deploy/serve.toml",
        write: settings::page,
    },
    Page {
        path: guide::GUIDE,
        write: guide::page,
    },
];

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Changes nothing, and fails if a page is stale
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(options: &Options) -> ExitCode {
    let mut failed = false;
    for Page { path, write } in PAGES {
        let file = project::root().join(path);
        let result = write().and_then(|page| {
            if options.check {
                check(&file, &page)
            } else {
                fs::write(&file, page).map_err(|error| error.to_string())
            }
        });
        match result {
            Ok(()) if options.check => println!("{path} is current"),
            Ok(()) => println!("{path} written"),
            Err(error) => {
                eprintln!("error: {path}: {error}");
                failed = true;
            }
        }
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn check(file: &Path, page: &str) -> Result<(), String> {
    let found = fs::read_to_string(file).map_err(|error| error.to_string())?;
    // A checkout may have other line ends.
    let found = found.replace("\r\n", "\n");
    if found == page {
        return Ok(());
    }
    let mut lines = page.lines().zip(found.lines()).enumerate();
    let (number, differs) = match lines.find(|(_, (new, old))| new != old) {
        Some((at, (new, old))) => (at + 1, format!("\n  is:        {old}\n  should be: {new}")),
        None => (page.lines().count().min(found.lines().count()) + 1, String::new()),
    };
    Err(format!("stale from line {number} on; `{UPDATE}` rewrites it{differs}"))
}
