//! Reads text that is known to be JSON, keeping the text of its numbers.

use super::{Attributes, Number, Value};
use serde::de::{self, Deserialize, Deserializer};
use std::fmt;

/// How deep the arrays and objects of a [`Value`] may be nested when it is read.
pub const MAX_DEPTH: usize = 128;

/// What is wrong with a JSON text.
#[derive(Debug)]
enum Problem {
    /// It is nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// It is not JSON.
    NotJson,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooDeep => write!(f, "nested deeper than {MAX_DEPTH} levels"),
            Self::NotJson => f.write_str("not JSON"),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Through the raw text, because a visitor would be handed numbers already rounded.
        let raw = exact_json::deserialize(deserializer)?;
        value(raw.get()).map_err(de::Error::custom)
    }
}

/// The value of a JSON text, which `serde_json` has checked before: this tells apart what JSON may hold, and relies on
/// nothing else for its safety.
fn value(text: &str) -> Result<Value, Problem> {
    Text { text, at: 0 }.value(0)
}

/// The text, and how far it is read.
struct Text<'a> {
    text: &'a str,
    at: usize,
}

impl Text<'_> {
    fn value(&mut self, depth: usize) -> Result<Value, Problem> {
        match self.peek()? {
            b'[' | b'{' if depth == MAX_DEPTH => Err(Problem::TooDeep),
            b'n' => self.word("null", Value::Null),
            b't' => self.word("true", Value::Bool(true)),
            b'f' => self.word("false", Value::Bool(false)),
            b'"' => self.string().map(Value::String),
            b'[' => self.array(depth + 1),
            b'{' => self.object(depth + 1),
            _ => self.number(),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut items = Vec::new();
        self.at += 1;
        if !self.takes(b']')? {
            loop {
                items.push(self.value(depth)?);
                if self.takes(b']')? {
                    break;
                }
                self.expect(b',')?;
            }
        }
        Ok(Value::Array(items))
    }

    fn object(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut object = Attributes::new();
        self.at += 1;
        if !self.takes(b'}')? {
            loop {
                self.peek()?;
                let key = self.string()?;
                self.expect(b':')?;
                object.insert(key, self.value(depth)?);
                if self.takes(b'}')? {
                    break;
                }
                self.expect(b',')?;
            }
        }
        Ok(Value::Object(object))
    }

    fn string(&mut self) -> Result<String, Problem> {
        let bytes = self.text.as_bytes();
        let (mut end, mut is_escaped) = (self.at + 1, false);
        loop {
            match bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => {
                    is_escaped = true;
                    end += 2;
                }
                Some(_) => end += 1,
                None => return Err(Problem::NotJson),
            }
        }
        let quoted = self.text.get(self.at..=end).ok_or(Problem::NotJson)?;
        self.at = end + 1;
        if is_escaped {
            return serde_json::from_str(quoted).map_err(|_| Problem::NotJson);
        }
        let inside = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        inside.map(str::to_owned).ok_or(Problem::NotJson)
    }

    fn number(&mut self) -> Result<Value, Problem> {
        let rest = &self.text[self.at..];
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.bytes().take_while(is_part).count();
        self.at += length;
        let number = Number::from_json_text(&rest[..length]);
        number.map(Value::Number).ok_or(Problem::NotJson)
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Problem> {
        if !self.text[self.at..].starts_with(word) {
            return Err(Problem::NotJson);
        }
        self.at += word.len();
        Ok(value)
    }

    /// The next byte that is not white space. Such a byte begins a character, so the text can be cut before it.
    fn peek(&mut self) -> Result<u8, Problem> {
        let bytes = self.text.as_bytes();
        while matches!(bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        bytes.get(self.at).copied().ok_or(Problem::NotJson)
    }

    /// Whether this is the next byte, which is read then.
    fn takes(&mut self, byte: u8) -> Result<bool, Problem> {
        let is_next = self.peek()? == byte;
        self.at += usize::from(is_next);
        Ok(is_next)
    }

    fn expect(&mut self, byte: u8) -> Result<(), Problem> {
        if self.takes(byte)? {
            Ok(())
        } else {
            Err(Problem::NotJson)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read() {
        let text = r#" { "a\u00e9\"" : [ 1.0 , -2E+3,null,true , false,"","x\\",{} , [] ],
            "b":{"ü":"é"}} "#;
        let expected = r#"{"aé\"":[1.0,-2E+3,null,true,false,"","x\\",{},[]],"b":{"ü":"é"}}"#;
        assert_eq!(serde_json::to_string(&value(text).unwrap()).unwrap(), expected);
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(value(&nested(MAX_DEPTH)).is_ok());
        assert!(matches!(value(&nested(MAX_DEPTH + 1)), Err(Problem::TooDeep)));
        let deep = nested(200_000);
        assert!(serde_json::from_str::<Value>(&deep).is_err());
        assert!(serde_json::from_str::<Attributes>(&format!("{{\"a\":{deep}}}")).is_err());
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            "",
            "[",
            r#"{"a" 1}"#,
            "[1 2]",
            "nul",
            "\"",
            "\"\\",
            "\"\\é\"",
            "+1",
            "{1:2}",
            "[1,]",
            "é",
        ] {
            assert!(value(text).is_err(), "{text:?}");
        }
    }
}
