//! Things counted by name, however many names there are.

use std::collections::BTreeMap;

/// How many different names are told apart.
pub(super) const MAX_NAMES: usize = 10_000;
/// How much of a name is kept, in bytes.
const MAX_NAME: usize = 256;

/// Values by name, in bounded memory: names beyond the first [`MAX_NAMES`] are counted together.
#[derive(Clone, Debug)]
pub(super) struct Capped<T> {
    names: BTreeMap<String, T>,
    beyond: u64,
}

impl<T> Default for Capped<T> {
    fn default() -> Self {
        Self {
            names: BTreeMap::new(),
            beyond: 0,
        }
    }
}

impl<T: Default> Capped<T> {
    /// Changes the value of `name`, unless there is no room for another name.
    pub(super) fn change(&mut self, name: &str, change: impl FnOnce(&mut T)) {
        let name = shortened(name);
        if let Some(value) = self.names.get_mut(name) {
            change(value);
        } else if self.names.len() < MAX_NAMES {
            change(self.names.entry(name.to_owned()).or_default());
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
            } else if self.names.len() < MAX_NAMES {
                self.names.insert(name, value);
            } else {
                self.beyond += 1;
            }
        }
    }

    /// The value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&T> {
        self.names.get(shortened(name))
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

fn shortened(name: &str) -> &str {
    &name[..name.floor_char_boundary(MAX_NAME)]
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
    fn long_names_are_cut_between_characters() {
        let mut capped = Capped::<u64>::default();
        capped.change(&"ä".repeat(5000), |count| *count += 1);
        assert_eq!(capped.iter().next().map(|(name, _)| name.len()), Some(MAX_NAME));
    }
}
