//! A block of text an event, for people.

use super::json::type_of;
use super::render::Render;
use crate::input::{Item, Received};
use crate::text::{BAD, BOLD, DIM, FIELD, GOOD, NOTE, printable};
use rudderstack_events::{Object, Raw};
use rudderstack_to_intercom::{Conversion, Decision, Lookup, Plan, Rejection, Warning, When};
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::{self, Write};

/// The widest that fields and values are lined up to; longer values are cut.
const FIELD_WIDTH: usize = 36;
const VALUE_WIDTH: usize = 44;

/// Writes a block of text an event: what happened to it, each Intercom field with the place it came from, the calls.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Pretty;

impl Render for Pretty {
    const TRACED: bool = true;

    fn begin(writer: &mut impl Write, index: u64) -> io::Result<()> {
        write!(writer, "{BOLD}#{index}{BOLD:#} ")
    }

    fn render(&self, item: &Item<'_>, result: Option<&Result<Decision, Rejection>>, text: &mut Vec<u8>) {
        let written = match (item, result) {
            (Item::Event(received), Some(result)) => event(received, result, text),
            (Item::Event(_), None) => Ok(()),
            (Item::Fault(fault), _) => {
                let (line, code, message) = (fault.line, fault.kind.code(), fault.message());
                writeln!(
                    text,
                    "{BAD}rejected{BAD:#}  {DIM}line {line}{DIM:#}\n  {BAD}{code}{BAD:#}: {message}\n"
                )
            }
        };
        debug_assert!(written.is_ok(), "memory can be written to");
    }
}

fn event(received: &Received<'_>, result: &Result<Decision, Rejection>, text: &mut Vec<u8>) -> io::Result<()> {
    let kind = type_of(received).unwrap_or_else(|| "no type".into());
    let (style, outcome) = match result {
        Ok(Decision::Convert(_)) => (GOOD, "converted"),
        Ok(_) => (NOTE, "skipped"),
        Err(_) => (BAD, "rejected"),
    };
    write!(
        text,
        "{BOLD}{}{BOLD:#}  {style}{outcome}{style:#}  {DIM}line {}",
        printable(&kind),
        received.line
    )?;
    if let Some(id) = received.event.common().message_id.ok() {
        write!(text, ", message {}", printable(id.as_str()))?;
    }
    writeln!(text, "{DIM:#}")?;
    match result {
        Ok(Decision::Convert(conversion)) => {
            fields(conversion, text)?;
            calls(&conversion.plan, text)?;
            warnings(&conversion.warnings, text)?;
        }
        Ok(_) => writeln!(text, "  its integrations say that it is not for Intercom")?,
        Err(rejection) => {
            let Rejection { path, message, .. } = rejection;
            writeln!(
                text,
                "  {BAD}{}{BAD:#} at {DIM}{}{DIM:#}: {message}",
                rejection.code(),
                printable(path)
            )?;
            warnings(&rejection.warnings, text)?;
        }
    }
    writeln!(text)
}

/// A field of a body, its value as JSON.
struct Row {
    field: String,
    value: String,
    source: String,
}

