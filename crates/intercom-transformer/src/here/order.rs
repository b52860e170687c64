//! In which order the events of a request are carried out.

use intercom_delivery::{Order, Ties};
use rudderstack_to_intercom::{Identities, Plan};
use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;

/// The events by number, in the order in which they are carried out: as they came, but those that need a contact come
/// after the later event of the request that creates it.
///
/// That is for company links and data events, which have a place of their own in Intercom, or a time of their own. What
/// writes the contact keeps its place, and nothing is moved across the deletion of its contact, or to behind an event by
/// which the contact leaves a company: the link would outlive it.
pub(super) fn arrange(events: &[(&Plan, &Identities)]) -> Vec<usize> {
    let mut order = Order::new(NonZeroUsize::MAX.min(NonZeroUsize::MIN.saturating_add(events.len())));
    let ties: Vec<Ties<'_>> = events
        .iter()
        .map(|(plan, identities)| order.next(plan, identities))
        .collect();
    let turns = Turns::of(events, &ties);
    let mut arranged = Vec::with_capacity(events.len());
    let mut after: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, (plan, _)) in events.iter().enumerate() {
        let creator = needs_contact(plan)
            .then(|| turns.creator_after(at, &ties[at]))
            .flatten();
        match creator {
            Some(creator) => after.entry(creator).or_default().push(at),
            None => {
                arranged.push(at);
                arranged.extend(after.remove(&at).into_iter().flatten());
            }
        }
    }
    arranged
}

fn needs_contact(plan: &Plan) -> bool {
    match plan {
        Plan::SaveCompany(plan) => plan.member.is_some(),
        Plan::SubmitEvent(_) => true,
        Plan::SaveContact(_) | Plan::DeleteContact(_) => false,
    }
}

/// What an event does to whether its contact is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// It creates the contact.
    Creates,
    /// The same, and the contact leaves companies.
    Leaves,
    /// It deletes the contact.
    Deletes,
}

/// The events that decide whether a contact is there, by the identities that they have.
#[derive(Debug, Default)]
struct Turns<'t> {
    firm: HashMap<&'t str, Vec<(usize, Turn)>>,
    loose: HashMap<&'t str, Vec<(usize, Turn)>>,
}

impl<'t> Turns<'t> {
    fn of(events: &[(&Plan, &Identities)], ties: &'t [Ties<'t>]) -> Self {
        let mut turns = Self::default();
        for (at, ((plan, _), ties)) in events.iter().zip(ties).enumerate() {
            let turn = match plan {
                Plan::SaveContact(plan) if plan.create().is_none() => continue,
                Plan::SaveContact(plan) if plan.detach.is_empty() => Turn::Creates,
                Plan::SaveContact(_) => Turn::Leaves,
                Plan::DeleteContact(_) => Turn::Deletes,
                Plan::SaveCompany(_) | Plan::SubmitEvent(_) => continue,
            };
            for value in &ties.firm {
                turns.firm.entry(value).or_default().push((at, turn));
            }
            for value in &ties.loose {
                turns.loose.entry(value).or_default().push((at, turn));
            }
        }
        turns
    }

    /// The later event that creates the contact of this one, if none before does.
    fn creator_after(&self, at: usize, ties: &Ties<'_>) -> Option<usize> {
        let of_firm = ties
            .firm
            .iter()
            .flat_map(|value| [self.firm.get(&**value), self.loose.get(&**value)]);
        let of_loose = ties.loose.iter().map(|value| self.firm.get(&**value));
        let mut next: Option<(usize, Turn)> = None;
        for turns in of_firm.chain(of_loose).flatten() {
            let later = turns.partition_point(|(other, _)| *other < at);
            let is_there = turns[..later].last().is_some_and(|(_, turn)| *turn != Turn::Deletes);
            if is_there {
                return None;
            }
            next = [next, turns.get(later).copied()]
                .into_iter()
                .flatten()
                .min_by_key(|(other, _)| *other);
        }
        next.filter(|(_, turn)| *turn == Turn::Creates)
            .map(|(creator, _)| creator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rudderstack_events::Event;
    use rudderstack_to_intercom::{Decision, Destination, convert};

    fn arranged(events: &[&str]) -> Vec<usize> {
        let conversions: Vec<_> = events
            .iter()
            .map(|text| {
                let event = Event::from_json(text).unwrap();
                match convert(&event, &Destination::default(), intercom_api::UnixSeconds(0)).unwrap() {
                    Decision::Convert(conversion) => conversion,
                    Decision::Skip => panic!("{text} is skipped"),
                }
            })
            .collect();
        let events: Vec<_> = conversions
            .iter()
            .map(|conversion| (&conversion.plan, &conversion.identities))
            .collect();
        arrange(&events)
    }

    const GROUP: &str = r#"{"type":"group","userId":"u","groupId":"g"}"#;
    const TRACK: &str = r#"{"type":"track","userId":"u","event":"e"}"#;
    const IDENTIFY: &str = r#"{"type":"identify","userId":"u","traits":{"email":"u@x.y"}}"#;
    const LEAVES: &str = r#"{"type":"identify","userId":"u","traits":{"company":{"id":"g","remove":true}}}"#;
    const OTHER: &str = r#"{"type":"identify","userId":"o","traits":{"email":"u@x.y"}}"#;
    const DELETES: &str = r#"{"type":"record","action":"delete","identifiers":{"external_id":"u"}}"#;

    #[test]
    fn what_needs_a_contact_comes_after_the_event_that_creates_it() {
        assert_eq!(arranged(&[GROUP, TRACK, IDENTIFY, TRACK]), [2, 0, 1, 3]);
        assert_eq!(arranged(&[GROUP, OTHER, IDENTIFY]), [1, 2, 0]);
    }

    #[test]
    fn whose_contact_is_there_already_stays() {
        assert_eq!(arranged(&[IDENTIFY, GROUP, IDENTIFY]), [0, 1, 2]);
        assert_eq!(arranged(&[GROUP, OTHER]), [0, 1]);
    }

    #[test]
    fn nothing_is_moved_across_a_deletion_or_behind_a_removal() {
        assert_eq!(arranged(&[GROUP, DELETES, IDENTIFY]), [0, 1, 2]);
        assert_eq!(arranged(&[GROUP, LEAVES, IDENTIFY]), [0, 1, 2]);
        assert_eq!(arranged(&[DELETES, GROUP, IDENTIFY]), [0, 2, 1]);
    }
}
