//! The gateway as a whole, against the sandbox.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod access;
mod awaiting;
mod crash;
mod delivery;
mod history;
mod intake;
mod support;
