//! Reads events out of records. The one place that knows what forms a record has.

use super::chunk::{Chunk, Record};
use super::fault::{Fault, FaultKind};
use super::scan::{Scanner, Step};
use intercom_delivery::FailureRecord;
use memchr::{memchr, memchr_iter};
use rudderstack_events::request::{Endpoint, Envelope, Request};
use rudderstack_events::{Event, Object, ParseError, Raw};

/// What was read: an event, or a piece of input that is not one.
#[derive(Debug)]
pub(crate) enum Item<'a> {
    /// An event.
    Event(Received<'a>),
    /// Something else.
    Fault(Fault),
}

/// An event and where it came from.
#[derive(Debug)]
pub(crate) struct Received<'a> {
    /// The event.
    pub(crate) event: &'a Event<'a>,
    /// Its JSON text, with what it inherits from a batch.
    pub(crate) json: &'a str,
    /// The line that it begins in, from 1.
    pub(crate) line: u64,
    /// Why the event was given up, if it comes from a file of dead letters.
    pub(crate) dead_letter: Option<&'a FailureRecord>,
}

impl Chunk {
    /// Reads every event of the chunk, in order.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(Item<'_>)) {
        for record in &self.records {
            if let Some(fault) = &record.fault {
                visit(Item::Fault(fault.clone()));
                continue;
            }
            match str::from_utf8(self.text(record)) {
                Ok(text) => Reader::new(record).read(text, &mut visit),
                Err(error) => {
                    let fault = Fault::new(FaultKind::NotUtf8, record.line);
                    let text = &self.text(record)[..error.valid_up_to()];
                    visit(Item::Fault(match memchr(b'\n', text) {
                        None => fault.at(record.column + text.len() as u64 + 1),
                        Some(_) => fault,
                    }));
                }
            }
        }
    }
}

/// Where in the input a text stands, and what is around it.
#[derive(Clone, Copy)]
struct Reader<'r> {
    line: u64,
    column: u64,
    envelope: Option<&'r Envelope<'r>>,
}

impl<'r> Reader<'r> {
    fn new(record: &'r Record) -> Self {
        Self {
            line: record.line,
            column: record.column,
            envelope: record.envelope.as_deref(),
        }
    }

    fn read(self, text: &str, visit: &mut impl FnMut(Item<'_>)) {
        let Some(fault) = self.event(text, Stands::Alone, visit) else {
            return;
        };
        match end_of_first(text) {
            // Files that were joined without a newline between them.
            Some(end) => {
                self.read(&text[..end], visit);
                self.moved(text, &text[end..]).read(&text[end..], visit);
            }
            None => visit(Item::Fault(fault)),
        }
    }

    /// Reads the text as an event, or says what is wrong with it.
    fn event(self, text: &str, stands: Stands<'_>, visit: &mut impl FnMut(Item<'_>)) -> Option<Fault> {
        let trimmed = text.trim_ascii();
        let whole = self.envelope.map(|envelope| envelope.apply(trimmed));
        let json = whole.as_deref().unwrap_or(trimmed);
        match Event::from_json(json) {
            Ok(event) => {
                let dead_letter = match stands {
                    Stands::Alone => {
                        if self.envelope.is_none() && may_wrap(&event) && self.unwrap(text, visit) {
                            return None;
                        }
                        None
                    }
                    Stands::Inside(dead_letter) => dead_letter,
                };
                visit(Item::Event(Received {
                    event: &event,
                    json,
                    line: self.line,
                    dead_letter,
                }));
                None
            }
            Err(error) => Some(self.fault(&error)),
        }
    }

    fn fault(self, error: &ParseError) -> Fault {
        let kind = error.kind().into();
        let mut fault = Fault::new(kind, self.line + (error.line() as u64).saturating_sub(1));
        if kind == FaultKind::InvalidJson && error.line() > 0 {
            let before = if error.line() == 1 { self.column } else { 0 };
            fault = fault.at(before + error.column() as u64);
        }
        fault
    }

