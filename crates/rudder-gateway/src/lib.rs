#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]

mod alert;
mod complete;
mod deliver;
mod explain;
mod feed;
mod gateway;
mod http;
mod metrics;
mod monitor;
mod recall;
mod settings;
mod telling;
mod trouble;
mod turns;

pub use alert::{AlertError, Alerts};
pub use complete::complete;
pub use event_store as store;
pub use explain::{Explanation, Remedy, explain, explain_event, explain_note};
pub use gateway::{Gateway, Stopper};
pub use http_access::Secret;
pub use settings::{
    KeyList, MAX_EVENT_BYTES, MAX_REQUEST_BYTES, MAX_REQUEST_EVENTS, RETRY_AFTER, Settings, WriteKeys, engine_settings,
};
