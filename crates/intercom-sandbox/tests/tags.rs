//! Tags, notes, and the lists that are always empty.

mod support;

use serde_json::{Value, json};
use support::{Bench, id};

#[test]
fn a_tag_is_created_once_whatever_its_case() {
    let mut bench = Bench::easy();
    let tag = bench.post("/tags", json!({"name": "Vip"})).ok();
    assert_eq!(tag, json!({"type": "tag", "id": "1", "name": "Vip"}));
    assert_eq!(bench.post("/tags", json!({"name": "VIP"})).ok(), tag);
    assert_eq!(bench.get("/tags").ok(), json!({"type": "list", "data": [tag]}));
    assert_eq!(bench.get("/tags/1").ok(), tag);

    let renamed = bench.post("/tags", json!({"id": 1, "name": "Gold"})).ok();
    assert_eq!(renamed, json!({"type": "tag", "id": "1", "name": "Gold"}));
    let other = id(&bench.post("/tags", json!({"name": "Silver"})).ok());
    assert_eq!(
        bench.post("/tags", json!({"id": other, "name": "gold"})).error().1,
        "parameter_invalid"
    );
    assert_eq!(bench.post("/tags", json!({"id": "99", "name": "x"})).error().0, 404);
    for wrong in ["0", "01", "+1", "99", "x"] {
        assert_eq!(
            bench.get(&format!("/tags/{wrong}")).error(),
            (404, "not_found", "Resource Not Found")
        );
    }
}

#[test]
fn companies_are_tagged_by_either_id_and_untagged() {
    let mut bench = Bench::easy();
    let one = bench.company("c-1");
    bench.company("c-2");
    let tags_of = |bench: &mut Bench| {
        let company = bench.get(&format!("/companies/{one}")).ok();
        company["tags"]["tags"].as_array().unwrap().len()
    };
    for _ in 0..2 {
        bench
            .post(
                "/tags",
                json!({"name": "a", "companies": [{"id": one}, {"company_id": "c-2"}]}),
            )
            .ok();
    }
    assert_eq!(tags_of(&mut bench), 1);
    assert_eq!(bench.get("/companies?tag_id=1").ok()["total_count"], 2);
    bench
        .post("/tags", json!({"name": "a", "companies": [{"id": one, "untag": true}]}))
        .ok();
    assert_eq!(tags_of(&mut bench), 0);
    let unknown = bench.post(
        "/tags",
        json!({"name": "none", "companies": [{"id": one, "untag": true}]}),
    );
    assert_eq!(unknown.error().0, 404);
    assert_eq!(bench.get("/companies?tag_id=2").error().0, 404);
}

#[test]
fn a_tag_goes_on_all_or_none() {
    let mut bench = Bench::easy();
    let company = bench.company("c-1");
    for (body, expected) in [
        (
            json!({"test": "invalid"}),
            (400, "parameter_invalid", "invalid tag parameters"),
        ),
        (
            json!({"name": "t", "companies": ["x"]}),
            (400, "parameter_invalid", "invalid tag parameters"),
        ),
        (
            json!({"name": "t", "companies": [{"id": company}, {"company_id": "123"}]}),
            (404, "company_not_found", "Company Not Found"),
        ),
        (
            json!({"name": "t", "users": [{"id": "123"}]}),
            (404, "not_found", "User Not Found"),
        ),
    ] {
        assert_eq!(bench.post("/tags", body).error(), expected);
    }
    assert!(bench.sandbox.state().tags.is_empty());
}

#[test]
fn contacts_are_tagged_and_untagged() {
    let mut bench = Bench::easy();
    let contact = bench.contact(json!({"external_id": "u-1"}));
    let tag = id(&bench.post("/tags", json!({"name": "vip"})).ok());
    let path = format!("/contacts/{contact}/tags");
    let applied = bench.post(&path, json!({"id": tag})).ok();
    assert_eq!(applied["applied_at"], 1_700_000_000);
    assert_eq!(bench.get(&path).ok()["data"], json!([applied]));
    assert_eq!(
        bench.get(&format!("/contacts/{contact}")).ok()["tags"]["total_count"],
        1
    );
    assert_eq!(
        bench.post(&path, json!({"id": "99"})).error(),
        (404, "not_found", "Resource Not Found")
    );
    assert_eq!(
        bench.post("/contacts/x/tags", json!({"id": tag})).error(),
        (404, "not_found", "User Not Found")
    );
    assert_eq!(bench.delete(&format!("{path}/{tag}")).ok()["id"], tag.as_str());
    assert_eq!(bench.delete(&format!("{path}/{tag}")).error().0, 404);
}

