//! Whose turn it is: events of one user one after the other, of different users side by side.
//!
//! Events that must stay in order with one another, directly or through others that are queued or under way, are in one
//! *lane*. A lane runs one job at a time, in the order of submission. An identity belongs to a lane as long as an event
//! of the lane has it, so that lanes are as small as what is queued allows.

use super::keys::Keys;
use super::submission::{EventId, Submission, Terms};
use crate::codes::Supersession;
use intercom_api::{CompanyId, ContactId};
use rudderstack_to_intercom::{Identities, Plan};
use std::collections::hash_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

/// A queued event.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its place in the order of submission.
    pub(super) seq: u64,
    /// Its place among what is written to one contact or company: that of the event that its contact came with, if it has
    /// waited for it.
    pub(super) rank: u64,
    pub(super) event: EventId,
    pub(super) plan: Arc<Plan>,
    identities: Identities,
    pub(super) terms: Terms,
    pub(super) begun_with: Option<ContactId>,
    pub(super) saved_company: Option<CompanyId>,
    pub(super) supersession: Supersession,
    /// Whether it must not be merged with others.
    pub(super) alone: bool,
    keys: Keys,
}

impl Entry {
    pub(super) fn new(seq: u64, submission: Submission, keys: Keys) -> Self {
        Self {
            seq,
            rank: seq,
            event: submission.event,
            plan: Arc::new(submission.plan),
            identities: submission.identities,
            terms: submission.terms,
            begun_with: submission.begun_with,
            saved_company: submission.saved_company,
            supersession: submission.supersession,
            alone: false,
            keys,
        }
    }

    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// What was submitted.
    pub(super) fn into_submission(self) -> Submission {
        let submission = Submission::new(self.event, Arc::unwrap_or_clone(self.plan), self.identities);
        let mut submission = submission.on(self.terms);
        submission.begun_with = self.begun_with;
        submission.saved_company = self.saved_company;
        submission.supersession = self.supersession;
        submission
    }
}

/// Where a job stands.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) lane: LaneId,
    /// The identities of its first event.
    pub(super) keys: Keys,
    /// Its last event.
    pub(super) last: u64,
    /// The events that it comes after.
    pub(super) after: Vec<u64>,
}

/// The number of a lane. Numbers are not used twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct LaneId(u64);

#[derive(Debug, Default)]
struct Lane {
    /// Most lanes have one at a time, and a queue of them takes room for four.
    waiting: VecDeque<Box<Entry>>,
    /// The events under way: the number of their job, and their identities. More than one job only if lanes were
    /// joined while each had one.
    active: Vec<(u64, Keys)>,
    /// The jobs of these that wait for the outcomes of older events, which may have come into the lane with others.
    resting: BTreeSet<u64>,
    /// Under which number it stands in `Queue::ready`.
    listed: Option<u64>,
    /// The events that ended last in it.
    ended: Vec<u64>,
}

impl Lane {
    /// Puts an event to its place among those that wait, which is most often at the end.
    fn put(&mut self, entry: Box<Entry>) {
        let at = self.waiting.partition_point(|other| other.seq < entry.seq);
        self.waiting.insert(at, entry);
    }
}

#[derive(Debug)]
struct Key {
    lane: LaneId,
    events: usize,
}

/// How many events have a loose key, by lane: it keeps their lanes apart until one comes for which it is firm.
type Loose = BTreeMap<LaneId, usize>;

/// What is queued, and in which order it may start.
#[derive(Debug, Default)]
pub(super) struct Queue {
    lanes: HashMap<LaneId, Lane>,
    /// Firm keys.
    keys: HashMap<u64, Key>,
    loose: HashMap<u64, Loose>,
    /// The lanes that can start a job, the oldest event first.
    ready: BTreeSet<(u64, LaneId)>,
    last_lane: u64,
    waiting: usize,
}

impl Queue {
    /// How many events have not started.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether an event can start.
    pub(super) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Takes an event in, behind all others that it must stay in order with.
    pub(super) fn push(&mut self, seq: u64, submission: Submission, keys: Keys) {
        let id = self.lane_for(&keys);
        for hash in keys.firm() {
            self.count(hash, id);
        }
        for hash in keys.loose() {
            *self.loose.entry(hash).or_default().entry(id).or_default() += 1;
        }
        let lane = self.lanes.entry(id).or_default();
        lane.waiting.push_back(Box::new(Entry::new(seq, submission, keys)));
        self.waiting += 1;
        self.refresh(id);
    }

    /// The lane of these identities: a new one, or the one they have, or theirs joined.
    fn lane_for(&mut self, keys: &Keys) -> LaneId {
        let both = keys.firm().chain(keys.loose());
        let mut found: Vec<LaneId> = both.filter_map(|hash| Some(self.keys.get(&hash)?.lane)).collect();
        for hash in keys.firm() {
            found.extend(self.loose.get(&hash).into_iter().flat_map(BTreeMap::keys));
        }
        found.sort_unstable();
        found.dedup();
        let joined = found.into_iter().reduce(|a, b| self.join(a, b));
        joined.unwrap_or_else(|| {
            self.last_lane += 1;
            LaneId(self.last_lane)
        })
    }

