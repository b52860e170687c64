//! Counts what becomes of events.

use super::capped::Capped;
use super::moments::{Moment, Moments};
use super::people::{Address, Addresses, is_lead_with_id, saved};
use super::room::{Full, Room, Sets};
use super::savings::{Calls, Effect};
use super::waiting::{Need, Waiting};
use super::workspace::{Workspace, can_be, is_refused};
use crate::convert::{Settings, Totals};
use crate::input::{Chunk, FaultKind, Item};
use crate::noted::Noted;
use crate::pipeline::Work;
use intercom_api::{Attributes, Value, ValueTypes, limits};
use rudderstack_to_intercom::{Conversion, Decision, Plan, RejectionCode, WarningCode};
use std::collections::BTreeMap;
use std::hash::RandomState;

/// Why an event cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// It cannot be converted.
    Rejection(RejectionCode),
    /// It is not an event.
    Fault(FaultKind),
}

/// What the values of an attribute are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    /// How many events have it.
    pub(super) events: u64,
    pub(super) types: ValueTypes,
    /// The first lines with a text, a number and a boolean.
    first: [Option<u64>; 3],
}

impl Usage {
    fn count(&mut self, value: &Value, line: u64) {
        self.events += 1;
        self.types.add(value);
        let kind = match value {
            Value::Null => return,
            Value::String(_) | Value::Array(_) | Value::Object(_) => 0,
            Value::Number(_) => 1,
            Value::Bool(_) => 2,
        };
        self.first[kind].get_or_insert(line);
    }

    fn merge(&mut self, other: Self) {
        self.events += other.events;
        self.types.merge(other.types);
        for (ours, theirs) in self.first.iter_mut().zip(other.first) {
            *ours = ours.or(theirs);
        }
    }

    /// A line for each type that there is.
    pub(super) fn lines(&self) -> Vec<u64> {
        let mut lines: Vec<u64> = self.first.into_iter().flatten().collect();
        lines.sort_unstable();
        lines.dedup();
        lines
    }
}

/// What becomes of the events of a type.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OfType {
    pub(super) totals: Totals,
    /// Those that can be converted, and would fail.
    pub(super) would_fail: u64,
}

/// What becomes of events, in total.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(super) totals: Totals,
    /// By the type's name; the empty name stands for whatever is not one of RudderStack's types.
    pub(super) types: BTreeMap<&'static str, OfType>,
    pub(super) rejections: BTreeMap<Cause, Noted>,
    pub(super) warnings: BTreeMap<WarningCode, Noted>,
    pub(super) contact_attributes: Capped<Usage>,
    pub(super) company_attributes: Capped<Usage>,
    pub(super) event_names: Capped<u64>,
    pub(super) long_metadata: Noted,
    pub(super) most_metadata: usize,
    pub(super) same_second: Noted,
    /// Events with something that Intercom refuses.
    pub(super) refused: Noted,
    /// Events with a custom attribute that the workspace lacks, or that is not of the attribute's type; none if the
    /// workspace was not looked at.
    pub(super) undefined: Noted,
    pub(super) of_another_type: Noted,
    /// Events whose contact is looked up by a value of another type than the attribute's.
    pub(super) not_comparable: Noted,
    pub(super) leads_with_ids: Noted,
    pub(super) shared_emails: Noted,
    /// Events for which the workspace has no room.
    pub(super) beyond_attributes: Noted,
    pub(super) of_both_models: Noted,
    pub(super) beyond_event_names: Noted,
    room: Room,
    addresses: Addresses,
    moments: Moments,
    pub(super) waiting: Waiting,
    pub(super) calls: Calls,
}

impl Tally {
    /// Takes in the events of the next chunk, and leaves it empty.
    pub(crate) fn add(&mut self, chunk: &mut ChunkTally) {
        let ChunkTally {
            tally,
            effects,
            moments,
            addresses,
            events,
            sets,
            workspace_attributes,
        } = std::mem::take(chunk);
        self.totals += tally.totals;
        for (kind, more) in tally.types {
            let of_type = self.types.entry(kind).or_default();
            of_type.totals += more.totals;
            of_type.would_fail += more.would_fail;
        }
        for (cause, noted) in &tally.rejections {
            self.rejections.entry(*cause).or_default().merge(noted);
        }
        for (code, noted) in &tally.warnings {
            self.warnings.entry(*code).or_default().merge(noted);
        }
        self.contact_attributes.merge(tally.contact_attributes, Usage::merge);
        self.company_attributes.merge(tally.company_attributes, Usage::merge);
        self.event_names
            .merge(tally.event_names, |ours, theirs| *ours += theirs);
        self.long_metadata.merge(&tally.long_metadata);
        for (ours, theirs) in [
            (&mut self.refused, &tally.refused),
            (&mut self.undefined, &tally.undefined),
            (&mut self.of_another_type, &tally.of_another_type),
            (&mut self.not_comparable, &tally.not_comparable),
            (&mut self.leads_with_ids, &tally.leads_with_ids),
        ] {
            ours.merge(theirs);
        }
        self.most_metadata = self.most_metadata.max(tally.most_metadata);
        effects.iter().for_each(|effect| self.calls.add(effect));
        for moment in moments {
            if self.moments.is_taken(moment) {
                self.same_second.note(moment.line);
            }
        }
        for address in addresses {
            if self.addresses.is_shared(address) {
                self.shared_emails.note(address.line);
            }
        }
        for event in events {
            let full = event
                .set
                .and_then(|set| self.room.add(set, &sets, workspace_attributes));
            match full {
                Some(Full::Attributes) => self.beyond_attributes.note(event.line),
                Some(Full::OtherModel) => self.of_both_models.note(event.line),
                Some(Full::EventNames) => self.beyond_event_names.note(event.line),
                None => {}
            }
            let is_lost = event.is_lost || full.is_some();
            let finds_nobody = event
                .need
                .is_some_and(|need| self.waiting.add(need, event.line, is_lost));
            if !event.is_lost && (full.is_some() || finds_nobody) {
                self.types.entry(event.kind).or_default().would_fail += 1;
            }
        }
    }

