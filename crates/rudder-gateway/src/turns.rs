//! Whose turn it is: which of the events that wait in the store goes to the engine next.
//!
//! Events with the same ties stand in one *line*. The first of a line may go once no older event waits that it must stay
//! in order with, and as long as few events of the same person are under way: so neither a person with many events nor one
//! whose events fail takes the engine from the others. Lines take turns. Every step takes time in the logarithm of what
//! waits; an event in a line takes eight bytes, a line some hundred.

use intercom_delivery::Ties;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::time::Instant;

/// How many events of one person may be under way.
const MOST: usize = 8;
/// What a line takes, in bytes, about.
const LINE_BYTES: usize = 400;

/// What events are ordered by, as hashes. Two that collide make events wait for each other, which does no harm.
#[derive(Clone, Debug)]
struct Keys {
    firm: Box<[u64]>,
    loose: Box<[u64]>,
}

impl Keys {
    fn all(&self) -> impl Iterator<Item = (u64, bool)> + '_ {
        let firm = self.firm.iter().map(|key| (*key, false));
        firm.chain(self.loose.iter().map(|key| (*key, true)))
    }
}

#[derive(Debug)]
struct Line {
    keys: Keys,
    waiting: VecDeque<i64>,
    /// Whether it stands in `Turns::ready`.
    is_listed: bool,
}

#[derive(Debug)]
struct UnderWay {
    keys: Keys,
    since: Instant,
}

/// The events that wait, and those that are under way, by number.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    hash: RandomState,
    lines: HashMap<u64, Line>,
    /// The first event of each line under each of its keys: key, whether it is a loose one, event, line.
    heads: BTreeSet<(u64, bool, i64, u64)>,
    /// Lines whose first event may be able to go.
    ready: VecDeque<u64>,
    under_way: HashMap<i64, UnderWay>,
    /// How many events are under way that have a key as a firm one.
    by_key: HashMap<u64, usize>,
    waiting: usize,
}

impl Turns {
    /// How many events are under way.
    pub(crate) fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// How many lines wait for nothing but their turn.
    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// How many events have been under way since before this moment.
    pub(crate) fn under_way_since(&self, moment: Instant) -> usize {
        self.under_way.values().filter(|event| event.since < moment).count()
    }

