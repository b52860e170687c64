//! Events that would not be delivered.

use crate::send::{Summary, remedy};
use crate::text::{BAD, BOLD, DIM, counted, lines, thousands};
use intercom_delivery::FailureCode;
use rudderstack_events::ParseErrorKind;
use rudderstack_to_intercom::RejectionCode;
use serde::Serialize;
use std::io::{self, Write};
use strum::IntoEnumIterator as _;

/// Why events would not be delivered.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Refused {
    /// How many.
    pub(super) events: u64,
    pub(super) reasons: Vec<Reason>,
}

/// One reason.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Reason {
    pub(super) code: String,
    /// Whether the events can never be delivered as they are.
    pub(super) is_final: bool,
    pub(super) events: u64,
    /// The lines of some of them.
    pub(super) lines: Vec<u64>,
    /// What to do about it.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) advice: &'static str,
}

impl Refused {
    pub(super) fn of(summary: &Summary) -> Self {
        let reasons = summary.reasons().map(|(is_final, code, noted)| Reason {
            code: code.to_owned(),
            is_final,
            events: noted.count,
            lines: noted.lines.clone(),
            advice: advice(code),
        });
        let outcomes = summary.outcomes();
        Self {
            events: outcomes.rejected + outcomes.failed,
            reasons: reasons.collect(),
        }
    }

    pub(super) fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        if self.events == 0 {
            return Ok(());
        }
        let events = counted(self.events, "event");
        let they = if self.events == 1 { "it" } else { "they" };
        writeln!(out, "\n{BOLD}Refused: {events}; {they} would change nothing{BOLD:#}")?;
        for reason in &self.reasons {
            let more = if reason.events > reason.lines.len() as u64 {
                ", …"
            } else {
                ""
            };
            writeln!(
                out,
                "  {:>8}  {BAD}{}{BAD:#} {DIM}{}{more}{DIM:#}",
                thousands(reason.events),
                reason.code,
                lines(&reason.lines)
            )?;
            if !reason.advice.is_empty() {
                writeln!(out, "            {DIM}{}{DIM:#}", reason.advice)?;
            }
        }
        Ok(())
    }
}

/// What to do about events with a code.
fn advice(code: &str) -> &'static str {
    let of_rejection = || code.parse::<RejectionCode>().ok().map(RejectionCode::advice);
    let of_failure = || code.parse::<FailureCode>().ok().map(remedy);
    if ParseErrorKind::iter().any(|kind| <&str>::from(kind) == code) {
        return "These lines are not events.";
    }
    of_rejection().or_else(of_failure).unwrap_or_default()
}
