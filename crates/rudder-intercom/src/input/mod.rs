//! Events out of files and pipes: lines, arrays, batches, captured requests, dead letters, compressed or not.
//!
//! A [`Splitter`] cuts the input into records, as fast as newlines can be found; a [`Chunk`] of them is then read by
//! whichever thread is free. Memory does not depend on how long the input is.

mod chunk;
mod fault;
mod open;
mod read;
mod scan;
mod split;
#[cfg(test)]
mod tests;
mod window;
mod zstd;

pub use chunk::Chunk;
pub use fault::{Fault, FaultKind};
pub use open::{Opened, Position, Source};
pub use read::{Item, Received};
pub use split::Splitter;