    /// Reads the events inside a wrapper, or says `false` if the text is none.
    fn unwrap(self, text: &str, visit: &mut impl FnMut(Item<'_>)) -> bool {
        let Ok(entries) = Object::from_json(text) else {
            return false;
        };
        if let Some(batch) = Request::of_batch(&entries) {
            self.request(text, &batch, visit);
            return true;
        }
        if entries.get("type").is_some_and(|value| !value.is_null()) {
            return false;
        }
        if let (Some(event), Some(code)) = (object(&entries, "event"), string(&entries, "code")) {
            // What else there is helps, but need not be there.
            let record = serde_json::from_str(text).unwrap_or_else(|_| FailureRecord::new(code));
            if record.is_too_new() {
                visit(Item::Fault(Fault::new(FaultKind::NewerDeadLetter, self.line)));
                return true;
            }
            self.inside(text, event, None, Some(&record), visit);
            return true;
        }
        let (Some(path), Some(body)) = (string(&entries, "path"), object(&entries, "body")) else {
            return false;
        };
        match Request::read(body.json(), Endpoint::of_path(&path).unwrap_or(Endpoint::Any)) {
            Ok(request) => self.request(text, &request, visit),
            Err(error) => {
                visit(Item::Fault(Fault::new(
                    error.kind().into(),
                    self.moved(text, body.json()).line,
                )));
            }
        }
        true
    }

    /// Reads the events of a request.
    fn request(self, text: &str, request: &Request<'_>, visit: &mut impl FnMut(Item<'_>)) {
        for event in &request.events {
            self.inside(text, event, Some(&request.envelope), None, visit);
        }
    }

    fn inside(
        self,
        text: &str,
        event: &Raw<'_>,
        envelope: Option<&Envelope<'_>>,
        dead_letter: Option<&FailureRecord>,
        visit: &mut impl FnMut(Item<'_>),
    ) {
        let place = Reader {
            envelope,
            ..self.moved(text, event.json())
        };
        if let Some(fault) = place.event(event.json(), Stands::Inside(dead_letter), visit) {
            visit(Item::Fault(fault));
        }
    }

    /// The place of `part`, which is a slice of `text`.
    fn moved(self, text: &str, part: &str) -> Self {
        let offset = part.as_ptr().addr().wrapping_sub(text.as_ptr().addr());
        let Some(before) = text.as_bytes().get(..offset) else {
            return self;
        };
        match memchr::memrchr(b'\n', before) {
            None => Self {
                column: self.column + offset as u64,
                ..self
            },
            Some(newline) => Self {
                line: self.line + memchr_iter(b'\n', before).count() as u64,
                column: (offset - newline - 1) as u64,
                ..self
            },
        }
    }
}

/// Where a text stands that is read as an event.
#[derive(Clone, Copy)]
enum Stands<'d> {
    /// By itself: it may be a wrapper of events instead.
    Alone,
    /// In a wrapper, such as a dead letter.
    Inside(Option<&'d FailureRecord>),
}

/// Whether what was read as an event may be a wrapper: every one has one of these keys, and most events have none of them.
fn may_wrap(event: &Event<'_>) -> bool {
    let extra = &event.common().extra;
    ["batch", "body", "code"].iter().any(|key| extra.contains_key(key))
}

fn object<'o, 'a>(entries: &'o Object<'a>, key: &str) -> Option<&'o Raw<'a>> {
    entries.get(key).filter(|value| value.json().starts_with('{'))
}

fn string<'o>(entries: &'o Object<'_>, key: &str) -> Option<std::borrow::Cow<'o, str>> {
    entries.get(key).and_then(Raw::string)
}

/// Where the first of several objects ends that stand one behind the other.
fn end_of_first(text: &str) -> Option<usize> {
    match Scanner::new().feed(text.as_bytes()) {
        Step::Complete(end) if text[end..].trim_ascii_start().starts_with('{') => Some(end),
        _ => None,
    }
}
