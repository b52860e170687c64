//! `POST /routerTransform`: events in, requests out.

use crate::here;
use crate::intercom::{IntercomClient, Target};
use crate::jobs::{Job, Surroundings, Tally, fail};
use crate::metrics::EventOutcome;
use crate::protocol::{
    Authorization, BadRequest, BatchedRequest, Elements, EventInput, Failure, Input, Metadata, Parts, TransformRequest,
    access_token, destination_settings, has_no_token, is_destination_type, status,
};
use crate::settings::DeliverBy;
use crate::steps::{Returned, Steps};
use futures_util::StreamExt as _;
use intercom_api::{Call, DataEvent, UnixSeconds};
use intercom_delivery::{Order, Ties};
use rudderstack_events::Event;
use rudderstack_to_intercom::{Decision, Destination, Mapped, Plan};
use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Why a request to transform events has no response with status 200.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It is no request.
    Bad(BadRequest),
    /// It is for another destination type.
    OtherDestination,
    /// What is to be echoed is too long: a few destinations stand for many events.
    ResponseTooLarge,
}

/// How long a response may be, in lengths of the longest request.
const LONGEST_RESPONSE: usize = 8;

/// Transforms events. `secret` is the value of the header that overrides the secrets of the events.
pub(crate) async fn transform(intercom: &IntercomClient, body: &str, secret: Option<&str>) -> Result<Parts, Refusal> {
    let request = TransformRequest::from_json(body).map_err(Refusal::Bad)?;
    if request
        .destination_type
        .as_deref()
        .is_some_and(|name| !is_destination_type(name))
    {
        return Err(Refusal::OtherDestination);
    }
    let events = match &request.input {
        Input::Events(events) if !events.is_empty() => events,
        _ => return Ok(no_events()),
    };
    // The response is about as long as the request: metadata and destination are echoed, and the body is most of the event.
    let mut elements = Elements::new(events.len(), body.len() + events.len() * 512);
    let mut tally = Tally::default();
    let waiting = Inline::new(intercom, &request, secret).run(events, &mut elements, &mut tally)?;
    let elements = match intercom.settings.deliver {
        _ if waiting.is_empty() => elements,
        DeliverBy::Here => {
            here::deliver(intercom, &waiting, &mut elements, &mut tally).await;
            elements
        }
        DeliverBy::RudderServer => finish_waiting(intercom, &waiting, elements, &mut tally).await,
    };
    tally.report(&intercom.metrics);
    Ok(elements.finish())
}

/// What answers a request without events: one element, as rudder-server expects.
fn no_events() -> Parts {
    let mut elements = Elements::new(1, 0);
    let failure = Failure::invalid("invalid_input: input is not an array of events");
    elements.failed(0, &failure, "null", &Metadata::default(), None);
    elements.finish()
}

/// Does what takes no call, one event after the other.
struct Inline<'g, 'r> {
    intercom: &'g IntercomClient,
    request: &'r TransformRequest<'r>,
    secret: Option<&'r str>,
    now: UnixSeconds,
    /// Neighbours mostly have the same destination and secret: then they are read once.
    last_destination: Option<(&'r str, Destination)>,
    last_secret: Option<(Option<&'r str>, Option<InWhoseName>)>,
}

/// In whose name calls are made.
#[derive(Clone)]
struct InWhoseName {
    authorization: Authorization,
    /// Whether the token is the program's own.
    is_own: bool,
}

impl<'g, 'r> Inline<'g, 'r> {
    fn new(intercom: &'g IntercomClient, request: &'r TransformRequest<'r>, secret: Option<&'r str>) -> Self {
        Self {
            intercom,
            request,
            secret: secret.filter(|text| !text.trim().is_empty()),
            now: UnixSeconds(intercom.unix_seconds()),
            last_destination: None,
            last_secret: None,
        }
    }

    fn run(
        mut self,
        events: &'r [EventInput<'r>],
        elements: &mut Elements,
        tally: &mut Tally,
    ) -> Result<Vec<Job<'r>>, Refusal> {
        let mut waiting: Vec<Job<'r>> = Vec::new();
        let longest = self
            .intercom
            .settings
            .max_body_bytes
            .get()
            .saturating_mul(LONGEST_RESPONSE);
        let mut to_come = 0;
        for (event, input) in events.iter().enumerate() {
            let read = &input.read;
            let destination = input.destination.or_else(|| {
                let id = read.destination_id.as_deref()?;
                self.request.destinations.get(id).copied()
            });
            let surroundings = Surroundings {
                raw: input.metadata,
                read,
                destination,
            };
            let message = input.message.as_ref();
            let kind = message.ok().and_then(Event::event_type).into();
            let outcome = match message {
                Ok(message) => self.event(event, message, &surroundings, elements),
                Err(error) => Err(Failure::invalid(error)),
            };
            let outcome = match outcome {
                Ok(None) => Some(EventOutcome::Returned),
                Ok(Some(job)) => {
                    to_come += destination.map_or(0, str::len);
                    waiting.push(*job);
                    None
                }
                Err(failure) => Some(fail(event, &self.for_rudder_server(failure), &surroundings, elements)),
            };
            if let Some(outcome) = outcome {
                tally.count(kind, outcome);
            }
            if elements.bytes() + to_come > longest {
                return Err(Refusal::ResponseTooLarge);
            }
        }
        Ok(waiting)
    }

