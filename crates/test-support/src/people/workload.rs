//! Random events of a few people, as RudderStack sends them.

use super::happening::{Action, Fields, Happening, Identity, LATE, LATE_OF_COMPANY, SHARED};
use fastrand::Rng;
use serde_json::{Map, Value, json};

/// The second of the first event.
const START: i64 = 1_750_000_000;

/// What events there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mix {
    /// Identify, track and group, with removals from companies; everybody keeps who they are.
    Events,
    /// Records besides, which insert and delete people and give them another email.
    Records,
    /// What a website sends of many new people: identify 43 %, group 17 %, track 40 %. Companies stay as they are: across
    /// people, nobody keeps order.
    Site(Site),
    /// What a website sends of people of whom most do something before they are identified; nobody leaves a company.
    Early,
    /// Records of a warehouse besides, of fewer people; companies stay as they are.
    Warehouse,
    /// The same, and some have an attribute that the workspace does not have at first.
    Late,
}

/// A website.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    /// How many people come.
    pub(crate) people: usize,
    /// How many are there at a time.
    at_a_time: usize,
    companies: usize,
    has_tags: bool,
}

impl Site {
    /// One of few people and companies, which have tags.
    pub(crate) const SMALL: Self = Self {
        people: 30,
        at_a_time: 10,
        companies: 3,
        has_tags: true,
    };

    /// One like that on which the real rudder-server was seen, of so many people.
    pub(crate) fn measured(people: usize) -> Self {
        Self {
            people,
            at_a_time: 300,
            companies: (people / 10).max(1),
            has_tags: false,
        }
    }
}

impl Mix {
    fn has_records(self) -> bool {
        matches!(self, Self::Records | Self::Warehouse | Self::Late)
    }

    fn people(self, random: &mut Rng) -> usize {
        match self {
            Self::Events | Self::Records => random.usize(2..9),
            Self::Site(site) => site.people,
            Self::Early => 12,
            Self::Warehouse | Self::Late => random.usize(4..12),
        }
    }

    /// Who does something next. On a website, people come, do what they came for, and leave.
    fn whose_turn(self, random: &mut Rng, event: i64, events: i64, people: usize) -> usize {
        match self {
            Self::Events | Self::Records | Self::Early | Self::Warehouse | Self::Late => random.usize(0..people),
            Self::Site(site) => {
                let there = site.at_a_time;
                let passed = usize::try_from(event).unwrap_or_default() * (people + there);
                let newest = passed / usize::try_from(events).unwrap_or(1).max(1);
                let last = newest.min(people - 1);
                random.usize(newest.saturating_sub(there).min(last)..=last)
            }
        }
    }

    fn events(self, random: &mut Rng) -> i64 {
        match self {
            Self::Early => 90,
            Self::Events | Self::Records | Self::Warehouse | Self::Late => random.i64(20..90),
            Self::Site(site) => i64::try_from(site.people * 28 / 5).unwrap_or(i64::MAX),
        }
    }
}

/// What depends on whether calls may take effect twice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kinds {
    /// Whether there are leads. Intercom takes a second lead for another person, so that what is tried twice may be there
    /// twice.
    pub(crate) leads: bool,
    /// Whether there are people without a user id: where several users can have one email, the same holds for them.
    pub(crate) nameless: bool,
}

struct Person {
    identity: Identity,
    /// Whether somebody must be identified before anything else happens to them.
    is_new: bool,
    emails: u32,
}

/// Random events.
pub(crate) fn random(random: &mut Rng, mix: Mix, kinds: Kinds) -> Vec<Happening> {
    let people = 0..mix.people(random);
    let mut people: Vec<Person> = people.map(|at| person(random, at, mix, kinds)).collect();
    let count = mix.events(random);
    let mut happenings: Vec<Happening> = (0..count)
        .map(|second| {
            let at = mix.whose_turn(random, second, count, people.len());
            happening(random, &mut people[at], at, mix, kinds, START + second)
        })
        .collect();
    // One of whom nobody has ever heard.
    if random.u8(0..4) == 0 {
        happenings.push(Happening {
            identity: Identity {
                user_id: Some("stranger".to_owned()),
                email: None,
            },
            action: Action::Track {
                name: "Seen".to_owned(),
            },
            at: START + count,
        });
    }
    happenings
}

fn person(random: &mut Rng, at: usize, mix: Mix, kinds: Kinds) -> Person {
    let user_id = Some(format!("user-{at}"));
    let email = Some(format!("p{at}.0@people.example"));
    let identity = match random.u8(0..7) {
        0 if !mix.has_records() => Identity { user_id, email: None },
        1 if kinds.nameless => Identity { user_id: None, email },
        2 | 3 if mix == Mix::Events => Identity {
            user_id,
            email: Some(SHARED.to_owned()),
        },
        _ => Identity { user_id, email },
    };
    Person {
        identity,
        is_new: true,
        emails: 0,
    }
}

