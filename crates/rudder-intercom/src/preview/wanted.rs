//! Whom events are about: what has to be read before they are delivered to the copy.

use super::questions::{Question, Questions};
use super::reader::TOGETHER;
use rudderstack_to_intercom::{CompanyKey, Plan};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What has to be known, in the order in which events ask for it.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    people: Vec<Vec<Question>>,
    companies: Vec<CompanyKey>,
    /// The line of the first event that asks.
    lines: HashMap<Question, u64>,
    company_lines: HashMap<CompanyKey, u64>,
}

impl Wanted {
    /// Adds what has to be known for an event.
    pub(crate) fn add(&mut self, plan: &Plan, line: u64) {
        let Questions { person, companies } = Questions::of(plan);
        let mut is_news = false;
        for question in &person {
            if !self.lines.contains_key(question) {
                self.lines.insert(question.clone(), line);
                is_news = true;
            }
        }
        if is_news {
            self.people.push(person);
        }
        for company in companies {
            if !self.company_lines.contains_key(&company) {
                self.company_lines.insert(company.clone(), line);
                self.companies.push(company);
            }
        }
    }

    /// How many people there are at most.
    pub(crate) fn people(&self) -> usize {
        self.people.len()
    }

    pub(super) fn companies(&self) -> &[CompanyKey] {
        &self.companies
    }

    /// The first line that is about whoever this is an answer for.
    pub(super) fn line(&self, question: &Question) -> Option<u64> {
        self.lines.get(question).copied()
    }

    pub(super) fn line_of_company(&self, company_id: &str) -> Option<u64> {
        let question = CompanyKey::CompanyId(company_id.into());
        self.company_lines.get(&question).copied()
    }

    /// The questions in as few searches as possible: those about fifteen people go together, and those by another field than
    /// who somebody is go alone.
    pub(super) fn searches(&self) -> Vec<Vec<Question>> {
        let (mut searches, mut alone) = (Vec::new(), Vec::new());
        let mut asked: HashSet<&Question> = HashSet::new();
        let mut together: Vec<Question> = Vec::new();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for person in &self.people {
            let new: Vec<&Question> = person.iter().filter(|question| !asked.contains(question)).collect();
            let is_full = new.iter().any(|question| {
                let of_field = new.iter().filter(|other| other.field == question.field).count();
                counts
                    .get(&*question.field)
                    .is_some_and(|count| count + of_field > TOGETHER)
            });
            if is_full {
                searches.push(std::mem::take(&mut together));
                counts.clear();
            }
            for question in new {
                asked.insert(question);
                if question.goes_with_others() {
                    *counts.entry(&question.field).or_default() += 1;
                    together.push(question.clone());
                } else {
                    alone.push(vec![question.clone()]);
                }
            }
        }
        searches.push(together);
        searches.extend(alone);
        searches.retain(|search| !search.is_empty());
        searches
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use intercom_api::ContactFields;
    use rudderstack_to_intercom::{FieldLookup, LookupField, Person, SaveContact};

    fn identify(id: &str, email: Option<&str>) -> Plan {
        let mut fields = ContactFields::new();
        fields.external_id = Some(id.into());
        fields.email = email.map(str::to_owned);
        let person = Person::new(Some(id.into()), email).unwrap();
        Plan::SaveContact(SaveContact::new(person.into(), fields))
    }

    #[test]
    fn fifteen_people_are_looked_up_by_one_search() {
        let mut wanted = Wanted::default();
        for number in 0..31 {
            let plan = identify(&number.to_string(), Some(&format!("{number}@X.example")));
            wanted.add(&plan, number);
            wanted.add(&plan, 100 + number);
        }
        let sizes: Vec<usize> = wanted.searches().iter().map(Vec::len).collect();
        assert_eq!(sizes, [30, 30, 2]);
        assert_eq!(wanted.line(&Question::text("email", "7@x.example")), Some(7));
    }

    #[test]
    fn who_is_looked_up_by_something_else_is_looked_up_alone() {
        let mut wanted = Wanted::default();
        let lookup = FieldLookup::new("phone".parse::<LookupField>().unwrap(), "+1");
        wanted.add(&Plan::DeleteContact(lookup.into()), 1);
        wanted.add(&identify("1", None), 2);
        let fields: Vec<Vec<String>> = wanted
            .searches()
            .iter()
            .map(|search| search.iter().map(|question| question.field.to_string()).collect())
            .collect();
        assert_eq!(fields, [["external_id"], ["phone"]]);
    }
}
