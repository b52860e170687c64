//! Contacts: identities, conflicts, updates, what is left after archive, delete, merge and erasure.

mod support;

use intercom_sandbox::{DuplicateEmail, Settings};
use serde_json::{Value, json};
use support::{Bench, id, ids};

#[test]
fn a_created_contact_has_intercoms_shape() {
    let mut bench = Bench::easy();
    let contact = bench
        .post(
            "/contacts",
            json!({
                "external_id": "u-1", "email": "Ada@Example.org", "avatar": "https://example.org/a.png",
                "signed_up_at": 1_600_000_000, "owner_id": 7, "custom_attributes": {"seats": 3}
            }),
        )
        .ok();
    assert_eq!(contact["type"], "contact");
    assert_eq!(contact["role"], "user");
    assert_eq!(contact["email"], "Ada@Example.org");
    assert_eq!(
        contact["avatar"],
        json!({"type": "avatar", "image_url": "https://example.org/a.png"})
    );
    assert_eq!(contact["created_at"], 1_700_000_000);
    assert_eq!(contact["custom_attributes"], json!({"seats": 3}));
    assert_eq!(contact["companies"]["total_count"], 0);
    let id = contact["id"].as_str().unwrap();
    assert!(
        id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{id}"
    );
    assert_eq!(bench.get(&format!("/contacts/{id}")).ok(), contact);
}

#[test]
fn the_intercom_api_crate_reads_what_is_answered() {
    use intercom_api::{Contact, Operation, SearchContacts};
    let mut bench = Bench::easy();
    bench.contact(json!({"email": "ada@example.org", "avatar": "https://example.org/a.png"}));
    let call = SearchContacts::by("email", "ada@example.org").to_call().unwrap();
    let response = bench.sandbox.call(&call, bench.now);
    let list = SearchContacts::parse_response(&response.body).unwrap();
    let found: &[Contact] = list.data.as_deref().unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].email.as_deref(), Some("ada@example.org"));
}

#[test]
fn an_identity_that_is_taken_is_a_conflict_naming_the_holder() {
    let mut bench = Bench::easy();
    let ada = bench.contact(json!({"external_id": "u-1", "email": "ada@example.org"}));
    let message = format!("A contact matching those details already exists with id={ada}");
    for body in [
        json!({"external_id": "u-1"}),
        json!({"external_id": "u-1", "role": "lead"}),
        json!({"email": "ADA@example.org"}),
        json!({"external_id": "u-2", "email": "ada@example.org"}),
    ] {
        assert_eq!(
            bench.post("/contacts", body).error(),
            (409, "conflict", message.as_str())
        );
    }
    let bob = bench.contact(json!({"external_id": "u-2"}));
    let update = bench.put(&format!("/contacts/{bob}"), json!({"email": "ada@example.org"}));
    assert_eq!(update.error(), (409, "conflict", message.as_str()));
    let update = bench.put(
        &format!("/contacts/{ada}"),
        json!({"external_id": "u-1", "email": "Ada@example.org"}),
    );
    assert_eq!(update.ok()["email"], "Ada@example.org");
    // What failed has changed nothing.
    assert!(bench.get(&format!("/contacts/{bob}")).ok()["email"].is_null());
}

#[test]
fn users_may_share_an_address_if_the_workspace_lets_them() {
    let mut bench = Bench::new(Settings::default().with_duplicate_email(DuplicateEmail::Allow));
    bench.contact(json!({"external_id": "u-1", "email": "office@example.org"}));
    bench.contact(json!({"external_id": "u-2", "email": "office@example.org"}));
    assert_eq!(bench.find("email", "=", "office@example.org").len(), 2);
    assert_eq!(bench.post("/contacts", json!({"external_id": "u-1"})).error().0, 409);
}

#[test]
fn a_lead_that_gets_an_external_id_becomes_a_user() {
    let mut bench = Bench::easy();
    let lead = bench.contact(json!({"role": "lead", "email": "ada@example.org"}));
    let event = json!({"event_name": "came", "created_at": 1_700_000_000, "email": "ada@example.org"});
    assert_eq!(
        bench.post("/events", event.clone()).error().0,
        404,
        "a lead goes by Intercom's id"
    );
    let user = bench
        .put(&format!("/contacts/{lead}"), json!({"external_id": "u-1"}))
        .ok();
    assert_eq!(user["role"], "user");
    assert_eq!(bench.post("/events", event).raw.status, 202);
}

