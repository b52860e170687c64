//! What version 2.16 does otherwise than 2.10.

mod support;

use intercom_sandbox::Request;
use serde_json::{Value, json};
use support::Bench;

fn speaking(version: &'static str) -> Bench {
    let mut bench = Bench::easy();
    bench.version = version;
    bench
}

#[test]
fn the_owner_is_a_string_from_2_16_on() {
    for (version, written) in [
        ("1.4", json!(7)),
        ("2.15", json!(7)),
        ("2.16", json!("7")),
        ("Preview", json!("7")),
    ] {
        let mut bench = speaking(version);
        for owner in [json!(7), json!("7")] {
            let contact = bench.post("/contacts", json!({"role": "lead", "owner_id": owner})).ok();
            assert_eq!(contact["owner_id"], written, "{version}");
        }
        assert_eq!(bench.get("/contacts").ok()["data"][0]["owner_id"], written, "{version}");
    }
}

#[test]
fn a_merged_contact_names_the_other_from_2_16_on() {
    for (version, read, link) in [("2.10", 404, false), ("2.16", 410, true)] {
        let mut bench = speaking(version);
        let ada = bench.contact(json!({"external_id": "u-1", "email": "ada@example.org"}));
        let lead = bench.contact(json!({"role": "lead", "email": "Ada@example.org"}));
        bench.post("/contacts/merge", json!({"from": lead, "into": ada})).ok();
        let response = bench.get(&format!("/contacts/{lead}"));
        assert_eq!(response.error().0, read, "{version}");
        let response = bench.put(&format!("/contacts/{lead}"), json!({"name": "Ada"}));
        assert_eq!(
            (response.error().0, response.error().1),
            (410, "contact_merged"),
            "{version}"
        );
        let expected = format!("</contacts/{ada}>; rel=\"canonical\"");
        assert_eq!(response.raw.header("Link"), link.then_some(&*expected), "{version}");
    }
}

#[test]
fn only_duplicates_are_merged_from_2_16_on() {
    for (version, refused) in [("2.10", false), ("2.16", true)] {
        let mut bench = speaking(version);
        let ada = bench.contact(json!({"external_id": "u-1", "phone": "+441"}));
        let mut merge = |lead: Value, more: Value| {
            let lead = bench.contact(lead);
            let mut body = json!({"from": lead, "into": ada});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let response = bench.post("/contacts/merge", body);
            (
                response.raw.status,
                response.body["errors"][0]["code"].as_str().map(str::to_owned),
            )
        };
        assert_eq!(
            merge(json!({"role": "lead", "phone": "+441"}), json!({})).0,
            200,
            "{version}"
        );
        let skip = json!({"skip_duplicate_validation": true});
        assert_eq!(merge(json!({"role": "lead"}), skip).0, 200, "{version}");
        let (status, code) = merge(json!({"role": "lead"}), json!({}));
        assert_eq!(status == 400, refused, "{version}");
        assert_eq!(code.as_deref(), refused.then_some("invalid_merge"), "{version}");
    }
}

#[test]
fn a_contact_is_found_by_its_external_id_and_blocked() {
    let mut bench = speaking("2.16");
    let ada = bench.contact(json!({"external_id": "a/b c"}));
    let found = bench.get("/contacts/find_by_external_id/a%2Fb%20c").ok();
    assert_eq!(found["id"], ada);
    assert_eq!(bench.get("/contacts/find_by_external_id/u-9").error().0, 404);
    let blocked = bench.post(&format!("/contacts/{ada}/block"), Value::Null).ok();
    assert_eq!((&blocked["id"], &blocked["blocked"]), (&json!(ada), &json!(true)));
    assert_eq!(bench.post("/contacts/5f/block", Value::Null).error().0, 404);
}

#[test]
fn what_a_version_does_not_have_yet_is_not_found() {
    let mut bench = speaking("2.16");
    let ada = bench.contact(json!({"external_id": "u-1"}));
    for version in ["1.4", "2.10", "2.13"] {
        bench.version = version;
        for (method, path) in [
            ("GET", "/contacts/find_by_external_id/u-1".to_owned()),
            ("POST", format!("/contacts/{ada}/block")),
        ] {
            let response = bench.raw(method, &path, b"");
            let (status, code, message) = response.error();
            assert_eq!((status, code), (404, "not_found"), "{version} {path}");
            assert!(message.ends_with("since version 2.14"), "{message}");
        }
    }
    for version in ["2.14", "2.15", "2.16", "Preview"] {
        bench.version = version;
        assert_eq!(bench.get("/contacts/find_by_external_id/u-1").ok()["id"], ada);
    }
    // Some clients ask for none.
    let request = Request::new("GET", "/contacts/find_by_external_id/u-1").authorization("Bearer any");
    assert_eq!(bench.sandbox.handle(request, bench.now).status, 200);
}
