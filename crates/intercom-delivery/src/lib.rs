#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

#[cfg(feature = "client")]
pub mod client;
mod engine;

pub use engine::*;
