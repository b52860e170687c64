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
mod stage;
mod workload;

pub use model::{Ending, Model};
pub use stage::{Failure, Stage};

use stage::Play;
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

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
/// What a rehearsal came to, if all was as it should be.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// How many events there were.
    pub events: usize,
    /// How often the program was ended before it was done.
    pub ends: usize,
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
