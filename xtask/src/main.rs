//! The project's chores, as `cargo xtask <command>`.

fn main() {}
