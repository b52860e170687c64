//! What a workspace has room for: so many custom attributes, one of each name, and so many names of data events. Who comes
//! first gets it.

use super::people::saved;
use super::workspace::{Workspace, can_be};
use intercom_api::{Attributes, Value, limits};
use intercom_delivery::DefinedAttributes;
use rudderstack_to_intercom::Plan;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

/// Of how many different sets of names it is remembered what becomes of them. Of others it is found out each time.
const MAX_REMEMBERED: usize = 100_000;

/// Which model a custom attribute is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Model {
    Contact,
    Company,
}

/// A name, as a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Name {
    hash: u64,
    /// Whether it is an attribute of the other model in the workspace.
    is_others: bool,
}

/// The names that an event needs, beyond those that the workspace is known to have.
#[derive(Clone, Debug, Hash)]
enum Names {
    Attributes(Model, Vec<Name>),
    Event(u64),
}

/// The sets of names that the events of a chunk need.
#[derive(Clone, Debug, Default)]
pub(super) struct Sets(HashMap<u64, Names>);

impl Sets {
    /// Takes in what a plan needs, and gives the key of the set; none, if it needs nothing.
    pub(super) fn add(&mut self, plan: &Plan, workspace: Option<&Workspace>, hasher: &RandomState) -> Option<u64> {
        let known = |model| {
            let workspace = workspace?;
            let (own, others) = (&workspace.contact, &workspace.company);
            Some(match model {
                Model::Contact => (own, others),
                Model::Company => (others, own),
            })
        };
        let of = |model, attributes| Names::Attributes(model, names_of(attributes, known(model), hasher));
        let names = match plan {
            Plan::SaveContact(plan) => of(Model::Contact, &saved(plan).custom_attributes),
            Plan::SaveCompany(plan) => of(Model::Company, &plan.company.custom_attributes),
            Plan::SubmitEvent(event) => Names::Event(hasher.hash_one(&event.event_name)),
            Plan::DeleteContact(_) => return None,
        };
        if matches!(&names, Names::Attributes(_, names) if names.is_empty()) {
            return None;
        }
        let set = hasher.hash_one(&names);
        self.0.entry(set).or_insert(names);
        Some(set)
    }
}

/// The attributes that have to be created for these, in their order: what is only unset has not.
fn names_of(
    attributes: &Attributes,
    known: Option<(&DefinedAttributes, &DefinedAttributes)>,
    hasher: &RandomState,
) -> Vec<Name> {
    let is_known = |name: &str| known.is_some_and(|(own, _)| own.data_type(name).is_some());
    let written = attributes
        .iter()
        .filter(|(name, value)| **value != Value::Null && can_be(name) && !is_known(name));
    let name = |(name, _): (&str, &Value)| Name {
        hash: hasher.hash_one(name),
        is_others: known.is_some_and(|(_, others)| others.data_type(name).is_some()),
    };
    written.map(name).collect()
}

/// Why there is no room for what an event needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// The workspace has as many custom attributes as it can have.
    Attributes,
    /// The other model has an attribute of the name.
    OtherModel,
    /// There are as many names of data events as there can be.
    EventNames,
}

/// Who has got what there is.
#[derive(Clone, Debug, Default)]
pub(super) struct Room {
    attributes: HashMap<u64, Model>,
    event_names: HashSet<u64>,
    /// What became of sets of names.
    known: HashMap<u64, Option<Full>>,
}

impl Room {
    /// Takes in the next event, which needs one of these sets, where the workspace has so many custom attributes of its own.
    /// Says why there is no room for it.
    pub(super) fn add(&mut self, set: u64, sets: &Sets, workspace: usize) -> Option<Full> {
        if let Some(full) = self.known.get(&set) {
            return *full;
        }
        let full = sets.0.get(&set).and_then(|names| self.take(names, workspace));
        if self.known.len() < MAX_REMEMBERED {
            self.known.insert(set, full);
        }
        full
    }

    /// Takes the room for these, as far as there is any: what has got some keeps it.
    fn take(&mut self, names: &Names, workspace: usize) -> Option<Full> {
        match names {
            Names::Attributes(model, names) => names.iter().find_map(|name| self.create(*model, *name, workspace)),
            Names::Event(name) => {
                let has_room = self.event_names.len() < limits::ACTIVE_EVENT_NAMES;
                let is_there = self.event_names.contains(name) || has_room && self.event_names.insert(*name);
                (!is_there).then_some(Full::EventNames)
            }
        }
    }

    fn create(&mut self, model: Model, name: Name, workspace: usize) -> Option<Full> {
        match self.attributes.get(&name.hash) {
            _ if name.is_others => Some(Full::OtherModel),
            Some(first) => (*first != model).then_some(Full::OtherModel),
            None if self.attributes.len() + workspace >= limits::CUSTOM_ATTRIBUTES => Some(Full::Attributes),
            None => {
                self.attributes.insert(name.hash, model);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use intercom_api::{CompanyFields, ContactFields, DataEvent};
    use rudderstack_to_intercom::{Lookup, LookupField, SaveCompany, SaveContact};

    fn contact(names: &[&'static str]) -> Plan {
        let mut fields = ContactFields::new();
        for name in names {
            fields.custom_attributes.insert(*name, 1);
        }
        Plan::SaveContact(SaveContact::new(Lookup::new(LookupField::EXTERNAL_ID, "u"), fields))
    }

    fn company(name: &'static str) -> Plan {
        let mut fields = CompanyFields::new();
        fields.custom_attributes.insert(name, 1);
        Plan::SaveCompany(SaveCompany::new(fields))
    }

    /// Of each plan, why there is no room for it.
    fn full(plans: &[Plan], workspace: usize) -> Vec<(Full, u64)> {
        let (hasher, mut room, mut all) = (RandomState::new(), Room::default(), Vec::new());
        // In chunks of three.
        for (at, chunk) in plans.chunks(3).enumerate() {
            let mut sets = Sets::default();
            let keys: Vec<Option<u64>> = chunk.iter().map(|plan| sets.add(plan, None, &hasher)).collect();
            for (key, line) in keys.into_iter().zip(at as u64 * 3..) {
                let full = key.and_then(|key| room.add(key, &sets, workspace));
                all.extend(full.map(|full| (full, line)));
            }
        }
        all
    }

    #[test]
    fn the_first_names_of_events_have_room() {
        let mut plans: Vec<Plan> = (0..limits::ACTIVE_EVENT_NAMES + 1)
            .map(|at| Plan::SubmitEvent(DataEvent::new(at.to_string())))
            .collect();
        plans.push(plans[7].clone());
        plans.push(plans[limits::ACTIVE_EVENT_NAMES].clone());
        assert_eq!(full(&plans, 0), [(Full::EventNames, 120), (Full::EventNames, 122)]);
    }

    #[test]
    fn the_first_attributes_have_room_and_the_workspaces_own() {
        let plans = [
            contact(&["a"]),
            contact(&["b"]),
            contact(&["a", "b"]),
            contact(&["b", "c"]),
            company("d"),
            contact(&["a"]),
        ];
        assert_eq!(full(&plans, 248), [(Full::Attributes, 3), (Full::Attributes, 4)]);
        assert_eq!(full(&plans, 0), []);
    }

    #[test]
    fn a_name_is_that_of_the_model_that_comes_first() {
        let plans = [company("tier"), contact(&["x", "tier"]), company("x"), contact(&["x"])];
        assert_eq!(full(&plans, 0), [(Full::OtherModel, 1), (Full::OtherModel, 2)]);
    }
}
