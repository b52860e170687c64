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

mod ends;

pub use ends::{Fault, FaultKind, MAX_DEPTH};

use crate::json::Raw;
use crate::text::string_of;
use ends::{Result, Text, closing};
use std::borrow::Cow;

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
    #[inline]
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
    #[inline(always)]
    pub fn value(&mut self) -> Result<&'a str> {
        let start = self.text().ahead(self.at);
        self.at = match self.text().get(start) {
            // Most values are strings, for which no call is made.
            Some(b'"') => self.text().string_end(start)?.at,
            _ => self.text().value_end(start, MAX_DEPTH - self.depth)?,
        };
        Ok(self.since(start))
    }

    /// The value ahead.
    ///
    /// # Errors
    ///
    /// If it is not a JSON value.
    #[inline]
    pub fn raw(&mut self) -> Result<Raw<'a>> {
        self.value().map(Raw::of_valid)
    }

    /// The string ahead; something else is skipped. A lone surrogate, which JavaScript can write and Rust cannot hold,
    /// becomes U+FFFD.
    ///
    /// # Errors
    ///
    /// If it is not a JSON value.
    #[inline(always)]
    pub fn string(&mut self) -> Result<Option<Cow<'a, str>>> {
        match self.ahead() {
            Some(b'"') => self.string_here().map(Some),
            _ => self.value().map(|_| None),
        }
    }

    /// The string that begins here.
    #[inline(always)]
    fn string_here(&mut self) -> Result<Cow<'a, str>> {
        let start = self.at;
        let end = self.text().string_end(start)?;
        self.at = end.at;
        Ok(if end.escaped {
            string_of(&self.text[start..end.at])
        } else {
            Cow::Borrowed(&self.text[start + 1..end.at - 1])
        })
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
    #[inline(always)]
    fn key(&mut self) -> Result<Cow<'a, str>> {
        self.skip_space();
        let key = self.string_here()?;
        self.at = self.text().after_next(self.at, b':')?;
        Ok(key)
    }
}

#[cfg(test)]
mod tests;
