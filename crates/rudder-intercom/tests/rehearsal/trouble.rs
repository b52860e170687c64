//! What does not go well.

use crate::workload::value;
use fastrand::Rng;
use serde_json::{Map, Value, json};

/// What an input may have that does not go well. Most have nothing of it, so that the promise that all can be sent is put
/// to the test as well.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    UndefinedAttribute,
    NameInAnotherCase,
    LongText,
    ForbiddenName,
    NobodyNamed,
    UnknownType,
    RecordOfNobody,
    ManyEventNames,
    ManyAttributes,
    NameOfBothModels,
    NoEvent,
    OddRejections,
    OddLookup,
    Deleted,
}

pub(crate) const TROUBLES: [Trouble; 14] = [
    Trouble::UndefinedAttribute,
    Trouble::NameInAnotherCase,
    Trouble::LongText,
    Trouble::ForbiddenName,
    Trouble::NobodyNamed,
    Trouble::UnknownType,
    Trouble::RecordOfNobody,
    Trouble::ManyEventNames,
    Trouble::ManyAttributes,
    Trouble::NameOfBothModels,
    Trouble::NoEvent,
    Trouble::OddRejections,
    Trouble::OddLookup,
    Trouble::Deleted,
];

pub(crate) fn troubled(random: &mut Rng, trouble: Trouble, events: &mut Vec<Value>, flags: &mut Vec<&'static str>) {
    let identify = |traits: Value| json!({"type": "identify", "userId": "u-0", "traits": traits});
    match trouble {
        Trouble::UndefinedAttribute => events.push(identify(json!({"shoe": value(random)}))),
        Trouble::NameInAnotherCase => events.push(identify(json!({"Plan": "pro", "plan": "free", "SEATS": 5}))),
        Trouble::LongText => {
            events.push(identify(json!({"plan": "x".repeat(300)})));
            if random.bool() {
                flags.extend(["--long-text", "as_is"]);
            }
        }
        Trouble::ForbiddenName => {
            events.push(identify(json!({"plan.": "pro"})));
            if random.bool() {
                flags.extend(["--attribute-names", "as_is"]);
            }
        }
        Trouble::NobodyNamed => events.push(json!({"type": "track", "event": "Event 1"})),
        Trouble::UnknownType => events.push(json!({"type": "page", "userId": "u-1"})),
        Trouble::RecordOfNobody => {
            events.push(json!({"type": "record", "action": "insert", "identifiers": {"phone": "+441"}, "fields": {"name": "N"}}));
        }
        Trouble::ManyEventNames => events.extend((0..125).map(|name| {
            json!({"type": "track", "userId": "u-0", "event": format!("Name {name}"), "timestamp": "2026-01-05T10:00:00Z"})
        })),
        Trouble::ManyAttributes => {
            let count = [239, 240, 241, 251][random.usize(..4)];
            let traits: Map<_, _> = (0..count).map(|at| (format!("a{at}"), json!(at))).collect();
            events.push(identify(traits.into()));
        }
        // The workspace has it for contacts, of whom it may be unset.
        Trouble::NameOfBothModels => {
            let traits = json!({"is_trial": value(random), "name": "Fern"});
            events.push(json!({"type": "group", "userId": "u-0", "groupId": "co-9", "traits": traits}));
            events.push(identify(json!({"is_trial": value(random)})));
        }
        // By what there is not, and by values of another type.
        Trouble::OddLookup => {
            let name = ["shoe", "seats", "score", "is_trial", "renewed_at"][random.usize(..5)];
            let of_person = Map::from_iter([(name.to_owned(), value(random))]);
            events.push(json!({
                "type": "group", "groupId": "co-0", "traits": {"name": "Fern"}, "context": {"traits": of_person},
                "integrations": {"Intercom": {"lookup": format!("custom_attributes.{name}")}},
            }));
        }
        // Who may come back.
        Trouble::Deleted => {
            let record = |action: &str| json!({"type": "record", "action": action, "identifiers": {"external_id": "u-3"}});
            let mut update = record("update");
            update["fields"] = json!({"name": "Ann"});
            events.extend([
                record("delete"),
                update,
                json!({"type": "track", "userId": "u-3", "event": "Event 1", "timestamp": "2026-01-05T13:00:00Z"}),
            ]);
            if random.bool() {
                events.push(json!({"type": "identify", "userId": "u-3", "traits": {"name": "Ann"}}));
            }
        }
        Trouble::NoEvent => events.push(json!("no event")),
        Trouble::OddRejections => events.extend([
            json!({"type": "track", "userId": "u-0", "event": ""}),
            json!({"type": "group", "userId": "u-0", "groupId": {}}),
            json!({"type": "identify", "userId": "", "traits": {"email": []}}),
            json!({"type": 5, "userId": "u-0"}),
            json!({"type": "record", "action": "upsert", "identifiers": {"external_id": "u-0"}}),
            json!({"type": "identify", "userId": "u-0", "integrations": {"Intercom": {"lookup": "shoe"}}}),
            json!({"type": "identify", "userId": "u-0", "integrations": {"All": false}}),
        ]),
    }
}
