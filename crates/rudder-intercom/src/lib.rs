//! What the program `rudder-intercom` is made of.
//!
//! It is a library so that the program can be tested and measured from inside. It is not meant to be depended on: the
//! crates that it wires together are.

pub mod attributes;
pub mod check;
pub mod cli;
pub mod commands;
pub mod convert;
pub mod erase;
pub mod exit;
pub mod input;
mod interrupt;
pub mod pipeline;
pub mod send;
mod text;
