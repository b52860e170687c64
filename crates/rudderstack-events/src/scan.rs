//! Walks over JSON text and finds where its values begin and end.
//!
//! What is accepted is what `serde_json` accepts, save that a lone surrogate in a string is no error, because JavaScript
//! writes those, and that the depth is bounded.
//!
//! For programs that read events out of a larger text, such as the body of a request, in one pass:
//!
//! ```
//! use rudderstack_events::{Event, scan::Cursor};
//!
//! let mut cursor = Cursor::new(r#"{"events":[{"type":"track","event":"Opened"},{"type":"page"}]}"#);
//! let mut types = Vec::new();
//! cursor.object(|cursor, key| match key.as_ref() {
//!     "events" => cursor.array(|cursor| {
//!         types.push(Event::read(cursor)?.event_type());
//!         Ok(())
//!     }),
//!     _ => cursor.value().map(|_| ()),
//! })?;
//! cursor.end()?;
//! assert_eq!(types.len(), 2);
//! # Ok::<(), rudderstack_events::scan::Fault>(())
//! ```

use crate::text::string_of;
use std::borrow::Cow;

/// How deep arrays and objects may be nested in an event.
pub const MAX_DEPTH: usize = 128;

/// Where and why a text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {at}")]
pub struct Fault {
    /// Where, in bytes from the beginning.
    pub at: usize,
    /// Why.
    pub kind: FaultKind,
}

/// Why a text is not JSON, or not what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub enum FaultKind {
    /// The text ends too early.
    End,
    /// Something else stands here than JSON allows.
    Syntax,
    /// One level too many.
    TooDeep,
    /// Another sort of value was expected.
    Kind,
}

type Result<T> = std::result::Result<T, Fault>;

/// A place in a JSON text. `Debug` shows the place only.
///
/// Arrays and objects may be nested [`MAX_DEPTH`] levels deep, counted from the beginning of the text.
pub struct Cursor<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl std::fmt::Debug for Cursor<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cursor({} of {})", self.at, self.text.len())
    }
}

impl<'a> Cursor<'a> {
    /// The beginning of a text.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    fn text(&self) -> Text<'a> {
        Text(self.text.as_bytes())
    }

    #[inline]
    fn skip_space(&mut self) {
        self.at = self.text().ahead(self.at);
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text().get(self.at)
    }

    /// Where the value ahead begins.
    pub(crate) fn ahead_at(&mut self) -> usize {
        self.skip_space();
        self.at
    }

    /// The text from a place on that the cursor has stood at.
    pub(crate) fn since(&self, start: usize) -> &'a str {
        // Values begin and end with ASCII characters.
        &self.text[start..self.at]
    }

    /// How many bytes of the text are left.
    pub fn left(&self) -> usize {
        self.text.len() - self.at
    }

    /// What the value ahead starts with, white space skipped.
    pub fn ahead(&mut self) -> Option<u8> {
        self.skip_space();
        self.peek()
    }

    /// Nothing but white space may follow.
    ///
    /// # Errors
    ///
    /// If something does.
    pub fn end(&mut self) -> Result<()> {
        match self.ahead() {
            None => Ok(()),
            Some(_) => Err(self.text().unexpected(self.at)),
        }
    }

    /// The text of the value ahead, without white space around it.
    ///
    /// # Errors
    ///
    /// If it is not a JSON value.
    pub fn value(&mut self) -> Result<&'a str> {
        let start = self.text().ahead(self.at);
        self.at = self.text().value_end(start, MAX_DEPTH - self.depth)?;
        Ok(self.since(start))
    }

    /// Skips the value ahead if it is an object written just like one that was read before, which is `known`.
    ///
    /// Comparing is so much cheaper than reading that it pays wherever neighbours tend to have the same part.
    pub fn skip_known(&mut self, known: &str) -> bool {
        self.skip_space();
        let is_known = known.starts_with('{') && self.text.as_bytes()[self.at..].starts_with(known.as_bytes());
        if is_known {
            self.at += known.len();
        }
        is_known
    }

    /// Goes over the entries of the object ahead, as [`object`](Self::object) does, and gives its text.
    ///
    /// # Errors
    ///
    /// If it is not an object, or `each` fails.
    pub fn object_text(&mut self, each: impl FnMut(&mut Self, Cow<'a, str>) -> Result<()>) -> Result<&'a str> {
        self.skip_space();
        let start = self.at;
        self.object(each)?;
        Ok(self.since(start))
    }

    /// Goes over the entries of the object ahead. `each` gets the key, and must take the value.
    ///
    /// # Errors
    ///
    /// If it is not an object, or `each` fails.
    pub fn object(&mut self, mut each: impl FnMut(&mut Self, Cow<'a, str>) -> Result<()>) -> Result<()> {
        self.inside(b'{', |cursor| {
            let key = cursor.key()?;
            each(cursor, key)
        })
    }

    /// Goes over the items of the array ahead. `each` must take the value.
    ///
    /// # Errors
    ///
    /// If it is not an array, or `each` fails.
    pub fn array(&mut self, each: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.inside(b'[', each)
    }

    /// Goes over what is in the array or object ahead.
    #[inline]
    fn inside(&mut self, open: u8, mut each: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        match self.ahead() {
            Some(byte) if byte == open => {}
            Some(_) => return Err(self.text().fault(self.at, FaultKind::Kind)),
            None => return Err(self.text().unexpected(self.at)),
        }
        if self.depth == MAX_DEPTH {
            return Err(self.text().fault(self.at, FaultKind::TooDeep));
        }
        self.depth += 1;
        self.at += 1;
        if self.ahead() != Some(closing(open)) {
            loop {
                each(self)?;
                self.skip_space();
                if self.peek() != Some(b',') {
                    break;
                }
                self.at += 1;
            }
        }
        self.at = self.text().after(self.at, closing(open))?;
        self.depth -= 1;
        Ok(())
    }

    /// A key, and the colon behind it.
    #[inline]
    fn key(&mut self) -> Result<Cow<'a, str>> {
        let start = self.text().ahead(self.at);
        let end = self.text().string_end(start)?;
        self.at = self.text().after_next(end.at, b':')?;
        Ok(if end.escaped {
            string_of(&self.text[start..end.at])
        } else {
            Cow::Borrowed(&self.text[start + 1..end.at - 1])
        })
    }
}

/// What closes an array or object.
const fn closing(open: u8) -> u8 {
    // `{` and `}`, `[` and `]` are two apart in ASCII.
    open + 2
}

/// The bytes of a JSON text. Places in it are passed on rather than kept, so that they stay in registers.
#[derive(Clone, Copy)]
struct Text<'a>(&'a [u8]);

