//! What the ways to play a rehearsal share: where, how, how long, and what can go wrong.

use crate::people::Mix;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What goes wrong.
pub(super) type Fault = Box<dyn std::error::Error + Send + Sync>;

/// How long a process may take to stop: the time that one call may take, and a second.
pub(super) const STOP: Duration = Duration::from_secs(31);
/// How long a process may take to do all that is left.
pub(super) const FINISH: Duration = Duration::from_secs(120);

/// How a mode is played.
#[derive(Clone, Copy, Debug)]
pub(super) struct Play {
    pub(super) mix: Mix,
    /// How many seconds searches lag behind.
    pub(super) lag: f64,
    pub(super) fault_rate: f64,
    pub(super) kills: bool,
    pub(super) stops: bool,
}

/// What a rehearsal came to, if all was as it should be.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// How many events there were.
    pub events: usize,
    /// How often the program was ended before it was done.
    pub ends: usize,
    /// Behind rudder-server: how many calls were made.
    pub calls: u64,
    /// How many people there were.
    pub people: usize,
    /// How many of them are not as they should be.
    pub wrong: usize,
    /// How many events were given up that could have been delivered.
    pub lost: usize,
    /// How much time of processors the services took, as far as the system tells.
    pub processor: Duration,
}

/// What was not as it should be.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// The state is not that of the model: what is missing, and what there is too much of.
    Wrong(Vec<String>),
    /// The summary does not say what became of the events.
    Summary(String),
    /// The program did not end in time.
    Hangs(&'static str),
    /// The rehearsal itself could not go on.
    Broken(Fault),
}

impl<F: Into<Fault>> From<F> for Failure {
    fn from(fault: F) -> Self {
        Self::Broken(fault.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrong(lines) => {
                write!(f, "the state is wrong:")?;
                lines.iter().take(12).try_for_each(|line| write!(f, "\n    {line}"))
            }
            Self::Summary(text) => write!(f, "the summary is wrong: {text}"),
            Self::Hangs(what) => write!(f, "{what} takes too long"),
            Self::Broken(fault) => write!(f, "the rehearsal cannot go on: {fault}"),
        }
    }
}

/// Where a rehearsal finds the program, and may write.
#[derive(Clone, Debug)]
pub struct Stage {
    program: PathBuf,
    folder: PathBuf,
    people: Option<usize>,
}

impl Stage {
    /// The program, and a folder that is there and empty.
    pub fn new(program: impl Into<PathBuf>, folder: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            folder: folder.into(),
            people: None,
        }
    }

    /// The same where so many people come to a website, as they came to that on which the real rudder-server was seen: for
    /// modes behind rudder-server, which are a few people's otherwise. It is slower, so that requests are as small as real ones.
    #[must_use]
    pub fn with_people(mut self, people: Option<usize>) -> Self {
        self.people = people;
        self
    }

    /// Where it may write.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn people(&self) -> Option<usize> {
        self.people
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(super) fn program(&self) -> &Path {
        &self.program
    }
}
