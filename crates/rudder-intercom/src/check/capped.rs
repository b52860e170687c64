//! Things counted by name, however many names there are.

use std::collections::BTreeMap;

/// How many different names are told apart.
pub(super) const MAX_NAMES: usize = 10_000;
/// How long these are together, in bytes: many times as long as those that are written by hand.
const MAX_BYTES: usize = MAX_NAMES * 256;

/// Values by name, in bounded memory: names beyond the first [`MAX_NAMES`], and those that would make all of them too long,
/// are counted together.
#[derive(Clone, Debug)]
pub(super) struct Capped<T> {
    names: BTreeMap<String, T>,
    /// How long they are.
    bytes: usize,
    beyond: u64,
}

impl<T> Default for Capped<T> {
    fn default() -> Self {
        Self {
            names: BTreeMap::new(),
            bytes: 0,
            beyond: 0,
        }
    }
}

impl<T: Default> Capped<T> {
    /// Changes the value of `name`, unless there is no room for another name.
    pub(super) fn change(&mut self, name: &str, change: impl FnOnce(&mut T)) {
        if let Some(value) = self.names.get_mut(name) {
            change(value);
        } else {
            let mut value = T::default();
            change(&mut value);
            self.insert(name.to_owned(), value);
        }
    }

    fn insert(&mut self, name: String, value: T) {
        if self.names.len() < MAX_NAMES && self.bytes + name.len() <= MAX_BYTES {
            self.bytes += name.len();
            self.names.insert(name, value);
        } else {
            self.beyond += 1;
        }
    }

    /// Takes in another one, which was counted later.
    pub(super) fn merge(&mut self, other: Self, add: impl Fn(&mut T, T)) {
        self.beyond += other.beyond;
        for (name, value) in other.names {
            if let Some(ours) = self.names.get_mut(&name) {
                add(ours, value);
            } else {
                self.insert(name, value);
            }
        }
    }

    /// How many names are told apart.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// How often there was a name for which there was no room; at least so many names are missing if it was once each.
    pub(super) fn beyond(&self) -> u64 {
        self.beyond
    }

    /// The names, in alphabetical order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.names.iter().map(|(name, value)| (name.as_str(), value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_the_limit_are_counted_together() {
        let mut first = Capped::<u64>::default();
        for number in 0..MAX_NAMES + 5 {
            first.change(&number.to_string(), |count| *count += 1);
        }
        first.change("7", |count| *count += 1);
        assert_eq!((first.len(), first.beyond()), (MAX_NAMES, 5));
        let mut second = Capped::<u64>::default();
        second.change("7", |count| *count += 1);
        second.change("new", |count| *count += 1);
        first.merge(second, |ours, theirs| *ours += theirs);
        assert_eq!((first.len(), first.beyond()), (MAX_NAMES, 6));
        assert_eq!(first.iter().find(|(name, _)| *name == "7"), Some(("7", &3)));
    }

    #[test]
    fn names_are_kept_whole_as_long_as_all_together_are_not_too_long() {
        let mut capped = Capped::<u64>::default();
        let long = |last: &str| "ä".repeat(MAX_BYTES / 4 - 1) + last;
        for last in ["a", "b", "a", "c"] {
            capped.change(&long(last), |count| *count += 1);
        }
        assert_eq!((capped.len(), capped.beyond()), (2, 1));
        assert_eq!(capped.iter().next(), Some((&*long("a"), &2)));
    }
}
