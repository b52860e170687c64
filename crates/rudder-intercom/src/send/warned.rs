//! What there is to be said of events although they are delivered.

use crate::noted::Noted;
use crate::text::{BOLD, DIM, NOTE, lines, printable, thousands};
use rudder_gateway::explain_note;
use serde::Serialize;
use std::io::{self, Write};

/// One thing that was warned of.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Warned {
    pub(crate) code: &'static str,
    pub(crate) events: u64,
    /// The lines of some of them.
    pub(crate) lines: Vec<u64>,
    /// A custom attribute that it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attribute: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) meaning: &'static str,
    /// What to do about it.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(crate) advice: &'static str,
}

impl Warned {
    pub(crate) fn of((code, noted, attribute): (&'static str, &Noted, Option<&str>)) -> Self {
        let why = explain_note(code);
        Self {
            code,
            events: noted.count,
            lines: noted.lines.clone(),
            attribute: attribute.map(str::to_owned),
            meaning: why.map_or("", |why| why.meaning),
            advice: why.map_or("", |why| why.advice),
        }
    }

    /// Writes all of them for people.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub(crate) fn write_text(all: &[Self], out: &mut impl Write) -> io::Result<()> {
        if !all.is_empty() {
            writeln!(out, "\n{BOLD}Warnings{BOLD:#}")?;
        }
        for warned in all {
            let lines = lines(&warned.lines);
            write!(
                out,
                "  {:>8}  {NOTE}{}{NOTE:#}  {DIM}{lines}",
                thousands(warned.events),
                warned.code
            )?;
            if let Some(attribute) = &warned.attribute {
                write!(out, ", such as {}", printable(attribute))?;
            }
            writeln!(out, "{DIM:#}")?;
            if !warned.meaning.is_empty() {
                writeln!(out, "            {DIM}{} {}{DIM:#}", warned.meaning, warned.advice)?;
            }
        }
        Ok(())
    }
}