fn happening(random: &mut Rng, person: &mut Person, number: usize, mix: Mix, kinds: Kinds, at: i64) -> Happening {
    let mut identity = person.identity.clone();
    let is_own = identity.email.as_deref().is_some_and(|email| email != SHARED);
    if kinds.leads && person.is_new && is_own && identity.user_id.is_some() && random.u8(0..4) == 0 {
        identity.user_id = None;
        return Happening {
            identity,
            action: Action::Visit,
            at,
        };
    }
    let is_early = match mix {
        Mix::Events => random.u8(0..3) == 0,
        Mix::Early => random.u8(0..4) != 0,
        Mix::Records | Mix::Site(_) | Mix::Warehouse | Mix::Late => false,
    };
    if person.is_new && is_early {
        return early(random, identity, mix, at);
    }
    let kind = if person.is_new { 0 } else { random.u8(0..20) };
    // Identify 31 %, group 21 %, track 48 % of what comes after the first: 43, 17 and 40 % of all.
    let kind = match mix {
        Mix::Site(_) | Mix::Early if kind > 0 => {
            [1, 1, 2, 2, 3, 8, 8, 9, 10, 19, 19, 19, 19, 19, 19, 19, 19, 19, 19][usize::from(kind - 1)]
        }
        Mix::Site(_) | Mix::Early | Mix::Events | Mix::Records | Mix::Warehouse | Mix::Late => kind,
    };
    let action = match (kind, mix) {
        (0, Mix::Records | Mix::Warehouse | Mix::Late) if random.bool() => {
            Action::Insert(late(contact_fields(random), random, mix, true))
        }
        (0..=5, _) => Action::Identify {
            fields: late(contact_fields(random), random, mix, true),
            leaves: Vec::new(),
        },
        (6 | 7, _) => Action::Identify {
            fields: late(contact_fields(random), random, mix, true),
            leaves: vec![company(random, mix)],
        },
        (8..=11, Mix::Site(_) | Mix::Early | Mix::Warehouse | Mix::Late) => {
            let company = company(random, mix);
            let fields = late(same_fields(&company), random, mix, false);
            Action::Group {
                company,
                fields,
                tags: tags(random, mix),
            }
        }
        (8..=11, Mix::Events | Mix::Records) => Action::Group {
            company: company(random, mix),
            fields: company_fields(random),
            tags: tags(random, mix),
        },
        (12 | 13, Mix::Records | Mix::Warehouse | Mix::Late) => {
            person.emails += 1;
            let new_email = Some(format!("p{number}.{}@people.example", person.emails));
            person.identity.email.clone_from(&new_email);
            // One that is late would leave somebody without the email by which they are called from now on.
            let fields = contact_fields(random);
            Action::Update { fields, new_email }
        }
        (14, Mix::Records | Mix::Warehouse | Mix::Late) => Action::Update {
            fields: late(contact_fields(random), random, mix, true),
            new_email: None,
        },
        (15, Mix::Records | Mix::Warehouse | Mix::Late) => {
            person.is_new = true;
            return Happening {
                identity,
                action: Action::Delete,
                at,
            };
        }
        _ => Action::Track {
            name: format!("Event {}", random.u8(0..4)),
        },
    };
    person.is_new = false;
    Happening { identity, action, at }
}

/// Something that comes before the contact is there.
fn early(random: &mut Rng, identity: Identity, mix: Mix, at: i64) -> Happening {
    let action = match random.bool() {
        true => Action::Track {
            name: format!("Event {}", random.u8(0..4)),
        },
        false => {
            let company = company(random, mix);
            let fields = match mix {
                Mix::Early => same_fields(&company),
                _ => company_fields(random),
            };
            let tags = tags(random, mix);
            Action::Group { company, fields, tags }
        }
    };
    Happening { identity, action, at }
}

/// Adds the attribute that the workspace does not have at first to some.
fn late(mut fields: Fields, random: &mut Rng, mix: Mix, is_contact: bool) -> Fields {
    if mix == Mix::Late && random.u8(0..5) == 0 {
        // Of a company always the same: across people, nobody keeps order.
        let (name, value) = if is_contact {
            (LATE, random.u8(..))
        } else {
            (LATE_OF_COMPANY, 1)
        };
        fields.custom.insert(name, json!(value));
    }
    fields
}

fn company(random: &mut Rng, mix: Mix) -> String {
    let companies = match mix {
        Mix::Site(site) => site.companies,
        Mix::Events | Mix::Records | Mix::Early | Mix::Warehouse | Mix::Late => 3,
    };
    format!("company-{}", random.usize(0..companies))
}

