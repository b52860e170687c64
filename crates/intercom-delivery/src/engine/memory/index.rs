//! What belongs to a text, without the text.

use hashlink::LruCache;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

/// Values by text, of which only a hash is kept: that takes a fraction of the memory. Should two texts ever have one hash, the
/// newer has the entry; so whoever uses it compares the text with what it stands for.
pub(super) struct Index<T> {
    entries: LruCache<u64, T>,
    hasher: RandomState,
}

impl<T> Index<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            entries: LruCache::new(capacity),
            hasher: RandomState::new(),
        }
    }

    fn key(&self, text: &str) -> u64 {
        self.hasher.hash_one(text)
    }

    pub(super) fn peek(&self, text: &str) -> Option<&T> {
        self.entries.peek(&self.key(text))
    }

    pub(super) fn get(&mut self, text: &str) -> Option<&T> {
        let key = self.key(text);
        self.entries.get(&key)
    }

    pub(super) fn get_mut(&mut self, text: &str) -> Option<&mut T> {
        let key = self.key(text);
        self.entries.get_mut(&key)
    }

    pub(super) fn insert(&mut self, text: &str, value: T) {
        let key = self.key(text);
        self.entries.insert(key, value);
    }

    pub(super) fn remove(&mut self, text: &str) {
        let key = self.key(text);
        self.entries.remove(&key);
    }
}