#[test]
fn leads_may_share_an_address() {
    let mut bench = Bench::easy();
    let lead = bench.contact(json!({"role": "lead", "email": "ada@example.org"}));
    bench.contact(json!({"role": "lead", "email": "ada@example.org"}));
    bench.contact(json!({"role": "user", "email": "ada@example.org"}));
    bench.contact(json!({"role": "lead", "email": "ada@example.org"}));
    let promoted = bench.put(&format!("/contacts/{lead}"), json!({"role": "user"}));
    assert_eq!(promoted.error().0, 409);
}

#[test]
fn an_archived_contact_is_not_found_and_holds_its_identities() {
    let mut bench = Bench::easy();
    let ada = bench.contact(json!({"external_id": "u-1", "email": "ada@example.org"}));
    let archived = bench.post(&format!("/contacts/{ada}/archive"), json!({})).ok();
    assert_eq!(
        archived,
        json!({"id": ada, "external_id": "u-1", "type": "contact", "archived": true})
    );

    assert_eq!(
        bench.get(&format!("/contacts/{ada}")).error(),
        (404, "not_found", "User Not Found")
    );
    assert_eq!(
        bench.put(&format!("/contacts/{ada}"), json!({"name": "Ada"})).error().0,
        404
    );
    assert!(bench.find("external_id", "=", "u-1").is_empty());
    assert!(bench.find("name", "!=", "nobody").is_empty());
    let event = json!({"event_name": "came", "created_at": 1_700_000_000, "user_id": "u-1"});
    assert_eq!(bench.post("/events", event.clone()).error().0, 404);
    let message = format!("An archived contact matching those details already exists with id={ada}");
    for body in [json!({"external_id": "u-1"}), json!({"email": "ada@example.org"})] {
        assert_eq!(
            bench.post("/contacts", body).error(),
            (409, "conflict", message.as_str())
        );
    }

    let restored = bench.post(&format!("/contacts/{ada}/unarchive"), json!({})).ok();
    assert_eq!(restored["archived"], false);
    assert_eq!(bench.find("external_id", "=", "u-1"), [ada.as_str()]);
    assert_eq!(bench.post("/events", event).raw.status, 202);
}

#[test]
fn a_deleted_contact_frees_its_identities() {
    let mut bench = Bench::easy();
    let ada = bench.contact(json!({"external_id": "u-1", "email": "ada@example.org"}));
    let deleted = bench.delete(&format!("/contacts/{ada}")).ok();
    assert_eq!(
        deleted,
        json!({"id": ada, "external_id": "u-1", "type": "contact", "deleted": true})
    );
    assert_eq!(bench.delete(&format!("/contacts/{ada}")).error().0, 404);
    assert_eq!(bench.put(&format!("/contacts/{ada}"), json!({})).error().0, 404);
    assert_eq!(
        bench.post(&format!("/contacts/{ada}/unarchive"), json!({})).error().0,
        404
    );
    let again = bench.contact(json!({"external_id": "u-1", "email": "ada@example.org"}));
    assert_ne!(ada, again);
}

#[test]
fn a_merged_contact_is_gone_into_the_other() {
    let mut bench = Bench::easy();
    let lead =
        bench.contact(json!({"role": "lead", "external_id": "l-1", "email": "lead@example.org", "phone": "+49"}));
    let user = bench.contact(json!({"external_id": "u-1", "name": "Ada"}));
    let company = bench.company("c-1");
    bench.attach(&lead, &company);
    let event = json!({"event_name": "came", "created_at": 1_700_000_000, "id": lead});
    assert_eq!(bench.post("/events", event).raw.status, 202);

    let refused = bench.post("/contacts/merge", json!({"from": user, "into": lead}));
    assert_eq!(refused.error().1, "parameter_invalid");
    let merged = bench.post("/contacts/merge", json!({"from": lead, "into": user})).ok();
    assert_eq!(id(&merged), user);
    assert_eq!(merged["external_id"], "u-1");
    assert_eq!(merged["email"], "lead@example.org");
    assert_eq!(merged["phone"], "+49");
    assert_eq!(merged["companies"]["data"][0]["id"], company);

    let update = bench.put(&format!("/contacts/{lead}"), json!({"name": "x"}));
    assert_eq!((update.error().0, update.error().1), (410, "contact_merged"));
    assert_eq!(
        bench.get(&format!("/contacts/{lead}")).error(),
        (404, "not_found", "User Not Found")
    );
    assert_eq!(bench.delete(&format!("/contacts/{lead}")).error().0, 404);
    assert_eq!(bench.find("email", "=", "lead@example.org"), [user.as_str()]);
    let events = bench.get("/events?type=user&user_id=u-1").ok();
    assert_eq!(events["events"][0]["intercom_user_id"], user);
    assert_eq!(bench.get(&format!("/companies/{company}")).ok()["user_count"], 1);
}