/// Where a string ends, and whether there are escapes in it.
struct StringEnd {
    at: usize,
    escaped: bool,
}

impl Text<'_> {
    #[inline(always)]
    fn get(self, at: usize) -> Option<u8> {
        self.0.get(at).copied()
    }

    #[cold]
    fn fault(self, at: usize, kind: FaultKind) -> Fault {
        Fault { at, kind }
    }

    /// Something else stands here than may.
    #[cold]
    fn unexpected(self, at: usize) -> Fault {
        let kind = match self.get(at) {
            Some(_) => FaultKind::Syntax,
            None => FaultKind::End,
        };
        self.fault(at, kind)
    }

    /// The place after white space. Machines write none, so looking for it must cost nothing.
    #[inline(always)]
    fn ahead(self, at: usize) -> usize {
        match self.get(at) {
            Some(0..=b' ') => self.after_space(at),
            _ => at,
        }
    }

    #[inline(never)]
    fn after_space(self, mut at: usize) -> usize {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.get(at) {
            at += 1;
        }
        at
    }

    /// The place after this byte.
    #[inline(always)]
    fn after(self, at: usize, byte: u8) -> Result<usize> {
        if self.get(at) == Some(byte) {
            Ok(at + 1)
        } else {
            Err(self.unexpected(at))
        }
    }

    /// The same with white space before it.
    #[inline(always)]
    fn after_next(self, at: usize, byte: u8) -> Result<usize> {
        self.after(self.ahead(at), byte)
    }

    /// Where the value ends that begins here, which may have so many levels.
    fn value_end(self, at: usize, levels: usize) -> Result<usize> {
        match self.get(at) {
            Some(b'{' | b'[') => self.container_end(at, levels),
            _ => self.scalar_end(at),
        }
    }

    /// Where an array or object ends, with all that is in it, without recursion.
    fn container_end(self, mut at: usize, levels: usize) -> Result<usize> {
        const { assert!(MAX_DEPTH <= u128::BITS as usize) };
        let mut depth = 0;
        // A bit for each open level, the innermost lowest: whether it is an object.
        let mut objects: u128 = 0;
        loop {
            match self.get(at) {
                Some(open @ (b'{' | b'[')) => {
                    if depth == levels {
                        return Err(self.fault(at, FaultKind::TooDeep));
                    }
                    depth += 1;
                    objects = objects << 1 | u128::from(open == b'{');
                    at = self.ahead(at + 1);
                    if self.get(at) != Some(closing(open)) {
                        if open == b'{' {
                            at = self.after_key(at)?;
                        }
                        continue;
                    }
                }
                _ => at = self.scalar_end(at)?,
            }
            // A value has ended, or an empty container is about to.
            loop {
                let object = objects & 1 == 1;
                at = self.ahead(at);
                match self.get(at) {
                    Some(b',') => {
                        at = self.ahead(at + 1);
                        if object {
                            at = self.after_key(at)?;
                        }
                        break;
                    }
                    Some(b'}') if object => {}
                    Some(b']') if !object => {}
                    _ => return Err(self.unexpected(at)),
                }
                at += 1;
                depth -= 1;
                objects >>= 1;
                if depth == 0 {
                    return Ok(at);
                }
            }
        }
    }

    /// Where the value begins of the entry whose key begins here.
    #[inline(always)]
    fn after_key(self, at: usize) -> Result<usize> {
        let end = self.string_end(at)?.at;
        Ok(self.ahead(self.after_next(end, b':')?))
    }

    #[inline(always)]
    fn scalar_end(self, at: usize) -> Result<usize> {
        match self.get(at) {
            Some(b'"') => self.string_end(at).map(|end| end.at),
            Some(b'-' | b'0'..=b'9') => self.number_end(at),
            Some(b't') => self.word_end(at, "true"),
            Some(b'f') => self.word_end(at, "false"),
            Some(b'n') => self.word_end(at, "null"),
            _ => Err(self.unexpected(at)),
        }
    }

    #[inline(always)]
    fn word_end(self, at: usize, word: &str) -> Result<usize> {
        let end = at + word.len();
        if self.0.get(at..end) == Some(word.as_bytes()) {
            return Ok(end);
        }
        // To say where it differs.
        word.bytes().try_fold(at, |at, byte| self.after(at, byte))
    }

    #[inline(always)]
    fn digits_end(self, mut at: usize) -> Result<usize> {
        if !matches!(self.get(at), Some(b'0'..=b'9')) {
            return Err(self.unexpected(at));
        }
        while let Some(b'0'..=b'9') = self.get(at) {
            at += 1;
        }
        Ok(at)
    }

    #[inline(always)]
    fn number_end(self, mut at: usize) -> Result<usize> {
        at += usize::from(self.get(at) == Some(b'-'));
        at = match self.get(at) {
            Some(b'0') => at + 1,
            _ => self.digits_end(at)?,
        };
        if self.get(at) == Some(b'.') {
            at = self.digits_end(at + 1)?;
        }
        if let Some(b'e' | b'E') = self.get(at) {
            at += 1;
            at += usize::from(matches!(self.get(at), Some(b'+' | b'-')));
            at = self.digits_end(at)?;
        }
        Ok(at)
    }

    #[inline(always)]
    fn string_end(self, at: usize) -> Result<StringEnd> {
        let plain = plain_until(self.0, self.after(at, b'"')?);
        if self.get(plain) == Some(b'"') {
            return Ok(StringEnd {
                at: plain + 1,
                escaped: false,
            });
        }
        self.rest_of_string(plain)
    }

    /// The same from the first place on that is not plain; apart, because few strings have one.
    #[cold]
    fn rest_of_string(self, mut at: usize) -> Result<StringEnd> {
        let mut escaped = false;
        loop {
            match self.get(at) {
                Some(b'"') => return Ok(StringEnd { at: at + 1, escaped }),
                Some(b'\\') => {
                    escaped = true;
                    at = self.escape_end(at)?;
                }
                _ => return Err(self.unexpected(at)),
            }
            at = plain_until(self.0, at);
        }
    }

    fn escape_end(self, at: usize) -> Result<usize> {
        let at = at + 1;
        match self.get(at) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 1),
            Some(b'u') => (at + 1..at + 5).try_fold(at + 1, |_, at| match self.get(at) {
                Some(byte) if byte.is_ascii_hexdigit() => Ok(at + 1),
                _ => Err(self.unexpected(at)),
            }),
            _ => Err(self.unexpected(at)),
        }
    }
}

/// The first place from `at` on where a string may not just go on: a quote, a backslash, a control character, the end.
#[inline(always)]
fn plain_until(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // Eight bytes at a time: the high bit of each byte says whether it is special. Subtracting sets that bit of an ASCII
    // byte only by a borrow; bytes beyond ASCII have it set already, and are left out at the end. Borrows can only spoil
    // bytes above a special one, and the lowest counts.
    while let Some(chunk) = bytes.get(at..at + 8).and_then(|chunk| <[u8; 8]>::try_from(chunk).ok()) {
        let chunk = u64::from_le_bytes(chunk);
        let control = chunk.wrapping_sub(ONES * 0x20);
        let quote = (chunk ^ (ONES * u64::from(b'"'))).wrapping_sub(ONES);
        let backslash = (chunk ^ (ONES * u64::from(b'\\'))).wrapping_sub(ONES);
        let special = (control | quote | backslash) & !chunk & HIGH;
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
mod tests;
