//! How long requests take, under virtual time: to the millisecond, however busy this machine is.
#![allow(missing_docs, clippy::unwrap_used, clippy::needless_pass_by_value)]

mod support;

use axum::Router;
use intercom_api::{ApiVersion, Call, OperationId};
use intercom_delivery::Response;
use intercom_delivery::client::{Answer, Client, InProcess};
use intercom_sandbox::{CallRequest, Sandbox, Settings, UnixMillis};
use intercom_transformer::Transformer;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::transform;
use tokio::time::Instant;

const CALL: Duration = Duration::from_millis(50);
const BEGIN: Duration = Duration::from_secs(1_800_000_000);

/// A sandbox that takes its time for each call: the usual one, or a long one for what names the slow user.
#[derive(Clone)]
struct Intercom {
    sandbox: Arc<Mutex<Sandbox>>,
    start: Instant,
}

const SLOW: &str = "slow";
const LONG: Duration = Duration::from_secs(5);

impl InProcess for Intercom {
    fn answer(&self, call: &Call, authorization: &str, _: ApiVersion) -> Answer {
        let now = UnixMillis(u64::try_from(self.now().as_millis()).unwrap());
        let request = CallRequest::new(call, Some(authorization));
        let reply = self.sandbox.lock().unwrap().handle(request.as_request(), now);
        let names_slow = call.body.as_ref().is_some_and(|body| body.get().contains(SLOW));
        let took = match names_slow && call.operation != OperationId::SearchContacts {
            true => LONG,
            false => CALL,
        };
        Box::pin(async move {
            tokio::time::sleep(took).await;
            Ok(Response::with_headers(reply.status, reply.body.clone(), |name| {
                reply.header(name)
            }))
        })
    }

    fn now(&self) -> Duration {
        BEGIN + self.start.elapsed()
    }
}

fn intercom() -> Intercom {
    Intercom {
        sandbox: Arc::new(Mutex::new(Sandbox::new(Settings::default()))),
        start: Instant::now(),
    }
}

/// A service that has not called anybody yet.
fn router(intercom: &Intercom) -> Router {
    let client = Client::in_process(intercom.clone());
    Transformer::over(client, intercom_transformer::Settings::new()).router()
}

fn event(job: u64, user: &str, message: Value) -> Value {
    let mut event = support::event(job, message);
    event["metadata"]["userId"] = json!(format!("<<>>{user}<<>>{user}"));
    event
}

fn identify(job: u64, user: &str) -> Value {
    let traits = json!({"email": format!("{user}@example.com"), "name": format!("{user} {job}")});
    event(job, user, json!({"type": "identify", "userId": user, "traits": traits}))
}

fn track(job: u64, user: &str) -> Value {
    event(
        job,
        user,
        json!({"type": "track", "userId": user, "event": format!("Event {job}"), "timestamp": "2026-01-02T03:04:05Z"}),
    )
}

/// How long the events take, all of which are delivered.
async fn time(router: &Router, events: &[Value]) -> Duration {
    let start = Instant::now();
    let elements = transform(router, events).await;
    assert!(
        elements.iter().all(|element| element["statusCode"] == 299),
        "{elements:?}"
    );
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn twenty_known_users_take_no_longer_than_one() {
    let intercom = intercom();
    let knows = router(&intercom);
    let users: Vec<String> = (0..20).map(|user| format!("user-{user}")).collect();
    let events = |from: u64| -> Vec<Value> { (from..).zip(&users).map(|(job, user)| identify(job, user)).collect() };
    time(&knows, &events(0)).await;
    for service in [knows, router(&intercom)] {
        let took = time(&service, &events(100)).await;
        assert!(took < Duration::from_millis(150), "{took:?}");
        let tracks: Vec<Value> = (200..).zip(&users).map(|(job, user)| track(job, user)).collect();
        let took = time(&service, &tracks).await;
        assert!(took < Duration::from_millis(150), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn twenty_jobs_of_one_user_come_one_after_the_other_and_nothing_lies_between() {
    let intercom = intercom();
    let knows = router(&intercom);
    time(&knows, &[identify(0, "user")]).await;
    for service in [knows, router(&intercom)] {
        let tracks: Vec<Value> = (1..=20).map(|job| track(job, "user")).collect();
        let took = time(&service, &tracks).await;
        assert!(took >= 20 * CALL && took < 20 * CALL + CALL, "{took:?}");
        let both: Vec<Value> = (1..=10)
            .flat_map(|job| [track(100 + job, "user"), identify(200 + job, "user")])
            .collect();
        let took = time(&service, &both).await;
        assert!(took < 20 * CALL + CALL, "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_request_waits_for_the_users_of_another() {
    let intercom = intercom();
    let router = router(&intercom);
    let mut requests = tokio::task::JoinSet::new();
    for request in 0..64 {
        let router = router.clone();
        let others = format!("user-{request}");
        let mut events = vec![identify(1, &others), track(2, &others)];
        if request < 63 {
            let slow = format!("{SLOW}-{request}");
            events.extend([identify(3, &slow), track(4, &slow)]);
        }
        requests.spawn(async move { (request, time(&router, &events).await) });
    }
    let mut quick = 0;
    while let Some(done) = requests.join_next().await {
        let (request, took) = done.unwrap();
        if request < 63 {
            assert!(took >= LONG, "it has a user of its own that is slow: {took:?}");
        } else {
            assert!(took <= 4 * CALL, "{took:?}");
            quick += 1;
        }
    }
    assert_eq!(quick, 1);
}
