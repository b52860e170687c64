#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]

mod alert;
mod clock;
mod complete;
mod deliver;
mod error;
mod feed;
mod gateway;
mod http;
mod metrics;
mod monitor;
mod recall;
mod settings;
pub mod store;
mod telling;
mod trouble;
mod turns;

pub use alert::{AlertError, Alerts};
pub use complete::{CompleteEvent, MessageKey, complete};
pub use error::Error;
pub use gateway::{Gateway, Stopper};
pub use http_access::Secret;
pub use settings::{
    Bounds, DeadLetters, KeyList, MAX_EVENT_BYTES, MAX_REQUEST_BYTES, MAX_REQUEST_EVENTS, RETRY_AFTER, Repeats,
    Settings, StoreSettings, WriteKeys, engine_settings,
};
