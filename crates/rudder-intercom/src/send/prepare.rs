//! Makes events ready to be handed to the delivery.

use crate::check::Moment;
use crate::convert::Settings;
use crate::input::{Chunk, Item, Received};
use crate::pipeline::Work;
use fnv::FnvHasher;
use intercom_api::UnixSeconds;
use intercom_delivery::Superseded;
use rudderstack_to_intercom as conversion;
use rudderstack_to_intercom::{Decision, Identities, Plan};
use std::hash::{Hasher as _, RandomState};

/// An event, ready for whatever comes next.
#[derive(Debug)]
pub(crate) enum Prepared {
    /// It is to be delivered.
    Ready(Box<Ready>),
    /// It never can be.
    Rejected {
        /// The stable code that says why.
        code: &'static str,
        /// The line that it begins in.
        line: u64,
        /// The name of its type, empty if it has none that is known.
        kind: &'static str,
        /// The codes of what was left out.
        warnings: Vec<&'static str>,
    },
    /// It is not for Intercom.
    Skipped {
        /// The name of its type, empty if it has none that is known.
        kind: &'static str,
    },
    /// It is a dead letter with a code that was not asked for.
    LeftOut,
    /// Dead letters were asked for, and it is not one.
    NoDeadLetter,
}

/// An event that is to be delivered.
#[derive(Debug)]
pub(crate) struct Ready {
    /// What is to be done.
    pub(crate) plan: Plan,
    /// Whom it is about.
    pub(crate) identities: Identities,
    /// Its text, if it may be wanted again.
    pub(crate) json: Option<Box<str>>,
    /// How long its text is.
    pub(crate) bytes: usize,
    /// When what happens, if it is a data event.
    pub(crate) moment: Option<Moment>,
    /// The fingerprint of its text.
    pub(crate) fingerprint: u64,
    /// The time that stands in if it names none.
    pub(crate) received_at: UnixSeconds,
    /// The line that it begins in.
    pub(crate) line: u64,
    /// The name of its type.
    pub(crate) kind: &'static str,
    /// The codes of what was left out.
    pub(crate) warnings: Vec<&'static str>,
    /// What later events had written, if it is a dead letter.
    pub(crate) superseded: Superseded,
}

/// Makes the events of chunks ready.
#[derive(Debug)]
pub(crate) struct Preparer {
    settings: Settings,
    hasher: RandomState,
    keeps_json: bool,
    only_codes: Vec<String>,
    choice: Option<Choice>,
}

/// Which plans are wanted; and it can leave out parts of one that is.
pub(crate) struct Choice(pub(crate) Box<dyn Fn(&mut Plan) -> bool + Send + Sync>);

exact_json::debug_shows! { Choice { .. } }

impl Preparer {
    /// Converts with `settings`. `keeps_json` keeps the text of events; if there are `only_codes`, only dead letters with
    /// one of these are taken.
    pub(crate) fn new(settings: Settings, keeps_json: bool, only_codes: Vec<String>) -> Self {
        Self {
            settings,
            hasher: RandomState::new(),
            keeps_json,
            only_codes,
            choice: None,
        }
    }

    /// The same for some plans only.
    pub(crate) fn with_choice(mut self, choice: Option<Choice>) -> Self {
        self.choice = choice;
        self
    }

    /// Why an item is not wanted, if it is not.
    fn unwanted(&self, item: &Item<'_>) -> Option<Prepared> {
        if self.only_codes.is_empty() {
            return None;
        }
        match item {
            Item::Event(Received {
                dead_letter: Some(record),
                ..
            }) => (!self.only_codes.contains(&record.code)).then_some(Prepared::LeftOut),
            _ => Some(Prepared::NoDeadLetter),
        }
    }

    fn is_chosen(&self, plan: &mut Plan) -> bool {
        self.choice.as_ref().is_none_or(|Choice(is_chosen)| is_chosen(plan))
    }

    fn prepare(&self, item: &Item<'_>) -> Prepared {
        if let Some(unwanted) = self.unwanted(item) {
            return unwanted;
        }
        let received = match item {
            Item::Event(received) => received,
            Item::Fault(fault) => {
                return Prepared::Rejected {
                    code: fault.kind.code(),
                    line: fault.line,
                    kind: "",
                    warnings: Vec::new(),
                };
            }
        };
        let kind = received.event.event_type().map_or("", |kind| kind.as_str());
        let line = received.line;
        let codes = |warnings: &[conversion::Warning]| warnings.iter().map(|warning| warning.code.as_str()).collect();
        let mut decided = self.settings.convert(received, false);
        if let Ok(Decision::Convert(conversion)) = &mut decided
            && !self.is_chosen(&mut conversion.plan)
        {
            return Prepared::LeftOut;
        }
        match decided {
            Ok(Decision::Convert(conversion)) => Prepared::Ready(Box::new(Ready {
                moment: Moment::of_plan(&conversion.plan, received, &self.hasher),
                warnings: codes(&conversion.warnings),
                plan: conversion.plan,
                identities: conversion.identities,
                json: self.keeps_json.then(|| received.json.into()),
                bytes: received.json.len(),
                received_at: self.settings.time_of(received),
                fingerprint: fingerprint(received.json.as_bytes()),
                line,
                kind,
                superseded: superseded_by(received),
            })),
            Ok(_) => Prepared::Skipped { kind },
            Err(rejection) => Prepared::Rejected {
                code: rejection.code(),
                line,
                kind,
                warnings: codes(&rejection.warnings),
            },
        }
    }
}

impl Work for Preparer {
    type Output = Vec<Prepared>;

    fn run(&self, chunk: &Chunk, output: &mut Vec<Prepared>) {
        output.clear();
        chunk.for_each(|item| output.push(self.prepare(&item)));
    }
}

/// What had superseded a dead letter by the end of its run.
fn superseded_by(received: &Received<'_>) -> Superseded {
    let superseded = received.dead_letter.and_then(|letter| letter.superseded.as_deref());
    superseded.cloned().unwrap_or_default()
}

/// FNV-1a, which is the same in every release and on every machine: it is written to journals.
pub(super) fn fingerprint(text: &[u8]) -> u64 {
    let mut hasher = FnvHasher::default();
    hasher.write(text);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn fingerprints_are_those_of_the_specification() {
        assert_eq!(fingerprint(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fingerprint(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
