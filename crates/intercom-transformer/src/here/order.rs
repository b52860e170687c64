//! In which order the events of a request are carried out.

use intercom_api::{CompanyExternalId, CompanyFields, ContactFields, ExternalId};
use intercom_delivery::ContactKey;
use rudderstack_to_intercom::{CompanyKey, Lookup, Plan};
use std::collections::HashMap;

/// The events of one workspace by number, in the order in which they are carried out: as they came, but those that need a
/// contact come after the later event of the request that creates it (D34).
///
/// That is for company links and data events, which have a place of their own in Intercom, or a time of their own. What
/// writes the contact keeps its place. Nothing is moved across the deletion of its contact, and no link to behind an event
/// by which the contact leaves that very company: the link would outlive it. What is written to one company stays in order
/// where that allows it.
pub(super) fn arrange(plans: &[&Plan]) -> Vec<usize> {
    let turns = Turns::of(plans);
    // The event after which the latest one that saves a company comes.
    let mut saved_after: HashMap<&CompanyExternalId, usize> = HashMap::new();
    let mut after: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut arranged = Vec::with_capacity(plans.len());
    for (at, plan) in plans.iter().enumerate() {
        let need = Need::of(plan);
        let company = need.company.and_then(|company| company.company_id.as_ref());
        let creator = turns.creator_after(at, &need);
        let follows = company.and_then(|company| saved_after.get(company).copied());
        let follows = follows.filter(|&follows| follows > at && !turns.is_barred(at, follows, &need));
        match creator.max(follows) {
            Some(behind) => {
                after.entry(behind).or_default().push(at);
                if let Some(company) = company {
                    saved_after.insert(company, behind);
                }
            }
            None => {
                arranged.push(at);
                arranged.extend(after.remove(&at).into_iter().flatten());
            }
        }
    }
    arranged
}

/// The contact that an event needs, and does not create.
#[derive(Debug, Default)]
struct Need<'p> {
    keys: Vec<ContactKey>,
    user_id: Option<&'p str>,
    /// What it is to be linked to.
    company: Option<&'p CompanyFields>,
}

impl<'p> Need<'p> {
    fn of(plan: &'p Plan) -> Self {
        let (user_id, company) = match plan {
            Plan::SaveCompany(plan) => (plan.member.as_ref().and_then(Lookup::external_id), Some(&plan.company)),
            Plan::SubmitEvent(event) => (event.user_id.as_ref().map(ExternalId::as_str), None),
            Plan::SaveContact(_) | Plan::DeleteContact(_) => (None, None),
        };
        Self {
            keys: ContactKey::of_plan(plan),
            user_id,
            company,
        }
    }

    /// Whether this company is the one that the contact is to be linked to.
    fn is_of(&self, key: &CompanyKey) -> bool {
        self.company.is_some_and(|company| key.finds(company))
    }
}

/// What an event does to whether a contact is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// It is there afterwards.
    Comes,
    /// It is not there any more, or not under this key.
    Goes,
    /// It is as it was, but for the companies that it leaves.
    Stays,
}

/// An event that decides whether a contact is there.
#[derive(Clone, Copy, Debug)]
struct Turn<'p> {
    at: usize,
    effect: Effect,
    user_id: Option<&'p str>,
    left: &'p [CompanyKey],
}

impl<'p> Turn<'p> {
    /// That of an event, if it is one, with the keys that the contact has.
    fn of(at: usize, plan: &'p Plan) -> Option<(Self, Vec<ContactKey>)> {
        let of_lookup = |lookup: &'p Lookup| (lookup.external_id(), lookup.email());
        let (effect, (user_id, email), left) = match plan {
            Plan::SaveContact(plan) => match plan.create() {
                Some(ContactFields { external_id, email, .. }) => {
                    let user_id = external_id.as_ref().map(ExternalId::as_str);
                    (Effect::Comes, (user_id, email.as_deref()), &*plan.detach)
                }
                None => {
                    let by = of_lookup(&plan.lookup);
                    let changes = plan.update.email.is_some() && plan.update.email.as_deref() != by.1;
                    let effect = if changes { Effect::Goes } else { Effect::Stays };
                    (effect, by, &*plan.detach)
                }
            },
            Plan::DeleteContact(lookup) => (Effect::Goes, of_lookup(lookup), &[][..]),
            Plan::SaveCompany(_) | Plan::SubmitEvent(_) => return None,
        };
        let turn = Self {
            at,
            effect,
            user_id,
            left,
        };
        Some((turn, ContactKey::of_identities(user_id, email)))
    }

