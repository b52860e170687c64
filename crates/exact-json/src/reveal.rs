//! Showing in tests what `Debug` hides in logs.

use serde_core::Serialize;
use std::fmt;

/// Shows what a value holds: for tests, and never for logs.
pub trait Reveal: Serialize {
    /// The same, with a `Debug` that is its JSON: in one line, or indented with `{:#?}` as `assert_eq!` does.
    fn reveal(&self) -> Revealed<&Self> {
        Revealed(self)
    }
}

impl<T: Serialize + ?Sized> Reveal for T {}

/// A value whose `Debug` is its JSON. Made by [`Reveal::reveal`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Revealed<T>(pub T);

impl<T: Serialize> fmt::Debug for Revealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = if f.alternate() {
            serde_json::to_string_pretty(&self.0)
        } else {
            serde_json::to_string(&self.0)
        };
        f.write_str(&json.map_err(|_| fmt::Error)?)
    }
}
