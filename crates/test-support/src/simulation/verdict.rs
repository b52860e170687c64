//! Whether what happened is what should have.

use super::interference::{person_of, person_of_contact};
use super::journal::Done;
use super::mishaps::Mishaps;
use super::plain::{self, Plain, REJECTED, moved_emails};
use super::played::Played;
use super::scenario::Scenario;
use super::violation::Violation;
use super::workload::SHARED;
use intercom_api::{Attributes, Value};
use intercom_delivery::FailureCode;
use intercom_sandbox::{Sandbox, State};
use rudderstack_to_intercom::Plan;
use std::collections::BTreeSet;
use std::time::Duration;

/// What happened, in numbers.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// Events that came in.
    pub events: u64,
    /// Calls that the program made.
    pub calls: u64,
    /// Calls of the plain delivery.
    pub plain_calls: u64,
    /// Runs of the program.
    pub runs: u64,
    /// Events that failed because the faults outlasted all attempts.
    pub outlasted: u64,
    /// People who were left out of the comparison.
    pub left_out: u64,
    /// People who were compared.
    pub compared: u64,
    /// How long it took, by the virtual clock.
    pub took: Duration,
    /// What went wrong, and how often.
    pub mishaps: Mishaps,
}

impl Report {
    /// Adds another up.
    pub fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.calls += other.calls;
        self.plain_calls += other.plain_calls;
        self.runs += other.runs;
        self.outlasted += other.outlasted;
        self.left_out += other.left_out;
        self.compared += other.compared;
        self.took += other.took;
        self.mishaps.add(&other.mishaps);
    }
}

/// Who and what cannot be compared.
#[derive(Debug, Default)]
struct LeftOut {
    people: BTreeSet<usize>,
    companies: BTreeSet<String>,
}

pub(super) fn judge(scenario: &Scenario, played: Played) -> Result<Report, Violation> {
    let mut left_out = LeftOut {
        people: played.affected_people,
        companies: played.affected_companies,
    };
    let mut outlasted = 0;
    for (event, done) in played.journal.done.iter().enumerate() {
        let [done] = done.as_slice() else {
            return Err(Violation::new(format!(
                "event {event} has {} outcomes in the journal",
                done.len()
            )));
        };
        let happening = &scenario.happenings[event];
        match done {
            Done::Failed(code) if code.is_retryable() && code.as_str() != "unknown_contact" => {
                outlasted += 1;
                left_out.people.insert(happening.person);
                left_out.companies.extend(happening.company.clone());
            }
            Done::Delivered {
                wrote: true,
                merged: false,
            } if played.effects[event] == 0 => {
                return Err(Violation::new(format!(
                    "event {event} is said to be delivered, and had no effect"
                )));
            }
            _ => {}
        }
    }
    let lives = u64::from(played.runs);
    if played.over_limit > 3 + lives + played.repeated {
        return Err(Violation::new(format!(
            "{} calls beyond the rate limit",
            played.over_limit
        )));
    }
    if scenario.are_entangled && !left_out.people.is_empty() {
        left_out
            .people
            .extend(scenario.happenings.iter().map(|happening| happening.person));
    }
    let mut settings = scenario.sandbox.clone();
    settings.search_lag = Duration::ZERO;
    settings.rate_limit = None;
    let mut plain = Plain::new(Sandbox::new(settings), scenario.policies);
    let results = all(scenario, &mut plain, &mut left_out);
    for ((event, happening), expected) in scenario.happenings.iter().enumerate().zip(results) {
        let is_company_out = happening
            .company
            .as_ref()
            .is_some_and(|company| left_out.companies.contains(company));
        if left_out.people.contains(&happening.person) || is_company_out {
            continue;
        }
        let done = match &played.journal.done[event][0] {
            Done::Delivered { .. } => Ok(()),
            Done::Rejected => Err(REJECTED),
            Done::Failed(code) => Err(code.as_str()),
        };
        // A record that repeats an earlier one finds nobody to move. That it has been carried out shows only until newer
        // events have changed the contact, which a kill may have them do before it is repeated.
        let is_moved = done == Err(REJECTED) && !scenario.ends.is_empty() && moves_again(scenario, event);
        if done != expected && !is_moved {
            return Err(Violation::new(format!(
                "event {event} came to {done:?}, and should have to {expected:?}"
            )));
        }
    }
    compare(&played.sandbox.state(), &plain.sandbox.state(), &left_out)?;
    let people: BTreeSet<usize> = scenario.happenings.iter().map(|happening| happening.person).collect();
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let kept_out = people.intersection(&left_out.people).count();
    Ok(Report {
        events: count(scenario.happenings.len()),
        calls: played.calls,
        plain_calls: plain.calls,
        runs: lives,
        outlasted,
        left_out: count(kept_out),
        compared: count(people.len() - kept_out),
        took: Duration::from_millis(played.took),
        mishaps: played.mishaps,
    })
}

