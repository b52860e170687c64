//! Types that are a text and nothing else.

/// What every type has that wraps a text; how it is read is its own.
macro_rules! wrapped_text {
    ($name:ident) => {
        impl<'a> $name<'a> {
            /// Wraps a text.
            pub fn new(text: impl Into<std::borrow::Cow<'a, str>>) -> Self {
                Self(text.into())
            }

            /// The text; of a number that was sent, its JSON text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The same, independent of the text that it was read from.
            pub fn into_owned(self) -> $name<'static> {
                $name(std::borrow::Cow::Owned(self.0.into_owned()))
            }
        }

        impl<'a> From<&'a str> for $name<'a> {
            fn from(text: &'a str) -> Self {
                Self::new(text)
            }
        }

        impl From<String> for $name<'_> {
            fn from(text: String) -> Self {
                Self::new(text)
            }
        }

        impl<'a> From<&'a str> for $crate::Field<'a, $name<'a>> {
            fn from(text: &'a str) -> Self {
                Self::from($name::new(text))
            }
        }

        impl From<String> for $crate::Field<'_, $name<'_>> {
            fn from(text: String) -> Self {
                Self::from($name::new(text))
            }
        }

        impl From<$name<'_>> for $crate::Raw<'_> {
            fn from(wrapped: $name<'_>) -> Self {
                wrapped.0.into()
            }
        }

        impl std::str::FromStr for $name<'_> {
            type Err = std::convert::Infallible;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(Self::new(text.to_owned()))
            }
        }

        impl std::fmt::Display for $name<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }

        impl std::fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }

        $crate::owned::into_owned! { $name }

        impl<'de> serde::Deserialize<'de> for $name<'_> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let raw = $crate::Raw::deserialize(deserializer)?;
                let read = <$name<'_> as $crate::FromRaw>::from_raw(&raw).map($name::into_owned);
                read.ok_or_else(|| serde::de::Error::custom(<$name<'_> as $crate::FromRaw>::EXPECTED))
            }
        }

        impl serde::Serialize for $name<'_> {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}
pub(crate) use wrapped_text;
