//! What an operator asks of a workspace: what events would change in it, and whether it has what they say.

mod changes;
mod diff;
mod html;
mod people;
mod played;
mod refused;
mod text;
mod verify;

pub(crate) use diff::Diff;
pub(crate) use people::{People, Sample};
pub(crate) use played::{Played, play};
pub(crate) use verify::{Delivered, Verification};
