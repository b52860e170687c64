//! What events would change.

use super::changes::{ShownChange, Values};
use super::played::Played;
use super::refused::Refused;
use super::text::{effect, write_changes};
use crate::preview::{Change, Changes, Effect, MOST_READ_AGAIN, What};
use crate::send::Warned;
use crate::text::{BOLD, DIM, FIELD, GOOD, NOTE, counted, duration, minutes, plural, printable, thousands};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// How many of something come to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Counts {
    pub(super) created: u64,
    pub(super) changed: u64,
    pub(super) replaced: u64,
    pub(super) deleted: u64,
    /// They stay as they are.
    pub(super) same: u64,
}

impl Counts {
    pub(super) fn of(what: What, changes: &Changes) -> Self {
        let mut counts = Self {
            same: match what {
                What::Contact => changes.same_contacts,
                What::Company => changes.same_companies,
            },
            ..Self::default()
        };
        for change in changes.all.iter().filter(|change| change.what == what) {
            *match change.effect {
                Effect::Created => &mut counts.created,
                Effect::Changed => &mut counts.changed,
                Effect::Replaced => &mut counts.replaced,
                Effect::Deleted => &mut counts.deleted,
            } += 1;
        }
        counts
    }

    pub(super) fn all(self) -> u64 {
        self.different() + self.same
    }

    pub(super) fn different(self) -> u64 {
        self.created + self.changed + self.replaced + self.deleted
    }
}

/// A custom attribute that would be created.
#[derive(Clone, Debug, Serialize)]
pub(super) struct NewAttribute {
    pub(super) model: String,
    pub(super) name: String,
}

/// What events would change. Serialises to what `diff --json` prints.
#[derive(Clone, Serialize)]
pub(crate) struct Diff {
    /// Whether anything would change. Data events are not counted: whether Intercom has them already is not known.
    pub(super) changes_anything: bool,
    pub(super) events: u64,
    pub(super) contacts: Counts,
    pub(super) companies: Counts,
    pub(super) links_added: usize,
    pub(super) links_removed: usize,
    pub(super) tags_added: usize,
    pub(super) attributes_created: Vec<NewAttribute>,
    /// Data events that would be submitted.
    pub(super) data_events: u64,
    pub(super) skipped: u64,
    pub(super) refused: Refused,
    pub(super) warnings: Vec<Warned>,
    /// The calls that sending takes, and how long they take at the rate limit.
    pub(super) calls: u64,
    pub(super) minutes: f64,
    /// The calls that this has taken, by operation.
    pub(super) read: BTreeMap<&'static str, u64>,
    /// Whether what changes was read itself, as a search may show what was.
    pub(super) is_confirmed: bool,
    pub(super) values_are_shown: bool,
    pub(super) changes: Vec<ShownChange>,
}

impl Diff {
    /// What came of events on a copy, and what was read for it.
    pub(crate) fn new(played: &Played, read: BTreeMap<&'static str, u64>, shows_values: bool) -> Self {
        let Played { changes, summary, .. } = played;
        let values = if shows_values { Values::Shown } else { Values::Kinds };
        let sum = |count: fn(&Change) -> usize| changes.all.iter().map(count).sum();
        let outcomes = summary.outcomes();
        let attributes = changes.attributes.iter().map(|(model, name)| NewAttribute {
            model: model.to_string(),
            name: name.clone(),
        });
        Self {
            changes_anything: !changes.is_empty(),
            events: outcomes.events(),
            contacts: Counts::of(What::Contact, changes),
            companies: Counts::of(What::Company, changes),
            links_added: sum(|change| change.linked.len()),
            links_removed: sum(|change| change.detached.len()),
            tags_added: sum(|change| change.tags.len()),
            attributes_created: attributes.collect(),
            data_events: changes.data_events,
            skipped: outcomes.skipped,
            refused: Refused::of(summary),
            warnings: summary.warnings().map(Warned::of).collect(),
            calls: changes.calls,
            minutes: minutes(changes.calls),
            read,
            is_confirmed: played.is_confirmed,
            values_are_shown: shows_values,
            changes: changes
                .all
                .iter()
                .map(|change| ShownChange::new(change, values))
                .collect(),
        }
    }

    /// Whether all events could be delivered.
    pub(crate) fn is_complete(&self) -> bool {
        self.refused.events == 0
    }

