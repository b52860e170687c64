//! The charts, as inline SVG.

use crate::check::report::{Effort, Report, TypeCount};
use crate::text::{counted, thousands};
use std::fmt::{self, Display};
use std::io::{self, Write};

/// The widths of a chart's parts, in its own units.
const WIDTH: f64 = 900.0;
const LABEL: f64 = 100.0;
const FIGURE: f64 = 120.0;
const ROW: f64 = 34.0;

/// A small bar beside a figure: so much of the most.
pub(super) struct Bar(pub(super) u64, pub(super) u64);

impl Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = share(self.0, self.1) * 100.0;
        write!(
            f,
            "<div class=\"bar\"><span style=\"width:{percent:.1}%\"></span></div>"
        )
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// One row: a label, a bar of several parts, a figure.
fn row(out: &mut impl Write, at: usize, label: &str, parts: &[(&str, u64)], most: u64, figure: &str) -> io::Result<()> {
    let top = at as f64 * ROW;
    let scale = |count: u64| share(count, most) * (WIDTH - LABEL - FIGURE);
    writeln!(out, "<text x=\"0\" y=\"{:.0}\">{label}</text>", top + 21.0)?;
    let mut left = LABEL;
    for &(class, count) in parts {
        if count > 0 {
            // Even one of a million is to be seen.
            let width = scale(count).max(1.5);
            writeln!(
                out,
                "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{:.0}\" width=\"{width:.1}\" height=\"22\" rx=\"2\"><title>{}</title></rect>",
                top + 5.0,
                thousands(count)
            )?;
            left += width;
        }
    }
    writeln!(
        out,
        "<text class=\"quiet\" x=\"{:.1}\" y=\"{:.0}\">{figure}</text>",
        left + 8.0,
        top + 21.0
    )
}

fn begin(out: &mut impl Write, rows: usize, description: &str) -> io::Result<()> {
    let height = rows as f64 * ROW;
    writeln!(
        out,
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{description}\">"
    )
}

/// Events by type and outcome.
pub(super) fn by_type(types: &[TypeCount], out: &mut impl Write) -> io::Result<()> {
    let Some(most) = types.iter().map(|kind| kind.events).max() else {
        return Ok(());
    };
    writeln!(out, "<section>\n<h2>Events by type and outcome</h2>")?;
    begin(out, types.len(), "Events by type and outcome")?;
    for (at, kind) in types.iter().enumerate() {
        let parts = [
            ("sent", kind.can_be_sent()),
            ("failing", kind.would_fail),
            ("rejected", kind.rejected),
            ("skipped", kind.skipped),
        ];
        row(out, at, kind.name, &parts, most, &thousands(kind.events))?;
    }
    writeln!(
        out,
        "</svg>\n<div class=\"key\"><i class=\"sent\"></i>can be sent<i class=\"failing\"></i>would fail\
         <i class=\"rejected\"></i>rejected\
         <i class=\"skipped\"></i>not meant for Intercom</div>\n</section>"
    )
}

/// The number of event names against the limit.
pub(super) fn names(distinct: usize, limit: usize, out: &mut impl Write) -> io::Result<()> {
    let most = distinct.max(limit) as u64;
    let class = if distinct > limit { "rejected" } else { "sent" };
    begin(out, 2, &format!("{distinct} event names; Intercom allows {limit}"))?;
    row(
        out,
        0,
        "in the file",
        &[(class, distinct as u64)],
        most,
        &distinct.to_string(),
    )?;
    row(out, 1, "allowed", &[("track", limit as u64)], most, &limit.to_string())?;
    writeln!(out, "</svg>")
}

/// The calls with what delivery saves, without, and at most.
pub(super) fn calls(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let Effort {
        expected,
        plain,
        worst_case,
    } = report.calls;
    writeln!(
        out,
        "<section>\n<h2>Calls to Intercom</h2>\n<p>About {}: {} at Intercom's limit of 10,000 calls a minute.</p>",
        counted(expected, "call"),
        report.duration()
    )?;
    begin(
        out,
        3,
        &format!("About {expected} calls, {plain} without savings, {worst_case} at most"),
    )?;
    for (at, (label, calls)) in [("expected", expected), ("one by one", plain), ("at most", worst_case)]
        .into_iter()
        .enumerate()
    {
        row(out, at, label, &[("sent", calls)], worst_case, &thousands(calls))?;
    }
    writeln!(
        out,
        "</svg>\n<p class=\"hint\">Expected: contacts that are known are not searched again, and what would change nothing is not sent. \
         One by one: without these savings. At most: also if everything is in the way that can be, such as archived contacts, emails \
         of somebody else and companies that are gone.</p>\n</section>"
    )
}
