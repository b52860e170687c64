//! The settings of `serve` with their defaults, as the program itself prints them.

use crate::project;

pub(super) fn page() -> Result<String, String> {
    let mut program = project::cargo();
    program.args([
        "run",
        "--quiet",
        "--package",
        "rudder-intercom",
        "--",
        "serve",
        "--print-config",
    ]);
    for (name, _) in std::env::vars_os() {
        let is_setting = name.to_str().is_some_and(|name| name.starts_with("RUDDER_INTERCOM_"));
        if is_setting || name == "RUST_LOG" || name == "INTERCOM_ACCESS_TOKEN" {
            program.env_remove(name);
        }
    }
    let output = program.output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    String::from_utf8(output.stdout).map_err(|error| error.to_string())
}
