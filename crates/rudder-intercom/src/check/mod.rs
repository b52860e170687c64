//! What would happen to the events of an input, in total.

mod capped;
mod findings;
mod html;
mod moments;
mod people;
mod report;
mod room;
mod savings;
mod tally;
mod text;
mod waiting;
mod workspace;

pub(crate) use moments::{Moment, Moments, SAME_SECOND};
pub(crate) use report::Report;
pub(crate) use tally::{Checker, Tally};
pub(crate) use workspace::Workspace;
