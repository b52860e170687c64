#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(missing_docs)]

mod browser;
mod secret;

pub use browser::{Foreign, check_browser, is_local_origin, names_this_machine};
pub use secret::{InvalidSecret, Secret, basic, credentials};
