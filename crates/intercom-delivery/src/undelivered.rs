//! Events that were not delivered, and what must not be undone by delivering them late.

use crate::superseded::{Subject, Superseded};
use rudderstack_to_intercom::{Identities, Plan};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Events that were not delivered, by number, with what later ones have written since.
///
/// The newest are kept, up to a bound. `Debug` shows no value.
#[derive(Debug, Default)]
pub struct Undelivered {
    events: BTreeMap<u64, (Subject, Superseded)>,
    by_key: HashMap<String, BTreeSet<u64>>,
}

impl Undelivered {
    /// How many are kept at most.
    pub const KEPT: usize = 20_000;

    /// An event was not delivered. What was known to supersede it by then stays.
    pub fn add(&mut self, event: u64, subject: Subject, known: Superseded) {
        for key in subject.keys() {
            self.by_key.entry(key).or_default().insert(event);
        }
        self.events.insert(event, (subject, known));
        while self.events.len() > Self::KEPT
            && let Some(oldest) = self.events.keys().next().copied()
        {
            self.remove(oldest);
        }
    }

    /// An event was delivered after all.
    pub fn remove(&mut self, event: u64) -> Option<(Subject, Superseded)> {
        let known = self.events.remove(&event)?;
        for key in known.0.keys() {
            if let Some(events) = self.by_key.get_mut(&key) {
                events.remove(&event);
                if events.is_empty() {
                    self.by_key.remove(&key);
                }
            }
        }
        Some(known)
    }

    /// An event of this number was delivered. Says for which older ones that is news.
    pub fn delivered(&mut self, event: u64, plan: &Plan, identities: &Identities) -> Vec<u64> {
        if self.events.is_empty() {
            return Vec::new();
        }
        let subject = Subject::of(plan, identities);
        let older = subject.keys().filter_map(|key| self.by_key.get(&key));
        let older: BTreeSet<u64> = older.flat_map(|events| events.range(..event).copied()).collect();
        let mut changed = Vec::new();
        for number in older {
            let Some(known) = self.events.get(&number) else {
                continue;
            };
            let (mut subject, mut superseded) = known.clone();
            superseded.add(&mut subject, plan, identities);
            if (&known.0, &known.1) != (&subject, &superseded) {
                self.remove(number);
                self.add(number, subject, superseded);
                changed.push(number);
            }
        }
        changed
    }

    /// What is known of an event.
    pub fn get(&self, event: u64) -> Option<&(Subject, Superseded)> {
        self.events.get(&event)
    }

    /// What supersedes each of the events, as far as anything does.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Superseded)> {
        let all = self.events.iter().map(|(event, (_, superseded))| (*event, superseded));
        all.filter(|(_, superseded)| !superseded.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use intercom_api::ContactFields;
    use rudderstack_to_intercom::{Lookup, LookupField, SaveContact};

    #[test]
    fn only_what_is_older_and_not_delivered_is_superseded() {
        let mut undelivered = Undelivered::default();
        let mut fields = ContactFields::new();
        fields.name = Some("x".to_owned());
        let plan = Plan::SaveContact(SaveContact::new(Lookup::new(LookupField::EXTERNAL_ID, "ann"), fields));
        let mut ann = Identities::new();
        ann.user_id = Some("ann".to_owned());
        assert!(undelivered.delivered(1, &plan, &ann).is_empty());
        undelivered.add(3, Subject::of(&plan, &ann), Superseded::default());
        assert!(undelivered.delivered(2, &plan, &ann).is_empty());
        assert_eq!(undelivered.delivered(4, &plan, &ann), [3]);
        assert!(undelivered.delivered(5, &plan, &ann).is_empty(), "no news");
        assert_eq!(undelivered.iter().count(), 1);
        assert!(undelivered.remove(3).is_some() && undelivered.by_key.is_empty());
        for event in 0..=Undelivered::KEPT as u64 {
            undelivered.add(event, Subject::of(&plan, &ann), Superseded::default());
        }
        assert!(undelivered.get(0).is_none() && undelivered.get(1).is_some());
    }
}
