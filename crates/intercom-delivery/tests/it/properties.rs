//! Whatever is answered: one outcome an event, in order for each user, and an end.

use crate::support::*;
use intercom_api::OperationId as Op;
use intercom_delivery::*;
use proptest::prelude::*;
use rudderstack_to_intercom::{CompanyKey, Identities, Plan, SaveContact};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

#[derive(Clone, Debug)]
struct Event {
    kind: u8,
    user: u8,
    /// Which of the user's identities it has, as bits; a fourth bit is an identity of the next user.
    known: u8,
    value: u8,
}

impl Event {
    fn identities(&self) -> Identities {
        let mut identities = Identities::new();
        let has = |bit: u8| self.known & (1 << bit) != 0;
        identities.user_id = has(0).then(|| format!("u{}", self.user));
        identities.anonymous_id = has(1).then(|| format!("anon{}", self.user));
        identities.email = has(2).then(|| format!("{}@x.org", self.user));
        if has(3) {
            identities.anonymous_id = Some(format!("anon{}", self.user + 1));
        }
        identities
    }

    fn plan(&self) -> Plan {
        let user = format!("u{}", self.user);
        let attributes = format!(r#"{{"a":{},"b{}":1}}"#, self.value, self.value);
        match self.kind {
            0..=2 => identify(&user, &attributes),
            3..=5 => track(&user, "x", 7),
            6 => group(&format!("k{}", self.value), Some(by_id(&user)), &["t"]),
            7 => Plan::DeleteContact(by_id(&user)),
            8 => record_update(by_id(&user), &format!(r#"{{"name":"{}"}}"#, self.value)),
            _ => {
                let mut plan = SaveContact::new(by_id(&user), fields(r#"{"name":"x"}"#));
                plan.detach = vec![CompanyKey::CompanyId("k1".into())];
                Plan::SaveContact(plan)
            }
        }
    }
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = (0..10_u8, 0..4_u8, 0..16_u8, 0..3_u8).prop_map(|(kind, user, known, value)| Event {
        kind,
        user,
        known,
        value,
    });
    prop::collection::vec(event, 1..40)
}

fn settings() -> impl Strategy<Value = EngineSettings> {
    let policies = (0..3_u8, any::<bool>(), any::<bool>());
    let savings = any::<(bool, bool, bool, bool)>();
    (1..6_usize, 1..4_u32, 1..4_usize, any::<u64>(), policies, savings).prop_map(
        |(concurrency, attempts, remembered, seed, (attributes, create, restore), savings)| {
            let mut settings = EngineSettings::new();
            settings.concurrency = concurrency.try_into().unwrap();
            settings.max_attempts = attempts.try_into().unwrap();
            settings.max_throttled = 3.try_into().unwrap();
            settings.remembered = (remembered * remembered).try_into().unwrap();
            settings.seed = seed;
            settings.attributes =
                [AttributePolicy::Fail, AttributePolicy::Drop, AttributePolicy::Create][usize::from(attributes)];
            if create {
                settings.unknown_contact = UnknownContactPolicy::Create;
            }
            if !restore {
                settings.archived = ArchivedPolicy::Fail;
            }
            settings.savings.remember_contacts = savings.0;
            settings.savings.skip_unchanged = if savings.1 {
                SkipUnchanged::Sent
            } else {
                SkipUnchanged::Off
            };
            settings.savings.merge_identifies = savings.2;
            settings.savings.batch_lookups = savings.3;
            settings
        },
    )
}

/// Anything that a call may come to.
fn anything(random: &mut fastrand::Rng, operation: Op, halts: bool) -> Reply {
    let id = format!("c{}", random.u8(0..6));
    let user = format!("u{}", random.u8(0..5));
    let (reply, _) = match random.u8(0..20) {
        0 => response(503, "<html>"),
        1 => response(429, ""),
        2 => error(408, "Request Timeout", "x"),
        3 => broken(TransportFailure::Timeout),
        4 => broken(TransportFailure::Interrupted),
        5 => gone(),
        6 => error(410, "contact_merged", "x"),
        7 => error(404, "company_not_found", "x"),
        8 => conflict(&id),
        9 => archived(&id),
        10 => undefined(["a", "b0", "b1", "tier", "other"][random.usize(0..5)]),
        11 => error(400, "parameter_invalid", "Cannot have more than 120 active event names"),
        12 => ok("not JSON"),
        13 if halts => error(401, "unauthorized", "x"),
        14 => error(422, "data_invalid", "x"),
        _ => match operation {
            Op::SearchContacts => match random.u8(0..4) {
                0 => hits(&[]),
                1 => hits(&[&contact(&id, &user), &contact("c9", "u9")]),
                _ => hits(&[&contact(&id, &user)]),
            },
            _ => ok(contact(&id, &user)),
        },
    };
    (reply, Duration::from_millis(random.u64(0..300)))
}

/// Which events are one user: those that share an identity, directly or through others.
fn users(events: &[Event]) -> Vec<usize> {
    let mut group: Vec<usize> = (0..events.len()).collect();
    let mut first: HashMap<String, usize> = HashMap::new();
    for (at, event) in events.iter().enumerate() {
        let identities = event.identities();
        for text in [identities.user_id, identities.anonymous_id, identities.email]
            .into_iter()
            .flatten()
        {
            let other = *first.entry(text).or_insert(at);
            let (from, to) = (group[at], group[other]);
            group
                .iter_mut()
                .filter(|group| **group == from)
                .for_each(|group| *group = to);
        }
    }
    group
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_event_has_one_outcome_in_its_users_order(
        events in events(),
        settings in settings(),
        seed in any::<u64>(),
        halts in prop::bool::weighted(0.2),
        stop in prop::option::weighted(0.2, 1..30_usize),
        abort in prop::option::weighted(0.1, 1..30_usize),
    ) {
        let concurrency = settings.concurrency.get();
        let mut run = Run::new(settings);
        for event in &events {
            run.submit(event.plan(), event.identities());
        }
        let users = users(&events);
        let mut random = fastrand::Rng::with_seed(seed);
        // The event that each user is at.
        let mut at: HashMap<usize, u64> = HashMap::new();
        let mut halted = false;
        let mut steps = 0;
        loop {
            steps += 1;
            prop_assert!(steps < 20_000, "no end");
            let mut disorder = None;
            let mut server = |sent: &Sent| {
                let user = users[usize::try_from(sent.event.0).unwrap() - 1];
                let last = at.entry(user).or_default();
                if sent.event.0 < *last {
                    disorder = Some((*last, sent.event.0));
                }
                *last = sent.event.0;
                let reply = anything(&mut random, sent.call.operation, halts);
                assert!(!halted, "a call after 401");
                reply
            };
            let goes_on = run.step(&mut server);
            halted = run.engine.is_halted();
            prop_assert_eq!(disorder, None, "(later, earlier)");
            prop_assert!(run.engine.status().in_flight <= concurrency);
            if stop == Some(steps) {
                run.engine.stop();
            }
            if abort == Some(steps) {
                run.engine.abort();
            }
            if !goes_on {
                break;
            }
        }
        prop_assert!(run.engine.is_idle(), "{:?}", run.engine.status());
        let ended: Vec<u64> = run.outcomes.iter().map(|outcome| outcome.event.0).collect();
        let distinct: HashSet<u64> = ended.iter().copied().collect();
        prop_assert_eq!((ended.len(), distinct.len()), (events.len(), events.len()));
        let totals = run.engine.status().totals;
        prop_assert_eq!(totals.delivered + totals.rejected + totals.failed, events.len() as u64);
        for outcome in &run.outcomes {
            if let DeliveryResult::Failed(failed) = &outcome.result {
                let event = &events[usize::try_from(outcome.event.0).unwrap() - 1];
                prop_assert_eq!(&failed.submission.plan, &event.plan());
                prop_assert_eq!(failed.submission.event, outcome.event);
            }
        }
        // The outcomes of one user come in order, unless the rest was turned away.
        if stop.is_none() && abort.is_none() && !halted {
            let mut last: HashMap<usize, u64> = HashMap::new();
            for event in ended {
                let user = users[usize::try_from(event).unwrap() - 1];
                let before = last.insert(user, event).unwrap_or(0);
                prop_assert!(before < event, "{before} before {event}");
            }
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_calls(events in events(), settings in settings(), seed in any::<u64>()) {
        let calls = || {
            let mut run = Run::new(settings.clone());
            for event in &events {
                run.submit(event.plan(), event.identities());
            }
            let mut random = fastrand::Rng::with_seed(seed);
            run.run(|sent| anything(&mut random, sent.call.operation, true));
            let calls: Vec<_> = run
                .sent
                .iter()
                .map(|sent| (sent.at, sent.event, sent.call.path.clone(), sent.body().to_owned()))
                .collect();
            (calls, run.results())
        };
        prop_assert_eq!(calls(), calls());
    }
}
