//! Events that come before the event which creates their contact.

use crate::noted::Noted;
use intercom_api::ExternalId;
use intercom_delivery::ContactKey;
use rudderstack_to_intercom::{Lookup, Plan};
use std::collections::{HashMap, HashSet};

/// How many keys of contacts who are there, and how many different ones who are not, are remembered. Beyond that, no event
/// is counted of which it is unknown.
const MAX_REMEMBERED: usize = 400_000;

/// What an event has to do with whether a contact is there.
#[derive(Clone, Debug)]
pub(super) enum Need {
    /// It needs the contact that has one of these keys, and does not create it.
    Of(Vec<ContactKey>, u64),
    /// The contact that has these is there afterwards.
    Comes(Vec<ContactKey>),
    /// It is not any more.
    Goes(Vec<ContactKey>),
}

impl Need {
    /// That of a plan, if it has one.
    pub(super) fn of(plan: &Plan, line: u64) -> Option<Self> {
        let of_lookup = |lookup: &Lookup| ContactKey::of_identities(lookup.external_id(), lookup.email());
        let need = match plan {
            Plan::SaveContact(plan) => {
                let contact = plan.create()?;
                let id = contact.external_id.as_ref().map(ExternalId::as_str);
                Self::Comes(ContactKey::of_identities(id, contact.email.as_deref()))
            }
            Plan::DeleteContact(lookup) => Self::Goes(of_lookup(lookup)),
            Plan::SaveCompany(_) | Plan::SubmitEvent(_) => Self::Of(ContactKey::of_plan(plan), line),
        };
        match &need {
            Self::Of(keys, _) | Self::Comes(keys) | Self::Goes(keys) => !keys.is_empty(),
        }
        .then_some(need)
    }
}

/// Who is there so far, and what waits for those who are not.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    there: HashSet<ContactKey>,
    /// What waits, by the keys of which any will do.
    groups: HashMap<Vec<ContactKey>, Noted>,
    /// The groups that have a key.
    by_key: HashMap<ContactKey, Vec<Vec<ContactKey>>>,
}

impl Waiting {
    /// Takes in the next event, and adds those to `waited` that have waited for it.
    pub(super) fn add(&mut self, need: Need, waited: &mut Noted) {
        match need {
            Need::Of(keys, line) => self.wait(keys, line),
            Need::Comes(keys) => {
                for key in keys {
                    if self.there.len() < MAX_REMEMBERED {
                        self.there.insert(key);
                    }
                    for group in self.by_key.remove(&key).into_iter().flatten() {
                        if let Some(noted) = self.groups.remove(&group) {
                            waited.merge(&noted);
                        }
                    }
                }
            }
            Need::Goes(keys) => keys.iter().for_each(|key| {
                self.there.remove(key);
            }),
        }
    }

    fn wait(&mut self, keys: Vec<ContactKey>, line: u64) {
        // Whoever is not remembered may have been there before.
        let is_unknown = self.there.len() >= MAX_REMEMBERED;
        if is_unknown || keys.iter().any(|key| self.there.contains(key)) {
            return;
        }
        if let Some(noted) = self.groups.get_mut(&keys) {
            return noted.note(line);
        }
        if self.groups.len() < MAX_REMEMBERED {
            for key in &keys {
                self.by_key.entry(*key).or_default().push(keys.clone());
            }
            self.groups.entry(keys).or_default().note(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waited(needs: impl IntoIterator<Item = Need>) -> (u64, Vec<u64>) {
        let (mut waiting, mut waited) = (Waiting::default(), Noted::default());
        needs.into_iter().for_each(|need| waiting.add(need, &mut waited));
        (waited.count, waited.lines)
    }

    const ANN: ContactKey = ContactKey(1);
    const HER_EMAIL: ContactKey = ContactKey(2);
    const BEN: ContactKey = ContactKey(3);

    #[test]
    fn an_event_waits_for_any_of_its_keys_and_is_counted_once() {
        let comes = Need::Comes(vec![ANN, HER_EMAIL]);
        let needs = [
            Need::Of(vec![BEN], 1),
            Need::Of(vec![ANN, HER_EMAIL], 2),
            Need::Of(vec![HER_EMAIL], 3),
            Need::Of(vec![ANN], 4),
            Need::Of(vec![ANN], 5),
            comes.clone(),
            Need::Of(vec![ANN], 7),
            comes,
        ];
        assert_eq!(waited(needs), (4, vec![2, 3, 4]));
    }

    #[test]
    fn whoever_is_deleted_is_waited_for_again() {
        let comes = Need::Comes(vec![ANN]);
        let needs = [comes.clone(), Need::Goes(vec![ANN]), Need::Of(vec![ANN], 3), comes];
        assert_eq!(waited(needs), (1, vec![3]));
    }

    #[test]
    fn beyond_what_is_remembered_nothing_is_said() {
        let some = |from: u64| (from..from + MAX_REMEMBERED as u64 + 5).map(ContactKey);
        let wait = some(10).map(|key| Need::Of(vec![key], key.0));
        let come = some(10).map(|key| Need::Comes(vec![key]));
        assert_eq!(waited(wait.chain(come)).0, MAX_REMEMBERED as u64);
        let come = some(10).map(|key| Need::Comes(vec![key]));
        let needs = come.chain([Need::Of(vec![ANN], 1), Need::Comes(vec![ANN])]);
        assert_eq!(waited(needs).0, 0);
    }
}
