//! Where the values of a JSON text end.

use exact_json::plain_until;

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

pub(super) type Result<T> = std::result::Result<T, Fault>;

/// What closes an array or object.
pub(super) const fn closing(open: u8) -> u8 {
    // `{` and `}`, `[` and `]` are two apart in ASCII.
    open + 2
}

/// The bytes of a JSON text. Places in it are passed on rather than kept, so that they stay in registers.
#[derive(Clone, Copy)]
pub(super) struct Text<'a>(pub(super) &'a [u8]);

/// Where a string ends, and whether there are escapes in it.
pub(super) struct StringEnd {
    pub(super) at: usize,
    pub(super) escaped: bool,
}

impl Text<'_> {
    #[inline(always)]
    pub(super) fn get(self, at: usize) -> Option<u8> {
        self.0.get(at).copied()
    }

    #[cold]
    pub(super) fn fault(self, at: usize, kind: FaultKind) -> Fault {
        Fault { at, kind }
    }

    /// Something else stands here than may.
    #[cold]
    pub(super) fn unexpected(self, at: usize) -> Fault {
        let kind = match self.get(at) {
            Some(_) => FaultKind::Syntax,
            None => FaultKind::End,
        };
        self.fault(at, kind)
    }

    /// The place after white space. Machines write none, so looking for it must cost nothing.
    #[inline(always)]
    pub(super) fn ahead(self, at: usize) -> usize {
        match self.get(at) {
            Some(b'!'..) | None => at,
            Some(_) => self.after_space(at),
        }
    }

    #[cold]
    #[inline(never)]
    fn after_space(self, mut at: usize) -> usize {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.get(at) {
            at += 1;
        }
        at
    }

    /// The place after this byte.
    #[inline(always)]
    pub(super) fn after(self, at: usize, byte: u8) -> Result<usize> {
        if self.get(at) == Some(byte) {
            Ok(at + 1)
        } else {
            Err(self.unexpected(at))
        }
    }

    /// The same with white space before it.
    #[inline(always)]
    pub(super) fn after_next(self, at: usize, byte: u8) -> Result<usize> {
        self.after(self.ahead(at), byte)
    }

    /// Where the value ends that begins here, which may have so many levels.
    pub(super) fn value_end(self, at: usize, levels: usize) -> Result<usize> {
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
            let mut has_ended = false;
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
                            (at, has_ended) = self.after_key(at)?;
                        }
                        if !has_ended {
                            continue;
                        }
                    }
                }
                _ => at = self.scalar_end(at)?,
            }
            // A value has ended, or an empty container is about to.
            loop {
                let object = objects & 1 == 1;
                match self.get(at) {
                    Some(b',') => {
                        at = self.ahead(at + 1);
                        if object {
                            (at, has_ended) = self.after_key(at)?;
                            if has_ended {
                                continue;
                            }
                        }
                        break;
                    }
                    Some(b'}') if object => {}
                    Some(b']') if !object => {}
                    _ => {
                        let next = self.after_space(at);
                        if next == at {
                            return Err(self.unexpected(at));
                        }
                        at = next;
                        continue;
                    }
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

    /// The place after the key that begins here: where its value begins, or, with `true`, where a value ends. Entries of plain
    /// strings, which most are, are gone over together, and looked at as little as possible.
    #[inline(always)]
    fn after_key(self, at: usize) -> Result<(usize, bool)> {
        let mut start = self.after(at, b'"')?;
        loop {
            let end = plain_until(self.0, start);
            if !self.has(end, b"\":\"") {
                let end = self.string_end_from(end)?.at;
                return Ok((self.ahead(self.after_next(end, b':')?), false));
            }
            let end = plain_until(self.0, end + 3);
            if !self.has(end, b"\",\"") {
                return Ok((self.string_end_from(end)?.at, true));
            }
            start = end + 3;
        }
    }

    /// Whether these three bytes stand here, and more after them.
    #[inline(always)]
    fn has(self, at: usize, [a, b, c]: &[u8; 3]) -> bool {
        let next = self.0.get(at..).and_then(<[u8]>::first_chunk);
        next.is_some_and(|next| u32::from_le_bytes(*next) << 8 == u32::from_le_bytes([0, *a, *b, *c]))
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
        loop {
            at += 1;
            if !matches!(self.get(at), Some(b'0'..=b'9')) {
                return Ok(at);
            }
        }
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
    pub(super) fn string_end(self, at: usize) -> Result<StringEnd> {
        self.string_end_from(plain_until(self.0, self.after(at, b'"')?))
    }

    #[inline(always)]
    fn string_end_from(self, plain: usize) -> Result<StringEnd> {
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
