//! Events that are carried out while rudder-server waits: against the sandbox.
#![allow(missing_docs, clippy::unwrap_used, clippy::needless_pass_by_value)]

mod support;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use intercom_api::OperationId as Op;
use intercom_sandbox::{Fault, Faults, RunningSandbox, ScriptedFault, Settings};
use intercom_transformer::{Instances, Transformer};
use serde_json::{Value, json};
use std::time::Duration;
use support::{ask, transform};
use tokio::time::Instant;

const LONG: Duration = Duration::from_secs(3_600);

/// A sandbox, and the settings of a service that calls it.
async fn sandbox(settings: Settings) -> (RunningSandbox, intercom_transformer::Settings) {
    let sandbox = intercom_sandbox::spawn(settings).await.unwrap();
    let mut service = intercom_transformer::Settings::new();
    service.intercom_base_url = Some(sandbox.base_url().parse().unwrap());
    (sandbox, service)
}

fn router(settings: &intercom_transformer::Settings) -> Router {
    Transformer::new(settings.clone()).unwrap().router()
}

/// An event of a key of rudder-server's.
fn event(job: u64, key: &str, message: Value) -> Value {
    let mut event = support::event(job, message);
    event["metadata"]["userId"] = json!(format!("<<>>{key}<<>>{key}"));
    event["metadata"]["firstAttemptedAt"] = json!("");
    event
}

/// The same, first tried this long ago.
fn tried(event: &Value, ago: Duration) -> Value {
    let mut event = event.clone();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let first = i64::try_from((now - ago).as_secs()).unwrap();
    let first = chrono::DateTime::from_timestamp(first, 0).unwrap();
    event["metadata"]["firstAttemptedAt"] = json!(first.to_rfc3339());
    event
}

fn identify(user: &str, name: &str) -> Value {
    json!({"type": "identify", "userId": user, "traits": {"email": format!("{user}@example.com"), "name": name}})
}

fn group(user: &str) -> Value {
    json!({"type": "group", "userId": user, "groupId": "g-1", "traits": {"name": "Acme"}})
}

fn track(user: &str) -> Value {
    json!({"type": "track", "userId": user, "event": "Seen", "timestamp": "2026-01-02T03:04:05Z"})
}

fn statuses(elements: &[Value]) -> Vec<u64> {
    elements
        .iter()
        .map(|element| element["statusCode"].as_u64().unwrap())
        .collect()
}

fn code(element: &Value) -> &str {
    let error = element["error"].as_str().unwrap_or_default();
    error.split(':').next().unwrap_or_default()
}

fn calls(sandbox: &RunningSandbox) -> Vec<(String, u64)> {
    let state = serde_json::to_value(sandbox.state()).unwrap();
    let sum = |by_status: &Value| by_status.as_object().unwrap().values().filter_map(Value::as_u64).sum();
    let calls = state["calls"].as_object().unwrap();
    calls
        .iter()
        .map(|(operation, by_status)| (operation.clone(), sum(by_status)))
        .collect()
}

fn faults(scripted: Vec<ScriptedFault>) -> Settings {
    let mut faults = Faults::none();
    faults.scripted = scripted;
    Settings::default().with_faults(faults)
}

/// As many of the operation's calls as are ever made are answered so.
fn always(operation: Op, status: u16) -> Settings {
    faults(
        (1..50)
            .map(|call| ScriptedFault::new(operation, call, Fault::status(status)))
            .collect(),
    )
}

#[tokio::test]
async fn what_a_person_does_at_once_is_all_there_afterwards() {
    let (sandbox, settings) = sandbox(Settings::default()).await;
    let events = [
        event(1, "u", group("u")),
        event(2, "u", track("u")),
        event(3, "u", identify("u", "A")),
        event(4, "u", identify("u", "B")),
        event(5, "v", identify("v", "V")),
    ];
    let elements = transform(&router(&settings), &events).await;
    assert_eq!(statuses(&elements), [299; 5], "{elements:?}");
    assert!(elements.iter().all(|element| element.get("batchedRequest").is_none()));
    assert_eq!(elements[0]["metadata"][0]["jobId"], 1);
    let state = serde_json::to_value(sandbox.state()).unwrap();
    assert_eq!(state["contacts"].as_array().unwrap().len(), 2);
    let contact = state["contacts"]
        .as_array()
        .unwrap()
        .iter()
        .find(|contact| contact["external_id"] == "u");
    assert_eq!(contact.unwrap()["name"], "B");
    assert!(contact.unwrap()["companies"].to_string().contains("g-1"));
    assert_eq!(state["events"].as_array().unwrap().len(), 1);
}

