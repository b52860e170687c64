//! Makes mistakes in the engine, the journal and the store, one at a time, on a copy of the project, and says which of
//! them nothing notices: whoever trusts the simulation wants to know what it would find.

mod list;

use crate::{copy, project};
use list::{FAULTS, Fault, Noticed};
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only looks whether each mistake can still be made in the code, and builds nothing
    #[arg(long)]
    check: bool,
    /// Makes these mistakes only
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
    /// How many seeds the simulation has to find a mistake with
    #[arg(long, default_value_t = 20_000)]
    seeds: u64,
}

pub(crate) fn run(options: &Options) -> ExitCode {
    project::end(check(project::root()).and_then(|checked| match options.check {
        true => Ok(checked),
        false => play(options),
    }))
}

/// Whether each mistake can be made in exactly one place.
fn check(root: &Path) -> Result<String, String> {
    let mut wrong = Vec::new();
    for fault in FAULTS {
        if let Err(reason) = made(root, fault) {
            wrong.push(format!("{}: {reason}", fault.name));
        }
    }
    match wrong.as_slice() {
        [] => Ok(format!("{} mistakes can be made", FAULTS.len())),
        _ => Err(format!(
            "these mistakes cannot be made any more:\n  {}",
            wrong.join("\n  ")
        )),
    }
}

/// The file with the mistake in it.
fn made(root: &Path, fault: &Fault) -> Result<String, String> {
    let text = fs::read_to_string(root.join(fault.file)).map_err(|error| format!("{}: {error}", fault.file))?;
    match text.matches(fault.old).count() {
        1 => Ok(text.replace(fault.old, fault.new)),
        count => Err(format!("{} has {count} places for it, not one", fault.file)),
    }
}

fn play(options: &Options) -> Result<String, String> {
    if let Some(unknown) = options
        .only
        .iter()
        .find(|name| FAULTS.iter().all(|fault| fault.name != name.as_str()))
    {
        return Err(format!("there is no mistake {unknown:?}"));
    }
    let workspace = project::root().join("target").join("faults");
    let copy = copy::make(&workspace)?;
    let chosen: Vec<&Fault> = FAULTS
        .iter()
        .filter(|fault| options.only.is_empty() || options.only.iter().any(|name| name == fault.name))
        .collect();
    for noticed in [Noticed::Simulation, Noticed::Delivery, Noticed::Store] {
        if chosen.iter().any(|fault| fault.noticed == noticed)
            && let Some(sign) = sign(&copy, noticed, options.seeds)?
        {
            return Err(format!("without any mistake, something is noticed: {sign}"));
        }
    }
    let mut unnoticed = Vec::new();
    println!("| mistake | what would happen | noticed | s |\n| --- | --- | --- | --- |");
    for fault in &chosen {
        let start = Instant::now();
        let path = copy.join(fault.file);
        let right = fs::read(&path).map_err(|error| format!("{}: {error}", fault.file))?;
        let write = |bytes: &[u8]| fs::write(&path, bytes).map_err(|error| format!("{}: {error}", fault.file));
        write(made(&copy, fault)?.as_bytes())?;
        let sign = sign(&copy, fault.noticed, options.seeds);
        write(&right)?;
        let sign = sign?;
        let shown = sign.as_deref().unwrap_or("**no**");
        let seconds = start.elapsed().as_secs();
        println!("| {} | {} | {shown} | {seconds} |", fault.name, fault.reason);
        if sign.is_none() {
            unnoticed.push(fault.name);
        }
    }
    fs::remove_dir_all(&workspace).map_err(|error| format!("{}: {error}", workspace.display()))?;
    match unnoticed.as_slice() {
        [] => Ok(format!("all {} mistakes are noticed", chosen.len())),
        _ => Err(format!("nothing notices: {}", unnoticed.join(", "))),
    }
}

/// Builds the copy and looks for a sign that something is wrong.
fn sign(copy: &Path, noticed: Noticed, seeds: u64) -> Result<Option<String>, String> {
    let seeds = seeds.to_string();
    // How it is built and run, of what package and target, and with what when it is built and when it is run.
    let (verbs, target, built, run): ([&str; 2], &[&str], &[&str], &[&str]) = match noticed {
        Noticed::Simulation => (
            ["build", "run"],
            &["test-support", "--release", "--bin", "bad_days"],
            &[],
            &["--", &seeds],
        ),
        Noticed::Delivery => (
            ["test", "test"],
            &["intercom-delivery", "--all-features", "--tests"],
            &["--no-run"],
            &[],
        ),
        Noticed::Store => (["test", "test"], &["event-store", "--lib"], &["--no-run"], &[]),
    };
    let cargo =
        |verb: &str, more: &[&str]| copy::cargo(copy, &[&[verb, "--quiet", "--package"], target, more].concat());
    let built = cargo(verbs[0], built)
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if !built.success() {
        return Err("the copy does not build".into());
    }
    let output = cargo(verbs[1], run)
        .output()
        .map_err(|error| format!("cargo: {error}"))?;
    if output.status.success() {
        return Ok(None);
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let is_telling = |line: &&str| line.starts_with("seed ") || line.contains("panicked") || line.ends_with("FAILED");
    let line = said.lines().find(is_telling).unwrap_or("it fails");
    Ok(Some(line.chars().take(120).collect::<String>().replace('|', "/")))
}
