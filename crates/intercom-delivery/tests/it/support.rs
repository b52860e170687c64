//! An engine under virtual time, and responses by hand.

use intercom_api::{Call, CompanyFields, ContactFields, DataEvent, OperationId as Op, UnixSeconds};
use intercom_delivery::*;
use intercom_sandbox::{Sandbox, UnixMillis};
use rudderstack_to_intercom::{Identities, Lookup, Missing, Person, Plan, SaveCompany, SaveContact};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

pub(crate) const START: Time = Time::from_unix_millis(1_700_000_000_000);

/// What a call comes to, and after how long.
pub(crate) type Reply = (Result<Response, TransportFailure>, Duration);

/// A call that the engine has made.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) at: Time,
    pub(crate) event: EventId,
    pub(crate) attempt: u32,
    pub(crate) call: Call,
}

impl Sent {
    pub(crate) fn body(&self) -> &str {
        self.call.body.as_ref().map_or("", |body| body.get())
    }
}

/// An engine, its clock, and what has happened.
pub(crate) struct Run {
    pub(crate) engine: Engine,
    pub(crate) now: Time,
    pub(crate) sent: Vec<Sent>,
    pub(crate) outcomes: Vec<Outcome>,
    /// What was about to be done, and how many outcomes were there by then.
    pub(crate) intents: Vec<(Intent, usize)>,
    /// Whether intents are noted at once.
    pub(crate) notes: bool,
    /// Time does not pass beyond this.
    pub(crate) until: Option<Time>,
    /// What waits for its contact.
    pub(crate) awaited: Vec<Awaited>,
    due: BinaryHeap<Reverse<(Time, u64, usize)>>,
    replies: Vec<Option<(CallId, Result<Response, TransportFailure>)>>,
    events: u64,
}

impl Run {
    pub(crate) fn new(settings: EngineSettings) -> Self {
        Self {
            engine: Engine::new(settings),
            now: START,
            sent: Vec::new(),
            outcomes: Vec::new(),
            intents: Vec::new(),
            notes: true,
            until: None,
            awaited: Vec::new(),
            due: BinaryHeap::new(),
            replies: Vec::new(),
            events: 0,
        }
    }

    /// Takes an event in; events are numbered from 1.
    pub(crate) fn submit(&mut self, plan: Plan, identities: Identities) -> EventId {
        self.submit_again(plan, identities, None)
    }

    /// Takes an event in that was begun with a contact before.
    pub(crate) fn submit_again(&mut self, plan: Plan, identities: Identities, begun_with: Option<&str>) -> EventId {
        self.events += 1;
        let event = EventId(self.events);
        let mut submission = Submission::new(event, plan, identities);
        submission.begun_with = begun_with.map(|id| id.parse().unwrap());
        self.engine.submit(submission).unwrap();
        event
    }

    fn fetch(&mut self) {
        loop {
            if let Some(intent) = self.engine.poll_intent() {
                if self.notes {
                    self.engine.noted(&intent);
                }
                self.intents.push((intent, self.outcomes.len()));
            } else if let Some(outcome) = self.engine.poll_outcome() {
                self.awaited.extend(outcome.awaits.clone());
                if let Some(arrival) = &outcome.arrival {
                    self.recall(arrival);
                }
                self.outcomes.push(outcome);
            } else {
                return;
            }
        }
    }

    /// Recalls what waits for the contact that has come, in the order of events.
    fn recall(&mut self, arrival: &Arrival) {
        let has_come = |awaited: &Awaited| awaited.keys.iter().any(|key| arrival.keys.contains(key));
        let (come, left) = std::mem::take(&mut self.awaited).into_iter().partition(has_come);
        self.awaited = left;
        let mut recalled: Vec<Submission> = come.into_iter().map(|awaited: Awaited| *awaited.submission).collect();
        recalled.sort_by_key(|submission| submission.event);
        self.engine.recall(arrival.id, recalled);
        self.engine.all_recalled(arrival.id);
    }

