//! Which store is meant, and how commands name it that are printed.

use crate::commands::serve;
use crate::commands::serve::gateway::{SANDBOX_STORE, STORE};
use crate::exit::Error;
use crate::print::note;
use clap::{Args, ValueHint};
use std::path::{Path, PathBuf};

/// Which store.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// The file in which they are kept. [default: that of --config, or rudder-intercom.db, or sandbox.db, whichever is there]
    #[arg(long, global = true, value_name = "FILE", env = "RUDDER_INTERCOM_STORE", value_hint = ValueHint::FilePath, hide_env_values = true)]
    store: Option<PathBuf>,
    /// The settings of `serve`, which name that file.
    #[arg(long, global = true, value_name = "FILE", env = "RUDDER_INTERCOM_CONFIG", value_hint = ValueHint::FilePath, hide_env_values = true)]
    config: Option<PathBuf>,
}

/// The store, and how to name it.
pub(super) struct Found {
    pub(super) path: PathBuf,
    /// What a command begins with that looks at the same store.
    pub(super) command: String,
}

impl Place {
    /// # Errors
    ///
    /// If the settings cannot be read, or no store is named and none is here.
    pub(super) fn find(self) -> Result<Found, Error> {
        if let Some(path) = self.store {
            return Ok(Found::named(path));
        }
        if let Some(config) = &self.config
            && let Some(path) = serve::deployed(config)?.store
        {
            return Ok(Found::named(path));
        }
        let [of_intercom, of_sandbox] = [STORE, SANDBOX_STORE].map(|name| Path::new(name).exists());
        let name = match (of_intercom, of_sandbox) {
            (true, true) => {
                note!("this is {STORE}; for that of the sandbox, give --store {SANDBOX_STORE}");
                STORE
            }
            (true, false) => STORE,
            (false, true) => SANDBOX_STORE,
            (false, false) => {
                return Err(Error::Usage(format!(
                    "there is no event store here, neither {STORE} nor {SANDBOX_STORE}: give --store FILE, as to `serve`"
                )));
            }
        };
        Ok(Found {
            path: name.into(),
            command: "rudder-intercom queue".to_owned(),
        })
    }
}

impl Found {
    fn named(path: PathBuf) -> Self {
        Self {
            command: format!("rudder-intercom queue --store {}", quoted(&path)),
            path,
        }
    }
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+,:@%".contains(c);
    match text.chars().all(is_plain) && !text.is_empty() {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_can_be_given_to_a_shell() {
        for (path, shown) in [
            ("/var/lib/a-b/events.db", "/var/lib/a-b/events.db"),
            ("my events.db", "'my events.db'"),
            ("it's", r"'it'\''s'"),
        ] {
            assert_eq!(quoted(Path::new(path)), shown);
        }
    }
}
