//! JSON text written straight into a buffer.

use serde_json::value::RawValue;

/// What can write its JSON text itself, which is quicker than by way of a serializer: for what is written by the thousand.
pub trait WriteJson {
    /// Adds the JSON text, which is the one that `serde_json` writes.
    fn write_json(&self, out: &mut Vec<u8>);
}

impl WriteJson for str {
    #[inline]
    fn write_json(&self, out: &mut Vec<u8>) {
        out.reserve(self.len() + 2);
        quote(self, |part| out.extend_from_slice(part.as_bytes()));
    }
}

/// Writes a text as a JSON string, part by part.
#[inline]
pub fn quote(text: &str, mut write: impl FnMut(&str)) {
    if plain_until(text.as_bytes(), 0) == text.len() {
        write("\"");
        write(text);
        write("\"");
    } else {
        write(&serde_json::Value::from(text).to_string());
    }
}

impl WriteJson for RawValue {
    fn write_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.get().as_bytes());
    }
}

/// The first place from `at` on where a string may not just go on: a quote, a backslash, a control character, the end.
#[inline(always)]
pub fn plain_until(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // Eight bytes at a time: the high bit of each byte says whether it is special. Subtracting sets that bit of an ASCII
    // byte only by a borrow; bytes beyond ASCII have it set already, and are left out at the end. Borrows can only spoil
    // bytes above a special one, and the lowest counts. A quote is two above the control characters, so that turning that
    // bit around puts it next to them.
    // A sum that wraps is no place, and needs no check of its own.
    while let Some(chunk) = bytes.get(at..at.wrapping_add(8)).and_then(<[u8]>::first_chunk) {
        let chunk = u64::from_le_bytes(*chunk);
        let control_or_quote = (chunk ^ (ONES * 2)).wrapping_sub(ONES * 0x21);
        let backslash = (chunk ^ (ONES * u64::from(b'\\'))).wrapping_sub(ONES);
        let special = (control_or_quote | backslash) & (!chunk & HIGH);
        if special != 0 {
            return at + (special.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    let rest = &bytes[at..];
    at + rest.iter().position(is_special).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_written_as_by_serde_json() {
        for text in [
            "",
            "plain",
            "exactly8",
            "more than eight",
            "ü and 漢",
            "\"",
            "\\",
            "a\nb",
            "\u{1f}",
            "\u{7f}",
            "0123456\t",
            "\u{2028}/",
        ] {
            let mut out = Vec::new();
            text.write_json(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(text).unwrap());
        }
    }
}
