//! The engine, driven by hand under virtual time, and its driver on loopback.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod attempts;
mod awaited;
mod calls;
#[cfg(feature = "client")]
mod client;
mod events;
mod groups;
mod identify;
mod kept;
mod limits;
mod listed;
mod most;
mod order;
mod policies;
mod properties;
#[cfg(feature = "client")]
mod reach;
mod records;
mod retries;
mod savings;
mod seen;
mod stopping;
mod support;
mod terms;
mod together;
