//! The outcome of a check as a page.

use super::findings::Finding;
use super::report::{Effort, NameCount, Report};
use super::text::duration;
use crate::html::{self, Bar, Column, Escaped, Prose};
use crate::text::{counted, lines, percent, thousands};
use std::io::{self, Write};

/// How many names and attributes the page lists; the rest is in the JSON.
const LISTED: usize = 500;
/// How many event names it shows without being asked.
const SHOWN: usize = 20;

impl Report {
    /// Writes the report as an HTML page. `input` names what was checked.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub(crate) fn write_html(&self, input: &str, out: &mut impl Write) -> io::Result<()> {
        let input = Escaped(input);
        html::begin("Intercom check", &input, out)?;
        self.verdict_html(&input, out)?;
        self.figures_html(out)?;
        self.types_html(out)?;
        findings_html(
            "Events that cannot be sent",
            "Each event counts once. The others are not affected by these.",
            &self.rejections,
            out,
        )?;
        findings_html(
            "Values that are left out",
            "These events can be sent, but something in them is left out or may not be what was meant.",
            &self.warnings,
            out,
        )?;
        findings_html(
            "What Intercom would refuse or drop",
            "These show only when all events are looked at together.",
            &self.limits,
            out,
        )?;
        findings_html(
            "Worth knowing",
            "These cost nothing, and may not be what was meant.",
            &self.notes,
            out,
        )?;
        self.attributes_html(out)?;
        self.calls_html(out)?;
        self.names_html(out)?;
        html::end(&input, "Nothing was sent to Intercom.", out)
    }

    fn verdict_html(&self, input: &Escaped<'_>, out: &mut impl Write) -> io::Result<()> {
        let headline = match self.events {
            0 => "There are no events in the input.".to_owned(),
            _ if self.is_complete() && self.totals.skipped == 0 => {
                format!("All {} can be sent to Intercom.", counted(self.events, "event"))
            }
            _ if self.is_complete() => format!(
                "All {} that are meant for Intercom can be sent.",
                counted(self.totals.converted, "event")
            ),
            _ => format!(
                "{} of {} can be sent to Intercom ({}).",
                thousands(self.can_be_sent()),
                counted(self.events, "event"),
                percent(self.can_be_sent(), self.events).replace(' ', "\u{a0}")
            ),
        };
        let good = if self.is_complete() && self.limits.is_empty() {
            " good"
        } else {
            ""
        };
        writeln!(
            out,
            "<header class=\"verdict{good}\">\n<div class=\"quiet\">Intercom check of {input}</div>"
        )?;
        writeln!(out, "<h1>{headline}</h1>")?;
        let steps = self.steps();
        if !steps.is_empty() {
            writeln!(out, "<div>What to do:</div>\n<ol>")?;
            for step in steps {
                writeln!(out, "<li>{step}</li>")?;
            }
            writeln!(out, "</ol>")?;
        }
        writeln!(out, "</header>")
    }

    /// What to do before sending, the most important first. All of it is text of our own.
    fn steps(&self) -> Vec<String> {
        let mut steps: Vec<String> = self
            .rejections
            .iter()
            .map(|finding| {
                format!(
                    "{} <span class=\"quiet\">({}: {})</span>",
                    Prose(finding.advice),
                    finding.code,
                    counted(finding.count, "event")
                )
            })
            .collect();
        steps.extend(self.limits.iter().map(|finding| {
            format!(
                "{} <span class=\"quiet\">({}: {})</span>",
                Prose(finding.advice),
                finding.code,
                thousands(finding.count)
            )
        }));
        if !self.custom_attributes.is_empty() {
            steps.push(format!(
                "Make sure that the {} below exist in Intercom: an event with one that does not fails.",
                counted(self.custom_attributes.len() as u64, "custom attribute")
            ));
        }
        steps
    }

    fn figures_html(&self, out: &mut impl Write) -> io::Result<()> {
        html::figures(
            &[
                (self.events, "events"),
                (self.can_be_sent(), "can be sent"),
                (self.would_fail, "would fail"),
                (self.totals.rejected, "rejected"),
                (self.totals.skipped, "not meant for Intercom"),
                (self.calls.expected, "calls to Intercom, about"),
                (self.calls.worst_case, "calls, at most"),
            ],
            out,
        )
    }

    fn types_html(&self, out: &mut impl Write) -> io::Result<()> {
        let Some(most) = self.types.iter().map(|kind| kind.events).max() else {
            return Ok(());
        };
        writeln!(out, "<section>\n<h2>Events by type and outcome</h2>")?;
        let parts = self.types.iter().map(|kind| {
            [
                ("sent", "can be sent", kind.can_be_sent()),
                ("failing", "would fail", kind.would_fail),
                ("rejected", "rejected", kind.totals.rejected),
                ("skipped", "not meant for Intercom", kind.totals.skipped),
            ]
        });
        let (parts, figures): (Vec<_>, Vec<_>) =
            parts.zip(self.types.iter().map(|kind| thousands(kind.events))).unzip();
        let rows = self.types.iter().zip(&parts).zip(&figures);
        let rows: Vec<_> = rows
            .map(|((kind, parts), figure)| (kind.name, &parts[..], &**figure))
            .collect();
        html::chart(&rows, most, out)?;
        let meanings = parts.first().map(|parts| parts.map(|(class, what, _)| (class, what)));
        html::key(&meanings.unwrap_or_default(), out)?;
        writeln!(out, "</section>")
    }

    fn attributes_html(&self, out: &mut impl Write) -> io::Result<()> {
        const COLUMNS: [Column; 5] = [
            Column::Text("Name"),
            Column::Text("Of"),
            Column::Text("Type"),
            Column::Number("Events"),
            Column::Bar,
        ];
        let Some(most) = self.custom_attributes.iter().map(|attribute| attribute.events).max() else {
            return Ok(());
        };
        writeln!(
            out,
            "<section>\n<h2>Custom attributes that must exist in Intercom</h2>\n\
             <p class=\"hint\">Create them in Intercom under Settings &gt; Data, or with <code>rudder-intercom attributes --create</code>.</p>"
        )?;
        html::table(&COLUMNS, out)?;
        for attribute in self.custom_attributes.iter().take(LISTED) {
            let mixed = if attribute.mixed {
                " <span class=\"mixed\">(values of several types)</span>"
            } else {
                ""
            };
            let (model, events) = (attribute.model.to_string(), attribute.events);
            let cells = [
                &format_args!("<code class=\"name\">{}</code>", Escaped(&attribute.name)) as _,
                &Escaped(&model) as _,
                &format_args!("{}{mixed}", Escaped(&attribute.data_type)) as _,
                &thousands(events) as _,
                &Bar(&[("sent", "events", events)], most) as _,
            ];
            html::row(&COLUMNS, &cells, out)?;
        }
        html::end_table(out)?;
        more_html(self.custom_attributes.len(), self.more_custom_attributes, out)?;
        writeln!(out, "</section>")
    }

    /// The calls with what delivery saves, without, and at most.
    fn calls_html(&self, out: &mut impl Write) -> io::Result<()> {
        let Effort {
            expected,
            plain,
            worst_case,
        } = self.calls;
        writeln!(
            out,
            "<section>\n<h2>Calls to Intercom</h2>\n<p>About {}, and {} at most: {} at Intercom's limit of 10,000 calls a minute.</p>",
            counted(expected, "call"),
            thousands(worst_case),
            duration(self.minutes)
        )?;
        let rows = [("expected", expected), ("one by one", plain), ("at most", worst_case)];
        let rows = rows.map(|(label, calls)| (label, [("sent", "calls", calls)], thousands(calls)));
        let rows = rows
            .each_ref()
            .map(|(label, parts, figure)| (*label, &parts[..], &**figure));
        html::chart(&rows, worst_case, out)?;
        writeln!(
            out,
            "<p class=\"hint\">Expected: contacts that are known are not searched again, and what would change nothing is not sent. \
             One by one: without these savings. At most: also if everything is in the way that can be, such as archived contacts, emails \
             of somebody else and companies that are gone.</p>\n</section>"
        )
    }

    fn names_html(&self, out: &mut impl Write) -> io::Result<()> {
        let names = &self.event_names;
        let Some(most) = names.names.iter().map(|name| name.events).max() else {
            return Ok(());
        };
        writeln!(out, "<section>\n<h2>Event names</h2>")?;
        let (distinct, limit) = (names.distinct as u64, names.limit as u64);
        let class = if self.too_many_names() { "rejected" } else { "sent" };
        let rows = [("in the file", class, distinct), ("allowed", "skipped", limit)];
        let rows = rows.map(|(label, class, count)| (label, [(class, "names", count)], thousands(count)));
        let rows = rows
            .each_ref()
            .map(|(label, parts, figure)| (*label, &parts[..], &**figure));
        html::chart(&rows, distinct.max(limit), out)?;
        if self.long_metadata.events > 0 {
            let long = &self.long_metadata;
            let (events, limit) = (counted(long.events, "event"), long.limit);
            writeln!(
                out,
                "<p>{events} with more than {limit} metadata keys, and {} at most; Intercom keeps the first {limit} \
                 <span class=\"quiet\">({})</span>.</p>",
                long.most_keys,
                lines(&long.lines)
            )?;
        }
        let listed = &names.names[..names.names.len().min(LISTED)];
        html::folded(listed, SHOWN, out, |names, out| names_table(names, most, out))?;
        more_html(names.names.len(), names.more, out)?;
        writeln!(out, "</section>")
    }
}

