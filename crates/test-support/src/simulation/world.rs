//! The world: the program, the sandbox, and the way between them.

mod way;

use super::interference::interfere;
use super::played::Played;
use super::scenario::{End, START, Scenario};
use super::violation::Violation;
use super::whose::{Turns, identities};
use fastrand::Rng;
use intercom_api::{Call, CompanyId, ContactId};
use intercom_delivery::{Arrival, CallId, Engine, Outcome, Response, Time, TransportFailure};
use intercom_sandbox::{Sandbox, UnixMillis};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};

/// How long the program waits for a response.
const PATIENCE: u64 = 30_000;
const TOKEN: &str = "Bearer tok";

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    /// An event comes in.
    Wake,
    /// A call arrives at Intercom.
    Arrival(usize),
    /// A response arrives at the program, or its patience ends.
    Response(usize),
    Patience(usize),
    /// The program ends.
    End(usize),
    /// The program starts again.
    Start,
    Revocation,
    Interference(usize),
    /// What was written is on disk.
    Noted,
}

/// More than any scenario takes, many times over.
const MOST_CALLS: u64 = 20_000;

struct Sent {
    id: CallId,
    /// Which run of the program sent it.
    run: u32,
    event: usize,
    call: Call,
    response: Option<Result<Response, TransportFailure>>,
    /// Whether the program has had a response.
    is_over: bool,
}

/// A run of the program.
struct Run {
    engine: Engine,
    /// The events that are to be submitted.
    to_do: Vec<usize>,
    /// The contacts that earlier runs have begun with.
    begun: HashMap<u64, ContactId>,
    /// The companies that earlier runs have saved for events which waited for their member.
    saved_companies: HashMap<u64, CompanyId>,
    /// What waits for its contact.
    awaiting: BTreeMap<usize, Outcome>,
    /// What has waited.
    recalled: BTreeSet<usize>,
    submitted: usize,
    /// The events of each identity that have had calls.
    order: HashMap<String, Turns>,
    /// Until when Intercom wants no call: it has answered 429 with `Retry-After`.
    quiet_until: u64,
    /// How many outcomes each event has had.
    outcomes: HashMap<usize, u32>,
}

pub(super) struct World<'s> {
    scenario: &'s Scenario,
    random: Rng,
    now: u64,
    next: BinaryHeap<Reverse<(u64, u64, Next)>>,
    order: u64,
    run: Option<Run>,
    sent: Vec<Sent>,
    played: Played,
    /// What should not have happened.
    violation: Option<Violation>,
    /// What happens, line by line, if somebody wants to know.
    trace: Option<&'s mut dyn FnMut(String)>,
}

impl<'s> World<'s> {
    pub(super) fn play(scenario: &'s Scenario, trace: Option<&'s mut dyn FnMut(String)>) -> Result<Played, Violation> {
        let events = scenario.happenings.len();
        let mut world = Self {
            scenario,
            random: Rng::with_seed(scenario.seed ^ 0x0dd_ba11),
            now: 0,
            next: BinaryHeap::new(),
            order: 0,
            run: None,
            sent: Vec::new(),
            played: Played::new(Sandbox::new(scenario.sandbox.clone().with_token("tok")), events)?,
            violation: None,
            trace,
        };
        world.tell(|| format!("{scenario:#?}"));
        for at in &scenario.arrivals {
            world.at(*at, Next::Wake);
        }
        for (at, (time, _)) in scenario.ends.iter().enumerate() {
            world.at(*time, Next::End(at));
        }
        for (at, (time, _)) in scenario.interference.iter().enumerate() {
            world.at(*time, Next::Interference(at));
        }
        if let Some(time) = scenario.revoked {
            world.at(time, Next::Revocation);
        }
        world.start()?;
        while world.step()? {}
        world.played.took = world.now;
        Ok(world.played)
    }

