#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod batch;
pub mod context;
mod error;
mod event;
mod field;
mod ids;
mod integrations;
mod json;
pub mod scan;
#[cfg(feature = "strategies")]
pub mod strategies;
mod time;

pub use batch::Batch;
pub use context::Context;
pub use error::{ParseError, ParseErrorKind};
pub use event::{Alias, Common, Event, EventType, Group, Identify, MAX_DEPTH, Page, Record, Screen, Track};
pub use field::{Field, FromRaw, Malformed, Parsed};
pub use ids::{AnonymousId, GroupId, MessageId, PreviousId, UserId};
pub use integrations::{Integration, Integrations};
pub use json::{Kind, Object, Raw, Scalar, depth_within};
pub use time::Timestamp;
