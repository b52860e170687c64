//! What is a string in some places and an object in others.

/// An enum of a string and an object.
macro_rules! text_or {
    (
        $(#[$doc:meta])*
        $name:ident {
            $(#[$tdoc:meta])* $text:ident,
            $(#[$odoc:meta])* $object:ident($oty:ty),
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, ::serde::Serialize)]
        #[serde(untagged)] // writing only; reading is by hand, below
        #[non_exhaustive]
        pub enum $name {
            $(#[$tdoc])* $text(String),
            $(#[$odoc])* $object(Box<$oty>),
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                match self {
                    Self::$text(_) => f.write_str(concat!(stringify!($text), "(..)")),
                    Self::$object(object) => object.fmt(f),
                }
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Either;
                impl<'de> ::serde::de::Visitor<'de> for Either {
                    type Value = $name;

                    fn expecting(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                        f.write_str("a string or an object")
                    }

                    fn visit_str<E>(self, text: &str) -> Result<$name, E> {
                        Ok($name::$text(text.to_owned()))
                    }

                    fn visit_map<A: ::serde::de::MapAccess<'de>>(self, map: A) -> Result<$name, A::Error> {
                        let map = ::serde::de::value::MapAccessDeserializer::new(map);
                        ::serde::Deserialize::deserialize(map).map($name::$object)
                    }
                }
                deserializer.deserialize_any(Either)
            }
        }

        $crate::json::from_each! { $name { $text: &str, String; } }

        impl From<$oty> for $name {
            fn from(object: $oty) -> Self {
                Self::$object(Box::new(object))
            }
        }

        #[cfg(test)]
        impl $crate::model::Sample for $name {
            fn sample(depth: u8) -> Self {
                Self::$object($crate::model::Sample::sample(depth))
            }
        }

        ::pastey::paste! {
            #[cfg(test)]
            #[test]
            fn [<$name:snake _can_stand_anywhere>]() {
                let _: $name = ::exact_json::testing::anywhere(&"text".into());
                $crate::model::can_stand_anywhere::<$name>();
            }
        }

        impl $crate::drift::Drift for $name {
            fn drift(&self, at: &str, found: &mut Vec<$crate::drift::Finding>) {
                if let Self::$object(object) = self {
                    object.drift(at, found);
                }
            }
        }
    };
}
pub(crate) use text_or;
