//! What events would change, as a page.

use super::changes::{ShownChange, ShownLink};
use super::diff::{Counts, Diff};
use crate::html::{self, Column, Escaped, Part, Prose};
use crate::preview::{Effect, What};
use crate::text::{counted, duration, lines, thousands};
use std::fmt::Write as _;
use std::io::{self, Write};

/// So many changes of contacts, and of companies, are listed; the rest is in the JSON.
const LISTED: usize = 1_000;
/// So many of them are shown without being asked.
const SHOWN: usize = 50;

impl Diff {
    /// Writes it as an HTML page. `input` names what the events come from.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub(crate) fn write_html(&self, input: &str, out: &mut impl Write) -> io::Result<()> {
        let input = Escaped(input);
        html::begin("What would change in Intercom", &input, out)?;
        let (contacts, companies) = (self.contacts.different(), self.companies.different());
        let (class, headline) = match self.changes_anything {
            false => (" good", "Nothing would change.".to_owned()),
            true => (
                "",
                format!(
                    "{} and {} would change.",
                    counted(contacts, "contact"),
                    counted(companies, "company")
                ),
            ),
        };
        writeln!(
            out,
            "<header class=\"verdict{class}\">\n<div class=\"quiet\">What would change in Intercom, by {input}</div>\n<h1>{headline}</h1>"
        )?;
        for note in self.notes() {
            writeln!(out, "<p class=\"hint\">{}</p>", Prose(&note))?;
        }
        writeln!(out, "</header>")?;
        let figures = [
            (self.events, "events"),
            (self.refused.events, "refused"),
            (self.contacts.created + self.companies.created, "created"),
            (self.contacts.changed + self.companies.changed, "changed"),
            (
                self.contacts.replaced + self.contacts.deleted + self.companies.deleted,
                "replaced or deleted",
            ),
            (self.calls, "calls to send it"),
        ];
        html::figures(&figures, out)?;
        self.totals_html(out)?;
        self.refused_html(out)?;
        self.warnings_html(out)?;
        self.changes_html(What::Contact, "Contacts", out)?;
        self.changes_html(What::Company, "Companies", out)?;
        let read: u64 = self.read.values().sum();
        writeln!(
            out,
            "<section>\n<h2>Calls to Intercom</h2>\n<p>Sending takes {}, {} at the rate limit of 10,000 a minute. This took {}, \
             none of which writes.</p>\n</section>",
            counted(self.calls, "call"),
            duration(self.minutes),
            counted(read, "call")
        )?;
        html::end(&input, "Nothing was written to Intercom.", out)
    }

    fn totals_html(&self, out: &mut impl Write) -> io::Result<()> {
        let parts = |counts: Counts| -> [Part; 5] {
            [
                ("good", "created", counts.created),
                ("failing", "changed", counts.changed),
                ("rejected", "replaced", counts.replaced),
                ("rejected", "deleted", counts.deleted),
                ("skipped", "stay as they are", counts.same),
            ]
        };
        let (contacts, companies) = (parts(self.contacts), parts(self.companies));
        let all = [self.contacts.all(), self.companies.all()];
        let figures = all.map(thousands);
        writeln!(out, "<section>\n<h2>Whom the events are about</h2>")?;
        let rows: [(&str, &[Part], &str); 2] = [
            ("contacts", &contacts, &figures[0]),
            ("companies", &companies, &figures[1]),
        ];
        html::chart(&rows, all[0].max(all[1]), out)?;
        html::key(
            &[
                ("good", "created"),
                ("failing", "changed"),
                ("rejected", "replaced or deleted"),
                ("skipped", "stay as they are"),
            ],
            out,
        )?;
        writeln!(out, "<ul>")?;
        for also in self.also() {
            writeln!(out, "<li>{}</li>", Escaped(&also))?;
        }
        for new in &self.attributes_created {
            writeln!(
                out,
                "<li>new {} attribute <code class=\"name\">{}</code></li>",
                Escaped(&new.model),
                Escaped(&new.name)
            )?;
        }
        writeln!(out, "</ul>\n</section>")
    }

    fn refused_html(&self, out: &mut impl Write) -> io::Result<()> {
        const COLUMNS: [Column; 4] = [
            Column::Number("Events"),
            Column::Text("Why"),
            Column::Text("What to do"),
            Column::Text("Where"),
        ];
        if self.refused.events == 0 {
            return Ok(());
        }
        writeln!(
            out,
            "<section>\n<h2>Refused</h2>\n<p class=\"hint\">{} that would change nothing.</p>",
            counted(self.refused.events, "event")
        )?;
        html::table(&COLUMNS, out)?;
        for reason in &self.refused.reasons {
            let cells = [
                &thousands(reason.events) as _,
                &format_args!("<code>{}</code>", Escaped(&reason.code)) as _,
                &Prose(reason.advice) as _,
                &format_args!("<span class=\"quiet\">{}</span>", lines(&reason.lines)) as _,
            ];
            html::row(&COLUMNS, &cells, out)?;
        }
        html::end_table(out)?;
        writeln!(out, "</section>")
    }

    fn warnings_html(&self, out: &mut impl Write) -> io::Result<()> {
        const COLUMNS: [Column; 4] = [
            Column::Number("Events"),
            Column::Text("What"),
            Column::Text("What it means, and what to do"),
            Column::Text("Where"),
        ];
        if self.warnings.is_empty() {
            return Ok(());
        }
        writeln!(out, "<section>\n<h2>Warnings</h2>")?;
        html::table(&COLUMNS, out)?;
        for warned in &self.warnings {
            let about = format!("{} {}", warned.meaning, warned.advice);
            let cells = [
                &thousands(warned.events) as _,
                &format_args!("<code>{}</code>", warned.code) as _,
                &Escaped(&about) as _,
                &format_args!("<span class=\"quiet\">{}</span>", lines(&warned.lines)) as _,
            ];
            html::row(&COLUMNS, &cells, out)?;
        }
        html::end_table(out)?;
        writeln!(out, "</section>")
    }

    fn changes_html(&self, what: What, title: &str, out: &mut impl Write) -> io::Result<()> {
        let all: Vec<&ShownChange> = self.changes.iter().filter(|change| change.what == what).collect();
        if all.is_empty() {
            return Ok(());
        }
        writeln!(out, "<section>\n<h2>{title}</h2>")?;
        let listed = &all[..all.len().min(LISTED)];
        html::folded(listed, SHOWN, out, table)?;
        if let more @ 1.. = all.len() - listed.len() {
            let more = counted(more as u64, "more change");
            writeln!(
                out,
                "<p class=\"hint\">And {more}, which <code>--json</code> lists.</p>"
            )?;
        }
        writeln!(out, "</section>")
    }
}

