//! The people that one search is for, and what each is told of its hits.

use super::time::Time;
use crate::response::Response;
use intercom_api::{
    Contact, ContactList, Operation as _, SearchContacts, SearchOperator, SearchPagination, SearchQuery, SearchValue,
    limits,
};
use rudderstack_to_intercom::{FieldLookup, Lookup, LookupField};
use std::collections::BTreeSet;
use std::time::Duration;

/// So many people are looked up by one search: what the lists of a query may hold for certain.
pub(super) const MOST_PEOPLE: usize = 15;
/// After so many searches in lists that were refused in a row, lists are not tried any more.
const REFUSED_IN_A_ROW: u32 = 3;
/// Searches that have room for more people are frequent if the last was made within this time.
const FREQUENT: Duration = Duration::from_secs(1);
/// After so many failed attempts a job searches alone: what fails may be due to the value of another.
pub(super) const ATTEMPTS_TOGETHER: u32 = 2;

/// How several people can be looked up by one search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[allow(clippy::exhaustive_enums)]
pub enum Form {
    /// By lists of values.
    #[default]
    Lists,
    /// By a filter for each value, where lists are refused.
    Filters,
    /// Not at all: each by a search of its own.
    Alone,
}

impl Form {
    /// What is tried after this one was refused.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Lists => Self::Filters,
            Self::Filters | Self::Alone => Self::Alone,
        }
    }
}

/// Whom a search is for besides the job that its call goes by.
#[derive(Clone, Debug)]
pub(super) struct Others {
    pub(super) form: Form,
    pub(super) jobs: Vec<u64>,
}

/// How searches for several have gone so far.
#[derive(Debug, Default)]
pub(super) struct Searches {
    /// Searches in lists that were refused in a row.
    refused: u32,
    /// When one was made last that had room for more people.
    last_with_room: Option<Time>,
    /// The one that people wait for together.
    gathering: Option<Gathering>,
}

/// A search that waits for more people.
#[derive(Debug)]
struct Gathering {
    until: Time,
    jobs: Vec<u64>,
}

/// Whether a search is made.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Gathered {
    /// It is, together with those of these jobs, who have waited for it.
    Go(Vec<u64>),
    /// At this time, unless it is full before.
    Wait(Time),
}

impl Searches {
    pub(super) fn form(&self, of_job: Form) -> Form {
        match self.refused {
            ..REFUSED_IN_A_ROW => of_job,
            REFUSED_IN_A_ROW.. => of_job.max(Form::Filters),
        }
    }

    /// A search is made for so many people.
    pub(super) fn made(&mut self, people: usize, now: Time) {
        if people < MOST_PEOPLE {
            self.last_with_room = Some(now);
        }
    }

    /// Whether the search of a job is made now. It is if it is the first for a while, if it is full, or if it has waited.
    pub(super) fn gather(&mut self, job: u64, patience: Duration, now: Time) -> Gathered {
        let are_frequent = || self.last_with_room.is_some_and(|last| now.since(last) < FREQUENT);
        match &mut self.gathering {
            None if are_frequent() => {
                let until = now.after(patience);
                self.gathering = Some(Gathering { until, jobs: vec![job] });
                Gathered::Wait(until)
            }
            None => Gathered::Go(Vec::new()),
            Some(Gathering { until, jobs }) => {
                let until = *until;
                if !jobs.contains(&job) {
                    jobs.push(job);
                }
                if now < until && jobs.len() < MOST_PEOPLE {
                    return Gathered::Wait(until);
                }
                let jobs = self.gathering.take().map(|gathering| gathering.jobs);
                Gathered::Go(jobs.unwrap_or_default())
            }
        }
    }

    pub(super) fn answered(&mut self, form: Form, is_refused: bool) {
        if form == Form::Lists {
            self.refused = if is_refused { self.refused + 1 } else { 0 };
        }
    }
}

/// The people that one search is for: fifteen at most. `Debug` shows how many.
pub struct People {
    pub(super) form: Form,
    count: usize,
    ids: BTreeSet<String>,
    emails: BTreeSet<String>,
}

impl std::fmt::Debug for People {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "People({})", self.count)
    }
}

