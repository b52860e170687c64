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
    Of(Vec<ContactKey>, Seeker),
    /// The contact that has these is there afterwards.
    Comes(Vec<ContactKey>),
    /// It is not any more.
    Goes(Vec<ContactKey>),
}

/// What needs a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seeker {
    /// A data event. It waits for the contact.
    Event,
    /// A company, for its member. The link waits.
    Member,
    /// A record that updates the contact, and does not wait.
    Update,
}

impl Need {
    /// That of a plan, if it has one.
    pub(super) fn of(plan: &Plan) -> Option<Self> {
        let of_lookup = |lookup: &Lookup| ContactKey::of_identities(lookup.external_id(), lookup.email());
        let need = match plan {
            Plan::SaveContact(plan) => match plan.create() {
                Some(contact) => {
                    let id = contact.external_id.as_ref().map(ExternalId::as_str);
                    Self::Comes(ContactKey::of_identities(id, contact.email.as_deref()))
                }
                None => Self::Of(of_lookup(&plan.lookup), Seeker::Update),
            },
            Plan::DeleteContact(lookup) => Self::Goes(of_lookup(lookup)),
            Plan::SaveCompany(_) => Self::Of(ContactKey::of_plan(plan), Seeker::Member),
            Plan::SubmitEvent(_) => Self::Of(ContactKey::of_plan(plan), Seeker::Event),
        };
        match &need {
            Self::Of(keys, _) | Self::Comes(keys) | Self::Goes(keys) => !keys.is_empty(),
        }
        .then_some(need)
    }
}

/// What is known of contacts that events need.
#[derive(Clone, Debug, Default)]
pub(super) struct Missing {
    /// Events that come before the one which creates their contact.
    pub(super) waited: Noted,
    /// Data events of a contact that has been deleted, and is not created again.
    pub(super) of_deleted: Noted,
    /// How many of these do not fail for another reason as well.
    pub(super) lost_with_deleted: u64,
    /// Records that update such a contact.
    pub(super) updates_of_deleted: Noted,
    /// Events of a contact that no event creates.
    pub(super) of_strangers: Noted,
}

/// What waits for one contact.
#[derive(Clone, Debug, Default)]
struct Group {
    events: Noted,
    /// How many of the events fail in any case.
    lost: u64,
    members: Noted,
}

/// Who is there so far, and what waits for those who are not.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    there: HashSet<ContactKey>,
    deleted: HashSet<ContactKey>,
    /// What waits, by the keys of which any will do.
    groups: HashMap<Vec<ContactKey>, Group>,
    /// The groups that have a key.
    by_key: HashMap<ContactKey, Vec<Vec<ContactKey>>>,
    missing: Missing,
}

impl Waiting {
    /// Takes in the next event, which may fail in any case. Says whether it is an update of somebody who is not there any
    /// more.
    pub(super) fn add(&mut self, need: Need, line: u64, is_lost: bool) -> bool {
        match need {
            Need::Of(keys, seeker) => self.seek(keys, seeker, line, is_lost),
            Need::Comes(keys) => {
                for key in keys {
                    self.deleted.remove(&key);
                    if self.there.len() < MAX_REMEMBERED {
                        self.there.insert(key);
                    }
                    for group in self.by_key.remove(&key).into_iter().flatten() {
                        if let Some(group) = self.groups.remove(&group) {
                            self.missing.waited.merge(&group.events);
                            self.missing.waited.merge(&group.members);
                        }
                    }
                }
                false
            }
            Need::Goes(keys) => {
                for key in keys {
                    self.there.remove(&key);
                    if self.deleted.len() < MAX_REMEMBERED {
                        self.deleted.insert(key);
                    }
                }
                false
            }
        }
    }

    fn seek(&mut self, keys: Vec<ContactKey>, seeker: Seeker, line: u64, is_lost: bool) -> bool {
        // Whoever is not remembered may have been there before.
        let is_unknown = self.there.len() >= MAX_REMEMBERED;
        if is_unknown || keys.iter().any(|key| self.there.contains(key)) {
            return false;
        }
        if seeker == Seeker::Update {
            let is_deleted = self.are_deleted(&keys);
            match is_deleted {
                true => self.missing.updates_of_deleted.note(line),
                false => self.missing.of_strangers.note(line),
            }
            return is_deleted;
        }
        if self.groups.len() >= MAX_REMEMBERED && !self.groups.contains_key(&keys) {
            return false;
        }
        let group = self.groups.entry(keys).or_insert_with_key(|keys| {
            for key in keys {
                self.by_key.entry(*key).or_default().push(keys.clone());
            }
            Group::default()
        });
        if seeker == Seeker::Event {
            group.events.note(line);
            group.lost += u64::from(is_lost);
        } else {
            group.members.note(line);
        }
        false
    }

