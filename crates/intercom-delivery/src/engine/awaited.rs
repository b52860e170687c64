//! Events that come before their contact (D34): what they wait for, and what happens when it comes.
//!
//! An event that waits holds nobody up, and is not kept here: whoever submits events has it, and recalls it when the
//! contact has come. Until that is done, the later events of the contact wait.

use super::job::Job;
use super::keys::Keys;
use super::queue::{Entry, Place};
use super::submission::Submission;
use super::{Engine, Time};
use crate::codes::{DeliveryWarning, FailureCode, Supersession};
use crate::contact::KnownContact;
use crate::walk::{Ending, UnknownContactPolicy, Walk};
use hashlink::LruCache;
use intercom_api::CompanyId;
use rudderstack_to_intercom::{CompanyKey, FieldLookup, Lookup, LookupField, Person, Plan, SharedEmail};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

/// Who is not there is asked for again after this time: somebody else may have created the contact.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// Of so many who are not there it is remembered when they were asked for.
const ASKED: usize = 20_000;

/// A user id or email that a contact can come under: a hash, the same in every run and on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContactKey(pub u64);

impl ContactKey {
    /// That of a user id.
    pub fn user_id(id: &str) -> Self {
        Self::of(b'u', id)
    }

    /// That of an email, in whatever case, whoever has it.
    pub fn email(email: &str) -> Self {
        Self::of(b'e', &email.to_lowercase())
    }

    /// That of an email, in whatever case, of somebody without a user id.
    pub fn email_without_user_id(email: &str) -> Self {
        Self::of(b'n', &email.to_lowercase())
    }

    /// FNV-1a.
    fn of(kind: u8, text: &str) -> Self {
        let bytes = std::iter::once(kind).chain(text.bytes());
        Self(bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        }))
    }

    /// Those under which the contact can come that a plan needs and does not create: that of a data event, or the member of
    /// a company.
    pub fn of_plan(plan: &Plan) -> Vec<Self> {
        match plan {
            Plan::SubmitEvent(event) if event.id.is_some() => Vec::new(),
            Plan::SubmitEvent(event) => {
                let person = Person::new(event.user_id.clone(), event.email.as_deref());
                person.map(|person| Self::of_lookup(&person.into())).unwrap_or_default()
            }
            Plan::SaveCompany(plan) => plan.member.as_ref().map(Self::of_lookup).unwrap_or_default(),
            Plan::SaveContact(_) | Plan::DeleteContact(_) => Vec::new(),
        }
    }

    /// Those of whom a lookup finds; none, if it is by something else.
    pub(super) fn of_lookup(lookup: &Lookup) -> Vec<Self> {
        match lookup {
            Lookup::Field(FieldLookup { field, .. })
                if ![LookupField::EMAIL, LookupField::EXTERNAL_ID].contains(field) =>
            {
                Vec::new()
            }
            Lookup::Field(_) => {
                let email = lookup.email().map(Self::email);
                lookup
                    .external_id()
                    .map(Self::user_id)
                    .into_iter()
                    .chain(email)
                    .collect()
            }
            Lookup::Person(person) => {
                let email = person.email.as_deref();
                let decides = person.external_id.is_none() || person.shared_email == SharedEmail::Same;
                match (person.external_id.as_ref(), email) {
                    (_, Some(email)) if decides => vec![Self::email(email)],
                    (id, email) => {
                        let id = id.map(|id| Self::user_id(id.as_str()));
                        id.into_iter().chain(email.map(Self::email_without_user_id)).collect()
                    }
                }
            }
        }
    }

    /// Those under which a contact has come.
    fn of_contact(contact: &KnownContact) -> Vec<Self> {
        let email = contact.email.as_deref().filter(|email| !email.is_empty());
        let (id, nameless) = match &contact.external_id {
            Some(id) => (Some(Self::user_id(id.as_str())), None),
            None => (None, email.map(Self::email_without_user_id)),
        };
        id.into_iter().chain(email.map(Self::email)).chain(nameless).collect()
    }
}

/// An event that is not delivered, or not wholly, because its contact is not there yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Awaited {
    /// What the contact can come under.
    pub keys: Vec<ContactKey>,
    /// What is to be [recalled](Engine::recall) when it has come.
    pub submission: Box<Submission>,
}

impl Awaited {
    pub(super) fn new(keys: Vec<ContactKey>, submission: &Submission, saved_company: Option<CompanyId>) -> Self {
        let mut submission = Box::new(submission.clone());
        submission.saved_company = saved_company;
        Self { keys, submission }
    }
}