fn table(changes: &[&ShownChange], out: &mut impl Write) -> io::Result<()> {
    const COLUMNS: [Column; 4] = [
        Column::Number("Line"),
        Column::Text("Effect"),
        Column::Text("Who"),
        Column::Text("What"),
    ];
    html::table(&COLUMNS, out)?;
    for change in changes {
        let (class, effect) = match change.effect {
            Effect::Created => ("fine", "created"),
            Effect::Changed => ("", "changed"),
            Effect::Replaced => ("bad", "replaced"),
            Effect::Deleted => ("bad", "deleted"),
        };
        let cells = [
            &change.line.map(thousands).unwrap_or_default() as _,
            &format_args!("<span class=\"{class}\">{effect}</span>") as _,
            &who(change) as _,
            &fields(change) as _,
        ];
        html::row(&COLUMNS, &cells, out)?;
    }
    html::end_table(out)
}

fn who(change: &ShownChange) -> String {
    let mut text = String::new();
    if let Some(name) = change.name.as_ref().and_then(|name| name.as_str()) {
        text += &format!("<span class=\"name\">{}</span> ", Escaped(name));
    }
    if let Some(id) = &change.id {
        text += &format!("<code class=\"quiet\">{}</code>", Escaped(id));
    }
    text
}

/// The fields, before and after, and what is linked.
fn fields(change: &ShownChange) -> String {
    let mut text = String::from("<ul>");
    for field in &change.fields {
        let (before, after) = (field.before.text(), field.after.text());
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "<li><code class=\"name\">{}</code> <span class=\"name\"><span class=\"quiet\">{} →</span> {}</span></li>",
            Escaped(&field.name),
            Escaped(&before),
            Escaped(&after)
        );
    }
    for (verb, links) in [("linked to", &change.linked), ("detached from", &change.detached)] {
        if !links.is_empty() {
            let _ = write!(text, "<li>{verb} {}</li>", companies(links));
        }
    }
    if change.tagged > 0 {
        let tags = counted(change.tagged as u64, "tag");
        let names = if change.tags.is_empty() { "" } else { ": " };
        let _ = write!(text, "<li>gets {tags}{names}{}</li>", Escaped(&change.tags.join(", ")));
    }
    text + "</ul>"
}

fn companies(links: &[ShownLink]) -> String {
    let ids: Vec<&str> = links.iter().filter_map(|link| link.company_id.as_deref()).collect();
    let count = counted(links.len() as u64, "company");
    match ids.is_empty() {
        true => count,
        false => format!("{count}: <span class=\"name\">{}</span>", Escaped(&ids.join(", "))),
    }
}