fn contact_fields(random: &mut Rng) -> Fields {
    let mut fields = Fields::default();
    if random.bool() {
        fields.standard.insert("name", json!(format!("Name {}", random.u8(..))));
    }
    if random.u8(0..4) == 0 {
        fields
            .standard
            .insert("phone", json!(format!("+1555{:04}", random.u16(0..10_000))));
    }
    for name in ["plan", "seats", "vip"] {
        let value = match (random.u8(0..8), name) {
            (0, _) => Value::Null,
            (1..=3, "plan") => json!(["free", "pro", "max"][random.usize(0..3)]),
            (1..=3, "seats") => json!(random.u8(..)),
            (1..=3, _) => json!(random.bool()),
            _ => continue,
        };
        fields.custom.insert(name, value);
    }
    fields
}

fn company_fields(random: &mut Rng) -> Fields {
    let mut fields = Fields::default();
    if random.bool() {
        fields
            .standard
            .insert("name", json!(format!("Company {}", random.u8(..))));
    }
    if random.bool() {
        fields
            .standard
            .insert("industry", json!(["Tea", "Ink"][random.usize(0..2)]));
    }
    if random.bool() {
        fields
            .custom
            .insert("city", json!(["Leeds", "Ghent", "Bergen"][random.usize(0..3)]));
    }
    fields
}

/// Fields of a company that are the same whoever tells them.
fn same_fields(company: &str) -> Fields {
    let mut fields = Fields::default();
    fields.standard.insert("name", json!(company));
    fields
}

fn tags(random: &mut Rng, mix: Mix) -> Vec<String> {
    if matches!(mix, Mix::Site(site) if !site.has_tags) {
        return Vec::new();
    }
    let all = ["tall", "round"];
    all.iter()
        .filter(|_| random.u8(0..4) == 0)
        .map(|tag| (*tag).to_owned())
        .collect()
}

/// The event as an SDK or a reverse ETL sends it.
pub(crate) fn event(happening: &Happening, number: usize) -> Value {
    let Identity { user_id, email } = &happening.identity;
    let time = chrono::DateTime::from_timestamp(happening.at, 0).unwrap_or_default();
    let mut event = json!({
        "messageId": format!("m-{number}"),
        "timestamp": time.to_rfc3339(),
        "context": {"traits": {}},
    });
    if let Some(user_id) = user_id {
        event["userId"] = json!(user_id);
    }
    if let Some(email) = email {
        event["context"]["traits"]["email"] = json!(email);
    }
    let set = |event: &mut Value, members: Value| {
        if let (Value::Object(event), Value::Object(members)) = (event, members) {
            event.extend(members);
        }
    };
    match &happening.action {
        Action::Identify { fields, leaves } => {
            let mut traits = traits(fields);
            if let Some(email) = email {
                traits.insert("email".to_owned(), json!(email));
            }
            if let [company] = leaves.as_slice() {
                traits.insert("company".to_owned(), json!({"id": company, "remove": true}));
            }
            set(&mut event, json!({"type": "identify", "traits": traits}));
        }
        Action::Visit => set(
            &mut event,
            json!({"type": "identify", "traits": {"email": email, "role": "lead"}}),
        ),
        Action::Track { name } => set(&mut event, json!({"type": "track", "event": name})),
        Action::Group { company, fields, tags } => {
            let mut traits = traits(fields);
            if !tags.is_empty() {
                traits.insert("tags".to_owned(), json!(tags));
            }
            set(
                &mut event,
                json!({"type": "group", "groupId": company, "traits": traits}),
            );
        }
        Action::Insert(fields) => record(&mut event, &happening.identity, "insert", Some(fields), None),
        Action::Update { fields, new_email } => {
            record(
                &mut event,
                &happening.identity,
                "update",
                Some(fields),
                new_email.as_ref(),
            );
        }
        Action::Delete => record(&mut event, &happening.identity, "delete", None, None),
    }
    event
}

fn record(event: &mut Value, who: &Identity, action: &str, fields: Option<&Fields>, new_email: Option<&String>) {
    let mut values = Map::new();
    if let Some(fields) = fields {
        values.extend(
            fields
                .standard
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone())),
        );
        if !fields.custom.is_empty() {
            values.insert("custom_attributes".to_owned(), json!(fields.custom));
        }
    }
    let mut identifiers = Map::new();
    if let Some(email) = &who.email {
        identifiers.insert("email".to_owned(), json!(email));
    }
    if let Some(user_id) = &who.user_id {
        identifiers.insert("external_id".to_owned(), json!(user_id));
    }
    if let Some(email) = new_email {
        values.insert("email".to_owned(), json!(email));
    }
    *event = json!({
        "type": "record",
        "action": action,
        "messageId": event["messageId"],
        "timestamp": event["timestamp"],
        "identifiers": identifiers,
        "fields": values,
    });
}

fn traits(fields: &Fields) -> Map<String, Value> {
    let all = fields.standard.iter().chain(&fields.custom);
    all.map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}