/// A contact has come that events wait for: they are to be [recalled](Engine::recall) in their order, and then it is to be
/// said that [all were](Engine::all_recalled). Until then the later events of the contact wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Arrival {
    /// Its number.
    pub id: ArrivalId,
    /// What it has come under.
    pub keys: Vec<ContactKey>,
}

/// The number of an arrival. Numbers are not used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ArrivalId(u64);

/// Who is waited for.
#[derive(Debug)]
pub(super) struct AwaitedContacts {
    keys: HashSet<ContactKey>,
    /// When those were asked for last that are not there.
    asked: LruCache<ContactKey, Time>,
    /// The arrivals whose events are recalled, by the number of the job that a contact came with.
    arrivals: HashMap<u64, Recall>,
}

impl Default for AwaitedContacts {
    fn default() -> Self {
        Self {
            keys: HashSet::new(),
            asked: LruCache::new(ASKED),
            arrivals: HashMap::new(),
        }
    }
}

/// The events that wait for one contact are being delivered, in the place of the job that it came with.
#[derive(Debug)]
struct Recall {
    /// The job's place, unless it was in such a place itself.
    place: Option<Place>,
    /// The place of what it has written.
    rank: u64,
    /// The companies that the contact has left with that job.
    left: Vec<CompanyKey>,
    waiting: VecDeque<Entry>,
    /// The one that is under way.
    active: Option<u64>,
    is_complete: bool,
}

impl AwaitedContacts {
    fn await_all(&mut self, keys: &[ContactKey], now: Time) {
        for key in keys {
            self.keys.insert(*key);
            self.asked.insert(*key, now);
        }
    }

    /// Whether it is known that the contact is not there, under any of these.
    pub(super) fn are_absent(&self, keys: &[ContactKey], now: Time) -> bool {
        let is_absent = |key: &ContactKey| {
            let asked = self.asked.peek(key).filter(|_| self.keys.contains(key));
            asked.is_some_and(|at| at.after(ASKED_AGAIN_AFTER) > now)
        };
        !keys.is_empty() && keys.iter().all(is_absent)
    }
}

impl Engine {
    /// Whether events wait for their contact, of these those that need one.
    fn may_await(&self, plan: &Plan) -> bool {
        let creates = self.settings.unknown_contact == UnknownContactPolicy::Create;
        self.settings.await_contacts && !(creates && matches!(plan, Plan::SubmitEvent(_)))
    }

    /// Says that an event waits for a contact, of which an earlier run has told.
    pub fn await_contact(&mut self, key: ContactKey) {
        self.awaited.keys.insert(key);
    }

    /// Nobody waits any more for a contact that comes under one of these.
    pub fn await_no_more(&mut self, keys: &[ContactKey]) {
        for key in keys {
            self.awaited.keys.remove(key);
            self.awaited.asked.remove(key);
        }
    }

    /// Whether the contact of a job's data event is known not to be there, so that nothing need be asked.
    pub(super) fn is_known_to_be_absent(&self, seq: u64) -> bool {
        self.jobs.get(&seq).is_some_and(|job| {
            let plan = job.walk.plan();
            let is_new = job.calls == 0 && job.recalled_by.is_none();
            let is_event = matches!(plan, Plan::SubmitEvent(_));
            let asks = is_new && is_event && self.may_await(plan) && !self.awaited.keys.is_empty();
            asks && self.awaited.are_absent(&ContactKey::of_plan(plan), self.now)
        })
    }

    /// The contact that an event waits for which has ended so, if it does.
    pub(super) fn awaited_by(&mut self, walk: &Walk, ending: Ending) -> Option<Vec<ContactKey>> {
        let is_left = match ending {
            Ending::Failed(code) => code == FailureCode::UnknownContact,
            Ending::Delivered => walk.warnings().contains(&DeliveryWarning::MemberNotFound),
            Ending::Rejected(_) => false,
        };
        // Also while everything ends: it goes on later, rather than fails.
        if !is_left || !self.may_await(walk.plan()) {
            return None;
        }
        let keys = ContactKey::of_plan(walk.plan());
        self.awaited.await_all(&keys, self.now);
        (!keys.is_empty()).then_some(keys)
    }

