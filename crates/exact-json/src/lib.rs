#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]

mod any_format;
mod hide;
pub mod option;
mod reveal;
#[cfg(feature = "test-util")]
pub mod testing;
mod write;

pub use any_format::{RawJson, deserialize, serialize};
pub use reveal::{Reveal, Revealed};
pub use write::{WriteJson, plain_until, quote};