impl People {
    /// Nobody yet.
    pub fn new(form: Form) -> Self {
        Self {
            form,
            count: 0,
            ids: BTreeSet::new(),
            emails: BTreeSet::new(),
        }
    }

    /// Adds somebody, unless they are looked up by something else than an external id or an email, or are one too many.
    pub fn add(&mut self, lookup: &Lookup) -> bool {
        let (mut id, mut email) = (None, None);
        for part in lookup.fields() {
            match (part.field, part.value) {
                (LookupField::EXTERNAL_ID, SearchValue::Text(text)) => id = Some(text),
                (LookupField::EMAIL, SearchValue::Text(text)) => email = Some(text),
                _ => return false,
            }
        }
        let is_new = |all: &BTreeSet<String>, one: &Option<String>| one.as_ref().is_some_and(|one| !all.contains(one));
        let more = usize::from(is_new(&self.ids, &id)) + usize::from(is_new(&self.emails, &email));
        let fits = match self.form {
            Form::Lists => true,
            Form::Filters => self.ids.len() + self.emails.len() + more <= limits::SEARCH_FILTERS_PER_GROUP,
            Form::Alone => false,
        };
        if fits {
            self.count += 1;
            self.ids.extend(id);
            self.emails.extend(email);
        }
        fits
    }

    /// Whether nobody more is to be added.
    pub fn is_full(&self) -> bool {
        self.count >= MOST_PEOPLE
    }

    /// The search that finds them.
    pub fn search(self) -> SearchContacts {
        let mut filters = Vec::new();
        for (field, values) in [("external_id", self.ids), ("email", self.emails)] {
            let values: Vec<String> = values.into_iter().collect();
            match self.form {
                Form::Lists if values.is_empty() => {}
                Form::Lists => filters.push(SearchQuery::filter(field, SearchOperator::In, values)),
                Form::Filters | Form::Alone => {
                    let filter = |value| SearchQuery::filter(field, SearchOperator::Equals, value);
                    filters.extend(values.into_iter().map(filter));
                }
            }
        }
        let mut search = SearchContacts::new(SearchQuery::any(filters));
        let mut page = SearchPagination::new();
        page.per_page = Some(limits::PAGE_SIZE);
        search.pagination = Some(page);
        search
    }
}

/// Whether a search for this one alone, by these fields, would show the contact.
fn shows(fields: &[FieldLookup], contact: &Contact) -> bool {
    let has = |field: &LookupField, value: &SearchValue| match (field, value) {
        (&LookupField::EXTERNAL_ID, SearchValue::Text(id)) => {
            contact.external_id.as_ref().is_some_and(|known| known.as_str() == id)
        }
        (&LookupField::EMAIL, SearchValue::Text(email)) => {
            let known = contact.email.as_deref().map(str::to_lowercase);
            known.is_some_and(|known| known == email.to_lowercase())
        }
        _ => false,
    };
    fields.iter().any(|part| has(&part.field, &part.value))
}

/// The hits of each lookup, of which these are the fields. None, if there may be more than the page shows, or if it shows somebody whom nobody has asked
/// for: then what is searched is compared in another way than here.
pub(super) fn share_out(response: &Response, lookups: &[Vec<FieldLookup>]) -> Option<Vec<Vec<Contact>>> {
    let ContactList {
        data,
        total_count,
        pages,
        ..
    } = SearchContacts::parse_response(&response.body).ok()?;
    let hits = data.unwrap_or_default();
    let is_last = pages.is_none_or(|pages| pages.next_cursor().is_none() && pages.next_url().is_none());
    let has_all = total_count.is_none_or(|total| usize::try_from(total).is_ok_and(|total| total <= hits.len()));
    let has_room = u32::try_from(hits.len()).is_ok_and(|shown| shown < limits::PAGE_SIZE);
    let is_asked_for = |hit: &Contact| lookups.iter().any(|fields| shows(fields, hit));
    if !(is_last && has_all && has_room && hits.iter().all(is_asked_for)) {
        return None;
    }
    let share = |fields: &Vec<FieldLookup>| hits.iter().filter(|hit| shows(fields, hit)).cloned().collect();
    Some(lookups.iter().map(share).collect())
}