    /// Counts what comes of an event; whether that would fail.
    fn converted(&mut self, conversion: &Conversion, workspace: Option<&Workspace>, line: u64) -> bool {
        let is_refused = is_refused(&conversion.plan, workspace);
        let standing = workspace.map(|workspace| workspace.look_at(&conversion.plan));
        let standing = standing.unwrap_or_default();
        for (holds, noted) in [
            (is_refused, &mut self.refused),
            (standing.is_undefined, &mut self.undefined),
            (standing.is_of_another_type, &mut self.of_another_type),
            (standing.is_not_comparable, &mut self.not_comparable),
            (is_lead_with_id(&conversion.plan), &mut self.leads_with_ids),
        ] {
            if holds {
                noted.note(line);
            }
        }
        let count = |attributes: &Attributes, all: &mut Capped<Usage>| {
            for (name, value) in attributes.iter().filter(|(name, _)| can_be(name)) {
                all.change(name, |usage| usage.count(value, line));
            }
        };
        match &conversion.plan {
            Plan::SaveContact(plan) => count(&saved(plan).custom_attributes, &mut self.contact_attributes),
            Plan::SaveCompany(plan) => count(&plan.company.custom_attributes, &mut self.company_attributes),
            Plan::SubmitEvent(event) => {
                self.event_names.change(&event.event_name, |count| *count += 1);
                self.most_metadata = self.most_metadata.max(event.metadata.len());
                if event.metadata.len() > limits::EVENT_METADATA_KEYS {
                    self.long_metadata.note(line);
                }
            }
            Plan::DeleteContact(_) => {}
        }
        is_refused || standing.is_undefined || standing.is_not_comparable
    }
}

/// An event of which those before it decide whether it can be delivered.
#[derive(Clone, Debug)]
struct Followed {
    kind: &'static str,
    line: u64,
    /// Whether it fails in any case.
    is_lost: bool,
    /// Whom it needs.
    need: Option<Need>,
    /// The names that it needs.
    set: Option<u64>,
}

/// What becomes of the events of one chunk.
#[derive(Clone, Debug, Default)]
pub(crate) struct ChunkTally {
    tally: Tally,
    effects: Vec<Effect>,
    moments: Vec<Moment>,
    addresses: Vec<Address>,
    events: Vec<Followed>,
    sets: Sets,
    /// How many custom attributes the workspace has, if it was looked at.
    workspace_attributes: usize,
}

/// Counts chunks.
#[derive(Debug)]
pub(crate) struct Checker {
    settings: Settings,
    workspace: Option<Workspace>,
    hasher: RandomState,
}

impl Checker {
    /// Converts with `settings`, and compares with the workspace if there is one.
    pub(crate) fn new(settings: Settings, workspace: Option<Workspace>) -> Self {
        Self {
            settings,
            workspace,
            hasher: RandomState::new(),
        }
    }
}

impl Work for Checker {
    type Output = ChunkTally;

    fn run(&self, chunk: &Chunk, output: &mut ChunkTally) {
        *output = ChunkTally::default();
        let ChunkTally {
            tally,
            effects,
            moments,
            addresses,
            events,
            sets,
            workspace_attributes,
        } = output;
        let workspace = self.workspace.as_ref();
        *workspace_attributes = workspace.map(|workspace| workspace.count).unwrap_or_default();
        chunk.for_each(|item| {
            let received = match item {
                Item::Event(received) => received,
                Item::Fault(fault) => {
                    tally.totals.rejected += 1;
                    tally
                        .rejections
                        .entry(Cause::Fault(fault.kind))
                        .or_default()
                        .note(fault.line);
                    return;
                }
            };
            let mut totals = Totals::default();
            let mut would_fail = false;
            let kind = received.event.event_type().map_or("", |kind| kind.as_str());
            let warnings = match self.settings.convert(&received, false) {
                Ok(Decision::Convert(conversion)) => {
                    totals.converted = 1;
                    would_fail = tally.converted(&conversion, workspace, received.line);
                    let need = Need::of(&conversion.plan);
                    let set = sets.add(&conversion.plan, workspace, &self.hasher);
                    if need.is_some() || set.is_some() {
                        events.push(Followed {
                            kind,
                            line: received.line,
                            is_lost: would_fail,
                            need,
                            set,
                        });
                    }
                    addresses.extend(Address::of(&conversion.plan, received.line, &self.hasher));
                    effects.push(Effect::of(&conversion.plan, &self.hasher));
                    moments.extend(Moment::of_plan(&conversion.plan, &received, &self.hasher));
                    conversion.warnings
                }
                Ok(_) => {
                    totals.skipped = 1;
                    Vec::new()
                }
                Err(rejection) => {
                    totals.rejected = 1;
                    tally
                        .rejections
                        .entry(Cause::Rejection(rejection.code))
                        .or_default()
                        .note(received.line);
                    rejection.warnings
                }
            };
            for warning in warnings {
                tally.warnings.entry(warning.code).or_default().note(received.line);
            }
            tally.totals += totals;
            let of_type = tally.types.entry(kind).or_default();
            of_type.totals += totals;
            of_type.would_fail += u64::from(would_fail);
        });
    }
}