    /// Makes calls, lets time pass to whatever comes next, and hands in what is due. False when nothing comes any more.
    pub(crate) fn step(&mut self, server: &mut dyn FnMut(&Sent) -> Reply) -> bool {
        while let Some(transmit) = self.engine.poll_call(self.now) {
            let sent = Sent {
                at: self.now,
                event: transmit.event,
                attempt: transmit.attempt,
                call: transmit.call,
            };
            let (reply, latency) = server(&sent);
            self.sent.push(sent);
            let at = self.replies.len();
            self.replies.push(Some((transmit.id, reply)));
            self.due.push(Reverse((self.now.after(latency), at as u64, at)));
        }
        let (noted, told) = (self.intents.len(), self.outcomes.len());
        self.fetch();
        if self.notes && self.intents.len() > noted {
            return true;
        }
        if self.outcomes[told..].iter().any(|outcome| outcome.arrival.is_some()) {
            return true;
        }
        let response = self.due.peek().map(|Reverse((at, ..))| *at);
        let Some(next) = [response, self.engine.poll_timeout()].into_iter().flatten().min() else {
            return false;
        };
        if self.until.is_some_and(|until| next > until) {
            return false;
        }
        self.now = self.now.max(next);
        while let Some(Reverse((at, _, index))) = self.due.peek().copied() {
            if at > self.now {
                break;
            }
            self.due.pop();
            let (id, reply) = self.replies[index].take().unwrap();
            match reply {
                Ok(response) => self.engine.handle_response(id, &response, self.now),
                Err(failure) => self.engine.handle_failure(id, failure, self.now),
            }
        }
        self.fetch();
        true
    }

    /// Runs until every event has its outcome.
    pub(crate) fn run(&mut self, mut server: impl FnMut(&Sent) -> Reply) {
        while self.step(&mut server) {}
        assert!(self.engine.is_idle(), "stuck: {:?}", self.engine.status());
    }

    /// Runs against a script: exactly these calls, in this order, each with its response.
    pub(crate) fn script<const N: usize>(&mut self, script: [(Op, Reply); N]) {
        let mut script = script.into_iter();
        let mut made = 0;
        self.run(|sent| {
            let next = script.next();
            made += 1;
            let Some((operation, reply)) = next else {
                panic!("call {made} is not in the script: {}", sent.call.operation);
            };
            assert_eq!(sent.call.operation, operation, "call {made}");
            reply
        });
        assert_eq!(made, N, "not every call of the script was made");
    }

    /// What became of the only event.
    pub(crate) fn outcome(&self) -> &Outcome {
        assert_eq!(self.outcomes.len(), 1);
        &self.outcomes[0]
    }

    /// What became of each event, in words, in the order of events.
    pub(crate) fn results(&self) -> Vec<String> {
        let mut outcomes: Vec<&Outcome> = self.outcomes.iter().collect();
        outcomes.sort_by_key(|outcome| outcome.event);
        outcomes.into_iter().map(words).collect()
    }

    pub(crate) fn operations(&self) -> Vec<Op> {
        self.sent.iter().map(|sent| sent.call.operation).collect()
    }
}

/// An outcome in words.
pub(crate) fn words(outcome: &Outcome) -> String {
    let mut text = match &outcome.result {
        DeliveryResult::Delivered(delivered) => match (delivered.merged_into, delivered.unchanged) {
            (Some(other), _) => format!("merged into {other}"),
            (None, true) => "unchanged".to_owned(),
            (None, false) => "delivered".to_owned(),
        },
        DeliveryResult::Rejected(rejected) => format!("rejected {}", rejected.code),
        DeliveryResult::Failed(failed) => format!("failed {}", failed.code),
    };
    for warning in &outcome.warnings {
        text = format!("{text}, {}", warning.code());
    }
    text
}

pub(crate) fn failed(outcome: &Outcome) -> &Failed {
    match &outcome.result {
        DeliveryResult::Failed(failed) => failed,
        other => panic!("not failed: {other:?}"),
    }
}

pub(crate) fn delivered(outcome: &Outcome) -> &Delivered {
    match &outcome.result {
        DeliveryResult::Delivered(delivered) => delivered,
        other => panic!("not delivered: {other:?}"),
    }
}

pub(crate) fn response(status: u16, body: impl Into<String>) -> Reply {
    (Ok(Response::new(status, body.into())), Duration::from_millis(50))
}

pub(crate) fn ok(body: impl Into<String>) -> Reply {
    response(200, body)
}

pub(crate) fn broken(failure: TransportFailure) -> Reply {
    (Err(failure), Duration::from_millis(50))
}

/// An error list with one error.
pub(crate) fn error(status: u16, code: &str, message: &str) -> Reply {
    response(
        status,
        format!(
            r#"{{"type":"error.list","request_id":"r-{status}","errors":[{{"code":"{code}","message":"{message}"}}]}}"#
        ),
    )
}

