//! Whatever is sent, there is a response: never a panic, always a status, always JSON or nothing.

mod support;

use intercom_sandbox::{Faults, Sandbox, Settings};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::Bench;

const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];

/// Paths of every route; `@` stands for an id, and is filled with one that exists or does not.
const PATHS: [&str; 42] = [
    "/contacts",
    "/contacts/search",
    "/contacts/merge",
    "/contacts/@",
    "/contacts/@/archive",
    "/contacts/@/unarchive",
    "/contacts/@/companies",
    "/contacts/@/companies/@",
    "/contacts/@/tags",
    "/contacts/@/tags/@",
    "/contacts/@/notes",
    "/contacts/@/segments",
    "/contacts/@/subscriptions",
    "/contacts/@/subscriptions/@",
    "/companies",
    "/companies/list",
    "/companies/scroll",
    "/companies/@",
    "/companies/@/contacts",
    "/companies/@/segments",
    "/tags",
    "/tags/@",
    "/events",
    "/events/summaries",
    "/data_attributes",
    "/data_attributes/@",
    "/user_delete_requests",
    "/me",
    "/admins",
    "/admins/activity_logs",
    "/admins/@",
    "/admins/@/away",
    "/notes/@",
    "/segments",
    "/segments/@",
    "/subscription_types",
    "/conversations/@/tags",
    "/conversations/@/tags/@",
    "/tickets/@/tags",
    "/visitors",
    "/visitors/convert",
    "/nowhere",
];

/// Names that the routes read, so that arbitrary values land where they matter.
const NAMES: [&str; 34] = [
    "id",
    "external_id",
    "email",
    "role",
    "phone",
    "name",
    "avatar",
    "owner_id",
    "signed_up_at",
    "last_seen_at",
    "custom_attributes",
    "company_id",
    "plan",
    "size",
    "monthly_spend",
    "remote_created_at",
    "companies",
    "users",
    "untag",
    "event_name",
    "created_at",
    "user_id",
    "metadata",
    "event_summaries",
    "query",
    "pagination",
    "from",
    "into",
    "model",
    "data_type",
    "options",
    "body",
    "intercom_user_id",
    "archived",
];

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!("u-1")),
        Just(json!("@")),
        Just(json!("user")),
        Just(json!("lead")),
        Just(json!("contact")),
        Just(json!("string")),
        Just(json!("=")),
        Just(json!("AND")),
        Just(json!("custom_attributes.a")),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((prop::sample::select(&NAMES[..]), inner.clone()), 0..5)
                .prop_map(|entries| entries.into_iter().collect()),
            (
                prop::sample::select(intercom_api::SEARCHABLE_FIELDS),
                "=|!=|IN|NIN|>|<|>=|<=|~|!~|\\^|\\$",
                inner
            )
                .prop_map(|(field, operator, value)| json!({"field": field, "operator": operator, "value": value})),
        ]
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => prop::collection::vec((prop::sample::select(&NAMES[..]), value()), 0..6)
            .prop_map(|entries| entries.into_iter().collect::<Value>().to_string().into_bytes()),
        1 => value().prop_map(|value| value.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..64),
    ]
}

fn request() -> impl Strategy<Value = (&'static str, String, Vec<u8>)> {
    let query = prop_oneof![
        4 => Just(String::new()),
        1 => "\\?(per_page|page|starting_after|company_id|name|tag_id|scroll_param|model|type|user_id)=[^#]{0,9}",
        1 => Just("?type=user&user_id=u-1&summary=true".to_owned()),
    ];
    let path = (prop::sample::select(&PATHS[..]), query).prop_map(|(path, query)| format!("{path}{query}"));
    (prop::sample::select(&METHODS[..]), path, body())
}

/// A workspace with something in it, and the ids of that.
fn furnished(settings: Settings) -> (Bench, Vec<String>) {
    let mut bench = Bench::new(settings);
    let contact = bench.contact(json!({"external_id": "u-1", "email": "ada@example.org"}));
    let lead = bench.contact(json!({"role": "lead"}));
    let company = bench.company("c-1");
    bench.attach(&contact, &company);
    bench
        .post(
            "/tags",
            json!({"name": "t", "companies": [{"id": company}], "users": [{"id": contact}]}),
        )
        .ok();
    (bench, vec![contact, lead, company, "1".to_owned(), "%00%ff".to_owned()])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn requests_are_always_answered(
        requests in prop::collection::vec((request(), any::<prop::sample::Index>()), 1..24),
        strict in any::<bool>(),
    ) {
        let settings = if strict { Settings::strict() } else { Settings::default() };
        let (mut bench, ids) = furnished(settings);
        for ((method, path, body), pick) in &requests {
            let id = pick.get(&ids);
            let path = path.replace('@', id);
            let body: Vec<u8> = match std::str::from_utf8(body) {
                Ok(text) => text.replace("\"@\"", &format!("\"{id}\"")).into_bytes(),
                Err(_) => body.clone(),
            };
            let response = bench.raw(method, &path, &body).raw;
            let is_known = (200..500).contains(&response.status) || response.status == 501;
            prop_assert!(is_known, "{} {} {}", method, path, response.status);
            if !response.body.is_empty() {
                prop_assert!(serde_json::from_slice::<Value>(&response.body).is_ok(), "{} {}", method, path);
            }
        }
        consistent(&bench.sandbox)?;
    }

    #[test]
    fn arbitrary_requests_are_answered(
        method in ".{0,6}",
        path in ".{0,40}",
        body in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let mut bench = Bench::new(Settings::default().with_faults(Faults::mixed(0.1)));
        bench.raw(&method, &path, &body);
    }
}

/// What must hold of any state: links in both directions agree, and identities are unique.
fn consistent(sandbox: &Sandbox) -> Result<(), TestCaseError> {
    let state = serde_json::to_value(sandbox.state()).expect("a state");
    let contacts = state["contacts"].as_array().expect("contacts");
    let mut external_ids: Vec<&str> = contacts
        .iter()
        .filter_map(|contact| contact["external_id"].as_str())
        .collect();
    let count = external_ids.len();
    external_ids.sort_unstable();
    external_ids.dedup();
    prop_assert_eq!(external_ids.len(), count);
    for company in state["companies"].as_array().expect("companies") {
        let members = contacts.iter().filter(|contact| {
            let companies = contact["companies"]["data"].as_array().expect("companies of a contact");
            contact["archived"] == false && companies.iter().any(|link| link["id"] == company["id"])
        });
        prop_assert_eq!(json!(members.count()), company["user_count"].clone());
    }
    Ok(())
}
