//! What becomes of events in Intercom: against the sandbox.
#![allow(missing_docs, clippy::unwrap_used, clippy::needless_pass_by_value)]

mod support;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use intercom_sandbox::{Fault, Faults, RunningSandbox, ScriptedFault, Settings};
use serde_json::{Value, json};
use support::{NOBODY, ask, event, post, service, transform, with_sandbox};

fn identify(user: &str) -> Value {
    json!({"type": "identify", "userId": user, "traits": {"email": format!("{user}@example.com"), "name": "Ann"}})
}

/// Delivers a returned request through the proxy, as rudder-server does: HTTP status and body.
async fn deliver(router: &Router, element: &Value, version: &str) -> (StatusCode, Value) {
    assert_eq!(element["statusCode"], 200, "{element}");
    let mut request = element["batchedRequest"].clone();
    request["metadata"] = if version == "v1" {
        element["metadata"].clone()
    } else {
        element["metadata"][0].clone()
    };
    let path = format!("/{version}/destinations/intercom_v2/proxy");
    let response = post(router, &path, request.to_string()).await;
    (response.status, response.json())
}

async fn save(router: &Router, message: Value) -> Value {
    let elements = transform(router, &[event(1, message)]).await;
    let (status, response) = deliver(router, &elements[0], "v1").await;
    assert_eq!(status, StatusCode::OK);
    response
}

fn calls(sandbox: &RunningSandbox, name: &str) -> u64 {
    let state = serde_json::to_value(sandbox.state()).unwrap();
    let of_operation = |(operation, by_status): (&String, &Value)| {
        (operation.as_str() == name).then(|| match by_status {
            Value::Object(by_status) => by_status.values().filter_map(Value::as_u64).sum(),
            other => other.as_u64().unwrap_or(0),
        })
    };
    state["calls"]
        .as_object()
        .unwrap()
        .iter()
        .find_map(of_operation)
        .unwrap_or(0)
}

fn state(sandbox: &RunningSandbox) -> Value {
    serde_json::to_value(sandbox.state()).unwrap()
}

