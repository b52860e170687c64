//! Clients that stall, vanish or do nothing, and the end of the service: over real connections.
#![allow(missing_docs, clippy::unwrap_used, clippy::needless_pass_by_value)]

mod support;

use intercom_transformer::{Settings, Transformer};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use support::NOBODY;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A service on a port of its own.
struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

async fn start(change: impl FnOnce(&mut Settings)) -> Running {
    let mut settings = Settings::new();
    settings.intercom_base_url = Some(NOBODY.parse().unwrap());
    change(&mut settings);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = Transformer::new(settings).unwrap();
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        service.serve(listener, stopped).await
    });
    Running { address, stop, task }
}

/// A request whose connection is closed after the response.
async fn ask(address: SocketAddr, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    response
}

async fn is_served(address: SocketAddr) {
    let response = ask(address, "POST", "//routerTransform/", r#"{"input":[]}"#).await;
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    let response = ask(address, "GET", "/features", "").await;
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
}

/// Sends the head of a request, and half of its body.
async fn begin(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = b"POST /routerTransform HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\nexpect: 100-continue\r\n\r\n";
    stream.write_all(head).await.unwrap();
    // Once it asks for the body, the service is at work on the request.
    let mut response = [0; 25];
    stream.read_exact(&mut response).await.unwrap();
    assert_eq!(&response, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"{\"input\":").await.unwrap();
    stream
}

#[tokio::test]
async fn a_client_that_stalls_is_given_up_and_the_rest_is_served() {
    let service = start(|settings| settings.body_timeout = Duration::from_millis(50)).await;
    let mut stalled = begin(service.address).await;
    is_served(service.address).await;
    let mut response = String::new();
    stalled.read_to_string(&mut response).await.unwrap();
    assert!(
        response.starts_with("HTTP/1.1 408 ") && response.contains("body_timeout"),
        "{response}"
    );
}

#[tokio::test]
async fn a_client_that_disconnects_in_the_middle_frees_its_room() {
    let service = start(|settings| settings.max_requests = 1.try_into().unwrap()).await;
    let stalled = begin(service.address).await;
    let response = ask(service.address, "POST", "/routerTransform", "{}").await;
    assert!(response.starts_with("HTTP/1.1 503 "), "{response}");
    assert!(
        response.contains("retry-after: 1") && response.contains("overloaded"),
        "{response}"
    );
    // What needs no room is served all the same.
    assert!(
        ask(service.address, "GET", "/features", "")
            .await
            .starts_with("HTTP/1.1 200 ")
    );
    drop(stalled);
    loop {
        let response = ask(service.address, "POST", "/routerTransform", r#"{"input":[]}"#).await;
        if response.starts_with("HTTP/1.1 200 ") {
            break;
        }
        assert!(response.starts_with("HTTP/1.1 503 "), "{response}");
    }
}

#[tokio::test]
async fn a_thousand_idle_connections_keep_nobody_out() {
    let service = start(|_| {}).await;
    let mut idle = Vec::new();
    for _ in 0..1000 {
        idle.push(TcpStream::connect(service.address).await.unwrap());
    }
    is_served(service.address).await;
    let metrics = ask(service.address, "GET", "/metrics", "").await;
    let open = metrics
        .lines()
        .find_map(|line| line.strip_prefix("rudder_intercom_connections "));
    assert!(open.unwrap().parse::<u32>().unwrap() >= 1000, "{open:?}");
    drop(idle);
}

#[tokio::test]
async fn idle_connections_are_closed_in_time() {
    let service = start(|settings| settings.idle_timeout = Duration::from_millis(50)).await;
    let mut idle = TcpStream::connect(service.address).await.unwrap();
    let mut response = Vec::new();
    idle.read_to_end(&mut response).await.unwrap();
    is_served(service.address).await;
}

#[tokio::test]
async fn a_head_that_does_not_end_is_given_up_before_a_connection_is_idle_too_long() {
    let service = start(|settings| settings.header_timeout = Duration::from_secs(1)).await;
    let mut silent = TcpStream::connect(service.address).await.unwrap();
    let mut slow = TcpStream::connect(service.address).await.unwrap();
    slow.write_all(b"POST /routerTransform HTTP/1.1\r\nhost: ")
        .await
        .unwrap();
    // Between two requests, a connection may be idle for longer.
    let mut kept = TcpStream::connect(service.address).await.unwrap();
    let request = b"GET /features HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut response = [0; 15];
    kept.write_all(request).await.unwrap();
    kept.read_exact(&mut response).await.unwrap();
    for stream in [&mut silent, &mut slow] {
        let mut rest = Vec::new();
        // A reset is as good.
        let _ = stream.read_to_end(&mut rest).await;
        assert!(!rest.starts_with(b"HTTP/1.1 200"));
    }
    kept.write_all(request).await.unwrap();
    let mut rest = vec![0; 1000];
    let mut read = 0;
    while !String::from_utf8_lossy(&rest[..read]).contains("HTTP/1.1 200") {
        let more = kept.read(&mut rest[read..]).await.unwrap();
        assert_ne!(more, 0, "an idle connection was closed");
        read += more;
    }
}

#[tokio::test]
async fn a_client_that_takes_no_response_is_given_up_and_frees_its_room() {
    for (timeout, expected) in [(Duration::from_secs(3600), "503"), (Duration::from_millis(100), "200")] {
        let service = start(|settings| {
            settings.write_timeout = timeout;
            settings.max_requests = 1.try_into().unwrap();
        })
        .await;
        // Longer than what the sockets hold.
        let metadata = "x".repeat(30 << 20);
        let body = format!(r#"{{"input":[{{"message":{{"type":"alias"}},"metadata":{{"m":"{metadata}"}}}}]}}"#);
        let head = format!(
            "POST /routerTransform HTTP/1.1
host: x
content-length: {}

",
            body.len()
        );
        let mut stuck = TcpStream::connect(service.address).await.unwrap();
        stuck.write_all(head.as_bytes()).await.unwrap();
        stuck.write_all(body.as_bytes()).await.unwrap();
        let mut first = [0; 15];
        stuck.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200 OK");
        loop {
            let response = ask(service.address, "POST", "/routerTransform", r#"{"input":[]}"#).await;
            if response.starts_with(&format!("HTTP/1.1 {expected} ")) {
                break;
            }
            assert!(response.starts_with("HTTP/1.1 503 "), "{response}");
        }
    }
}

#[tokio::test]
async fn a_stop_finishes_what_is_in_progress() {
    let service = start(|_| {}).await;
    let mut begun = begin(service.address).await;
    let idle = TcpStream::connect(service.address).await.unwrap();
    service.stop.send(()).unwrap();
    // Once connections are refused, the stop is under way.
    while TcpStream::connect(service.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let rest = format!("[]}}{}", " ".repeat(100 - 9 - 3));
    begun.write_all(rest.as_bytes()).await.unwrap();
    let mut response = String::new();
    begun.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    service.task.await.unwrap().unwrap();
    drop(idle);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let service = start(|settings| settings.shutdown_timeout = Duration::from_millis(50)).await;
    let _begun = begin(service.address).await;
    service.stop.send(()).unwrap();
    let error = service.task.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}
