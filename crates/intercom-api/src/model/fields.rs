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
        #[derive(Clone, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$odoc])* pub $optional: Option<$oty>,)*
            $($($(#[$adoc])* pub $attributes: $crate::Attributes,)*)?
            /// What else is sent: fields without a name here, such as a later version of the API has, and fields that
            /// are `null`. A field that is set goes before one of its name here.
            pub extra: $crate::Attributes,
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
                    pub fn [<with_ $attributes>]<K: Into<$crate::AttributeName>, V: Into<$crate::Value>>(
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
                $(self.$optional.is_none() &&)* $($(self.$attributes.is_empty() &&)*)? self.extra.is_empty()
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
                if !self.extra.is_empty() {
                    shown.field("extra", &self.extra);
                }
                shown.finish()
            }
        }

        $crate::model::has_members! {
            $name by $crate::model::or_null {
                required {}
                optional { $($optional $(= $oname)?: $oty,)* }
                $(attributes { $($attributes,)* })?
            }
        }
        $crate::model::is_object! { $name }
        $crate::model::sample! { $name { $($optional,)* $($($attributes,)*)? extra, } }
    };
}
pub(crate) use fields;
