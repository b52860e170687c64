//! Self-contained pages: no script, no font, no picture from elsewhere. For a screen, a phone and paper.

use crate::text::thousands;
use std::fmt::{self, Display, Write as _};
use std::io::{self, Write};

const STYLE: &str = include_str!("page.css");

/// Text that may hold anything, for the inside of an element or of a quoted attribute.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

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

/// A sentence of our own, in which `names` and --flags are set as code.
pub(crate) struct Prose<'a>(pub(crate) &'a str);

impl Display for Prose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.0.split('`').enumerate() {
            if at % 2 == 1 {
                write!(f, "<code>{}</code>", Escaped(part))?;
                continue;
            }
            for word in part.split_inclusive(' ') {
                let end = word.trim_end_matches([' ', '.', ',', ';', ':', ')']).len();
                let (flag, rest) = word.split_at(end);
                match flag.starts_with("--") {
                    true => write!(f, "<code class=\"flag\">{}</code>{rest}", Escaped(flag))?,
                    false => write!(f, "{}", Escaped(word))?,
                }
            }
        }
        Ok(())
    }
}

/// Begins a page. `what` names it, and `input` what it is of.
pub(crate) fn begin(what: &str, input: &Escaped<'_>, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{what} of {input}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>"
    )
}

/// Ends it, with a last word.
pub(crate) fn end(input: &Escaped<'_>, last: &str, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "<footer>Made by rudder-intercom {} for {input}. {last}</footer>\n</main>\n</body>\n</html>",
        env!("CARGO_PKG_VERSION")
    )
}

/// The figures that matter most.
pub(crate) fn figures(figures: &[(u64, &str)], out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "<div class=\"figures\">")?;
    for (figure, what) in figures {
        writeln!(out, "<div><b>{}</b><span>{what}</span></div>", thousands(*figure))?;
    }
    writeln!(out, "</div>")
}

/// Begins a table, whose columns are named; those with numbers are aligned to the right. On a phone each row is a block.
pub(crate) fn table(columns: &[Column], out: &mut impl Write) -> io::Result<()> {
    write!(out, "<table>\n<thead><tr>")?;
    for column in columns {
        match column {
            Column::Bar => write!(out, "<td></td>")?,
            _ => write!(out, "<th scope=\"col\"{}>{}</th>", column.class(), column.name())?,
        }
    }
    writeln!(out, "</tr></thead>\n<tbody>")
}

/// A row of it.
pub(crate) fn row(columns: &[Column], cells: &[&dyn Display], out: &mut impl Write) -> io::Result<()> {
    write!(out, "<tr>")?;
    for (column, cell) in columns.iter().zip(cells) {
        let name = column.name();
        write!(out, "<td data-name=\"{name}\"{}><div>{cell}</div></td>", column.class())?;
    }
    writeln!(out, "</tr>")
}

/// Its end.
pub(crate) fn end_table(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "</tbody>\n</table>")
}

/// Writes the first of a list, and the others so that they show when somebody asks for them.
pub(crate) fn folded<T, W: Write>(
    listed: &[T],
    shown: usize,
    out: &mut W,
    table: impl Fn(&[T], &mut W) -> io::Result<()>,
) -> io::Result<()> {
    let (shown, hidden) = listed.split_at(listed.len().min(shown));
    table(shown, out)?;
    if hidden.is_empty() {
        return Ok(());
    }
    let more = thousands(hidden.len() as u64);
    writeln!(out, "<details>\n<summary>{more} more</summary>")?;
    table(hidden, out)?;
    writeln!(out, "</details>")
}

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Column {
    Text(&'static str),
    Number(&'static str),
    /// A bar beside a number, which says nothing new.
    Bar,
}

impl Column {
    fn name(self) -> &'static str {
        match self {
            Self::Text(name) | Self::Number(name) => name,
            Self::Bar => "",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Text(_) => "",
            Self::Number(_) => " class=\"number\"",
            Self::Bar => " class=\"beside\"",
        }
    }
}

/// A part of a bar: its class, what it counts, and how many.
pub(crate) type Part = (&'static str, &'static str, u64);

/// A bar of several parts: each so much of the most.
pub(crate) struct Bar<'a>(pub(crate) &'a [Part], pub(crate) u64);

impl Display for Bar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(parts, most) = self;
        let parts = || parts.iter().filter(|(_, _, count)| *count > 0);
        let said: Vec<String> = parts()
            .map(|(_, what, count)| format!("{} {what}", thousands(*count)))
            .collect();
        write!(f, "<div class=\"bar\" role=\"img\" aria-label=\"{}\">", said.join(", "))?;
        for (class, what, count) in parts() {
            let percent = *count as f64 * 100.0 / (*most).max(1) as f64;
            let count = thousands(*count);
            write!(
                f,
                "<i class=\"{class}\" style=\"width:{percent:.2}%\" title=\"{count} {what}\"></i>"
            )?;
        }
        f.write_str("</div>")
    }
}

/// A chart of bars, with a label before each and a figure behind it.
pub(crate) fn chart(rows: &[(&str, &[Part], &str)], most: u64, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "<div class=\"chart\">")?;
    for (label, parts, figure) in rows {
        writeln!(
            out,
            "<span>{label}</span>{}<span class=\"number\">{figure}</span>",
            Bar(parts, most)
        )?;
    }
    writeln!(out, "</div>")
}

/// What the colours of a chart mean.
pub(crate) fn key(meanings: &[(&str, &str)], out: &mut impl Write) -> io::Result<()> {
    write!(out, "<ul class=\"key\">")?;
    for (class, what) in meanings {
        write!(out, "<li><i class=\"{class}\"></i>{what}</li>")?;
    }
    writeln!(out, "</ul>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_breaks_out_of_its_element() {
        let text = "<script>\"'&\u{0}\n";
        assert_eq!(Escaped(text).to_string(), "&lt;script&gt;&quot;&#39;&amp;\u{fffd} ");
    }

    #[test]
    fn names_and_flags_stand_out() {
        assert_eq!(
            Prose("Send `a<b`, or use --on-unknown create; -- not <it>.").to_string(),
            "Send <code>a&lt;b</code>, or use <code class=\"flag\">--on-unknown</code> create; \
             <code class=\"flag\">--</code> not &lt;it&gt;."
        );
    }

    #[test]
    fn a_bar_says_what_it_shows() {
        let bar = Bar(&[("sent", "can be sent", 1_500), ("failing", "would fail", 0)], 3_000);
        assert_eq!(
            bar.to_string(),
            "<div class=\"bar\" role=\"img\" aria-label=\"1,500 can be sent\">\
             <i class=\"sent\" style=\"width:50.00%\" title=\"1,500 can be sent\"></i></div>"
        );
    }
}
