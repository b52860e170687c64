//! What would happen to the events of an input, in total.

mod capped;
mod html;
mod moments;
mod report;
mod savings;
mod tally;
mod text;

pub(crate) use report::Report;
pub(crate) use tally::{Checker, Tally};
