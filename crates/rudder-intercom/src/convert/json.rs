//! One JSON object a line.

use super::render::Render;
use crate::input::{Fault, Item, Received};
use rudderstack_to_intercom::{Decision, Rejection, Warning};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::borrow::Cow;
use std::io::{self, Write};

/// Writes one JSON object a line.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct JsonLines;

impl Render for JsonLines {
    const TRACED: bool = false;

    fn begin(writer: &mut impl Write, index: u64) -> io::Result<()> {
        write!(writer, "{{\"index\":{index},")
    }

    fn render(&self, item: &Item<'_>, result: Option<&Result<Decision, Rejection>>, text: &mut Vec<u8>) {
        let start = text.len();
        let written = match (item, result) {
            (Item::Event(received), Some(result)) => serde_json::to_writer(&mut *text, &EventLine(received, result)),
            (Item::Event(_), None) => Ok(()),
            (Item::Fault(fault), _) => serde_json::to_writer(&mut *text, &FaultLine(fault)),
        };
        debug_assert!(written.is_ok(), "every part can be written as JSON");
        // The brace at the start belongs to the part with the index.
        text.remove(start);
        text.push(b'\n');
    }
}

struct EventLine<'a>(&'a Received<'a>, &'a Result<Decision, Rejection>);

impl Serialize for EventLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(received, result) = self;
        let mut map = serializer.serialize_map(None)?;
        let common = received.event.common();
        if let Some(id) = common.message_id.ok() {
            map.serialize_entry("messageId", &id)?;
        }
        if let Some(kind) = type_of(received) {
            map.serialize_entry("type", &kind)?;
        }
        match result {
            Ok(Decision::Convert(conversion)) => {
                map.serialize_entry("outcome", "converted")?;
                let written = conversion.plan.written();
                map.serialize_entry("plan", &written.plan())?;
                map.serialize_entry("calls", &written.calls())?;
                warnings(&mut map, &conversion.warnings)?;
            }
            Ok(_) => map.serialize_entry("outcome", "skipped")?,
            Err(rejection) => {
                map.serialize_entry("outcome", "rejected")?;
                warnings(&mut map, &rejection.warnings)?;
                // Its warnings are written already.
                let error = Rejection::new(rejection.code, &*rejection.path, &*rejection.message);
                map.serialize_entry("error", &error)?;
            }
        }
        map.end()
    }
}

/// The type by its proper name, or as it was sent if it has none.
pub(super) fn type_of<'r>(received: &'r Received<'_>) -> Option<Cow<'r, str>> {
    match received.event.event_type() {
        Some(known) => Some(Cow::Borrowed(known.as_str())),
        None => received.event.common().kind.ok(),
    }
}

fn warnings<M: SerializeMap>(map: &mut M, warnings: &[Warning]) -> Result<(), M::Error> {
    if warnings.is_empty() {
        Ok(())
    } else {
        map.serialize_entry("warnings", warnings)
    }
}

struct FaultLine<'a>(&'a Fault);

impl Serialize for FaultLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("line", &self.0.line)?;
        map.serialize_entry("outcome", "rejected")?;
        map.serialize_entry("error", &FaultError(self.0))?;
        map.end()
    }
}

struct FaultError<'a>(&'a Fault);

impl Serialize for FaultError<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("code", self.0.kind.code())?;
        map.serialize_entry("message", &self.0.message())?;
        map.end()
    }
}
