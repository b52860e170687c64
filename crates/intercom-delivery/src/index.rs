//! What belongs to a text, without the text.

use hashlink::LruCache;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

/// Values by text, of which only a hash is kept: that takes a fraction of the memory. Should two texts ever have one hash, the
/// newer has the entry; so whoever uses it compares the text with what it stands for.
pub(crate) struct Index<T> {
    entries: LruCache<u64, T>,
    hasher: RandomState,
}

impl<T> Index<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            entries: LruCache::new(capacity),
            hasher: RandomState::new(),
        }
    }

    fn key(&self, text: &str) -> u64 {
        self.hasher.hash_one(text)
    }

    pub(crate) fn peek(&self, text: &str) -> Option<&T> {
        self.entries.peek(&self.key(text))
    }

    pub(crate) fn get(&mut self, text: &str) -> Option<&T> {
        let key = self.key(text);
        self.entries.get(&key)
    }

    pub(crate) fn get_mut(&mut self, text: &str) -> Option<&mut T> {
        let key = self.key(text);
        self.entries.get_mut(&key)
    }

    /// Puts a value in place of the one before, which it gives.
    pub(crate) fn insert(&mut self, text: &str, value: T) -> Option<T> {
        let key = self.key(text);
        self.entries.insert(key, value)
    }

    pub(crate) fn remove(&mut self, text: &str) -> Option<T> {
        let key = self.key(text);
        self.entries.remove(&key)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}