    /// Writes the element of an event that takes no call, or says what is to be done for it.
    fn event(
        &mut self,
        event: usize,
        message: &'r Event<'r>,
        surroundings: &Surroundings<'r>,
        elements: &mut Elements,
    ) -> Result<Option<Box<Job<'r>>>, Failure> {
        let text = surroundings
            .destination
            .ok_or_else(|| Failure::incomplete_request("missing_destination: no destination came with the event"))?;
        let destination = self.destination(text)?;
        let mapped = Mapped::new(message, &destination, self.now);
        let intercom = self.intercom;
        let is_returned = matches!(
            (message, intercom.settings.deliver),
            (Event::Track(_), DeliverBy::RudderServer)
        );
        // Of an event that is returned, nothing is needed but its body.
        if is_returned && let Some(Plan::SubmitEvent(body)) = &mapped.plan()? {
            let base_url = intercom.base_url(destination.region);
            let name = self.in_whose_name(surroundings.read.secret, &destination)?;
            let request =
                BatchedRequest::<DataEvent>::new("POST", &base_url, "/events", &name.authorization, Some(body));
            let Surroundings { raw, destination, .. } = *surroundings;
            elements.returned(event, status::DELIVER, &request, raw, destination);
            return Ok(None);
        }
        let Decision::Convert(conversion) = mapped.decide()? else {
            return Err(Failure::filtered());
        };
        let name = self.in_whose_name(surroundings.read.secret, &destination)?.clone();
        Ok(Some(Box::new(Job {
            event,
            kind: message.event_type().into(),
            message,
            plan: Arc::new(conversion.plan),
            identities: conversion.identities,
            converted_at: self.now,
            destination,
            authorization: name.authorization,
            is_own_token: name.is_own,
            surroundings: *surroundings,
        })))
    }

    fn destination(&mut self, text: &'r str) -> Result<Destination, Failure> {
        if let Some((last, destination)) = &self.last_destination
            && (std::ptr::eq(*last, text) || *last == text)
        {
            return Ok(destination.clone());
        }
        let mut destination = destination_settings(text)
            .ok_or_else(|| Failure::incomplete_request("invalid_destination: the destination is not an object"))?;
        destination.api_version = self.intercom.settings.api_version;
        self.last_destination = Some((text, destination.clone()));
        Ok(destination)
    }

    /// What a failure is answered as: where events are carried out here, what passes is tried again however long it takes.
    fn for_rudder_server(&self, failure: Failure) -> Failure {
        match self.intercom.settings.deliver {
            DeliverBy::Here if failure.is_retryable() => Failure {
                status: status::THROTTLED,
                ..failure
            },
            DeliverBy::Here | DeliverBy::RudderServer => failure,
        }
    }

    fn in_whose_name(&mut self, secret: Option<&'r str>, destination: &Destination) -> Result<&InWhoseName, Failure> {
        let secret = self.secret.or(secret);
        if self.last_secret.as_ref().is_none_or(|(last, _)| *last != secret) {
            let is_own = secret.is_none_or(has_no_token);
            let authorization = match is_own {
                true => self.own_authorization(destination),
                false => secret
                    .and_then(access_token)
                    .and_then(|token| Authorization::new(&token, destination.api_version)),
            };
            let name = authorization.map(|authorization| InWhoseName { authorization, is_own });
            self.last_secret = Some((secret, name));
        }
        let (_, name) = self.last_secret.as_ref().ok_or_else(Failure::no_token)?;
        name.as_ref().ok_or_else(Failure::no_token)
    }

    /// The program's own, which is used where events are carried out here, and told to nobody.
    fn own_authorization(&self, destination: &Destination) -> Option<Authorization> {
        let settings = &self.intercom.settings;
        let token = match settings.deliver {
            DeliverBy::Here => settings.own_token.get()?,
            DeliverBy::RudderServer => return None,
        };
        Authorization::new(&token, destination.api_version)
    }
}

