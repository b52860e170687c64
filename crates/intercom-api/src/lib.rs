#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

pub mod call;
pub mod ids;
pub mod json;
pub mod operation;
pub mod version;

pub use call::{Call, Method};
pub use ids::*;
pub use json::{Attributes, Number, Value};
pub use operation::{Operation, OperationId};
pub use version::{ApiVersion, Region};
