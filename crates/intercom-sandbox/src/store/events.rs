//! Data events, kept small: a name is kept once, and an event is a few numbers and the text of its metadata.

use crate::settings::EventDetail;
use std::collections::{BTreeMap, HashMap, HashSet};

pub(crate) struct Event {
    /// The contact's place; `None` once the contact was erased.
    pub(crate) contact: Option<u32>,
    pub(crate) name: u32,
    pub(crate) created_at: i64,
    /// A JSON object.
    pub(crate) metadata: Option<Box<str>>,
}

/// How often an event of one name happened to one contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) count: u64,
}

impl Summary {
    fn add(&mut self, other: Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.count = self.count.saturating_add(other.count);
    }
}

/// What became of a submitted event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Submitted {
    /// Recorded, at this place if it is kept.
    New(Option<u32>),
    /// There is one of the same contact, name and second already.
    Repeat,
    /// No more names can be active.
    TooManyNames,
}

pub(crate) struct Events {
    detail: EventDetail,
    max_names: usize,
    names: Vec<Box<str>>,
    by_name: HashMap<Box<str>, u32>,
    seen: HashSet<(u32, u32, i64)>,
    kept: Vec<Event>,
    /// By contact and name, in the order of the names' first use.
    summaries: BTreeMap<(u32, u32), Summary>,
}

impl Events {
    pub(crate) fn new(detail: EventDetail, max_names: usize) -> Self {
        Self {
            detail,
            max_names,
            names: Vec::new(),
            by_name: HashMap::new(),
            seen: HashSet::new(),
            kept: Vec::new(),
            summaries: BTreeMap::new(),
        }
    }

    pub(crate) fn name(&self, at: u32) -> &str {
        self.names.get(at as usize).map_or("", |name| name)
    }

    pub(crate) fn get(&self, at: u32) -> Option<&Event> {
        self.kept.get(at as usize)
    }

    /// The kept events of contacts that were not erased, in the order of their arrival.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Event)> {
        self.kept.iter().filter_map(|event| Some((event.contact?, event)))
    }

    pub(crate) fn summaries(&self, contact: u32) -> impl Iterator<Item = (&str, Summary)> {
        self.summaries
            .range((contact, 0)..=(contact, u32::MAX))
            .map(|((_, name), summary)| (self.name(*name), *summary))
    }

    /// The place of a name, which becomes active if it is not; `None` if no more can.
    fn activate(&mut self, name: &str) -> Option<u32> {
        if let Some(at) = self.by_name.get(name) {
            return Some(*at);
        }
        if self.names.len() >= self.max_names {
            return None;
        }
        let at = u32::try_from(self.names.len()).ok()?;
        self.names.push(name.into());
        self.by_name.insert(name.into(), at);
        Some(at)
    }

    pub(crate) fn submit(
        &mut self,
        contact: u32,
        name: &str,
        created_at: i64,
        metadata: impl FnOnce() -> Option<Box<str>>,
    ) -> Submitted {
        let Some(name) = self.activate(name) else {
            return Submitted::TooManyNames;
        };
        if !self.seen.insert((contact, name, created_at)) {
            return Submitted::Repeat;
        }
        self.summarise(
            contact,
            name,
            Summary {
                first: created_at,
                last: created_at,
                count: 1,
            },
        );
        let metadata = match self.detail {
            EventDetail::Full => metadata(),
            EventDetail::WithoutMetadata => None,
            EventDetail::Counted => return Submitted::New(None),
        };
        let at = u32::try_from(self.kept.len()).ok();
        self.kept.push(Event {
            contact: Some(contact),
            name,
            created_at,
            metadata,
        });
        Submitted::New(at)
    }

    /// Adds events that are known by their number only; `false` if no more names can be active.
    pub(crate) fn add_summary(&mut self, contact: u32, name: &str, summary: Summary) -> bool {
        let Some(name) = self.activate(name) else {
            return false;
        };
        self.summarise(contact, name, summary);
        true
    }

    fn summarise(&mut self, contact: u32, name: u32, summary: Summary) {
        self.summaries
            .entry((contact, name))
            .and_modify(|known| known.add(summary))
            .or_insert(summary);
    }

    /// Moves the events of one contact, at these places, to another.
    pub(crate) fn hand_over(&mut self, from: u32, into: u32, places: &[u32]) {
        for at in places {
            if let Some(event) = self.kept.get_mut(*at as usize) {
                event.contact = Some(into);
                self.seen.insert((into, event.name, event.created_at));
            }
        }
        for (name, summary) in self.take_summaries(from) {
            self.summarise(into, name, summary);
        }
    }

    /// Forgets the events of a contact, at these places.
    pub(crate) fn erase(&mut self, contact: u32, places: &[u32]) {
        for at in places {
            if let Some(event) = self.kept.get_mut(*at as usize) {
                event.contact = None;
                event.metadata = None;
            }
        }
        self.take_summaries(contact);
    }

    fn take_summaries(&mut self, contact: u32) -> Vec<(u32, Summary)> {
        let names: Vec<_> = self
            .summaries
            .range((contact, 0)..=(contact, u32::MAX))
            .map(|((_, name), summary)| (*name, *summary))
            .collect();
        for (name, _) in &names {
            self.summaries.remove(&(contact, *name));
        }
        names
    }
}
