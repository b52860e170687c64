//! What people do: RudderStack events, converted as the program converts them.

use crate::Outcome;
use fastrand::Rng;
use intercom_delivery::{EventId, Submission};
use rudderstack_to_intercom::{Destination, Identities, Plan};
use serde_json::{Value, json};
use std::fmt;

/// Something that somebody did, ready to be delivered.
#[derive(Clone)]
pub struct Happening {
    /// Who did it.
    pub person: usize,
    /// The company that it is about.
    pub company: Option<String>,
    /// What is to be done in Intercom.
    pub plan: Plan,
    /// Whom it is about.
    pub identities: Identities,
}

impl fmt::Debug for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Happening")
            .field("person", &self.person)
            .field("company", &self.company)
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

impl Happening {
    fn of(person: usize, event: &Value) -> Option<Self> {
        let outcome = Outcome::untraced(&event.to_string(), &Destination::new());
        let conversion = outcome.conversion()?;
        let company = match &conversion.plan {
            Plan::SaveCompany(plan) => plan.company.company_id.as_ref().map(|id| id.as_str().to_owned()),
            _ => None,
        };
        Some(Self {
            person,
            company,
            plan: conversion.plan.clone(),
            identities: conversion.identities.clone(),
        })
    }

    /// It as a submission, under a number.
    pub fn submission(&self, number: usize) -> Submission {
        let event = EventId(u64::try_from(number).unwrap_or(u64::MAX));
        Submission::new(event, self.plan.clone(), self.identities.clone())
    }
}

/// What people may do besides the usual.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    /// Whether contacts are deleted, and events sent before their contact exists. What comes of these depends on when they
    /// are delivered, so that delivering one again may come to something else.
    pub(super) fragile: bool,
    /// Whether people join companies and are seen before they are identified, which then waits for it.
    pub(super) early: bool,
    /// Whether a person known by several identities goes by one of them at a time.
    pub(super) loose: bool,
    /// Whether contacts are looked up by phone as well.
    pub(super) phones: bool,
    /// Whether people change their email address.
    pub(super) moves: bool,
    /// Whether records do so.
    pub(super) records: bool,
    /// Whether an email address that somebody has given up becomes somebody else's.
    pub(super) handed_down: bool,
    /// Whether some people share one mailbox.
    pub(super) shared: bool,
    /// Whether some people are leads before they sign up.
    pub(super) leads: bool,
}

/// One who does things.
struct Person {
    number: usize,
    email: String,
    traits: [u8; 3],
    is_known: bool,
    /// Whether the email address is that of others as well.
    shares: bool,
}

/// The address of a mailbox that several people share.
pub(super) const SHARED: &str = "office@example.org";

impl Person {
    fn new(number: usize) -> Self {
        Self {
            number,
            email: format!("Person.{number}.0@example.org"),
            traits: [0; 3],
            is_known: false,
            shares: false,
        }
    }

    fn user_id(&self) -> String {
        format!("user-{}", self.number)
    }

    fn anonymous_id(&self) -> String {
        format!("anonymous-{}", self.number)
    }

    fn traits(&self) -> Value {
        json!({
            "email": self.email,
            "name": format!("Person {}", self.number),
            "plan": self.traits[0],
            "city": format!("city {}", self.traits[1]),
            "seats": f64::from(self.traits[2]) / 2.0,
        })
    }

    /// An event with all that identifies the person.
    fn event(&self, kind: &str, rest: Value) -> Value {
        let mut event = rest;
        event["type"] = kind.into();
        event["userId"] = self.user_id().into();
        event["anonymousId"] = self.anonymous_id().into();
        event
    }

    fn identify(&self) -> Value {
        self.event("identify", json!({ "traits": self.traits() }))
    }

    fn join(&self, company: usize, mut traits: Value) -> Value {
        traits["name"] = format!("Company {company}").into();
        traits["plan"] = "pro".into();
        self.event(
            "group",
            json!({ "groupId": format!("company-{company}"), "traits": traits }),
        )
    }
}

