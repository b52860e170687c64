#![doc = include_str!("../README.md")]
// See `print` for what is used instead.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod attributes;
pub mod check;
pub mod cli;
pub mod commands;
pub mod convert;
pub mod erase;
pub mod exit;
mod files;
pub mod input;
mod interrupt;
mod log;
pub mod pipeline;
mod print;
pub mod send;
mod text;
mod values;
