//! The companies of the copy.

use super::answers::Refusal;
use super::fields::{Fields, of_company, to_body, write};
use intercom_api::{Attributes, Company, UnixSeconds, Value};
use rudderstack_to_intercom::CompanyKey;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What a company is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Firm {
    pub(super) fields: Fields,
    pub(super) tags: BTreeSet<String>,
}

/// A company, as it was read and as it would be. No event deletes one.
#[derive(Debug)]
pub(super) struct Record {
    /// Intercom's id, or one of our own if it would be created.
    pub(super) id: String,
    /// None, if it would be created.
    pub(super) was: Option<Arc<Firm>>,
    pub(super) is: Arc<Firm>,
    pub(super) updated_at: Option<UnixSeconds>,
    /// Whether an event is about it.
    pub(super) is_touched: bool,
}

/// The companies that are known.
#[derive(Debug, Default)]
pub(super) struct Companies {
    all: Vec<Record>,
    by_id: HashMap<String, usize>,
    by_company_id: HashMap<String, usize>,
    answered: HashMap<CompanyKey, Vec<usize>>,
}

impl Companies {
    pub(super) fn records(&self) -> &[Record] {
        &self.all
    }

    pub(super) fn get(&self, id: &str) -> Option<&Record> {
        self.by_id.get(id).map(|at| &self.all[*at])
    }

    /// Whether it is known which this is, or that there is none.
    pub(super) fn knows(&self, question: &CompanyKey) -> bool {
        let is_read = match question {
            CompanyKey::CompanyId(id) => self.by_company_id.contains_key(id.as_str()),
            CompanyKey::Name(_) => false,
        };
        is_read || self.answered.contains_key(question)
    }

    /// The workspace has answered a question with these companies.
    pub(super) fn answered(&mut self, question: CompanyKey, found: &[Company]) {
        let places = found.iter().map(|company| self.read(company)).collect();
        self.answered.insert(question, places);
    }

    /// A company was read.
    pub(super) fn read(&mut self, company: &Company) -> usize {
        if let Some(at) = self.by_id.get(company.id.as_str()) {
            return *at;
        }
        let tags = company.tags.as_ref().and_then(|tags| tags.tags.as_ref());
        let names = tags.into_iter().flatten().filter_map(|tag| tag.name.clone());
        let firm = Arc::new(Firm {
            fields: of_company(company),
            tags: names.collect(),
        });
        let record = Record {
            id: company.id.as_str().to_owned(),
            was: Some(Arc::clone(&firm)),
            is: firm,
            updated_at: company.updated_at,
            is_touched: false,
        };
        self.add(record)
    }

    fn add(&mut self, record: Record) -> usize {
        let at = self.all.len();
        self.by_id.insert(record.id.clone(), at);
        if let Some(id) = text(&record.is.fields, "company_id") {
            self.by_company_id.insert(id.to_owned(), at);
        }
        self.all.push(record);
        at
    }

    /// Makes everything as it was read.
    pub(super) fn rewind(&mut self) {
        // Those that would be created come last, or between those that were read on the way.
        self.by_id.retain(|_, at| self.all[*at].was.is_some());
        self.by_company_id.retain(|_, at| self.all[*at].was.is_some());
        for record in &mut self.all {
            record.is = record.was.clone().unwrap_or_default();
            record.is_touched = false;
        }
    }

    /// What `GET /companies` answers.
    pub(super) fn find(&self, question: &CompanyKey) -> Result<Attributes, Refusal> {
        let found = match question {
            CompanyKey::CompanyId(id) => self.by_company_id.get(id.as_str()).copied(),
            CompanyKey::Name(name) => {
                let has_name = |at: &usize| text(&self.all[*at].is.fields, "name") == Some(name);
                let answered = self.answered.get(question).into_iter().flatten().copied();
                let known = self.by_id.values().copied();
                answered.chain(known).filter(has_name).min()
            }
        };
        found.map(|at| shown(&self.all[at])).ok_or_else(Refusal::no_company)
    }

    pub(super) fn upsert(&mut self, body: &Attributes) -> Result<Attributes, Refusal> {
        let id = body.get("company_id").and_then(Value::as_str);
        let id = id.ok_or_else(|| Refusal::invalid("company_id must be given"))?;
        let at = match self.by_company_id.get(id) {
            Some(at) => *at,
            None => {
                let mut firm = Firm::default();
                firm.fields.insert("company_id".into(), id.into());
                self.add(Record {
                    id: format!("new-company-{}", self.all.len()),
                    was: None,
                    is: Arc::new(firm),
                    updated_at: None,
                    is_touched: true,
                })
            }
        };
        let record = &mut self.all[at];
        record.is_touched = true;
        write(&mut Arc::make_mut(&mut record.is).fields, body);
        Ok(shown(record))
    }

    pub(super) fn tag(&mut self, id: &str, name: &str) -> Result<(), Refusal> {
        let at = self.by_id.get(id).copied().ok_or_else(Refusal::no_company)?;
        let record = &mut self.all[at];
        record.is_touched = true;
        if !record.is.tags.contains(name) {
            Arc::make_mut(&mut record.is).tags.insert(name.to_owned());
        }
        Ok(())
    }

    /// What the response to a link shows.
    pub(super) fn shown(&self, id: &str) -> Result<Attributes, Refusal> {
        self.get(id).map(shown).ok_or_else(Refusal::no_company)
    }
}

fn text<'f>(fields: &'f Fields, name: &str) -> Option<&'f str> {
    fields.get(name).and_then(Value::as_str)
}

/// The company as responses show it.
fn shown(record: &Record) -> Attributes {
    let mut body = to_body(&record.is.fields);
    body.insert("type", "company");
    body.insert("id", record.id.as_str());
    body
}