/// A day's events of some people.
pub(super) fn day(random: &mut Rng, people: usize, count: usize, habits: Habits) -> Vec<Happening> {
    let mut people: Vec<Person> = (0..people).map(Person::new).collect();
    for person in people.iter_mut().filter(|_| habits.shared) {
        if random.bool() {
            person.email = SHARED.to_owned();
            person.shares = true;
        }
    }
    let mut happenings: Vec<Happening> = Vec::with_capacity(count);
    let mut second = 0;
    // Email addresses that have been given up.
    let mut free = Vec::new();
    while happenings.len() < count {
        second += 1;
        let at = random.usize(..people.len());
        if random.u8(..100) < 4
            && let Some(again) = (!happenings.is_empty()).then(|| random.usize(..happenings.len()))
        {
            // The same event once more.
            if habits.fragile || !matches!(happenings[again].plan, Plan::DeleteContact(_)) {
                happenings.push(happenings[again].clone());
            }
            continue;
        }
        let event = event(random, &mut people[at], &mut free, second, habits);
        happenings.extend(Happening::of(at, &event));
    }
    happenings
}

fn event(random: &mut Rng, person: &mut Person, free: &mut Vec<String>, second: i64, habits: Habits) -> Value {
    let timestamp = format!(
        "2023-11-14T{:02}:{:02}:{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    );
    // Whoever goes by an email that others have may be any of them.
    let habits = Habits {
        loose: habits.loose && !person.shares,
        moves: habits.moves && !person.shares,
        leads: habits.leads && !person.shares,
        ..habits
    };
    if habits.leads && !person.is_known && random.u8(..3) == 0 {
        return json!({
            "type": "identify",
            "traits": { "email": person.email, "role": "lead", "city": format!("city {}", random.u8(..3)) },
        });
    }
    if habits.early && !person.is_known && random.u8(..3) == 0 {
        return match random.bool() {
            true => group(random, person),
            false => seen(random, person, second, &timestamp),
        };
    }
    let is_early = habits.fragile && random.u8(..4) == 0;
    if !person.is_known && !is_early {
        person.is_known = true;
        return person.identify();
    }
    let dice = random.u8(..100);
    match dice {
        0..20 => person.identify(),
        20..28 => {
            let which = random.usize(..3);
            person.traits[which] = random.u8(..3);
            person.identify()
        }
        28..32 if habits.moves => {
            let other = match habits.handed_down && !free.is_empty() && random.bool() {
                true => free.remove(random.usize(..free.len())),
                false => format!("Person.{}.{}@example.org", person.number, random.usize(..3)),
            };
            free.retain(|email| *email != other);
            free.push(std::mem::replace(&mut person.email, other));
            person.identify()
        }
        72..75 if habits.moves && habits.records => {
            let before = person.email.clone();
            person.email = format!("Person.{}.r{second}@example.org", person.number);
            free.push(before.clone());
            json!({
                "type": "record",
                "action": "update",
                "identifiers": { "email": before },
                "fields": { "email": person.email, "name": format!("Moved {}", random.u8(..2)) },
            })
        }
        32..36 if habits.phones => {
            let rest = json!({
                "traits": { "email": person.email, "phone": format!("+44 {}", person.number) },
                "integrations": { "Intercom": { "lookup": "phone" } },
            });
            person.event("identify", rest)
        }
        36..40 => json!({
            "type": "identify",
            "userId": person.user_id(),
            "traits": { "plan": random.u8(..3), "extra": random.bool() },
        }),
        40..43 if habits.loose => json!({
            "type": "identify",
            "traits": { "email": person.email, "city": format!("city {}", random.u8(..3)) },
        }),
        43..46 => {
            let company = json!({ "id": format!("company-{}", random.u8(..3)), "remove": true });
            let rest = json!({ "traits": { "email": person.email, "company": company } });
            person.event("identify", rest)
        }
        46..49 => json!({
            "type": "record",
            "action": if random.bool() { "insert" } else { "update" },
            "identifiers": { "external_id": person.user_id() },
            "fields": { "name": format!("Record {}", random.u8(..2)), "custom_attributes": { "plan": random.u8(..3) } },
        }),
        49..51 if habits.fragile => json!({
            "type": "record",
            "action": "delete",
            "identifiers": { "external_id": person.user_id() },
        }),
        51..68 => group(random, person),
        68..72 if habits.loose => json!({
            "type": "track",
            "event": "email opened",
            "timestamp": timestamp,
            "properties": { "email": person.email },
        }),
        _ => seen(random, person, second, &timestamp),
    }
}

fn seen(random: &mut Rng, person: &Person, second: i64, timestamp: &str) -> Value {
    let rest = json!({
        "event": format!("event {}", random.u8(..5)),
        "timestamp": timestamp,
        "properties": { "n": second, "plan": "x" },
    });
    person.event("track", rest)
}

fn group(random: &mut Rng, person: &Person) -> Value {
    let mut traits = json!({ "employees": random.u8(..3) });
    if random.bool() {
        traits["tags"] = json!([format!("tag {}", random.u8(..2)), "all"]);
    }
    person.join(random.usize(..3), traits)
}

/// What the next event of some traffic is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Card {
    Identify { changes: bool },
    Track,
    Group { is_tagged: bool },
}

