//! Why a gateway or its store cannot be used, for people.

use crate::exit::Error;
use rudder_gateway::store;

/// What is wrong with a gateway or its store, and what to do about it.
pub(crate) fn of_store(error: &store::Error) -> Error {
    use std::error::Error as _;
    let message = error.to_string();
    match (error, error.source()) {
        (store::Error::ForAnother { path, .. }, _) => Error::Usage(format!(
            "{message}: name another file with --store; or, if they are to go there after all: rudder-intercom queue --store {} reassign",
            path.display()
        )),
        (_, Some(source)) => Error::System(message, std::io::Error::other(source.to_string())),
        (_, None) => Error::Usage(message),
    }
}
