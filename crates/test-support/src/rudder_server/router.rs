//! rudder-server's router for one destination: which jobs it hands out, and what it makes of what it is told. Without I/O
//! and clock; moments are told as the time since the beginning.
//!
//! It is written from what the real one was seen to do, not from its code.

use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

/// How long things take, and how many there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) workers: usize,
    /// How many jobs a worker collects.
    pub(crate) batch: usize,
    /// How often it hands over what it has collected, if that is less.
    pub(crate) patience: Duration,
    /// How long a job waits that failed once; it doubles every time.
    pub(crate) backoff: Duration,
    pub(crate) longest_backoff: Duration,
    /// For how long a job is tried that fails with 5xx, and how often at least.
    pub(crate) gives_up_after: Duration,
    pub(crate) attempts: u32,
}

impl Pace {
    /// What was seen.
    pub(crate) fn real() -> Self {
        Self {
            workers: 64,
            ..Self::scaled(1)
        }
    }

    /// What was seen, so many times as fast, with fewer workers.
    pub(crate) fn scaled(faster: u32) -> Self {
        let scaled = |seconds| Duration::from_secs(seconds) / faster;
        Self {
            workers: 8,
            batch: 20,
            patience: scaled(5),
            backoff: scaled(10),
            longest_backoff: scaled(300),
            gives_up_after: scaled(180 * 60),
            attempts: 3,
        }
    }
}

/// Where a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is handed out from then on, once those before it are done.
    Waiting(Duration),
    Executing,
    Succeeded,
    Aborted,
}

/// An event on its way.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Whose it is: those of one key stay in order.
    pub(crate) key: String,
    pub(crate) message: Value,
    pub(crate) attempts: u32,
    pub(crate) first_attempt: Option<Duration>,
    state: State,
}

/// What a worker is to do.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Have these jobs transformed.
    Send(Vec<usize>),
    /// Ask again at that moment.
    Wait(Duration),
    /// Nothing is left for this worker.
    Done,
}

/// The router.
#[derive(Debug)]
pub(crate) struct Router {
    pace: Pace,
    jobs: Vec<Job>,
    /// By worker, the jobs that are not done, in order.
    open: Vec<Vec<usize>>,
    /// By worker, when it hands over what it has collected.
    due: Vec<Duration>,
    /// The keys of which a job was aborted, and none has succeeded since: their jobs come one at a time.
    one_by_one: BTreeSet<String>,
}

/// When the workers hand over what they have collected first: not all at once.
fn due(pace: Pace) -> Vec<Duration> {
    let workers = u32::try_from(pace.workers).unwrap_or(u32::MAX);
    (1..=workers).map(|worker| pace.patience * worker / workers).collect()
}

impl Router {
    pub(crate) fn new(pace: Pace) -> Self {
        Self {
            open: vec![Vec::new(); pace.workers],
            due: due(pace),
            pace,
            jobs: Vec::new(),
            one_by_one: BTreeSet::new(),
        }
    }

    /// An event arrives.
    pub(crate) fn add(&mut self, at: Duration, key: String, message: Value) {
        let worker = self.worker_of(&key);
        self.open[worker].push(self.jobs.len());
        self.jobs.push(Job {
            key,
            message,
            attempts: 0,
            first_attempt: None,
            state: State::Waiting(at),
        });
    }

    pub(crate) fn job(&self, at: usize) -> &Job {
        &self.jobs[at]
    }

    pub(crate) fn aborted(&self) -> usize {
        self.jobs.iter().filter(|job| job.state == State::Aborted).count()
    }

    /// How many attempts the jobs took beyond their first.
    pub(crate) fn repeats(&self) -> usize {
        self.jobs
            .iter()
            .filter_map(|job| usize::try_from(job.attempts).ok())
            .sum()
    }

    fn worker_of(&self, key: &str) -> usize {
        // FNV-1a, of which the lower bits depend on all of the key.
        let hash = key.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
        usize::try_from(hash).unwrap_or_default() % self.pace.workers
    }

