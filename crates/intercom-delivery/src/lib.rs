#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

#[cfg(feature = "client")]
pub mod client;
mod engine;
mod erasure;
mod record;

pub use engine::*;
pub use erasure::{Erasure, ErasureError, RequestedDeletion};
pub use record::FailureRecord;
