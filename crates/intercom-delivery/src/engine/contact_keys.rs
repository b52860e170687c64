//! Millions of keys in little more memory than the numbers take.

use super::awaited::ContactKey;

/// A power of two: with a million keys, some 250 share a drawer.
const DRAWERS: u64 = 4096;
/// A drawer that is full is made larger by so many.
const ROOM: usize = 16;

/// A set of keys. They are hashes, so that they spread evenly over sorted drawers, which are kept nearly full: eight to nine
/// bytes a key, where a tree or a hash table takes twice that.
#[derive(Debug, Default)]
pub(super) struct ContactKeys {
    /// None before the first key.
    drawers: Box<[Vec<u64>]>,
    count: usize,
}

impl ContactKeys {
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn contains(&self, ContactKey(key): ContactKey) -> bool {
        let drawer = self.drawers.get(drawer_of(key));
        drawer.is_some_and(|drawer| drawer.binary_search(&key).is_ok())
    }

    pub(super) fn insert(&mut self, ContactKey(key): ContactKey) {
        if self.drawers.is_empty() {
            self.drawers = (0..DRAWERS).map(|_| Vec::new()).collect();
        }
        let Some(drawer) = self.drawers.get_mut(drawer_of(key)) else {
            return;
        };
        if let Err(place) = drawer.binary_search(&key) {
            if drawer.len() == drawer.capacity() {
                drawer.reserve_exact(ROOM);
            }
            drawer.insert(place, key);
            self.count += 1;
        }
    }

    /// Takes a key out, and says whether it was there.
    pub(super) fn remove(&mut self, ContactKey(key): ContactKey) -> bool {
        let Some(drawer) = self.drawers.get_mut(drawer_of(key)) else {
            return false;
        };
        let Ok(place) = drawer.binary_search(&key) else {
            return false;
        };
        drawer.remove(place);
        self.count -= 1;
        true
    }
}

fn drawer_of(key: u64) -> usize {
    usize::try_from(key % DRAWERS).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn it_is_a_set() {
        let (mut keys, mut plain) = (ContactKeys::default(), BTreeSet::new());
        assert!(keys.is_empty() && !keys.contains(ContactKey(7)) && !keys.remove(ContactKey(7)));
        for number in 0..20_000_u64 {
            // Few enough for each to be met several times, many of them in one drawer.
            let key = ContactKey(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 3000 * (DRAWERS / 2));
            assert_eq!(keys.contains(key), plain.contains(&key));
            match number % 3 {
                0 => assert_eq!(keys.remove(key), plain.remove(&key)),
                _ => {
                    keys.insert(key);
                    plain.insert(key);
                }
            }
            assert!(keys.contains(key) == plain.contains(&key) && keys.is_empty() == plain.is_empty());
        }
        assert!(plain.iter().all(|key| keys.remove(*key)) && keys.is_empty());
    }
}
