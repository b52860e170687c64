//! The program `rudder-intercom`: RudderStack events in, the right Intercom API calls out.

// See `print` for what is used instead.
#![warn(clippy::print_stdout, clippy::print_stderr)]

mod attributes;
mod calling;
mod check;
mod cli;
mod commands;
mod convert;
mod desk;
mod doctor;
mod erase;
mod exit;
mod files;
mod html;
mod input;
mod interrupt;
mod log;
mod noted;
mod pipeline;
mod preview;
mod print;
mod send;
mod text;
mod traces;
mod values;

use std::process::ExitCode;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
