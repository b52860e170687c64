//! Search: every operator, every type of field, groups, pages, and the index that lags behind.

mod support;

use intercom_api::{DataAttributeModel, DataType, SEARCHABLE_FIELDS};
use intercom_sandbox::Settings;
use serde_json::{Value, json};
use std::time::Duration;
use support::{Bench, ids};

/// Three contacts, and their ids.
fn three() -> (Bench, [String; 3]) {
    let mut bench = Bench::easy();
    let ada = bench.contact(json!({
        "external_id": "u-1", "email": "Ada@Example.org", "name": "Ada Lovelace", "phone": "+441", "owner_id": 5,
        "signed_up_at": 1_577_869_200, "unsubscribed_from_emails": true,
        "custom_attributes": {"plan": "pro", "seats": 10, "score": 1.5, "vip": true}
    }));
    let bob = bench.contact(json!({
        "external_id": "u-2", "email": "bob@example.com", "name": "Bob", "owner_id": 7,
        "signed_up_at": 1_577_923_200, "custom_attributes": {"plan": "free", "seats": 9, "vip": false}
    }));
    let eve = bench.contact(json!({"role": "lead", "name": "Eve"}));
    (bench, [ada, bob, eve])
}

#[test]
fn every_operator_on_every_type() {
    let (mut bench, [ada, bob, eve]) = three();
    let name_of = |id: &String| match id {
        id if *id == ada => "ada",
        id if *id == bob => "bob",
        id if *id == eve => "eve",
        _ => "nobody",
    };
    let cases: Vec<(&str, &str, Value, &str)> = vec![
        // Text.
        ("name", "=", json!("Bob"), "bob"),
        ("name", "=", json!("bob"), ""),
        ("name", "!=", json!("Bob"), "ada eve"),
        ("name", "IN", json!(["Bob", "Eve", "Zoe"]), "bob eve"),
        ("name", "NIN", json!(["Bob", "Eve"]), "ada"),
        ("name", "~", json!("ove"), "ada"),
        ("name", "!~", json!("ove"), "bob eve"),
        ("name", "^", json!("Ada"), "ada"),
        ("name", "$", json!("ve"), "eve"),
        ("phone", "=", json!("+441"), "ada"),
        ("phone", "=", Value::Null, "bob eve"),
        ("phone", "!=", Value::Null, "ada"),
        // Identities, which are indexed.
        ("external_id", "=", json!("u-2"), "bob"),
        ("external_id", "IN", json!(["u-2", "u-1", "u-2"]), "ada bob"),
        ("external_id", "!=", json!("u-2"), "ada eve"),
        ("id", "=", json!(ada), "ada"),
        ("id", "IN", json!([eve, ada]), "ada eve"),
        ("id", "=", json!("nonsense"), ""),
        ("role", "=", json!("lead"), "eve"),
        // Addresses are kept in lower case, and queries are taken as they are.
        ("email", "=", json!("ada@example.org"), "ada"),
        ("email", "=", json!("Ada@Example.org"), ""),
        ("email", "IN", json!(["ada@example.org", "bob@example.com"]), "ada bob"),
        ("email", "~", json!("@example."), "ada bob"),
        ("email", "$", json!(".org"), "ada"),
        ("email_domain", "=", json!("example.com"), "bob"),
        // Integers.
        ("owner_id", "=", json!(5), "ada"),
        ("owner_id", "=", json!("5"), "ada"),
        ("owner_id", "!=", json!(5), "bob eve"),
        ("owner_id", "IN", json!([5, 7]), "ada bob"),
        ("owner_id", ">", json!(5), "bob"),
        ("owner_id", "<", json!(7), "ada"),
        ("owner_id", ">=", json!(5), "ada bob"),
        ("owner_id", "<=", json!(5), "ada"),
        // Booleans.
        ("unsubscribed_from_emails", "=", json!(true), "ada"),
        ("unsubscribed_from_emails", "!=", json!("true"), "bob eve"),
        ("has_hard_bounced", "=", json!(true), ""),
        // Dates go by day: 1577836800 is the start of 2020 (UTC), and the two signed up on the 1st and the 2nd.
        ("signed_up_at", "=", json!(1_577_836_800), "ada"),
        ("signed_up_at", "=", json!("1577869200"), "ada"),
        ("signed_up_at", ">", json!(1_577_836_800), "bob"),
        ("signed_up_at", ">", json!(1_577_923_200), ""),
        ("signed_up_at", "<", json!(1_577_923_199), ""),
        ("signed_up_at", "<", json!(1_577_923_200), "ada"),
        ("created_at", "=", json!(1_700_000_000), "ada bob eve"),
        ("last_replied_at", "=", Value::Null, "ada bob eve"),
        // Custom attributes, whose type follows from their first value.
        ("custom_attributes.plan", "=", json!("pro"), "ada"),
        ("custom_attributes.plan", "~", json!("r"), "ada bob"),
        ("custom_attributes.seats", ">", json!(9), "ada"),
        ("custom_attributes.seats", "=", json!("9"), "bob"),
        ("custom_attributes.score", "<", json!(1.75), "ada"),
        ("custom_attributes.vip", "=", json!(false), "bob"),
        ("custom_attributes.vip", "!=", json!(true), "bob eve"),
        ("custom_attributes.unheard_of", "=", json!("x"), ""),
        ("custom_attributes.unheard_of", "!=", json!("x"), "ada bob eve"),
    ];
    for (field, operator, value, expected) in cases {
        let case = format!("{field} {operator} {value}");
        let found = bench.find(field, operator, value);
        let found: Vec<_> = found.iter().map(name_of).collect();
        assert_eq!(found.join(" "), expected, "{case}");
    }
}