#[tokio::test]
async fn an_identify_is_created_then_updated() {
    let (sandbox, router) = with_sandbox(Settings::default()).await;
    let first = transform(&router, &[event(1, identify("u-1"))]).await;
    assert_eq!(first[0]["batchedRequest"]["method"], "POST");
    deliver(&router, &first[0], "v0").await;
    let second = transform(&router, &[event(2, identify("u-1"))]).await;
    assert_eq!(second[0]["batchedRequest"]["method"], "PUT");
    deliver(&router, &second[0], "v1").await;
    assert_eq!(state(&sandbox)["contacts"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_contact_that_no_search_finds_yet_is_remembered() {
    let lag = std::time::Duration::from_secs(3600);
    let (sandbox, router) = with_sandbox(Settings::default().with_search_lag(lag)).await;
    save(&router, identify("u-1")).await;
    let again = transform(&router, &[event(2, identify("u-1"))]).await;
    assert_eq!(again[0]["batchedRequest"]["method"], "PUT");
    // Another instance has not learnt of the contact. The conflict tells it.
    let other = service(sandbox.base_url()).router();
    let created = transform(&other, &[event(3, identify("u-1"))]).await;
    assert_eq!(created[0]["batchedRequest"]["method"], "POST");
    let (status, response) = deliver(&other, &created[0], "v1").await;
    assert_eq!(
        (status, &response["output"]["status"]),
        (StatusCode::OK, &json!(200)),
        "{response}"
    );
    assert_eq!(state(&sandbox)["contacts"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_remembered_contact_who_is_gone_is_looked_up_before_the_company_is_left() {
    let (sandbox, router) = with_sandbox(Settings::default()).await;
    let group = json!({"type": "group", "userId": "u-1", "groupId": "g-1", "traits": {"name": "Acme"}});
    save(&router, identify("u-1")).await;
    transform(&router, &[event(1, group)]).await;
    let gone = state(&sandbox)["contacts"][0]["id"].as_str().unwrap().to_owned();
    let gone: intercom_api::ContactId = gone.parse().unwrap();
    let call = |operation: &dyn Fn() -> intercom_api::Call| {
        let call = operation();
        sandbox.with(|sandbox| sandbox.call(&call, intercom_sandbox::UnixMillis(0)));
    };
    use intercom_api::{ContactFields, CreateContact, DeleteContact, Operation};
    call(&|| DeleteContact::new(gone.clone()).to_call().unwrap());
    let mut fields = ContactFields::new();
    fields.external_id = Some("u-1".into());
    call(&|| CreateContact::new(fields.clone()).to_call().unwrap());
    let leaving = json!({"type": "identify", "userId": "u-1", "traits": {"company": {"id": "g-1", "remove": true}, "name": "Ann"}});
    let elements = transform(&router, &[event(2, leaving)]).await;
    let endpoint = elements[0]["batchedRequest"]["endpoint"].as_str().unwrap();
    assert!(!endpoint.contains(gone.as_str()), "{endpoint}");
    assert_eq!(elements[0]["statusCode"], 200);
}

#[tokio::test]
async fn undefined_attributes_are_dropped_from_delivered_requests_if_the_policy_says_so() {
    let sandbox = intercom_sandbox::spawn(Settings::strict()).await.unwrap();
    let mut settings = intercom_transformer::Settings::new();
    settings.deliver = intercom_transformer::DeliverBy::RudderServer;
    settings.intercom_base_url = Some(sandbox.base_url().parse().unwrap());
    let fails = intercom_transformer::Transformer::new(settings.clone())
        .unwrap()
        .router();
    settings.on_undefined = intercom_delivery::AttributePolicy::Drop;
    let drops = intercom_transformer::Transformer::new(settings).unwrap().router();
    let identify = json!({"type": "identify", "userId": "u-1", "traits": {"name": "Ann", "shoes": 43}});
    let elements = transform(&drops, &[event(1, identify)]).await;
    let (_, response) = deliver(&fails, &elements[0], "v1").await;
    assert_eq!(response["output"]["status"], 400);
    let (_, response) = deliver(&drops, &elements[0], "v1").await;
    assert_eq!(response["output"]["status"], 200, "{response}");
    assert_eq!(state(&sandbox)["contacts"][0]["name"], "Ann");
}

#[tokio::test]
async fn a_group_is_done_completely() {
    let (sandbox, router) = with_sandbox(Settings::default()).await;
    save(&router, identify("u-1")).await;
    let group =
        json!({"type": "group", "userId": "u-1", "groupId": "g-1", "traits": {"name": "Acme", "tags": ["a", "b"]}});
    let elements = transform(&router, &[event(1, group)]).await;
    assert_eq!(elements[0]["statusCode"], 299, "{}", elements[0]);
    let endpoint = elements[0]["batchedRequest"]["endpoint"].as_str().unwrap();
    assert!(
        endpoint.starts_with(&format!("{}/contacts/", sandbox.base_url())) && endpoint.ends_with("/companies"),
        "{endpoint}"
    );
    let state = state(&sandbox);
    assert_eq!(state["companies"][0]["company_id"], "g-1");
    let tags = &state["companies"][0]["tags"];
    assert!(
        tags.to_string().contains("\"a\"") && tags.to_string().contains("\"b\""),
        "{tags}"
    );
    assert!(!state["contacts"][0]["companies"].to_string().contains("[]"), "{state}");
}

#[tokio::test]
async fn events_of_one_user_keep_their_order_and_others_do_not_wait() {
    let (sandbox, router) = with_sandbox(Settings::default()).await;
    save(&router, identify("u-1")).await;
    let group =
        |user: &str, plan: &str| json!({"type": "group", "userId": user, "groupId": "g-1", "traits": {"plan": plan}});
    for round in 0..5 {
        let events: Vec<Value> = (0..20)
            .map(|at| event(at, group("u-1", &format!("{round}-{at}"))))
            .collect();
        for element in transform(&router, &events).await {
            assert_eq!(element["statusCode"], 299);
        }
        let plan = state(&sandbox)["companies"][0]["plan"].to_string();
        assert!(plan.contains(&format!("{round}-19")), "{plan}");
    }
    // The member was looked up once; all the others were remembered.
    assert!(
        calls(&sandbox, "search_contacts") <= 2,
        "{}",
        calls(&sandbox, "search_contacts")
    );
}

#[tokio::test]
async fn a_data_event_of_nobody_is_ended_whatever_names_its_contact() {
    let (_sandbox, router) = with_sandbox(Settings::default()).await;
    let by_email = json!({"type": "track", "event": "e", "context": {"traits": {"email": "u@example.com"}}});
    for track in [json!({"type": "track", "event": "e", "userId": "u"}), by_email] {
        let response = save(&router, track).await;
        assert_eq!(response["output"]["response"][0]["statusCode"], 404, "{response}");
    }
}

#[tokio::test]
async fn what_intercom_refuses_is_told_by_event() {
    let (_sandbox, router) = with_sandbox(Settings::default().with_token("right")).await;
    let track = json!({"type": "track", "event": "e", "userId": "u-1"});
    let elements = transform(
        &router,
        &[event(1, identify("u-1")), event(2, track), event(3, identify("u-2"))],
    )
    .await;
    for refused in [&elements[0], &elements[2]] {
        assert_eq!(refused["statusCode"], 400);
        assert_eq!(refused["statTags"]["meta"], "invalidAuthToken");
        assert_eq!(refused["statTags"]["errorCategory"], "network");
    }
    assert_eq!(elements[1]["statusCode"], 200);
}

#[tokio::test]
async fn a_limit_that_is_used_up_is_not_run_against() {
    let limit = intercom_sandbox::RateLimit::new(1, std::time::Duration::from_secs(50));
    let (sandbox, router) = with_sandbox(Settings::default().with_rate_limit(limit)).await;
    let first = transform(&router, &[event(1, identify("u-1"))]).await;
    assert_eq!(first[0]["statusCode"], 200);
    let second = transform(&router, &[event(2, identify("u-2"))]).await;
    assert_eq!(
        (&second[0]["statusCode"], &second[0]["statTags"]["errorType"]),
        (&json!(429), &json!("throttled"))
    );
    assert_eq!(calls(&sandbox, "search_contacts"), 1);
}

#[tokio::test]
async fn a_dead_intercom_makes_events_wait_not_fail() {
    let router = service(NOBODY).router();
    let elements = transform(&router, &[event(1, identify("u-1"))]).await;
    assert_eq!(
        (&elements[0]["statusCode"], &elements[0]["statTags"]["errorType"]),
        (&json!(500), &json!("retryable"))
    );
    let request = json!({
        "endpoint": "https://api.intercom.io/contacts", "method": "POST", "metadata": {"jobId": 1},
        "headers": {"Authorization": "Bearer t"}, "body": {"JSON": {"email": "a@b.c"}},
    });
    let response = post(&router, "/v0/destinations/intercom_v2/proxy", request.to_string()).await;
    assert_eq!(
        (response.status.as_u16(), &response.json()["output"]["status"]),
        (500, &json!(500))
    );
    let response = post(&router, "/v1/destinations/intercom_v2/proxy", request.to_string()).await;
    assert_eq!(
        (response.status.as_u16(), &response.json()["output"]["status"]),
        (200, &json!(500))
    );
}

#[tokio::test]
async fn a_slow_intercom_makes_events_wait_not_fail() {
    // It takes connections and says nothing.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = intercom_transformer::Settings::new();
    settings.intercom_base_url = Some(format!("http://{}", silent.local_addr().unwrap()).parse().unwrap());
    settings.deliver = intercom_transformer::DeliverBy::RudderServer;
    settings.request_timeout = std::time::Duration::from_millis(50);
    let router = intercom_transformer::Transformer::new(settings).unwrap().router();
    let track = json!({"type": "track", "event": "e", "userId": "u-1"});
    let elements = transform(&router, &[event(1, identify("u-1")), event(2, track)]).await;
    assert_eq!(
        (&elements[0]["statusCode"], &elements[1]["statusCode"]),
        (&json!(500), &json!(200))
    );
    assert_eq!(elements[0]["metadata"][0]["jobId"], 1);
}

#[tokio::test]
async fn the_proxy_calls_nobody_but_intercom() {
    let router = intercom_transformer::Transformer::new(intercom_transformer::Settings::new())
        .unwrap()
        .router();
    for endpoint in [
        "http://127.0.0.1:1/contacts",
        "https://api.intercom.io.evil.example/contacts",
        "nonsense",
    ] {
        let request =
            json!({"endpoint": endpoint, "method": "POST", "metadata": [{}], "headers": {"Authorization": "Bearer t"}});
        let response = post(&router, "/v1/destinations/intercom_v2/proxy", request.to_string()).await;
        assert_eq!(response.json()["output"]["status"], 400, "{endpoint}");
    }
}

async fn delete(router: &Router, users: Value) -> (StatusCode, Value) {
    let body = json!([{"jobId": "1", "destType": "intercom_v2", "config": {}, "userAttributes": users}]);
    let request = Request::post("/deleteUsers").header("x-rudder-dest-info", r#"{"secret":{"accessToken":"token"}}"#);
    let response = ask(router, request.body(Body::from(body.to_string())).unwrap()).await;
    (response.status, response.json())
}

#[tokio::test]
async fn users_are_erased_by_any_identity_archived_ones_too() {
    let (sandbox, router) = with_sandbox(Settings::default()).await;
    for user in ["u-1", "u-2", "u-3"] {
        save(&router, identify(user)).await;
    }
    let archived = state(&sandbox)["contacts"][2]["id"].as_str().unwrap().to_owned();
    sandbox.with(|sandbox| {
        let call = intercom_api::Operation::to_call(&intercom_api::ArchiveContact {
            id: archived.parse().unwrap(),
        })
        .unwrap();
        sandbox.call(&call, intercom_sandbox::UnixMillis(0));
    });
    let users = json!([{"userId": "u-1"}, {"email": "U-2@example.com"}, {"userId": "u-3"}, {"userId": "nobody"}]);
    let (status, response) = delete(&router, users).await;
    assert_eq!(
        (status, &response),
        (StatusCode::OK, &json!([{"statusCode": 200, "status": "successful"}]))
    );
    assert_eq!(calls(&sandbox, "request_user_deletion"), 3);
    let left = state(&sandbox)["contacts"].to_string();
    assert!(!left.contains("nobody"), "{left}");
}

#[tokio::test]
async fn who_is_not_named_is_not_said_to_be_erased() {
    let (sandbox, router) = with_sandbox(Settings::default()).await;
    save(&router, identify("u-1")).await;
    for nobody in [json!({}), json!({"userId": "", "phone": "1"}), json!(null)] {
        let (status, response) = delete(&router, json!([nobody, {"userId": "u-1"}])).await;
        assert_eq!((status.as_u16(), &response[0]["status"]), (400, &json!("failed")));
        let error = response[0]["error"].as_str().unwrap();
        assert!(error.starts_with("/userAttributes/0: user_not_named"), "{error}");
    }
    // The others are erased all the same.
    assert_eq!(calls(&sandbox, "request_user_deletion"), 1);
}

#[tokio::test]
async fn a_refused_token_ends_a_deletion_and_a_failure_that_passes_is_told_first() {
    let (sandbox, router) = with_sandbox(Settings::default()).await;
    sandbox.with(|sandbox| sandbox.set_token(Some("another".to_owned())));
    let (status, response) = delete(&router, json!([{}, {"userId": "u-1"}])).await;
    assert_eq!(status.as_u16(), 400);
    assert_eq!(response[0]["authErrorCategory"], "AUTH_STATUS_INACTIVE");
    sandbox.with(|sandbox| {
        let mut faults = Faults::none();
        faults.scripted = vec![ScriptedFault::at_call(1, Fault::status(503))];
        sandbox.set_token(None);
        sandbox.set_faults(faults);
    });
    let (status, response) = delete(&router, json!([{}, {"userId": "u-1"}])).await;
    assert_eq!((status.as_u16(), &response[0]["status"]), (503, &json!("failed")));
}

#[tokio::test]
async fn a_deletion_that_cannot_be_made_is_no_success() {
    let router = service(NOBODY).router();
    let (status, response) = delete(&router, json!([{"userId": "u-1"}])).await;
    assert_eq!((status.as_u16(), &response[0]["status"]), (500, &json!("failed")));
    let response = post(&router, "/deleteUsers", r#"[{"userAttributes":[{"userId":"u"}]}]"#).await;
    assert_eq!(response.status.as_u16(), 500);
}
