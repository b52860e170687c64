//! The `rudder-intercom` program.

fn main() {}
