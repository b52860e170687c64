//! The contacts of the copy.

use super::answers::Refusal;
use super::fields::{Fields, of_contact, to_body, write};
use super::index::Index;
use super::questions::{EMAIL, EXTERNAL_ID, ID, Question};
use intercom_api::{Attributes, Contact, GroupOperator, SearchOperator, SearchQuery, SearchValue, UnixSeconds, Value};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// What a contact is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Person {
    pub(super) fields: Fields,
    /// Intercom's ids of the companies that it is linked to.
    pub(super) companies: BTreeSet<String>,
}

/// A contact, as it was read and as it would be.
#[derive(Debug)]
pub(super) struct Record {
    /// Intercom's id, or one of our own if it would be created.
    pub(super) id: String,
    /// None, if it would be created.
    pub(super) was: Option<Arc<Person>>,
    /// None, if it would be deleted.
    pub(super) is: Option<Arc<Person>>,
    pub(super) updated_at: Option<UnixSeconds>,
    /// Whether it has more companies than were shown with it.
    pub(super) has_more_companies: bool,
    /// Whether an event is about it.
    pub(super) is_touched: bool,
}

/// The contacts that are known.
#[derive(Debug, Default)]
pub(super) struct Contacts {
    all: Vec<Record>,
    by_id: HashMap<String, usize>,
    index: Index,
    /// What the workspace's own searches have found.
    answered: HashMap<Question, Vec<usize>>,
    /// Ids of whom there is no contact.
    gone: HashSet<String>,
    /// Whether several users of the workspace have one email.
    shares_emails: bool,
    created: usize,
}

impl Contacts {
    pub(super) fn records(&self) -> &[Record] {
        &self.all
    }

    pub(super) fn get(&self, id: &str) -> Option<&Record> {
        self.by_id.get(id).map(|at| &self.all[*at])
    }

    /// Whether it is known who has this, or that nobody has.
    pub(super) fn knows(&self, question: &Question) -> bool {
        self.answered.contains_key(question)
    }

    /// Whether it is known who has this id, or that nobody has.
    pub(super) fn knows_id(&self, id: &str) -> bool {
        self.by_id.contains_key(id) || self.gone.contains(id)
    }

    /// The workspace has answered these questions with these contacts.
    pub(super) fn answered(&mut self, questions: &[Question], hits: &[Contact]) {
        let fields: BTreeSet<&str> = questions.iter().map(|question| &*question.field).collect();
        let mut is_news = false;
        for field in fields.into_iter().filter(|field| *field != ID) {
            is_news |= self.index.index(field);
        }
        if is_news {
            self.add_all_to_index();
        }
        let places: Vec<usize> = hits.iter().map(|hit| self.read(hit)).collect();
        for question in questions {
            // Whose they are of several questions, the index knows.
            let hits = match questions {
                [_] => places.clone(),
                _ => Vec::new(),
            };
            if let (ID, SearchValue::Text(id)) = (&*question.field, question.value())
                && !self.by_id.contains_key(&id)
            {
                self.gone.insert(id);
            }
            self.answered.insert(question.clone(), hits);
        }
    }

    /// There is no contact with this id.
    pub(super) fn is_gone(&mut self, id: &str) {
        self.gone.insert(id.to_owned());
    }

    /// A contact was read. What is known of it already stays, as it may have been changed here.
    pub(super) fn read(&mut self, contact: &Contact) -> usize {
        let id = contact.id.as_str();
        if let Some(at) = self.by_id.get(id) {
            return *at;
        }
        let person = Arc::new(person_of(contact));
        let at = self.all.len();
        self.shares_emails |= is_user(&person.fields) && self.has_email_of_other_user(&person.fields, None).is_some();
        self.index.add(at, &person.fields);
        self.by_id.insert(id.to_owned(), at);
        self.all.push(Record {
            id: id.to_owned(),
            was: Some(Arc::clone(&person)),
            is: Some(person),
            updated_at: contact.updated_at,
            has_more_companies: has_more_companies(contact),
            is_touched: false,
        });
        at
    }

    /// A contact was read itself, which shows it as it is: a search may show it as it was. Says whether that is news. Only
    /// before anything is changed here.
    pub(super) fn read_again(&mut self, contact: &Contact) -> bool {
        let Some(at) = self.by_id.get(contact.id.as_str()).copied() else {
            self.read(contact);
            return true;
        };
        let person = Arc::new(person_of(contact));
        let record = &mut self.all[at];
        let is_news = record.was.as_deref() != Some(&*person);
        if is_news {
            if let Some(is) = record.is.take() {
                self.index.remove(at, &is.fields);
            }
            self.index.add(at, &person.fields);
            record.was = Some(Arc::clone(&person));
            record.is = Some(person);
            record.updated_at = contact.updated_at;
            record.has_more_companies = has_more_companies(contact);
        }
        is_news
    }