    /// Whether it is about the contact that is needed: one with another user id is somebody else.
    fn is_about(&self, need: &Need<'_>) -> bool {
        self.user_id.is_none() || need.user_id.is_none() || self.user_id == need.user_id
    }
}

/// The events that decide whether contacts are there, in their order, by what the contact can come under.
#[derive(Debug, Default)]
struct Turns<'p>(HashMap<ContactKey, Vec<Turn<'p>>>);

impl<'p> Turns<'p> {
    fn of(plans: &[&'p Plan]) -> Self {
        let mut turns = Self::default();
        for (at, plan) in plans.iter().enumerate() {
            if let Some((turn, keys)) = Turn::of(at, plan) {
                keys.into_iter()
                    .for_each(|key| turns.0.entry(key).or_default().push(turn));
            }
        }
        turns
    }

    /// The turns before an event and those after it, by key.
    fn around<'t>(&'t self, at: usize, need: &'t Need<'_>) -> impl Iterator<Item = (&'t [Turn<'p>], &'t [Turn<'p>])> {
        let lists = need.keys.iter().filter_map(|key| self.0.get(key));
        lists.map(move |turns| turns.split_at(turns.partition_point(|turn| turn.at < at)))
    }

    /// The later event that creates the contact of this one, if none before does.
    fn creator_after(&self, at: usize, need: &Need<'_>) -> Option<usize> {
        let decides = |turn: &&Turn<'_>| turn.effect != Effect::Stays && turn.is_about(need);
        let (mut last, mut next): (Option<&Turn<'_>>, Option<&Turn<'_>>) = (None, None);
        for (before, after) in self.around(at, need) {
            let found = before.iter().rev().find(decides);
            last = last.into_iter().chain(found).max_by_key(|turn| turn.at);
            let found = after.iter().find(decides);
            next = next.into_iter().chain(found).min_by_key(|turn| turn.at);
        }
        if last.is_some_and(|turn| turn.effect == Effect::Comes) {
            return None;
        }
        let next = next.filter(|turn| turn.effect == Effect::Comes)?.at;
        (!self.is_barred(at, next, need)).then_some(next)
    }

    /// Whether an event must not be moved to behind that other one.
    fn is_barred(&self, at: usize, behind: usize, need: &Need<'_>) -> bool {
        let bars = |turn: &Turn<'_>| {
            let ends = turn.effect == Effect::Goes || turn.left.iter().any(|key| need.is_of(key));
            ends && turn.is_about(need)
        };
        self.around(at, need)
            .any(|(_, after)| after.iter().take_while(|turn| turn.at <= behind).any(bars))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rudderstack_events::Event;
    use rudderstack_to_intercom::{Decision, Destination, convert};

    fn arranged(events: &[&str]) -> Vec<usize> {
        let plans: Vec<Plan> = events
            .iter()
            .map(|text| {
                let event = Event::from_json(text).unwrap();
                match convert(&event, &Destination::default(), intercom_api::UnixSeconds(0)).unwrap() {
                    Decision::Convert(conversion) => conversion.plan,
                    Decision::Skip => panic!("{text} is skipped"),
                }
            })
            .collect();
        arrange(&plans.iter().collect::<Vec<_>>())
    }

    const GROUP: &str = r#"{"type":"group","userId":"u","groupId":"g"}"#;
    const OF_OTHER: &str = r#"{"type":"group","userId":"o","groupId":"g"}"#;
    const ELSEWHERE: &str = r#"{"type":"group","userId":"u","groupId":"h"}"#;
    const BY_EMAIL: &str = r#"{"type":"track","event":"e","context":{"traits":{"email":"U@x.y"}}}"#;
    const BY_BOTH: &str = r#"{"type":"track","userId":"u","event":"e","context":{"traits":{"email":"U@x.y"}}}"#;
    const TRACK: &str = r#"{"type":"track","userId":"u","event":"e"}"#;
    const IDENTIFY: &str = r#"{"type":"identify","userId":"u","anonymousId":"a","traits":{"email":"u@x.y"}}"#;
    const LEAVES: &str = r#"{"type":"identify","userId":"u","traits":{"company":{"id":"g","remove":true}}}"#;
    const OTHER: &str = r#"{"type":"identify","userId":"o","anonymousId":"a","traits":{"email":"u@x.y"}}"#;
    const OTHER_LEAVES: &str = r#"{"type":"identify","userId":"o","traits":{"company":{"id":"g","remove":true}}}"#;
    const INSERT: &str = r#"{"type":"record","action":"insert","identifiers":{"email":"u@x.y"},"fields":{"name":"U"}}"#;
    const DELETES: &str = r#"{"type":"record","action":"delete","identifiers":{"external_id":"u"}}"#;
    const MOVES: &str =
        r#"{"type":"record","action":"update","identifiers":{"email":"u@x.y"},"fields":{"email":"v@x.y"}}"#;

    #[test]
    fn what_needs_a_contact_comes_after_the_event_that_creates_it() {
        assert_eq!(arranged(&[GROUP, TRACK, IDENTIFY, TRACK]), [2, 0, 1, 3]);
        assert_eq!(arranged(&[GROUP, OTHER, IDENTIFY]), [1, 2, 0]);
        assert_eq!(arranged(&[BY_EMAIL, IDENTIFY]), [1, 0]);
        assert_eq!(arranged(&[BY_EMAIL, INSERT]), [1, 0]);
        // Who is inserted has no user id, and may be whose email it is.
        assert_eq!(arranged(&[BY_BOTH, INSERT]), [1, 0]);
    }

    #[test]
    fn whose_contact_is_there_already_stays() {
        assert_eq!(arranged(&[IDENTIFY, GROUP, IDENTIFY]), [0, 1, 2]);
        assert_eq!(arranged(&[GROUP, OTHER]), [0, 1]);
    }

    #[test]
    fn somebody_else_with_the_same_device_or_email_is_not_the_contact() {
        let group =
            r#"{"type":"group","userId":"u","anonymousId":"a","groupId":"g","context":{"traits":{"email":"u@x.y"}}}"#;
        let track = r#"{"type":"track","userId":"u","anonymousId":"a","event":"e"}"#;
        assert_eq!(arranged(&[OTHER, group, track, IDENTIFY]), [0, 3, 1, 2]);
    }

    #[test]
    fn nothing_is_moved_across_the_end_of_its_contact() {
        assert_eq!(arranged(&[GROUP, DELETES, IDENTIFY]), [0, 1, 2]);
        assert_eq!(arranged(&[TRACK, DELETES, IDENTIFY]), [0, 1, 2]);
        assert_eq!(arranged(&[BY_EMAIL, MOVES, IDENTIFY]), [0, 1, 2]);
        assert_eq!(arranged(&[DELETES, GROUP, IDENTIFY]), [0, 2, 1]);
        assert_eq!(arranged(&[IDENTIFY, DELETES, GROUP, IDENTIFY]), [0, 1, 3, 2]);
    }

    #[test]
    fn only_the_link_to_that_company_is_not_moved_behind_a_removal() {
        assert_eq!(arranged(&[GROUP, LEAVES, IDENTIFY]), [0, 1, 2]);
        assert_eq!(arranged(&[GROUP, TRACK, ELSEWHERE, LEAVES]), [0, 3, 1, 2]);
        assert_eq!(arranged(&[GROUP, IDENTIFY, LEAVES]), [1, 0, 2]);
    }

    #[test]
    fn what_is_written_to_a_company_stays_in_order() {
        assert_eq!(arranged(&[GROUP, OF_OTHER, IDENTIFY, OF_OTHER]), [2, 0, 1, 3]);
        assert_eq!(arranged(&[GROUP, OF_OTHER, OTHER, IDENTIFY]), [2, 3, 0, 1]);
        // Unless its member leaves it meanwhile.
        assert_eq!(
            arranged(&[GROUP, OTHER, OF_OTHER, OTHER_LEAVES, IDENTIFY]),
            [1, 2, 3, 4, 0]
        );
    }
}
