//! A server in Intercom's place that answers as a test tells it to, and can go away and come back.
#![allow(dead_code, reason = "each test binary uses some of it")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How long a test waits for something that happens at once on a machine that has nothing else to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What the server does with a call.
#[derive(Clone, Debug)]
pub(crate) enum Response {
    /// Answers with this status, and these headers, a line each.
    Status(u16, String),
    /// Does not answer.
    Silence,
    /// Answers calls whose bodies have this text with 503, and others with success.
    Poisoned(&'static str),
}

impl Response {
    pub(crate) fn ok() -> Self {
        Self::Status(202, String::new())
    }
}

#[derive(Debug, Default)]
struct State {
    response: Option<Response>,
    /// The bodies of all calls, and whether they were answered with success.
    calls: Vec<(String, bool)>,
}

/// The server. `GET /me` is always answered.
pub(crate) struct Scripted {
    address: SocketAddr,
    state: Arc<(Mutex<State>, Condvar)>,
    listening: Option<Arc<AtomicBool>>,
}

impl Scripted {
    pub(crate) fn new(response: Response) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut server = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
            listening: None,
        };
        server.answer(response);
        server.listen(listener);
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers every call in this way from now on.
    pub(crate) fn answer(&self, response: Response) {
        self.state.0.lock().unwrap().response = Some(response);
    }

    /// Refuses connections, and closes those that there are.
    pub(crate) fn go_away(&mut self) {
        if let Some(listening) = self.listening.take() {
            listening.store(false, Ordering::SeqCst);
            // Wakes the thread that accepts, which then closes the listener.
            drop(TcpStream::connect(self.address));
            let gone = Instant::now() + PATIENCE;
            while TcpStream::connect(self.address).is_ok() {
                assert!(Instant::now() < gone, "the server does not go away");
            }
        }
    }

    /// Is there again.
    pub(crate) fn come_back(&mut self) {
        self.listen(TcpListener::bind(self.address).unwrap());
    }

    /// Waits until this holds for the bodies of the calls, and whether each was answered with success.
    pub(crate) fn wait(&self, what: &str, holds: impl Fn(&[(String, bool)]) -> bool) {
        let (state, changed) = &*self.state;
        let state = state.lock().unwrap();
        let (_state, timeout) = changed
            .wait_timeout_while(state, PATIENCE, |state| !holds(&state.calls))
            .unwrap();
        assert!(!timeout.timed_out(), "waited in vain for {what}");
    }

    /// The bodies of the calls that were answered with success.
    pub(crate) fn done(&self) -> Vec<String> {
        let state = self.state.0.lock().unwrap();
        state
            .calls
            .iter()
            .filter(|(_, done)| *done)
            .map(|(body, _)| body.clone())
            .collect()
    }

    fn listen(&mut self, listener: TcpListener) {
        let (listening, state) = (Arc::new(AtomicBool::new(true)), Arc::clone(&self.state));
        self.listening = Some(Arc::clone(&listening));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if !listening.load(Ordering::SeqCst) {
                    return;
                }
                let (listening, state) = (Arc::clone(&listening), Arc::clone(&state));
                thread::spawn(move || serve(&stream.unwrap(), &listening, &state));
            }
        });
    }
}

/// Answers the calls of a connection until it ends.
fn serve(stream: &TcpStream, listening: &AtomicBool, state: &(Mutex<State>, Condvar)) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut path, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_ascii_lowercase();
            if path.is_empty() {
                path = line.split(' ').nth(1)?.to_owned();
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        if !listening.load(Ordering::SeqCst) {
            return None;
        }
        let is_me = path == "/me";
        let response = {
            let mut state = state.0.lock().unwrap();
            let body = String::from_utf8(body).unwrap();
            let response = match state.response.clone().unwrap() {
                Response::Poisoned(text) if body.contains(text) => Response::Status(503, String::new()),
                Response::Poisoned(_) => Response::ok(),
                response => response,
            };
            if !is_me {
                let is_done = matches!(response, Response::Status(200..300, _));
                state.calls.push((body, is_done));
            }
            response
        };
        let (status, headers, body) = match response {
            _ if is_me => (200, String::new(), r#"{"type":"admin","id":"1","app":{"id_code":"w"}}"#),
            Response::Status(status, headers) => (status, headers, ""),
            Response::Poisoned(_) => unreachable!("it has become a status"),
            Response::Silence => {
                state.1.notify_all();
                // Until the caller has had enough.
                let _ = reader.read(&mut [0]);
                return None;
            }
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        let written = (&*stream).write_all(head.as_bytes());
        state.1.notify_all();
        written.ok()?;
    }
}
