//! In which order outcomes are handed out: so that whoever keeps a record of them can go on from any point of it.
//!
//! An outcome waits until those of all older events of the same user or company have been handed out, and that of the
//! event before it in its lane. If the record ends
//! there, what is delivered again afterwards is delivered in the old order, and nothing newer is overwritten. Only the
//! outcome waits; the delivery of other users' events never does.

use super::keys::Keys;
use super::outcome::{DeliveryResult, Intent, Outcome};
use super::submission::{EventId, Submission};
use smallvec::SmallVec;
use std::collections::hash_map::Entry as Slot;
use std::collections::{BTreeMap, HashMap, HashSet};

/// An outcome that is ready to be handed out.
#[derive(Debug)]
pub(super) struct Ended {
    /// The outcome, still without what was submitted.
    pub(super) outcome: Outcome,
    /// What was delivered; none if the result has it.
    pub(super) submission: Option<Submission>,
    /// Whether the event ended because everything does.
    pub(super) is_closing: bool,
}

impl Ended {
    pub(super) fn new(event: EventId, result: DeliveryResult, submission: Option<Submission>) -> Self {
        Self {
            outcome: Outcome::new(event, result),
            submission,
            is_closing: false,
        }
    }
}

#[derive(Debug)]
struct Event {
    keys: Keys,
    ended: Option<Box<Ended>>,
    /// How many events before it in its lane have not been handed out.
    waits_for: usize,
    /// The events after it in its lane that wait for it.
    followers: Vec<u64>,
}

/// The events that share a key.
#[derive(Debug, Default)]
struct Sharing {
    firm: Ascending,
    loose: Ascending,
}

/// Numbers of events, which come in ascending order, and go in nearly that.
#[derive(Debug, Default)]
struct Ascending(SmallVec<[u64; 2]>);

impl Ascending {
    fn insert(&mut self, seq: u64) {
        if let Err(at) = self.0.binary_search(&seq) {
            self.0.insert(at, seq);
        }
    }

    fn first(&self) -> Option<&u64> {
        self.0.first()
    }

    fn contains(&self, seq: u64) -> bool {
        self.0.binary_search(&seq).is_ok()
    }

    /// Takes one out, and says whether it was there.
    fn remove(&mut self, seq: u64) -> bool {
        let at = self.0.binary_search(&seq);
        at.map(|at| self.0.remove(at)).is_ok()
    }

