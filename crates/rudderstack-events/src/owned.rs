//! Making parts of an event independent of the text that they were read from.

use std::borrow::Cow;

/// A part of an event that may borrow from the text it was read from, and can be made independent of it.
pub trait IntoOwned {
    /// The same, for as long as anybody wants to keep it.
    type Owned: 'static;

    /// Copies what is borrowed.
    fn into_owned(self) -> Self::Owned;
}

impl IntoOwned for Cow<'_, str> {
    type Owned = Cow<'static, str>;
    fn into_owned(self) -> Cow<'static, str> {
        Cow::Owned(self.into_owned())
    }
}

impl<T: IntoOwned> IntoOwned for Vec<T> {
    type Owned = Vec<T::Owned>;
    fn into_owned(self) -> Self::Owned {
        self.into_iter().map(T::into_owned).collect()
    }
}

macro_rules! owned_already {
    ($($kind:ty)*) => {$(
        impl IntoOwned for $kind {
            type Owned = Self;
            fn into_owned(self) -> Self {
                self
            }
        }
    )*};
}

owned_already! { bool i64 f64 }

/// Passes on to the method of the same name.
macro_rules! into_owned {
    ($($name:ident)*) => {$(
        impl $crate::IntoOwned for $name<'_> {
            type Owned = $name<'static>;
            fn into_owned(self) -> Self::Owned {
                $name::into_owned(self)
            }
        }
    )*};
}

pub(crate) use into_owned;
