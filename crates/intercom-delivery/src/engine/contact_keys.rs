//! What contacts can come under, and millions of that in little more memory than the numbers take.

use crate::contact::KnownContact;
use fnv::FnvHasher;
use intercom_api::ExternalId;
use rudderstack_to_intercom::{FieldLookup, Lookup, LookupField, Person, Plan, SharedEmail};
use serde::{Deserialize, Serialize};
use std::hash::Hasher as _;

/// A power of two: with a million keys, some 250 share a drawer.
const DRAWERS: u64 = 4096;
/// A drawer that is full is made larger by so many.
const ROOM: usize = 16;

/// A user id or email that a contact can come under: a hash, the same in every run and on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContactKey(pub u64);

impl ContactKey {
    /// That of a user id.
    pub fn user_id(id: &str) -> Self {
        Self::of(b'u', id)
    }

    /// That of an email, in whatever case, whoever has it.
    pub fn email(email: &str) -> Self {
        Self::of(b'e', &email.to_lowercase())
    }

    /// That of an email, in whatever case, of somebody without a user id.
    pub fn email_without_user_id(email: &str) -> Self {
        Self::of(b'n', &email.to_lowercase())
    }

    fn of(kind: u8, text: &str) -> Self {
        let mut hasher = FnvHasher::default();
        hasher.write(&[kind]);
        hasher.write(text.as_bytes());
        Self(hasher.finish())
    }

    /// Those under which the contact can come that a plan needs and does not create: that of a data event, or the member of
    /// a company.
    pub fn of_plan(plan: &Plan) -> Vec<Self> {
        match plan {
            Plan::SubmitEvent(event) if event.id.is_some() => Vec::new(),
            Plan::SubmitEvent(event) => {
                let person = Person::new(event.user_id.clone(), event.email.as_deref());
                person.map(|person| Self::of_lookup(&person.into())).unwrap_or_default()
            }
            Plan::SaveCompany(plan) => plan.member.as_ref().map(Self::of_lookup).unwrap_or_default(),
            Plan::SaveContact(_) | Plan::DeleteContact(_) => Vec::new(),
        }
    }

    /// Those of whom a lookup finds; none, if it is by something else.
    pub(super) fn of_lookup(lookup: &Lookup) -> Vec<Self> {
        match lookup {
            Lookup::Field(FieldLookup { field, .. })
                if ![LookupField::EMAIL, LookupField::EXTERNAL_ID].contains(field) =>
            {
                Vec::new()
            }
            Lookup::Field(_) => {
                let email = lookup.email().map(Self::email);
                lookup
                    .external_id()
                    .map(Self::user_id)
                    .into_iter()
                    .chain(email)
                    .collect()
            }
            Lookup::Person(person) => {
                let email = person.email.as_deref();
                let decides = person.external_id.is_none() || person.shared_email == SharedEmail::Same;
                match (person.external_id.as_ref(), email) {
                    (_, Some(email)) if decides => vec![Self::email(email)],
                    (id, email) => {
                        let id = id.map(|id| Self::user_id(id.as_str()));
                        id.into_iter().chain(email.map(Self::email_without_user_id)).collect()
                    }
                }
            }
        }
    }

    /// Those under which a contact has come that has these.
    pub fn of_identities(user_id: Option<&str>, email: Option<&str>) -> Vec<Self> {
        let email = email.filter(|email| !email.is_empty());
        let nameless = email.filter(|_| user_id.is_none());
        let id = user_id.map(Self::user_id);
        let emails = email.map(Self::email).into_iter();
        id.into_iter()
            .chain(emails)
            .chain(nameless.map(Self::email_without_user_id))
            .collect()
    }

    /// Those under which a contact has come.
    pub fn of_contact(contact: &KnownContact) -> Vec<Self> {
        let id = contact.external_id.as_ref().map(ExternalId::as_str);
        Self::of_identities(id, contact.email.as_deref())
    }
}

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
