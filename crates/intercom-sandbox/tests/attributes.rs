//! Data attributes, and what becomes of custom attributes that are not defined.

mod support;

use intercom_api::{DataAttributeModel, DataType};
use intercom_sandbox::Settings;
use serde_json::{Value, json};
use support::Bench;

fn strictly() -> Bench {
    let settings = Settings::default().with_any_attribute(false);
    Bench::new(settings.with_attribute(DataAttributeModel::Contact, "plan", DataType::String))
}

/// Model, name and type of the custom attributes.
fn custom(bench: &mut Bench, query: &str) -> Vec<[String; 3]> {
    let list = bench.get(&format!("/data_attributes{query}")).ok();
    let all = list["data"].as_array().expect("data").iter();
    let text = |attribute: &Value, name: &str| attribute[name].as_str().expect("a text").to_owned();
    all.filter(|attribute| attribute["custom"] == true)
        .map(|attribute| ["model", "name", "data_type"].map(|name| text(attribute, name)))
        .collect()
}

#[test]
fn an_undefined_attribute_fails_the_whole_call() {
    let mut bench = strictly();
    let message = "Custom attribute 'x' does not exist";
    let error = (400, "parameter_invalid", message);
    let create = json!({"external_id": "u-1", "custom_attributes": {"plan": "pro", "x": 1}});
    assert_eq!(bench.post("/contacts", create).error(), error);
    let ada = bench.contact(json!({"external_id": "u-1", "custom_attributes": {"plan": "pro"}}));
    let update = json!({"name": "Ada", "custom_attributes": {"x": null}});
    assert_eq!(bench.put(&format!("/contacts/{ada}"), update).error(), error);
    assert!(bench.get(&format!("/contacts/{ada}")).ok()["name"].is_null());
    let company = json!({"company_id": "c-1", "custom_attributes": {"plan": "pro"}});
    let message = "Custom attribute 'plan' does not exist";
    assert_eq!(
        bench.post("/companies", company.clone()).error(),
        (400, "parameter_invalid", message)
    );
    assert!(bench.sandbox.state().companies.is_empty());

    let define = json!({"name": "plan", "model": "company", "data_type": "string"});
    bench.post("/data_attributes", define).ok();
    bench.post("/companies", company).ok();
}

#[test]
fn by_default_an_undefined_attribute_becomes_defined() {
    let mut bench = Bench::easy();
    bench.contact(json!({
        "external_id": "u-1",
        "custom_attributes": {"text": "x", "whole": 1, "part": 1.5, "flag": true, "list": [1], "nothing": null}
    }));
    bench
        .post(
            "/companies",
            json!({"company_id": "c-1", "custom_attributes": {"whole": "x"}}),
        )
        .ok();
    // In the order of the keys, which the macro sorts.
    let expected = [
        ["contact", "flag", "boolean"],
        ["contact", "list", "string"],
        ["contact", "nothing", "string"],
        ["contact", "part", "float"],
        ["contact", "text", "string"],
        ["contact", "whole", "integer"],
    ];
    assert_eq!(custom(&mut bench, "?model=contact"), expected);
    assert_eq!(custom(&mut bench, "?model=company"), [["company", "whole", "string"]]);
    assert_eq!(custom(&mut bench, "").len(), 7);
}

#[test]
fn a_call_that_fails_defines_nothing() {
    let mut bench = Bench::easy();
    bench.contact(json!({"external_id": "u-1"}));
    let conflict = bench.post(
        "/contacts",
        json!({"external_id": "u-1", "custom_attributes": {"x": 1}}),
    );
    assert_eq!(conflict.error().0, 409);
    assert!(custom(&mut bench, "").is_empty());
}

#[test]
fn standard_attributes_are_listed_too() {
    let mut bench = Bench::easy();
    for (query, contact, company) in [
        ("", true, true),
        ("?model=contact", true, false),
        ("?model=company", false, true),
    ] {
        let list = bench.get(&format!("/data_attributes{query}")).ok();
        let has = |model: &str| list["data"].as_array().unwrap().iter().any(|one| one["model"] == model);
        assert_eq!((has("contact"), has("company")), (contact, company), "{query}");
    }
    assert_eq!(bench.get("/data_attributes?model=conversation").ok()["data"], json!([]));
    assert_eq!(
        bench.get("/data_attributes?model=ticket").error().1,
        "parameter_invalid"
    );
}

#[test]
fn attributes_are_created_updated_and_archived() {
    let mut bench = strictly();
    let body = json!({
        "name": "ring size", "model": "contact", "data_type": "string", "description": "of the hand",
        "options": [{"value": "1-10"}, {"value": "11-20"}], "messenger_writable": false
    });
    let created = bench.post("/data_attributes", body).ok();
    assert_eq!(created["full_name"], "custom_attributes.ring size");
    assert_eq!(created["options"], json!(["1-10", "11-20"]));
    assert_eq!(
        (&created["custom"], &created["messenger_writable"]),
        (&json!(true), &json!(false))
    );
    let path = format!("/data_attributes/{}", created["id"]);
    let updated = bench.put(&path, json!({"description": "none", "archived": true})).ok();
    assert_eq!(updated["archived"], true);
    assert_eq!(updated["options"], created["options"]);

    let contact = json!({"external_id": "u-1", "custom_attributes": {"ring size": "1-10"}});
    assert_eq!(
        bench.post("/contacts", contact).error().2,
        "Custom attribute 'ring size' does not exist"
    );
    assert_eq!(custom(&mut bench, "").len(), 1);
    assert_eq!(custom(&mut bench, "?include_archived=true").len(), 2);
    assert_eq!(bench.put("/data_attributes/99", json!({})).error().1, "field_not_found");
    assert_eq!(bench.put("/data_attributes/0", json!({})).error().1, "field_not_found");
    assert_eq!(
        bench.put(&path, json!({"options": {"value": "1"}})).error().2,
        "Options isn't an array"
    );
}

#[test]
fn what_cannot_be_defined_is_said() {
    let mut bench = strictly();
    for (name, value, message) in [
        (
            "name",
            json!("plan"),
            "You already have 'plan' in your people data. To save this as new people data, use a different name.",
        ),
        (
            "name",
            json!("!nv@l!d n@me"),
            "Your name for this attribute must only contain alphanumeric characters, currency symbols, and hyphens",
        ),
        ("name", Value::Null, "name must be given"),
        (
            "model",
            json!("conversation"),
            "The Data Attribute model field must be either contact or company",
        ),
        (
            "model",
            Value::Null,
            "The Data Attribute model field must be either contact or company",
        ),
        ("data_type", json!("mithril"), "Data Type isn't an option"),
        (
            "options",
            json!([{"value": "1"}]),
            "The Data Attribute must have at least two options",
        ),
        ("colour", json!("x"), "bad 'colour' parameter"),
    ] {
        let mut body = json!({"name": "new", "model": "contact", "data_type": "string"});
        body[name] = value;
        let response = bench.post("/data_attributes", body);
        assert_eq!((response.error().0, response.error().2), (400, message));
    }
}