    fn are_deleted(&self, keys: &[ContactKey]) -> bool {
        keys.iter().all(|key| self.deleted.contains(key))
    }

    /// What there is to say after the last event.
    pub(super) fn missing(&self) -> Missing {
        let mut missing = self.missing.clone();
        for (keys, group) in &self.groups {
            match self.are_deleted(keys) {
                true => {
                    missing.of_deleted.merge(&group.events);
                    missing.lost_with_deleted += group.events.count - group.lost;
                }
                false => missing.of_strangers.merge(&group.events),
            }
            missing.of_strangers.merge(&group.members);
        }
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is missing, of needs in as many lines.
    fn missing(needs: impl IntoIterator<Item = Need>) -> Missing {
        let mut waiting = Waiting::default();
        for (need, line) in needs.into_iter().zip(1..) {
            waiting.add(need, line, false);
        }
        waiting.missing()
    }

    fn waited(needs: impl IntoIterator<Item = Need>) -> (u64, Vec<u64>) {
        let waited = missing(needs).waited;
        (waited.count, waited.lines)
    }

    fn of(keys: &[ContactKey]) -> Need {
        Need::Of(keys.to_vec(), Seeker::Event)
    }

    const ANN: ContactKey = ContactKey(1);
    const HER_EMAIL: ContactKey = ContactKey(2);
    const BEN: ContactKey = ContactKey(3);

    #[test]
    fn an_event_waits_for_any_of_its_keys_and_is_counted_once() {
        let comes = Need::Comes(vec![ANN, HER_EMAIL]);
        let needs = [
            of(&[BEN]),
            of(&[ANN, HER_EMAIL]),
            of(&[HER_EMAIL]),
            of(&[ANN]),
            of(&[ANN]),
            comes.clone(),
            of(&[ANN]),
            comes,
        ];
        assert_eq!(waited(needs), (4, vec![2, 3, 4]));
    }

    #[test]
    fn whoever_is_deleted_is_waited_for_again() {
        let comes = Need::Comes(vec![ANN]);
        let needs = [comes.clone(), Need::Goes(vec![ANN]), of(&[ANN]), comes];
        assert_eq!(waited(needs), (1, vec![3]));
    }

    #[test]
    fn beyond_what_is_remembered_nothing_is_said() {
        let some = |from: u64| (from..from + MAX_REMEMBERED as u64 + 5).map(ContactKey);
        let wait = some(10).map(|key| of(&[key]));
        let come = some(10).map(|key| Need::Comes(vec![key]));
        assert_eq!(waited(wait.chain(come)).0, MAX_REMEMBERED as u64);
        let come = some(10).map(|key| Need::Comes(vec![key]));
        let needs = come.chain([of(&[ANN]), Need::Comes(vec![ANN])]);
        assert_eq!(waited(needs).0, 0);
    }

    #[test]
    fn whoever_is_deleted_for_good_is_told_from_a_stranger() {
        let goes = || Need::Goes(vec![ANN]);
        let update = |key| Need::Of(vec![key], Seeker::Update);
        let needs = [
            Need::Comes(vec![ANN]),
            update(ANN),
            goes(),
            update(ANN),
            of(&[ANN]),
            of(&[BEN]),
            update(BEN),
            Need::Of(vec![ANN], Seeker::Member),
        ];
        let left = missing(needs.clone());
        assert_eq!(left.updates_of_deleted.lines, [4]);
        assert_eq!(left.of_deleted.lines, [5]);
        assert_eq!(left.of_strangers.lines, [6, 7, 8]);
        let left = missing(needs.into_iter().chain([Need::Comes(vec![ANN])]));
        assert_eq!((left.of_deleted.count, left.waited.lines), (0, vec![5, 8]));
        assert_eq!(left.updates_of_deleted.lines, [4]);
    }
}
