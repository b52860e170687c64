//! The driver: over HTTP on loopback, and over transports by hand under tokio's paused time.

use crate::support::*;
use intercom_api::{ApiVersion, Call, FindCompany, Operation, Region, SubmitDataEvent};
use intercom_delivery::client::*;
use intercom_delivery::*;
use intercom_sandbox::{Fault, Faults, RandomFault, Settings};
use rudderstack_to_intercom::Plan;
use std::error::Error as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn client() -> Client {
    Client::builder().use_proxy(false).build().unwrap()
}

fn workspace(base_url: &str) -> Workspace {
    Workspace::new(Region::Us, AccessToken::new("tok-1").unwrap())
        .with_base_url(base_url)
        .unwrap()
}

fn event() -> Call {
    let Plan::SubmitEvent(event) = track("u1", "paid", 7) else {
        unreachable!()
    };
    SubmitDataEvent { event }.to_call().unwrap()
}

/// A server that reads one request, answers it with these bytes, closes the connection, and gives the request back.
async fn serve_once(response: &'static [u8]) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        while !is_whole(&request) {
            let read = stream.read(&mut buffer).await.unwrap();
            request.extend_from_slice(&buffer[..read]);
        }
        stream.write_all(response).await.unwrap();
        stream.shutdown().await.unwrap();
        String::from_utf8(request).unwrap()
    });
    (url, served)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).into_owned();
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.is_none_or(|length| body.len() >= length.parse::<usize>().unwrap())
}

