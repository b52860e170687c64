//! Events that nobody waits for any more, and those that must not come before one that has failed.

use super::Engine;
use super::job::State;
use super::submission::EventId;
use crate::codes::FailureCode;
use crate::walk::Ending;
use std::collections::HashSet;

impl Engine {
    /// Takes events back that somebody else will hand in again: no call is begun for them any more. Each fails as
    /// [`Stopped`](FailureCode::Stopped) at once, or ends with the response to the call that it has in flight. Those that
    /// are not there are passed over; one that is delivered together with others stays.
    pub fn withdraw(&mut self, events: &HashSet<EventId>) {
        for entry in self.queue.take(|entry| events.contains(&entry.event)) {
            self.cut_short(entry.seq, entry.into_submission());
        }
        let mut withdrawn = Vec::new();
        for (seq, job) in &mut self.jobs {
            let members = &job.batch.members;
            if members.iter().all(|member| events.contains(&member.event)) {
                job.is_withdrawn = true;
                if job.state != State::InFlight {
                    withdrawn.push(*seq);
                }
            }
        }
        withdrawn.sort_unstable();
        for seq in withdrawn {
            self.end(seq, Ending::Failed(FailureCode::Stopped));
        }
    }

    /// An event of a chain has failed in passing, and will come again: those after it come after it then.
    pub(super) fn hold_back(&mut self, chain: u64) {
        let identity = self.memory.chain_key(chain);
        for entry in self.queue.take_of(identity, |entry| entry.terms.chain == Some(chain)) {
            self.cut_short(entry.seq, entry.into_submission());
        }
    }
}