#[test]
fn a_merge_leaves_an_address_that_another_user_has() {
    let mut bench = Bench::easy();
    let lead = bench.contact(json!({"role": "lead", "email": "shared@example.org"}));
    let holder = bench.contact(json!({"email": "shared@example.org"}));
    let user = bench.contact(json!({"external_id": "u-1"}));
    let merged = bench.post("/contacts/merge", json!({"from": lead, "into": user})).ok();
    assert!(merged["email"].is_null());
    assert_eq!(bench.find("email", "=", "shared@example.org"), [holder]);
}

#[test]
fn erasure_leaves_nothing_of_a_contact_archived_or_not() {
    let mut bench = Bench::easy();
    for (at, archived) in [false, true].into_iter().enumerate() {
        let contact = bench.contact(json!({"external_id": "u-1", "email": "ada@example.org"}));
        bench
            .post(&format!("/contacts/{contact}/notes"), json!({"body": "a note"}))
            .ok();
        let event = json!({"event_name": "came", "created_at": 1_700_000_000, "user_id": "u-1"});
        assert_eq!(bench.post("/events", event).raw.status, 202);
        if archived {
            bench.post(&format!("/contacts/{contact}/archive"), json!({})).ok();
        }
        let request = bench
            .post("/user_delete_requests", json!({"intercom_user_id": contact}))
            .ok();
        assert_eq!(request, json!({"id": at + 1}));
        let state = serde_json::to_string(&bench.sandbox.state()).unwrap();
        assert!(
            !state.contains("u-1") && !state.contains("ada@") && !state.contains("a note"),
            "{state}"
        );
        assert_eq!(bench.get(&format!("/contacts/{contact}")).error().0, 404);
    }
    let unknown = bench.post("/user_delete_requests", json!({"intercom_user_id": "nobody"}));
    assert_eq!(unknown.error(), (404, "not_found", "User Not Found"));
    assert_eq!(
        bench.post("/user_delete_requests", json!({})).error().1,
        "parameter_not_found"
    );
}

#[test]
fn null_clears_a_value_and_what_is_not_given_stays() {
    let mut bench = Bench::easy();
    let ada = bench.contact(json!({
        "external_id": "u-1", "email": "ada@example.org", "phone": "+49", "custom_attributes": {"a": 1, "b": 2}
    }));
    let path = format!("/contacts/{ada}");
    let update = bench.put(
        &path,
        json!({"phone": null, "email": "", "custom_attributes": {"a": null, "c": 3}}),
    );
    let contact = update.ok();
    assert!(contact["phone"].is_null() && contact["email"].is_null());
    assert_eq!(contact["external_id"], "u-1");
    assert_eq!(contact["custom_attributes"], json!({"b": 2, "c": 3}));
    bench.contact(json!({"email": "ada@example.org"}));
}

#[test]
fn what_cannot_be_read_changes_nothing() {
    let mut bench = Bench::easy();
    for (body, code, message) in [
        (
            json!({"email": "a@example.org", "user_id": "x"}),
            "bad_request",
            "bad 'user_id' parameter",
        ),
        (
            json!({}),
            "parameter_not_found",
            "email, external_id or role must be given",
        ),
        (
            json!({"email": "", "external_id": ""}),
            "parameter_not_found",
            "email, external_id or role must be given",
        ),
        (
            json!({"name": "Ada"}),
            "parameter_not_found",
            "email, external_id or role must be given",
        ),
        (
            json!({"role": "admin"}),
            "parameter_invalid",
            "role must be user or lead",
        ),
        (
            json!({"email": "a@example.org", "name": 7}),
            "parameter_invalid",
            "name must be a string",
        ),
        (
            json!({"email": "a@example.org", "owner_id": 1.5}),
            "parameter_invalid",
            "owner_id must be an integer",
        ),
        (
            json!({"email": "a@example.org", "unsubscribed_from_emails": "yes"}),
            "parameter_invalid",
            "unsubscribed_from_emails must be a boolean",
        ),
        (
            json!({"email": "a@example.org", "custom_attributes": []}),
            "parameter_invalid",
            "custom_attributes must be an object",
        ),
    ] {
        assert_eq!(bench.post("/contacts", body).error(), (400, code, message));
    }
    for body in [
        &b"{"[..],
        b"nonsense",
        b"[]",
        b"\"x\"",
        b"\xff\xfe{}",
        b"{\"email\":\"\xff\"}",
    ] {
        assert_eq!(bench.raw("POST", "/contacts", body).error().1, "bad_request");
    }
    assert!(bench.sandbox.state().contacts.is_empty());
}

