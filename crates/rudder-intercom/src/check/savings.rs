//! How many calls the events cost: at most, and with what delivery saves.

use rudderstack_to_intercom::{Lookup, Plan, SaveCompany, SaveContact};
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

/// How many contacts, companies and links are remembered. Beyond that, each counts as new.
const MAX_REMEMBERED: usize = 400_000;

/// What an event does to Intercom, as far as the number of calls depends on it. Everything stands for itself as a hash.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    /// Calls that cannot be saved.
    Always(u64),
    /// A contact is saved, and before that perhaps detached from a company.
    Contact { contact: u64, body: u64, detaches: bool },
    /// A company is saved.
    Company {
        company: u64,
        body: u64,
        member: Option<u64>,
        tags: Vec<u64>,
    },
}

impl Effect {
    pub(super) fn of(plan: &Plan, hasher: &RandomState) -> Self {
        let hash = |value: &dyn ErasedJson| hasher.hash_one(value.json());
        // By the preferred external id if there is one, because the same contact may be looked up by another field.
        let contact = |lookup: &Lookup| match &lookup.prefer {
            Some(id) => hash(&id),
            None => hash(&lookup),
        };
        match plan {
            Plan::SaveContact(SaveContact {
                lookup, detach, update, ..
            }) => Self::Contact {
                contact: contact(lookup),
                body: hash(update),
                detaches: detach.is_some(),
            },
            Plan::DeleteContact(_) => Self::Always(2),
            Plan::SaveCompany(SaveCompany {
                company, member, tags, ..
            }) => {
                let id = hash(&company.company_id);
                Self::Company {
                    company: id,
                    body: hash(company),
                    member: member.as_ref().map(contact),
                    tags: tags.iter().map(|tag| hasher.hash_one((id, tag))).collect(),
                }
            }
            _ => Self::Always(1),
        }
    }

    /// The calls if nothing is known and nothing saved.
    fn plain(&self) -> u64 {
        match self {
            Self::Always(calls) => *calls,
            Self::Contact { detaches, .. } => {
                if *detaches {
                    4
                } else {
                    2
                }
            }
            Self::Company { member, tags, .. } => 1 + if member.is_some() { 2 } else { 0 } + tags.len() as u64,
        }
    }
}

/// A value that can be written as JSON, whatever its type.
trait ErasedJson {
    fn json(&self) -> Vec<u8>;
}

impl<T: Serialize> ErasedJson for T {
    fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The calls of all events so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    /// With what delivery saves: contacts that are known are not searched, what would change nothing is not sent.
    pub(super) expected: u64,
    /// Without.
    pub(super) plain: u64,
    /// The last body of each contact and company.
    bodies: HashMap<u64, u64>,
    /// Members and tags of companies.
    links: HashSet<(u64, u64)>,
}

impl Calls {
    /// Counts the calls of the next event.
    pub(super) fn add(&mut self, effect: &Effect) {
        self.plain += effect.plain();
        self.expected += match effect {
            Effect::Always(calls) => *calls,
            Effect::Contact {
                contact,
                body,
                detaches,
            } => self.save(*contact, *body, 1) + if *detaches { 2 } else { 0 },
            Effect::Company {
                company,
                body,
                member,
                tags,
            } => {
                let mut calls = self.save(*company, *body, 0);
                if let Some(member) = member
                    && self.link(*company, *member)
                {
                    // A member who was seen before is known; else it is searched.
                    calls += if self.bodies.contains_key(member) { 1 } else { 2 };
                    if self.bodies.len() < MAX_REMEMBERED {
                        self.bodies.entry(*member).or_default();
                    }
                }
                calls + tags.iter().filter(|&&tag| self.link(*company, tag)).count() as u64
            }
        };
    }

    /// The calls that it takes to save something which costs `find` calls to find the first time.
    fn save(&mut self, key: u64, body: u64, find: u64) -> u64 {
        match self.bodies.get_mut(&key) {
            Some(last) if *last == body => 0,
            Some(last) => {
                *last = body;
                1
            }
            None => {
                if self.bodies.len() < MAX_REMEMBERED {
                    self.bodies.insert(key, body);
                }
                1 + find
            }
        }
    }

    /// Whether the link is new.
    fn link(&mut self, from: u64, to: u64) -> bool {
        if self.links.len() < MAX_REMEMBERED {
            self.links.insert((from, to))
        } else {
            !self.links.contains(&(from, to))
        }
    }
}
