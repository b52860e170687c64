//! What the sandbox remembers. Nothing in here knows HTTP.

pub(crate) mod attributes;
pub(crate) mod companies;
pub(crate) mod contacts;
pub(crate) mod events;
pub(crate) mod tags;
