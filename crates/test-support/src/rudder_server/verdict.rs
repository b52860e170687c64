//! What a day came to.

use super::day::{Day, Way};
use crate::people::{Model, difference, lines};
use serde_json::Value;
use std::collections::BTreeSet;

/// How far the workspace is from what it is to hold.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) people: usize,
    /// How many of them are not as they should be.
    pub(crate) wrong: usize,
    /// How many links between people and companies are missing.
    pub(crate) links: usize,
    /// How many jobs were given up that could have been delivered.
    pub(crate) lost: usize,
    /// How many jobs were done, to rudder-server, that cannot be delivered.
    pub(crate) spared: usize,
    /// What differs, line by line.
    pub(crate) difference: Vec<String>,
}

impl Verdict {
    /// Compares the state of a sandbox with the model, and the jobs that were given up with those that can never be delivered.
    pub(crate) fn new(model: &Model, state: &Value, aborted: usize, day: &Day) -> Self {
        let given_up = day.given_up(model);
        let (expected, actual) = (model.lines(), lines(state));
        let difference = difference(&expected, &actual);
        let links_there = links(&actual);
        Self {
            people: model.people(),
            wrong: difference
                .iter()
                .filter(|line| line.starts_with("missing: contact"))
                .count(),
            links: links(&expected)
                .iter()
                .filter(|link| !links_there.contains(*link))
                .count(),
            lost: aborted.saturating_sub(given_up),
            spared: given_up.saturating_sub(aborted),
            difference,
        }
    }

    /// Whether all is as it should be, so far as that way can have it. Where rudder-server makes calls, what is lost is how
    /// that is.
    pub(crate) fn is_as_expected(&self, way: Way) -> bool {
        way != Way::Here || self.difference.is_empty() && self.lost == 0 && self.spared == 0
    }

    /// What is not as it should be, line by line.
    pub(crate) fn into_lines(self) -> Vec<String> {
        let jobs = [
            (self.lost, "were lost"),
            (self.spared, "that cannot be delivered were done"),
        ];
        let jobs = jobs.into_iter().filter(|(count, _)| *count > 0);
        let jobs = jobs.map(|(count, what)| format!("{count} jobs {what}"));
        jobs.chain(self.difference).collect()
    }
}

/// Who is in which company.
fn links(lines: &[String]) -> BTreeSet<(String, String)> {
    let contacts = lines.iter().filter_map(|line| {
        let (name, _) = line.strip_prefix("contact ")?.split_once(' ')?;
        let companies: Vec<String> = serde_json::from_str(line.rsplit_once(" in ")?.1).ok()?;
        Some(companies.into_iter().map(move |company| (name.to_owned(), company)))
    });
    contacts.flatten().collect()
}