    /// The contact that has come with a job, if events wait for it: the later events of its lane wait until these are
    /// recalled. None if they need not.
    pub(super) fn arrive(&mut self, job: &Job, ending: Ending) -> Option<Arrival> {
        if self.awaited.keys.is_empty() || self.closed.is_some() {
            return None;
        }
        let known = job.walk.contact().and_then(|id| self.memory.known(id));
        let mut keys = known.as_ref().map(ContactKey::of_contact).unwrap_or_default();
        if let (Ending::Delivered, plan @ Plan::SubmitEvent(_)) = (ending, job.walk.plan()) {
            keys.extend(ContactKey::of_plan(plan));
        }
        keys.retain(|key| self.awaited.keys.remove(key));
        if keys.is_empty() {
            return None;
        }
        let members = &job.batch.members;
        let left = members.iter().flat_map(|member| match &*member.plan {
            Plan::SaveContact(plan) => plan.detach.clone(),
            Plan::DeleteContact(_) | Plan::SubmitEvent(_) | Plan::SaveCompany(_) => Vec::new(),
        });
        let recall = Recall {
            place: None,
            rank: job.batch.first().rank,
            left: left.collect(),
            waiting: VecDeque::new(),
            active: None,
            is_complete: false,
        };
        let id = job.batch.first().seq;
        self.awaited.arrivals.insert(id, recall);
        Some(Arrival {
            id: ArrivalId(id),
            keys,
        })
    }

    /// A job leaves its place in the queue: for good, for those that wait for the contact that has come with it, or as one of
    /// those.
    pub(super) fn leave(&mut self, job: u64, recalled_by: Option<u64>, place: Place) {
        if let Some(recall) = recalled_by {
            if let Some(recall) = self.awaited.arrivals.get_mut(&recall) {
                recall.active = None;
            }
            return self.recall_next(recall);
        }
        match self.awaited.arrivals.get_mut(&job) {
            Some(recall) => recall.place = Some(place),
            None => self.queue.finish(job, &place),
        }
    }

    /// Delivers events that have waited for the contact that has come, in this order and before its later events. Each has
    /// another outcome. They are taken in however full the queue is: a few at a time are enough.
    ///
    /// What a removal from a company is for that came with the contact is not linked to it any more.
    pub fn recall(&mut self, arrival: ArrivalId, submissions: Vec<Submission>) {
        for submission in submissions {
            self.last_event += 1;
            self.events += 1;
            let seq = self.last_event;
            self.releases.expect(seq, Keys::default());
            self.memory.companies.expect(&submission.plan);
            match self.awaited.arrivals.get_mut(&arrival.0) {
                Some(recall) if self.closed.is_none() => {
                    let mut entry = Entry::new(seq, submission, Keys::default());
                    entry.rank = recall.rank;
                    recall.waiting.push_back(entry);
                }
                _ => self.cut_short(seq, submission),
            }
        }
        self.recall_next(arrival.0);
    }

    /// All events that waited for the contact have been [recalled](Self::recall): once they have ended, the later ones of the
    /// contact go on.
    pub fn all_recalled(&mut self, arrival: ArrivalId) {
        if let Some(recall) = self.awaited.arrivals.get_mut(&arrival.0) {
            recall.is_complete = true;
        }
        self.recall_next(arrival.0);
    }

    /// Starts the next event that is recalled.
    fn recall_next(&mut self, arrival: u64) {
        let Some(recall) = self
            .awaited
            .arrivals
            .get_mut(&arrival)
            .filter(|recall| recall.active.is_none())
        else {
            return;
        };
        let Some(entry) = recall.waiting.pop_front() else {
            if recall.is_complete
                && let Some(recall) = self.awaited.arrivals.remove(&arrival)
                && let Some(place) = recall.place
            {
                self.queue.finish(arrival, &place);
            }
            return;
        };
        let seq = entry.seq;
        recall.active = Some(seq);
        let has_left = has_left(&recall.left, &entry.plan);
        let lane = recall.place.as_ref().map_or_else(Default::default, |place| place.lane);
        let mut job = Job::new(self.settings.policies(), lane, entry, Vec::new());
        job.recalled_by = Some(arrival);
        if has_left {
            job.walk.supersede(Supersession::Wholly);
        }
        self.jobs.insert(seq, job);
        self.ready.insert(seq);
    }

    /// Nothing is recalled any more.
    pub(super) fn end_recalls(&mut self) {
        let mut left: Vec<Entry> = Vec::new();
        for recall in self.awaited.arrivals.values_mut() {
            left.extend(recall.waiting.drain(..));
        }
        left.sort_unstable_by_key(|entry| entry.seq);
        for entry in left {
            self.cut_short(entry.seq, entry.into_submission());
        }
    }
}

/// Whether the link that a plan makes is one of those that have ended since.
fn has_left(left: &[CompanyKey], plan: &Plan) -> bool {
    let Plan::SaveCompany(plan) = plan else { return false };
    left.iter().any(|key| match key {
        CompanyKey::CompanyId(id) => plan.company.company_id.as_ref() == Some(id),
        CompanyKey::Name(name) => plan.company.name.as_ref() == Some(name),
    })
}