#[test]
fn every_searchable_field_can_be_searched() {
    let (mut bench, _) = three();
    for field in SEARCHABLE_FIELDS {
        let found = bench.post(
            "/contacts/search",
            json!({"query": {"field": field, "operator": "=", "value": null}}),
        );
        assert_eq!(found.raw.status, 200, "{field}: {}", found.body);
    }
}

#[test]
fn tags_can_be_searched_by_id() {
    let (mut bench, [ada, bob, eve]) = three();
    let tag = bench
        .post("/tags", json!({"name": "vip", "users": [{"id": ada}, {"id": eve}]}))
        .ok();
    assert_eq!(
        bench.find("tag_id", "=", tag["id"].clone()),
        [ada.as_str(), eve.as_str()]
    );
    assert_eq!(bench.find("tag_id", "!=", tag["id"].clone()), [bob]);
    let query = json!({"query": {"field": "tag_id", "operator": "IN", "value": [tag["id"]]}});
    assert_eq!(bench.post("/contacts/search", query).error().1, "parameter_invalid");
}

#[test]
fn groups_nest() {
    let (mut bench, [ada, bob, eve]) = three();
    let filter = |field: &str, value: &str| json!({"field": field, "operator": "=", "value": value});
    let either = json!({"operator": "OR", "value": [filter("external_id", "u-1"), filter("name", "Eve")]});
    assert_eq!(bench.search(json!({"query": either})), [ada.as_str(), eve.as_str()]);
    let both = json!({"operator": "AND", "value": [either, filter("role", "lead")]});
    assert_eq!(bench.search(json!({"query": both})), [eve.as_str()]);
    let indexed =
        json!({"operator": "OR", "value": [filter("external_id", "u-2"), filter("email", "ada@example.org")]});
    assert_eq!(bench.search(json!({"query": indexed})), [ada.as_str(), bob.as_str()]);
    let never = json!({"operator": "AND", "value": [filter("external_id", "u-2"), filter("name", "Eve")]});
    assert!(bench.search(json!({"query": never})).is_empty());
}

#[test]
fn pages_follow_the_cursor() {
    let mut bench = Bench::easy();
    let all: Vec<_> = (0..5)
        .map(|at| bench.contact(json!({"external_id": format!("u-{at}")})))
        .collect();
    let query = json!({"field": "role", "operator": "=", "value": "user"});
    let mut pagination = json!({"per_page": 2});
    let mut seen = Vec::new();
    loop {
        let page = bench
            .post("/contacts/search", json!({"query": query, "pagination": pagination}))
            .ok();
        assert_eq!(page["total_count"], 5);
        assert_eq!(page["pages"]["total_pages"], 3);
        seen.extend(ids(&page));
        match page["pages"].get("next") {
            Some(next) => pagination = next.clone(),
            None => break,
        }
    }
    assert_eq!(seen, all);
}

