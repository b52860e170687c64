//! Companies: create or update, find, list, scroll, and who belongs to them.

mod support;

use serde_json::{Value, json};
use std::time::Duration;
use support::{Bench, id, ids};

const NOT_FOUND: (u16, &str, &str) = (404, "company_not_found", "Company Not Found");

#[test]
fn a_company_is_created_once_and_then_updated() {
    let mut bench = Bench::easy();
    let body = json!({
        "company_id": "c-1", "name": "Initech", "plan": "enterprise", "size": 500, "website": "www.example.org",
        "industry": "Software", "monthly_spend": 155.98, "remote_created_at": 1_374_138_000,
        "custom_attributes": {"open": true}
    });
    let created = bench.post("/companies", body).ok();
    assert_eq!(created["type"], "company");
    assert_eq!(
        created["plan"],
        json!({"type": "plan", "id": "enterprise", "name": "enterprise"})
    );
    assert_eq!(created["monthly_spend"], 155, "fractions are cut off");
    assert_eq!(created["remote_created_at"], 1_374_138_000);
    assert_eq!(created["user_count"], 0);
    assert_eq!(created["tags"], json!({"type": "tag.list", "tags": []}));

    bench.wait(Duration::from_secs(5));
    let updated = bench.post("/companies", json!({"company_id": "c-1", "size": 501})).ok();
    assert_eq!(id(&updated), id(&created));
    assert_eq!((&updated["size"], &updated["name"]), (&json!(501), &json!("Initech")));
    assert_eq!(updated["updated_at"], 1_700_000_005);
    assert_eq!(bench.sandbox.state().companies.len(), 1);

    let path = format!("/companies/{}", id(&created));
    assert_eq!(bench.put(&path, json!({"name": "Initrode"})).ok()["name"], "Initrode");
    assert_eq!(
        bench.put(&path, json!({"company_id": "c-2"})).error().1,
        "parameter_invalid"
    );
}

#[test]
fn what_is_wrong_with_a_company_is_said() {
    let mut bench = Bench::easy();
    for (body, code, message) in [
        (json!({"test": "invalid"}), "bad_request", "bad 'test' parameter"),
        (json!({"name": "x"}), "parameter_not_found", "company_id must be given"),
        (
            json!({"company_id": ""}),
            "parameter_not_found",
            "company_id must be given",
        ),
        (
            json!({"company_id": "c", "size": 1.5}),
            "parameter_invalid",
            "size must be an integer",
        ),
        (
            json!({"company_id": "c", "plan": {"name": "x"}}),
            "parameter_invalid",
            "plan must be a string",
        ),
        (
            json!({"company_id": "c", "monthly_spend": 2_147_483_648_i64}),
            "parameter_invalid",
            "monthly_spend must not be greater than 2147483647",
        ),
    ] {
        assert_eq!(bench.post("/companies", body).error(), (400, code, message));
    }
    assert!(bench.sandbox.state().companies.is_empty());
}

#[test]
fn one_company_is_found_by_company_id_or_name() {
    let mut bench = Bench::easy();
    let company = bench.company("acme & sons/1");
    assert_eq!(
        id(&bench.get("/companies?company_id=acme%20%26%20sons%2F1").ok()),
        company
    );
    assert_eq!(id(&bench.get("/companies?company_id=acme+%26+sons%2F1").ok()), company);
    assert_eq!(
        id(&bench.get("/companies?name=Name%20of%20acme%20%26%20sons%2F1").ok()),
        company
    );
    assert_eq!(id(&bench.get(&format!("/companies/{company}")).ok()), company);
    for path in [
        "/companies?company_id=x",
        "/companies?name=x",
        "/companies/x",
        "/companies/x/contacts",
        "/companies/x/segments",
    ] {
        assert_eq!(bench.get(path).error(), NOT_FOUND, "{path}");
    }
    // A name is not unique: several companies are answered as a list.
    bench
        .post(
            "/companies",
            json!({"company_id": "other", "name": "Name of acme & sons/1"}),
        )
        .ok();
    let list = bench.get("/companies?name=Name%20of%20acme%20%26%20sons%2F1").ok();
    assert_eq!(list["total_count"], 2);
}

#[test]
fn lists_show_companies_to_which_somebody_belongs() {
    let mut bench = Bench::easy();
    let contact = bench.contact(json!({"external_id": "u-1"}));
    let all: Vec<String> = (0..3).map(|at| bench.company(&format!("c-{at}"))).collect();
    for company in &all[..2] {
        bench.attach(&contact, company);
    }
    let listed = [all[1].clone(), all[0].clone()];
    assert_eq!(ids(&bench.get("/companies").ok()), listed);
    assert_eq!(ids(&bench.post("/companies/list", Value::Null).ok()), listed);
    assert_eq!(
        ids(&bench.post("/companies/list?order=asc", Value::Null).ok()),
        all[..2]
    );
    let first = bench.post("/companies/list?per_page=1", Value::Null).ok();
    assert_eq!(ids(&first), listed[..1]);
    assert_eq!(
        first["pages"]["next"],
        "https://api.intercom.io/companies/list?per_page=1&page=2"
    );
    let second = bench.post("/companies/list?per_page=1&page=2", Value::Null).ok();
    assert_eq!(ids(&second), listed[1..]);
    assert!(second["pages"]["next"].is_null());
    assert!(ids(&bench.post("/companies/list?page=9", Value::Null).ok()).is_empty());
    assert!(ids(&bench.get("/companies?segment_id=1").ok()).is_empty());
}