/// Exactly a quarter identify, of which nine in ten change nothing, 65 % track, and a tenth group, of which one in ten has a tag.
fn deck() -> Vec<Card> {
    let identify = (0..50).map(|at| Card::Identify { changes: at % 10 == 0 });
    let group = (0..20).map(|at| Card::Group {
        is_tagged: at % 10 == 0,
    });
    identify
        .chain(group)
        .chain(std::iter::repeat_n(Card::Track, 130))
        .collect()
}

/// An identify of each of so many people, of whom some have another trait than usual.
pub(super) fn sign_ups(people: usize, has_changed: impl Fn(usize) -> bool) -> Vec<Happening> {
    let sign_up = |number| {
        let mut person = Person::new(number);
        person.traits[0] = u8::from(has_changed(number));
        Happening::of(number, &person.identify())
    };
    (0..people).filter_map(sign_up).collect()
}

/// Traffic as a shop has it, for counting calls: a quarter of it identify, of which nine in ten change nothing, 65 % track,
/// a tenth group, by this many people. Whoever does something for the first time is identified.
pub(super) fn traffic(count: usize, people: usize, seed: u64) -> Vec<Happening> {
    let random = &mut Rng::with_seed(seed);
    let mut people: Vec<Person> = (0..people).map(Person::new).collect();
    let mut happenings = Vec::with_capacity(count);
    let mut cards = Vec::new();
    while happenings.len() < count {
        if cards.is_empty() {
            cards = deck();
            random.shuffle(&mut cards);
        }
        let at = random.usize(..people.len());
        let person = &mut people[at];
        // The next identify of the deck, if the person is to be identified first.
        let is_identify = |card: &Card| matches!(card, Card::Identify { .. });
        let next = match person.is_known {
            true => cards.len() - 1,
            false => match cards.iter().rposition(is_identify) {
                Some(next) => next,
                None => continue,
            },
        };
        person.is_known = true;
        let event = match cards.remove(next) {
            Card::Identify { changes } => {
                if changes {
                    let which = random.usize(..3);
                    person.traits[which] = person.traits[which].wrapping_add(1);
                }
                person.identify()
            }
            Card::Track => {
                let rest = json!({
                    "event": format!("event {}", random.u8(..40)),
                    "timestamp": 1_700_000_000 + happenings.len(),
                    "properties": { "n": happenings.len() },
                });
                person.event("track", rest)
            }
            Card::Group { is_tagged: true } => person.join(at % 60, json!({ "tags": ["b2b"] })),
            Card::Group { is_tagged: false } => person.join(at % 60, json!({})),
        };
        happenings.extend(Happening::of(at, &event));
    }
    happenings
}
