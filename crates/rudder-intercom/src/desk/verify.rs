//! Whether a workspace has what events say.

use super::changes::{Shown, ShownChange, Values};
use super::diff::Counts;
use super::people::People;
use super::played::Played;
use super::refused::Refused;
use super::text::write_changes;
use crate::preview::{Change, Effect, MOST_READ_AGAIN, What};
use crate::text::{BAD, BOLD, DIM, GOOD, NOTE, counted, thousands};
use intercom_api::UnixSeconds;
use intercom_delivery::journal::Done;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};

/// What became of an event, the worst last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Delivered,
    NotSent,
    Rejected(String),
    Failed(String),
}

/// What a journal says of the events.
#[derive(Debug, Default)]
pub(crate) struct Delivered {
    /// By person or company: the worst that became of an event about them.
    fates: HashMap<u64, Fate>,
    counts: DeliveredCounts,
}

/// How many events came to what, by the journal.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct DeliveredCounts {
    delivered: u64,
    rejected: u64,
    failed: u64,
    not_sent: u64,
    /// When the last of them was delivered, as far as the journal tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_at: Option<UnixSeconds>,
}

impl Delivered {
    /// No event yet.
    pub(crate) fn until(last: Option<UnixSeconds>) -> Self {
        let mut delivered = Self::default();
        delivered.counts.last_at = last;
        delivered
    }

    /// Adds what became of an event that is about these.
    pub(crate) fn add(&mut self, keys: impl IntoIterator<Item = u64>, done: Option<(Done, &str)>) {
        let (count, fate) = match done {
            Some((Done::Delivered, _)) => (&mut self.counts.delivered, Fate::Delivered),
            Some((Done::Rejected, code)) => (&mut self.counts.rejected, Fate::Rejected(code.to_owned())),
            Some((Done::Failed, code)) => (&mut self.counts.failed, Fate::Failed(code.to_owned())),
            None => (&mut self.counts.not_sent, Fate::NotSent),
        };
        *count += 1;
        for key in keys {
            let known = self.fates.entry(key).or_insert(Fate::Delivered);
            if fate > *known {
                known.clone_from(&fate);
            }
        }
    }

    /// The worst that became of an event of each person, whatever they are known by.
    pub(crate) fn of_people(mut self, people: &People) -> Self {
        for (key, fate) in std::mem::take(&mut self.fates) {
            let known = self.fates.entry(people.root(key)).or_insert(Fate::Delivered);
            if fate > *known {
                *known = fate;
            }
        }
        self
    }
}

/// Why something may differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "reason", content = "code")]
enum Why {
    /// An event about it was never delivered, with this code if the journal has it.
    NotDelivered(Option<String>),
    /// An event about it has not been sent yet.
    NotSent,
    /// It was changed after the delivery.
    ChangedSince,
    /// It was there: it has been deleted, merged or archived since.
    Gone,
    /// It was delivered, and something else has written it, at the same time or before.
    OtherWriter,
    /// There is no journal that tells, or only a search that may lag has not found it.
    Unknown,
}

impl Why {
    fn of(change: &Change, is_confirmed: bool, people: &People, delivered: Option<&Delivered>) -> Self {
        let Some(delivered) = delivered else {
            return Self::Unknown;
        };
        let key = change.key.as_ref().map(|key| people.root(key.hash()));
        match key.and_then(|key| delivered.fates.get(&key)) {
            Some(Fate::Failed(code) | Fate::Rejected(code)) => {
                return Self::NotDelivered(Some(code.clone()).filter(|code| !code.is_empty()));
            }
            Some(Fate::NotSent) => return Self::NotSent,
            Some(Fate::Delivered) | None => {}
        }
        match (change.effect, change.updated_at, delivered.counts.last_at) {
            (Effect::Created, ..) if is_confirmed => Self::Gone,
            (Effect::Created, ..) => Self::Unknown,
            (_, Some(updated), Some(last)) if updated > last => Self::ChangedSince,
            (_, None, _) | (_, _, None) => Self::Unknown,
            _ => Self::OtherWriter,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::NotDelivered(Some(code)) => format!("an event about it was not delivered: {code}"),
            Self::NotDelivered(None) => "an event about it was not delivered; the same send tries it again".to_owned(),
            Self::NotSent => "an event about it has not been sent yet".to_owned(),
            Self::ChangedSince => "it was changed after the delivery".to_owned(),
            Self::Gone => "it was delivered: deleted, merged or archived since".to_owned(),
            Self::OtherWriter => "something else has written it".to_owned(),
            Self::Unknown => String::new(),
        }
    }
}