#[test]
fn one_scroll_at_a_time_goes_over_all_companies() {
    let mut bench = Bench::easy();
    let contact = bench.contact(json!({"external_id": "u-1"}));
    let all: Vec<String> = (0..150)
        .map(|at| {
            let company = bench.company(&format!("c-{at}"));
            bench.attach(&contact, &company);
            company
        })
        .collect();
    let first = bench.get("/companies/scroll").ok();
    let next = format!(
        "/companies/scroll?scroll_param={}",
        first["scroll_param"].as_str().unwrap()
    );
    assert_eq!(bench.get("/companies/scroll").error().1, "scroll_exists");
    assert_eq!(bench.get("/companies/scroll?scroll_param=x").error().0, 404);
    let second = bench.get(&next).ok();
    assert_eq!([ids(&first), ids(&second)].concat(), all);
    assert!(ids(&bench.get(&next).ok()).is_empty());
    assert_eq!(bench.get(&next).error().0, 404, "it ends with the empty page");

    bench.get("/companies/scroll").ok();
    bench.wait(Duration::from_secs(60));
    bench.get("/companies/scroll").ok();
}

#[test]
fn contacts_are_attached_and_detached() {
    let mut bench = Bench::easy();
    let contact = bench.contact(json!({"external_id": "u-1"}));
    let company = bench.company("c-1");
    let path = format!("/contacts/{contact}/companies");
    for _ in 0..2 {
        let attached = bench.post(&path, json!({"id": company})).ok();
        assert_eq!((id(&attached), &attached["user_count"]), (company.clone(), &json!(1)));
    }
    assert_eq!(ids(&bench.get(&path).ok()), [company.as_str()]);
    assert_eq!(
        ids(&bench.get(&format!("/companies/{company}/contacts")).ok()),
        [contact.as_str()]
    );
    assert_eq!(
        bench.get(&format!("/companies/{company}/segments")).ok()["data"],
        json!([])
    );

    assert_eq!(
        bench.post(&path, Value::Null).error(),
        (400, "parameter_not_found", "company not specified")
    );
    assert_eq!(bench.post(&path, json!({"id": "123"})).error(), NOT_FOUND);
    assert_eq!(
        bench.post("/contacts/x/companies", json!({"id": company})).error(),
        (404, "not_found", "User Not Found")
    );
    assert_eq!(bench.get("/contacts/x/companies").error().1, "not_found");

    let detach = format!("{path}/{company}");
    assert_eq!(bench.delete(&detach).ok()["user_count"], 0);
    assert_eq!(bench.delete(&detach).error(), NOT_FOUND, "it is not attached any more");
    assert_eq!(bench.delete(&format!("{path}/x")).error(), NOT_FOUND);
    assert_eq!(
        bench.delete(&format!("/contacts/x/companies/{company}")).error().1,
        "not_found"
    );
}

#[test]
fn an_archived_contact_counts_for_no_company_until_it_is_back() {
    let mut bench = Bench::easy();
    let contact = bench.contact(json!({"external_id": "u-1"}));
    let company = bench.company("c-1");
    bench.attach(&contact, &company);
    let count = |bench: &mut Bench| bench.get(&format!("/companies/{company}")).ok()["user_count"].clone();
    bench.post(&format!("/contacts/{contact}/archive"), Value::Null).ok();
    assert_eq!(count(&mut bench), 0);
    bench.post(&format!("/contacts/{contact}/unarchive"), Value::Null).ok();
    assert_eq!(count(&mut bench), 1);
    bench.delete(&format!("/contacts/{contact}")).ok();
    assert_eq!(count(&mut bench), 0);
}

#[test]
fn a_deleted_company_is_taken_off_its_contacts() {
    let mut bench = Bench::easy();
    let contact = bench.contact(json!({"external_id": "u-1"}));
    let company = bench.company("c-1");
    bench.attach(&contact, &company);
    let deleted = bench.delete(&format!("/companies/{company}")).ok();
    assert_eq!(deleted, json!({"id": company, "object": "company", "deleted": true}));
    assert_eq!(bench.get("/companies?company_id=c-1").error(), NOT_FOUND);
    assert_eq!(bench.delete(&format!("/companies/{company}")).error(), NOT_FOUND);
    assert_eq!(
        bench.get(&format!("/contacts/{contact}")).ok()["companies"]["total_count"],
        0
    );
    assert_ne!(bench.company("c-1"), company);
}

#[test]
fn a_contact_can_belong_to_a_thousand_companies() {
    let mut bench = Bench::easy();
    let contact = bench.contact(json!({"external_id": "u-1"}));
    let path = format!("/contacts/{contact}/companies");
    for at in 0..1000 {
        let company = bench.company(&format!("c-{at}"));
        bench.post(&path, json!({"id": company})).ok();
    }
    let one_more = bench.company("one more");
    let message = "Contact has reached the maximum of 1000 company associations";
    assert_eq!(
        bench.post(&path, json!({"id": one_more})).error(),
        (400, "contact_company_limit_exceeded", message)
    );
    let shown = bench.get(&format!("/contacts/{contact}")).ok()["companies"].clone();
    assert_eq!(
        (&shown["total_count"], &shown["has_more"]),
        (&json!(1000), &json!(true))
    );
    assert_eq!(shown["data"].as_array().unwrap().len(), 10);
}
