//! What people do, as random events; and what the workspace is to hold in the end.

mod happening;
mod model;
mod replay;
mod workload;

pub(crate) use happening::{Action, Happening, Identity, LATE, LATE_OF_COMPANY};
pub use model::{Ending, Model};
pub(crate) use model::{difference, lines};
pub(crate) use workload::{Kinds, Mix, Site, event, random};
