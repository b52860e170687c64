//! What a day behind rudder-server is like.

use crate::people::{Ending, Happening, Identity, Kinds, Mix, Model, Site, random as random_events};
use fastrand::Rng;
use std::time::Duration;
use strum::{Display, EnumIter, EnumString, IntoStaticStr};

/// Who makes the last call of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Way {
    /// The transformer, while it answers.
    Here,
    /// rudder-server itself.
    Returned,
    /// The transformer, asked once more.
    Proxied,
}

/// What goes wrong, or is special.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumString, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Trouble {
    /// Nothing.
    Healthy,
    /// Searches lag by ten seconds.
    Lag,
    /// Searches lag by a minute.
    LongLag,
    /// Nothing goes through for a minute.
    Outage,
    /// Two calls for each of the people are answered in ten seconds: three hundred for 150.
    Limit,
    /// Of a hundred calls, five go wrong.
    Faults,
    /// One of two instances is killed every few seconds.
    Kill,
    /// The same, while searches lag.
    KillLag,
    /// Records insert, change, move and delete, while searches lag.
    Records,
    /// The token that rudder-server knows is refused, and then replaced.
    Token,
    /// Some have attributes that the workspace does not have, which are created.
    Attributes,
    /// Groups and tracks come before the identify of their user, by up to an hour; where the transformer delivers, they wait
    /// in the stores of its instances, of which the other one may get the identify.
    Early,
    /// The same, while one of two instances is killed every few minutes, and searches lag.
    EarlyKill,
}

/// What happens to the chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Day {
    pub(crate) mix: Mix,
    /// How long all events take to arrive.
    pub(crate) arrival: Duration,
    /// How far searches lag behind.
    pub(crate) lag: Duration,
    pub(crate) fault_rate: f64,
    /// How many calls are answered in ten seconds.
    pub(crate) limit: Option<u32>,
    /// For how long nothing goes through.
    pub(crate) outage: Duration,
    /// How long it goes well, at most, until one of two instances is killed.
    pub(crate) kills: Option<Duration>,
    /// Whether the token that rudder-server knows is refused.
    pub(crate) replaces_token: bool,
    /// Whether the workspace has defined attributes only.
    pub(crate) lacks_attribute: bool,
    /// Whether the instances have stores, each its own.
    pub(crate) has_stores: bool,
    pub(crate) way: Way,
}

impl Day {
    /// A day on a website, unless there are records.
    pub(crate) fn new(trouble: Trouble, way: Way, site: Site) -> Self {
        let people = u32::try_from(site.people).unwrap_or(u32::MAX);
        let calm = Self {
            mix: Mix::Site(site),
            // 150 people came in 15 seconds.
            arrival: Duration::from_secs(15).max(Duration::from_millis(100) * people),
            lag: Duration::ZERO,
            fault_rate: 0.0,
            limit: None,
            outage: Duration::ZERO,
            kills: None,
            replaces_token: false,
            lacks_attribute: false,
            has_stores: false,
            way,
        };
        let lag = Duration::from_secs(10);
        let kills = Some(Duration::from_secs(4));
        let early = Self {
            mix: Mix::Early,
            arrival: Duration::from_secs(60 * 60),
            has_stores: way == Way::Here,
            ..calm
        };
        match trouble {
            Trouble::Healthy => calm,
            Trouble::Lag => Self { lag, ..calm },
            Trouble::LongLag => Self {
                lag: Duration::from_secs(60),
                ..calm
            },
            Trouble::Outage => Self {
                outage: Duration::from_secs(60),
                ..calm
            },
            Trouble::Limit => Self {
                limit: Some(2 * people),
                ..calm
            },
            Trouble::Faults => Self {
                fault_rate: 0.05,
                ..calm
            },
            Trouble::Kill => Self { kills, ..calm },
            Trouble::KillLag => Self { kills, lag, ..calm },
            Trouble::Records => Self {
                mix: Mix::Warehouse,
                lag,
                ..calm
            },
            Trouble::Token => Self {
                replaces_token: true,
                ..calm
            },
            Trouble::Attributes => Self {
                mix: Mix::Late,
                lacks_attribute: true,
                ..calm
            },
            Trouble::Early => early,
            Trouble::EarlyKill => Self {
                kills: Some(Duration::from_secs(8 * 60)),
                lag,
                ..early
            },
        }
    }

    /// How many jobs rudder-server is to give up: those that cannot be delivered. To it, what waits in a store is done.
    pub(crate) fn given_up(&self, model: &Model) -> usize {
        let ended = model.count(Ending::Rejected) + model.count(Ending::Failed);
        match self.has_stores {
            true => ended - model.left_waiting.1,
            false => ended,
        }
    }

    /// What people do, and what the workspace is to hold in the end.
    pub(crate) fn events(&self, random: &mut Rng) -> (Vec<Happening>, Model) {
        let kinds = Kinds {
            leads: false,
            nameless: true,
        };
        let happenings = random_events(random, self.mix, kinds);
        let model = Model::after(&happenings, false);
        (happenings, model)
    }

    /// When an event arrives, of so many.
    pub(crate) fn arrives(&self, number: usize, events: usize) -> Duration {
        let step = self.arrival / u32::try_from(events.max(1)).unwrap_or(u32::MAX);
        step * u32::try_from(number).unwrap_or(u32::MAX)
    }
}

/// Whose event it is to rudder-server. Whoever has no user id has an email that begins with who they are.
pub(crate) fn key(happening: &Happening) -> String {
    let Identity { user_id, email } = &happening.identity;
    let email = email.as_deref().and_then(|email| email.split('.').next());
    let who = user_id.as_deref().or(email).unwrap_or_default();
    format!("<<>>{who}<<>>{who}")
}
