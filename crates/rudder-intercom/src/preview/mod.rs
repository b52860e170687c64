//! What events would make of a workspace: they are delivered, by what `send` is made of, to a copy that lives in memory and
//! is read from the workspace as far as it is needed. Nothing is written to the workspace.

mod answers;
mod changes;
mod companies;
mod contacts;
mod fields;
mod index;
mod kept;
mod overlay;
mod questions;
mod reader;
mod state;
mod wanted;

pub(crate) use changes::{Change, Changes, Effect, Link, What};
pub(crate) use kept::{KeptError, Opened};
pub(crate) use overlay::{MOST_READ_AGAIN, Overlay};
pub(crate) use questions::Key;
pub(crate) use reader::Reader;
pub(crate) use wanted::Wanted;