    /// A contact that a search has shown turned out to be gone.
    pub(super) fn forget(&mut self, id: &str) {
        if let Some(at) = self.by_id.remove(id) {
            let record = &mut self.all[at];
            if let Some(is) = record.is.take() {
                self.index.remove(at, &is.fields);
            }
            record.was = None;
        }
        self.gone.insert(id.to_owned());
    }

    /// All of the companies of a contact.
    pub(super) fn read_companies(&mut self, id: &str, companies: impl IntoIterator<Item = String>) {
        let Some(record) = self.by_id.get(id).map(|at| &mut self.all[*at]) else {
            return;
        };
        record.has_more_companies = false;
        let companies: BTreeSet<String> = companies.into_iter().collect();
        for person in [&mut record.was, &mut record.is].into_iter().flatten() {
            Arc::make_mut(person).companies.extend(companies.iter().cloned());
        }
    }

    /// Makes everything as it was read.
    pub(super) fn rewind(&mut self) {
        self.created = 0;
        for record in &mut self.all {
            record.is = record.was.clone();
            record.is_touched = false;
        }
        self.by_id.retain(|_, at| self.all[*at].was.is_some());
        self.add_all_to_index();
    }

    fn add_all_to_index(&mut self) {
        self.index.clear();
        for (at, record) in self.all.iter().enumerate() {
            if let Some(is) = &record.is {
                self.index.add(at, &is.fields);
            }
        }
    }

    /// Whoever has this now.
    fn having(&self, question: &Question) -> BTreeSet<usize> {
        if &*question.field == ID {
            let SearchValue::Text(id) = question.value() else {
                return BTreeSet::new();
            };
            let at = self.by_id.get(&id).copied();
            return at.filter(|at| self.all[*at].is.is_some()).into_iter().collect();
        }
        let is_as_it_was = |at: &usize| {
            let field = |person: &Arc<Person>| person.fields.get(&question.field).cloned();
            let record = &self.all[*at];
            record.is.is_some() && record.is.as_ref().map(field) == record.was.as_ref().map(field)
        };
        let answered = self.answered.get(question).into_iter().flatten().copied();
        self.index.get(question).chain(answered.filter(is_as_it_was)).collect()
    }

    fn find(&self, query: &SearchQuery) -> BTreeSet<usize> {
        match query {
            SearchQuery::Filter(filter) => match (&filter.operator, &filter.value) {
                (SearchOperator::Equals, value) => self.having(&Question::new(&filter.field, value)),
                (SearchOperator::In, SearchValue::List(values)) => {
                    let having = |value| self.having(&Question::new(&filter.field, value));
                    values.iter().flat_map(having).collect()
                }
                // Nobody is looked up in another way.
                _ => BTreeSet::new(),
            },
            SearchQuery::Group(group) => {
                let mut found = group.value.iter().map(|query| self.find(query));
                let first = found.next().unwrap_or_default();
                match group.operator {
                    GroupOperator::And => found.fold(first, |all, one| all.intersection(&one).copied().collect()),
                    _ => found.fold(first, |all, one| all.union(&one).copied().collect()),
                }
            }
        }
    }

    /// What a search answers.
    pub(super) fn search(&self, query: &SearchQuery) -> Attributes {
        let found = self.find(query);
        let hits: Vec<Value> = found.iter().map(|at| Value::Object(shown(&self.all[*at]))).collect();
        Attributes::new()
            .with("type", "list")
            .with("total_count", hits.len())
            .with("data", Value::Array(hits))
    }

    /// What `GET /contacts/{id}` answers.
    pub(super) fn retrieve(&self, id: &str) -> Result<Attributes, Refusal> {
        let record = self.get(id).filter(|record| record.is.is_some());
        record.map(shown).ok_or_else(Refusal::no_contact)
    }

    pub(super) fn create(&mut self, body: &Attributes) -> Result<Attributes, Refusal> {
        let mut person = Person::default();
        write_contact(&mut person.fields, body);
        person.fields.entry("role".into()).or_insert_with(|| "user".into());
        self.refuse_conflict(&person.fields, None)?;
        let at = self.all.len();
        self.created += 1;
        let id = format!("new-contact-{}", self.created);
        self.index.add(at, &person.fields);
        self.by_id.insert(id.clone(), at);
        self.all.push(Record {
            id,
            was: None,
            is: Some(Arc::new(person)),
            updated_at: None,
            has_more_companies: false,
            is_touched: true,
        });
        Ok(shown(&self.all[at]))
    }

    pub(super) fn update(&mut self, id: &str, body: &Attributes) -> Result<Attributes, Refusal> {
        let (at, person) = self.about_to_change(id)?;
        let mut fields = person.fields.clone();
        write_contact(&mut fields, body);
        self.refuse_conflict(&fields, Some(at))?;
        self.index.remove(at, &person.fields);
        self.index.add(at, &fields);
        if let Some(person) = &mut self.all[at].is {
            Arc::make_mut(person).fields = fields;
        }
        Ok(shown(&self.all[at]))
    }

