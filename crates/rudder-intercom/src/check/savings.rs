//! How many calls the events cost: with what delivery saves, without, and at most.

use intercom_delivery::{AttributePolicy, EventEmail, Policies, UnknownContactPolicy, Walk};
use rudderstack_to_intercom::{Lookup, Plan, Step, When};
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

/// How many contacts, companies and links are remembered. Beyond that, each counts as new.
const MAX_REMEMBERED: usize = 400_000;

/// A call of a plan, as far as the number of calls depends on it. Everything stands for itself as a hash.
#[derive(Clone, Copy, Debug)]
enum Cost {
    /// It cannot be saved.
    Always,
    /// A contact is found, unless it is known.
    Find(u64),
    /// A contact or a company is given a body, unless it has it.
    Save(u64, u64),
    /// A company gets a member or a tag, unless it has it.
    Link(u64, u64),
}

/// The calls of an event.
#[derive(Clone, Debug)]
pub(super) struct Effect {
    costs: Vec<Cost>,
    most: usize,
}

impl Effect {
    pub(super) fn of(plan: &Plan, hasher: &RandomState) -> Self {
        let hash = |value: &dyn ErasedJson| hasher.hash_one(value.json());
        // By the external id if there is one, because the same contact may be looked up by another field.
        let whom = |lookup: &Lookup| match lookup.external_id() {
            Some(id) => hash(&id),
            None => hash(&lookup),
        };
        let (mut contact, mut company) = (0, 0);
        let mut cost = |step| match step {
            Step::FindContact(lookup) => {
                contact = whom(lookup);
                Cost::Find(contact)
            }
            Step::UpdateContact(fields) => Cost::Save(contact, hash(fields)),
            Step::UpsertCompany(fields) => {
                company = hash(&fields.company_id);
                Cost::Save(company, hash(fields))
            }
            Step::AttachCompany => Cost::Link(company, contact),
            Step::Tag(_, name) => Cost::Link(company, hasher.hash_one((company, name))),
            Step::FindCompany(..)
            | Step::DetachCompany(_)
            | Step::ReadContact
            | Step::DeleteContact
            | Step::SubmitEvent(_) => Cost::Always,
            Step::CreateContact(fields) => Cost::Save(contact, hash(fields)),
        };
        // A contact who is not found costs no more than one who is.
        let steps = plan.steps().filter(|(when, _)| *when != When::NotFound);
        Self {
            costs: steps.map(|(_, step)| cost(step)).collect(),
            most: Walk::most_calls(plan, dearest_policies()),
        }
    }
}

/// The policies that cost the most calls, apart from custom attributes: whoever creates them does so once for all events.
fn dearest_policies() -> Policies {
    Policies {
        attributes: AttributePolicy::Fail,
        unknown_contact: UnknownContactPolicy::Create,
        event_email: EventEmail::LeftOut,
        ..Policies::default()
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

/// The calls of all events so far, but for those that list and create custom attributes.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    /// With what delivery saves: contacts that are known are not searched, what would change nothing is not sent.
    pub(super) expected: u64,
    /// Without.
    pub(super) plain: u64,
    /// If everything is in the way that can be.
    pub(super) worst_case: u64,
    /// The last body of each contact and company.
    bodies: HashMap<u64, u64>,
    /// Members and tags of companies.
    links: HashSet<(u64, u64)>,
}

impl Calls {
    /// Counts the calls of the next event.
    pub(super) fn add(&mut self, effect: &Effect) {
        self.worst_case += effect.most as u64;
        self.plain += effect.costs.len() as u64;
        self.expected += effect
            .costs
            .iter()
            .map(|cost| u64::from(self.is_made(*cost)))
            .sum::<u64>();
    }

    /// Whether the call is made, as far as is known.
    fn is_made(&mut self, cost: Cost) -> bool {
        match cost {
            Cost::Always => true,
            Cost::Find(contact) => {
                let is_known = self.bodies.contains_key(&contact);
                if !is_known && self.bodies.len() < MAX_REMEMBERED {
                    self.bodies.insert(contact, 0);
                }
                !is_known
            }
            Cost::Save(key, body) => match self.bodies.get_mut(&key) {
                Some(last) => std::mem::replace(last, body) != body,
                None => {
                    if self.bodies.len() < MAX_REMEMBERED {
                        self.bodies.insert(key, body);
                    }
                    true
                }
            },
            Cost::Link(from, to) => self.link(from, to),
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
