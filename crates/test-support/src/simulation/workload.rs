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
    /// Whether a person known by several identities goes by one of them at a time.
    pub(super) loose: bool,
    /// Whether contacts are looked up by phone as well.
    pub(super) phones: bool,
}

/// One who does things.
struct Person {
    number: usize,
    email: usize,
    traits: [u8; 3],
    is_known: bool,
}

impl Person {
    fn new(number: usize) -> Self {
        Self {
            number,
            email: 0,
            traits: [0; 3],
            is_known: false,
        }
    }

    fn user_id(&self) -> String {
        format!("user-{}", self.number)
    }

    fn anonymous_id(&self) -> String {
        format!("anonymous-{}", self.number)
    }

    fn email(&self) -> String {
        format!("Person.{}.{}@example.org", self.number, self.email)
    }

    fn traits(&self) -> Value {
        json!({
            "email": self.email(),
            "name": format!("Person {}", self.number),
            "plan": self.traits[0],
            "city": format!("city {}", self.traits[1]),
            "seats": f64::from(self.traits[2]) / 2.0,
        })
    }

    fn identify(&self) -> Value {
        json!({
            "type": "identify",
            "userId": self.user_id(),
            "anonymousId": self.anonymous_id(),
            "traits": self.traits(),
        })
    }
}

/// A day's events of some people.
pub(super) fn day(random: &mut Rng, people: usize, count: usize, habits: Habits) -> Vec<Happening> {
    let mut people: Vec<Person> = (0..people).map(Person::new).collect();
    let mut happenings: Vec<Happening> = Vec::with_capacity(count);
    let mut second = 0;
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
        let event = event(random, &mut people[at], second, habits);
        happenings.extend(Happening::of(at, &event));
    }
    happenings
}

fn event(random: &mut Rng, person: &mut Person, second: i64, habits: Habits) -> Value {
    let timestamp = format!(
        "2023-11-14T{:02}:{:02}:{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    );
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
        28..32 => {
            person.email = random.usize(..3);
            person.identify()
        }
        32..36 if habits.phones => json!({
            "type": "identify",
            "userId": person.user_id(),
            "anonymousId": person.anonymous_id(),
            "traits": { "email": person.email(), "phone": format!("+44 {}", person.number) },
            "integrations": { "Intercom": { "lookup": "phone" } },
        }),
        36..40 => json!({
            "type": "identify",
            "userId": person.user_id(),
            "traits": { "plan": random.u8(..3), "extra": random.bool() },
        }),
        40..43 if habits.loose => json!({
            "type": "identify",
            "traits": { "email": person.email(), "city": format!("city {}", random.u8(..3)) },
        }),
        43..46 => json!({
            "type": "identify",
            "userId": person.user_id(),
            "anonymousId": person.anonymous_id(),
            "traits": {
                "email": person.email(),
                "company": { "id": format!("company-{}", random.u8(..3)), "remove": true },
            },
        }),
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
            "properties": { "email": person.email() },
        }),
        _ => json!({
            "type": "track",
            "userId": person.user_id(),
            "anonymousId": person.anonymous_id(),
            "event": format!("event {}", random.u8(..5)),
            "timestamp": timestamp,
            "properties": { "n": second, "plan": "x" },
        }),
    }
}

fn group(random: &mut Rng, person: &Person) -> Value {
    let company = random.u8(..3);
    let mut traits = json!({ "name": format!("Company {company}"), "plan": "pro", "employees": random.u8(..3) });
    if random.bool() {
        traits["tags"] = json!([format!("tag {}", random.u8(..2)), "all"]);
    }
    json!({
        "type": "group",
        "userId": person.user_id(),
        "anonymousId": person.anonymous_id(),
        "groupId": format!("company-{company}"),
        "traits": traits,
    })
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

/// Traffic as a shop has it, for counting calls: a quarter of it identify, of which nine in ten change nothing, 65 % track,
/// a tenth group, by this many people. Whoever does something for the first time is identified.
pub fn traffic(count: usize, people: usize, seed: u64) -> Vec<Happening> {
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
            Card::Track => json!({
                "type": "track",
                "userId": person.user_id(),
                "anonymousId": person.anonymous_id(),
                "event": format!("event {}", random.u8(..40)),
                "timestamp": 1_700_000_000 + happenings.len(),
                "properties": { "n": happenings.len() },
            }),
            Card::Group { is_tagged } => {
                let company = at % 60;
                let mut traits = json!({ "name": format!("Company {company}"), "plan": "pro" });
                if is_tagged {
                    traits["tags"] = json!(["b2b"]);
                }
                json!({
                    "type": "group",
                    "userId": person.user_id(),
                    "anonymousId": person.anonymous_id(),
                    "groupId": format!("company-{company}"),
                    "traits": traits,
                })
            }
        };
        happenings.extend(Happening::of(at, &event));
    }
    happenings
}
