//! Reads the workspace, in as few calls as possible.

use super::kept::{Kept, Round};
use super::questions::{EMAIL, EXTERNAL_ID, ID, Question};
use crate::calling::settle;
use crate::interrupt::Interrupt;
use intercom_api::{
    Call, Company, Contact, ContactId, DataAttribute, DataAttributeModel, FindCompany, ListCompanies,
    ListContactCompanies, ListDataAttributes, Operation, OperationId, RetrieveContact, SearchContacts, SearchOperator,
    SearchPagination, SearchQuery, limits,
};
use intercom_delivery::client::{CallError, Client, Workspace};
use intercom_delivery::{Response, ResponseError};
use rudderstack_to_intercom::CompanyKey;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// So many people are looked up by one search, and so many values one list of a search has: what is safe.
pub(super) const TOGETHER: usize = 15;
/// So many companies are on a page of their list.
const COMPANIES_A_PAGE: u32 = 50;
/// So many pages are read of one answer. There are never so many; and a list without an end is none.
const MOST_PAGES: usize = 1_000;

/// Reads the workspace. It has no way to write.
#[derive(Debug)]
pub(crate) struct Reader {
    client: Client,
    workspace: Workspace,
    interrupt: Option<Interrupt>,
    calls: Mutex<BTreeMap<&'static str, u64>>,
    kept: OnceLock<Kept>,
    /// Whether the workspace has refused a list of values.
    refuses_lists: AtomicBool,
}

impl Reader {
    /// Reads this workspace, until the program is asked to end.
    pub(crate) fn new(client: Client, workspace: Workspace, interrupt: Option<Interrupt>) -> Self {
        Self {
            client,
            workspace,
            interrupt,
            calls: Mutex::default(),
            kept: OnceLock::new(),
            refuses_lists: AtomicBool::new(false),
        }
    }

    /// Who listens to whether the program is to end.
    pub(crate) fn interrupt(&self) -> Option<Interrupt> {
        self.interrupt.clone()
    }

    /// Keeps what the workspace answers, and asks for nothing that is kept already.
    pub(crate) fn keep_in(&self, kept: Kept) {
        // There is one such file at most.
        let _ = self.kept.set(kept);
    }

    /// What is kept of what the workspace has answered, if that is wanted.
    pub(crate) fn kept(&self) -> Option<&Kept> {
        self.kept.get()
    }

    /// How many calls it has taken, by operation, those of earlier runs that are kept among them.
    pub(crate) fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn run<O: Operation>(&self, operation: &O) -> Result<O::Response, CallError> {
        let call = operation.to_call().map_err(|_| CallError::Unwritable)?;
        Ok(self.make(&call, Round::First).await?.read::<O>()?)
    }

    async fn make(&self, call: &Call, round: Round) -> Result<Response, CallError> {
        if !only_reads(call.operation) {
            return Err(CallError::Unwritable);
        }
        self.count(call);
        if let Some(response) = self.kept().and_then(|kept| kept.get(call, round)) {
            return Ok(response);
        }
        let response = settle(&self.client, &self.workspace, call, self.interrupt.as_ref()).await?;
        if let Some(kept) = self.kept() {
            kept.keep(call, round, &response);
        }
        Ok(response)
    }

