//! Delivery of an input: what `send` is made of.

mod abort;
mod awaiting;
mod dead_letters;
mod prepare;
mod progress;
mod records;
mod remedy;
mod run;
mod summary;
mod tracker;
mod under_way;
mod warned;

pub(crate) use dead_letters::DeadLetters;
pub(crate) use prepare::{Choice, Prepared, Preparer};
pub(crate) use remedy::remedy;
pub(crate) use run::{Delivered, End, Job, deliver};
pub(crate) use summary::Summary;
pub(crate) use warned::Warned;
