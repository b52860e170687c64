//! The outcome of a check, for people at a terminal.

use super::findings::Finding;
use super::report::{Effort, Report};
use crate::text::{self, BAD, BOLD, DIM, FIELD, GOOD, NOTE, counted, lines, percent, printable, thousands};
use std::io::{self, Write};

/// How many names and attributes are listed.
const LISTED: usize = 20;

impl Report {
    /// Writes the report as text.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub(crate) fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        if self.events == 0 {
            return writeln!(out, "{NOTE}There are no events in the input.{NOTE:#}");
        }
        let style = if self.is_complete() { GOOD } else { NOTE };
        writeln!(
            out,
            "{BOLD}{style}{} of {} can be sent to Intercom ({}).{style:#}{BOLD:#}",
            thousands(self.can_be_sent()),
            counted(self.events, "event"),
            percent(self.can_be_sent(), self.events)
        )?;
        self.types_text(out)?;
        findings(out, "Cannot be sent", BAD, &self.rejections)?;
        findings(
            out,
            "Left out or changed in events that can be sent",
            NOTE,
            &self.warnings,
        )?;
        findings(out, "Refused or dropped by Intercom", BAD, &self.limits)?;
        findings(out, "Worth knowing", NOTE, &self.notes)?;
        self.attributes_text(out)?;
        self.names_text(out)?;
        let Effort {
            expected,
            plain,
            worst_case,
        } = self.calls;
        writeln!(out, "\n{BOLD}Calls to Intercom{BOLD:#}")?;
        writeln!(
            out,
            "  about {}; {} without the savings of delivery; at most {} if everything that can go wrong does",
            counted(expected, "call"),
            thousands(plain),
            thousands(worst_case)
        )?;
        writeln!(
            out,
            "  {DIM}{} at the rate limit of 10,000 calls a minute{DIM:#}",
            duration(self.minutes)
        )
    }

    fn types_text(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "\n  {DIM}{:<10}{:>13}{:>13}{:>13}{:>13}{:>13}{DIM:#}",
            "type", "events", "can be sent", "would fail", "rejected", "skipped"
        )?;
        for kind in &self.types {
            let cell = |count: u64| if count == 0 { "-".to_owned() } else { thousands(count) };
            let (events, sent, failing) = (thousands(kind.events), cell(kind.can_be_sent()), cell(kind.would_fail));
            let (rejected, skipped) = (cell(kind.totals.rejected), cell(kind.totals.skipped));
            writeln!(
                out,
                "  {FIELD}{:<10}{FIELD:#}{events:>13}{sent:>13}{failing:>13}{rejected:>13}{skipped:>13}",
                kind.name
            )?;
        }
        Ok(())
    }

    fn attributes_text(&self, out: &mut impl Write) -> io::Result<()> {
        if self.custom_attributes.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n{BOLD}Custom attributes that must exist in Intercom{BOLD:#}")?;
        let width = self
            .custom_attributes
            .iter()
            .take(LISTED)
            .map(|a| a.name.chars().count())
            .max()
            .unwrap_or(0)
            .min(40);
        for attribute in self.custom_attributes.iter().take(LISTED) {
            let mixed = if attribute.mixed {
                ", values of several types"
            } else {
                ""
            };
            writeln!(
                out,
                "  {DIM}{:<8}{DIM:#} {FIELD}{:<width$}{FIELD:#}  {:<8} {DIM}{}{mixed}{DIM:#}",
                attribute.model.to_string(),
                printable(&attribute.name),
                attribute.data_type,
                counted(attribute.events, "event"),
            )?;
        }
        and_more(out, self.custom_attributes.len())?;
        if self.more_custom_attributes > 0 {
            writeln!(
                out,
                "  {NOTE}more than {} names; the rest is not told apart{NOTE:#}",
                thousands(Self::max_names() as u64)
            )?;
        }
        Ok(())
    }

    fn names_text(&self, out: &mut impl Write) -> io::Result<()> {
        let names = &self.event_names;
        if names.distinct == 0 {
            return Ok(());
        }
        let style = if self.too_many_names() { BAD } else { GOOD };
        let more = if names.more > 0 { "more than " } else { "" };
        writeln!(out, "\n{BOLD}Event names{BOLD:#}")?;
        writeln!(
            out,
            "  {style}{more}{} of {} that Intercom allows{style:#}",
            names.distinct, names.limit
        )?;
        if self.long_metadata.events > 0 {
            let long = &self.long_metadata;
            writeln!(
                out,
                "  {NOTE}{}{NOTE:#} with more than {} metadata keys (at most {}); Intercom keeps the first {} {DIM}({}){DIM:#}",
                counted(long.events, "event"),
                long.limit,
                long.most_keys,
                long.limit,
                lines(&long.lines)
            )?;
        }
        Ok(())
    }
}

fn findings(out: &mut impl Write, title: &str, style: anstyle::Style, findings: &[Finding]) -> io::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{BOLD}{title}{BOLD:#}")?;
    for finding in findings {
        writeln!(
            out,
            "  {:>8}  {style}{}{style:#}  {DIM}{}{DIM:#}\n            {} {} {}",
            thousands(finding.count),
            finding.code,
            lines(&finding.lines),
            finding.meaning,
            finding.costs.in_words(),
            finding.advice
        )?;
        if let Some(flag) = finding.flag {
            writeln!(out, "            {DIM}See {flag}.{DIM:#}")?;
        }
    }
    Ok(())
}

fn and_more(out: &mut impl Write, all: usize) -> io::Result<()> {
    match all.checked_sub(LISTED) {
        Some(more @ 1..) => writeln!(
            out,
            "  {DIM}and {} more; --json and --html list them{DIM:#}",
            thousands(more as u64)
        ),
        _ => Ok(()),
    }
}

/// How long calls take at the rate limit, in words.
pub(super) fn duration(minutes: Effort<f64>) -> String {
    let (expected, most) = (text::duration(minutes.expected), text::duration(minutes.worst_case));
    if expected == most {
        expected
    } else {
        format!("{expected} to {most}")
    }
}