    fn count(&self, call: &Call) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        *calls.entry(call.operation.as_str()).or_default() += 1;
    }

    /// Everybody who answers one of these questions, each of which goes with others or is alone.
    pub(super) async fn search(&self, questions: &[Question]) -> Result<Vec<Contact>, CallError> {
        if let [question] = questions {
            return self.pages(SearchQuery::all([equals(question)])).await;
        }
        if !self.refuses_lists.load(Ordering::Relaxed) {
            match self.pages(in_lists(questions)).await {
                Err(error) if is_refused(&error) => self.refuses_lists.store(true, Ordering::Relaxed),
                found => return found,
            }
        }
        let mut found = Vec::new();
        for some in questions.chunks(limits::SEARCH_FILTERS_PER_GROUP) {
            found.extend(self.pages(SearchQuery::any(some.iter().map(equals))).await?);
        }
        Ok(found)
    }

    /// All pages of a search.
    async fn pages(&self, query: SearchQuery) -> Result<Vec<Contact>, CallError> {
        let mut search = SearchContacts::new(query);
        let mut page = SearchPagination::new();
        page.per_page = Some(limits::PAGE_SIZE);
        search.pagination = Some(page);
        let mut found = Vec::new();
        for _ in 0..MOST_PAGES {
            let list = self.run(&search).await?;
            let next = list.next_cursor().map(str::to_owned);
            let is_empty = list.contacts().is_empty();
            found.extend(list.data.unwrap_or_default());
            let Some(next) = next.filter(|_| !is_empty) else { break };
            if let Some(page) = &mut search.pagination {
                page.starting_after = Some(next);
            }
        }
        Ok(found)
    }

    /// A contact; none, if there is none with this id.
    pub(super) async fn contact(&self, id: &ContactId, round: Round) -> Result<Option<Contact>, CallError> {
        let call = RetrieveContact::new(id.clone()).to_call();
        let call = call.map_err(|_| CallError::Unwritable)?;
        let read = self.make(&call, round).await?.read::<RetrieveContact>();
        unless_gone(read.map_err(CallError::from))
    }

    /// The companies that are found so: none, one, or several of one name.
    pub(super) async fn company(&self, question: &CompanyKey) -> Result<Vec<Company>, CallError> {
        let found = unless_gone(self.run(&FindCompany::from(question)).await)?;
        Ok(found.map(|found| found.companies().to_vec()).unwrap_or_default())
    }

    /// All listed companies, if that takes fewer calls than this, and the list is known to be whole. Those without contacts
    /// are not listed.
    pub(super) async fn companies_within(&self, calls: usize) -> Result<Vec<Company>, CallError> {
        let mut list = ListCompanies::new();
        list.per_page = Some(COMPANIES_A_PAGE);
        let first = self.run(&list).await?;
        let total = first.total_count.and_then(|total| usize::try_from(total).ok());
        let mut found = first.data.unwrap_or_default();
        let Some(total) = total.filter(|total| *total <= limits::LISTED_COMPANIES) else {
            return Ok(found);
        };
        let a_page = found.len().max(1);
        if total.div_ceil(a_page) > calls {
            return Ok(found);
        }
        for page in 2..=u32::try_from(total.div_ceil(a_page)).unwrap_or(1) {
            list.page = Some(page);
            found.extend(self.run(&list).await?.data.unwrap_or_default());
        }
        Ok(found)
    }

    /// All companies of a contact.
    pub(super) async fn companies_of(&self, contact: &ContactId) -> Result<Vec<Company>, CallError> {
        let list = ListContactCompanies::new(contact.clone());
        let mut found = Vec::new();
        for page in 1..=MOST_PAGES {
            let mut call = list.to_call().map_err(|_| CallError::Unwritable)?;
            call.query.push(("page".into(), page.to_string()));
            let read = self.make(&call, Round::First).await?.read::<ListContactCompanies>();
            let Some(list) = unless_gone(read.map_err(CallError::from))? else {
                break;
            };
            let some = list.data.unwrap_or_default();
            let is_last = some.is_empty();
            found.extend(some);
            let total = list.total_count.and_then(|total| usize::try_from(total).ok());
            if is_last || total.is_none_or(|total| found.len() >= total) {
                break;
            }
        }
        Ok(found)
    }

    /// The attributes of a model, archived ones among them.
    pub(super) async fn attributes(&self, model: &DataAttributeModel) -> Result<Vec<DataAttribute>, CallError> {
        let mut list = ListDataAttributes::of(model.clone());
        // Nothing can be created in the place of one that is archived.
        list.include_archived = Some(true);
        Ok(self.run(&list).await?.data.unwrap_or_default())
    }
}

/// Whether an operation leaves everything as it is.
fn only_reads(operation: OperationId) -> bool {
    matches!(
        operation,
        OperationId::SearchContacts
            | OperationId::RetrieveContact
            | OperationId::FindCompany
            | OperationId::ListCompanies
            | OperationId::ListContactCompanies
            | OperationId::ListDataAttributes
    )
}

fn equals(question: &Question) -> SearchQuery {
    SearchQuery::filter(question.field.to_string(), SearchOperator::Equals, question.value())
}

fn in_lists(questions: &[Question]) -> SearchQuery {
    let list = |field: &str| {
        let values: Vec<_> = questions
            .iter()
            .filter(|question| &*question.field == field)
            .map(Question::value)
            .collect();
        (!values.is_empty()).then(|| SearchQuery::filter(field, SearchOperator::In, values))
    };
    SearchQuery::any([EXTERNAL_ID, EMAIL, ID].into_iter().filter_map(list))
}

/// Whether the call is not to Intercom's taste, as it is.
fn is_refused(error: &CallError) -> bool {
    let status = error.response().and_then(ResponseError::status);
    matches!(status, Some(400 | 422))
}

fn unless_gone<T>(result: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_gone() => Ok(None),
        Err(error) => Err(error),
    }
}
