//! The shipped program as a process, on a bad day: a seed decides everything that can be decided.
//!
//! A seed makes a file of events. The program delivers it to the sandbox, each in a process of its own, and is killed,
//! stopped and started again meanwhile, as the [`Mode`] says. Then the state of the sandbox and the program's summary are
//! compared with those of a [`Model`] of the workspace, which shares no code with the program. Moments are drawn from
//! the seed, too, but the operating system decides what they hit: a failure may need some tries to be seen again.

mod delivery;
mod gateway;
mod process;
mod rudder;
mod stage;

pub use crate::people::{Ending, Model};
pub use stage::{Failure, Report, Stage};

use crate::people::{Kinds, Mix, Site, difference, event, lines, random as random_events};
use crate::rudder_server::{Day, Trouble, Way};
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
    /// Behind a double of rudder-server, with two instances.
    Router,
    /// The same, while searches lag by ten seconds; here and below, of rudder-server's own time.
    RouterLag,
    /// The same, by a minute.
    RouterLongLag,
    /// While nothing goes through for a minute.
    RouterOutage,
    /// While calls are limited.
    RouterLimit,
    /// While calls go wrong.
    RouterFaults,
    /// While an instance is killed now and then.
    RouterKill,
    /// The same, while searches lag.
    RouterKillLag,
    /// With records that insert, change, move and delete, while searches lag.
    RouterRecords,
    /// With a store: groups and tracks come before the identify of their user, which may reach the other instance, by up to an
    /// hour of rudder-server's own time, scaled as looking for contacts is.
    RouterEarly,
    /// The same, while an instance is killed now and then, and searches lag.
    RouterEarlyKill,
    /// With a token that is refused, and then replaced.
    RouterToken,
    /// While some have attributes that the workspace does not have, which are created.
    RouterAttributes,
    /// For comparison: rudder-server makes the last call of each event itself, and loses some.
    RouterReturned,
    /// The same, while searches lag.
    RouterReturnedLag,
    /// For comparison: the same, through the transformer.
    RouterProxied,
    /// Some events fail, others come after them, and the dead letters are sent again; the program is killed or stopped.
    Replay,
    /// The same with a gateway.
    GatewayReplay,
}

impl Mode {
    /// What happens behind rudder-server, if it is about that.
    fn behind_rudder_server(self, site: Site) -> Option<Day> {
        let on = |trouble, way| Day::new(trouble, way, site);
        Some(match self {
            Self::Router => on(Trouble::Healthy, Way::Here),
            Self::RouterLag => on(Trouble::Lag, Way::Here),
            Self::RouterLongLag => on(Trouble::LongLag, Way::Here),
            Self::RouterOutage => on(Trouble::Outage, Way::Here),
            Self::RouterLimit => on(Trouble::Limit, Way::Here),
            Self::RouterFaults => on(Trouble::Faults, Way::Here),
            Self::RouterKill => on(Trouble::Kill, Way::Here),
            Self::RouterKillLag => on(Trouble::KillLag, Way::Here),
            Self::RouterRecords => on(Trouble::Records, Way::Here),
            Self::RouterEarly => rudder::early(Trouble::Early),
            Self::RouterEarlyKill => rudder::early(Trouble::EarlyKill),
            Self::RouterToken => on(Trouble::Token, Way::Here),
            Self::RouterAttributes => on(Trouble::Attributes, Way::Here),
            Self::RouterReturned => on(Trouble::Healthy, Way::Returned),
            Self::RouterReturnedLag => on(Trouble::Lag, Way::Returned),
            Self::RouterProxied => on(Trouble::Healthy, Way::Proxied),
            Self::Plain
            | Self::Kill
            | Self::KillLag
            | Self::Stop
            | Self::Faults
            | Self::FaultsKill
            | Self::Records
            | Self::Gateway
            | Self::Replay
            | Self::GatewayReplay => return None,
        })
    }

    fn play(self) -> Play {
        let calm = Play {
            mix: Mix::Events,
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
                mix: Mix::Records,
                lag: LONG_LAG,
                kills: true,
                stops: true,
                ..calm
            },
            // A gateway lets nobody wait for somebody else: what several people say of one company has no order.
            Self::Gateway => Play {
                mix: Mix::Warehouse,
                lag: LONG_LAG,
                kills: true,
                stops: true,
                ..calm
            },
            // Dead letters are sent without the journal, which knows whom no search finds yet.
            Self::Replay => Play {
                mix: Mix::Late,
                kills: true,
                stops: true,
                ..calm
            },
            Self::GatewayReplay => Play {
                mix: Mix::Late,
                lag: LONG_LAG,
                kills: true,
                stops: true,
                ..calm
            },
            // Those are played otherwise.
            Self::Router
            | Self::RouterLag
            | Self::RouterLongLag
            | Self::RouterOutage
            | Self::RouterLimit
            | Self::RouterFaults
            | Self::RouterKill
            | Self::RouterKillLag
            | Self::RouterRecords
            | Self::RouterEarly
            | Self::RouterEarlyKill
            | Self::RouterToken
            | Self::RouterAttributes
            | Self::RouterReturned
            | Self::RouterReturnedLag
            | Self::RouterProxied => calm,
        }
    }
}

/// Longer than a whole rehearsal takes.
const LONG_LAG: f64 = 120.0;
/// Plays a mode with a seed.
///
/// # Errors
///
/// What is not as it should be.
pub fn rehearse(stage: &Stage, mode: Mode, seed: u64) -> Result<Report, Failure> {
    let mut random = fastrand::Rng::with_seed(seed.wrapping_mul(0x9e37_79b9).wrapping_add(mode as u64));
    let site = stage.people().map_or(Site::SMALL, Site::measured);
    if let Some(day) = mode.behind_rudder_server(site) {
        return rudder::run(stage, &mut random, seed, day);
    }
    let play = mode.play();
    let shares_emails = random.bool();
    let is_replayed = play.mix == Mix::Late;
    let is_uncertain = play.kills || play.fault_rate > 0.0;
    let kinds = Kinds {
        leads: !is_uncertain,
        nameless: !(is_replayed || is_uncertain && shares_emails),
    };
    let happenings = random_events(&mut random, play.mix, kinds);
    let happenings = match is_replayed {
        true => Model::repeatable(happenings, shares_emails),
        false => happenings,
    };
    let events: Vec<_> = happenings
        .iter()
        .enumerate()
        .map(|(at, happening)| event(happening, at))
        .collect();
    let model = match is_replayed {
        true => Model::after_replay(&happenings, shares_emails),
        false => Model::after(&happenings, shares_emails),
    };
    let errors = stage.file("errors.log");
    let world = process::World {
        seed,
        lag: play.lag,
        fault_rate: play.fault_rate,
        shares_emails,
        lacks_attribute: is_replayed,
        ..process::World::default()
    };
    let sandbox = process::Sandbox::start(stage.program(), &errors, &world)?;
    let ends = match mode {
        Mode::Gateway | Mode::GatewayReplay => {
            gateway::run(stage, &sandbox, &mut random, &events, &model, is_replayed)?
        }
        _ => delivery::run(stage, &sandbox, &mut random, play, &events, &model)?,
    };
    if mode == Mode::Replay {
        delivery::replay(stage, &sandbox)?;
    }
    let difference = difference(&model.lines(), &lines(&sandbox.state()?));
    if !difference.is_empty() {
        return Err(Failure::Wrong(difference));
    }
    Ok(Report {
        events: events.len(),
        ends,
        ..Report::default()
    })
}
