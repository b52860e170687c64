//! What is well and what is not, between this machine and a workspace.

mod checks;
mod disk;
mod gateway;
mod report;

pub(crate) use checks::{
    another_token, attributes, clock, elsewhere, event_names, limit, names, reads, token_file, unencrypted, used_up,
};
pub(crate) use disk::free;
pub(crate) use gateway::{OLDEST, ready, waiting};
pub(crate) use report::{Check, Report};