    fn before(&self, seq: u64) -> &[u64] {
        &self.0[..self.0.partition_point(|other| *other < seq)]
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Sharing {
    /// Whether no older event has to be handed out first.
    fn is_next(&self, seq: u64) -> bool {
        let is_before = |older: Option<&u64>| older.is_some_and(|older| *older < seq);
        let waits_for_loose = self.firm.contains(seq) && is_before(self.loose.first());
        !waits_for_loose && !is_before(self.firm.first())
    }

    /// Takes an event out, and names those that may be next.
    fn remove(&mut self, seq: u64, next: &mut Vec<u64>) {
        self.loose.remove(seq);
        let firm = self.firm.first().copied();
        if self.firm.remove(seq) && firm == Some(seq) {
            // Those that waited for it alone.
            let until = self.firm.first().copied().unwrap_or(u64::MAX);
            next.extend(self.loose.before(until));
        }
        next.extend(self.firm.first());
    }

    fn is_empty(&self) -> bool {
        self.firm.is_empty() && self.loose.is_empty()
    }
}

/// The events whose outcomes have not been handed out.
#[derive(Debug, Default)]
pub(super) struct Releases {
    events: HashMap<u64, Event>,
    by_key: HashMap<u64, Sharing>,
    held: usize,
    /// Intents, by event, that wait for outcomes to be handed out: whose they are, and the events before in the lane.
    intents: BTreeMap<u64, (Vec<u64>, Intent)>,
    /// What was cut short by the end of everything: keys that were firm, and all.
    cut_short: [HashSet<u64>; 2],
}

impl Releases {
    /// How many outcomes wait for others.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// An event is taken in.
    pub(super) fn expect(&mut self, seq: u64, keys: Keys) {
        for key in keys.firm() {
            self.by_key.entry(key).or_default().firm.insert(seq);
        }
        for key in keys.loose() {
            self.by_key.entry(key).or_default().loose.insert(seq);
        }
        self.events.insert(
            seq,
            Event {
                keys,
                ended: None,
                waits_for: 0,
                followers: Vec::new(),
            },
        );
    }

    /// An event has ended, which came after these in its lane. Hands out its outcome, and those that waited for it, or
    /// keeps it until its turn.
    ///
    /// What was delivered after an event that was cut short is going to be delivered once more after it: that is said of
    /// it in [`Ended::is_closing`].
    pub(super) fn end(&mut self, seq: u64, after: &[u64], ended: Ended, mut hand_out: impl FnMut(Ended)) {
        let mut waits_for = 0;
        // A newer event may have ended before it in the lane, if two lanes were joined: it waits for this one, if for any.
        for before in after.iter().filter(|before| **before < seq) {
            if let Some(event) = self.events.get_mut(before) {
                event.followers.push(seq);
                waits_for += 1;
            }
        }
        self.intents.remove(&seq);
        if let Some(event) = self.events.get_mut(&seq) {
            event.ended = Some(Box::new(ended));
            event.waits_for = waits_for;
            self.held += 1;
        }
        let mut next = vec![seq];
        while let Some(seq) = next.pop() {
            let Some((keys, followers, mut ended)) = self.take(seq) else {
                continue;
            };
            for key in keys.firm().chain(keys.loose()) {
                if let Slot::Occupied(mut sharing) = self.by_key.entry(key) {
                    sharing.get_mut().remove(seq, &mut next);
                    if sharing.get().is_empty() {
                        sharing.remove();
                    }
                }
            }
            let [firm, all] = &mut self.cut_short;
            let is_delivered = matches!(ended.outcome.result, DeliveryResult::Delivered(_));
            let comes_after = keys.firm().any(|key| all.contains(&key)) || keys.loose().any(|key| firm.contains(&key));
            ended.is_closing |= is_delivered && comes_after;
            if ended.is_closing {
                firm.extend(keys.firm());
                all.extend(keys.firm().chain(keys.loose()));
            }
            for follower in followers {
                if let Some(event) = self.events.get_mut(&follower) {
                    event.waits_for -= 1;
                    if let (true, Some(followed)) = (ended.is_closing, &mut event.ended) {
                        followed.is_closing |= matches!(followed.outcome.result, DeliveryResult::Delivered(_));
                    }
                    next.push(follower);
                }
            }
            hand_out(*ended);
        }
    }

    /// An event is about to do something that is to be noted once all older outcomes of its user have been handed out.
    pub(super) fn intend(&mut self, seq: u64, after: &[u64], intent: Intent) {
        let after = after.iter().copied().filter(|before| *before < seq).collect();
        self.intents.insert(seq, (after, intent));
    }

    /// The intents whose turn has come.
    pub(super) fn next_intents(&mut self) -> Vec<Intent> {
        let has_turn =
            |seq: u64, after: &[u64]| after.iter().all(|before| !self.events.contains_key(before)) && self.is_next(seq);
        let turn: Vec<u64> = self
            .intents
            .iter()
            .filter(|(seq, (after, _))| has_turn(**seq, after))
            .map(|(seq, _)| *seq)
            .collect();
        turn.iter()
            .filter_map(|seq| self.intents.remove(seq))
            .map(|(_, intent)| intent)
            .collect()
    }

    /// Whether the event is the oldest of its user and company.
    fn is_next(&self, seq: u64) -> bool {
        let is_next = |key: u64| self.by_key.get(&key).is_none_or(|sharing| sharing.is_next(seq));
        let event = self.events.get(&seq);
        event.is_some_and(|event| event.keys.firm().chain(event.keys.loose()).all(is_next))
    }

    /// Takes an event out that has ended, if it is the oldest of its user and company.
    fn take(&mut self, seq: u64) -> Option<(Keys, Vec<u64>, Box<Ended>)> {
        let event = self.events.get(&seq).filter(|event| event.waits_for == 0)?;
        event.ended.as_ref()?;
        if !self.is_next(seq) {
            return None;
        }
        let event = self.events.remove(&seq)?;
        self.held -= 1;
        Some((event.keys, event.followers, event.ended?))
    }
}
