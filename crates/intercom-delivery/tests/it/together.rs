//! Several people, looked up by one search.

use crate::support::*;
use intercom_api::OperationId as Op;
use intercom_delivery::*;
use intercom_sandbox::{Sandbox, Settings};
use rudderstack_to_intercom::{Identities, Lookup, Plan, SaveContact};
use std::time::Duration;

/// An identify with a user id and an email.
fn named(user: &str, email: &str) -> (Plan, Identities) {
    let body = format!(r#"{{"external_id":"{user}","email":"{email}"}}"#);
    let plan = SaveContact::new(by_email(&email.to_lowercase(), Some(user)), fields(&body));
    (Plan::SaveContact(plan), who(user))
}

/// So many people who are not known, all of them waiting.
fn people(count: usize) -> Run {
    let mut run = Run::new(side_by_side());
    for at in 0..count {
        let (plan, identities) = named(&format!("u{at}"), &format!("P{at}@x.org"));
        run.submit(plan, identities);
    }
    run
}

fn searches(run: &Run) -> Vec<&str> {
    let is_search = |sent: &&Sent| sent.call.operation == Op::SearchContacts;
    run.sent.iter().filter(is_search).map(Sent::body).collect()
}

fn created(sent: &Sent) -> Reply {
    ok(contact(
        &format!("new-{}", sent.event),
        &format!("u{}", sent.event.0 - 1),
    ))
}

/// Whether the search is for somebody alone.
fn is_alone(sent: &Sent) -> bool {
    !sent.body().contains("per_page")
}

#[test]
fn fifteen_people_are_looked_up_by_one_search() {
    let mut sandbox = Sandbox::new(Settings::default());
    let mut run = people(40);
    run.run(|sent| ask(&mut sandbox, sent));
    assert_eq!(run.results(), ["delivered"; 40]);
    assert_eq!((searches(&run).len(), run.sent.len()), (3, 43));
    let totals = run.engine.status().totals;
    assert_eq!((totals.searches, totals.looked_up), (3, 40));
    assert_eq!(sandbox.state().contacts.len(), 40);
    let calls = |outcome: &Outcome| u64::from(delivered(outcome).calls);
    assert_eq!(run.outcomes.iter().map(calls).sum::<u64>(), 43, "each call counts once");
}

#[test]
fn a_search_for_several_names_each_once() {
    let mut run = people(2);
    let (plan, identities) = named("u2", "p0@x.org");
    run.submit(plan, identities);
    run.submit(identify("u3", "{}"), who("u3"));
    run.run(|sent| match sent.call.operation {
        Op::SearchContacts => hits(&[]),
        _ => created(sent),
    });
    let ids = r#"{"field":"external_id","operator":"IN","value":["u0","u1","u2","u3"]}"#;
    let emails = r#"{"field":"email","operator":"IN","value":["p0@x.org","p1@x.org"]}"#;
    let query = format!(r#"{{"operator":"OR","value":[{ids},{emails}]}}"#);
    let search = format!(r#"{{"query":{query},"pagination":{{"per_page":150}}}}"#);
    assert_eq!(searches(&run), [search]);
}

#[test]
fn one_person_is_looked_up_at_once_and_alone() {
    let mut run = people(1);
    run.run(|sent| match sent.call.operation {
        Op::SearchContacts => {
            assert!(sent.at == START && is_alone(sent));
            hits(&[])
        }
        _ => created(sent),
    });
}

#[test]
fn each_hit_goes_to_whom_it_belongs() {
    let mut run = people(3);
    let other = r#"{"id":"c9","external_id":"u9","email":"P2@x.org","role":"user"}"#;
    let lead = r#"{"id":"c1","email":"p1@X.org","role":"lead"}"#;
    run.run(|sent| match (sent.call.operation, sent.event.0) {
        (Op::SearchContacts, _) => hits(&[other, &contact("c0", "u0"), lead]),
        (Op::UpdateContact, event) => ok(contact(&format!("c{}", event - 1), &format!("u{}", event - 1))),
        (_, event) => {
            assert_eq!(event, 3, "somebody else has the email");
            created(sent)
        }
    });
    assert_eq!(run.results(), ["delivered"; 3]);
    let mut paths: Vec<&str> = run.sent[1..].iter().map(|sent| sent.call.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["/contacts", "/contacts/c0", "/contacts/c1"]);
}

#[test]
fn a_page_that_may_not_show_all_is_followed_by_searches_for_each() {
    let full: Vec<String> = (0..150)
        .map(|at| format!(r#"{{"id":"d{at}","email":"p0@x.org"}}"#))
        .collect();
    let stranger = r#"{"id":"d1","email":"somebody@else.org"}"#;
    let pages = [
        format!(r#"{{"data":[{}]}}"#, full.join(",")),
        format!(r#"{{"data":[{}],"total_count":2}}"#, full[0]),
        format!(
            r#"{{"data":[{}],"pages":{{"next":{{"starting_after":"x"}}}}}}"#,
            full[0]
        ),
        format!(r#"{{"data":[{stranger}]}}"#),
    ];
    for page in pages {
        let mut run = people(3);
        run.run(|sent| match sent.call.operation {
            Op::SearchContacts if is_alone(sent) => hits(&[]),
            Op::SearchContacts => ok(page.clone()),
            _ => created(sent),
        });
        assert_eq!(searches(&run).len(), 4, "{page}");
        assert_eq!(run.results(), ["delivered"; 3]);
    }
}

#[test]
fn one_odd_value_does_not_fail_the_others() {
    let mut run = people(3);
    let (plan, identities) = named("u3", "odd@x.org");
    run.submit(plan, identities);
    run.run(|sent| match sent.call.operation {
        Op::SearchContacts if sent.body().contains("odd") => error(400, "parameter_invalid", "no such value"),
        Op::SearchContacts => hits(&[]),
        _ => created(sent),
    });
    assert_eq!(
        run.results(),
        ["delivered", "delivered", "delivered", "failed bad_request"]
    );
    // In lists, by filters, and each alone.
    assert_eq!(searches(&run).len(), 6);
}

#[test]
fn where_lists_are_refused_filters_do_and_lists_are_not_tried_for_ever() {
    let mut settings = side_by_side();
    settings.concurrency = 1.try_into().unwrap();
    let mut run = Run::new(settings);
    for at in 0..70 {
        run.submit(identify(&format!("u{at}"), "{}"), who(&format!("u{at}")));
    }
    run.run(|sent| match sent.call.operation {
        Op::SearchContacts if sent.body().contains("IN") => error(400, "parameter_invalid", "no lists"),
        Op::SearchContacts => hits(&[]),
        _ => created(sent),
    });
    assert_eq!(run.results(), ["delivered"; 70]);
    let lists = searches(&run).iter().filter(|search| search.contains("IN")).count();
    assert_eq!((lists, searches(&run).len()), (3, 8));
}

#[test]
fn a_search_for_several_that_fails_in_passing_is_made_again() {
    for failing in [
        response(503, ""),
        response(429, ""),
        broken(TransportFailure::Timeout),
        ok("<html>"),
    ] {
        let mut run = people(5);
        let mut made = 0;
        run.run(|sent| match sent.call.operation {
            Op::SearchContacts => {
                made += 1;
                if made == 1 { failing.clone() } else { hits(&[]) }
            }
            _ => created(sent),
        });
        assert_eq!(run.results(), ["delivered"; 5]);
        assert_eq!(searches(&run).len(), 2, "together again");
    }
    // What fails again may be due to one of them.
    let mut run = people(5);
    run.run(|sent| match sent.call.operation {
        Op::SearchContacts if !is_alone(sent) => response(500, ""),
        Op::SearchContacts => hits(&[]),
        _ => created(sent),
    });
    assert_eq!(run.results(), ["delivered"; 5]);
    assert_eq!(searches(&run).len(), 7);
}

#[test]
fn a_refused_token_ends_all_who_are_looked_up() {
    let mut run = people(5);
    run.run(|_| error(401, "unauthorized", "Access Token Invalid"));
    assert_eq!(run.results(), ["failed unauthorized"; 5]);
    assert_eq!(run.sent.len(), 1);
}

#[test]
fn what_is_learnt_while_the_search_is_under_way_is_known_when_it_is_answered() {
    let mut run = people(2);
    // This one is looked up by a search of its own, which is faster, and turns out to be one of the others.
    let lookup = Lookup::new("phone".parse().unwrap(), "1");
    let mut plan = SaveContact::new(lookup, fields(r#"{"phone":"1"}"#));
    plan.update.external_id = Some("u1".into());
    let mut identities = Identities::new();
    identities.anonymous_id = Some("a".to_owned());
    run.submit(Plan::SaveContact(plan), identities);
    run.run(|sent| match (sent.call.operation, sent.event.0) {
        (Op::SearchContacts, 3) => hits(&[]),
        (Op::SearchContacts, _) => (hits(&[]).0, Duration::from_secs(1)),
        (Op::CreateContact, 3) => ok(contact("c1", "u1")),
        (Op::UpdateContact, 2) => ok(contact("c1", "u1")),
        _ => created(sent),
    });
    assert_eq!(run.results(), ["delivered"; 3]);
    let updates = run
        .operations()
        .iter()
        .filter(|call| **call == Op::UpdateContact)
        .count();
    assert_eq!(updates, 1, "the search does not show yet who was created meanwhile");
}

#[test]
fn members_are_looked_up_with_others_before_their_company_is_saved() {
    let mut sandbox = Sandbox::new(Settings::default());
    let mut run = people(3);
    run.submit(group("k1", Some(by_id("u7")), &[]), who("u7"));
    run.submit(group("k2", Some(by_id("u8")), &[]), who("u8"));
    run.run(|sent| ask(&mut sandbox, sent));
    assert_eq!(searches(&run).len(), 1);
    let unlinked = "delivered, member_not_found";
    assert_eq!(
        run.results(),
        ["delivered", "delivered", "delivered", unlinked, unlinked]
    );
    assert_eq!(sandbox.state().companies.len(), 2);
}

const PATIENCE: Duration = Duration::from_millis(250);

/// People who come at these times, in milliseconds, to an engine that has patience; when searches were made, and how many
/// people each is for.
fn searched(arrivals: &[u64]) -> Vec<(u64, usize)> {
    let mut settings = side_by_side();
    settings.search_patience = PATIENCE;
    let mut run = Run::new(settings);
    let mut sandbox = Sandbox::new(Settings::default());
    for (at, arrival) in arrivals.iter().enumerate() {
        let arrival = START.after(Duration::from_millis(*arrival));
        run.until = Some(arrival);
        while run.step(&mut |sent| ask(&mut sandbox, sent)) {}
        run.now = arrival;
        let (plan, identities) = named(&format!("u{at}"), &format!("p{at}@x.org"));
        run.submit(plan, identities);
    }
    run.until = None;
    run.run(|sent| ask(&mut sandbox, sent));
    assert_eq!(run.results(), vec!["delivered"; arrivals.len()]);
    assert_eq!(sandbox.state().contacts.len(), arrivals.len());
    let is_search = |sent: &&Sent| sent.call.operation == Op::SearchContacts;
    let made = run.sent.iter().filter(is_search).map(|sent| {
        let after = u64::try_from(sent.at.since(START).as_millis()).unwrap();
        let emails = sent.body().matches("@x.org").count();
        (after, emails)
    });
    made.collect()
}

#[test]
fn where_searches_are_frequent_one_waits_for_others() {
    // The first is made at once. Those that come soon after it wait for each other, though never for longer than that.
    assert_eq!(
        searched(&[0, 400, 500, 649, 651, 5_000]),
        [(0, 1), (650, 3), (901, 1), (5_000, 1)]
    );
}

#[test]
fn a_search_that_is_full_does_not_wait() {
    let mut arrivals = vec![0];
    arrivals.extend([100; 10]);
    arrivals.extend([200; 9]);
    // Who is one too many comes with the next.
    assert_eq!(searched(&arrivals), [(0, 1), (200, 15), (450, 4)]);
}

#[test]
fn whoever_waits_for_others_does_not_keep_a_stop_waiting() {
    let mut settings = side_by_side();
    settings.search_patience = PATIENCE;
    let mut run = Run::new(settings);
    let mut sandbox = Sandbox::new(Settings::default());
    for user in ["u0", "u1"] {
        run.submit(identify(user, "{}"), who(user));
        run.until = Some(run.now.after(PATIENCE / 2));
        while run.step(&mut |sent| ask(&mut sandbox, sent)) {}
        run.now = run.until.unwrap();
    }
    run.engine.stop();
    run.run(|sent| ask(&mut sandbox, sent));
    assert_eq!(run.results(), ["delivered", "failed stopped"]);
    assert_eq!(run.now, START.after(PATIENCE), "nobody has waited");
}
