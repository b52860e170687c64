//! What is played.

use crate::rudder_server::{Trouble, Way};

/// What is played.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_structs)]
pub struct Scenario {
    /// What goes wrong.
    pub trouble: Trouble,
    /// Who makes the last call of an event.
    pub way: Way,
    /// How many people come to the website, as they came to that on which the real rudder-server was seen; a few people, if
    /// it is not said. Records are of a few in any case.
    pub people: Option<usize>,
    /// How many instances of the transformer.
    pub instances: usize,
}

impl Scenario {
    /// That of a trouble, with a few people and two instances that deliver themselves.
    pub const fn new(trouble: Trouble) -> Self {
        Self {
            trouble,
            way: Way::Here,
            people: None,
            instances: 2,
        }
    }

    /// The command that plays it again with this seed.
    pub fn replay_command(&self, seed: u64) -> String {
        let Self {
            trouble,
            way,
            people,
            instances,
        } = self;
        let people = people.map(|people| format!(" --people {people}")).unwrap_or_default();
        format!(
            "cargo xtask simulate-router --mode {trouble} --deliver {way}{people} --instances {instances} --seed {seed} --trace"
        )
    }
}
