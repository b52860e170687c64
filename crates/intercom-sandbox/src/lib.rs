#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]

mod body;
mod calls;
mod error;
mod faults;
mod handlers;
mod ids;
mod json;
mod pages;
mod rate;
mod request;
mod sandbox;
mod search;
#[cfg(feature = "server")]
mod server;
mod settings;
mod sort;
mod state;
mod store;
mod target;
mod version;
mod views;
mod workspace;

pub use faults::{ErrorResponse, Fault, Faults, RandomFault, ScriptedFault};
pub use request::{CallRequest, Dropped, Request, Response, UnixMillis};
pub use sandbox::Sandbox;
#[cfg(feature = "server")]
pub use server::{RunningSandbox, ServeError, serve, spawn};
pub use settings::{DuplicateEmail, EventDetail, RateLimit, Settings};
pub use state::State;
