//! rudder-server, instances of the transformer, and the sandbox together, under virtual time: a seed decides everything.
//!
//! The double of rudder-server hands jobs out; the transformer's real service takes the requests, delivers with its real
//! engine, and calls the sandbox. What lies between is in this process and takes no time but what is told of it: hours pass
//! in an instant, and the same seed always gives the same calls.

mod instance;
mod intercom;
mod play;
mod report;
mod scenario;

pub use report::Report;
pub use scenario::Scenario;

use crate::rudder_server::Verdict;
use crate::simulation::Violation;
use std::time::Duration;

/// How long a day may take: longer than anything is to be waited for.
const LONGEST: Duration = Duration::from_secs(8 * 60 * 60);

impl Scenario {
    /// Plays it with a seed.
    ///
    /// # Errors
    ///
    /// What does not hold, where the transformer delivers: what the workspace lacks or has too much of, how many jobs were
    /// given up in vain, or that it does not come to an end. Where rudder-server makes calls, what is lost is how that is.
    pub fn run(&self, seed: u64) -> Result<Report, Violation> {
        self.play(seed, false).1
    }

    /// The same, telling besides what happened, line by line.
    pub fn run_traced(&self, seed: u64) -> (Vec<String>, Result<Report, Violation>) {
        self.play(seed, true)
    }

    fn play(&self, seed: u64, is_traced: bool) -> (Vec<String>, Result<Report, Violation>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => return (Vec::new(), Err(Violation::new(error.to_string()))),
        };
        runtime.block_on(async {
            let played = match play::Played::new(self, seed, is_traced) {
                Ok(played) => played,
                Err(violation) => return (Vec::new(), Err(violation)),
            };
            let in_time = tokio::time::timeout(LONGEST, played.play()).await.is_ok();
            let mut verdict = Verdict::new(played.model(), &played.state(), played.aborted(), played.day());
            verdict.difference.extend(played.wrong_in_stores());
            let result = if !in_time {
                Err(Violation::new(format!("it is not over after {LONGEST:?}")))
            } else if verdict.is_as_expected(self.way) {
                Ok(played.report(&verdict))
            } else {
                let lines = verdict.into_lines();
                Err(Violation::new(
                    lines.into_iter().take(12).collect::<Vec<_>>().join("\n  "),
                ))
            };
            (played.told(), result)
        })
    }
}
