//! Finds where a JSON value ends, in bytes that arrive a piece at a time.
//!
//! This is not a parser: it knows the grammar well enough to tell a value that goes on in the next line from one that
//! was cut off, and leaves the details of strings and numbers to whoever reads the value afterwards.

use memchr::memchr3;
use rudderstack_events::MAX_DEPTH;

/// What the scanner made of the bytes that it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The value goes on.
    More,
    /// The value ends before this index of the bytes given.
    Complete(usize),
    /// The byte at this index cannot stand there.
    Invalid(usize),
    /// The byte at this index opens one level too many.
    TooDeep(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Value,
    ValueOrEnd,
    KeyOrEnd,
    Key,
    Colon,
    After,
    String { key: bool, escaped: bool },
    Scalar,
}

/// The state of one value's scan.
#[derive(Clone, Debug)]
pub(super) struct Scanner {
    state: State,
    depth: usize,
    /// One bit a level, from the lowest: set for an object.
    objects: u128,
    scanned: usize,
    batch: BatchKey,
}

/// Where the scan stands with regard to an array under the key `batch` of the outermost object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BatchKey {
    /// In a key of the outermost object that agrees with `batch` so far, by this many bytes.
    Matching(usize),
    Other,
    /// The key is `batch`, and its value has not begun.
    Found,
    /// In the array, whose bracket stands at this offset of the value.
    Inside(usize),
}

const BATCH: &[u8] = b"batch";

impl Scanner {
    /// A scan that begins at the first byte of a value.
    pub(super) fn new() -> Self {
        Self {
            state: State::Value,
            depth: 0,
            objects: 0,
            scanned: 0,
            batch: BatchKey::Other,
        }
    }

    /// A scan that begins behind a value inside the outermost object.
    pub(super) fn after_value_in_object() -> Self {
        Self {
            state: State::After,
            depth: 1,
            objects: 1,
            ..Self::new()
        }
    }

    /// How many bytes were scanned.
    pub(super) fn scanned(&self) -> usize {
        self.scanned
    }

    /// Where the array under the key `batch` of the outermost object begins, if the scan stands inside it.
    pub(super) fn batch_array(&self) -> Option<usize> {
        match self.batch {
            BatchKey::Inside(start) => Some(start),
            _ => None,
        }
    }

    /// Whether the input may end here: only a number or a word outside any bracket needs no further byte.
    pub(super) fn may_end(&self) -> bool {
        self.depth == 0 && self.state == State::Scalar
    }

    /// Scans on. The indices that it gives count from the start of `bytes`.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Step {
        let mut at = 0;
        let step = loop {
            let Some(&byte) = bytes.get(at) else { break Step::More };
            match self.state {
                State::String { key, escaped: true } => {
                    if byte == b'\n' {
                        break Step::Invalid(at);
                    }
                    self.batch_key_byte(key, 0);
                    self.state = State::String { key, escaped: false };
                }
                State::String { key: true, .. } if self.depth == 1 => match byte {
                    b'"' => self.end_of_string(true),
                    b'\\' => {
                        self.state = State::String {
                            key: true,
                            escaped: true,
                        }
                    }
                    b'\n' => break Step::Invalid(at),
                    _ => self.batch_key_byte(true, byte),
                },
                State::String { key, .. } => {
                    let Some(found) = memchr3(b'"', b'\\', b'\n', &bytes[at..]) else {
                        break Step::More;
                    };
                    at += found;
                    match bytes[at] {
                        b'"' => self.end_of_string(key),
                        b'\\' => self.state = State::String { key, escaped: true },
                        _ => break Step::Invalid(at),
                    }
                }
                State::Scalar => {
                    if !is_scalar(byte) {
                        if self.depth == 0 {
                            break Step::Complete(at);
                        }
                        self.state = State::After;
                        continue;
                    }
                }
                _ if byte.is_ascii_whitespace() => {}
                State::Value | State::ValueOrEnd => match byte {
                    b'{' | b'[' => {
                        if self.depth == MAX_DEPTH {
                            break Step::TooDeep(at);
                        }
                        self.open(byte == b'{', self.scanned + at);
                    }
                    b'"' => {
                        self.value_begins();
                        self.state = State::String {
                            key: false,
                            escaped: false,
                        };
                    }
                    b']' if self.state == State::ValueOrEnd => self.close(),
                    _ if is_scalar(byte) => {
                        self.value_begins();
                        self.state = State::Scalar;
                    }
                    _ => break Step::Invalid(at),
                },
                State::KeyOrEnd | State::Key => match byte {
                    b'"' => {
                        self.state = State::String {
                            key: true,
                            escaped: false,
                        };
                        self.batch = if self.depth == 1 {
                            BatchKey::Matching(0)
                        } else {
                            self.batch
                        };
                    }
                    b'}' if self.state == State::KeyOrEnd => self.close(),
                    _ => break Step::Invalid(at),
                },
                State::Colon => match byte {
                    b':' => self.state = State::Value,
                    _ => break Step::Invalid(at),
                },
                State::After => match byte {
                    b',' if self.in_object() => self.state = State::Key,
                    b',' => self.state = State::Value,
                    b'}' if self.in_object() => self.close(),
                    b']' if !self.in_object() => self.close(),
                    _ => break Step::Invalid(at),
                },
            }
            at += 1;
            if self.depth == 0 && self.state == State::After {
                break Step::Complete(at);
            }
        };
        self.scanned += match step {
            Step::More => bytes.len(),
            Step::Complete(end) => end,
            Step::Invalid(at) | Step::TooDeep(at) => at,
        };
        step
    }

    fn in_object(&self) -> bool {
        self.objects & (1 << (self.depth - 1)) != 0
    }

    fn open(&mut self, object: bool, offset: usize) {
        if self.batch == BatchKey::Found && self.depth == 1 {
            self.batch = if object {
                BatchKey::Other
            } else {
                BatchKey::Inside(offset)
            };
        }
        let bit = 1 << self.depth;
        self.objects = if object {
            self.objects | bit
        } else {
            self.objects & !bit
        };
        self.depth += 1;
        self.state = if object { State::KeyOrEnd } else { State::ValueOrEnd };
    }

    fn close(&mut self) {
        self.depth -= 1;
        if self.depth == 1 && matches!(self.batch, BatchKey::Inside(_)) {
            self.batch = BatchKey::Other;
        }
        self.state = State::After;
    }

    fn value_begins(&mut self) {
        if self.depth == 1 {
            self.batch = BatchKey::Other;
        }
    }

    fn batch_key_byte(&mut self, key: bool, byte: u8) {
        if let (true, BatchKey::Matching(matched)) = (key && self.depth == 1, self.batch) {
            let agrees = BATCH.get(matched) == Some(&byte);
            self.batch = if agrees {
                BatchKey::Matching(matched + 1)
            } else {
                BatchKey::Other
            };
        }
    }

    fn end_of_string(&mut self, key: bool) {
        if !key {
            self.state = State::After;
            return;
        }
        if self.depth == 1 {
            let found = self.batch == BatchKey::Matching(BATCH.len());
            self.batch = if found { BatchKey::Found } else { BatchKey::Other };
        }
        self.state = State::Colon;
    }
}

