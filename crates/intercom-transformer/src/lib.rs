#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]

pub mod protocol;

#[cfg(feature = "server")]
mod body;
#[cfg(feature = "server")]
mod calls;
#[cfg(feature = "server")]
mod connection;
#[cfg(feature = "server")]
mod contacts;
#[cfg(feature = "server")]
mod deletion;
#[cfg(feature = "server")]
mod early;
#[cfg(feature = "server")]
mod engines;
#[cfg(feature = "server")]
mod here;
#[cfg(feature = "server")]
mod intercom;
#[cfg(feature = "server")]
mod jobs;
#[cfg(feature = "server")]
mod looked_up;
#[cfg(feature = "server")]
mod metrics;
#[cfg(feature = "server")]
mod problem;
#[cfg(feature = "server")]
mod processor;
#[cfg(feature = "server")]
mod proxy;
#[cfg(feature = "server")]
mod router;
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "server")]
mod service;
#[cfg(feature = "server")]
mod settings;
#[cfg(feature = "server")]
mod steps;
#[cfg(feature = "server")]
mod workspaces;

#[cfg(feature = "server")]
pub use event_store as store;
#[cfg(feature = "server")]
pub use http_access::Secret;
#[cfg(feature = "server")]
pub use service::{Routes, Transformer};
#[cfg(feature = "server")]
pub use settings::{BaseUrl, DeliverBy, Instances, InvalidBaseUrl, OwnToken, Settings};
