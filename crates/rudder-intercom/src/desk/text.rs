//! Changes for people.

use super::changes::{ShownChange, ShownField, ShownLink};
use crate::preview::Effect;
use crate::text::{BAD, DIM, FIELD, GOOD, NOTE, counted, plural, printable, thousands};
use anstyle::Style;
use std::io::{self, Write};

/// So many changes are shown for people.
pub(super) const MOST: usize = 50;
/// So many fields are named in one line.
const FIELDS_IN_A_LINE: usize = 6;

/// Writes what changes, one after the other; `label` says what each is in a word.
pub(super) fn write_changes<'c>(
    changes: impl ExactSizeIterator<Item = &'c ShownChange>,
    label: impl Fn(&ShownChange) -> (Style, &'static str),
    out: &mut impl Write,
) -> io::Result<()> {
    let all = changes.len();
    for change in changes.take(MOST) {
        let (style, word) = label(change);
        let line = change
            .line
            .map_or_else(String::new, |line| format!("line {}", thousands(line)));
        write!(out, "  {DIM}{line:<12}{DIM:#}{style}{word:<10}{style:#}")?;
        if let Some(name) = change.name.as_ref().and_then(|name| name.as_str()) {
            write!(out, " {}", printable(name))?;
        }
        if let Some(id) = &change.id {
            write!(out, " {DIM}{}{DIM:#}", printable(id))?;
        }
        let mut words = Vec::new();
        for (verb, links) in [("linked to", &change.linked), ("detached from", &change.detached)] {
            if !links.is_empty() {
                words.push(format!("{verb} {}", companies(links)));
            }
        }
        if change.tagged > 0 {
            let tags = counted(change.tagged as u64, "tag");
            let names = match change.tags.is_empty() {
                true => String::new(),
                false => format!(": {}", printable(&change.tags.join(", "))),
            };
            words.push(format!("gets {tags}{names}"));
        }
        let is_new = change.effect == Effect::Created;
        let shows_values = change.name.is_some();
        if is_new && !shows_values && !change.fields.is_empty() {
            words.insert(0, format!("with {}", names(&change.fields)));
        }
        writeln!(out, " {}", words.join("; "))?;
        if is_new && !shows_values {
            continue;
        }
        for ShownField { name, before, after } in &change.fields {
            let (before, after) = (printable(&before.text()), printable(&after.text()));
            let name = printable(name);
            writeln!(
                out,
                "  {:<12}{FIELD}{name:<24}{FIELD:#} {before} {DIM}→{DIM:#} {after}",
                ""
            )?;
        }
    }
    if all > MOST {
        let more = counted((all - MOST) as u64, "more change");
        writeln!(out, "  {DIM}and {more}: --json lists all{DIM:#}")?;
    }
    Ok(())
}

fn names(fields: &[ShownField]) -> String {
    let mut names: Vec<String> = fields
        .iter()
        .take(FIELDS_IN_A_LINE)
        .map(|field| printable(&field.name))
        .collect();
    if fields.len() > FIELDS_IN_A_LINE {
        names.push(format!("{} more", fields.len() - FIELDS_IN_A_LINE));
    }
    names.join(", ")
}

fn companies(links: &[ShownLink]) -> String {
    let ids: Vec<String> = links
        .iter()
        .filter_map(|link| link.company_id.as_deref().map(printable))
        .collect();
    match ids.is_empty() {
        true => counted(links.len() as u64, "company"),
        false => format!("{} {}", plural(ids.len() as u64, "company"), ids.join(", ")),
    }
}

/// The word for an effect.
pub(super) fn effect(effect: Effect) -> (Style, &'static str) {
    match effect {
        Effect::Created => (GOOD, "created"),
        Effect::Changed => (NOTE, "changed"),
        Effect::Replaced => (BAD, "replaced"),
        Effect::Deleted => (BAD, "deleted"),
    }
}
