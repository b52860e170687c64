//! A double of rudder-server, as far as it delivers to one destination: without I/O and clock, so that it can be driven by
//! real processes as well as under virtual time. Moments are told as the time since the beginning.
//!
//! It is written from what the real one was seen to do, not from its code.

mod day;
mod exchange;
mod router;
mod verdict;

pub(crate) use day::{Day, key};
pub use day::{Trouble, Way};
pub(crate) use exchange::RudderServer;
pub(crate) use router::{Pace, Router, Turn};
pub(crate) use verdict::Verdict;
