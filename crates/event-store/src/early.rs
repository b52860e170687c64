//! Events that come before their contact, as they are handed in by a transformer.

use crate::accepted::Refusal;
use crate::event::CompleteEvent;
use crate::settled::Awaited;
use crate::target::Target;
use tokio::sync::oneshot;

/// An event that is to wait for its contact, without having been in the queue. `Debug` shows how long it is.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EarlyEvent {
    /// The event.
    pub event: CompleteEvent,
    /// When it was converted, in Unix milliseconds: one that has no time of its own keeps this one.
    pub at: i64,
    /// Where it goes.
    pub target: Target,
    /// What it waits for.
    pub awaited: Awaited,
}

impl EarlyEvent {
    /// An event of that time, for this target, that waits for this.
    pub fn new(event: CompleteEvent, at: i64, target: Target, awaited: Awaited) -> Self {
        Self {
            event,
            at,
            target,
            awaited,
        }
    }
}

/// An event that is about to be kept.
#[derive(Debug)]
pub struct Keeping(oneshot::Receiver<Result<(), Refusal>>);

impl Keeping {
    pub(super) fn new() -> (oneshot::Sender<Result<(), Refusal>>, Self) {
        let (reply, replied) = oneshot::channel();
        (reply, Self(replied))
    }

    /// Waits until the event is on disk. One that has been kept before is there already.
    ///
    /// # Errors
    ///
    /// If the store cannot be written, or has been closed: the event is not kept.
    pub async fn is_written(self) -> Result<(), Refusal> {
        self.0.await.unwrap_or(Err(Refusal::StoreFailed))
    }
}
