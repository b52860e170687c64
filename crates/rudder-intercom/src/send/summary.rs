//! What became of the events, in total.

use super::warned::Warned;
use crate::noted::Noted;
use crate::text::{BAD, BOLD, DIM, FIELD, GOOD, NOTE, counted, lines, printable, thousands};
use intercom_delivery::{DeliveryWarning, FailureCode};
use rudderstack_to_intercom::RejectionCode;
use serde::ser::{Serialize, SerializeStruct, Serializer};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

/// What became of the events, in total. Serialises to what `--summary-json` writes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    /// Calls to Intercom, those of earlier runs included.
    pub(crate) calls: u64,
    /// Events that an earlier run has done.
    pub(crate) earlier: u64,
    /// The calls of earlier runs.
    earlier_calls: u64,
    /// Events that came before their contact, and were delivered once it was there.
    pub(crate) waited: u64,
    types: BTreeMap<&'static str, Outcomes>,
    rejections: BTreeMap<String, Reason>,
    failures: BTreeMap<String, Reason>,
    warnings: BTreeMap<&'static str, Reason>,
    /// Events that wait for their contact, until it comes or the input ends.
    awaiting: u64,
}

/// How many events came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcomes {
    /// Their effect is in Intercom.
    pub(crate) delivered: u64,
    /// They can never be delivered.
    pub(crate) rejected: u64,
    /// They were not delivered, and can be replayed.
    pub(crate) failed: u64,
    /// They are not for Intercom.
    pub(crate) skipped: u64,
    /// They were read when the delivery was stopped, and not sent.
    pub(crate) not_sent: u64,
}

impl Outcomes {
    /// All of them.
    pub(crate) fn events(&self) -> u64 {
        self.delivered + self.rejected + self.failed + self.skipped + self.not_sent
    }
}

/// Why events were not delivered, and what was said of one of them.
#[derive(Clone, Debug, Default)]
struct Reason {
    events: Noted,
    example: Option<String>,
}

impl Summary {
    /// No event yet, after earlier runs that have made so many calls.
    pub(super) fn after(calls: u64) -> Self {
        Self {
            calls,
            earlier_calls: calls,
            ..Self::default()
        }
    }

    /// How many events came to what, whatever their type.
    pub(crate) fn outcomes(&self) -> Outcomes {
        self.types.values().fold(Outcomes::default(), |sum, next| Outcomes {
            delivered: sum.delivered + next.delivered,
            rejected: sum.rejected + next.rejected,
            failed: sum.failed + next.failed,
            skipped: sum.skipped + next.skipped,
            not_sent: sum.not_sent + next.not_sent,
        })
    }

    /// Why events were not delivered: whether they never can be, the code, and the events.
    pub(crate) fn reasons(&self) -> impl Iterator<Item = (bool, &str, &Noted)> {
        let rejections = self.rejections.iter().map(|reason| (true, reason));
        let failures = self.failures.iter().map(|reason| (false, reason));
        let all = rejections.chain(failures);
        all.map(|(is_final, (code, reason))| (is_final, code.as_str(), &reason.events))
    }

