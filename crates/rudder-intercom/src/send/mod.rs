//! Delivery of an input: what `send` is made of.

mod abort;
mod dead_letters;
mod journal;
mod prepare;
mod progress;
mod reach;
mod run;
mod summary;
mod tracker;

pub use dead_letters::DeadLetters;
pub use journal::{Journal, JournalError};
pub use prepare::{Prepared, Preparer, Ready};
pub use progress::Progress;
pub use run::{Delivered, End, Job, deliver};
pub use summary::Summary;
