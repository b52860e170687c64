//! rudder-server's double with real processes: batches to one instance after the other.

use crate::rehearsal::stage::Fault;
use crate::rudder_server::{RudderServer, Turn};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use ureq::Agent;
use ureq::http::Request;

/// How often a worker looks whether there is something to do.
const LOOK: Duration = Duration::from_millis(5);
/// How long rudder-server waits for a response.
const PATIENCE: Duration = Duration::from_secs(600);

/// rudder-server.
pub(super) struct Chain {
    pub(super) server: Mutex<RudderServer>,
    agent: Agent,
    start: Instant,
    is_over: AtomicBool,
}

impl Chain {
    pub(super) fn new(server: RudderServer) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build()
            .new_agent();
        Self {
            server: Mutex::new(server),
            agent,
            start: Instant::now(),
            is_over: AtomicBool::new(false),
        }
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Ends the workers, whatever is left.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Works until every job of the worker has succeeded or was aborted.
    pub(super) fn work(&self, worker: usize) {
        while !self.is_over.load(Ordering::Relaxed) {
            let turn = lock(&self.server).turn(worker, self.now());
            match turn {
                Turn::Done => return,
                Turn::Wait(_) => std::thread::sleep(LOOK),
                Turn::Send(jobs) => self.send(&jobs),
            }
        }
    }

    /// Has jobs transformed, and makes the requests that come of it.
    fn send(&self, jobs: &[usize]) {
        let request = lock(&self.server).transform(jobs);
        let answered = request.ok().and_then(|request| self.ask(request).ok());
        let Some(mut batch) = lock(&self.server).transformed(jobs, answered, self.now()) else {
            return;
        };
        loop {
            let request = lock(&self.server).next(&mut batch, self.now());
            let Some(request) = request else { return };
            let answered = self.ask(request).ok();
            lock(&self.server).delivered(&mut batch, answered, self.now());
        }
    }

    /// Has jobs transformed by an instance, whatever it answers.
    pub(super) fn transform_at(&self, instance: &str, jobs: &[usize]) -> Result<(), Fault> {
        let request = lock(&self.server).transform_at(instance, jobs)?;
        self.ask(request)?;
        Ok(())
    }

    fn ask(&self, request: Request<String>) -> Result<(u16, String), Fault> {
        let response = match request.method().as_str() {
            "DELETE" => self.agent.run(request.map(drop))?,
            _ => self.agent.run(request)?,
        };
        let status = response.status().as_u16();
        Ok((status, response.into_body().read_to_string()?))
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