fn fields(conversion: &Conversion, text: &mut Vec<u8>) -> io::Result<()> {
    let source = |field: &str| {
        let mut found = conversion.sources.iter().filter(|source| source.field == field);
        // A person's name may be made of two. Of others, the last is the one that counts.
        match field {
            "name" => {
                let places: BTreeSet<&str> = found.map(|source| &*source.source).collect();
                places.into_iter().collect::<Vec<_>>().join(" and ")
            }
            _ => found
                .next_back()
                .map(|source| source.source.clone())
                .unwrap_or_default(),
        }
    };
    let mut rows = Vec::new();
    let lookup = |lookup: &Lookup, whose: &str, rows: &mut Vec<Row>| {
        let fields = lookup.fields();
        for (at, lookup) in fields.iter().enumerate() {
            let by = if at == 0 { whose } else { "or" };
            // Of several, the value that is read for the search alone comes last.
            let is_last = at + 1 == fields.len();
            rows.push(Row {
                field: format!("{by} by {}", lookup.field),
                value: json(&lookup.value),
                source: source(if is_last { "lookup.value" } else { "external_id" }),
            });
        }
    };
    match &conversion.plan {
        Plan::SaveContact(plan) => {
            lookup(&plan.lookup, "find contact", &mut rows);
            for company in &plan.detach {
                rows.push(Row {
                    field: "detach company".to_owned(),
                    value: json(company),
                    source: source("detach"),
                });
            }
            body(&plan.update, &source, &mut rows);
            if let Some(create) = plan.create().filter(|&create| *create != plan.update) {
                let mut created = Vec::new();
                body(create, &source, &mut created);
                created.retain(|new| !rows.iter().any(|row| row.field == new.field && row.value == new.value));
                rows.extend(created.into_iter().map(|row| Row {
                    field: format!("if created, {}", row.field),
                    ..row
                }));
            }
        }
        Plan::DeleteContact(by) => lookup(by, "find contact", &mut rows),
        Plan::SubmitEvent(event) => body(event, &source, &mut rows),
        Plan::SaveCompany(plan) => {
            body(&plan.company, &source, &mut rows);
            if let Some(member) = &plan.member {
                lookup(member, "find member", &mut rows);
            }
            if !plan.tags.is_empty() {
                rows.push(Row {
                    field: "tags".to_owned(),
                    value: json(&plan.tags),
                    source: source("tags"),
                });
            }
        }
    }
    let widest = |width: fn(&Row) -> usize, limit| rows.iter().map(width).max().unwrap_or(0).min(limit);
    let field_width = widest(|row| row.field.chars().count(), FIELD_WIDTH);
    let value_width = widest(|row| row.value.chars().count(), VALUE_WIDTH);
    for row in &rows {
        let (field, value) = (printable(&row.field), cut(&printable(&row.value)));
        write!(text, "  {FIELD}{field:field_width$}{FIELD:#}  {value:value_width$}")?;
        if !row.source.is_empty() {
            write!(text, "  {DIM}{}{DIM:#}", printable(&row.source))?;
        }
        writeln!(text)?;
    }
    Ok(())
}

/// The fields of a body, with those of its custom attributes or metadata one by one.
fn body(body: &impl Serialize, source: &dyn Fn(&str) -> String, rows: &mut Vec<Row>) {
    let text = json(body);
    let Ok(object) = serde_json::from_str::<Object<'_>>(&text) else {
        return;
    };
    let mut row = |field: String, value: &Raw<'_>| {
        rows.push(Row {
            source: source(&field),
            field,
            value: value.json().to_owned(),
        });
    };
    for (name, value) in object.iter() {
        match value
            .as_object()
            .filter(|_| name == "custom_attributes" || name == "metadata")
        {
            Some(nested) => nested
                .iter()
                .for_each(|(key, value)| row(format!("{name}.{key}"), value)),
            None => row(name.to_owned(), value),
        }
    }
}

fn calls(plan: &Plan, text: &mut Vec<u8>) -> io::Result<()> {
    for planned in plan.calls() {
        let when = match planned.when {
            When::Always => "",
            When::Found => "if found ",
            When::NotFound => "if not found ",
        };
        let target = planned.call.path_and_query();
        writeln!(
            text,
            "  {DIM}{when:>13}{DIM:#}{:6} {}",
            planned.call.method.as_str(),
            printable(&target)
        )?;
    }
    Ok(())
}

fn warnings(warnings: &[Warning], text: &mut Vec<u8>) -> io::Result<()> {
    for Warning {
        code, path, message, ..
    } in warnings
    {
        writeln!(
            text,
            "  {NOTE}{code}{NOTE:#} at {DIM}{}{DIM:#}: {message}",
            printable(path)
        )?;
    }
    Ok(())
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(VALUE_WIDTH) {
        None => text.to_owned(),
        Some(_) => text.chars().take(VALUE_WIDTH - 1).chain(['…']).collect(),
    }
}