#[tokio::test]
async fn a_call_has_intercoms_headers_and_a_response_is_read_whole() {
    let (url, served) = serve_once(
        b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\nx-ratelimit-limit: 100\r\nx-ratelimit-remaining: 7\r\n\
        x-ratelimit-reset: 1700000010\r\nretry-after: 3\r\ndate: Thu, 01 Jan 1970 00:01:00 GMT\r\nx-request-id: r-1\r\n\r\n{}",
    )
    .await;
    let workspace = workspace(&format!("{url}/proxy/")).with_version(ApiVersion::V2_11);
    let response = client().send(&event(), &workspace).await.unwrap();
    assert_eq!((response.status, response.body.as_slice()), (202, b"{}".as_slice()));
    assert_eq!(response.rate_limit.unwrap().remaining, 7);
    assert_eq!(response.retry_after, Some(Duration::from_secs(3)));
    assert_eq!(response.date.unwrap().0, 60);
    assert_eq!(response.request_id.as_deref(), Some("r-1"));
    let request = served.await.unwrap();
    assert!(request.starts_with("POST /proxy/events HTTP/1.1\r\n"), "{request}");
    for header in [
        "authorization: Bearer tok-1\r\n",
        "accept: application/json\r\n",
        "content-type: application/json\r\n",
        "intercom-version: 2.11\r\n",
        concat!("user-agent: rudder-intercom/", env!("CARGO_PKG_VERSION"), "\r\n"),
    ] {
        assert!(request.contains(header), "{header} is missing: {request}");
    }
    assert!(request.ends_with(r#"{"event_name":"paid","created_at":7,"user_id":"u1"}"#));
}

#[tokio::test]
async fn a_query_is_encoded_and_a_redirect_is_a_response() {
    let (url, served) =
        serve_once(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n").await;
    let call = FindCompany::ByName("Müller & Co".into()).to_call().unwrap();
    let response = client().send(&call, &workspace(&url)).await.unwrap();
    assert_eq!(response.status, 302);
    assert!(
        served
            .await
            .unwrap()
            .starts_with("GET /companies?name=M%C3%BCller%20%26%20Co HTTP/1.1\r\n")
    );
}

#[tokio::test]
async fn failures_are_told_apart_and_name_no_url() {
    // Nobody listens there any more.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://{}/find-me", listener.local_addr().unwrap());
    drop(listener);
    let error = client().send(&event(), &workspace(&closed)).await.unwrap_err();
    assert_eq!(error.failure, TransportFailure::Unreachable);
    let shown = format!("{error} {error:?} {:?}", error.source());
    assert!(!shown.contains("find-me"), "{shown}");

    let (url, _served) = serve_once(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{").await;
    let error = client().send(&event(), &workspace(&url)).await.unwrap_err();
    assert_eq!(error.failure, TransportFailure::Interrupted);
    let (url, _served) = serve_once(b"").await;
    let error = client().send(&event(), &workspace(&url)).await.unwrap_err();
    assert_eq!(error.failure, TransportFailure::Interrupted);

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let impatient = Client::builder()
        .use_proxy(false)
        .response_timeout(Duration::from_millis(50))
        .build()
        .unwrap();
    let error = impatient.send(&event(), &workspace(&url)).await.unwrap_err();
    assert_eq!(error.failure, TransportFailure::Timeout);
    assert_eq!(error.code(), "timeout");
}

#[tokio::test]
async fn https_is_spoken() {
    // A server that does not speak TLS: what it is sent is the start of a handshake.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = [0; 3];
        stream.read_exact(&mut hello).await.unwrap();
        hello
    });
    let error = client().send(&event(), &workspace(&url)).await.unwrap_err();
    assert_eq!(error.failure, TransportFailure::Unreachable);
    // Without any trusted certificate on this machine, no connection is made at all.
    if error
        .source()
        .is_some_and(|source| !source.to_string().contains("certificate"))
    {
        assert_eq!(served.await.unwrap()[..2], [0x16, 0x03]);
    }
}

#[test]
fn base_urls_are_checked() {
    let workspace = || Workspace::new(Region::Europe, AccessToken::new("t").unwrap());
    for url in [
        "",
        "api.intercom.io",
        "ftp://x",
        "http://",
        "http://x/?a=b",
        "http://x/#a",
        "http://me:pw@x/",
    ] {
        assert!(workspace().with_base_url(url).is_err(), "{url}");
    }
    for url in ["http://127.0.0.1:8080", "https://proxy.example/intercom/"] {
        assert!(workspace().with_base_url(url).is_ok(), "{url}");
    }
    assert!(!format!("{:?}", workspace()).contains("\"t\""));
}

fn submission(at: u64, plan: Plan, user: &str) -> Submission {
    Submission::new(EventId(at), plan, who(user))
}

/// Hands events in while outcomes are taken out.
async fn deliver(submissions: Submissions, mut outcomes: Outcomes, events: Vec<Submission>) -> Vec<Outcome> {
    let feed = tokio::spawn(async move {
        for event in events {
            if submissions.submit(event).await.is_err() {
                return;
            }
        }
    });
    let mut all = Vec::new();
    while let Some(outcome) = outcomes.next().await {
        all.push(outcome);
    }
    feed.await.unwrap();
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sandbox_that_fails_now_and_then_gets_everything() {
    let mut faults = Faults::none();
    faults.random = vec![
        RandomFault::new(0.03, Fault::status(503)),
        RandomFault::new(0.03, Fault::Drop(intercom_sandbox::Dropped::AfterEffect)),
        RandomFault::new(0.03, Fault::Drop(intercom_sandbox::Dropped::BeforeEffect)),
    ];
    let sandbox = intercom_sandbox::spawn(Settings::default().with_faults(faults))
        .await
        .unwrap();
    let mut settings = EngineSettings::new();
    settings.backoff_base = Duration::from_millis(1);
    let transport = HttpTransport::new(client(), workspace(sandbox.base_url()));
    let (delivery, submissions, outcomes, control) = Delivery::new(settings, transport);
    let mut events = Vec::new();
    for user in 0..20 {
        let user = format!("u{user}");
        for plan in [
            identify(&user, r#"{"plan":"a"}"#),
            track(&user, "paid", 7),
            group("k1", Some(by_id(&user)), &["t"]),
            identify(&user, r#"{"plan":"b"}"#),
        ] {
            events.push(submission(events.len() as u64, plan, &user));
        }
    }
    let running = tokio::spawn(delivery.run());
    let all = deliver(submissions, outcomes, events).await;
    let status = running.await.unwrap();
    assert_eq!(all.len(), 80);
    assert_eq!(status.totals.delivered, 80);
    assert_eq!(control.status().totals, status.totals);
    let state = sandbox.state();
    assert_eq!(
        (state.contacts.len(), state.events.len(), state.companies.len()),
        (20, 20, 1)
    );
    assert!(state.contacts.iter().all(|contact| {
        let text = serde_json::to_string(contact).unwrap();
        text.contains(r#""plan":"b""#) && text.contains(r#""company_id":"k1""#)
    }));
    sandbox.shutdown().await.unwrap();
}

/// A transport that answers as a function says.
struct Scripted<F>(F, Arc<AtomicUsize>);

impl<F> Scripted<F> {
    fn new(response: F) -> (Self, Arc<AtomicUsize>) {
        let calls = Arc::new(AtomicUsize::new(0));
        (Self(response, calls.clone()), calls)
    }
}

impl<F: Fn(usize) -> (Reply, Duration) + Send + Sync + 'static> Transport for Scripted<F> {
    async fn send(&self, _call: &Call) -> Result<Response, TransportError> {
        let ((response, _), wait) = self.0(self.1.fetch_add(1, Ordering::Relaxed));
        tokio::time::sleep(wait).await;
        response.map_err(TransportError::new)
    }
}

fn tracks(count: u64) -> Vec<Submission> {
    (0..count)
        .map(|at| {
            let user = format!("u{at}");
            submission(at, track(&user, "paid", 7), &user)
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_tried_again_when_its_time_has_come() {
    let (transport, calls) = Scripted::new(|call| match call {
        0..=2 => (broken(TransportFailure::Unreachable), Duration::ZERO),
        3 => (response(429, ""), Duration::ZERO),
        _ => (response(202, ""), Duration::from_millis(5)),
    });
    let (delivery, submissions, outcomes, _control) = Delivery::new(EngineSettings::new(), transport);
    let running = tokio::spawn(delivery.run());
    let all = deliver(submissions, outcomes, tracks(1)).await;
    assert_eq!(words(&all[0]), "delivered");
    assert_eq!(calls.load(Ordering::Relaxed), 5);
    assert_eq!(running.await.unwrap().totals.retries, 4);
}

#[tokio::test(start_paused = true)]
async fn a_transport_that_panics_costs_an_attempt() {
    let (transport, _) = Scripted::new(|call| {
        assert!(call > 0, "a bug in a transport");
        (response(202, ""), Duration::ZERO)
    });
    let (delivery, submissions, outcomes, _control) = Delivery::new(EngineSettings::new(), transport);
    let running = tokio::spawn(delivery.run());
    let all = deliver(submissions, outcomes, tracks(1)).await;
    assert_eq!(words(&all[0]), "delivered");
    running.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn stop_finishes_what_is_in_flight_and_accounts_for_the_rest() {
    let (transport, calls) = Scripted::new(|_| (response(202, ""), Duration::from_secs(5)));
    let mut settings = side_by_side();
    settings.concurrency = 3.try_into().unwrap();
    let (delivery, submissions, outcomes, control) = Delivery::new(settings, transport);
    let running = tokio::spawn(delivery.run());
    let stopper = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(7)).await;
        control.stop();
        control
    });
    let again = submissions.clone();
    let all = deliver(submissions, outcomes, tracks(20)).await;
    let status = running.await.unwrap();
    assert_eq!(all.len(), 20);
    let delivered = all.iter().filter(|outcome| words(outcome) == "delivered").count();
    assert_eq!((delivered, calls.load(Ordering::Relaxed)), (6, 6));
    assert_eq!(status.totals.failed, 14);
    assert!(stopper.await.unwrap().status().closed);
    let refused = again.submit(tracks(1).remove(0)).await.unwrap_err();
    assert_eq!(refused.reason, RefusalReason::Stopped);
}

#[tokio::test(start_paused = true)]
async fn abort_waits_for_nothing() {
    let (transport, _) = Scripted::new(|_| (response(202, ""), Duration::from_secs(3600)));
    let (delivery, submissions, outcomes, control) = Delivery::new(EngineSettings::new(), transport);
    let running = tokio::spawn(delivery.run());
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        control.abort();
    });
    let begun = tokio::time::Instant::now();
    let all = deliver(submissions, outcomes, tracks(20)).await;
    running.await.unwrap();
    assert!(all.iter().all(|outcome| words(outcome) == "failed stopped"));
    assert_eq!(all.len(), 20);
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_accounts_for_what_is_on_its_way_in() {
    let (transport, calls) = Scripted::new(|_| (error(401, "unauthorized", "x"), Duration::from_millis(10)));
    let mut settings = EngineSettings::new();
    settings.concurrency = 1.try_into().unwrap();
    let (delivery, submissions, outcomes, _control) = Delivery::new(settings, transport);
    for event in tracks(100) {
        // All fit into the way in.
        submissions.submit(event).await.unwrap();
    }
    let again = submissions.clone();
    let running = tokio::spawn(delivery.run());
    let all = deliver(submissions, outcomes, Vec::new()).await;
    assert!(running.await.unwrap().halted);
    assert_eq!(all.len(), 100);
    assert!(all.iter().all(|outcome| words(outcome) == "failed unauthorized"));
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    let refused = again.submit(tracks(1).remove(0)).await.unwrap_err();
    assert_eq!(refused.reason, RefusalReason::Unauthorized);
}

#[tokio::test(start_paused = true)]
async fn nobody_left_to_tell_stops_the_delivery() {
    let (transport, calls) = Scripted::new(|_| (response(202, ""), Duration::from_millis(10)));
    let (delivery, submissions, outcomes, _control) = Delivery::new(EngineSettings::new(), transport);
    drop(outcomes);
    let running = tokio::spawn(delivery.run());
    for event in tracks(5_000) {
        if submissions.submit(event).await.is_err() {
            break;
        }
    }
    let status = running.await.unwrap();
    assert!(status.closed);
    assert!(calls.load(Ordering::Relaxed) < 5_000);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_of_outcomes_holds_everything_back() {
    let (transport, calls) = Scripted::new(|_| (response(202, ""), Duration::ZERO));
    let mut settings = EngineSettings::new();
    settings.queue = 100.try_into().unwrap();
    let (delivery, submissions, mut outcomes, _control) = Delivery::new(settings, transport);
    let running = tokio::spawn(delivery.run());
    let feed = tokio::spawn(async move {
        for event in tracks(2_000) {
            submissions.submit(event).await.unwrap();
        }
    });
    tokio::time::sleep(Duration::from_secs(60)).await;
    // What lies in the way out, and what the engine holds.
    assert!(calls.load(Ordering::Relaxed) <= 256 + 100);
    let mut all = 0;
    while outcomes.next().await.is_some() {
        all += 1;
    }
    feed.await.unwrap();
    running.await.unwrap();
    assert_eq!(all, 2_000);
}