    /// About how many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.waiting * size_of::<i64>() + self.lines.len() * LINE_BYTES
    }

    /// Takes an event in. Its number is higher than those of all that were taken in before.
    pub(crate) fn add(&mut self, event: i64, ties: &Ties<'_>) {
        let hash = |value: &str| self.hash.hash_one(value);
        let keys = Keys {
            firm: ties.firm.iter().map(|value| hash(value)).collect(),
            loose: ties.loose.iter().map(|value| hash(value)).collect(),
        };
        let id = self.hash.hash_one((&keys.firm, &keys.loose));
        self.waiting += 1;
        let line = self.lines.entry(id).or_insert_with(|| Line {
            keys: keys.clone(),
            waiting: VecDeque::new(),
            is_listed: false,
        });
        line.waiting.push_back(event);
        if line.waiting.len() == 1 {
            self.heads
                .extend(keys.all().map(|(key, is_loose)| (key, is_loose, event, id)));
            self.consider(id);
        }
    }

    /// The next event to go, which is under way from now on.
    pub(crate) fn next(&mut self) -> Option<i64> {
        loop {
            let id = self.ready.pop_front()?;
            if let Some(line) = self.lines.get_mut(&id) {
                line.is_listed = false;
                if self.may_go(id) {
                    return self.go(id);
                }
            }
        }
    }

    /// An event is not under way any more.
    pub(crate) fn end(&mut self, event: i64) {
        let Some(ended) = self.under_way.remove(&event) else {
            return;
        };
        for key in &ended.keys.firm {
            let Some(count) = self.by_key.get_mut(key) else {
                continue;
            };
            *count -= 1;
            if *count == 0 {
                self.by_key.remove(key);
            }
            if let Some((_, line)) = self.first(*key, false) {
                self.consider(line);
            }
        }
    }

    fn go(&mut self, id: u64) -> Option<i64> {
        let line = self.lines.get_mut(&id)?;
        let event = line.waiting.pop_front()?;
        let (keys, next) = (line.keys.clone(), line.waiting.front().copied());
        if next.is_none() {
            self.lines.remove(&id);
        }
        self.waiting -= 1;
        for (key, is_loose) in keys.all() {
            self.heads.remove(&(key, is_loose, event, id));
            self.heads.extend(next.map(|next| (key, is_loose, next, id)));
        }
        for key in &keys.firm {
            *self.by_key.entry(*key).or_default() += 1;
        }
        // Whoever waited for this event may go, in turn.
        for (key, is_loose) in keys.all() {
            let first = self.first(key, false);
            if !is_loose {
                let until = first.map_or(i64::MAX, |(event, _)| event);
                let waited = self.heads.range((key, true, i64::MIN, 0)..(key, true, until, 0));
                for line in waited.map(|(.., line)| *line).collect::<Vec<_>>() {
                    self.consider(line);
                }
            }
            if let Some((_, line)) = first {
                self.consider(line);
            }
        }
        self.consider(id);
        let since = Instant::now();
        self.under_way.insert(event, UnderWay { keys, since });
        Some(event)
    }

    /// The oldest first event, and its line, of those that have this key.
    fn first(&self, key: u64, is_loose: bool) -> Option<(i64, u64)> {
        let all = (key, is_loose, i64::MIN, 0)..=(key, is_loose, i64::MAX, u64::MAX);
        self.heads.range(all).next().map(|(_, _, event, line)| (*event, *line))
    }

    fn may_go(&self, id: u64) -> bool {
        let Some((line, event)) = self
            .lines
            .get(&id)
            .and_then(|line| Some((line, *line.waiting.front()?)))
        else {
            return false;
        };
        let has_older = |key: u64, is_loose: bool| self.first(key, is_loose).is_some_and(|(older, _)| older < event);
        let has_few = |key: &u64| self.by_key.get(key).is_none_or(|count| *count < MOST);
        let Keys { firm, loose } = &line.keys;
        firm.iter()
            .all(|key| has_few(key) && !has_older(*key, false) && !has_older(*key, true))
            && loose.iter().all(|key| !has_older(*key, false))
    }

    /// Has a line take its turn, if its first event may go.
    fn consider(&mut self, id: u64) {
        if self.may_go(id)
            && let Some(line) = self.lines.get_mut(&id).filter(|line| !line.is_listed)
        {
            line.is_listed = true;
            self.ready.push_back(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;
    use std::collections::BTreeMap;

    fn ties<'a>(firm: &[&'a str], loose: &[&'a str]) -> Ties<'a> {
        let set = |values: &[&'a str]| values.iter().map(|value| Cow::Borrowed(*value)).collect();
        Ties {
            firm: set(firm),
            loose: set(loose),
        }
    }

    fn all(turns: &mut Turns) -> Vec<i64> {
        std::iter::from_fn(|| turns.next()).collect()
    }

    #[test]
    fn who_has_many_events_holds_nobody_up() {
        let mut turns = Turns::default();
        let users: Vec<String> = (0..2_000).map(|user| format!("u{user}")).collect();
        let busy = ties(&["busy"], &[]);
        (0..100_000).for_each(|event| turns.add(event, &busy));
        for (at, user) in users.iter().enumerate() {
            for event in 0..2 {
                turns.add(100_000 + 2 * at as i64 + event, &ties(&[user], &[]));
            }
        }
        // Nothing ends, as if all of it failed, and still everybody has their turn.
        let gone = all(&mut turns);
        assert_eq!(gone.len(), MOST + 4_000);
        // One each, before anybody's second.
        let first: BTreeSet<i64> = gone[..2_001].iter().copied().collect();
        assert!(first.contains(&0) && (0..2_000).all(|at| first.contains(&(100_000 + 2 * at))));
        turns.end(3);
        assert_eq!(all(&mut turns), [MOST as i64]);
        assert!(turns.bytes() < 100_000 * 8 + 1_000);
    }

    #[test]
    fn who_becomes_known_stays_in_order() {
        let mut turns = Turns::default();
        for event in 0..20 {
            turns.add(event, &ties(&["anonymous"], &[]));
        }
        turns.add(20, &ties(&["anonymous", "ann"], &["ann@example.com"]));
        turns.add(21, &ties(&["ann"], &["ann@example.com"]));
        turns.add(22, &ties(&["ann@example.com"], &[]));
        turns.add(23, &ties(&["bob"], &["ann@example.com"]));
        turns.add(24, &ties(&["carl"], &[]));
        let mut gone = all(&mut turns);
        assert_eq!(gone.len(), MOST + 1, "{gone:?}");
        assert!(gone.contains(&24));
        let mut ended = 0;
        while let Some(event) = gone.get(ended).copied() {
            ended += 1;
            turns.end(event);
            gone.extend(all(&mut turns));
        }
        gone.retain(|event| *event != 24);
        assert_eq!(gone, (0..24).collect::<Vec<_>>());
        assert!(turns.heads.is_empty() && turns.lines.is_empty() && turns.by_key.is_empty());
    }

    #[test]
    fn whatever_is_tied_goes_in_order() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..300 {
            let mut turns = Turns::default();
            let mut events: BTreeMap<i64, Ties<'_>> = BTreeMap::new();
            let mut gone = Vec::new();
            let mut under_way = Vec::new();
            let names = ["a", "b", "c", "d", "e", "f"];
            while gone.len() < 60 {
                if events.len() < 60 && random.bool() {
                    let mut some = |of: &[&'static str], most| -> Vec<&'static str> {
                        let count = random.usize(0..=most);
                        (0..count).map(|_| of[random.usize(..of.len())]).collect()
                    };
                    let new = ties(&some(&names, 2), &some(&names[4..], 1));
                    let number = events.len() as i64;
                    turns.add(number, &new);
                    events.insert(number, new);
                } else if random.bool() {
                    let next: Vec<i64> = turns.next().into_iter().collect();
                    under_way.extend(&next);
                    gone.extend(next);
                } else if !under_way.is_empty() {
                    turns.end(under_way.swap_remove(random.usize(..under_way.len())));
                }
                for name in names {
                    let firm = |event: &&i64| events[event].firm.iter().any(|value| value == name);
                    assert!(under_way.iter().filter(firm).count() <= MOST);
                }
            }
            for (at, later) in gone.iter().enumerate() {
                let before = gone[..at].iter();
                let overtaken = before.filter(|earlier| *earlier > later && events[earlier].order_with(&events[later]));
                assert_eq!(overtaken.count(), 0, "{gone:?}");
            }
        }
    }
}