/// Whether the event gives somebody an email in place of another, as an earlier one does.
fn moves_again(scenario: &Scenario, event: usize) -> bool {
    let moves = |event: usize| match &scenario.happenings[event].plan {
        Plan::SaveContact(plan) if plan.create().is_none() => moved_emails(plan),
        _ => None,
    };
    moves(event).is_some_and(|same| (0..event).any(|earlier| moves(earlier).as_ref() == Some(&same)))
}

/// What each event comes to, plainly. What comes before its contact takes effect after it, if it is to wait.
fn all(scenario: &Scenario, plain: &mut Plain, left_out: &mut LeftOut) -> Vec<plain::Result> {
    let mut results: Vec<plain::Result> = Vec::with_capacity(scenario.happenings.len());
    let mut waiting: Vec<usize> = Vec::new();
    for (event, happening) in scenario.happenings.iter().enumerate() {
        plain.is_member_missing = false;
        let result = plain.deliver(&happening.plan);
        let is_early = plain.is_member_missing || result == Err(FailureCode::UnknownContact.as_str());
        if is_early && scenario.settings.await_contacts {
            waiting.push(event);
        }
        results.push(result);
        // Whom of these it is about is chance.
        let alike = std::mem::take(&mut plain.alike);
        if !alike.is_empty() {
            left_out.people.insert(happening.person);
            left_out.people.extend(alike.iter().filter_map(person_of_contact));
            left_out.companies.extend(happening.company.clone());
        }
        if let Plan::SaveContact(plan) = &happening.plan {
            let before = waiting.len();
            waiting.retain(|early| match plain.deliver_late(&scenario.happenings[*early].plan) {
                Some(result) => {
                    results[*early] = result;
                    false
                }
                None => true,
            });
            if waiting.len() < before {
                plain.detach_again(plan);
            }
        }
    }
    results
}

/// Compares the states, without those who are left out.
fn compare(state: &State, plain: &State, left_out: &LeftOut) -> Result<(), Violation> {
    let (state, plain) = (reduced(state, left_out), reduced(plain, left_out));
    let parts = [
        ("contacts", &state.contacts, &plain.contacts),
        ("companies", &state.companies, &plain.companies),
        ("events", &state.events, &plain.events),
        ("tags", &state.tags, &plain.tags),
        ("data_attributes", &state.data_attributes, &plain.data_attributes),
    ];
    for (name, is, should) in parts {
        if is != should {
            let text = |items: &Vec<Attributes>| {
                let differing = |item: &&Attributes| !(is.contains(item) && should.contains(item));
                let lines = items
                    .iter()
                    .filter(differing)
                    .map(|item| serde_json::to_string(item).unwrap_or_default());
                lines.collect::<Vec<_>>().join("\n  ")
            };
            return Err(Violation::new(format!(
                "the {name} differ from those of plain delivery\n  {}\nshould be\n  {}",
                text(is),
                text(should)
            )));
        }
    }
    Ok(())
}

fn reduced(state: &State, left_out: &LeftOut) -> State {
    let mut state = state.normalised();
    let is_in = |item: &Attributes| person_of(item).is_none_or(|person| !left_out.people.contains(&person));
    state.contacts.retain(is_in);
    state.events.retain(is_in);
    let company_of = |company: &Attributes| company.get("company_id").and_then(Value::as_str).map(str::to_owned);
    state
        .companies
        .retain(|company| company_of(company).is_none_or(|id| !left_out.companies.contains(&id)));
    // Who of them came first, and has the shared address, is chance.
    for item in state.contacts.iter_mut().chain(&mut state.events) {
        let email = item.get("email").and_then(Value::as_str);
        if email.is_some_and(|email| email.eq_ignore_ascii_case(SHARED)) {
            item.insert("email", Value::Null);
        }
    }
    // They were sorted by it.
    for items in [&mut state.contacts, &mut state.events] {
        items.sort_by_cached_key(|item| serde_json::to_string(item).unwrap_or_default());
    }
    for contact in &mut state.contacts {
        if let Some(Value::Array(companies)) = contact.get("companies") {
            let is_in = |company: &&Value| company.as_str().is_none_or(|id| !left_out.companies.contains(id));
            let kept = companies.iter().filter(is_in).cloned().collect();
            contact.insert("companies", Value::Array(kept));
        }
    }
    if !left_out.people.is_empty() {
        for company in &mut state.companies {
            company.remove("user_count");
        }
    }
    if !left_out.people.is_empty() || !left_out.companies.is_empty() {
        state.tags.clear();
        state.data_attributes.clear();
    }
    state
}
