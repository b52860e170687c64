//! The commands, one file each: their arguments, and what they print.

pub mod attributes;
mod caller;
pub mod check;
pub mod completions;
mod connection;
pub mod convert;
pub mod erase;
pub mod queue;
pub mod sandbox;
pub mod send;
pub mod serve;
mod token;

pub use caller::CallError;

use crate::convert::Settings;
use clap::Args;
use rudderstack_to_intercom::Destination;

/// What every command that converts events is told about the conversion.
#[derive(Clone, Copy, Debug, Args)]
pub struct Conversion {
    /// Let the anonymous id stand in for a user id that is missing.
    #[arg(long, help_heading = "Conversion")]
    send_anonymous_id: bool,
}

impl Conversion {
    /// The settings for the conversion.
    pub fn settings(self) -> Settings {
        Settings::new(Destination::new().with_anonymous_id(self.send_anonymous_id))
    }
}
