//! Objects that are sent to Intercom.

/// A model of an object that is sent: every field may be unset, and is left out then.
macro_rules! fields {
    (
        $(#[$doc:meta])*
        $name:ident {
            optional { $($(#[$odoc:meta])* $optional:ident $(= $oname:literal)?: $oty:ident,)* }
            $(attributes { $($(#[$adoc:meta])* $attributes:ident,)* })?
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Default, PartialEq, Eq, ::serde::Serialize, ::serde::Deserialize)]
        #[non_exhaustive]
        pub struct $name {
            $(
                $(#[$odoc])*
                #[serde(default, skip_serializing_if = "Option::is_none" $(, rename = $oname)?)]
                pub $optional: Option<$oty>,
            )*
            $($(
                $(#[$adoc])*
                #[serde(default, skip_serializing_if = "crate::Attributes::is_empty")]
                pub $attributes: $crate::Attributes,
            )*)?
        }

        impl $name {
            /// Nothing set.
            pub fn new() -> Self {
                Self::default()
            }

            $($crate::model::setter! { $(#[$odoc])* $optional: Option<$oty> })*

            $($(
                ::pastey::paste! {
                    $(#[$adoc])*
                    ///
                    /// The same with these.
                    #[must_use]
                    pub fn [<with_ $attributes>]<K: Into<::std::borrow::Cow<'static, str>>, V: Into<$crate::Value>>(
                        mut self,
                        $attributes: impl IntoIterator<Item = (K, V)>,
                    ) -> Self {
                        self.$attributes = $attributes.into_iter().collect();
                        self
                    }
                }
            )*)?

            /// Whether nothing is set.
            pub fn is_empty(&self) -> bool {
                $(self.$optional.is_none() &&)* $($(self.$attributes.is_empty() &&)*)? true
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                let mut shown = f.debug_struct(stringify!($name));
                $(if self.$optional.is_some() {
                    shown.field(stringify!($optional), &format_args!(".."));
                })*
                $($(if !self.$attributes.is_empty() {
                    shown.field(stringify!($attributes), &self.$attributes);
                })*)?
                shown.finish()
            }
        }

        $crate::model::sample! { $name { $($optional,)* $($($attributes,)*)? } }
    };
}
pub(crate) use fields;
