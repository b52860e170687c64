//! The copy of a workspace, which calls are made to in its place.

use super::changes::Changes;
use super::kept::Round;
use super::reader::Reader;
use super::state::{Need, State};
use super::wanted::Wanted;
use intercom_api::{Call, ContactId, DataAttributeModel};
use intercom_delivery::client::{CallError, Transport, TransportError};
use intercom_delivery::{Response, ResponseError};
use rudderstack_to_intercom::CompanyKey;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::JoinSet;

/// So many searches are under way at a time.
const AT_A_TIME: usize = 8;
/// So many contacts are read one by one to make sure that a search has not shown what was.
pub(crate) const MOST_READ_AGAIN: usize = 120;

/// A copy of the workspace, to deliver to. Cheap to clone: clones are one copy.
#[derive(Clone)]
pub(crate) struct Overlay {
    state: Arc<Mutex<State>>,
    reader: Arc<Reader>,
}

exact_json::debug_shows! { Overlay { .. } }

impl Overlay {
    /// A copy of which nothing has been read.
    pub(crate) fn new(reader: Reader) -> Self {
        Self {
            state: Arc::default(),
            reader: Arc::new(reader),
        }
    }

    /// The reader.
    pub(crate) fn reader(&self) -> &Reader {
        &self.reader
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what events ask for. Calls `tell` with how many searches of how many are done.
    pub(crate) async fn read(&self, wanted: &Wanted, mut tell: impl FnMut(usize, usize)) -> Result<(), CallError> {
        for model in [DataAttributeModel::Contact, DataAttributeModel::Company] {
            self.fulfil(Need::Attributes(model)).await?;
        }
        let searches = wanted.searches();
        let all = searches.len();
        let mut done = 0;
        for some in searches.chunks(AT_A_TIME) {
            let needs = some.iter().map(|questions| Need::People(questions.clone()));
            self.fulfil_together(needs).await?;
            done += some.len();
            tell(done, all);
        }
        let few = AT_A_TIME;
        if wanted.companies().len() > few {
            let listed = self.reader.companies_within(wanted.companies().len() / 2).await?;
            let mut state = self.state();
            for company in &listed {
                state.companies.read(company);
            }
        }
        let unknown: Vec<&CompanyKey> = {
            let state = self.state();
            let unknown = wanted.companies().iter();
            unknown.filter(|question| !state.companies.knows(question)).collect()
        };
        for some in unknown.chunks(AT_A_TIME) {
            self.fulfil_together(some.iter().map(|question| Need::Company((*question).clone())))
                .await?;
        }
        Ok(())
    }

    async fn fulfil_together(&self, needs: impl Iterator<Item = Need>) -> Result<(), CallError> {
        let mut tasks = JoinSet::new();
        for need in needs {
            let overlay = self.clone();
            tasks.spawn(async move { overlay.fulfil(need).await });
        }
        let mut result = Ok(());
        while let Some(done) = tasks.join_next().await {
            // A task that panics has been told of; what it was to read is read when it is asked for.
            result = result.and(done.unwrap_or(Ok(())));
        }
        result
    }

    /// Reads something. What is refused as it is is left for when it is asked for.
    async fn fulfil(&self, need: Need) -> Result<(), CallError> {
        match self.fetch(&need).await {
            Err(CallError::Response(ResponseError::Refused(error))) if matches!(error.status, 400 | 422) => Ok(()),
            done => done,
        }
    }

    async fn fetch(&self, need: &Need) -> Result<(), CallError> {
        let reader = &*self.reader;
        match need {
            Need::People(questions) => {
                let hits = reader.search(questions).await?;
                self.state().contacts.answered(questions, &hits);
            }
            Need::Contact(id) => match reader.contact(id, Round::First).await? {
                Some(contact) => drop(self.state().contacts.read(&contact)),
                None => self.state().contacts.is_gone(id.as_str()),
            },
            Need::Company(question) => {
                let found = reader.company(question).await?;
                self.state().companies.answered(question.clone(), &found);
            }
            Need::CompaniesOf(id) => {
                let found = reader.companies_of(id).await?;
                let ids = found.iter().map(|company| company.id.as_str().to_owned());
                self.state().contacts.read_companies(id.as_str(), ids);
            }
            Need::Attributes(model) => {
                let listed = match reader.attributes(model).await {
                    Ok(list) => Ok(list),
                    // A token that may not read them: then nobody knows, and all are taken to be there.
                    Err(CallError::Response(ResponseError::Refused(error))) if error.status != 401 => {
                        Err(Response::new(error.status, Vec::new()))
                    }
                    Err(error) => return Err(error),
                };
                self.state().listed(model, listed);
            }
        }
        Ok(())
    }

    /// Reads these contacts one by one, as a search may show them as they were. Says whether anything is news.
    pub(crate) async fn read_again(&self, ids: &[ContactId]) -> Result<bool, CallError> {
        self.state().contacts.rewind();
        let mut is_news = false;
        for id in ids {
            let contact = self.reader.contact(id, Round::Again).await?;
            let mut state = self.state();
            is_news |= match contact {
                Some(contact) => state.contacts.read_again(&contact),
                None => {
                    let was_known = state.contacts.get(id.as_str()).is_some();
                    state.contacts.forget(id.as_str());
                    was_known
                }
            };
        }
        Ok(is_news)
    }

    /// Makes everything as it was read.
    pub(crate) fn rewind(&self) {
        self.state().rewind();
    }

    /// Why the workspace could not be read, if it could not.
    pub(crate) fn take_failure(&self) -> Option<CallError> {
        self.state().failed.take()
    }

    /// What has been changed.
    pub(crate) fn changes(&self, wanted: &Wanted) -> Changes {
        self.state().changes(wanted)
    }
}

impl Transport for Overlay {
    fn host(&self) -> &str {
        "the copy of the workspace"
    }

    async fn send(&self, call: &Call) -> Result<Response, TransportError> {
        let needs = {
            let mut state = self.state();
            state.count(call);
            if state.failed.is_some() {
                // What comes of the rest is not looked at.
                return Ok(Response::new(400, Vec::new()));
            }
            state.needs(call)
        };
        for need in needs {
            match self.fetch(&need).await {
                Ok(()) => {}
                // The call would be refused, too.
                Err(CallError::Response(ResponseError::Refused(error))) if matches!(error.status, 400 | 422) => {
                    return Ok(Response::new(error.status, Vec::new()));
                }
                Err(error) => {
                    self.state().failed.get_or_insert(error);
                    return Ok(Response::new(400, Vec::new()));
                }
            }
        }
        Ok(self.state().answer(call))
    }
}
