//! The program `rudder-intercom`: RudderStack events in, the right Intercom API calls out.

use std::process::ExitCode;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    rudder_intercom::cli::main()
}
