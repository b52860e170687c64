//! Words out of sets that grow.

/// An enum of words that Intercom may add to: a word that is not known is kept.
macro_rules! open_enum {
    (
        $(#[$doc:meta])*
        $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }
    ) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vdoc])* $variant,)*
            /// A word that this crate does not know.
            Other(String),
        }

        impl $name {
            /// The word, as Intercom writes it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(text) => text,
                }
            }

            /// Whether it is a word that this crate knows.
            pub fn is_known(&self) -> bool {
                !matches!(self, Self::Other(_))
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)*
                    _ => Self::Other(text.to_owned()),
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                match text.as_str() {
                    $($text => Self::$variant,)*
                    _ => Self::Other(text),
                }
            }
        }

        impl ::std::fmt::Debug for $name {
            // A word that is not known may be anything.
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => stringify!($variant),)*
                    Self::Other(_) => "Other(..)",
                })
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Word;
                impl ::serde::de::Visitor<'_> for Word {
                    type Value = $name;

                    fn expecting(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                        f.write_str("a string")
                    }

                    fn visit_str<E>(self, text: &str) -> Result<$name, E> {
                        Ok(text.into())
                    }
                }
                deserializer.deserialize_str(Word)
            }
        }

        #[cfg(test)]
        impl $crate::model::Sample for $name {
            fn sample(_: u8) -> Self {
                [$($text,)*][0].into()
            }
        }

        ::pastey::paste! {
            #[cfg(test)]
            #[test]
            fn [<$name:snake _can_stand_anywhere>]() {
                for word in [$($text,)* "something new"] {
                    let _: $name = ::exact_json::testing::anywhere(&word.into());
                }
            }
        }

        impl $crate::drift::Drift for $name {
            fn drift(&self, at: &str, found: &mut Vec<$crate::drift::Finding>) {
                if !self.is_known() {
                    found.push($crate::drift::Finding::new(at, $crate::drift::FindingKind::UnknownWord));
                }
            }
        }
    };
}
pub(crate) use open_enum;