    /// Writes it for people.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub(crate) fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        let events = counted(self.events, "event");
        match self.changes_anything {
            false => writeln!(
                out,
                "{BOLD}{GOOD}Nothing would change.{GOOD:#}{BOLD:#} {DIM}{events}{DIM:#}"
            )?,
            true => {
                let (contacts, companies) = (self.contacts.different(), self.companies.different());
                writeln!(
                    out,
                    "{BOLD}{NOTE}{} and {} would change.{NOTE:#}{BOLD:#} {DIM}{events}; nothing was written{DIM:#}",
                    counted(contacts, "contact"),
                    counted(companies, "company")
                )?;
            }
        }
        self.write_table(out)?;
        self.refused.write_text(out)?;
        Warned::write_text(&self.warnings, out)?;
        for (what, title) in [(What::Contact, "Contacts"), (What::Company, "Companies")] {
            let some: Vec<&ShownChange> = self.changes.iter().filter(|change| change.what == what).collect();
            if !some.is_empty() {
                writeln!(out, "\n{BOLD}{title}{BOLD:#}")?;
            }
            write_changes(some.into_iter(), |change| effect(change.effect), out)?;
        }
        let read: u64 = self.read.values().sum();
        writeln!(
            out,
            "\n{DIM}Sending takes {}, {} at the rate limit of 10,000 a minute. This took {}, none of which writes.{DIM:#}",
            counted(self.calls, "call"),
            duration(self.minutes),
            counted(read, "call")
        )?;
        for note in self.notes() {
            writeln!(out, "{DIM}{note}{DIM:#}")?;
        }
        Ok(())
    }

    fn write_table(&self, out: &mut impl Write) -> io::Result<()> {
        let head = ["created", "changed", "replaced", "deleted", "stay"];
        write!(out, "\n  {DIM}{:<10}", "")?;
        head.iter().try_for_each(|word| write!(out, "{word:>10}"))?;
        writeln!(out, "{DIM:#}")?;
        for (name, counts) in [("contacts", self.contacts), ("companies", self.companies)] {
            let cells = [
                counts.created,
                counts.changed,
                counts.replaced,
                counts.deleted,
                counts.same,
            ];
            write!(out, "  {FIELD}{name:<10}{FIELD:#}")?;
            for cell in cells {
                let cell = if cell == 0 { "-".to_owned() } else { thousands(cell) };
                write!(out, "{cell:>10}")?;
            }
            writeln!(out)?;
        }
        let also = self.also();
        if !also.is_empty() {
            writeln!(out, "  {}", also.join("; "))?;
        }
        if !self.attributes_created.is_empty() {
            let names = self.attributes_created.iter();
            let names: Vec<String> = names
                .map(|new| format!("{} ({})", printable(&new.name), new.model))
                .collect();
            let word = plural(names.len() as u64, "attribute");
            writeln!(out, "  {DIM}new {word}: {}{DIM:#}", names.join(", "))?;
        }
        Ok(())
    }

    /// What else would be done, a sentence each.
    pub(super) fn also(&self) -> Vec<String> {
        let mut also = Vec::new();
        for (count, word, verb) in [
            (self.links_added, "link", "added"),
            (self.links_removed, "link", "removed"),
            (self.tags_added, "tag", "added"),
            (self.attributes_created.len(), "custom attribute", "created"),
        ] {
            if count > 0 {
                also.push(format!("{} {verb}", counted(count as u64, word)));
            }
        }
        if self.data_events > 0 {
            also.push(format!(
                "{} submitted (not compared)",
                counted(self.data_events, "data event")
            ));
        }
        if self.skipped > 0 {
            also.push(format!("{} not for Intercom", counted(self.skipped, "event")));
        }
        also
    }

    /// What to know of it.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.is_confirmed && self.changes_anything {
            notes.push(format!(
                "More than {MOST_READ_AGAIN} contacts change, so they are compared with what Intercom's search shows, which may lag \
                 by minutes."
            ));
        }
        if self.contacts.created > 0 {
            notes.push(
                "Intercom's search shows neither archived contacts nor those of the last minutes: some that would be created \
                 may turn out to be there."
                    .to_owned(),
            );
        }
        if !self.values_are_shown && !self.changes.is_empty() {
            notes.push("--show-values shows who they are, and the values.".to_owned());
        }
        notes
    }
}
