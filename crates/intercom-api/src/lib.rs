#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]

mod model;
#[cfg(feature = "validator")]
mod validation;

pub mod admins;
pub mod call;
pub mod common;
pub mod companies;
pub mod contacts;
pub mod data_attributes;
pub mod deletion;
pub mod drift;
pub mod errors;
pub mod events;
pub mod ids;
pub mod json;
pub mod limits;
pub mod notes;
pub mod operation;
pub mod pages;
pub mod route;
pub mod segments;
pub mod subscriptions;
pub mod tags;
mod time;
mod value_types;
pub mod version;
pub mod visitors;

pub use admins::*;
pub use call::Call;
pub use common::*;
pub use companies::*;
pub use contacts::*;
pub use data_attributes::*;
pub use deletion::*;
pub use errors::{ApiError, ContactConflict, ErrorCode, ErrorItem, ErrorKind};
pub use events::*;
pub use exact_json::{Reveal, Revealed};
pub use ids::*;
pub use json::{AttributeName, Attributes, Number, Value};
pub use limits::RateLimit;
pub use model::OrEmpty;
pub use notes::*;
pub use operation::{BodyOf, NoBody, Operation};
pub use pages::*;
pub use route::{Method, OperationId, Route};
pub use segments::*;
pub use subscriptions::*;
pub use tags::*;
pub use time::UnixSeconds;
#[cfg(feature = "validator")]
pub use validator::{Validate, ValidationError, ValidationErrors};
pub use value_types::ValueTypes;
pub use version::{ApiVersion, Region};
pub use visitors::*;
