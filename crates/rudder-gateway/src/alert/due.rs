//! When somebody has to be told of what, without clock or I/O.

use crate::trouble::Trouble;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long after a message about a state the next one may follow.
const REPEAT: Duration = Duration::from_secs(60 * 60);
/// How long after a message that nobody took it is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(5 * 60);

/// What there is to say of a state that somebody is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    Begun,
    /// It was told of, and it is still so.
    Lasting,
    Over,
}

/// A message that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) trouble: Trouble,
    pub(crate) phase: Phase,
    /// When the state began.
    pub(crate) since: Duration,
    /// How long it has lasted.
    pub(crate) lasted: Duration,
}

/// Of one kind of trouble, what is and what has been told.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// Since when it is so, short interruptions left out.
    since: Option<Duration>,
    /// Since when it is not so any more.
    gone: Option<Duration>,
    /// Whether somebody knows that it is so.
    is_told: bool,
    /// Before when it is not told of again; that it is over may be told.
    quiet_until: Duration,
    /// Before when a message that nobody took is not tried again.
    pause_until: Duration,
}

/// Decides of what to tell. All times are since one start.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    /// How long a state must last, and be over, to be told of.
    after: Duration,
    states: BTreeMap<Trouble, State>,
}

impl Due {
    pub(crate) fn new(after: Duration) -> Self {
        Self {
            after,
            states: BTreeMap::new(),
        }
    }

    /// What there is to tell now that this is wrong.
    pub(crate) fn look(&mut self, now: Duration, troubles: &BTreeSet<Trouble>) -> Vec<Note> {
        for trouble in troubles.iter().filter(|trouble| trouble.advice().is_some()) {
            let state = self.states.entry(*trouble).or_default();
            state.since.get_or_insert(now);
            state.gone = None;
        }
        let mut notes = Vec::new();
        for (trouble, state) in &mut self.states {
            let Some(since) = state.since else { continue };
            if !troubles.contains(trouble) {
                state.gone.get_or_insert(now);
            }
            let gone_for = state.gone.map(|gone| now.saturating_sub(gone));
            let is_over = gone_for.is_some_and(|gone| gone >= self.after);
            let is_long_over = gone_for.is_some_and(|gone| gone >= self.after + REPEAT);
            if is_over && (!state.is_told || is_long_over) {
                // Nobody has to know, or nobody could be told. When the next message may follow still holds.
                (state.since, state.gone, state.is_told) = (None, None, false);
                continue;
            }
            let lasted = state.gone.unwrap_or(now).saturating_sub(since);
            let phase = match (is_over, state.is_told) {
                (true, _) => Phase::Over,
                (false, _) if state.gone.is_some() || lasted < self.after => continue,
                (false, true) => Phase::Lasting,
                (false, false) => Phase::Begun,
            };
            let is_quiet = phase != Phase::Over && now < state.quiet_until;
            if !is_quiet && now >= state.pause_until {
                notes.push(Note {
                    trouble: *trouble,
                    phase,
                    since,
                    lasted,
                });
            }
        }
        notes
    }

    /// A message was taken, or was not.
    pub(crate) fn told(&mut self, note: Note, is_taken: bool, now: Duration) {
        let state = self.states.entry(note.trouble).or_default();
        if !is_taken {
            state.pause_until = now + TRY_AGAIN;
        } else if note.phase == Phase::Over {
            (state.since, state.gone, state.is_told) = (None, None, false);
        } else {
            state.is_told = true;
            state.quiet_until = now + REPEAT;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AFTER: u64 = 60;

    /// Looks once a second, and takes every message. Gives when what was told; `is_so` says when the outage lasts.
    fn told(seconds: u64, is_so: impl Fn(u64) -> bool, is_taken: impl Fn(u64) -> bool) -> Vec<(u64, Phase)> {
        let mut due = Due::new(Duration::from_secs(AFTER));
        let mut told = Vec::new();
        for second in 0..seconds {
            let now = Duration::from_secs(second);
            let troubles = [Trouble::Outage].into_iter().filter(|_| is_so(second)).collect();
            for note in due.look(now, &troubles) {
                due.told(note, is_taken(second), now);
                told.push((second, note.phase));
            }
        }
        told
    }

    fn always(_: u64) -> bool {
        true
    }

    #[test]
    fn a_state_is_told_once_it_has_lasted_each_hour_and_when_it_is_over() {
        let lasts = |second| (10..8_000).contains(&second);
        assert_eq!(
            told(20_000, lasts, always),
            [
                (70, Phase::Begun),
                (3_670, Phase::Lasting),
                (7_270, Phase::Lasting),
                (8_060, Phase::Over)
            ]
        );
    }

    #[test]
    fn what_passes_soon_is_not_told_and_short_interruptions_do_not_end_it() {
        assert_eq!(told(20_000, |second| second % 300 < 59, always), []);
        let interrupted = |second| second < 1_000 && second % 50 != 0;
        assert_eq!(
            told(5_000, interrupted, always),
            [(61, Phase::Begun), (1_060, Phase::Over)]
        );
    }

    #[test]
    fn what_comes_and_goes_is_told_once_an_hour() {
        let told = told(4 * 3_600, |second| second % 600 < 300, always);
        let begun: Vec<u64> = told
            .iter()
            .filter(|(_, phase)| *phase != Phase::Over)
            .map(|(at, _)| *at)
            .collect();
        assert_eq!(begun.len(), 4, "{told:?}");
        assert!(begun.windows(2).all(|pair| pair[1] - pair[0] >= 3_600), "{begun:?}");
        let over = told.iter().filter(|(_, phase)| *phase == Phase::Over).count();
        assert_eq!(over, begun.len(), "each has its end: {told:?}");
    }

    #[test]
    fn what_nobody_takes_is_tried_again_five_minutes_later() {
        let lasts = |second| (10..1_000).contains(&second);
        let is_taken = |second| (600..1_050).contains(&second) || second > 1_300;
        assert_eq!(
            told(5_000, lasts, is_taken),
            [
                (70, Phase::Begun),
                (370, Phase::Begun),
                (670, Phase::Begun),
                (1_060, Phase::Over),
                (1_360, Phase::Over)
            ]
        );
    }

    #[test]
    fn what_is_long_over_is_told_to_nobody() {
        let told = told(20_000, |second| (10..1_000).contains(&second), |second| second < 600);
        let over = told.iter().filter(|(_, phase)| *phase == Phase::Over);
        let last = over.map(|(at, _)| *at).max().unwrap();
        assert!(last < 1_000 + 3_700, "{last}");
    }

    #[test]
    fn a_stop_needs_nobody() {
        let mut due = Due::new(Duration::ZERO);
        assert_eq!(due.look(Duration::ZERO, &[Trouble::Stopping].into()), []);
    }
}
