//! How often something happens, with examples.

/// How many lines are named as examples.
const EXAMPLES: usize = 3;

/// How often something happened, and the first lines that it happened in, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Noted {
    pub(crate) count: u64,
    pub(crate) lines: Vec<u64>,
}

impl Noted {
    pub(crate) fn note(&mut self, line: u64) {
        self.count += 1;
        // Outcomes come in any order.
        if let Err(at) = self.lines.binary_search(&line) {
            self.lines.insert(at, line);
            self.lines.truncate(EXAMPLES);
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
