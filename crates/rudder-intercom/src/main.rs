//! The program `rudder-intercom`: RudderStack events in, the right Intercom API calls out.

use std::process::ExitCode;

fn main() -> ExitCode {
    rudder_intercom::cli::main()
}
