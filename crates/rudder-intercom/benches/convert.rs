//! Measures `convert` as a program: processor time and peak memory, beside a yardstick that is a process as well, both in the
//! same run. `cargo xtask bench-convert` builds the program as it is deployed, and the yardstick like it.

// The same events as in the benchmark of the conversion itself.
#[allow(
    unreachable_pub,
    unused_imports,
    reason = "public, and with tests, in the crate that it is of"
)]
#[path = "../../test-support/src/realistic.rs"]
mod realistic;

use clap::Parser;
use nix::sys::resource::{UsageWho, getrusage};
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

// As in the program, so that the yardstick has no other.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures `convert` as a program, beside a yardstick: each event read into a `serde_json::Value` and written again
#[derive(Parser)]
struct Options {
    /// How many events the file has
    #[arg(long, default_value = "200000")]
    events: NonZeroUsize,
    /// How often each program runs, by turns; the least of each figure is shown
    #[arg(long, default_value = "5")]
    rounds: NonZeroUsize,
    /// Another build of the program that is measured as well, such as that of an older revision
    #[arg(long, value_name = "PROGRAM")]
    against: Vec<PathBuf>,
    /// Is the yardstick: reads this file
    #[arg(long, hide = true)]
    yardstick: Option<PathBuf>,
    /// Runs a program, and prints what it has used up
    #[arg(long, hide = true, num_args = 1.., allow_hyphen_values = true)]
    measure: Vec<OsString>,
    /// What `cargo bench` says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let options = Options::parse();
    let done = match (&options.yardstick, &options.measure[..]) {
        (Some(file), _) => yardstick(file),
        (None, [program, arguments @ ..]) => measure(program, arguments),
        (None, []) => compare(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn yardstick(file: &Path) -> Result<()> {
    let mut input = BufReader::with_capacity(1 << 16, File::open(file)?);
    let mut output = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut line = String::new();
    while input.read_line(&mut line)? > 0 {
        let event: serde_json::Value = serde_json::from_str(&line)?;
        serde_json::to_writer(&mut output, &event)?;
        output.write_all(b"\n")?;
        line.clear();
    }
    Ok(output.flush()?)
}

/// What a process has used up.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Usage {
    /// In user and in kernel mode, of all threads.
    processor: Duration,
    elapsed: Duration,
    /// At most at one time.
    resident_bytes: u64,
}

impl Usage {
    /// The lesser of each figure.
    fn least(self, other: Self) -> Self {
        Self {
            processor: self.processor.min(other.processor),
            elapsed: self.elapsed.min(other.elapsed),
            resident_bytes: self.resident_bytes.min(other.resident_bytes),
        }
    }
}

/// The only child of this process, because the system tells the greatest memory of all children together.
fn measure(program: &OsStr, arguments: &[OsString]) -> Result<()> {
    let started = Instant::now();
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).status()?;
    let elapsed = started.elapsed();
    if !status.success() {
        return Err(format!("{} ended with {status}", program.display()).into());
    }
    let used = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds = |time: nix::sys::time::TimeVal| {
        Duration::from_secs(time.tv_sec().unsigned_abs()) + Duration::from_micros(time.tv_usec().unsigned_abs())
    };
    // Apple's systems tell bytes, the others KiB.
    let unit = if cfg!(target_vendor = "apple") { 1 } else { 1024 };
    let usage = Usage {
        processor: seconds(used.user_time()) + seconds(used.system_time()),
        elapsed,
        resident_bytes: used.max_rss().unsigned_abs() * unit,
    };
    Ok(serde_json::to_writer(io::stdout(), &usage)?)
}

/// A program that is measured.
struct Subject {
    name: String,
    command: Vec<OsString>,
    used: Option<Usage>,
}

impl Subject {
    fn new(name: impl Into<String>, program: impl Into<OsString>, arguments: &[&OsStr]) -> Self {
        let arguments = arguments.iter().map(OsString::from);
        Self {
            name: name.into(),
            command: std::iter::once(program.into()).chain(arguments).collect(),
            used: None,
        }
    }

    /// Runs it once.
    fn run(&mut self) -> Result<()> {
        let output = Command::new(std::env::current_exe()?)
            .arg("--measure")
            .args(&self.command)
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err(format!("{} cannot be measured", self.name).into());
        }
        let now: Usage = serde_json::from_slice(&output.stdout)?;
        self.used = Some(self.used.map_or(now, |before| before.least(now)));
        Ok(())
    }
}

fn compare(options: &Options) -> Result<()> {
    let mut file = tempfile::NamedTempFile::new()?;
    let bytes = write_events(&mut file, options.events.get())?;
    let path = file.path().as_os_str();
    let convert = [OsStr::new("convert"), path];
    let mut subjects = vec![
        Subject::new(
            "yardstick",
            std::env::current_exe()?,
            &[OsStr::new("--yardstick"), path],
        ),
        Subject::new("convert", env!("CARGO_BIN_EXE_rudder-intercom"), &convert),
    ];
    for program in &options.against {
        subjects.push(Subject::new(program.display().to_string(), program, &convert));
    }
    for _ in 0..options.rounds.get() {
        for subject in &mut subjects {
            subject.run()?;
        }
    }
    let events = options.events.get() as f64;
    println!(
        "{events} events of {:.0} bytes; of {} runs each, the least of each figure",
        bytes as f64 / events,
        options.rounds
    );
    println!(
        "yardstick: each event read into a serde_json::Value and written again, by one thread, with the same allocator\n"
    );
    let width = subjects
        .iter()
        .map(|subject| subject.name.len())
        .max()
        .unwrap_or_default();
    println!(
        "{:width$}  processor µs/event  of the yardstick's speed  elapsed s  peak memory MB",
        ""
    );
    let yardstick = subjects[0].used.map_or(f64::NAN, |used| used.processor.as_secs_f64());
    for Subject { name, used, .. } in &subjects {
        let Some(used) = used else { continue };
        let processor = used.processor.as_secs_f64();
        println!(
            "{name:width$}  {:18.2}  {:22.2} x  {:9.2}  {:14.1}",
            processor * 1e6 / events,
            yardstick / processor,
            used.elapsed.as_secs_f64(),
            used.resident_bytes as f64 / 1e6
        );
    }
    Ok(())
}

/// Writes so many events, and says how many bytes they have.
fn write_events(file: &mut tempfile::NamedTempFile, count: usize) -> Result<usize> {
    let mut writer = BufWriter::new(file);
    let mut bytes = 0;
    for event in realistic::events(count) {
        bytes += event.len();
        writeln!(writer, "{event}")?;
    }
    writer.flush()?;
    Ok(bytes)
}
