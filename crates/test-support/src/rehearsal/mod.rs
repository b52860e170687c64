//! The shipped program as a process, on a bad day: a seed decides everything that can be decided.
//!
//! A seed makes a file of events. The program delivers it to the sandbox, each in a process of its own, and is killed,
//! stopped and started again meanwhile, as the [`Mode`] says. Then the state of the sandbox and the program's summary are
//! compared with those of a [`Model`] of the workspace, which shares no code with the program. Moments are drawn from
//! the seed, too, but the operating system decides what they hit: a failure may need some tries to be seen again.

mod delivery;
mod gateway;
mod model;
mod process;
mod workload;

pub use model::{Ending, Model};

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// What goes wrong.
type Fault = Box<dyn std::error::Error + Send + Sync>;

/// What happens meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Mode {
    /// Nothing.
    Plain,
    /// The program is killed with `kill -9` and started again.
    Kill,
    /// The same, while searches do not show what has been written since the beginning.
    KillLag,
    /// The program is stopped with SIGTERM or Ctrl-C, and started again.
    Stop,
    /// Calls go wrong.
    Faults,
    /// Calls go wrong, and the program is killed.
    FaultsKill,
    /// Records change who people are, while searches lag, and the program is killed or stopped.
    Records,
    /// Events go to a gateway, which is killed or stopped and started again, while searches lag.
    Gateway,
}

/// How a mode is played.
#[derive(Clone, Copy, Debug)]
struct Play {
    mix: workload::Mix,
    /// How many seconds searches lag behind.
    lag: f64,
    fault_rate: f64,
    kills: bool,
    stops: bool,
}

impl Mode {
    fn play(self) -> Play {
        let calm = Play {
            mix: workload::Mix::Events,
            lag: 0.0,
            fault_rate: 0.0,
            kills: false,
            stops: false,
        };
        match self {
            Self::Plain => calm,
            Self::Kill => Play { kills: true, ..calm },
            Self::KillLag => Play {
                kills: true,
                lag: LONG_LAG,
                ..calm
            },
            Self::Stop => Play {
                stops: true,
                lag: LONG_LAG,
                ..calm
            },
            Self::Faults => Play {
                fault_rate: 0.05,
                ..calm
            },
            Self::FaultsKill => Play {
                fault_rate: 0.05,
                kills: true,
                lag: 1.0,
                ..calm
            },
            Self::Records => Play {
                mix: workload::Mix::Records,
                lag: LONG_LAG,
                kills: true,
                stops: true,
                ..calm
            },
            Self::Gateway => Play {
                mix: workload::Mix::Records,
                lag: LONG_LAG,
                kills: true,
                stops: true,
                ..calm
            },
        }
    }
}

/// Longer than a whole rehearsal takes.
const LONG_LAG: f64 = 120.0;
/// How long a process may take to stop: the time that one call may take, and a second.
const STOP: Duration = Duration::from_secs(31);
/// How long a process may take to do all that is left.
const FINISH: Duration = Duration::from_secs(120);

/// What a rehearsal came to, if all was as it should be.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// How many events there were.
    pub events: usize,
    /// How often the program was ended before it was done.
    pub ends: usize,
}

/// What was not as it should be.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// The state is not that of the model: what is missing, and what there is too much of.
    Wrong(Vec<String>),
    /// The summary does not say what became of the events.
    Summary(String),
    /// The program did not end in time.
    Hangs(&'static str),
    /// The rehearsal itself could not go on.
    Broken(Fault),
}

impl<F: Into<Fault>> From<F> for Failure {
    fn from(fault: F) -> Self {
        Self::Broken(fault.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrong(lines) => {
                write!(f, "the state is wrong:")?;
                lines.iter().take(12).try_for_each(|line| write!(f, "\n    {line}"))
            }
            Self::Summary(text) => write!(f, "the summary is wrong: {text}"),
            Self::Hangs(what) => write!(f, "{what} takes too long"),
            Self::Broken(fault) => write!(f, "the rehearsal cannot go on: {fault}"),
        }
    }
}

/// Where a rehearsal finds the program, and may write.
#[derive(Clone, Debug)]
pub struct Stage {
    program: PathBuf,
    folder: PathBuf,
}

impl Stage {
    /// The program, and a folder that is there and empty.
    pub fn new(program: impl Into<PathBuf>, folder: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            folder: folder.into(),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn program(&self) -> &Path {
        &self.program
    }
}

/// Plays a mode with a seed.
///
/// # Errors
///
/// What is not as it should be.
pub fn rehearse(stage: &Stage, mode: Mode, seed: u64) -> Result<Report, Failure> {
    let mut random = fastrand::Rng::with_seed(seed.wrapping_mul(0x9e37_79b9).wrapping_add(mode as u64));
    let play = mode.play();
    let happenings = workload::random(&mut random, play.mix);
    let events: Vec<_> = happenings
        .iter()
        .enumerate()
        .map(|(at, happening)| workload::event(happening, at))
        .collect();
    let model = Model::after(&happenings);
    let errors = stage.file("errors.log");
    let sandbox = process::Sandbox::start(stage.program(), &errors, seed, play.lag, play.fault_rate)?;
    let ends = match mode {
        Mode::Gateway => gateway::run(stage, &sandbox, &mut random, &events, &model)?,
        _ => delivery::run(stage, &sandbox, &mut random, play, &events, &model)?,
    };
    let difference = model::difference(&model.lines(), &model::lines(&sandbox.state()?));
    if !difference.is_empty() {
        return Err(Failure::Wrong(difference));
    }
    Ok(Report {
        events: events.len(),
        ends,
    })
}