pub(crate) fn gone() -> Reply {
    error(404, "not_found", "User Not Found")
}

pub(crate) fn conflict(id: &str) -> Reply {
    error(
        409,
        "conflict",
        &format!("A contact matching those details already exists with id={id}"),
    )
}

pub(crate) fn archived(id: &str) -> Reply {
    error(
        409,
        "conflict",
        &format!("An archived contact matching those details already exists with id={id}"),
    )
}

pub(crate) fn undefined(name: &str) -> Reply {
    error(
        400,
        "parameter_invalid",
        &format!("Custom attribute '{name}' does not exist"),
    )
}

/// A page of contacts.
pub(crate) fn hits(contacts: &[&str]) -> Reply {
    ok(format!(r#"{{"type":"list","data":[{}]}}"#, contacts.join(",")))
}

/// A contact `id` with this external id.
pub(crate) fn contact(id: &str, external_id: &str) -> String {
    format!(r#"{{"type":"contact","id":"{id}","external_id":"{external_id}","role":"user"}}"#)
}

pub(crate) fn who(user_id: &str) -> Identities {
    let mut identities = Identities::new();
    identities.user_id = Some(user_id.to_owned());
    identities
}

pub(crate) fn fields(json: &str) -> ContactFields {
    serde_json::from_str(json).unwrap()
}

pub(crate) fn by_id(user_id: &str) -> Lookup {
    by_person(Some(user_id), None)
}

fn by_person(user_id: Option<&str>, email: Option<&str>) -> Lookup {
    Person::new(user_id.map(Into::into), email).unwrap().into()
}

pub(crate) fn by_email(email: &str, user_id: Option<&str>) -> Lookup {
    by_person(user_id, Some(email))
}

/// An identify of a user with these custom attributes.
pub(crate) fn identify(user_id: &str, attributes: &str) -> Plan {
    let json = format!(r#"{{"external_id":"{user_id}","custom_attributes":{attributes}}}"#);
    Plan::SaveContact(SaveContact::new(by_id(user_id), fields(&json)))
}

/// A record that updates a contact, and does not create one.
pub(crate) fn record_update(lookup: Lookup, json: &str) -> Plan {
    let mut plan = SaveContact::new(lookup, fields(json));
    plan.missing = Missing::Reject;
    Plan::SaveContact(plan)
}

pub(crate) fn track(user_id: &str, name: &str, created_at: i64) -> Plan {
    let mut event = DataEvent::new(name);
    event.user_id = Some(user_id.into());
    event.created_at = Some(UnixSeconds(created_at));
    Plan::SubmitEvent(event)
}

pub(crate) fn group(company_id: &str, member: Option<Lookup>, tags: &[&str]) -> Plan {
    let mut company = CompanyFields::new();
    company.company_id = Some(company_id.into());
    company.custom_attributes.insert("tier", "gold");
    let mut plan = SaveCompany::new(company);
    plan.member = member;
    plan.tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    Plan::SaveCompany(plan)
}

/// Settings with one call at a time and no savings: what is called is what the plan says.
pub(crate) fn plain() -> EngineSettings {
    let mut settings = thrifty();
    settings.savings = Savings::NONE;
    settings
}

/// Settings with one call at a time and all savings.
pub(crate) fn thrifty() -> EngineSettings {
    let mut settings = EngineSettings::new();
    settings.concurrency = 1.try_into().unwrap();
    settings
}

/// Settings by which the first call need not be waited for.
pub(crate) fn side_by_side() -> EngineSettings {
    let mut settings = EngineSettings::new();
    settings.assumed_limit = Some(AssumedLimit {
        calls: 1_000_000,
        window: Duration::from_secs(10),
    });
    settings
}

/// What a sandbox answers.
pub(crate) fn ask(sandbox: &mut Sandbox, sent: &Sent) -> Reply {
    let reply = sandbox.call(&sent.call, UnixMillis(sent.at.unix_millis()));
    let latency = Duration::from_millis(50) + reply.delay.unwrap_or_default();
    if reply.dropped.is_some() {
        return (Err(TransportFailure::Interrupted), latency);
    }
    let response = Response::with_headers(reply.status, reply.body.clone(), |name| reply.header(name));
    (Ok(response), latency)
}
