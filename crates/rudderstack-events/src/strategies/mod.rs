//! [proptest](https://docs.rs/proptest) strategies: events as SDKs send them, malformed ones, and any JSON whatever.
//!
//! They make [`Json`] trees, which keep the order of keys and the text of numbers, and are written as JSON with
//! `to_string()`. Behind the feature `strategies`.
//!
//! ```
//! use proptest::prelude::*;
//! use rudderstack_events::{Event, strategies};
//!
//! proptest!(|(event in strategies::event())| {
//!     let text = event.to_string();
//!     prop_assert!(Event::from_json(&text).unwrap().event_type().is_some());
//! });
//! ```

mod events;
mod json;
mod malformed;

pub use events::{address, event, event_of, id, person, properties, time};
pub use json::{Json, json, number, scalar, text};
pub use malformed::{broken_text, malformed, malformed_event};
