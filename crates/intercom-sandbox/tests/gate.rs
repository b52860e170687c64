//! What every request goes through: routes, tokens, versions, the rate limit, and faults.

mod support;

use intercom_api::OperationId;
use intercom_sandbox::{
    Dropped, ErrorResponse, Fault, Faults, RandomFault, RateLimit, Request, Sandbox, ScriptedFault, Settings,
    UnixMillis,
};
use serde_json::json;
use std::time::Duration;
use support::{Bench, START};

fn status(sandbox: &mut Sandbox, request: Request<'_>) -> u16 {
    sandbox.handle(request, START).status
}

#[test]
fn a_token_is_needed() {
    let mut easy = Sandbox::new(Settings::default());
    let mut strict = Sandbox::new(Settings::default().with_token("secret"));
    let request = Request::new("GET", "/me");
    for header in ["", "Bearer", "Bearer ", "Basic abc", "secret"] {
        assert_eq!(status(&mut easy, request.authorization(header)), 401, "{header:?}");
    }
    assert_eq!(status(&mut easy, request), 401);
    assert_eq!(status(&mut easy, request.authorization("bearer anything")), 200);
    assert_eq!(status(&mut strict, request.authorization("Bearer anything")), 401);
    assert_eq!(status(&mut strict, request.authorization("Bearer secret")), 200);
    let response = strict.handle(request, START);
    let error: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(
        error["errors"],
        json!([{"code": "unauthorized", "message": "Access Token Invalid"}])
    );
    assert!(!format!("{:?} {strict:?}", strict.settings()).contains("secret"));
}

#[test]
fn a_token_can_be_revoked() {
    let mut bench = Bench::easy();
    bench.get("/me").ok();
    bench.sandbox.set_token(Some("another".to_owned()));
    assert_eq!(bench.get("/me").error().0, 401);
    bench.sandbox.set_token(None);
    bench.get("/me").ok();
}

#[test]
fn every_response_says_where_the_app_stands() {
    let limit = RateLimit::new(2, Duration::from_secs(10));
    let settings = Settings::default().with_token("secret").with_rate_limit(limit);
    let mut sandbox = Sandbox::new(settings);
    let mut ask = |token: Option<&str>, version, path| {
        let mut request = Request::new("GET", path).version(version);
        request.authorization = token;
        let response = sandbox.handle(request, START);
        let header = |name: &str| response.header(name).map(str::to_owned).expect("a header");
        assert!(!header("X-RateLimit-Reset").is_empty());
        assert_eq!(header("X-RateLimit-Limit"), "2");
        (response.status, header("X-RateLimit-Remaining"))
    };
    let (right, left) = (Some("Bearer secret"), |calls: &str| calls.to_owned());
    // Who is not the app uses up nothing of its limit.
    assert_eq!(ask(None, "2.10", "/me"), (401, left("2")));
    assert_eq!(ask(Some("Bearer wrong"), "2.10", "/me"), (401, left("2")));
    assert_eq!(ask(right, "3.0", "/me"), (400, left("1")));
    assert_eq!(ask(right, "2.10", "/nowhere"), (404, left("0")));
    assert_eq!(ask(right, "2.10", "/me"), (429, left("0")));
    assert_eq!(ask(None, "2.10", "/me"), (401, left("0")));
}

#[test]
fn what_others_do_is_neither_limited_nor_counted() {
    let settings = Settings::default().with_token("x").with_faults(Faults::mixed(1.0));
    let mut sandbox = Sandbox::new(settings.with_rate_limit(RateLimit::new(0, Duration::from_secs(1))));
    let create = Request::new("POST", "/contacts").body(b"{\"role\":\"lead\"}");
    assert_eq!(sandbox.act(create, START).status, 200);
    assert_eq!(sandbox.act(Request::new("GET", "/nowhere"), START).status, 404);
    assert_eq!(sandbox.state().contacts.len(), 1);
    assert!(sandbox.state().calls.is_empty());
}

#[test]
fn a_version_must_be_published() {
    let mut sandbox = Sandbox::new(Settings::default());
    let request = Request::new("GET", "/me").authorization("Bearer any");
    for version in ["1.0", "2.1", "2.7", "2.10", "2.16", "2.17", "Unstable", "Preview"] {
        assert_eq!(status(&mut sandbox, request.version(version)), 200, "{version}");
    }
    for version in ["", "1.5", "2.18", "3.0", "latest"] {
        let response = sandbox.handle(request.version(version), START);
        assert_eq!(response.status, 400, "{version}");
        assert!(
            String::from_utf8(response.body)
                .unwrap()
                .contains("intercom_version_invalid")
        );
    }
}

#[test]
fn what_has_no_route_is_not_found() {
    let mut bench = Bench::easy();
    for (method, path) in [
        ("GET", "/"),
        ("GET", ""),
        ("GET", "contacts"),
        ("GET", "/contacts/"),
        ("PATCH", "/contacts"),
        ("GET", "/companies//contacts"),
        ("get", "/me"),
        // Other software folds these to another path, and these are no text.
        ("GET", "/contacts/.."),
        ("GET", "/contacts/%2E%2e/companies"),
        ("GET", "/contacts/."),
        ("GET", "/contacts/%ff"),
    ] {
        assert_eq!(bench.raw(method, path, b"").error().0, 404, "{method} {path}");
    }
    assert_eq!(bench.sandbox.state().calls["unknown"]["404"], 11);
}

