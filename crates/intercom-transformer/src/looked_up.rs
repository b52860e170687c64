//! How many people were looked up.

use std::ops::AddAssign;

/// How many people were looked up, and by how many searches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LookedUp {
    pub(crate) searches: u64,
    pub(crate) people: u64,
}

impl AddAssign for LookedUp {
    fn add_assign(&mut self, more: Self) {
        self.searches += more.searches;
        self.people += more.people;
    }
}
