//! Rehearsals of bad days with the shipped program: see [`test_support::rehearsal`].

use crate::project;
use clap::Args;
use std::fs;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use strum::IntoEnumIterator as _;
use test_support::rehearsal::{Failure, Mode, Report, Stage, rehearse};

#[derive(Args)]
pub(crate) struct Options {
    /// How many seeds are played in each mode
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Play these modes only; all, if none is given
    #[arg(long, value_name = "MODE", value_delimiter = ',')]
    mode: Vec<Mode>,
    /// How many people come to the website, in modes behind rudder-server: as they came to that on which the real one was seen,
    /// which takes a hundredth of a second for each; a few, if it is not said
    #[arg(long)]
    people: Option<usize>,
    /// How many rehearsals run at a time
    #[arg(long, default_value_t = NonZeroUsize::new(8).unwrap_or(NonZeroUsize::MIN))]
    jobs: NonZeroUsize,
    /// Run this program, rather than build one
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> ExitCode {
    let program = match &options.program {
        Some(program) => program.clone(),
        None => match build() {
            Ok(program) => program,
            Err(error) => {
                eprintln!("error: {error}");
                return ExitCode::FAILURE;
            }
        },
    };
    let folder = project::target().join("rehearsal");
    let modes = match options.mode.as_slice() {
        [] => Mode::iter().collect(),
        modes => modes.to_vec(),
    };
    let (mut passed, mut failed) = (0, 0);
    for mode in modes {
        let tally = play(options, &program, &folder, mode);
        let sum = |count: fn(&Report) -> usize| tally.reports.iter().map(count).sum::<usize>();
        println!(
            "{mode:12} {} seeds, {} events, {} ends: {} wrong states, {} wrong summaries, {} hangs, {} broken, {:.0} s",
            options.seeds,
            sum(|report| report.events),
            sum(|report| report.ends),
            tally.wrong,
            tally.summaries,
            tally.hangs,
            tally.broken,
            tally.seconds
        );
        let calls: u64 = tally.reports.iter().map(|report| report.calls).sum();
        if calls > 0 {
            let processor: Duration = tally.reports.iter().map(|report| report.processor).sum();
            println!(
                "{:12} {} of {} people wrong, {} events lost, {:.3} calls and {:.3} ms of processor time an event",
                "",
                sum(|report| report.wrong),
                sum(|report| report.people),
                sum(|report| report.lost),
                ratio(calls as f64, sum(|report| report.events)),
                ratio(processor.as_secs_f64() * 1e3, sum(|report| report.events)),
            );
        }
        passed += tally.reports.len();
        failed += tally.wrong + tally.summaries + tally.hangs + tally.broken;
    }
    println!("rehearsal: {passed} passed, {failed} failed");
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[allow(clippy::cast_precision_loss, reason = "it is for people")]
fn ratio(sum: f64, events: usize) -> f64 {
    sum / events.max(1) as f64
}

#[derive(Default)]
struct Tally {
    reports: Vec<Report>,
    wrong: usize,
    summaries: usize,
    hangs: usize,
    broken: usize,
    seconds: f64,
}

/// Plays all seeds of a mode, some at a time.
fn play(options: &Options, program: &Path, folder: &Path, mode: Mode) -> Tally {
    let stage = |name: &str| Stage::new(program, folder.join(name)).with_people(options.people);
    let (next, tally) = (AtomicU64::new(options.seed), Mutex::new(Tally::default()));
    let end = options.seed + options.seeds;
    let started = Instant::now();
    let turn = || {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            return ControlFlow::Break(());
        }
        let result = one(&stage(&format!("{mode}-{seed}")), mode, seed);
        let mut tally = tally.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match result {
            Ok(report) => tally.reports.push(report),
            Err(failure) => {
                eprintln!(
                    "{mode} seed {seed}: {failure}\n  again: cargo xtask rehearse --mode {mode} --seed {seed} --seeds 1"
                );
                *match failure {
                    Failure::Wrong(_) => &mut tally.wrong,
                    Failure::Summary(_) => &mut tally.summaries,
                    Failure::Hangs(_) => &mut tally.hangs,
                    _ => &mut tally.broken,
                } += 1;
            }
        }
        ControlFlow::Continue(())
    };
    thread::scope(|scope| {
        for _ in 0..options.jobs.get() {
            scope.spawn(|| while turn().is_continue() {});
        }
    });
    let mut tally = tally.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    tally.seconds = started.elapsed().as_secs_f64();
    tally
}

/// Plays one seed in a folder of its own, which stays for whoever looks into a failure.
fn one(stage: &Stage, mode: Mode, seed: u64) -> Result<Report, Failure> {
    // What an earlier rehearsal has left.
    let _ = fs::remove_dir_all(stage.folder());
    fs::create_dir_all(stage.folder())?;
    let report = rehearse(stage, mode, seed)?;
    fs::remove_dir_all(stage.folder())?;
    Ok(report)
}

/// Builds the program as it is released.
fn build() -> Result<PathBuf, String> {
    let status = project::cargo()
        .args(["build", "--quiet", "--release", "--package", "rudder-intercom"])
        .status()
        .map_err(|error| error.to_string())?;
    if !status.success() {
        return Err("the program cannot be built".into());
    }
    Ok(project::program("release"))
}