/// Something that does not have what the events say.
#[derive(Clone, Serialize)]
struct Difference {
    what: What,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<intercom_api::Value>,
    fields: Vec<DifferentField>,
    /// How many links to companies are missing.
    links_missing: usize,
    /// How many links there are that should not be.
    links_left: usize,
    tags_missing: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<UnixSeconds>,
    why: Why,
    #[serde(skip)]
    shown: ShownChange,
}

/// A field with another value than the events say.
#[derive(Clone, Debug, Serialize)]
struct DifferentField {
    name: String,
    found: Shown,
    expected: Shown,
}

/// How it differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Missing,
    Differs,
    /// It should have been deleted.
    StillThere,
}

impl Difference {
    fn new(change: &Change, values: Values, why: Why) -> Self {
        let shown = ShownChange::new(change, values);
        let field = |field: &super::changes::ShownField| DifferentField {
            name: field.name.clone(),
            found: field.before.clone(),
            expected: field.after.clone(),
        };
        Self {
            what: change.what,
            status: match change.effect {
                Effect::Created => Status::Missing,
                Effect::Changed | Effect::Replaced => Status::Differs,
                Effect::Deleted => Status::StillThere,
            },
            line: change.line,
            id: change.id.clone(),
            name: shown.name.clone(),
            fields: shown.fields.iter().map(field).collect(),
            links_missing: change.linked.len(),
            links_left: change.detached.len(),
            tags_missing: change.tags.len(),
            updated_at: change.updated_at,
            why,
            shown,
        }
    }
}

/// Whether a workspace has what events say. Serialises to what `verify --json` prints.
#[derive(Clone, Serialize)]
pub(crate) struct Verification {
    /// Whether everybody has what the events say, and no event is one that cannot be delivered.
    holds: bool,
    events: u64,
    /// How many people were chosen, if not all.
    #[serde(skip_serializing_if = "Option::is_none")]
    sample: Option<usize>,
    contacts: Verified,
    companies: Verified,
    refused: Refused,
    #[serde(skip_serializing_if = "Option::is_none")]
    journal: Option<DeliveredCounts>,
    /// The calls that this has taken, by operation.
    read: BTreeMap<&'static str, u64>,
    /// Whether what differs was read itself, as a search may show what was.
    is_confirmed: bool,
    values_are_shown: bool,
    differences: Vec<Difference>,
}

/// How many are as the events say.
#[derive(Clone, Copy, Debug, Serialize)]
struct Verified {
    all: u64,
    as_said: u64,
    different: u64,
}

