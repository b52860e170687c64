//! How often something happens, with examples.

/// How many lines are named as examples.
const EXAMPLES: usize = 3;

/// How often something happened, and where first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noted {
    pub(crate) count: u64,
    pub(crate) lines: Vec<u64>,
}

impl Noted {
    pub(crate) fn note(&mut self, line: u64) {
        self.count += 1;
        if self.lines.len() < EXAMPLES && self.lines.last() != Some(&line) {
            self.lines.push(line);
        }
    }

    /// Adds what was noted elsewhere.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.lines.extend(&other.lines);
        self.lines.sort_unstable();
        self.lines.dedup();
        self.lines.truncate(EXAMPLES);
    }
}