#[test]
fn what_cannot_be_searched_is_an_error() {
    let mut bench = Bench::easy();
    let filter =
        |field: &str, operator: &str, value: Value| json!({"field": field, "operator": operator, "value": value});
    let ok = filter("name", "=", json!("x"));
    let group = |count: usize| json!({"operator": "AND", "value": vec![ok.clone(); count]});
    let deep = |query: Value| json!({"operator": "AND", "value": [query]});
    for query in [
        filter("userId", "=", json!("x")),
        filter("created_at", "!=", json!(1)),
        filter("created_at", ">=", json!(1)),
        filter("created_at", "IN", json!([1])),
        filter("created_at", "=", json!("foobar")),
        filter("name", ">", json!("x")),
        filter("owner_id", "~", json!(1)),
        filter("name", "IN", json!("x")),
        filter("name", "=", json!(["x"])),
        filter("name", "LIKE", json!("x")),
        json!({"operator": "XOR", "value": [ok]}),
        group(0),
        group(16),
        deep(deep(deep(group(1)))),
        json!({"operator": "AND"}),
        json!("x"),
    ] {
        let response = bench.post("/contacts/search", json!({"query": query}));
        assert_eq!(
            (response.error().0, response.error().1),
            (400, "parameter_invalid"),
            "{query}"
        );
    }
    for query in [group(15), deep(deep(group(1)))] {
        assert_eq!(
            bench.post("/contacts/search", json!({"query": query})).raw.status,
            200,
            "{query}"
        );
    }
}

#[test]
fn strictly_only_defined_attributes_can_be_searched() {
    let settings = Settings::default().with_any_attribute(false).with_attribute(
        DataAttributeModel::Contact,
        "since",
        DataType::Date,
    );
    let mut bench = Bench::new(settings);
    let ada = bench.contact(json!({"external_id": "u-1", "custom_attributes": {"since": 1_577_869_200}}));
    assert_eq!(bench.find("custom_attributes.since", "=", 1_577_836_800), [ada]);
    let query = json!({"query": {"field": "custom_attributes.x", "operator": "=", "value": 1}});
    let response = bench.post("/contacts/search", query);
    assert_eq!(
        response.error(),
        (400, "parameter_invalid", "Custom attribute 'x' does not exist")
    );
}

#[test]
fn what_is_found_by_old_values_can_be_shown_as_it_is() {
    let lag = Duration::from_secs(60);
    let settings = Settings::default().with_search_lag(lag).with_stale_hits(false);
    let mut bench = Bench::new(settings);
    let ada = bench.contact(json!({"external_id": "u-1", "email": "old@example.org"}));
    bench.wait(lag);
    bench
        .put(&format!("/contacts/{ada}"), json!({"email": "new@example.org"}))
        .ok();
    let old = json!({"query": {"field": "email", "operator": "=", "value": "old@example.org"}});
    let found = bench.post("/contacts/search", old).ok();
    assert_eq!(found["data"][0]["email"], "new@example.org");
}

#[test]
fn a_change_can_be_searched_after_the_lag_and_old_values_until_then() {
    let lag = Duration::from_secs(60);
    let mut bench = Bench::new(Settings::default().with_search_lag(lag));
    let ada = bench.contact(json!({"external_id": "u-1", "email": "old@example.org"}));
    bench.wait(lag - Duration::from_millis(1));
    assert!(bench.find("external_id", "=", "u-1").is_empty());
    assert!(bench.find("role", "=", "user").is_empty());
    // The list and the contact itself do not lag.
    assert_eq!(ids(&bench.get("/contacts").ok()), [ada.as_str()]);
    bench.wait(Duration::from_millis(1));
    assert_eq!(bench.find("external_id", "=", "u-1"), [ada.as_str()]);

    bench
        .put(&format!("/contacts/{ada}"), json!({"email": "new@example.org"}))
        .ok();
    assert!(bench.find("email", "=", "new@example.org").is_empty());
    let stale = json!({"query": {"field": "email", "operator": "=", "value": "old@example.org"}});
    let stale = bench.post("/contacts/search", stale).ok();
    assert_eq!(ids(&stale), [ada.as_str()]);
    assert_eq!(
        stale["data"][0]["email"], "old@example.org",
        "it is shown as it is found"
    );
    bench.wait(lag);
    assert!(bench.find("email", "=", "old@example.org").is_empty());
    assert_eq!(bench.find("email", "=", "new@example.org"), [ada.as_str()]);
    assert_eq!(bench.find("external_id", "=", "u-1"), [ada.as_str()]);

    // One that is gone is not found; one that is back must be indexed again.
    bench.post(&format!("/contacts/{ada}/archive"), json!({})).ok();
    assert!(bench.find("external_id", "=", "u-1").is_empty());
    bench.post(&format!("/contacts/{ada}/unarchive"), json!({})).ok();
    assert!(bench.find("external_id", "=", "u-1").is_empty());
    bench.wait(lag);
    assert_eq!(bench.find("external_id", "=", "u-1"), [ada]);
}

