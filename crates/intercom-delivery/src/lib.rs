#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]

#[cfg(feature = "client")]
pub mod client;
mod codes;
mod contact;
mod engine;
mod erasure;
mod index;
#[cfg(feature = "journal")]
pub mod journal;
mod order;
mod record;
mod response;
mod superseded;
mod undelivered;
mod walk;

pub use codes::{DeliveryWarning, FailureCode, Supersession};
pub use contact::KnownContact;
pub use engine::*;
pub use erasure::{Erasure, ErasureError, RequestedDeletion};
pub use order::{Order, Ties};
pub use record::FailureRecord;
pub use response::{Response, ResponseError, TransportFailure};
pub use superseded::{Subject, Superseded};
pub use undelivered::Undelivered;
pub use walk::{
    AbsencePolicy, ArchivedPolicy, AttributePolicy, DefinedAttributes, Ending, EventEmail, Fact, Knowledge, Next,
    Permit, Policies, Rewritten, UnknownContactPolicy, Verdict, Walk, Write,
};
