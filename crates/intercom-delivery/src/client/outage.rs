//! Whether Intercom can be reached: what its responses, and the want of them, say of it.
//!
//! That there is an outage, and when it is over, the engine says. Here it gets its name, and here is found out what no
//! patience mends: a name that there is not, a certificate that is not trusted.

use super::{Cause, TransportError};
use crate::engine::Time;
use crate::response::Response;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// How long a name may not be found before it counts as not there.
const NAME_PATIENCE: Duration = Duration::from_secs(5);
/// The same once calls have come through: then the resolver is out of order, rather than the name.
const KNOWN_NAME_PATIENCE: Duration = Duration::from_secs(60);
/// How often a name is looked up before it counts as not there.
const NAME_TRIES: u32 = 3;

/// Intercom cannot be reached, or fails whatever is asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outage {
    /// Where calls go.
    pub host: String,
    /// What became of the last of them.
    pub cause: String,
    /// When the first call failed.
    pub since: Time,
}

/// What is known of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Reach {
    pub(super) outage: Option<Outage>,
    pub(super) unreachable: Option<Arc<TransportError>>,
}

/// What the calls so far say of it.
#[derive(Debug)]
pub(super) struct Reachability {
    has_reached: bool,
    /// Since when the name is not found, and how often it was not.
    nameless: Option<(Instant, u32)>,
    /// What became of the last call that was not answered as it should be.
    cause: String,
    known: watch::Sender<Reach>,
}

impl Reachability {
    pub(super) fn new() -> (Self, watch::Receiver<Reach>) {
        let (known, seen) = watch::channel(Reach::default());
        let reachability = Self {
            has_reached: false,
            nameless: None,
            cause: String::new(),
            known,
        };
        (reachability, seen)
    }

    /// A call has got a response.
    pub(super) fn answered(&mut self, response: &Response) {
        self.has_reached = true;
        self.nameless = None;
        self.cause = match response.status {
            200..300 => "the response is not Intercom's".to_owned(),
            status => format!("it answers with status {status}"),
        };
    }

    /// A call has got none.
    pub(super) fn failed(&mut self, error: TransportError, now: Instant) {
        error.cause.meaning().clone_into(&mut self.cause);
        let is_certain = match error.cause {
            Cause::NoSuchHost => {
                let (since, count) = self.nameless.unwrap_or((now, 0));
                self.nameless = Some((since, count + 1));
                let patience = if self.has_reached {
                    KNOWN_NAME_PATIENCE
                } else {
                    NAME_PATIENCE
                };
                count + 1 >= NAME_TRIES && now.duration_since(since) >= patience
            }
            cause => cause.is_permanent(),
        };
        if is_certain && self.known.borrow().unreachable.is_none() {
            self.known
                .send_modify(|known| known.unreachable = Some(Arc::new(error)));
        }
    }

    /// Says when an outage begins and when it ends.
    pub(super) fn watch(&self, since: Option<Time>, host: &str, now: Time) {
        let known = self.known.borrow().outage.clone();
        match (known, since) {
            (None, Some(since)) => {
                let cause = self.cause.clone();
                tracing::warn!(code = "outage", %host, %cause, "Intercom cannot be reached; it is tried again every few seconds");
                let host = host.to_owned();
                self.known
                    .send_modify(|known| known.outage = Some(Outage { host, cause, since }));
            }
            (Some(Outage { host, cause, since }), None) => {
                let seconds = now.since(since).as_secs();
                tracing::warn!(code = "outage_over", %host, %cause, seconds, "Intercom can be reached again");
                self.known.send_modify(|known| known.outage = None);
            }
            (None, None) | (Some(_), Some(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_lost(calls: &[(u64, Result<(), Cause>)]) -> bool {
        let (mut reachability, seen) = Reachability::new();
        let start = Instant::now();
        for (at, result) in calls {
            let now = start + Duration::from_secs(*at);
            match result {
                Ok(()) => reachability.answered(&Response::new(200, "")),
                Err(cause) => reachability.failed(TransportError::of(*cause), now),
            }
        }
        seen.borrow().unreachable.is_some()
    }

    #[test]
    fn what_will_not_pass_ends_it_and_a_missing_name_after_a_while() {
        assert!(is_lost(&[(0, Ok(())), (1, Err(Cause::Certificate))]));
        assert!(!is_lost(&[(0, Err(Cause::Refused)), (600, Err(Cause::ConnectTimeout))]));
        let missing = Err(Cause::NoSuchHost);
        assert!(is_lost(&[(0, missing), (1, missing), (6, missing)]));
        assert!(!is_lost(&[(0, missing), (0, missing), (0, missing)]));
        assert!(!is_lost(&[(0, Ok(())), (1, missing), (2, missing), (7, missing)]));
        assert!(!is_lost(&[
            (0, missing),
            (1, missing),
            (4, Ok(())),
            (5, missing),
            (6, missing)
        ]));
    }
}
