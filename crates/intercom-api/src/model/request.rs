//! Operations as typed requests.

/// A request: a type that is an [`Operation`](crate::Operation).
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
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            $($($(#[$pdoc])* pub $segment: $pty,)+)?
            $(#[$cdoc])*
            pub $content: $cty,
        }

        impl $name {
            /// The request.
            pub fn new($($($segment: impl Into<$pty>,)+)? $content: $cty) -> Self {
                Self { $($($segment: $segment.into(),)+)? $content }
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
            type Body = $cty;
            type Response = $response;
            $crate::model::request!(@path $name $($id)?, $($($segment)+)?);

            fn body(&self) -> Option<&$cty> {
                Some(&self.$content)
            }
        }
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
        ///
        /// What it serialises to is its body.
        #[derive(Clone, PartialEq, Eq, ::serde::Serialize)]
        pub struct $name {
            $($($(#[$pdoc])* #[serde(skip)] pub $segment: $pty,)+)?
            $($($(#[$rdoc])* $(#[serde(rename = $rname)])? pub $required: $rty,)*)?
            $($(
                $(#[$odoc])*
                #[serde(skip_serializing_if = "Option::is_none" $(, rename = $oname)?)]
                pub $optional: Option<$oty>,
            )*)?
        }

        impl $name {
            /// The request with what it must have.
            pub fn new($($($segment: impl Into<$pty>,)+)? $($($required: impl Into<$rty>,)*)?) -> Self {
                Self {
                    $($($segment: $segment.into(),)+)?
                    $($($required: $required.into(),)*)?
                    $($($optional: None,)*)?
                }
            }

            /// Reads the request back from the ids in its path and its body.
            ///
            /// # Errors
            ///
            /// If the body is not one of this operation.
            pub fn from_body($($($segment: impl Into<$pty>,)+)? body: &[u8]) -> Result<Self, ::serde_json::Error> {
                #[derive(::serde::Deserialize)]
                struct Body {
                    $($($(#[serde(rename = $rname)])? $required: $rty,)*)?
                    $($($(#[serde(rename = $oname)])? $optional: Option<$oty>,)*)?
                }
                let body: Body = ::serde_json::from_slice(body)?;
                Ok(Self {
                    $($($segment: $segment.into(),)+)?
                    $($($required: body.$required,)*)?
                    $($($optional: body.$optional,)*)?
                })
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
                shown.finish()
            }
        }

        impl $crate::Operation for $name {
            type Body = Self;
            type Response = $response;
            $crate::model::request!(@path $name $($id)?, $($($segment)+)?);

            fn body(&self) -> Option<&Self> {
                Some(self)
            }
        }
    };
    // No body.
    (
        $(#[$doc:meta])*
        $name:ident $(is $id:ident)? => $response:ty {
            $(path { $($(#[$pdoc:meta])* $segment:ident: $pty:ty,)+ })?
            $(query {
                $(required { $($(#[$rdoc:meta])* $required:ident: $rty:ty,)* })?
                $(optional { $($(#[$odoc:meta])* $optional:ident: $oty:ty,)* })?
            })?
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name {
            $($($(#[$pdoc])* pub $segment: $pty,)+)?
            $($($($(#[$rdoc])* pub $required: $rty,)*)?)?
            $($($($(#[$odoc])* pub $optional: Option<$oty>,)*)?)?
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
            type Body = $crate::operation::NoBody;
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

            fn body(&self) -> Option<&$crate::operation::NoBody> {
                None
            }
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
    };
}
pub(crate) use request;