fn is_scalar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
}

/// Finds the end of a value that is not valid, by its brackets and quotes alone, as far as its line goes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Skipper {
    depth: u64,
    in_string: bool,
    escaped: bool,
}

impl Skipper {
    /// Goes on over `bytes`: the index behind the value's last byte, or of the end of the line, or `None` if neither is in them.
    ///
    /// Outside brackets, the value ends before a comma or a closing bracket.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Option<usize> {
        for (at, &byte) in bytes.iter().enumerate() {
            match byte {
                b'\n' => return Some(at),
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'{' | b'[' => self.depth += 1,
                b',' | b'}' | b']' if self.depth == 0 => return Some(at),
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(at + 1);
                    }
                }
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Step {
        Scanner::new().feed(text.as_bytes())
    }

    #[test]
    fn values_end_where_they_end() {
        for text in [
            "{}",
            "[]",
            r#"{"a":1}"#,
            r#"{"a":[1,{"b":"}]\"\\"}],"c":null}"#,
            "\"x\"",
            r#"{"a":{} , "b": [ ] }"#,
            "[1.5e+3, true]",
        ] {
            let followed = format!("{text} {{");
            assert_eq!(whole(&followed), Step::Complete(text.len()), "{text}");
        }
        assert_eq!(whole("12,"), Step::Complete(2));
    }

    #[test]
    fn a_scan_in_pieces_is_the_same() {
        let text = r#"{"a":[1,{"b":"}]\"\\ü"}],"batch":[{"x":1},2],"c":[[],{}]}"#.as_bytes();
        for cut in 0..text.len() {
            let mut scanner = Scanner::new();
            assert_eq!(scanner.feed(&text[..cut]), Step::More, "{cut}");
            assert_eq!(scanner.feed(&text[cut..]), Step::Complete(text.len() - cut), "{cut}");
            assert_eq!(scanner.scanned(), text.len());
        }
    }

    #[test]
    fn what_cannot_be_there_is_found_at_once() {
        for (text, at) in [
            (r#"{"a":1{"#, 6),
            (r#"{"a" 1}"#, 5),
            (r"{a:1}", 1),
            (r#"{"a":1,}"#, 7),
            (r#"{"a":[1}"#, 7),
            ("{\"a\":\"x\n", 7),
            ("[1 2]", 3),
            ("[,]", 1),
        ] {
            assert_eq!(whole(text), Step::Invalid(at), "{text}");
        }
    }

    #[test]
    fn depth_is_limited() {
        let deepest = "[".repeat(MAX_DEPTH) + &"]".repeat(MAX_DEPTH);
        assert_eq!(whole(&deepest), Step::Complete(2 * MAX_DEPTH));
        let deeper = format!("[{deepest}]");
        assert_eq!(whole(&deeper), Step::TooDeep(MAX_DEPTH));
    }

    #[test]
    fn a_batch_array_is_known_from_inside() {
        let mut scanner = Scanner::new();
        assert_eq!(
            scanner.feed(br#"{"x":{"batch":[1]},"batch" : [{"batch":[2"#),
            Step::More
        );
        assert_eq!(scanner.batch_array(), Some(29));
        assert_eq!(scanner.feed(br#"]}],"y":["#), Step::More);
        assert_eq!(scanner.batch_array(), None);
        for other in [
            r#"{"batches":["#,
            r#"{"batc\u0068":["#,
            r#"{"batch":{"a":["#,
            r#"{"batch":1,"b":["#,
            r#"["batch",["#,
        ] {
            let mut scanner = Scanner::new();
            assert_eq!(scanner.feed(other.as_bytes()), Step::More);
            assert_eq!(scanner.batch_array(), None, "{other}");
        }
    }

    #[test]
    fn the_skipper_stays_in_its_line() {
        let skip = |text: &str| Skipper::default().feed(text.as_bytes());
        assert_eq!(skip(r#"{"a" 1},{"#), Some(7));
        assert_eq!(skip(r#"{"a":["}"]},"#), Some(11));
        assert_eq!(skip("{\"a\n"), Some(3));
        assert_eq!(skip(":x,2"), Some(2));
        assert_eq!(skip("{\"a"), None);
    }
}
