//! The outcome of a check as one self-contained page: no script, no font, no picture from elsewhere.

mod charts;

use super::findings::Finding;
use super::report::{NameCount, Report};
use super::text::{duration, lines};
use crate::text::{counted, percent, thousands};
use std::fmt::{self, Display, Write as _};
use std::io::{self, Write};

const STYLE: &str = include_str!("page.css");

/// How many names and attributes the page lists; the rest is in the JSON.
const LISTED: usize = 500;
/// How many event names it shows without being asked.
const SHOWN: usize = 20;

/// Text that may hold anything, for the inside of an element or of a quoted attribute.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in self.0.chars() {
            match part {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\t' | '\n' => f.write_char(' ')?,
                part if part.is_control() => f.write_char(char::REPLACEMENT_CHARACTER)?,
                part => f.write_char(part)?,
            }
        }
        Ok(())
    }
}

impl Report {
    /// Writes the report as an HTML page. `input` names what was checked.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub(crate) fn write_html(&self, input: &str, out: &mut impl Write) -> io::Result<()> {
        let input = Escaped(input);
        writeln!(
            out,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>Intercom check of {input}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>"
        )?;
        self.verdict_html(&input, out)?;
        self.figures_html(out)?;
        charts::by_type(&self.types, out)?;
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
        charts::calls(self, out)?;
        self.names_html(out)?;
        writeln!(
            out,
            "<footer>Made by rudder-intercom {} for {input}. Nothing was sent to Intercom.</footer>\n</main>\n</body>\n</html>",
            env!("CARGO_PKG_VERSION")
        )
    }

    fn verdict_html(&self, input: &Escaped<'_>, out: &mut impl Write) -> io::Result<()> {
        let headline = match self.events {
            0 => "There are no events in the input.".to_owned(),
            _ if self.is_complete() && self.skipped == 0 => {
                format!("All {} can be sent to Intercom.", counted(self.events, "event"))
            }
            _ if self.is_complete() => format!(
                "All {} that are meant for Intercom can be sent.",
                counted(self.converted, "event")
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
            .take(3)
            .map(|finding| {
                format!(
                    "{} <span class=\"quiet\">({})</span>",
                    finding.advice,
                    counted(finding.count, "event")
                )
            })
            .collect();
        steps.extend(self.limits.iter().map(|finding| {
            format!(
                "{} <span class=\"quiet\">({}: {})</span>",
                Escaped(finding.advice),
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
        writeln!(out, "<div class=\"figures\">")?;
        for (figure, what) in [
            (thousands(self.events), "events"),
            (thousands(self.can_be_sent()), "can be sent"),
            (thousands(self.would_fail), "would fail"),
            (thousands(self.rejected), "rejected"),
            (thousands(self.skipped), "not meant for Intercom"),
            (thousands(self.calls.expected), "calls to Intercom, about"),
        ] {
            writeln!(out, "<div><b>{figure}</b><span>{what}</span></div>")?;
        }
        writeln!(out, "</div>")
    }

    fn attributes_html(&self, out: &mut impl Write) -> io::Result<()> {
        let Some(most) = self.custom_attributes.iter().map(|attribute| attribute.events).max() else {
            return Ok(());
        };
        writeln!(
            out,
            "<section>\n<h2>Custom attributes that must exist in Intercom</h2>\n\
             <p class=\"hint\">Create them in Intercom under Settings &gt; Data, or with <code>rudder-intercom attributes --create</code>.</p>\n\
             <div class=\"scroll\"><table>\n<tr><th>Name<th>Of<th>Type<th class=\"number\">Events<th></tr>"
        )?;
        for attribute in self.custom_attributes.iter().take(LISTED) {
            let mixed = if attribute.mixed {
                " <span class=\"mixed\">(values of several types)</span>"
            } else {
                ""
            };
            writeln!(
                out,
                "<tr><td><code>{}</code><td>{}<td>{}{mixed}<td class=\"number\">{}<td>{}</tr>",
                Escaped(&attribute.name),
                Escaped(&attribute.model.to_string()),
                Escaped(&attribute.data_type),
                thousands(attribute.events),
                charts::Bar(attribute.events, most)
            )?;
        }
        writeln!(out, "</table></div>")?;
        more_html(self.custom_attributes.len(), self.more_custom_attributes, out)?;
        writeln!(out, "</section>")
    }

    fn names_html(&self, out: &mut impl Write) -> io::Result<()> {
        let names = &self.event_names;
        let Some(most) = names.names.iter().map(|name| name.events).max() else {
            return Ok(());
        };
        writeln!(out, "<section>\n<h2>Event names</h2>")?;
        charts::names(names.distinct, names.limit, out)?;
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
        let (shown, hidden) = listed.split_at(listed.len().min(SHOWN));
        names_table(shown, most, out)?;
        if !hidden.is_empty() {
            writeln!(
                out,
                "<details>\n<summary>{} more</summary>",
                thousands(hidden.len() as u64)
            )?;
            names_table(hidden, most, out)?;
            writeln!(out, "</details>")?;
        }
        more_html(names.names.len(), names.more, out)?;
        writeln!(out, "</section>")
    }

    /// How long the calls take at the rate limit, in words.
    fn duration(&self) -> String {
        duration(self.minutes)
    }
}

fn findings_html(title: &str, hint: &str, findings: &[Finding], out: &mut impl Write) -> io::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<section>\n<h2>{title}</h2>\n<p class=\"hint\">{hint}</p>\n<div class=\"scroll\"><table>\n\
         <tr><th class=\"number\">How often<th>What<th>What to do<th>For example</tr>"
    )?;
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
        let flag = flag.map_or_else(String::new, |flag| format!(" See <code>{flag}</code>."));
        writeln!(
            out,
            "<tr><td class=\"number\">{}<td>{}<br><code class=\"quiet\">{code}</code> <span class=\"quiet\">costs {}</span>\
             <td>{}{flag}<td class=\"quiet\">{}</tr>",
            thousands(*count),
            Escaped(meaning),
            costs.in_words(),
            Escaped(advice),
            lines(examples)
        )?;
    }
    writeln!(out, "</table></div>\n</section>")
}

fn names_table(names: &[NameCount], most: u64, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "<div class=\"scroll\"><table>\n<tr><th>Name<th class=\"number\">Events<th></tr>"
    )?;
    for name in names {
        let (events, bar) = (thousands(name.events), charts::Bar(name.events, most));
        writeln!(
            out,
            "<tr><td>{}<td class=\"number\">{events}<td>{bar}</tr>",
            Escaped(&name.name)
        )?;
    }
    writeln!(out, "</table></div>")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_its_element() {
        let text = "<script>\"'&\u{0}\n";
        assert_eq!(Escaped(text).to_string(), "&lt;script&gt;&quot;&#39;&amp;\u{fffd} ");
    }
}
