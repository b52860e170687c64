//! Runs the fuzz targets, each for some time, from the committed seeds and the fixtures.

use crate::project;
use std::fs;
use std::process::ExitCode;
use test_support::checks;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The targets; all of them if none is named
    targets: Vec<String>,
    /// How long each runs
    #[arg(long, default_value_t = 10)]
    seconds: u32,
    /// The nightly toolchain to build with
    #[arg(long, default_value = "nightly")]
    toolchain: String,
}

pub(crate) fn run(options: &Options) -> ExitCode {
    let known: Vec<&str> = checks::ALL.iter().map(|check| check.name).collect();
    if let Some(unknown) = options.targets.iter().find(|name| !known.contains(&name.as_str())) {
        eprintln!("error: there is no target {unknown:?}; there are {}", known.join(", "));
        return ExitCode::from(2);
    }
    for target in known {
        if !options.targets.is_empty() && !options.targets.iter().any(|name| name == target) {
            continue;
        }
        println!("── {target}, {} s", options.seconds);
        if let Err(reason) = fuzz(target, options) {
            eprintln!("error: {target}: {reason}");
            eprintln!(
                "to fix it: correct what the input shows, and keep the input below crates/test-support/fuzz/seeds/{target}"
            );
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn fuzz(target: &str, options: &Options) -> Result<(), String> {
    let folder = project::root().join("crates/test-support/fuzz");
    let corpus = folder.join("corpus").join(target);
    fs::create_dir_all(&corpus).map_err(|error| format!("{}: {error}", corpus.display()))?;
    // Not the cargo that runs this program, which belongs to one toolchain: the one that chooses among them.
    let status = std::process::Command::new("cargo")
        .current_dir(project::root())
        .env_remove("RUSTUP_TOOLCHAIN")
        .arg(format!("+{}", options.toolchain))
        .args(["fuzz", "run", "--fuzz-dir"])
        .arg(&folder)
        .arg(target)
        // What is found goes into the first folder; the others are read only.
        .arg(&corpus)
        .arg(folder.join("seeds").join(target))
        .arg(project::root().join("fixtures"))
        .arg("--")
        .arg(format!("-max_total_time={}", options.seconds))
        .args(["-max_len=8192", "-timeout=5", "-print_final_stats=1"])
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err("it failed, or cargo-fuzz or the nightly toolchain is not installed; the message is above".to_owned())
    }
}