impl Verification {
    /// What came of events on a copy: what has changed there is not as they say.
    pub(crate) fn new(
        played: &Played,
        read: BTreeMap<&'static str, u64>,
        (people, delivered): (&People, Option<&Delivered>),
        sample: Option<usize>,
        shows_values: bool,
    ) -> Self {
        let values = if shows_values { Values::Shown } else { Values::Kinds };
        let changes = &played.changes;
        // One who was deleted and created again is as the events say.
        let is_as_said = |change: &&Change| change.effect == Effect::Replaced && change.has_no_news();
        let differences: Vec<Difference> = changes
            .all
            .iter()
            .filter(|change| !is_as_said(change))
            .map(|change| {
                let why = Why::of(change, played.is_confirmed, people, delivered);
                Difference::new(change, values, why)
            })
            .collect();
        let verified = |what| {
            let all = Counts::of(what, changes).all();
            let different = differences.iter().filter(|one| one.what == what).count() as u64;
            Verified {
                all,
                as_said: all - different,
                different,
            }
        };
        let refused = Refused::of(&played.summary);
        Self {
            holds: differences.is_empty() && refused.events == 0,
            events: played.summary.outcomes().events(),
            sample,
            contacts: verified(What::Contact),
            companies: verified(What::Company),
            refused,
            journal: delivered.map(|delivered| delivered.counts),
            read,
            is_confirmed: played.is_confirmed,
            values_are_shown: shows_values,
            differences,
        }
    }

    /// Whether everybody has what the events say.
    pub(crate) fn holds(&self) -> bool {
        self.holds
    }

    /// Writes it for people.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub(crate) fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        let (contacts, companies) = (self.contacts, self.companies);
        let of =
            |verified: Verified, word| format!("{} of {}", thousands(verified.as_said), counted(verified.all, word));
        let style = if self.differences.is_empty() { GOOD } else { BAD };
        writeln!(
            out,
            "{BOLD}{style}{} and {} have what the events say.{style:#}{BOLD:#} {DIM}{}{}{DIM:#}",
            of(contacts, "contact"),
            of(companies, "company"),
            counted(self.events, "event"),
            self.sample.map_or_else(String::new, |people| format!(
                "; a sample of {} people",
                thousands(people as u64)
            ))
        )?;
        if let Some(counts) = self.journal {
            writeln!(
                out,
                "{DIM}By the journal: {} delivered, {} rejected, {} failed, {} not sent.{DIM:#}",
                thousands(counts.delivered),
                thousands(counts.rejected),
                thousands(counts.failed),
                thousands(counts.not_sent)
            )?;
        }
        self.refused.write_text(out)?;
        for (what, title) in [(What::Contact, "Contacts"), (What::Company, "Companies")] {
            let some: Vec<&Difference> = self.differences.iter().filter(|one| one.what == what).collect();
            if some.is_empty() {
                continue;
            }
            writeln!(out, "\n{BOLD}{title}{BOLD:#} {DIM}found → said by the events{DIM:#}")?;
            let label = |change: &ShownChange| match change.effect {
                Effect::Created => (BAD, "missing"),
                Effect::Changed | Effect::Replaced => (NOTE, "differs"),
                Effect::Deleted => (BAD, "is there"),
            };
            write_changes(some.iter().map(|one| &one.shown), label, out)?;
            let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
            for one in some {
                *reasons.entry(one.why.text()).or_default() += 1;
            }
            reasons.remove("");
            for (reason, count) in reasons {
                writeln!(out, "  {:>8}  {DIM}{reason}{DIM:#}", thousands(count))?;
            }
        }
        writeln!(
            out,
            "\n{DIM}This took {}.{DIM:#}",
            counted(self.read.values().sum(), "call")
        )?;
        self.write_notes(out)
    }

    fn write_notes(&self, out: &mut impl Write) -> io::Result<()> {
        if self.differences.is_empty() {
            return Ok(());
        }
        if !self.is_confirmed {
            writeln!(
                out,
                "{DIM}More than {MOST_READ_AGAIN} contacts differ from what Intercom's search shows, which may lag by minutes: try \
                 again if they were sent just now.{DIM:#}"
            )?;
        }
        if self.journal.is_none() {
            writeln!(
                out,
                "{DIM}--journal FILE tells what was not delivered from what was changed since.{DIM:#}"
            )?;
        }
        if !self.values_are_shown {
            writeln!(out, "{DIM}--show-values shows who they are, and the values.{DIM:#}")?;
        }
        Ok(())
    }
}
