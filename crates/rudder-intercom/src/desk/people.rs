//! Which events are about the same person: those that share a user id or an email, directly or through others.

use crate::preview::Key;
use crate::send::Choice;
use rudderstack_to_intercom::Plan;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// People, by hashes of what they are known by.
#[derive(Debug, Default)]
pub(crate) struct People {
    /// Of each key, another key of the same person; the last is its own.
    parents: HashMap<u64, u64>,
    /// The companies that the events of a key are about.
    companies: HashMap<u64, BTreeSet<u64>>,
}

impl People {
    /// Adds whom an event is about. Gives a key of the person, and one of the company, as far as it is about one.
    pub(crate) fn add(&mut self, plan: &Plan) -> (Option<u64>, Option<u64>) {
        let (keys, company) = keys(plan);
        let Some(first) = keys.first().copied() else {
            return (None, company);
        };
        for key in keys {
            self.parents.entry(key).or_insert(key);
            let (one, other) = (self.root(first), self.root(key));
            let (least, most) = (one.min(other), one.max(other));
            self.parents.insert(most, least);
        }
        if let Some(company) = company {
            self.companies.entry(first).or_default().insert(company);
        }
        (Some(first), company)
    }

    /// The key that stands for the person.
    pub(crate) fn root(&self, key: u64) -> u64 {
        let mut at = key;
        while let Some(parent) = self.parents.get(&at).filter(|parent| **parent != at) {
            at = *parent;
        }
        at
    }

    /// So many of them, the same whenever they are asked for. There may be fewer.
    pub(crate) fn sample(&self, count: usize) -> Sample {
        let roots: BTreeSet<u64> = self.parents.keys().map(|key| self.root(*key)).collect();
        // Hashes are as good as chance, and do not change.
        let chosen: HashSet<u64> = roots.into_iter().take(count).collect();
        let is_chosen = |key: &&u64| chosen.contains(&self.root(**key));
        let keys: HashSet<u64> = self.parents.keys().filter(is_chosen).copied().collect();
        let companies = keys.iter().filter_map(|key| self.companies.get(key)).flatten();
        Sample(Arc::new(Chosen {
            people: chosen.len(),
            companies: companies.copied().collect(),
            keys,
        }))
    }
}

#[derive(Debug)]
struct Chosen {
    people: usize,
    keys: HashSet<u64>,
    companies: HashSet<u64>,
}

/// Some of all people. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Sample(Arc<Chosen>);

impl Sample {
    /// How many people.
    pub(crate) fn people(&self) -> usize {
        self.0.people
    }

    /// The events that say what these people and their companies are to have: of other people's, what they say of such a
    /// company.
    pub(crate) fn choice(&self) -> Choice {
        let chosen = Arc::clone(&self.0);
        Choice(Box::new(move |plan| chosen.wants(plan)))
    }
}

impl Chosen {
    fn wants(&self, plan: &mut Plan) -> bool {
        let (people, company) = keys(plan);
        let is_meant = people.iter().any(|key| self.keys.contains(key));
        let is_of_company = company.is_some_and(|company| self.companies.contains(&company));
        if let (false, Plan::SaveCompany(plan)) = (is_meant, plan) {
            plan.member = None;
        }
        is_meant || is_of_company
    }
}

/// What a plan's event is known by: the keys of the person, and the company.
fn keys(plan: &Plan) -> (Vec<u64>, Option<u64>) {
    let (people, company) = Key::of(plan);
    (people.iter().map(Key::hash).collect(), company.as_ref().map(Key::hash))
}

#[cfg(test)]
mod tests {
    use super::*;
    use intercom_api::{CompanyFields, ContactFields};
    use rudderstack_to_intercom::{Person, SaveCompany, SaveContact};

    fn identify(id: Option<&str>, email: Option<&str>) -> Plan {
        let person = Person::new(id.map(Into::into), email).unwrap();
        Plan::SaveContact(SaveContact::new(person.into(), ContactFields::new()))
    }

    fn group(id: &str, company: &str) -> Plan {
        let person = Person::new(Some(id.into()), None).unwrap();
        let mut fields = CompanyFields::new();
        fields.company_id = Some(company.into());
        Plan::SaveCompany(SaveCompany::new(fields).with_member(person.into()))
    }

    #[test]
    fn who_shares_something_through_others_is_one_person() {
        let mut people = People::default();
        let [a, b, c] = [
            identify(Some("a"), None),
            identify(None, Some("x@x.example")),
            identify(Some("c"), None),
        ]
        .map(|plan| people.add(&plan).0.unwrap());
        assert_ne!(people.root(a), people.root(b));
        people.add(&identify(Some("a"), Some("X@x.example")));
        assert_eq!(people.root(a), people.root(b));
        assert_ne!(people.root(a), people.root(c));
    }

    #[test]
    fn a_sample_has_all_that_is_said_of_its_people_and_of_their_companies() {
        let mut people = People::default();
        for number in 0..100 {
            people.add(&identify(Some(&number.to_string()), None));
            people.add(&group(
                &number.to_string(),
                if number % 2 == 0 { "even" } else { "odd" },
            ));
        }
        let sample = people.sample(1);
        assert_eq!(sample.people(), 1);
        let Choice(choice) = sample.choice();
        let mut identifies = 0;
        let mut members = 0;
        let mut groups = 0;
        for number in 0..100 {
            identifies += usize::from(choice(&mut identify(Some(&number.to_string()), None)));
            let mut group = group(&number.to_string(), if number % 2 == 0 { "even" } else { "odd" });
            groups += usize::from(choice(&mut group));
            let Plan::SaveCompany(plan) = &group else { panic!() };
            members += usize::from(plan.member.is_some());
        }
        assert_eq!((identifies, groups, members), (1, 50, 1));
    }
}