/// Makes the calls of the events that need some. Those of one user come one after the other.
async fn finish_waiting(
    intercom: &IntercomClient,
    waiting: &[Job<'_>],
    elements: Elements,
    tally: &mut Tally,
) -> Elements {
    let shared = Shared {
        progress: Mutex::new((elements, std::mem::take(tally))),
        refused: Mutex::default(),
    };
    let lanes = lanes(waiting);
    let limit = intercom.settings.max_calls_per_request.get();
    let work = futures_util::stream::iter(&lanes)
        .for_each_concurrent(limit, |lane| shared.walk(intercom, lane.iter().map(|at| &waiting[*at])));
    let in_time = tokio::time::timeout(intercom.settings.request_timeout, work)
        .await
        .is_ok();
    let (mut elements, done) = shared.progress.into_inner().unwrap_or_else(PoisonError::into_inner);
    *tally = done;
    if !in_time {
        let failure = Failure::retryable("request_timeout: Intercom took too long; the event can be sent again");
        let missing: HashSet<usize> = elements.missing().collect();
        for event in waiting.iter().filter(|event| missing.contains(&event.event)) {
            let outcome = fail(event.event, &failure, &event.surroundings, &mut elements);
            tally.count(event.kind, outcome);
        }
    }
    elements
}

/// What the lanes of a request share.
struct Shared<'w> {
    progress: Mutex<(Elements, Tally)>,
    /// A token that Intercom has refused is not tried again for the events that remain.
    refused: Mutex<HashMap<&'w str, Failure>>,
}

impl<'w> Shared<'w> {
    /// Carries the events of one user out, in order.
    async fn walk(&self, intercom: &IntercomClient, lane: impl Iterator<Item = &'w Job<'w>>) {
        for event in lane {
            let token = event.authorization.token();
            let known = lock(&self.refused).get(token).cloned();
            let result = match known {
                Some(failure) => Err(failure),
                None => carry_out(intercom, event).await,
            };
            if let Err(failure) = &result
                && failure.meta.is_some()
            {
                lock(&self.refused).insert(token, failure.clone());
            }
            let (elements, tally) = &mut *lock(&self.progress);
            let outcome = match &result {
                Ok(returned) => write(intercom, event, returned, elements),
                Err(failure) => fail(event.event, failure, &event.surroundings, elements),
            };
            tally.count(event.kind, outcome);
        }
    }
}

async fn carry_out(intercom: &IntercomClient, event: &Job<'_>) -> Result<Returned, Failure> {
    let base_url = intercom.base_url(event.destination.region);
    let token = event.authorization.token();
    let workspace = event.surroundings.read.workspace_id.as_deref();
    let target = Target {
        base_url: &base_url,
        region: event.destination.region,
        authorization: &event.authorization,
        version: event.destination.api_version,
        scope: intercom.contacts.scope(&base_url, token, workspace),
    };
    Steps { intercom, target }.run(&event.plan).await
}

fn write(intercom: &IntercomClient, event: &Job<'_>, returned: &Returned, elements: &mut Elements) -> EventOutcome {
    let (call, status, outcome): (&Call, _, _) = match returned {
        Returned::Deliver(call) => (call, status::DELIVER, EventOutcome::Returned),
        Returned::Handled(call) => (call, status::HANDLED, EventOutcome::Handled),
    };
    let target = call.path_and_query();
    let base_url = intercom.base_url(event.destination.region);
    let request = BatchedRequest::new(
        call.method.as_str(),
        &base_url,
        &target,
        &event.authorization,
        call.body.as_deref(),
    );
    let Surroundings { raw, destination, .. } = event.surroundings;
    elements.returned(event.event, status, &request, raw, destination);
    outcome
}

/// The waiting events by user: events that must stay in order are in one lane, in order.
fn lanes(waiting: &[Job<'_>]) -> Vec<Vec<usize>> {
    let mut leaders: Vec<usize> = (0..waiting.len()).collect();
    fn leader(leaders: &mut [usize], mut at: usize) -> usize {
        while leaders[at] != at {
            leaders[at] = leaders[leaders[at]];
            at = leaders[at];
        }
        at
    }
    let mut join = |a: usize, b: usize| {
        let (a, b) = (leader(&mut leaders, a), leader(&mut leaders, b));
        leaders[a.max(b)] = a.min(b);
    };
    let mut order = Order::new(NonZeroUsize::MAX);
    let ties: Vec<Ties<'_>> = waiting
        .iter()
        .map(|event| order.next(&event.plan, &event.identities))
        .collect();
    let mut firm: HashMap<&str, usize> = HashMap::new();
    for (at, ties) in ties.iter().enumerate() {
        for value in &ties.firm {
            join(*firm.entry(value).or_insert(at), at);
        }
    }
    for (at, ties) in ties.iter().enumerate() {
        for first in ties.loose.iter().filter_map(|value| firm.get(&**value)) {
            join(*first, at);
        }
    }
    let mut lanes: Vec<Vec<usize>> = vec![Vec::new(); waiting.len()];
    for at in 0..waiting.len() {
        lanes[leader(&mut leaders, at)].push(at);
    }
    lanes.retain(|lane| !lane.is_empty());
    lanes
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
