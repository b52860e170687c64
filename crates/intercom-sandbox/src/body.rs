//! Reading request bodies: any JSON whatever in, typed fields or an error out.

use crate::error::ApiError;
use intercom_api::{Attributes, ErrorCode, Value};
use std::borrow::Cow;

/// How deep arrays and objects of a body may be nested.
const MAX_DEPTH: usize = 128;

/// The object in a request's body.
#[derive(Debug)]
pub(crate) struct Body(Attributes);

impl Body {
    /// Reads a body. An empty one, and `null`, are read as an empty object: what is missing is found out later.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, ApiError> {
        let bytes = bytes.trim_ascii();
        if bytes.is_empty() || bytes == b"null" {
            return Ok(Self(Attributes::new()));
        }
        if depth(bytes) > MAX_DEPTH {
            return Err(ApiError::new(
                400,
                ErrorCode::BadRequest,
                "The request body is nested too deeply",
            ));
        }
        if bytes.first() != Some(&b'{') {
            return Err(ApiError::new(
                400,
                ErrorCode::BadRequest,
                "The request body is not a JSON object",
            ));
        }
        serde_json::from_slice(bytes)
            .map(Self)
            .map_err(|_| ApiError::new(400, ErrorCode::BadRequest, "The request body is not valid JSON"))
    }

    /// The value of that name, if there is one that is not `null`.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| **value != Value::Null)
    }

    /// Fails for the first name that is not among those known.
    pub(crate) fn refuse_unknown(&self, known: &[&str]) -> Result<(), ApiError> {
        match self.0.keys().find(|key| !known.contains(key)) {
            Some(unknown) => Err(ApiError::unknown_parameter(unknown)),
            None => Ok(()),
        }
    }

    /// The value of that name, if there is one; it must be of a kind.
    fn typed<'a, T>(
        &'a self,
        name: &str,
        kind: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, ApiError> {
        let invalid = || ApiError::invalid(name, format!("{name} must be {kind}"));
        let value = self.get(name).map(|value| read(value).ok_or_else(invalid));
        value.transpose()
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        self.typed(name, "a string", Value::as_str)
    }

    /// An id: a string, or a number taken for its text. An empty one counts as none.
    pub(crate) fn id(&self, name: &str) -> Result<Option<Cow<'_, str>>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => id_text(name, value),
        }
    }

    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, ApiError> {
        self.typed(name, "an integer", |value| match value {
            Value::String(text) => text.parse().ok(),
            value => value.as_i64(),
        })
    }

    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>, ApiError> {
        self.typed(name, "a boolean", Value::as_bool)
    }

    pub(crate) fn object(&self, name: &str) -> Result<Option<&Attributes>, ApiError> {
        self.typed(name, "an object", Value::as_object)
    }

    pub(crate) fn array(&self, name: &str) -> Result<Option<&[Value]>, ApiError> {
        self.typed(name, "an array", Value::as_array)
    }

    /// Puts a value into `slot` if there is an entry of that name, `null` or not.
    fn set<T>(&self, name: &str, slot: &mut T, read: impl FnOnce() -> Result<T, ApiError>) -> Result<(), ApiError> {
        if self.0.get(name).is_some() {
            *slot = read()?;
        }
        Ok(())
    }

    /// Puts the text into `slot`; `null` empties it, and without an entry it stays as it is.
    pub(crate) fn set_text(&self, name: &str, slot: &mut Option<Box<str>>) -> Result<(), ApiError> {
        self.set(name, slot, || Ok(self.text(name)?.map(Box::from)))
    }

    /// As [`Self::set_text`], for an id.
    pub(crate) fn set_id(&self, name: &str, slot: &mut Option<Box<str>>) -> Result<(), ApiError> {
        self.set(name, slot, || Ok(self.id(name)?.map(Box::from)))
    }

    /// As [`Self::set_text`], for an integer.
    pub(crate) fn set_integer(&self, name: &str, slot: &mut Option<i64>) -> Result<(), ApiError> {
        self.set(name, slot, || self.integer(name))
    }

    /// As [`Self::set_text`], for a boolean; `null` is `false`.
    pub(crate) fn set_boolean(&self, name: &str, slot: &mut bool) -> Result<(), ApiError> {
        self.set(name, slot, || Ok(self.boolean(name)?.unwrap_or_default()))
    }
}

/// A parameter that must be there.
pub(crate) fn given<T>(name: &str, value: Option<T>) -> Result<T, ApiError> {
    value.ok_or_else(|| ApiError::missing(name, format!("{name} must be given")))
}

/// The text of an id; an empty one counts as none.
pub(crate) fn id_text<'a>(name: &str, value: &'a Value) -> Result<Option<Cow<'a, str>>, ApiError> {
    match value {
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => Ok(Some(Cow::Borrowed(text))),
        Value::Number(number) => Ok(Some(Cow::Borrowed(number.as_str()))),
        _ => Err(ApiError::invalid(name, format!("{name} must be a string"))),
    }
}

/// How deep arrays and objects are nested in a JSON text, at least if it is valid.
fn depth(bytes: &[u8]) -> usize {
    let (mut open, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in bytes {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'[' | b'{' => {
                open += 1;
                deepest = deepest.max(open);
            }
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}
