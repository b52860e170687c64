//! Objects that Intercom answers.

/// A model of an object that Intercom answers.
///
/// What is `required` is an id without which nothing can be done with the rest; its `Debug` is shown.
macro_rules! response {
    (
        $(#[$doc:meta])*
        $name:ident {
            $(required { $($(#[$rdoc:meta])* $required:ident $(= $rname:literal)?: $rty:ty,)* })?
            $(optional { $($(#[$odoc:meta])* $optional:ident $(= $oname:literal)?: $oty:ty,)* })?
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $name {
            $($($(#[$rdoc])* pub $required: $rty,)*)?
            $($($(#[$odoc])* pub $optional: Option<$oty>,)*)?
            /// What Intercom sent besides: fields without a name here, fields that are `null`, and fields that are not
            /// of their documented type. Written back as it came; a field that is set goes before one of its name here.
            pub extra: $crate::Attributes,
        }

        impl $name {
            /// A response that holds nothing but what every one of its kind has.
            #[allow(clippy::new_without_default)]
            pub fn new($($($required: impl Into<$rty>),*)?) -> Self {
                Self {
                    $($($required: $required.into(),)*)?
                    $($($optional: None,)*)?
                    extra: $crate::Attributes::new(),
                }
            }

            $($($crate::model::setter! { $(#[$odoc])* $optional: Option<$oty> })*)?
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                let mut shown = f.debug_struct(stringify!($name));
                $($(shown.field(stringify!($required), &self.$required);)*)?
                $($(if self.$optional.is_some() {
                    shown.field(stringify!($optional), &format_args!(".."));
                })*)?
                shown.finish_non_exhaustive()
            }
        }

        $crate::model::has_members! {
            $name by $crate::model::or_extra {
                required { $($($required $(= $rname)?: $rty,)*)? }
                optional { $($($optional $(= $oname)?: $oty,)*)? }
            }
        }
        $crate::model::is_object! { $name }

        impl $crate::drift::Drift for $name {
            fn drift(&self, at: &str, found: &mut Vec<$crate::drift::Finding>) {
                use $crate::drift::inside;
                $($(self.$required.drift(&inside(at, $crate::model::json_name!($required $($rname)?)), found);)*)?
                $($(self.$optional.drift(&inside(at, $crate::model::json_name!($optional $($oname)?)), found);)*)?
                $crate::drift::extra(&self.extra, Self::KEYS, at, found);
            }
        }

        $crate::model::sample! { $name { $($($required,)*)? $($($optional,)*)? extra, } }
    };
}
pub(crate) use response;