    pub(super) fn delete(&mut self, id: &str) -> Result<Attributes, Refusal> {
        let (at, person) = self.about_to_change(id)?;
        self.index.remove(at, &person.fields);
        self.all[at].is = None;
        Ok(Attributes::new()
            .with("id", id)
            .with("type", "contact")
            .with("deleted", true))
    }

    pub(super) fn attach(&mut self, id: &str, company: &str) -> Result<(), Refusal> {
        let (at, _) = self.about_to_change(id)?;
        if let Some(person) = self.all[at].is.as_mut().filter(|is| !is.companies.contains(company)) {
            Arc::make_mut(person).companies.insert(company.to_owned());
        }
        Ok(())
    }

    pub(super) fn detach(&mut self, id: &str, company: &str) -> Result<(), Refusal> {
        let (at, _) = self.about_to_change(id)?;
        let linked = self.all[at].is.as_mut().filter(|is| is.companies.contains(company));
        let person = linked.ok_or_else(Refusal::no_company)?;
        Arc::make_mut(person).companies.remove(company);
        Ok(())
    }

    /// The contact of a data event, which names it by its id, else by its user id, else by its email.
    pub(super) fn submit(&mut self, event: &Attributes) -> Result<(), Refusal> {
        let having = |contacts: &Self, name: &str, field: &str| {
            let text = event.get(name).and_then(Value::as_str)?;
            let found = contacts.having(&Question::text(field, text));
            let is_user = |at: &&usize| contacts.all[**at].is.as_ref().is_some_and(|is| is_user(&is.fields));
            match field {
                // Only a user goes by the email.
                EMAIL => found.iter().find(is_user).copied(),
                _ => found.first().copied(),
            }
        };
        let at = having(self, "id", ID)
            .or_else(|| having(self, "user_id", EXTERNAL_ID))
            .or_else(|| having(self, "email", EMAIL));
        let at = at.ok_or_else(Refusal::no_contact)?;
        self.all[at].is_touched = true;
        Ok(())
    }

    fn about_to_change(&mut self, id: &str) -> Result<(usize, Arc<Person>), Refusal> {
        let at = self.by_id.get(id).copied().ok_or_else(Refusal::no_contact)?;
        let record = &mut self.all[at];
        record.is_touched = true;
        let person = record.is.clone().ok_or_else(Refusal::no_contact)?;
        Ok((at, person))
    }

    /// Fails if another contact has what only one can have.
    fn refuse_conflict(&self, fields: &Fields, except: Option<usize>) -> Result<(), Refusal> {
        let others = |field: &str| {
            let text = fields
                .get(field)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty());
            let found = text
                .map(|text| self.having(&Question::text(field, text)))
                .unwrap_or_default();
            found.into_iter().find(|at| Some(*at) != except)
        };
        let of_email = || match self.shares_emails || !is_user(fields) {
            true => None,
            false => self.has_email_of_other_user(fields, except),
        };
        match others(EXTERNAL_ID).or_else(of_email) {
            Some(at) => Err(Refusal::conflict(&self.all[at].id)),
            None => Ok(()),
        }
    }

    fn has_email_of_other_user(&self, fields: &Fields, except: Option<usize>) -> Option<usize> {
        let email = fields.get(EMAIL).and_then(Value::as_str)?;
        let is_other = |at: &usize| {
            let is = self.all[*at].is.as_ref();
            Some(*at) != except && is.is_some_and(|is| is_user(&is.fields))
        };
        self.index.get(&Question::text(EMAIL, email)).find(is_other)
    }
}

fn is_user(fields: &Fields) -> bool {
    fields.get("role").and_then(Value::as_str) != Some("lead")
}

/// Writes a body. A lead that gets an external id becomes a user.
fn write_contact(fields: &mut Fields, body: &Attributes) {
    write(fields, body);
    let is_identified = body
        .get(EXTERNAL_ID)
        .and_then(Value::as_str)
        .is_some_and(|id| !id.is_empty());
    if is_identified && body.get("role").is_none() {
        fields.insert("role".into(), "user".into());
    }
}

fn person_of(contact: &Contact) -> Person {
    let companies = contact.companies.as_ref().and_then(|all| all.data.as_ref());
    let ids = companies
        .into_iter()
        .flatten()
        .filter_map(|company| company.id.as_ref());
    Person {
        fields: of_contact(contact),
        companies: ids.map(|id| id.as_str().to_owned()).collect(),
    }
}

fn has_more_companies(contact: &Contact) -> bool {
    contact.companies.as_ref().is_some_and(|all| {
        let shown = all.data.as_ref().map_or(0, Vec::len);
        let total = all.total_count.and_then(|total| usize::try_from(total).ok());
        all.has_more == Some(true) || total.is_some_and(|total| total > shown)
    })
}

/// The contact as responses show it.
fn shown(record: &Record) -> Attributes {
    let mut body = record.is.as_ref().map(|is| to_body(&is.fields)).unwrap_or_default();
    body.insert("type", "contact");
    body.insert("id", record.id.as_str());
    body
}