#[test]
fn a_contact_that_the_search_cannot_find_yet_still_conflicts() {
    let mut bench = Bench::new(Settings::strict());
    let ada = bench.contact(json!({"external_id": "u-1"}));
    assert!(bench.find("external_id", "=", "u-1").is_empty());
    let conflict = bench.post("/contacts", json!({"external_id": "u-1"}));
    assert!(conflict.error().2.ends_with(&format!("id={ada}")));
}

#[test]
fn hits_are_sorted_and_paged_in_that_order() {
    let mut bench = Bench::easy();
    for (external_id, name, seats) in [
        ("u-1", Some("Cleo"), 2),
        ("u-2", None, 10),
        ("u-3", Some("Ada"), 9),
        ("u-4", Some("Bea"), 9),
    ] {
        bench.contact(json!({"external_id": external_id, "name": name, "custom_attributes": {"seats": seats}}));
    }
    let mut sorted = |sort: Value| {
        let (mut found, mut after) = (Vec::new(), Value::Null);
        loop {
            let body = json!({
                "query": {"field": "role", "operator": "=", "value": "user"},
                "pagination": {"per_page": 2, "starting_after": after}, "sort": sort.clone(),
            });
            let page = bench.post("/contacts/search", body).ok();
            found.extend(
                page["data"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|hit| hit["external_id"].as_str().unwrap().to_owned()),
            );
            after = page["pages"]["next"]["starting_after"].clone();
            if after.is_null() {
                return found.join(" ");
            }
        }
    };
    assert_eq!(
        sorted(json!({"field": "name", "order": "ascending"})),
        "u-3 u-4 u-1 u-2"
    );
    assert_eq!(
        sorted(json!({"field": "name", "order": "descending"})),
        "u-1 u-4 u-3 u-2"
    );
    assert_eq!(sorted(json!({"field": "name"})), "u-1 u-4 u-3 u-2");
    assert_eq!(
        sorted(json!({"field": "custom_attributes.seats", "order": "ascending"})),
        "u-1 u-3 u-4 u-2"
    );
    for (sort, code) in [
        (json!({"field": "name", "order": "desc"}), "invalid_sort_order"),
        (json!({"field": "shoe_size"}), "parameter_invalid"),
    ] {
        let body = json!({"query": {"field": "role", "operator": "=", "value": "user"}, "sort": sort});
        assert_eq!(bench.post("/contacts/search", body).error().1, code);
    }
}

#[test]
fn notes_and_events_have_pages() {
    let mut bench = Bench::easy();
    let ada = bench.contact(json!({"external_id": "u-1"}));
    for at in 0..5 {
        bench
            .post(
                &format!("/contacts/{ada}/notes"),
                json!({"body": format!("<p>{at}</p>")}),
            )
            .ok();
        let event = json!({"event_name": "came", "created_at": 1_700_000_000 + at, "user_id": "u-1"});
        assert_eq!(bench.post("/events", event).raw.status, 202);
    }
    for (path, list) in [
        (format!("/contacts/{ada}/notes?per_page=2"), "data"),
        ("/events?type=user&user_id=u-1&per_page=2".to_owned(), "events"),
    ] {
        let (mut next, mut sizes) = (path.clone(), Vec::new());
        loop {
            let page = bench.get(&next).ok();
            sizes.push(page[list].as_array().unwrap().len());
            match page["pages"]["next"].as_str() {
                Some(url) => next = url.strip_prefix("https://api.intercom.io").unwrap().to_owned(),
                None => break,
            }
        }
        assert_eq!(sizes, [2, 2, 1], "{path}");
        let beyond = bench.get(&format!("{path}&page=9")).ok();
        assert_eq!(beyond[list], json!([]), "{path}");
    }
}

#[test]
fn a_list_can_be_too_long_on_request() {
    let mut bench = Bench::new(Settings::default().with_max_search_values(Some(2)));
    let ada = bench.contact(json!({"external_id": "u-1"}));
    assert_eq!(bench.find("external_id", "IN", json!(["u-1", "u-2"])), [ada]);
    let filter = json!({"field": "external_id", "operator": "IN", "value": ["u-1", "u-2", "u-3"]});
    let response = bench.post("/contacts/search", json!({"query": filter}));
    assert_eq!(
        response.error(),
        (400, "parameter_invalid", "the operator IN takes 2 values at most")
    );
}
