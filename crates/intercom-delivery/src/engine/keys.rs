//! What makes events belong together: whom, and which company, they are about.

use smallvec::SmallVec;

/// Hashes of what an event is about: see [`Ties`](crate::Ties). Two that collide make events wait for each other, which
/// does no harm.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    /// Each is kept once.
    firm: SmallVec<[u64; 4]>,
    loose: SmallVec<[u64; 2]>,
}

impl Keys {
    /// Those that order an event with all that have them.
    pub(super) fn firm(&self) -> impl Iterator<Item = u64> + '_ {
        self.firm.iter().copied()
    }

    /// Those that order it with the events for which they are firm.
    pub(super) fn loose(&self) -> impl Iterator<Item = u64> + '_ {
        self.loose.iter().copied()
    }

    /// Adds a firm one, if it is not there yet, and says whether it did.
    pub(super) fn add(&mut self, hash: u64) -> bool {
        let is_new = !self.firm.contains(&hash);
        if is_new {
            self.firm.push(hash);
        }
        is_new
    }

    /// Adds a loose one, if it is not there yet.
    pub(super) fn add_loose(&mut self, hash: u64) {
        if !self.firm.contains(&hash) && !self.loose.contains(&hash) {
            self.loose.push(hash);
        }
    }
}
