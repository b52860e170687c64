//! Where access tokens come from: the environment or a file, never an argument, which others on the machine can see.

use crate::exit::Error;
use std::path::Path;

/// The environment variable with the access token.
pub(super) const VARIABLE: &str = "INTERCOM_ACCESS_TOKEN";

/// The token in a file, without the white space around it.
pub(super) fn read_file(path: &Path) -> Result<String, Error> {
    let text = std::fs::read_to_string(path).map_err(Error::open(path))?;
    match text.trim() {
        "" => Err(Error::Unauthorized(format!(
            "the token file {} is empty",
            path.display()
        ))),
        token => Ok(token.to_owned()),
    }
}

/// The token in the file, or else in the environment.
pub(super) fn find(file: Option<&Path>) -> Result<String, Error> {
    if let Some(path) = file {
        return read_file(path);
    }
    match std::env::var(VARIABLE) {
        Ok(token) if !token.trim().is_empty() => Ok(token.trim().to_owned()),
        _ => Err(Error::Unauthorized(format!(
            "there is no access token: set {VARIABLE}, or give --token-file FILE"
        ))),
    }
}