    /// The next jobs of a worker that has none.
    pub(crate) fn turn(&mut self, worker: usize, now: Duration) -> Turn {
        let jobs = &self.jobs;
        self.open[worker].retain(|at| !matches!(jobs[*at].state, State::Succeeded | State::Aborted));
        if self.open[worker].is_empty() {
            return Turn::Done;
        }
        let mut blocked: BTreeSet<&str> = BTreeSet::new();
        let (mut batch, mut next) = (Vec::new(), Duration::MAX);
        for at in &self.open[worker] {
            let job = &self.jobs[*at];
            let State::Waiting(from) = job.state else { continue };
            if blocked.contains(job.key.as_str()) {
                continue;
            }
            if from > now {
                next = next.min(from);
                blocked.insert(&job.key);
                continue;
            }
            if job.attempts > 0 || self.one_by_one.contains(&job.key) {
                blocked.insert(&job.key);
            }
            batch.push(*at);
            if batch.len() == self.pace.batch {
                break;
            }
        }
        let due = &mut self.due[worker];
        let is_due = now >= *due;
        if is_due {
            *due = now + self.pace.patience;
        }
        if batch.len() < self.pace.batch && (batch.is_empty() || !is_due) {
            return Turn::Wait(next.min(*due));
        }
        for at in &batch {
            let job = &mut self.jobs[*at];
            job.state = State::Executing;
            job.first_attempt.get_or_insert(now);
        }
        Turn::Send(batch)
    }

    /// A job has come to this status.
    pub(crate) fn ended(&mut self, at: usize, status: u16, now: Duration) {
        let pace = self.pace;
        let job = &mut self.jobs[at];
        job.state = match status {
            200..=299 => State::Succeeded,
            408 | 429 | 500..=599 => {
                job.attempts += 1;
                let tried_for = now.saturating_sub(job.first_attempt.unwrap_or(now));
                if status >= 500 && job.attempts >= pace.attempts && tried_for >= pace.gives_up_after {
                    State::Aborted
                } else {
                    let wait = pace.backoff.saturating_mul(1 << (job.attempts - 1).min(16));
                    State::Waiting(now + wait.min(pace.longest_backoff))
                }
            }
            _ => State::Aborted,
        };
        match job.state {
            State::Succeeded => _ = self.one_by_one.remove(&job.key),
            State::Aborted => _ = self.one_by_one.insert(job.key.clone()),
            State::Waiting(_) | State::Executing => {}
        }
    }

    /// A job was not sent, because one before it has failed.
    pub(crate) fn waits(&mut self, at: usize, now: Duration) {
        let job = &mut self.jobs[at];
        if job.attempts == 0 {
            job.first_attempt = None;
        }
        job.state = State::Waiting(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn router(keys: &[&str]) -> Router {
        let mut pace = Pace::scaled(1);
        pace.workers = 1;
        let mut router = Router::new(pace);
        for key in keys {
            router.add(second(0), (*key).to_owned(), Value::Null);
        }
        router
    }

    fn sent(router: &mut Router, at: u64) -> Vec<usize> {
        match router.turn(0, second(at)) {
            Turn::Send(batch) => batch,
            Turn::Wait(_) | Turn::Done => Vec::new(),
        }
    }

    #[test]
    fn a_worker_collects_for_five_seconds_or_twenty_jobs() {
        let mut few = router(&["a", "b"]);
        assert!(sent(&mut few, 4).is_empty());
        assert_eq!(sent(&mut few, 5), [0, 1]);
        let mut many = router(&["a"; 30]);
        assert_eq!(sent(&mut many, 0).len(), 20);
    }

    #[test]
    fn one_that_failed_comes_alone_after_a_while_and_holds_its_key_up() {
        let mut router = router(&["a", "a", "b"]);
        assert_eq!(sent(&mut router, 5), [0, 1, 2]);
        router.ended(0, 429, second(5));
        router.waits(1, second(5));
        router.ended(2, 299, second(5));
        assert!(sent(&mut router, 14).is_empty());
        assert_eq!(sent(&mut router, 20), [0]);
        router.ended(0, 429, second(20));
        assert!(sent(&mut router, 39).is_empty());
        assert_eq!(sent(&mut router, 45), [0]);
        router.ended(0, 299, second(45));
        assert_eq!(sent(&mut router, 50), [1]);
    }

    #[test]
    fn after_an_abort_jobs_come_one_at_a_time_until_one_succeeds() {
        let mut router = router(&["a"; 4]);
        assert_eq!(sent(&mut router, 5).len(), 4);
        router.ended(0, 400, second(5));
        (1..4).for_each(|at| router.waits(at, second(5)));
        assert_eq!(sent(&mut router, 10), [1]);
        router.ended(1, 299, second(10));
        assert_eq!(sent(&mut router, 15), [2, 3]);
        assert_eq!(router.aborted(), 1);
    }

    #[test]
    fn one_that_fails_with_5xx_is_given_up_after_hours_and_one_with_429_is_not() {
        for (status, aborted) in [(500, 1), (429, 0)] {
            let mut router = router(&["a"]);
            let mut now = second(5);
            for _ in 0..60 {
                now += second(310);
                if !sent(&mut router, now.as_secs()).is_empty() {
                    router.ended(0, status, now);
                }
            }
            assert_eq!(router.aborted(), aborted, "{status}");
        }
    }
}
