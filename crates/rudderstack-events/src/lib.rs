#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]

pub mod context;
pub mod ecommerce;
mod error;
mod event;
mod field;
mod ids;
mod integrations;
mod json;
mod model;
mod object;
mod owned;
pub mod request;
pub mod scan;
#[cfg(feature = "strategies")]
pub mod strategies;
mod text;
mod time;
pub mod traits;
mod wrapped;

pub use context::Context;
pub use error::{ParseError, ParseErrorKind};
pub use event::{Alias, Common, Event, EventType, Group, Identify, OwnedEvent, Page, Record, Screen, Track};
pub use exact_json::{Reveal, Revealed};
pub use field::{Field, FromRaw, Malformed, Parsed};
pub use ids::{AnonymousId, GroupId, MessageId, PreviousId, UserId};
pub use integrations::{Integration, Integrations};
pub use json::{Kind, Raw, Scalar};
pub use object::Object;
pub use owned::IntoOwned;
pub use scan::MAX_DEPTH;
pub use time::Timestamp;