    fn tell(&mut self, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace(format!("{:>9} ms  {}", self.now, what()));
        }
    }

    fn at(&mut self, time: u64, next: Next) {
        self.order += 1;
        self.next.push(Reverse((time, self.order, next)));
    }

    fn time(&self) -> Time {
        Time::from_unix_millis(START + self.now)
    }

    /// Intercom's clock.
    fn clock(&self) -> u64 {
        (START + self.now).saturating_add_signed(self.scenario.skew)
    }

    fn start(&mut self) -> Result<(), Violation> {
        self.played.runs += 1;
        let mut settings = self.scenario.settings.clone();
        settings.seed = self.scenario.seed.wrapping_add(u64::from(self.played.runs));
        settings.notes_intents = true;
        let mut engine = Engine::new(settings);
        for contact in self.played.journal.learnt(self.now)? {
            engine.remember_contact(&contact);
        }
        let left = self.played.journal.left()?;
        self.run = Some(Run {
            engine,
            to_do: left.events,
            begun: left.begun,
            saved_companies: left.saved_companies,
            awaiting: BTreeMap::new(),
            recalled: BTreeSet::new(),
            submitted: 0,
            order: HashMap::new(),
            quiet_until: 0,
            outcomes: HashMap::new(),
        });
        // The operator has seen to the token.
        self.played.sandbox.set_token(Some("tok".to_owned()));
        Ok(())
    }

    /// Lets everything happen that happens now, and goes on to the next moment. False at the end.
    fn step(&mut self) -> Result<bool, Violation> {
        if self.now > 24 * 3_600_000 {
            return Err(Violation::new("it does not come to an end"));
        }
        let is_done = self.work()?;
        let arrivals_left = self
            .next
            .iter()
            .any(|Reverse((.., next))| matches!(next, Next::Arrival(_)));
        if is_done && !arrivals_left {
            self.played.journal.sync(u64::MAX)?;
            return Ok(false);
        }
        let timeout = self.run.as_mut().and_then(|run| run.engine.poll_timeout());
        let timeout = timeout.map(|at| at.unix_millis().saturating_sub(START));
        let next = self.next.peek().map(|Reverse((at, ..))| *at);
        let Some(time) = [timeout, next].into_iter().flatten().min() else {
            let status = self.run.as_ref().map(|run| run.engine.status());
            return Err(Violation::new(format!("nothing comes any more: {status:?}")));
        };
        self.now = self.now.max(time);
        while let Some(Reverse((at, _, next))) = self.next.peek().copied() {
            if at > self.now {
                break;
            }
            self.next.pop();
            self.happen(next)?;
        }
        Ok(true)
    }

    /// Lets the program work. True when all is done.
    fn work(&mut self) -> Result<bool, Violation> {
        let time = self.time();
        let Some(mut run) = self.run.take() else {
            return Ok(false);
        };
        loop {
            self.feed(&mut run)?;
            let mut made = false;
            while let Some(transmit) = run.engine.poll_call(time) {
                made = true;
                self.send(&mut run, transmit)?;
            }
            self.take_outcomes(&mut run)?;
            let may_feed = run.engine.room() > 0 && self.is_next_there(&run);
            if !made && !may_feed {
                break;
            }
        }
        let is_idle = run.engine.is_idle();
        if is_idle && run.engine.status().closed {
            self.played.journal.sync(u64::MAX)?;
            let pause = self.random.u64(100..5_000);
            self.at(self.now + pause, Next::Start);
            return Ok(false);
        }
        let is_done = is_idle && run.submitted == run.to_do.len();
        if is_done {
            // Nobody comes any more.
            for (event, outcome) in std::mem::take(&mut run.awaiting) {
                self.played.journal.write(event, outcome, self.now);
            }
        }
        self.run = Some(run);
        Ok(is_done)
    }

    fn is_next_there(&self, run: &Run) -> bool {
        run.to_do
            .get(run.submitted)
            .is_some_and(|event| self.scenario.arrivals.get(*event).is_none_or(|at| *at <= self.now))
    }

    fn feed(&mut self, run: &mut Run) -> Result<(), Violation> {
        while run.engine.room() > 0 && self.is_next_there(run) {
            let event = run.to_do[run.submitted];
            run.submitted += 1;
            let mut submission = self.scenario.happenings[event].submission(event);
            submission.begun_with = run.begun.remove(&submission.event.0);
            submission.saved_company = run.saved_companies.remove(&submission.event.0);
            if let Err(refused) = run.engine.submit(submission) {
                return Err(Violation::new(format!("refused though there is room: {refused}")));
            }
        }
        Ok(())
    }

    fn send(&mut self, run: &mut Run, transmit: intercom_delivery::Transmit) -> Result<(), Violation> {
        let event = usize::try_from(transmit.event.0).unwrap_or(usize::MAX);
        for (text, is_stranger) in identities(&self.scenario.happenings[event].identities) {
            let turns = run.order.entry(text).or_default();
            if !run.recalled.contains(&event) && !turns.begin(event, is_stranger) {
                return Err(Violation::new(format!(
                    "a call for event {event} out of the order of the same person: {turns:?}"
                )));
            }
        }
        if self.now < run.quiet_until {
            let early = run.quiet_until - self.now;
            return Err(Violation::new(format!(
                "a call for event {event} {early} ms before the time that Retry-After names"
            )));
        }
        self.played.calls += 1;
        if self.played.calls > MOST_CALLS {
            return Err(Violation::new(format!("calls without end, now for event {event}")));
        }
        let at = self.sent.len();
        self.tell(|| {
            let body = transmit.call.body.as_ref().map_or("", |body| body.get());
            let (id, attempt) = (transmit.id, transmit.attempt);
            format!(
                "call {id} for event {event}, attempt {attempt}: {} {body}",
                transmit.call.path
            )
        });
        self.sent.push(Sent {
            id: transmit.id,
            run: self.played.runs,
            event,
            call: transmit.call,
            response: None,
            is_over: false,
        });
        let way = self.random.u64(1..=self.scenario.latency);
        self.at(self.now + way, Next::Arrival(at));
        self.at(self.now + PATIENCE, Next::Patience(at));
        Ok(())
    }

    fn take_outcomes(&mut self, run: &mut Run) -> Result<(), Violation> {
        loop {
            let on_disk = self.now + self.random.u64(0..=self.scenario.sync);
            if let Some(intent) = run.engine.poll_intent() {
                self.tell(|| format!("intent of event {}: {}", intent.event.0, intent.contact));
                let noted = self.played.journal.intend(intent, on_disk);
                self.at(noted, Next::Noted);
                continue;
            }
            let Some(outcome) = run.engine.poll_outcome() else {
                return Ok(());
            };
            let event = usize::try_from(outcome.event.0).unwrap_or(usize::MAX);
            let count = run.outcomes.entry(event).or_default();
            *count += 1;
            if *count > 1 {
                return Err(Violation::new(format!("two outcomes of event {event} in one run")));
            }
            self.tell(|| format!("outcome of event {event}: {:?} {:?}", outcome.result, outcome.warnings));
            if let Some(arrival) = &outcome.arrival {
                for _ in 0..recall(run, arrival) {
                    self.played.mishaps.count("came before its contact");
                }
            }
            if outcome.awaits.is_some() {
                run.outcomes.remove(&event);
                run.awaiting.insert(event, outcome.clone());
                self.played.journal.waits(event, outcome, on_disk);
            } else {
                self.played.journal.write(event, outcome, on_disk);
            }
        }
    }

    fn happen(&mut self, next: Next) -> Result<(), Violation> {
        if !matches!(
            next,
            Next::Wake | Next::Arrival(_) | Next::Response(_) | Next::Patience(_) | Next::Noted
        ) {
            self.tell(|| format!("{next:?}"));
        }
        match next {
            Next::Wake => {}
            Next::Arrival(at) => self.arrive(at),
            Next::Response(at) => self.response(at),
            Next::Patience(at) => {
                if self.is_waited_for(at) {
                    self.played.mishaps.count("no response in time");
                }
                self.sent[at].response = Some(Err(TransportFailure::Timeout));
                self.response(at);
            }
            Next::End(at) => self.end(self.scenario.ends[at].1)?,
            Next::Start => self.start()?,
            Next::Noted => {
                for intent in self.played.journal.sync(self.now)? {
                    if let Some(run) = &mut self.run {
                        run.engine.noted(&intent);
                    }
                }
            }
            Next::Revocation => {
                self.played.mishaps.count("token revoked");
                self.played.sandbox.set_token(Some("another".to_owned()));
            }
            Next::Interference(at) => {
                let now = UnixMillis(self.clock());
                interfere(
                    self.scenario.interference[at].1,
                    &mut self.random,
                    &mut self.played,
                    now,
                );
            }
        }
        match self.violation.take() {
            Some(violation) => Err(violation),
            None => Ok(()),
        }
    }

    fn end(&mut self, end: End) -> Result<(), Violation> {
        if self.run.is_some() {
            self.played.mishaps.count(match end {
                End::Kill => "kill -9",
                End::Stop => "Ctrl-C",
                End::Abort => "Ctrl-C twice",
            });
        }
        match (end, &mut self.run) {
            (_, None) => {}
            (End::Kill, run) => {
                *run = None;
                self.played.journal.kill(self.now)?;
                let pause = self.random.u64(100..5_000);
                self.at(self.now + pause, Next::Start);
            }
            (End::Stop, Some(run)) => run.engine.stop(),
            (End::Abort, Some(run)) => run.engine.abort(),
        }
        Ok(())
    }

    /// Whether the program still runs that made the call, and has had no response.
    fn is_waited_for(&self, at: usize) -> bool {
        let sent = &self.sent[at];
        self.run.is_some() && sent.run == self.played.runs && !sent.is_over
    }

    /// A response arrives at the program, if it still runs and waits for it.
    fn response(&mut self, at: usize) {
        let time = self.time();
        let sent = &mut self.sent[at];
        let Some(response) = sent.response.clone() else { return };
        let Some(run) = self.run.as_mut().filter(|_| sent.run == self.played.runs) else {
            return;
        };
        sent.is_over = true;
        for (text, is_stranger) in identities(&self.scenario.happenings[sent.event].identities) {
            if let Some(turns) = run.order.get_mut(&text) {
                turns.end(sent.event, is_stranger);
            }
        }
        let id = sent.id;
        if let Ok(Response {
            status: 429,
            retry_after: Some(wait),
            ..
        }) = &response
        {
            let until = self.now + u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            run.quiet_until = run.quiet_until.max(until);
        }
        match &response {
            Ok(response) => run.engine.handle_response(id, response, time),
            Err(failure) => run.engine.handle_failure(id, *failure, time),
        }
        self.tell(|| match &response {
            Ok(response) => {
                let body: String = String::from_utf8_lossy(&response.body).chars().take(160).collect();
                format!("response to call {id}: {} {body}", response.status)
            }
            Err(failure) => format!("no response to call {id}: {failure}"),
        });
    }
}

/// A contact has come: what waits for it is delivered, in its order. Says how many events that are.
fn recall(run: &mut Run, arrival: &Arrival) -> usize {
    let has_come = |outcome: &Outcome| {
        let keys = outcome.awaits.iter().flat_map(|awaits| &awaits.keys);
        keys.into_iter().any(|key| arrival.keys.contains(key))
    };
    let (come, left) = std::mem::take(&mut run.awaiting)
        .into_iter()
        .partition(|(_, outcome)| has_come(outcome));
    run.awaiting = left;
    let come: BTreeMap<usize, Outcome> = come;
    run.recalled.extend(come.keys());
    let count = come.len();
    let submissions = come.into_values().filter_map(|outcome| outcome.awaits);
    let submissions = submissions.map(|awaits| *awaits.submission).collect();
    run.engine.recall(arrival.id, submissions);
    run.engine.all_recalled(arrival.id);
    count
}
