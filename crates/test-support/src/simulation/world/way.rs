//! The way to Intercom, and what goes wrong on it.

use super::{Next, TOKEN, World};
use crate::simulation::mishaps::Mishaps;
use crate::simulation::response::response_of;
use crate::simulation::valid::refused;
use crate::simulation::violation::Violation;
use crate::simulation::whose::somebody_else;
use intercom_api::{OperationId, UnixSeconds};
use intercom_delivery::{Response, TransportFailure};
use intercom_sandbox::{CallRequest, UnixMillis};
use std::time::Duration;

impl World<'_> {
    /// Whether a fault of this frequency, of a thousand, happens.
    fn strikes(&mut self, of_a_thousand: u32) -> bool {
        of_a_thousand > 0 && self.random.u32(..1_000) < of_a_thousand
    }

    /// Whether it is one of these times.
    fn is_within(&self, times: &[(u64, u64)]) -> bool {
        times.iter().any(|(begin, end)| (*begin..*end).contains(&self.now))
    }

    /// A call has arrived at Intercom, or nearly.
    pub(super) fn arrive(&mut self, at: usize) {
        let faults = self.scenario.faults;
        let is_storm = self.is_within(&self.scenario.storms);
        if self.is_within(&self.scenario.outages) {
            self.played.mishaps.count("not reachable");
            return self.reply(at, Err(TransportFailure::Unreachable));
        }
        if is_storm && self.random.u8(..10) < 9 {
            self.played.mishaps.count("answered 429 in a storm");
            let mut response = Response::new(429, "");
            response.retry_after = self.random.bool().then(|| Duration::from_secs(self.random.u64(1..4)));
            return self.reply(at, Ok(response));
        }
        if self.strikes(faults.errors) {
            let (status, name) = [
                (500, "answered 500"),
                (502, "answered 502"),
                (503, "answered 503"),
                (408, "answered 408"),
            ][self.random.usize(..4)];
            self.played.mishaps.count(name);
            return self.reply(at, Ok(Response::new(status, "")));
        }
        if self.strikes(faults.lost_calls) {
            self.played.mishaps.count("lost on the way there");
            return self.lose(at);
        }
        if self.strikes(faults.pages) {
            self.played.mishaps.count("answered 200 by a proxy");
            return self.reply(at, Ok(Response::new(200, "<html>Sign in</html>")));
        }
        let mut response = self.perform(at);
        if self.strikes(faults.repeated) {
            self.played.repeated += 1;
            self.played.mishaps.count("arrived twice");
            response = self.perform(at);
        }
        if self.strikes(faults.errors_after_effect) {
            self.played.mishaps.count("answered 500 after it took effect");
            return self.reply(at, Ok(Response::new(500, "")));
        }
        if self.strikes(faults.lost_responses) {
            self.played.mishaps.count("response lost after it took effect");
            return self.lose(at);
        }
        if self.strikes(faults.slow) {
            self.played.mishaps.count("answered slowly");
            self.sent[at].response = Some(Ok(response));
            let slow = self.random.u64(1_000..40_000);
            return self.at(self.now + slow, Next::Response(at));
        }
        self.reply(at, Ok(response));
    }

    fn reply(&mut self, at: usize, response: Result<Response, TransportFailure>) {
        self.sent[at].response = Some(response);
        let way = self.random.u64(1..=self.scenario.latency);
        self.at(self.now + way, Next::Response(at));
    }

    /// There will be no response: the connection breaks, or nothing comes at all.
    fn lose(&mut self, at: usize) {
        if self.random.bool() {
            self.reply(at, Err(TransportFailure::Interrupted));
        }
    }

    fn perform(&mut self, at: usize) -> Response {
        let clock = self.clock();
        let sent = &self.sent[at];
        let happening = &self.scenario.happenings[sent.event];
        // Whom others have merged with somebody else meanwhile, no search shows yet.
        let is_affected = self.played.affected_people.contains(&happening.person);
        let other = somebody_else(happening, &sent.call, &mut self.played.sandbox, UnixMillis(clock));
        let other = other.filter(|_| !is_affected);
        let wrong = other.map(|other| format!("a call for event {} changes {other}, who is somebody else", sent.event));
        if let Some(message) = wrong.or_else(|| refused(&sent.call)) {
            self.violation.get_or_insert(Violation::new(message));
        }
        let request = CallRequest::new(&sent.call, Some(TOKEN));
        let reply = self.played.sandbox.handle(request.as_request(), UnixMillis(clock));
        let is_read = matches!(
            sent.call.operation,
            OperationId::SearchContacts | OperationId::FindCompany
        );
        if (200..300).contains(&reply.status) && !is_read {
            self.played.effects[sent.event] += 1;
        }
        if reply.status == 429 {
            self.played.over_limit += 1;
        }
        let mut response = response_of(&reply);
        response.date = i64::try_from(clock / 1000).ok().map(UnixSeconds);
        if let Some(name) = Mishaps::name_of(sent.call.operation, &response) {
            self.played.mishaps.count(name);
        }
        response
    }
}
