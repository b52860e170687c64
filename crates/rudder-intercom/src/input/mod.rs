//! Events out of files and pipes: lines, arrays, batches, captured requests, dead letters, compressed or not.
//!
//! A [`Splitter`] cuts the input into records, as fast as newlines can be found; a [`Chunk`] of them is then read by
//! whichever thread is free. Memory does not depend on how long the input is.

mod chunk;
mod fault;
mod foreign;
mod open;
mod read;
mod scan;
mod split;
#[cfg(test)]
mod tests;
mod window;
mod zstd;

pub(crate) use chunk::Chunk;
pub(crate) use fault::{Fault, FaultKind};
pub(crate) use open::{Opened, Position, Source};
pub(crate) use read::{Item, Received};
pub(crate) use split::Splitter;
