#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]

mod clock;
mod complete;
mod deliver;
mod error;
mod explain;
mod feed;
mod gateway;
mod http;
mod metrics;
mod monitor;
mod recall;
mod settings;
pub mod store;
mod trouble;
mod turns;

pub use complete::{CompleteEvent, MessageKey, complete};
pub use error::Error;
pub use explain::{Explanation, Remedy, explain, explain_note};
pub use gateway::{Gateway, Stopper};
pub use http_access::Secret;
pub use settings::{
    Bounds, DeadLetters, History, KeyList, MAX_EVENT_BYTES, MAX_REQUEST_BYTES, MAX_REQUEST_EVENTS, RETRY_AFTER,
    Repeats, Settings, StoreSettings, WriteKeys, engine_settings,
};
