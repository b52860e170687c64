//! Events that come before their contact (D34): what they wait for, and what happens when it comes.
//!
//! An event that waits holds nobody up, and is not kept here: whoever submits events has it, and recalls it when the
//! contact has come. Until that is done, the later events of the contact wait.

use super::contact_keys::{ContactKey, ContactKeys};
use super::queue::{Entry, Place};
use super::submission::Submission;
use super::time::Time;
use hashlink::LruCache;
use intercom_api::CompanyId;
use rudderstack_to_intercom::CompanyKey;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// Who is not there is asked for again after this time: somebody else may have created the contact.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// Of so many who are not there it is remembered when they were asked for.
const ASKED: usize = 20_000;

/// An event that is not delivered, or not wholly, because its contact is not there yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Awaited {
    /// What the contact can come under.
    pub keys: Vec<ContactKey>,
    /// What is to be [recalled](crate::Engine::recall) when it has come.
    pub submission: Box<Submission>,
}

impl Awaited {
    pub(super) fn new(keys: Vec<ContactKey>, submission: &Submission, saved_company: Option<CompanyId>) -> Self {
        let mut submission = Box::new(submission.clone());
        submission.saved_company = saved_company;
        Self { keys, submission }
    }
}

/// A contact has come that events wait for: they are to be [recalled](crate::Engine::recall) in their order, and then it is to be
/// said that [all were](crate::Engine::all_recalled). Until then the later events of the contact wait.
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
pub struct ArrivalId(pub(super) u64);

/// Who is waited for.
#[derive(Debug)]
pub(super) struct AwaitedContacts {
    pub(super) keys: ContactKeys,
    /// How many events wait for each whose outcomes have not been handed out: whoever recalls does not know of them yet.
    untold: HashMap<ContactKey, usize>,
    /// When those were asked for last that are not there.
    pub(super) asked: LruCache<ContactKey, Time>,
    /// The arrivals whose events are recalled, by the number of the job that a contact came with.
    pub(super) arrivals: HashMap<u64, Recall>,
}

impl Default for AwaitedContacts {
    fn default() -> Self {
        Self {
            keys: ContactKeys::default(),
            untold: HashMap::new(),
            asked: LruCache::new(ASKED),
            arrivals: HashMap::new(),
        }
    }
}

/// The events that wait for one contact are being delivered, in the place of the job that it came with.
#[derive(Debug)]
pub(super) struct Recall {
    /// The job's place, unless it was in such a place itself.
    pub(super) place: Option<Place>,
    /// The place of what it has written.
    pub(super) rank: u64,
    /// The companies that the contact has left with that job.
    pub(super) left: Vec<CompanyKey>,
    pub(super) waiting: VecDeque<Entry>,
    /// The one that is under way.
    pub(super) active: Option<u64>,
    pub(super) is_complete: bool,
}

impl AwaitedContacts {
    pub(super) fn await_all(&mut self, keys: &[ContactKey], now: Time) {
        for key in keys {
            self.keys.insert(*key);
            *self.untold.entry(*key).or_default() += 1;
            self.asked.insert(*key, now);
        }
    }

    /// The outcome of an event that waits for these has been handed out.
    pub(super) fn told(&mut self, keys: &[ContactKey]) {
        for key in keys {
            if let Some(events) = self.untold.get_mut(key) {
                *events -= 1;
                if *events == 0 {
                    self.untold.remove(key);
                }
            }
        }
    }

    /// A contact has come under this key: whether it is waited for. It is still, if events do whose outcomes have not been
    /// handed out: they are older than what has the contact come, or than what comes next for it.
    pub(super) fn comes(&mut self, key: ContactKey) -> bool {
        // Nobody is taken to be absent any more.
        self.asked.remove(&key);
        match self.untold.contains_key(&key) {
            true => self.keys.contains(key),
            false => self.keys.remove(key),
        }
    }

    /// Whether it is known that the contact is not there, under any of these.
    pub(super) fn are_absent(&self, keys: &[ContactKey], now: Time) -> bool {
        let is_absent = |key: &ContactKey| {
            let asked = self.asked.peek(key).filter(|_| self.keys.contains(*key));
            asked.is_some_and(|at| at.after(ASKED_AGAIN_AFTER) > now)
        };
        !keys.is_empty() && keys.iter().all(is_absent)
    }
}
