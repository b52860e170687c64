//! The text of JSON strings.

use std::borrow::Cow;

/// The string with this JSON text. A lone surrogate, which JavaScript can write and Rust cannot hold, becomes U+FFFD.
pub(crate) fn string_of(json: &str) -> Cow<'_, str> {
    let inner = json.get(1..json.len().saturating_sub(1)).unwrap_or_default();
    if exact_json::plain_until(inner.as_bytes(), 0) == inner.len() {
        return Cow::Borrowed(inner);
    }
    Cow::Owned(serde_json::from_str(json).unwrap_or_else(|_| unescape(inner)))
}

fn unescape(inner: &str) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(next) = rest.next() {
        let plain = match next {
            '\\' => match rest.next() {
                Some('u') => {
                    let code = rest.as_str().get(..4).and_then(|hex| u16::from_str_radix(hex, 16).ok());
                    units.push(code.unwrap_or(0xFFFD));
                    rest = rest.as_str().get(4..).unwrap_or_default().chars();
                    continue;
                }
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('b') => '\u{8}',
                Some('f') => '\u{c}',
                Some(other) => other,
                None => char::REPLACEMENT_CHARACTER,
            },
            other => other,
        };
        units.extend_from_slice(plain.encode_utf16(&mut [0; 2]));
    }
    String::from_utf16_lossy(&units)
}
