//! Operations as typed requests.

/// A request: a type that is an [`Operation`](crate::Operation). It serialises as an object of its fields, those of its path
/// included: what a queue or a journal keeps. Its body is what [`body`](crate::Operation::body) gives.
///
/// `path` lists the fields that fill the parameters of the route's path, in their order; `query` those that go into the query; `body` those that are
/// the members of the JSON body; `content` the one that is the whole body. `is` names the operation if it is not
/// called like the type.
macro_rules! request {
    // The body is one field.
    (
        $(#[$doc:meta])*
        $name:ident $(is $id:ident)? => $response:ty {
            $(path { $($(#[$pdoc:meta])* $segment:ident: $pty:ty,)+ })?
            content { $(#[$cdoc:meta])* $content:ident: $cty:ty, }
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, ::serde::Serialize, ::serde::Deserialize)]
        pub struct $name {
            $($($(#[$pdoc])* pub $segment: $pty,)+)?
            $(#[$cdoc])*
            pub $content: $cty,
        }

        impl $name {
            /// The request.
            pub fn new($($($segment: impl Into<$pty>,)+)? $content: impl Into<$cty>) -> Self {
                Self {
                    $($($segment: $segment.into(),)+)?
                    $content: $content.into(),
                }
            }

            /// Reads the request back from the ids in its path and its body.
            ///
            /// # Errors
            ///
            /// If the body is not one of this operation.
            pub fn from_body($($($segment: impl Into<$pty>,)+)? body: &[u8]) -> Result<Self, ::serde_json::Error> {
                Ok(Self {
                    $($($segment: $segment.into(),)+)?
                    $content: ::serde_json::from_slice(body)?,
                })
            }
        }

        impl $crate::Operation for $name {
            type Body<'a> = &'a $cty;
            type Response = $response;
            $crate::model::request!(@path $name $($id)?, $($($segment)+)?);

            fn body(&self) -> Option<&$cty> {
                Some(&self.$content)
            }
        }

        $crate::model::sample! { $name { $($($segment,)+)? $content, } }
    };
    // The body's members are fields.
    (
        $(#[$doc:meta])*
        $name:ident $(is $id:ident)? => $response:ty {
            $(path { $($(#[$pdoc:meta])* $segment:ident: $pty:ty,)+ })?
            body {
                $(required { $($(#[$rdoc:meta])* $required:ident $(= $rname:literal)?: $rty:ty,)* })?
                $(optional { $($(#[$odoc:meta])* $optional:ident $(= $oname:literal)?: $oty:ty,)* })?
            }
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, ::serde::Serialize, ::serde::Deserialize)]
        pub struct $name {
            $($($(#[$pdoc])* pub $segment: $pty,)+)?
            $($($(#[$rdoc])* $(#[serde(rename = $rname)])? pub $required: $rty,)*)?
            $($(
                $(#[$odoc])*
                #[serde(skip_serializing_if = "Option::is_none" $(, rename = $oname)?)]
                pub $optional: Option<$oty>,
            )*)?
            /// What else is in the body: members without a name here, such as a later version of the API has, and
            /// members that are `null`. One that is set goes before one of its name here.
            #[serde(default, skip_serializing_if = "crate::Attributes::is_empty")]
            pub extra: $crate::Attributes,
        }

        impl $name {
            /// The request with what it must have.
            pub fn new($($($segment: impl Into<$pty>,)+)? $($($required: impl Into<$rty>,)*)?) -> Self {
                Self {
                    $($($segment: $segment.into(),)+)?
                    $($($required: $required.into(),)*)?
                    $($($optional: None,)*)?
                    extra: $crate::Attributes::new(),
                }
            }

            $($($crate::model::setter! { $(#[$odoc])* $optional: Option<$oty> })*)?

            /// Reads the request back from the ids in its path and its body.
            ///
            /// # Errors
            ///
            /// If the body is not one of this operation.
            pub fn from_body($($($segment: impl Into<$pty>,)+)? body: &[u8]) -> Result<Self, ::serde_json::Error> {
                let members = $crate::model::members_of_body(body, Self::KEYS, stringify!($name))?;
                Self::of_members(members, $($($segment.into(),)+)?)
            }
        }

        $crate::model::has_members! {
            $name $(beside { $($segment: $pty,)+ })? by $crate::model::or_null {
                required { $($($required $(= $rname)?: $rty,)*)? }
                optional { $($($optional $(= $oname)?: $oty,)*)? }
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                let mut shown = f.debug_struct(stringify!($name));
                $($(shown.field(stringify!($segment), &self.$segment);)+)?
                $($(shown.field(stringify!($required), &format_args!(".."));)*)?
                $($(if self.$optional.is_some() {
                    shown.field(stringify!($optional), &format_args!(".."));
                })*)?
                if !self.extra.is_empty() {
                    shown.field("extra", &self.extra);
                }
                shown.finish()
            }
        }

        impl $crate::Operation for $name {
            type Body<'a> = $crate::operation::BodyOf<'a, Self>;
            type Response = $response;
            $crate::model::request!(@path $name $($id)?, $($($segment)+)?);

            fn body(&self) -> Option<$crate::operation::BodyOf<'_, Self>> {
                Some($crate::operation::BodyOf(self))
            }
        }

        impl ::serde::Serialize for $crate::operation::BodyOf<'_, $name> {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.write_members(serializer)
            }
        }

        $crate::model::sample! { $name { $($($segment,)+)? $($($required,)*)? $($($optional,)*)? extra, } }
    };
    // No body.
    (
        $(#[$doc:meta])*
        $name:ident $(is $id:ident)? => $response:ty {
            $(path { $($(#[$pdoc:meta])* $segment:ident: $pty:ty,)+ })?
            $(query {
                $(required { $($(#[$rdoc:meta])* $required:ident: $rty:ty,)* })?
                $(optional { $($(#[$odoc:meta])* $optional:ident: $oty:ident,)* })?
            })?
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, ::serde::Serialize, ::serde::Deserialize)]
        pub struct $name {
            $($($(#[$pdoc])* pub $segment: $pty,)+)?
            $($($($(#[$rdoc])* pub $required: $rty,)*)?)?
            $($($(
                $(#[$odoc])*
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $optional: Option<$oty>,
            )*)?)?
        }

        impl $name {
            /// The request with what it must have.
            #[allow(clippy::new_without_default)]
            pub fn new($($($segment: impl Into<$pty>,)+)? $($($($required: impl Into<$rty>,)*)?)?) -> Self {
                Self {
                    $($($segment: $segment.into(),)+)?
                    $($($($required: $required.into(),)*)?)?
                    $($($($optional: None,)*)?)?
                }
            }

            $($($($crate::model::setter! { $(#[$odoc])* $optional: Option<$oty> })*)?)?
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                #[allow(unused_mut)]
                let mut shown = f.debug_struct(stringify!($name));
                $($(shown.field(stringify!($segment), &self.$segment);)+)?
                $($($(shown.field(stringify!($required), &format_args!(".."));)*)?)?
                $($($(if self.$optional.is_some() {
                    shown.field(stringify!($optional), &format_args!(".."));
                })*)?)?
                shown.finish()
            }
        }

        impl $crate::Operation for $name {
            type Body<'a> = $crate::operation::NoBody;
            type Response = $response;
            $crate::model::request!(@path $name $($id)?, $($($segment)+)?);

            $(fn query(&self) -> Vec<(::std::borrow::Cow<'static, str>, String)> {
                #[allow(unused_mut)]
                let mut query = vec![$($((stringify!($required).into(), self.$required.to_string())),*)?];
                $($(if let Some(value) = &self.$optional {
                    query.push((stringify!($optional).into(), value.to_string()));
                })*)?
                query
            })?

            fn body(&self) -> Option<$crate::operation::NoBody> {
                None
            }
        }

        $crate::model::sample! {
            $name { $($($segment,)+)? $($($($required,)*)?)? $($($($optional,)*)?)? }
        }
    };
    (@path $name:ident $id:ident, $($segment:ident)*) => {
        $crate::model::request!(@path $id, $($segment)*);
    };
    (@path $id:ident, $($segment:ident)*) => {
        const ID: $crate::OperationId = $crate::OperationId::$id;

        fn path(&self) -> ::std::borrow::Cow<'static, str> {
            const PARAMETERS: &[&str] = &[$(stringify!($segment)),*];
            const _: () = assert!(
                PARAMETERS.len() == $crate::OperationId::$id.parameters(),
                "the request has not the parameters of its route",
            );
            $crate::OperationId::$id.path([$($crate::ids::PathSegment::as_segment(&self.$segment)),*])
        }

        #[cfg(feature = "validator")]
        fn check(&self) -> Result<(), ::validator::ValidationErrors> {
            ::validator::Validate::validate(self)
        }
    };
}
pub(crate) use request;
