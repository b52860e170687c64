//! Whether Intercom can be reached at all. A delivery that cannot succeed ends, rather than trying each call again.

use intercom_api::Call;
use intercom_delivery::Response;
use intercom_delivery::client::{Cause, Transport, TransportError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// How long a name may not be found before it counts as not there.
const NAME_PATIENCE: Duration = Duration::from_secs(5);
/// The same once calls have come through: then the resolver is out of order, rather than the name.
const KNOWN_NAME_PATIENCE: Duration = Duration::from_secs(60);
/// How often a name is looked up before it counts as not there.
const NAME_TRIES: u32 = 3;

/// What the calls so far say of it.
#[derive(Debug, Default)]
pub(super) struct Reach {
    state: Mutex<State>,
    lost: Notify,
}

#[derive(Debug, Default)]
struct State {
    has_reached: bool,
    /// Since when the name is not found, and how often it was not.
    nameless: Option<(Instant, u32)>,
    reason: Option<String>,
}

impl Reach {
    /// Waits until it is certain that Intercom cannot be reached.
    pub(super) async fn lost(&self) {
        self.lost.notified().await;
    }

    /// Why Intercom cannot be reached, once that is certain.
    pub(super) fn reason(&self) -> Option<String> {
        self.state().reason.clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, result: &Result<Response, TransportError>, now: Instant) {
        let mut state = self.state();
        let Err(error) = result else {
            state.has_reached = true;
            state.nameless = None;
            return;
        };
        let is_certain = match error.cause {
            Cause::NoSuchHost => {
                let (since, count) = state.nameless.unwrap_or((now, 0));
                state.nameless = Some((since, count + 1));
                let patience = if state.has_reached {
                    KNOWN_NAME_PATIENCE
                } else {
                    NAME_PATIENCE
                };
                count + 1 >= NAME_TRIES && now.duration_since(since) >= patience
            }
            _ => !error.is_retryable(),
        };
        if is_certain && state.reason.is_none() {
            state.reason = Some(crate::exit::with_causes(error));
            self.lost.notify_one();
        }
    }
}

/// A transport whose failures are noted.
#[derive(Debug)]
pub(super) struct Watched<T> {
    transport: T,
    reach: Arc<Reach>,
}

impl<T> Watched<T> {
    pub(super) fn new(transport: T, reach: Arc<Reach>) -> Self {
        Self { transport, reach }
    }
}

impl<T: Transport> Transport for Watched<T> {
    async fn send(&self, call: &Call) -> Result<Response, TransportError> {
        let result = self.transport.send(call).await;
        self.reach.note(&result, Instant::now());
        result
    }

    fn host(&self) -> &str {
        self.transport.host()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_lost(calls: &[(u64, Result<(), Cause>)]) -> bool {
        let (reach, start) = (Reach::default(), Instant::now());
        for (at, result) in calls {
            let result = match result {
                Ok(()) => Ok(Response::new(200, "")),
                Err(cause) => Err(TransportError::of(*cause)),
            };
            reach.note(&result, start + Duration::from_secs(*at));
        }
        reach.reason().is_some()
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
