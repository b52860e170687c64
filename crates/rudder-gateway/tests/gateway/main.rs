//! The gateway as a whole, against the sandbox.

mod crash;
mod delivery;
mod intake;
mod support;