fn findings_html(title: &str, hint: &str, findings: &[Finding], out: &mut impl Write) -> io::Result<()> {
    const COLUMNS: [Column; 4] = [
        Column::Number("Events"),
        Column::Text("What"),
        Column::Text("What to do"),
        Column::Text("Where"),
    ];
    if findings.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section>\n<h2>{title}</h2>\n<p class=\"hint\">{hint}</p>")?;
    html::table(&COLUMNS, out)?;
    for Finding {
        code,
        count,
        lines: examples,
        meaning,
        costs,
        advice,
        flag,
    } in findings
    {
        let flag = flag.map_or_else(String::new, |flag| format!(" See <code>{}</code>.", Prose(flag)));
        let (meaning, costs) = (Prose(meaning), costs.in_words());
        let cells = [
            &thousands(*count) as _,
            &format_args!("{meaning}<br><code class=\"quiet\">{code}</code> <span class=\"quiet\">{costs}</span>") as _,
            &format_args!("{}{flag}", Prose(advice)) as _,
            &format_args!("<span class=\"quiet\">{}</span>", lines(examples)) as _,
        ];
        html::row(&COLUMNS, &cells, out)?;
    }
    html::end_table(out)?;
    writeln!(out, "</section>")
}

fn names_table(names: &[NameCount], most: u64, out: &mut impl Write) -> io::Result<()> {
    const COLUMNS: [Column; 3] = [Column::Text("Name"), Column::Number("Events"), Column::Bar];
    html::table(&COLUMNS, out)?;
    for name in names {
        let cells = [
            &format_args!("<span class=\"name\">{}</span>", Escaped(&name.name)) as _,
            &thousands(name.events) as _,
            &Bar(&[("sent", "events", name.events)], most) as _,
        ];
        html::row(&COLUMNS, &cells, out)?;
    }
    html::end_table(out)
}

fn more_html(names: usize, beyond: u64, out: &mut impl Write) -> io::Result<()> {
    if let Some(more @ 1..) = names.checked_sub(LISTED) {
        writeln!(
            out,
            "<p class=\"hint\">And {} more, which <code>--json</code> lists.</p>",
            thousands(more as u64)
        )?;
    }
    if beyond > 0 {
        let limit = thousands(Report::max_names() as u64);
        writeln!(
            out,
            "<p class=\"hint\">There are more than {limit} names; the rest is not told apart.</p>"
        )?;
    }
    Ok(())
}
