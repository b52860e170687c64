//! What the models have besides their fields.

/// Sets a field in an expression.
macro_rules! setter {
    // A number is not taken by way of `Into`, of which a literal would not be sure.
    ($(#[$doc:meta])* $field:ident: Option<u32>) => {
        ::pastey::paste! {
            $(#[$doc])*
            #[must_use]
            pub fn [<with_ $field>](mut self, $field: u32) -> Self {
                self.$field = Some($field);
                self
            }
        }
    };
    ($(#[$doc:meta])* $field:ident: Option<$kind:ty>) => {
        ::pastey::paste! {
            $(#[$doc])*
            #[must_use]
            pub fn [<with_ $field>](mut self, $field: impl Into<$kind>) -> Self {
                self.$field = Some($field.into());
                self
            }
        }
    };
}
pub(crate) use setter;

/// An example of a model, and the test that it can stand anywhere.
macro_rules! sample {
    ($name:ident { $($field:ident,)* }) => {
        #[cfg(test)]
        impl $crate::model::Sample for $name {
            #[allow(unused_variables)]
            fn sample(depth: u8) -> Self {
                Self { $($field: $crate::model::Sample::sample(depth),)* }
            }
        }

        ::pastey::paste! {
            #[cfg(test)]
            #[test]
            fn [<$name:snake _can_stand_anywhere>]() {
                $crate::model::can_stand_anywhere::<$name>();
            }
        }
    };
}
pub(crate) use sample;
