//! What makes events belong together: whom, and which company, they are about.

/// Hashes of what an event is about. Two that collide make events wait for each other, which does no harm.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Keys {
    hashes: [u64; Self::MOST],
    len: usize,
}

impl Keys {
    /// A user id, an anonymous id, an email, the contacts of two of these, a company, and a contact that becomes known.
    const MOST: usize = 7;

    pub(super) fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.hashes[..self.len].iter().copied()
    }

    /// Adds one, if it is not there yet and there is room, and says whether it did.
    pub(super) fn add(&mut self, hash: u64) -> bool {
        let is_new = self.len < Self::MOST && !self.hashes[..self.len].contains(&hash);
        if is_new {
            self.hashes[self.len] = hash;
            self.len += 1;
        }
        is_new
    }
}