#[test]
fn what_only_the_sandbox_lacks_says_so() {
    let mut bench = Bench::easy();
    for (method, path) in [
        ("GET", "/users"),
        ("POST", "/subscriptions"),
        ("GET", "/conversations/5"),
        ("POST", "/contacts/a/b/c/d"),
        ("GET", "/admins/activity_log_event_types"),
        ("POST", "/admins/activity_logs/search"),
        ("GET", "/contacts/5f/merge_history"),
        ("GET", "/contacts/5f/banners"),
        ("POST", "/contacts/5f/banners/1/dismiss"),
        ("GET", "/companies/5f/notes"),
        ("POST", "/companies/5f/notes"),
        ("PATCH", "/data_connectors/5"),
        ("GET", "/segments/5"),
        ("POST", "/contacts/5f/subscriptions"),
    ] {
        let response = bench.raw(method, path, b"");
        let (status, code, _) = response.error();
        assert_eq!((status, code), (501, "not_implemented_in_sandbox"), "{method} {path}");
    }
}

#[test]
fn a_token_may_be_the_user_name_of_basic_authentication() {
    let mut sandbox = Sandbox::new(Settings::default().with_token("dG9rOg=="));
    let request = Request::new("GET", "/me");
    // `dG9rOg==` and no password, the same with one, another token, and no token at all.
    for (credentials, expected) in [
        ("Basic ZEc5ck9nPT06", 200),
        ("basic ZEc5ck9nPT06eA==", 200),
        ("Basic eDo=", 401),
        ("Basic Og==", 401),
        ("Basic %", 401),
        ("Digest ZEc5ck9nPT06", 401),
    ] {
        assert_eq!(
            status(&mut sandbox, request.authorization(credentials)),
            expected,
            "{credentials}"
        );
    }
}

#[test]
fn calls_are_counted_by_operation_and_status() {
    let mut bench = Bench::easy();
    bench.contact(json!({"external_id": "u-1"}));
    bench.post("/contacts", json!({"external_id": "u-1"}));
    bench.contact(json!({"external_id": "u-2"}));
    bench.sandbox.handle(Request::new("GET", "/contacts"), START);
    let calls = serde_json::to_value(bench.sandbox.state().calls).unwrap();
    assert_eq!(
        calls,
        json!({"create_contact": {"200": 2, "409": 1}, "list_contacts": {"401": 1}})
    );
}

#[test]
fn calls_beyond_the_rate_limit_are_turned_away_until_the_next_window() {
    let limit = RateLimit::new(3, Duration::from_secs(10));
    let mut sandbox = Sandbox::new(Settings::default().with_rate_limit(limit));
    let create = Request::new("POST", "/contacts")
        .authorization("Bearer any")
        .body(b"{\"role\":\"lead\"}");
    let at = |millis: u64| UnixMillis(1_700_000_000_000 + millis);
    let headers = |response: &intercom_sandbox::Response| {
        [
            "X-RateLimit-Limit",
            "X-RateLimit-Remaining",
            "X-RateLimit-Reset",
            "Retry-After",
        ]
        .map(|name| response.header(name).unwrap_or("-").to_owned())
    };
    for remaining in ["2", "1", "0"] {
        let response = sandbox.handle(create, at(4_000));
        assert_eq!(
            (response.status, headers(&response)),
            (200, ["3", remaining, "1700000010", "-"].map(str::to_owned))
        );
    }
    let response = sandbox.handle(create, at(9_999));
    assert_eq!(
        (response.status, headers(&response)),
        (429, ["3", "0", "1700000010", "1"].map(str::to_owned))
    );
    assert!(
        String::from_utf8(response.body)
            .unwrap()
            .contains("rate_limit_exceeded")
    );
    assert_eq!(sandbox.state().contacts.len(), 3, "what is turned away has no effect");
    let response = sandbox.handle(create, at(10_000));
    assert_eq!(
        (response.status, response.header("X-RateLimit-Remaining")),
        (200, Some("2"))
    );
}

#[test]
fn the_documented_limit_is_counted_in_windows_of_ten_seconds() {
    assert_eq!(RateLimit::of_an_app(), RateLimit::new(1666, Duration::from_secs(10)));
    let mut sandbox = Sandbox::new(Settings::strict());
    let response = sandbox.handle(Request::new("GET", "/me").authorization("Bearer any"), START);
    assert_eq!(response.header("x-ratelimit-limit"), Some("1666"));
    let mut sandbox = Sandbox::new(Settings::default());
    let response = sandbox.handle(Request::new("GET", "/me").authorization("Bearer any"), START);
    assert_eq!(response.header("x-ratelimit-limit"), Some("1000000"));
}