#[test]
fn a_body_that_is_nested_too_deeply_is_refused() {
    let mut bench = Bench::easy();
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!(r#"{{"email":"a@example.org","custom_attributes":{{"x":{open}{close}}}}}"#)
    };
    assert_eq!(
        bench.raw("POST", "/contacts", nested(100_000).as_bytes()).error().1,
        "bad_request"
    );
    assert_eq!(
        bench.raw("POST", "/contacts", nested(100).as_bytes()).error().1,
        "parameter_invalid"
    );
}

#[test]
fn lists_have_pages() {
    let mut bench = Bench::easy();
    let all: Vec<_> = (0..7)
        .map(|at| bench.contact(json!({"external_id": format!("u-{at}")})))
        .collect();
    bench.post(&format!("/contacts/{}/archive", all[3]), json!({})).ok();
    let (mut seen, mut path, mut pages) = (Vec::new(), "/contacts?per_page=2".to_owned(), 0);
    loop {
        let list = bench.get(&path).ok();
        pages += 1;
        assert_eq!(list["total_count"], 6);
        assert_eq!(list["pages"]["page"], pages);
        assert_eq!(list["pages"]["total_pages"], 3);
        seen.extend(ids(&list));
        match list["pages"]["next"]["starting_after"].as_str() {
            Some(cursor) => path = format!("/contacts?per_page=2&starting_after={cursor}"),
            None => break,
        }
    }
    let active: Vec<_> = all.iter().filter(|id| **id != all[3]).cloned().collect();
    assert_eq!(seen, active);
    assert_eq!(
        bench.get("/contacts?starting_after=nonsense").error().1,
        "parameter_invalid"
    );
    assert_eq!(bench.get("/contacts?per_page=0").error().1, "parameter_invalid");
}

#[test]
fn number_text_is_kept() {
    let mut bench = Bench::easy();
    let body = br#"{"external_id":"u-1","custom_attributes":{"a":1.0,"b":9007199254740993,"c":1e2,"d":-0,"e":0.10}}"#;
    let response = bench.raw("POST", "/contacts", body).raw;
    let attributes = r#""custom_attributes":{"a":1.0,"b":9007199254740993,"c":1e2,"d":-0,"e":0.10}"#;
    assert!(String::from_utf8(response.body).unwrap().contains(attributes));
    let mut written = Vec::new();
    bench.sandbox.write_state(&mut written).unwrap();
    assert!(String::from_utf8(written).unwrap().contains(attributes));
    assert!(
        serde_json::to_string(&bench.sandbox.state().normalised())
            .unwrap()
            .contains(attributes)
    );
}

#[test]
fn leads_with_an_external_id_are_refused_on_request() {
    let lead = json!({"role": "lead", "external_id": "u-1"});
    assert_eq!(Bench::easy().post("/contacts", lead.clone()).ok()["external_id"], "u-1");
    let mut bench = Bench::new(Settings::default().with_refused_lead_ids(true));
    let response = bench.post("/contacts", lead);
    assert_eq!((response.error().0, response.error().1), (400, "parameter_invalid"));
    let ada = bench.contact(json!({"role": "lead", "email": "ada@example.org"}));
    let user = bench.contact(json!({"external_id": "u-1"}));
    let put = |bench: &mut Bench, id: &str, body: Value| bench.put(&format!("/contacts/{id}"), body);
    for (id, body) in [
        (&ada, json!({"external_id": "u-2", "role": "lead"})),
        (&user, json!({"role": "lead"})),
    ] {
        assert_eq!(put(&mut bench, id, body).error().1, "parameter_invalid");
    }
    // One that is given an external id becomes a user.
    let promoted = put(&mut bench, &ada, json!({"external_id": "u-2"})).ok();
    assert_eq!(
        (&promoted["role"], &promoted["external_id"]),
        (&json!("user"), &json!("u-2"))
    );
}