    /// What was warned of, by code: the events, and a field that it was about.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = (&'static str, &Noted, Option<&str>)> {
        let all = self.warnings.iter();
        all.map(|(code, reason)| (*code, &reason.events, reason.example.as_deref()))
    }

    /// How many events wait for their contact.
    pub(super) fn awaiting(&self) -> u64 {
        self.awaiting
    }

    pub(super) fn waits(&mut self) {
        self.awaiting += 1;
    }

    pub(super) fn waits_no_more(&mut self) {
        self.awaiting -= 1;
    }

    pub(super) fn not_sent(&mut self, kind: &'static str) {
        self.types.entry(kind).or_default().not_sent += 1;
    }

    pub(super) fn delivered(&mut self, kind: &'static str) {
        self.types.entry(kind).or_default().delivered += 1;
    }

    pub(super) fn skipped(&mut self, kind: &'static str) {
        self.types.entry(kind).or_default().skipped += 1;
    }

    pub(super) fn rejected(&mut self, kind: &'static str, code: &str, line: u64) {
        self.types.entry(kind).or_default().rejected += 1;
        self.rejections.entry(code.to_owned()).or_default().events.note(line);
    }

    pub(super) fn failed(
        &mut self,
        kind: &'static str,
        code: &str,
        line: u64,
        example: impl FnOnce() -> Option<String>,
    ) {
        self.types.entry(kind).or_default().failed += 1;
        let reason = self.failures.entry(code.to_owned()).or_default();
        reason.events.note(line);
        if reason.example.is_none() {
            reason.example = example();
        }
    }

    pub(super) fn warned(&mut self, code: &'static str, line: u64) {
        self.warnings.entry(code).or_default().events.note(line);
    }

    pub(super) fn warned_by(&mut self, warning: &DeliveryWarning, line: u64) {
        let reason = self.warnings.entry(warning.code()).or_default();
        reason.events.note(line);
        if reason.example.is_none() {
            reason.example = warning.dropped_attribute().map(str::to_owned);
        }
    }

    /// Writes the summary for people.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub(crate) fn write_text(&self, elapsed: Duration, out: &mut impl Write) -> io::Result<()> {
        let all = self.outcomes();
        let style = if all.rejected + all.failed == 0 { GOOD } else { NOTE };
        writeln!(
            out,
            "{BOLD}{style}{} of {} delivered{style:#}{BOLD:#} {DIM}with {} in {:.1} s{DIM:#}",
            thousands(all.delivered),
            counted(all.events(), "event"),
            counted(self.calls - self.earlier_calls, "call"),
            elapsed.as_secs_f64()
        )?;
        if self.earlier > 0 {
            writeln!(
                out,
                "{DIM}{} of them done by earlier runs, with {}{DIM:#}",
                thousands(self.earlier),
                counted(self.earlier_calls, "call")
            )?;
        }
        if self.waited > 0 {
            let (whose, were) = if self.waited == 1 {
                ("its", "was")
            } else {
                ("their", "were")
            };
            writeln!(
                out,
                "{DIM}{} came before {whose} contact, and {were} delivered after it{DIM:#}",
                counted(self.waited, "event")
            )?;
        }
        if all.events() > 0 {
            writeln!(
                out,
                "\n  {DIM}{:<10}{:>12}{:>12}{:>12}{:>12}{DIM:#}",
                "type", "delivered", "rejected", "failed", "skipped"
            )?;
        }
        if all.not_sent > 0 {
            let not_sent = counted(all.not_sent, "event");
            writeln!(out, "  {NOTE}{not_sent} had been read and were not sent yet{NOTE:#}")?;
        }
        let cell = |count: u64| if count == 0 { "-".to_owned() } else { thousands(count) };
        for (kind, outcomes) in &self.types {
            let kind = if kind.is_empty() { "(other)" } else { kind };
            let [delivered, rejected] = [outcomes.delivered, outcomes.rejected].map(cell);
            let [failed, skipped] = [outcomes.failed, outcomes.skipped].map(cell);
            writeln!(
                out,
                "  {FIELD}{kind:<10}{FIELD:#}{delivered:>12}{rejected:>12}{failed:>12}{skipped:>12}"
            )?;
        }
        section(
            out,
            "Rejected: these can never be delivered as they are",
            &self.rejections,
            |code| code.parse().ok().map(RejectionCode::advice),
        )?;
        section(
            out,
            "Failed: these were not delivered, and can be replayed",
            &self.failures,
            |code| code.parse().ok().map(FailureCode::advice),
        )?;
        let warnings: Vec<Warned> = self.warnings().map(Warned::of).collect();
        Warned::write_text(&warnings, out)
    }
}

fn section(
    out: &mut impl Write,
    title: &str,
    codes: &BTreeMap<String, Reason>,
    advice: impl Fn(&str) -> Option<&'static str>,
) -> io::Result<()> {
    if codes.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{BOLD}{title}{BOLD:#}")?;
    for (code, reason) in codes {
        let lines = lines(&reason.events.lines);
        writeln!(
            out,
            "  {:>8}  {BAD}{code}{BAD:#}  {DIM}{lines}{DIM:#}",
            thousands(reason.events.count)
        )?;
        if let Some(example) = &reason.example {
            writeln!(out, "            {}", printable(example))?;
        }
        if let Some(advice) = advice(code).filter(|advice| !advice.is_empty()) {
            writeln!(out, "            {DIM}{advice}{DIM:#}")?;
        }
    }
    Ok(())
}

impl Serialize for Summary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let all = self.outcomes();
        let counts = |codes: &BTreeMap<String, Reason>| -> BTreeMap<String, u64> {
            codes
                .iter()
                .map(|(code, reason)| (code.clone(), reason.events.count))
                .collect()
        };
        let mut object = serializer.serialize_struct("Summary", 10)?;
        object.serialize_field("events", &all.events())?;
        object.serialize_field("delivered", &all.delivered)?;
        object.serialize_field("rejected", &all.rejected)?;
        object.serialize_field("failed", &all.failed)?;
        object.serialize_field("skipped", &all.skipped)?;
        object.serialize_field("not_sent", &all.not_sent)?;
        object.serialize_field("waited", &self.waited)?;
        object.serialize_field("calls", &self.calls)?;
        object.serialize_field("rejections", &counts(&self.rejections))?;
        object.serialize_field("failures", &counts(&self.failures))?;
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_has_the_documented_keys() {
        let mut summary = Summary {
            calls: 3,
            ..Summary::default()
        };
        summary.delivered("identify");
        summary.skipped("track");
        summary.rejected("page", "unsupported_event_type", 2);
        summary.rejected("page", "unsupported_event_type", 3);
        summary.failed("track", "timeout", 4, || None);
        assert_eq!(
            serde_json::to_string(&summary).unwrap(),
            r#"{"events":5,"delivered":1,"rejected":2,"failed":1,"skipped":1,"not_sent":0,"waited":0,"calls":3,"rejections":{"unsupported_event_type":2},"failures":{"timeout":1}}"#
        );
    }
}