    /// Makes one lane of two, the smaller going into the larger.
    fn join(&mut self, a: LaneId, b: LaneId) -> LaneId {
        let size = |id: &LaneId| {
            self.lanes
                .get(id)
                .map_or(0, |lane| lane.waiting.len() + lane.active.len())
        };
        let (from, into) = if size(&a) < size(&b) { (a, b) } else { (b, a) };
        let Some(moved) = self.lanes.remove(&from) else {
            return into;
        };
        if let Some(seq) = moved.listed {
            self.ready.remove(&(seq, from));
        }
        let identities = moved.waiting.iter().map(|entry| &entry.keys);
        for keys in identities.chain(moved.active.iter().map(|(_, keys)| keys)) {
            for hash in keys.firm() {
                if let Some(key) = self.keys.get_mut(&hash) {
                    key.lane = into;
                }
            }
            for hash in keys.loose() {
                if let Some(lanes) = self.loose.get_mut(&hash)
                    && let Some(events) = lanes.remove(&from)
                {
                    *lanes.entry(into).or_default() += events;
                }
            }
        }
        let lane = self.lanes.entry(into).or_default();
        lane.active.extend(moved.active);
        lane.resting.extend(moved.resting);
        lane.ended.extend(moved.ended);
        for entry in moved.waiting {
            lane.put(entry);
        }
        self.refresh(into);
        into
    }

    /// Brings the lane's place among those that can start up to date, and forgets it if it is empty.
    fn refresh(&mut self, id: LaneId) {
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        let front = lane.waiting.front().map(|entry| entry.seq);
        let mut active = lane.active.iter().map(|(job, _)| job);
        let wanted = front.filter(|seq| active.all(|job| seq < job && lane.resting.contains(job)));
        if lane.listed != wanted {
            if let Some(seq) = lane.listed {
                self.ready.remove(&(seq, id));
            }
            if let Some(seq) = wanted {
                self.ready.insert((seq, id));
            }
            lane.listed = wanted;
        }
        if front.is_none() && lane.active.is_empty() {
            self.lanes.remove(&id);
        }
    }

    /// Two or more of these turn out to be about one contact: makes one lane of theirs, which is the contact's, too, as
    /// long as there are events in it.
    pub(super) fn link(&mut self, identities: &Keys, contact: u64) {
        let mut all = identities.clone();
        all.add(contact);
        let id = self.lane_for(&all);
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        let active = lane.active.last_mut().map(|(_, keys)| keys);
        let Some(last) = lane.waiting.back_mut().map(|last| &mut last.keys).or(active) else {
            return;
        };
        if last.add(contact) {
            self.count(contact, id);
        }
    }

    /// Counts one more event of an identity.
    fn count(&mut self, hash: u64, lane: LaneId) {
        self.keys.entry(hash).or_insert(Key { lane, events: 0 }).events += 1;
    }

    /// Starts the oldest event that can start. Its job goes by its number. Says which events it comes after in its lane.
    pub(super) fn start(&mut self) -> Option<(LaneId, Entry, Vec<u64>)> {
        let &(_, id) = self.ready.first()?;
        self.start_in(id)
    }

    /// Starts those of so many events that can start, the oldest first, that are wanted.
    pub(super) fn start_those(
        &mut self,
        looked_at: usize,
        mut is_wanted: impl FnMut(&Entry) -> bool,
    ) -> Vec<(LaneId, Entry, Vec<u64>)> {
        let candidates = self.ready.iter().take(looked_at);
        let front = |id: &LaneId| self.lanes.get(id)?.waiting.front();
        let wanted: Vec<LaneId> = candidates
            .map(|(_, id)| *id)
            .filter(|id| front(id).is_some_and(|front| is_wanted(front)))
            .collect();
        wanted.into_iter().filter_map(|id| self.start_in(id)).collect()
    }

    fn start_in(&mut self, id: LaneId) -> Option<(LaneId, Entry, Vec<u64>)> {
        let lane = self.lanes.get_mut(&id)?;
        let entry = *lane.waiting.pop_front()?;
        lane.active.push((entry.seq, entry.keys.clone()));
        let after = lane.ended.clone();
        self.waiting -= 1;
        self.refresh(id);
        Some((id, entry, after))
    }

    /// The lane that a job is in now; it may have been joined to another since the job started.
    fn lane_of(&self, lane: LaneId, keys: &Keys) -> LaneId {
        keys.firm()
            .find_map(|hash| self.keys.get(&hash))
            .map_or(lane, |key| key.lane)
    }

    /// Takes the next event of the job's lane that is not to be passed over into the job, if it fits and nothing else of the
    /// lane is under way.
    pub(super) fn absorb(
        &mut self,
        job: u64,
        lane: LaneId,
        first: &Entry,
        is_passed_over: impl Fn(&Entry) -> bool,
        fits: impl FnOnce(&Entry) -> bool,
    ) -> Option<Entry> {
        let id = self.lane_of(lane, &first.keys);
        let lane = self.lanes.get_mut(&id)?;
        if lane.active.iter().any(|(other, _)| *other != job) {
            return None;
        }
        let at = lane.waiting.iter().position(|entry| !is_passed_over(entry))?;
        if !fits(lane.waiting.get(at)?) {
            return None;
        }
        let entry = *lane.waiting.remove(at)?;
        lane.active.push((job, entry.keys.clone()));
        self.waiting -= 1;
        Some(entry)
    }

