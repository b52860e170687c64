//! What looks have shown.

use crate::exit::Exit;
use crate::text::{BAD, BOLD, DIM, GOOD, NOTE, counted, printable};
use serde::Serialize;
use std::io::{self, Write};

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Ok,
    /// It works, and soon may not.
    Warning,
    /// It does not work.
    Fault,
    /// It was not looked at, because something else is at fault.
    Skipped,
}

/// What one look has shown.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) status: Status,
    pub(crate) detail: String,
    /// What mends it: a command, or where to go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mend: Option<String>,
    /// What the program ends with for it.
    #[serde(skip)]
    pub(super) exit: Option<Exit>,
}

impl Check {
    fn new(name: &'static str, status: Status, detail: impl Into<String>) -> Self {
        Self {
            name,
            status,
            detail: detail.into(),
            mend: None,
            exit: None,
        }
    }

    pub(crate) fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, Status::Ok, detail)
    }

    pub(crate) fn warning(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, Status::Warning, detail)
    }

    pub(crate) fn fault(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, Status::Fault, detail)
    }

    pub(crate) fn skipped(name: &'static str, why: &str) -> Self {
        Self::new(name, Status::Skipped, format!("not checked: {why}"))
    }

    /// The same with what mends it.
    pub(crate) fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }

    /// The same, which ends the program with this.
    pub(crate) fn exit(mut self, exit: Exit) -> Self {
        self.exit = Some(exit);
        self
    }
}

/// What all looks have shown. Serialises to what `doctor --json` prints.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// The worst of all.
    status: Status,
    checks: Vec<Check>,
}

impl Report {
    pub(crate) fn new(checks: Vec<Check>) -> Self {
        let seen = checks.iter().map(|check| check.status);
        let worst = seen.filter(|status| *status != Status::Skipped).max();
        Self {
            status: worst.unwrap_or(Status::Ok),
            checks,
        }
    }

    /// What the program ends with: that of the first fault that has one.
    pub(crate) fn exit(&self) -> Exit {
        let named = self.checks.iter().find_map(|check| check.exit);
        named.unwrap_or_else(|| Exit::complete_if(self.status < Status::Fault))
    }

    /// Writes it for people.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub(crate) fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        let width = self.checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
        for check in &self.checks {
            let (style, word) = match check.status {
                Status::Ok => (GOOD, "ok"),
                Status::Warning => (NOTE, "warning"),
                Status::Fault => (BAD, "fault"),
                Status::Skipped => (DIM, "-"),
            };
            let (name, detail) = (check.name, printable(&check.detail));
            writeln!(out, "{style}{word:<8}{style:#} {name:<width$}  {detail}")?;
            if let Some(mend) = &check.mend {
                writeln!(out, "{:<8} {:<width$}  {DIM}→ {}{DIM:#}", "", "", printable(mend))?;
            }
        }
        let count = |status| self.checks.iter().filter(|check| check.status == status).count() as u64;
        let (faults, warnings) = (count(Status::Fault), count(Status::Warning));
        let warned = match warnings {
            0 => String::new(),
            warnings => format!(", {}", counted(warnings, "warning")),
        };
        match faults {
            0 => writeln!(out, "\n{BOLD}{GOOD}No fault{GOOD:#}{BOLD:#}{warned}"),
            faults => writeln!(out, "\n{BOLD}{BAD}{}{BAD:#}{BOLD:#}{warned}", counted(faults, "fault")),
        }
    }
}