/// The companies of the only contact, and the times of its events.
fn companies_and_times(sandbox: &RunningSandbox) -> (Vec<Value>, Vec<Value>) {
    let state = serde_json::to_value(sandbox.state()).unwrap();
    let of = |list: &Value, field: &str| -> Vec<Value> {
        let list = list.as_array().unwrap().iter();
        list.map(|entry| entry[field].clone()).collect()
    };
    assert_eq!(state["contacts"].as_array().unwrap().len(), 1, "{state}");
    let ids = of(&state["contacts"][0]["companies"]["data"], "id");
    let all = state["companies"].as_array().unwrap().iter();
    let linked = all.filter(|company| ids.contains(&company["id"]));
    (
        linked.map(|company| company["company_id"].clone()).collect(),
        of(&state["events"], "created_at"),
    )
}

#[tokio::test]
async fn d34_what_comes_before_its_contact_is_carried_out_after_it() {
    let leaves = json!({"type": "identify", "userId": "u", "traits": {
        "email": "u@example.com", "company": {"id": "g-2", "remove": true}}});
    let by_email = json!({"type": "track", "event": "Seen", "timestamp": "2026-01-02T03:04:06Z",
        "context": {"traits": {"email": "U@example.com"}}});
    let events = [
        event(1, "u", group("u")),
        event(2, "u", track("u")),
        // Of another key of rudder-server's: it comes after the contact all the same.
        event(3, "a", by_email),
        event(4, "u", leaves),
        event(5, "u", track("u")),
    ];
    for settings in [Settings::default(), Settings::default().with_search_lag(LONG)] {
        let (sandbox, settings) = sandbox(settings).await;
        let elements = transform(&router(&settings), &events).await;
        assert_eq!(statuses(&elements), [299; 5], "{elements:?}");
        for (job, element) in (1..).zip(&elements) {
            assert_eq!(element["metadata"][0]["jobId"], job);
        }
        let (companies, mut times) = companies_and_times(&sandbox);
        times.sort_by_key(Value::as_i64);
        // The two of one second are one for Intercom.
        times.dedup();
        assert_eq!(
            (companies, times),
            (vec![json!("g-1")], vec![json!(1_767_323_045), json!(1_767_323_046)])
        );
    }
}

#[tokio::test]
async fn d34_a_link_does_not_outlive_the_removal_that_came_after_it() {
    let (sandbox, settings) = sandbox(Settings::default()).await;
    let leaves = json!({"type": "identify", "userId": "u", "traits": {
        "email": "u@example.com", "company": {"id": "g-1", "remove": true}}});
    let events = [
        event(1, "u", group("u")),
        event(2, "u", track("u")),
        event(3, "u", leaves),
    ];
    let events = events.map(|event| tried(&event, Duration::from_secs(121)));
    let elements = transform(&router(&settings), &events).await;
    assert_eq!(statuses(&elements), [299; 3], "{elements:?}");
    let (companies, times) = companies_and_times(&sandbox);
    assert_eq!((companies.len(), times.len()), (0, 1));
}

#[tokio::test]
async fn d34_what_waits_for_a_contact_that_is_to_be_tried_again_is_held_back() {
    let (sandbox, settings) = sandbox(always(Op::CreateContact, 503)).await;
    let events = [
        event(1, "u", group("u")),
        event(2, "u", track("u")),
        event(3, "u", identify("u", "A")),
        event(4, "v", group("v")),
    ];
    let elements = transform(&router(&settings), &events).await;
    assert_eq!(statuses(&elements), [429; 4], "{elements:?}");
    let codes: Vec<&str> = elements.iter().map(code).collect();
    assert_eq!(codes, ["held_back", "held_back", "server_error", "settling"]);
    let made = calls(&sandbox);
    let is_made = |name: &str| made.iter().any(|(made, _)| made == name);
    assert!(!is_made("submit_data_event") && !is_made("upsert_company"), "{made:?}");
}