    /// Puts events that a job had taken in back to their places in their lane.
    pub(super) fn give_back(&mut self, job: u64, lane: LaneId, first: &Entry, entries: Vec<Entry>) {
        let id = self.lane_of(lane, &first.keys);
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        lane.active.retain(|(other, _)| *other != job);
        lane.active.push((job, first.keys.clone()));
        self.waiting += entries.len();
        for entry in entries {
            lane.put(Box::new(entry));
        }
    }

    /// A job waits for the outcomes of older events. Those that are in its lane do not wait for it.
    pub(super) fn rest(&mut self, job: u64, lane: LaneId, keys: &Keys) {
        let id = self.lane_of(lane, keys);
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.resting.insert(job);
            self.refresh(id);
        }
    }

    /// A job goes on that has waited for older events.
    pub(super) fn go_on(&mut self, job: u64, lane: LaneId, keys: &Keys) {
        let id = self.lane_of(lane, keys);
        if let Some(lane) = self.lanes.get_mut(&id) {
            lane.resting.remove(&job);
            self.refresh(id);
        }
    }

    /// A job has ended and left its place: its lane can start the next one.
    pub(super) fn finish(&mut self, job: u64, place: &Place) {
        let id = self.lane_of(place.lane, &place.keys);
        let Some(lane) = self.lanes.get_mut(&id) else { return };
        let mut ended = Vec::new();
        lane.active.retain(|(other, keys)| {
            if *other == job {
                ended.push(keys.clone());
            }
            *other != job
        });
        lane.resting.remove(&job);
        lane.ended.retain(|event| !place.after.contains(event));
        lane.ended.push(place.last);
        for keys in ended {
            self.release(id, &keys);
        }
        self.refresh(id);
    }

    /// An event of the lane has ended.
    fn release(&mut self, lane: LaneId, keys: &Keys) {
        for hash in keys.firm() {
            if let Slot::Occupied(mut key) = self.keys.entry(hash) {
                key.get_mut().events -= 1;
                if key.get().events == 0 {
                    key.remove();
                }
            }
        }
        for hash in keys.loose() {
            if let Slot::Occupied(mut lanes) = self.loose.entry(hash) {
                if let Some(events) = lanes.get_mut().get_mut(&lane) {
                    *events -= 1;
                    if *events == 0 {
                        lanes.get_mut().remove(&lane);
                    }
                }
                if lanes.get().is_empty() {
                    lanes.remove();
                }
            }
        }
    }

    /// Takes out what has not started and is one of these, in the order of submission.
    pub(super) fn take(&mut self, is_wanted: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let lanes: Vec<LaneId> = self.lanes.keys().copied().collect();
        let mut taken: Vec<Entry> = lanes
            .into_iter()
            .flat_map(|lane| self.take_from(lane, &is_wanted))
            .collect();
        taken.sort_unstable_by_key(|entry| entry.seq);
        taken
    }

    /// The same for the events of the lane that has this identity.
    pub(super) fn take_of(&mut self, identity: u64, is_wanted: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let lane = self.keys.get(&identity).map(|key| key.lane);
        lane.map(|lane| self.take_from(lane, is_wanted)).unwrap_or_default()
    }

    fn take_from(&mut self, id: LaneId, is_wanted: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let Some(lane) = self
            .lanes
            .get_mut(&id)
            .filter(|lane| lane.waiting.iter().any(|entry| is_wanted(entry)))
        else {
            return Vec::new();
        };
        let waiting = std::mem::take(&mut lane.waiting);
        let (taken, left): (VecDeque<_>, VecDeque<_>) = waiting.into_iter().partition(|entry| is_wanted(entry));
        lane.waiting = left;
        self.waiting -= taken.len();
        for entry in &taken {
            self.release(id, &entry.keys);
        }
        self.refresh(id);
        taken.into_iter().map(|entry| *entry).collect()
    }

    /// Takes everything out that has not started, in the order of submission.
    pub(super) fn drain(&mut self) -> Vec<Entry> {
        let mut drained: Vec<(LaneId, Entry)> = Vec::with_capacity(self.waiting);
        for (id, lane) in &mut self.lanes {
            drained.extend(lane.waiting.drain(..).map(|entry| (*id, *entry)));
            lane.listed = None;
        }
        self.lanes.retain(|_, lane| !lane.active.is_empty());
        self.ready.clear();
        self.waiting = 0;
        for (lane, entry) in &drained {
            self.release(*lane, &entry.keys);
        }
        let mut entries: Vec<Entry> = drained.into_iter().map(|(_, entry)| entry).collect();
        entries.sort_unstable_by_key(|entry| entry.seq);
        entries
    }
}
