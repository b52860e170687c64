//! Events that come before their contact (D34) wait in a store, if there is one: rudder-server is told that they are done once
//! they are on disk. They are delivered when their contact comes with a request of this instance, before its later events; or
//! when a search finds it, because another instance, or somebody else, has created it.

mod access;
mod deliver;
mod draft;
mod events;
mod look;
mod metrics;
mod settle;
mod turn;

pub(crate) use access::Access;
pub(crate) use deliver::watch;
pub(crate) use draft::Draft;
pub(crate) use events::EarlyEvents;
pub(crate) use metrics::{InStore, StoreMetrics};
