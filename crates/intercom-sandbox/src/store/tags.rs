//! Tags. Names are told apart without regard to case.

use std::collections::HashMap;

#[derive(Default)]
pub(crate) struct Tags {
    /// The names; `None` for a deleted tag.
    names: Vec<Option<Box<str>>>,
    by_name: HashMap<String, u32>,
}

impl Tags {
    pub(crate) fn id(at: u32) -> String {
        (u64::from(at) + 1).to_string()
    }

    /// The place of the tag with that id.
    pub(crate) fn by_id(&self, id: &str) -> Option<u32> {
        let at = id.parse::<u32>().ok()?.checked_sub(1)?;
        (self.name(at).is_some() && Self::id(at) == id).then_some(at)
    }

    pub(crate) fn by_name(&self, name: &str) -> Option<u32> {
        self.by_name.get(&name.to_lowercase()).copied()
    }

    pub(crate) fn name(&self, at: u32) -> Option<&str> {
        self.names.get(at as usize)?.as_deref()
    }

    /// All tags in the order of their creation, with their places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &str)> {
        (0..)
            .zip(&self.names)
            .filter_map(|(at, name)| Some((at, name.as_deref()?)))
    }

    /// The tag of that name, new if there is none.
    pub(crate) fn ensure(&mut self, name: &str) -> u32 {
        if let Some(at) = self.by_name(name) {
            return at;
        }
        let at = u32::try_from(self.names.len()).expect("fewer than four thousand million tags");
        self.names.push(Some(name.into()));
        self.by_name.insert(name.to_lowercase(), at);
        at
    }

    /// Renames a tag; `false` if another has that name.
    pub(crate) fn rename(&mut self, at: u32, name: &str) -> bool {
        if self.by_name(name).is_some_and(|other| other != at) {
            return false;
        }
        self.delete(at);
        if let Some(slot) = self.names.get_mut(at as usize) {
            *slot = Some(name.into());
            self.by_name.insert(name.to_lowercase(), at);
        }
        true
    }

    pub(crate) fn delete(&mut self, at: u32) {
        if let Some(old) = self.names.get_mut(at as usize).and_then(Option::take) {
            self.by_name.remove(&old.to_lowercase());
        }
    }
}
