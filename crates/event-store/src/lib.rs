#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]

mod accepted;
mod awaiting;
mod claim;
mod clock;
mod counters;
mod dead_letter;
mod dropping;
mod early;
mod error;
mod event;
mod forgetting;
mod group;
mod guard;
mod history;
mod in_place;
mod intents;
mod managing;
mod pending;
mod queue;
mod reassigning;
mod recipient;
mod schema;
mod seen;
mod settings;
mod settled;
mod statements;
mod store;
mod target;
#[cfg(test)]
mod tests;
mod totals;
mod transaction;
mod undelivered;
mod writer;

pub use accepted::{Accepted, Refusal};
pub use awaiting::Recalled;
pub use clock::{Clock, now};
pub use counters::{CodeCount, Minute};
pub use dead_letter::{DeadLetter, Filter};
pub use early::{EarlyEvent, Keeping};
pub use error::Error;
pub use event::{CompleteEvent, MessageKey};
pub use forgetting::{Person, Traces};
pub use guard::Condition;
pub use history::{
    EventHistory, EventState, Find, Note, Step, StepDetail, StepKind, Trace, TraceKey, TracedEvent, Wanted,
};
pub use managing::Dropped;
pub use pending::Pending;
pub use queue::{Queue, QueueStatus};
pub use recipient::{Place, Recipient};
pub use settings::{Awaiting, Bounds, DeadLetters, History, Keeper, Repeats, StoreSettings};
pub use settled::{About, Awaited, How, Settled, Settlement, Undelivered};
pub use store::Store;
pub use target::{Target, TargetId};
