//! Events whose contact has come: from where they wait to the engine, in their order.

use crate::feed::{Converted, UnderWay, convert, lock};
use event_store::{Recalled, Settled, Store};
use intercom_delivery::client::Submissions;
use intercom_delivery::{Arrival, Submission};
use rudderstack_to_intercom::Destination;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;

/// So many are recalled at a time.
const AT_A_TIME: usize = 64;
/// How long to wait before it is tried again to write to the store.
const AGAIN: Duration = Duration::from_secs(1);

/// Recalls events, each contact's for itself.
#[derive(Clone)]
pub(crate) struct Recaller {
    store: Store,
    destination: Destination,
    submissions: Submissions,
    under_way: UnderWay,
    /// Whom to tell when an event has ended.
    followers: Arc<Mutex<HashMap<i64, mpsc::UnboundedSender<()>>>>,
}

impl Recaller {
    pub(crate) fn new(store: Store, destination: Destination, submissions: Submissions, under_way: UnderWay) -> Self {
        Self {
            store,
            destination,
            submissions,
            under_way,
            followers: Arc::default(),
        }
    }

    /// An event has ended.
    pub(crate) fn ended(&self, seq: i64) {
        if let Some(follower) = lock(&self.followers).remove(&seq) {
            // Nobody follows any more once everything ends.
            let _ = follower.send(());
        }
    }

    /// A contact has come. What waits for it by now is settled.
    pub(crate) fn arrived(&self, arrival: Arrival) {
        let recaller = self.clone();
        tokio::spawn(async move { recaller.recall(arrival).await });
    }

    async fn recall(self, arrival: Arrival) {
        while !self.submissions.is_closed() {
            let Ok(recalled) = self.store.recall(arrival.keys.clone(), AT_A_TIME).await else {
                // Unless the store has been closed, it is about to be written again.
                tokio::time::sleep(AGAIN).await;
                continue;
            };
            if recalled.is_empty() {
                self.submissions.all_recalled(arrival.id);
                return;
            }
            let (follower, mut followed) = mpsc::unbounded_channel();
            let submissions = self.ready(recalled, &follower).await;
            drop(follower);
            if !submissions.is_empty() && !self.submissions.recall(arrival.id, submissions) {
                return;
            }
            while followed.recv().await.is_some() {}
        }
    }

    /// The events as they are handed in.
    async fn ready(&self, recalled: Vec<Recalled>, follower: &mpsc::UnboundedSender<()>) -> Vec<Submission> {
        let (mut ready, mut settled) = (Vec::new(), Vec::new());
        for Recalled {
            event, saved_company, ..
        } in recalled
        {
            match convert(&event, &self.destination) {
                Converted::Settled(settlement) => settled.push(Settled::new(event.seq, settlement)),
                Converted::Ready(mut one) => {
                    one.submission.saved_company = saved_company;
                    lock(&self.under_way).insert(event.seq, one.known);
                    lock(&self.followers).insert(event.seq, follower.clone());
                    ready.push(*one.submission);
                }
            }
        }
        // A store that has been closed has the events.
        let _ = self.store.settle(settled).await;
        ready
    }
}