#[tokio::test]
async fn a_record_that_is_inserted_and_deleted_at_once_is_gone_although_searches_lag() {
    let (sandbox, settings) = sandbox(Settings::default().with_search_lag(LONG)).await;
    let record = |action: &str| json!({"type": "record", "action": action, "identifiers": {"email": "r@example.com"}, "fields": {"name": action}});
    let events = [
        event(1, "r", record("insert")),
        event(2, "r", record("update")),
        event(3, "r", record("delete")),
    ];
    let elements = transform(&router(&settings), &events).await;
    assert_eq!(statuses(&elements), [299; 3], "{elements:?}");
    let state = serde_json::to_value(sandbox.state()).unwrap();
    let is_there = |contact: &&Value| contact["archived"] != true;
    assert_eq!(state["contacts"].as_array().unwrap().iter().filter(is_there).count(), 0);
}

#[tokio::test]
async fn after_one_that_is_to_be_tried_again_nothing_of_its_key_is_called() {
    let (sandbox, settings) = sandbox(always(Op::SearchContacts, 503)).await;
    let events = [
        event(1, "u", track("u")),
        event(2, "u", identify("u", "A")),
        event(3, "u", track("w")),
        event(4, "v", track("v")),
    ];
    let mut settings = settings;
    settings.on_unknown_contact = intercom_delivery::UnknownContactPolicy::Create;
    let elements = transform(&router(&settings), &events).await;
    assert_eq!(statuses(&elements), [429, 429, 429, 299], "{elements:?}");
    assert_eq!(code(&elements[1]), "server_error");
    assert_eq!((code(&elements[0]), code(&elements[2])), ("held_back", "held_back"));
    assert_eq!(elements[2]["statTags"]["errorType"], "retryable");
    let events: u64 = calls(&sandbox)
        .iter()
        .filter(|(name, _)| name == "submit_data_event")
        .map(|(_, n)| n)
        .sum();
    // The one that went through: once in vain, and once when its contact was there.
    assert_eq!(events, 2);
}

#[tokio::test]
async fn who_is_not_found_settles_before_it_is_believed() {
    let (sandbox, settings) = sandbox(Settings::default().with_search_lag(LONG)).await;
    // Another instance creates the contact.
    let other = transform(&router(&settings), &[event(1, "u", identify("u", "A"))]).await;
    assert_eq!(statuses(&other), [299]);
    let router = router(&settings);
    let delete = json!({"type": "record", "action": "delete", "identifiers": {"email": "u@example.com"}});
    let update = json!({"type": "record", "action": "update", "identifiers": {"email": "u@example.com"}, "fields": {"name": "C"}});
    let events = [event(2, "a", group("u")), event(3, "b", delete), event(4, "c", update)];
    let elements = transform(&router, &events).await;
    assert_eq!(statuses(&elements), [429; 3], "{elements:?}");
    assert!(elements.iter().all(|element| code(element) == "settling"));
    let upserts = |sandbox: &RunningSandbox| calls(sandbox).iter().any(|(name, _)| name == "upsert_company");
    assert!(!upserts(&sandbox), "the company waits for its member");
    let later: Vec<Value> = events
        .iter()
        .map(|event| tried(event, Duration::from_secs(121)))
        .collect();
    let elements = transform(&router, &later).await;
    assert_eq!(statuses(&elements), [299, 299, 400], "{elements:?}");
    assert_eq!(code(&elements[2]), "contact_not_found");
    assert!(upserts(&sandbox));
    // An identify is never held back.
    let elements = transform(&router, &[event(5, "u", identify("u", "B"))]).await;
    assert_eq!(statuses(&elements), [299]);
    let state = serde_json::to_value(sandbox.state()).unwrap();
    assert_eq!(state["contacts"][0]["name"], "B");
}

