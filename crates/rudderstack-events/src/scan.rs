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

    fn fault<T>(&self, kind: FaultKind) -> Result<T> {
        Err(Fault { at: self.at, kind })
    }

    fn unexpected<T>(&self) -> Result<T> {
        self.fault(if self.at < self.text.len() {
            FaultKind::Syntax
        } else {
            FaultKind::End
        })
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    #[inline]
    fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<()> {
        if self.eat(byte) { Ok(()) } else { self.unexpected() }
    }

    /// Skips white space. Machines write none, so looking for it must cost nothing.
    #[inline]
    fn skip_space(&mut self) {
        if self.peek().is_some_and(|byte| byte <= b' ') {
            self.skip_more_space();
        }
    }

    #[inline(never)]
    fn skip_more_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// Skips this byte and white space before it.
    #[inline]
    fn expect_next(&mut self, byte: u8) -> Result<()> {
        if self.eat(byte) {
            return Ok(());
        }
        self.skip_space();
        self.expect(byte)
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
            Some(_) => self.fault(FaultKind::Syntax),
        }
    }

    /// The text of the value ahead, without white space around it.
    ///
    /// # Errors
    ///
    /// If it is not a JSON value.
    pub fn value(&mut self) -> Result<&'a str> {
        self.skip_space();
        let start = self.at;
        match self.peek() {
            Some(b'{' | b'[') => self.container()?,
            _ => self.scalar()?,
        }
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
        if self.ahead() != Some(b'{') {
            return self.fault(if self.peek().is_none() {
                FaultKind::End
            } else {
                FaultKind::Kind
            });
        }
        self.enter()?;
        if self.ahead() == Some(b'}') {
            return self.leave();
        }
        loop {
            let key = self.key()?;
            each(self, key)?;
            self.skip_space();
            if !self.eat(b',') {
                break;
            }
        }
        if self.peek() == Some(b'}') {
            self.leave()
        } else {
            self.unexpected()
        }
    }

    /// Goes over the items of the array ahead. `each` must take the value.
    ///
    /// # Errors
    ///
    /// If it is not an array, or `each` fails.
    pub fn array(&mut self, mut each: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        if self.ahead() != Some(b'[') {
            return self.fault(if self.peek().is_none() {
                FaultKind::End
            } else {
                FaultKind::Kind
            });
        }
        self.enter()?;
        if self.ahead() == Some(b']') {
            return self.leave();
        }
        loop {
            each(self)?;
            self.skip_space();
            if !self.eat(b',') {
                break;
            }
        }
        if self.peek() == Some(b']') {
            self.leave()
        } else {
            self.unexpected()
        }
    }

    fn enter(&mut self) -> Result<()> {
        if self.depth == MAX_DEPTH {
            return self.fault(FaultKind::TooDeep);
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    fn leave(&mut self) -> Result<()> {
        self.depth -= 1;
        self.at += 1;
        Ok(())
    }

    /// A key, and the colon behind it.
    fn key(&mut self) -> Result<Cow<'a, str>> {
        self.skip_space();
        let start = self.at;
        let escaped = self.string()?;
        let key = if escaped {
            string_of(self.since(start))
        } else {
            Cow::Borrowed(&self.text[start + 1..self.at - 1])
        };
        self.expect_next(b':')?;
        Ok(key)
    }

    /// Skips a key, and the colon behind it.
    fn skip_key(&mut self) -> Result<()> {
        self.skip_space();
        self.string()?;
        self.expect_next(b':')
    }

    #[inline]
    fn scalar(&mut self) -> Result<()> {
        match self.peek() {
            Some(b'"') => self.string().map(|_| ()),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            _ => self.unexpected(),
        }
    }

    fn word(&mut self, word: &str) -> Result<()> {
        if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(());
        }
        // To say where it differs.
        word.bytes().try_for_each(|byte| self.expect(byte))
    }

    fn digits(&mut self) -> Result<()> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return self.unexpected();
        }
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<()> {
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            if !self.eat(b'+') {
                self.eat(b'-');
            }
            self.digits()?;
        }
        Ok(())
    }

    /// Skips a string, and says whether there are escapes in it.
    #[inline]
    fn string(&mut self) -> Result<bool> {
        self.expect(b'"')?;
        self.at = plain_until(self.text.as_bytes(), self.at);
        if self.eat(b'"') {
            return Ok(false);
        }
        self.rest_of_string()
    }

    /// The same from the first place on that is not plain; apart, because few strings have one.
    #[cold]
    fn rest_of_string(&mut self) -> Result<bool> {
        let mut escaped = false;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return self.unexpected(),
            }
            self.at = plain_until(self.text.as_bytes(), self.at);
        }
    }

    fn escape(&mut self) -> Result<()> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    match self.peek() {
                        Some(byte) if byte.is_ascii_hexdigit() => self.at += 1,
                        _ => return self.unexpected(),
                    }
                }
            }
            _ => return self.unexpected(),
        }
        Ok(())
    }

    /// Skips an array or object with all that is in it, without recursion.
    fn container(&mut self) -> Result<()> {
        let outer = self.depth;
        // A bit for each open level, the innermost lowest: whether it is an object.
        let mut objects: u128 = 0;
        const { assert!(MAX_DEPTH <= u128::BITS as usize) };
        loop {
            match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    self.enter()?;
                    objects = objects << 1 | u128::from(open == b'{');
                    // `{` and `}`, `[` and `]` are two apart in ASCII.
                    if self.ahead() != Some(open + 2) {
                        if open == b'{' {
                            self.skip_key()?;
                            self.skip_space();
                        }
                        continue;
                    }
                }
                _ => self.scalar()?,
            }
            // A value has ended, or an empty container is about to.
            loop {
                let object = objects & 1 == 1;
                match self.ahead() {
                    Some(b',') => {
                        self.at += 1;
                        if object {
                            self.skip_key()?;
                        }
                        self.skip_space();
                        break;
                    }
                    Some(b'}') if object => self.leave()?,
                    Some(b']') if !object => self.leave()?,
                    _ => return self.unexpected(),
                }
                objects >>= 1;
                if self.depth == outer {
                    return Ok(());
                }
            }
        }
    }
}

/// The first place from `at` on where a string may not just go on: a quote, a backslash, a control character, the end.
#[inline]
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
    while let Some(&byte) = bytes.get(at) {
        if byte == b'"' || byte == b'\\' || byte < 0x20 {
            break;
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests;
