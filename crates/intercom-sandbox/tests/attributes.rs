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
    let company = json!({"company_id": "c-1", "custom_attributes": {"tier": "pro"}});
    let message = "Custom attribute 'tier' does not exist";
    assert_eq!(
        bench.post("/companies", company.clone()).error(),
        (400, "parameter_invalid", message)
    );
    assert!(bench.sandbox.state().companies.is_empty());

    let define = json!({"name": "tier", "model": "company", "data_type": "string"});
    bench.post("/data_attributes", define).ok();
    bench.post("/companies", company).ok();
}

#[test]
fn by_default_an_undefined_attribute_becomes_defined() {
    let mut bench = Bench::easy();
    bench.contact(json!({
        "external_id": "u-1",
        "custom_attributes": {"text": "x", "whole": 1, "part": 1.5, "flag": true, "made_at": 1700000000, "nothing": null}
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
        ["contact", "made_at", "date"],
        ["contact", "part", "float"],
        ["contact", "text", "string"],
        ["contact", "whole", "integer"],
    ];
    assert_eq!(custom(&mut bench, "?model=contact"), expected);
    assert_eq!(custom(&mut bench, "?model=company"), [["company", "whole", "string"]]);
    assert_eq!(custom(&mut bench, "").len(), 6);
    // What was only unset so far is not defined, and takes any type.
    bench.contact(json!({"role": "lead", "custom_attributes": {"nothing": 5}}));
    assert!(custom(&mut bench, "").contains(&["contact".to_owned(), "nothing".to_owned(), "integer".to_owned()]));
}

#[test]
fn a_value_of_another_type_is_refused() {
    let mut bench = Bench::easy();
    let first = json!({"whole": 1, "part": 1.5, "flag": true, "text": "x", "made_at": 1_700_000_000});
    bench.contact(json!({"external_id": "u-1", "custom_attributes": first}));
    let mut write = |name: &str, value: serde_json::Value| {
        let create = json!({"role": "lead", "custom_attributes": {name: value}});
        bench.post("/contacts", create).raw.status
    };
    for (name, value) in [
        ("whole", json!(-2)),
        ("whole", json!(2.0)),
        ("part", json!(2)),
        ("flag", json!(false)),
        ("text", json!("")),
        ("made_at", json!(5)),
        ("made_at", json!("01/02/2026")),
        ("made_at", json!(null)),
    ] {
        assert_eq!(write(name, value.clone()), 200, "{name} {value}");
    }
    for (name, value) in [
        ("whole", json!("1")),
        ("whole", json!(1.5)),
        ("part", json!("1.5")),
        ("flag", json!("true")),
        ("flag", json!(1)),
        ("text", json!(1)),
        ("made_at", json!("2026-02-01")),
        ("text", json!(["x"])),
        ("text", json!({"x": 1})),
        ("new", json!([])),
    ] {
        assert_eq!(write(name, value.clone()), 400, "{name} {value}");
    }
}

#[test]
fn names_that_cannot_be_are_never_defined() {
    let mut bench = Bench::easy();
    for name in ["billing.plan", "$utm", "is admin?", "roles[0]", "", "last_seen_at"] {
        let create = json!({"role": "lead", "custom_attributes": {name: "x"}});
        assert_eq!(bench.post("/contacts", create).error().0, 400, "{name}");
        let define = json!({"name": name, "model": "contact", "data_type": "string"});
        assert_eq!(bench.post("/data_attributes", define).error().0, 400, "{name}");
    }
    let fine = json!({"Company Name": "x", "naïve": "x", "made-at": "x", "company_id": "x"});
    bench.contact(json!({"role": "lead", "custom_attributes": fine}));
    assert_eq!(custom(&mut bench, "").len(), 4);
}

#[test]
fn long_text_and_too_many_attributes_are_refused_if_strict() {
    let long = json!({"role": "lead", "custom_attributes": {"plan": "é".repeat(256)}});
    let strict =
        || Bench::new(Settings::strict().with_attribute(DataAttributeModel::Contact, "plan", DataType::String));
    strict().post("/contacts", long.clone()).error();
    Bench::easy().post("/contacts", long).ok();
    let fits = json!({"role": "lead", "custom_attributes": {"plan": "é".repeat(255)}});
    strict().post("/contacts", fits).ok();

    let mut bench = Bench::new(Settings::default().with_max_attributes(Some(2)));
    let three = json!({"role": "lead", "custom_attributes": {"a": 1, "b": 1, "c": 1}});
    bench.post("/contacts", three).error();
    let define = |name: &str| json!({"name": name, "model": "company", "data_type": "string"});
    let first = bench.post("/data_attributes", define("a")).ok();
    bench.post("/data_attributes", define("b")).ok();
    bench.post("/data_attributes", define("c")).error();
    let archive = format!("/data_attributes/{}", first["id"]);
    bench.put(&archive, json!({"archived": true})).ok();
    bench.post("/data_attributes", define("c")).ok();
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
fn a_name_is_of_one_model_only() {
    let mut bench = strictly();
    let define = |model: &str| json!({"name": "ring", "model": model, "data_type": "string"});
    bench.post("/data_attributes", define("company")).ok();
    for (model, data) in [("contact", "people"), ("company", "company")] {
        let message = format!(
            "You already have 'ring' in your company data. To save this as new {data} data, use a different name."
        );
        let response = bench.post("/data_attributes", define(model));
        assert_eq!(response.error(), (400, "parameter_invalid", &*message));
    }
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
