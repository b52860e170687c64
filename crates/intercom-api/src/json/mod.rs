//! JSON values whose numbers keep their text: `1.0` stays `1.0`, and a 64-bit integer is never rounded.

mod attributes;
mod name;
mod number;
mod parse;
mod value;

pub use attributes::Attributes;
pub use name::AttributeName;
pub(crate) use name::equals_text;
pub use number::Number;
pub use parse::MAX_DEPTH;
pub use value::Value;
pub(crate) use value::from_each;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_text() {
        let text = r#"{"a":1.0,"b":9007199254740993,"c":1e2,"d":[0.10,{"e":-0}],"f":null,"g":"x"}"#;
        let object: Attributes = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&object).unwrap(), text);
    }

    #[test]
    fn only_json_numbers_are_numbers() {
        for text in [
            "", " 1", "1 ", "01", "1.", ".5", "+1", "NaN", "0x10", "1e", "\"1\"", "--1",
        ] {
            assert!(Number::from_json_text(text).is_none(), "{text:?}");
        }
        for text in ["0", "-0", "1.50", "1E+2", "123456789012345678901234567890"] {
            assert_eq!(Number::from_json_text(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn a_later_key_replaces_an_earlier_one() {
        let object: Attributes = serde_json::from_str(r#"{"a":1,"b":2,"a":3}"#).unwrap();
        assert_eq!(serde_json::to_string(&object).unwrap(), r#"{"a":3,"b":2}"#);
    }

    #[test]
    fn debug_shows_no_value() {
        let object: Attributes = serde_json::from_str(r#"{"a":"secret","b":4711}"#).unwrap();
        let debug = format!("{object:?}");
        assert!(!debug.contains("secret") && !debug.contains("4711"), "{debug}");
    }
}