#[test]
fn a_deleted_tag_is_taken_off_everything() {
    let mut bench = Bench::easy();
    let (contact, company) = (bench.contact(json!({"external_id": "u-1"})), bench.company("c-1"));
    let body = json!({"name": "t", "companies": [{"id": company}], "users": [{"id": contact}]});
    let tag = id(&bench.post("/tags", body).ok());
    assert_eq!(bench.delete(&format!("/tags/{tag}")).raw.status, 200);
    assert_eq!(bench.delete(&format!("/tags/{tag}")).error().0, 404);
    assert_eq!(
        bench.get(&format!("/contacts/{contact}")).ok()["tags"]["total_count"],
        0
    );
    assert_eq!(
        bench.get(&format!("/companies/{company}")).ok()["tags"]["tags"],
        json!([])
    );
    assert_ne!(id(&bench.post("/tags", json!({"name": "t"})).ok()), tag);
}

#[test]
fn notes_are_kept_with_their_contact() {
    let mut bench = Bench::easy();
    let contact = bench.contact(json!({"external_id": "u-1"}));
    let path = format!("/contacts/{contact}/notes");
    let note = bench
        .post(&path, json!({"contact_id": contact, "admin_id": 1, "body": "Hello"}))
        .ok();
    assert_eq!(note["body"], "<p>Hello</p>");
    assert_eq!(note["contact"]["id"], contact.as_str());
    let second = bench.post(&path, json!({"body": "<b>x</b>"})).ok();
    assert_eq!(bench.get(&path).ok()["data"], json!([second, note]));
    assert_eq!(bench.get("/notes/1").ok(), note);
    assert_eq!(bench.get("/notes/9").error(), (404, "not_found", "Resource Not Found"));
    assert_eq!(bench.get("/notes/0").error().0, 404);
    assert_eq!(bench.post(&path, json!({})).error().1, "parameter_not_found");
    assert_eq!(bench.post(&path, json!({"body": "x", "admin_id": 123})).error().0, 404);
    assert_eq!(bench.get("/contacts/x/notes").error().2, "User Not Found");
    bench.delete(&format!("/contacts/{contact}")).ok();
    assert_eq!(bench.get("/notes/1").error().0, 404);
}

#[test]
fn what_there_is_none_of_is_empty() {
    let mut bench = Bench::easy();
    let contact = bench.contact(json!({"external_id": "u-1"}));
    let empty = json!({"type": "list", "data": []});
    for path in ["/segments", "/subscriptions"] {
        assert_eq!(bench.get(&format!("/contacts/{contact}{path}")).ok(), empty);
        assert_eq!(bench.get(&format!("/contacts/x{path}")).error().2, "User Not Found");
    }
    assert_eq!(bench.get("/subscription_types").ok(), empty);
    assert_eq!(
        bench.get("/segments").ok(),
        json!({"type": "segment.list", "segments": []})
    );
    let response = bench.raw("GET", "/admins/9", b"");
    assert_eq!((response.error().0, response.error().1), (404, "admin_not_found"));
}

#[test]
fn there_is_one_teammate() {
    let mut bench = Bench::easy();
    let me = bench.get("/me").ok();
    assert_eq!((&me["type"], &me["app"]["type"]), (&json!("admin"), &json!("app")));
    let path = format!("/admins/{}", id(&me));
    let admin = bench.get(&path).ok();
    assert_eq!(bench.get("/admins").ok()["admins"], json!([admin]));
    let away = bench.put(
        &format!("{path}/away"),
        json!({"away_mode_enabled": true, "away_mode_reassign": false}),
    );
    assert_eq!(away.ok()["away_mode_enabled"], true);
    assert_eq!(
        bench.put(&format!("{path}/away"), Value::Null).error().1,
        "parameter_not_found"
    );
    assert_eq!(bench.get("/admins/activity_logs").ok()["activity_logs"], json!([]));
}
