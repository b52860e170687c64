#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod model;

pub mod call;
pub mod companies;
pub mod contacts;
pub mod data_attributes;
pub mod deletion;
pub mod errors;
pub mod events;
pub mod ids;
pub mod json;
pub mod limits;
pub mod operation;
pub mod tags;
pub mod version;

pub use call::{Call, Method};
pub use companies::*;
pub use contacts::*;
pub use data_attributes::*;
pub use deletion::*;
pub use errors::{ApiError, ContactConflict, ErrorCode, ErrorItem, ErrorKind};
pub use events::*;
pub use ids::*;
pub use json::{Attributes, Number, Value};
pub use limits::RateLimit;
pub use model::OrEmpty;
pub use operation::{Operation, OperationId};
pub use tags::*;
pub use version::{ApiVersion, Region};