#[test]
fn scripted_faults_hit_their_call() {
    let create = OperationId::CreateContact;
    let mut late = ErrorResponse::new(502);
    late.after_effect = true;
    late.body = Some("<html>bad gateway</html>".to_owned());
    late.retry_after = Some(3);
    let mut faults = Faults::none();
    faults.scripted = vec![
        ScriptedFault::new(create, 2, Fault::status(503)),
        ScriptedFault::new(create, 3, Fault::Status(late)),
        ScriptedFault::new(create, 4, Fault::Drop(Dropped::BeforeEffect)),
        ScriptedFault::new(create, 5, Fault::Drop(Dropped::AfterEffect)),
        ScriptedFault::new(create, 6, Fault::delay(Duration::from_millis(1500))),
        ScriptedFault::at_call(7, Fault::status(418)),
    ];
    let mut bench = Bench::new(Settings::default().with_faults(faults));
    let mut create = |at: usize| {
        let response = bench.post("/contacts", json!({"external_id": format!("u-{at}")}));
        (response, bench.sandbox.state().contacts.len())
    };
    assert_eq!(create(1).1, 1);
    let (response, contacts) = create(2);
    assert_eq!(
        (response.error().0, response.error().1, contacts),
        (503, "service_unavailable", 1)
    );
    let (response, contacts) = create(3);
    assert_eq!(
        (response.raw.status, response.raw.header("Retry-After"), contacts),
        (502, Some("3"), 2)
    );
    assert_eq!(response.raw.body, b"<html>bad gateway</html>");
    let (response, contacts) = create(4);
    assert_eq!((response.raw.dropped, contacts), (Some(Dropped::BeforeEffect), 2));
    let (response, contacts) = create(5);
    assert_eq!((response.raw.dropped, contacts), (Some(Dropped::AfterEffect), 3));
    let (response, contacts) = create(6);
    assert_eq!(
        (response.raw.status, response.raw.delay, contacts),
        (200, Some(Duration::from_millis(1500)), 4)
    );
    assert_eq!(bench.get("/me").error().0, 418, "the seventh call of all");
    let calls = serde_json::to_value(bench.sandbox.state().calls).unwrap();
    assert_eq!(
        calls["create_contact"],
        json!({"200": 2, "502": 1, "503": 1, "dropped_before_effect": 1, "dropped_after_effect": 1})
    );

    bench.sandbox.set_faults(Faults::none());
    bench.get("/me").ok();
}

/// How 2,000 calls end under random faults.
fn run(seed: u64, faults: Faults) -> Vec<(u16, Option<Dropped>, bool)> {
    let mut sandbox = Sandbox::new(Settings::default().with_seed(seed).with_faults(faults));
    let request = Request::new("GET", "/me").authorization("Bearer any");
    (0..2000)
        .map(|_| {
            let response = sandbox.handle(request, START);
            (response.status, response.dropped, response.delay.is_some())
        })
        .collect()
}

#[test]
fn random_faults_follow_from_the_seed() {
    let ends = run(1, Faults::mixed(0.2));
    assert_eq!(ends, run(1, Faults::mixed(0.2)));
    assert_ne!(ends, run(2, Faults::mixed(0.2)));
    let faults = ends.iter().filter(|end| **end != (200, None, false)).count();
    assert!((300..500).contains(&faults), "{faults} of 2000");
    let mut kinds: Vec<_> = ends.iter().filter(|end| **end != (200, None, false)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), 7, "{kinds:?}");
}

#[test]
fn probabilities_of_nought_and_one_are_exact() {
    let mut always = Faults::none();
    always.random = vec![
        RandomFault::new(0.0, Fault::status(500)),
        RandomFault::new(1.0, Fault::status(503)),
    ];
    assert!(run(3, always).iter().all(|end| end.0 == 503));
    let mut never = Faults::none();
    never.random = vec![RandomFault::new(0.0, Fault::status(500))];
    assert!(run(3, never).iter().all(|end| end.0 == 200));
}

#[test]
fn the_same_requests_give_the_same_responses() {
    let run = || {
        let mut bench = Bench::new(Settings::default().with_seed(9).with_faults(Faults::mixed(0.3)));
        let mut replies = Vec::new();
        for at in 0..50 {
            replies.push(
                bench
                    .post("/contacts", json!({"external_id": format!("u-{}", at % 7)}))
                    .raw,
            );
            bench.wait(Duration::from_millis(700));
        }
        (replies, bench.sandbox.state())
    };
    assert!(run() == run());
    let first_id = |seed| Bench::new(Settings::default().with_seed(seed)).contact(json!({"role": "lead"}));
    assert_ne!(first_id(1), first_id(2));
}

#[test]
fn a_reset_starts_again() {
    let mut faults = Faults::none();
    faults.scripted = vec![ScriptedFault::at_call(2, Fault::status(500))];
    let mut bench = Bench::new(Settings::default().with_faults(faults));
    let first = bench.contact(json!({"external_id": "u-1"}));
    assert_eq!(bench.get("/me").error().0, 500);
    bench.sandbox.reset();
    assert!(bench.sandbox.state().calls.is_empty());
    assert_eq!(bench.contact(json!({"external_id": "u-1"})), first);
    assert_eq!(bench.get("/me").error().0, 500);
}
