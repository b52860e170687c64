//! Looks whether contacts have come that events wait for: another instance may have created them.

use super::access::KnownAccess;
use super::events::EarlyEvents;
use super::settle::{Converted, convert};
use crate::intercom::{IntercomClient, SendError, Target};
use event_store::{Pending, TargetId};
use intercom_api::{ContactList, Operation as _, SearchContacts};
use intercom_delivery::{ContactKey, EventId, KnownContact, People, SearchForm};
use rudderstack_to_intercom::{Lookup, Person, Plan};
use std::collections::{HashMap, HashSet};
use tokio::time::Instant;

/// How many events are put back at a time.
const PUT_BACK: usize = 500;
/// The first look comes so many times as late as one search after the other: with ten seconds, there are 30 searches a minute.
const SEARCHES_A_LOOK: u32 = 5;
/// So many times as long it is waited after a search that has failed.
const AFTER_FAILURE: u32 = 30;

/// How it is looked, by target.
#[derive(Debug, Default)]
pub(super) struct Look(HashMap<TargetId, Way>);

#[derive(Clone, Copy, Debug)]
struct Way {
    form: SearchForm,
    /// How many people at most: fewer, where a page was too short for those that were found.
    people: usize,
    /// When the next search may be made.
    next: Instant,
}

impl Default for Way {
    fn default() -> Self {
        Self {
            form: SearchForm::default(),
            people: usize::MAX,
            next: Instant::now(),
        }
    }
}

impl Look {
    /// Whether it may be looked now.
    pub(super) fn may(&self, target: TargetId) -> bool {
        self.0.get(&target).is_none_or(|way| way.next <= Instant::now())
    }

    /// Looks for those that events wait for, with one search for as many people as it can be for.
    pub(super) async fn look(
        &mut self,
        intercom: &IntercomClient,
        early: &EarlyEvents,
        target: TargetId,
        access: &KnownAccess,
        due: Vec<Pending>,
    ) {
        let way = self.0.entry(target).or_default();
        let pause = early.first_look / SEARCHES_A_LOOK;
        way.next = Instant::now() + pause;
        let (people, count, keys) = people(&due, access, way);
        if count == 0 {
            // What nobody can be looked for waits until it is too old.
            return looked(early, target, keys).await;
        }
        intercom.metrics.store.looked_for(count);
        match search(intercom, access, people).await {
            Ok(found) if found.is_whole || count == 1 => {
                way.people = usize::MAX;
                put_back(early, access, found.keys).await;
                looked(early, target, keys).await;
            }
            Ok(_) => way.people = count / 2,
            Err(SendError::Answered(error, _))
                if matches!(error.status, 400 | 422) && way.form != SearchForm::Alone =>
            {
                way.form = way.form.next();
            }
            Err(error) => {
                tracing::warn!(%error, "it cannot be looked for contacts that events wait for");
                way.next = Instant::now() + pause * AFTER_FAILURE;
            }
        }
    }
}

/// Whom the next search is for, how many they are, and what they can come under.
fn people(due: &[Pending], access: &KnownAccess, way: &Way) -> (People, usize, Vec<ContactKey>) {
    let mut people = People::new(way.form);
    let (mut known, mut keys) = (HashSet::new(), Vec::new());
    let (mut count, mut is_full) = (0, false);
    for pending in due {
        let Converted::Ready(submission, _) = convert(EventId(0), pending, &access.destination) else {
            continue;
        };
        let these = ContactKey::of_plan(&submission.plan);
        if known.contains(&these) {
            continue;
        }
        let Some(lookup) = lookup_of(&submission.plan) else {
            keys.extend(these);
            continue;
        };
        is_full |= people.is_full() || count >= way.people;
        let is_alone = way.form == SearchForm::Alone;
        if is_full || is_alone && count > 0 {
            continue;
        }
        if people.add(&lookup) {
            count += 1;
            keys.extend(&these);
            known.insert(these);
        }
    }
    (people, count, keys)
}

/// How the contact is found that an event waits for.
fn lookup_of(plan: &Plan) -> Option<Lookup> {
    match plan {
        Plan::SubmitEvent(event) => Person::new(event.user_id.clone(), event.email.as_deref()).map(Into::into),
        plan => plan.lookup().cloned(),
    }
}

/// What a search has found.
struct Found {
    keys: Vec<ContactKey>,
    /// Whether it has shown all.
    is_whole: bool,
}

async fn search(intercom: &IntercomClient, access: &KnownAccess, people: People) -> Result<Found, SendError> {
    let KnownAccess {
        target,
        destination,
        authorization,
    } = access;
    let base_url = intercom.base_url(destination.region);
    let scope = intercom
        .contacts
        .scope(&base_url, authorization.token(), Some(&target.workspace));
    let to = Target {
        base_url: &base_url,
        region: destination.region,
        authorization,
        version: destination.api_version,
        scope,
    };
    let call = people.search().to_call().map_err(|_| SendError::Unwritable)?;
    let response = intercom.send(&to, &call).await?;
    let ContactList { data, pages, .. } =
        SearchContacts::parse_response(&response.body).map_err(|_| SendError::Unreadable)?;
    let hits = data.unwrap_or_default();
    let keys = hits.iter().map(KnownContact::from);
    Ok(Found {
        keys: keys.flat_map(|contact| ContactKey::of_contact(&contact)).collect(),
        is_whole: pages.is_none_or(|pages| pages.next_cursor().is_none() && pages.next_url().is_none()),
    })
}

/// Puts the events back into the queue that wait for these.
async fn put_back(early: &EarlyEvents, access: &KnownAccess, keys: Vec<ContactKey>) {
    let recall = || early.store.recall_for(access.target.clone(), keys.clone(), PUT_BACK);
    // What cannot be written now is found again.
    while !keys.is_empty() && recall().await.is_ok_and(|back| !back.is_empty()) {}
}

async fn looked(early: &EarlyEvents, target: TargetId, keys: Vec<ContactKey>) {
    // A store that has been closed is looked at no more.
    let _ = early.store.looked(target, keys).await;
}
