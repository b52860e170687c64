//! `Debug` that hides what a type holds.

/// Writes `Debug` for a type that holds what no log may show: it names these fields, or what is worked out of the value, and
/// no others.
///
/// A field that is not written down does not appear, so that one that is added later stays hidden. With `..` at the end the
/// output says that there are others.
///
/// ```
/// struct Answer {
///     status: u16,
///     body: String,
/// }
///
/// enum Sought {
///     Email(String),
///     Name(String),
/// }
///
/// exact_json::debug_shows! { Answer(answer) { status, body_bytes = answer.body.len(), .. } }
/// exact_json::debug_shows! { enum Sought { Email, Name } }
///
/// let answer = Answer { status: 200, body: "ada".to_owned() };
/// assert_eq!(format!("{answer:?}"), "Answer { status: 200, body_bytes: 3, .. }");
/// assert_eq!(format!("{:?}", Sought::Email("ada@example.org".to_owned())), "Email(..)");
/// ```
#[macro_export]
macro_rules! debug_shows {
    (enum $name:ident { $($variant:ident),+ }) => {
        impl ::core::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(match self {$(
                    Self::$variant(..) => concat!(stringify!($variant), "(..)"),
                )+})
            }
        }
    };
    ($name:ident $(<$life:lifetime>)? { $($fields:tt)* }) => {
        $crate::debug_shows! { $name $(<$life>)? (value) { $($fields)* } }
    };
    ($name:ident $(<$life:lifetime>)? ($value:ident) { $($field:ident $(= $shown:expr)?,)* .. }) => {
        $crate::debug_shows! { @ $name $(<$life>)?, $value, finish_non_exhaustive, $($field $(= $shown)?,)* }
    };
    ($name:ident $(<$life:lifetime>)? ($value:ident) { $($field:ident $(= $shown:expr)?),* $(,)? }) => {
        $crate::debug_shows! { @ $name $(<$life>)?, $value, finish, $($field $(= $shown)?,)* }
    };
    (@ $name:ident $(<$life:lifetime>)?, $value:ident, $finish:ident, $($field:ident $(= $shown:expr)?,)*) => {
        impl ::core::fmt::Debug for $name $(<$life>)? {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                #[allow(unused_variables, reason = "where no field is shown")]
                let $value = self;
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($field), &$crate::debug_shows!(@ $value $field $(= $shown)?)))*
                    .$finish()
            }
        }
    };
    (@ $value:ident $field:ident) => {
        $value.$field
    };
    (@ $value:ident $field:ident = $shown:expr) => {
        $shown
    };
}