#[tokio::test]
async fn a_refused_token_costs_no_event_and_one_job_asks_for_another() {
    let (_sandbox, settings) = sandbox(Settings::default().with_token("right")).await;
    let router = router(&settings);
    let events: Vec<Value> = (0..4)
        .map(|at| event(at, &format!("u{at}"), identify(&format!("u{at}"), "A")))
        .collect();
    let mut elements = transform(&router, &events).await;
    elements.extend(transform(&router, &events).await);
    let asks: Vec<&Value> = elements
        .iter()
        .filter(|element| element.get("authErrorCategory").is_some())
        .collect();
    let [asks] = asks.as_slice() else {
        panic!("{elements:?}")
    };
    assert_eq!(
        (&asks["authErrorCategory"], &asks["statusCode"]),
        (&json!("REFRESH_TOKEN"), &json!(500))
    );
    assert_eq!(statuses(&elements).iter().filter(|status| **status == 429).count(), 7);
    assert!(
        elements
            .iter()
            .all(|element| element["statTags"]["meta"] == "invalidAuthToken"),
        "{elements:?}"
    );
    // With the new token, everything goes through.
    let body = json!({"input": events, "destType": "intercom_v2"}).to_string();
    let request = Request::post("/routerTransform").header("oauth-secret", r#"{"accessToken":"right"}"#);
    let answer = ask(&router, request.body(Body::from(body)).unwrap()).await;
    assert_eq!(statuses(answer.json()["output"].as_array().unwrap()), [299; 4]);
}

#[tokio::test]
async fn events_without_a_token_take_the_programs_own_if_there_is_one() {
    let (_sandbox, settings) = sandbox(Settings::default().with_token("own")).await;
    let router = router(&settings);
    let mut bare = event(1, "u", identify("u", "A"));
    bare["metadata"]["secret"] = Value::Null;
    let elements = transform(&router, std::slice::from_ref(&bare)).await;
    assert_eq!(
        (statuses(&elements)[0], code(&elements[0])),
        (429, "missing_access_token")
    );
    assert_eq!(elements[0]["statTags"]["errorType"], "oAuthSecret");
    settings.own_token.replace(Some("own".to_owned()));
    assert_eq!(statuses(&transform(&router, std::slice::from_ref(&bare)).await), [299]);
    for broken in [json!(5), json!({"accessToken": 5}), json!({"accessToken": "other\n"})] {
        let mut meant_for_somebody = bare.clone();
        meant_for_somebody["metadata"]["secret"] = broken;
        let elements = transform(&router, &[meant_for_somebody]).await;
        assert_eq!(
            (statuses(&elements)[0], code(&elements[0])),
            (429, "missing_access_token"),
            "the program's own token is for another workspace"
        );
    }
    settings.own_token.replace(Some("wrong".to_owned()));
    let elements = transform(&router, &[bare]).await;
    assert_eq!(statuses(&elements), [429]);
    assert!(
        elements[0].get("authErrorCategory").is_none(),
        "nobody can fetch it anew"
    );
}

#[tokio::test]
async fn what_is_not_done_in_time_is_not_begun_afterwards() {
    let slow = ScriptedFault::new(Op::SearchContacts, 1, Fault::delay(Duration::from_millis(600)));
    let (sandbox, mut settings) = sandbox(faults(vec![slow])).await;
    settings.request_timeout = Duration::from_millis(200);
    let router = router(&settings);
    let elements = transform(&router, &[event(1, "u", identify("u", "A")), event(2, "u", track("u"))]).await;
    assert_eq!(statuses(&elements), [429; 2]);
    assert_eq!(code(&elements[0]), "request_timeout");
    let started = Instant::now();
    while !calls(&sandbox).iter().any(|(name, _)| name == "search_contacts") {
        assert!(started.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The user's next event comes after the call that was in flight, and shows that nothing has come after it.
    let patient = Instant::now();
    let track = [event(3, "u", track("u"))];
    while code(&transform(&router, &track).await[0]) != "unknown_contact" {
        assert!(patient.elapsed() < Duration::from_secs(20));
    }
    let state = serde_json::to_value(sandbox.state()).unwrap();
    assert_eq!(state["contacts"].as_array().unwrap().len(), 0, "{state}");
}

#[tokio::test]
async fn a_request_whose_connection_has_gone_is_dropped() {
    let slow = ScriptedFault::new(Op::SearchContacts, 1, Fault::delay(Duration::from_millis(300)));
    let (sandbox, settings) = sandbox(faults(vec![slow])).await;
    let router = router(&settings);
    let events = [event(1, "u", identify("u", "A"))];
    let gone = tokio::time::timeout(Duration::from_millis(100), transform(&router, &events)).await;
    assert!(gone.is_err());
    let elements = transform(&router, &[event(2, "u", track("u"))]).await;
    // It came after the other of its user, of which nothing more has been done.
    assert_eq!((statuses(&elements)[0], code(&elements[0])), (400, "unknown_contact"));
    assert!(!calls(&sandbox).iter().any(|(name, _)| name == "create_contact"));
}

#[tokio::test]
async fn a_stop_answers_for_what_is_done_and_gives_the_rest_back() {
    let slow = ScriptedFault::new(Op::SearchContacts, 1, Fault::delay(Duration::from_secs(5)));
    let (_sandbox, mut settings) = sandbox(faults(vec![slow])).await;
    settings.shutdown_timeout = Duration::from_secs(2);
    let service = Transformer::new(settings).unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (router, probes) = (service.router(), service.probes());
    let ready = || Request::get("/ready").body(Body::empty()).unwrap();
    assert_eq!(ask(&probes, ready()).await.status, 200);
    let serving = tokio::spawn(async move { service.serve(listener, async { drop(stopped.await) }).await });
    // Connected, so that it is served.
    drop(tokio::net::TcpStream::connect(address).await.unwrap());
    let events = [event(1, "u", identify("u", "A")), event(2, "v", track("v"))];
    let (elements, ()) = tokio::join!(transform(&router, &events), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        stop.send(()).unwrap();
        // While what is in progress is still answered.
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!(ask(&probes, ready()).await.status, 503);
    });
    assert_eq!((statuses(&elements)[0], code(&elements[0])), (429, "stopping"));
    serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_intercom_fails_at_for_hours_while_others_go_through_is_ended() {
    let (_sandbox, settings) = sandbox(always(Op::SearchContacts, 500)).await;
    let mut settings = settings;
    settings.on_unknown_contact = intercom_delivery::UnknownContactPolicy::Create;
    let router = router(&settings);
    let old = tried(&event(1, "u", identify("u", "A")), Duration::from_secs(4 * 3_600));
    assert_eq!(
        statuses(&transform(&router, std::slice::from_ref(&old)).await),
        [429],
        "perhaps all fails"
    );
    assert_eq!(statuses(&transform(&router, &[event(2, "v", track("v"))]).await), [299]);
    assert_eq!(statuses(&transform(&router, &[old]).await), [500]);
    assert_eq!(
        statuses(&transform(&router, &[event(3, "w", identify("w", "W"))]).await),
        [429]
    );
}

#[tokio::test]
async fn what_is_refused_for_good_is_ended_with_advice() {
    let refused = ScriptedFault::new(Op::SubmitDataEvent, 1, Fault::status(403));
    let (_sandbox, settings) = sandbox(faults(vec![refused])).await;
    let router = router(&settings);
    let events = [
        event(1, "u", track("u")),
        event(2, "v", track("v")),
        event(3, "w", identify("w", "W")),
    ];
    let elements = transform(&router, &events).await;
    let mut both = statuses(&elements);
    assert_eq!(both.pop(), Some(299));
    both.sort_unstable();
    assert_eq!(both, [400, 403], "{elements:?}");
    let forbidden = elements.iter().find(|element| element["statusCode"] == 403).unwrap();
    assert!(
        forbidden["error"].as_str().unwrap().contains("permission"),
        "{forbidden}"
    );
}

#[tokio::test]
async fn a_lone_instance_writes_nothing_twice() {
    let (sandbox, mut settings) = sandbox(Settings::default()).await;
    for (instances, updates) in [(Instances::Many, 1), (Instances::One, 1)] {
        settings.instances = instances;
        let router = router(&settings);
        let user = format!("{instances}");
        for job in 1..=2 {
            let elements = transform(&router, &[event(job, &user, identify(&user, "A"))]).await;
            assert_eq!(statuses(&elements), [299]);
        }
        let made = calls(&sandbox)
            .iter()
            .find(|(name, _)| name == "update_contact")
            .map_or(0, |(_, n)| *n);
        assert_eq!(
            made, updates,
            "{instances}: the second is written again by the first of them only"
        );
    }
}
