//! What becomes of the events of a chunk, as text: one JSON object a line, or a block for people.

mod json;
mod pretty;
mod render;

pub(crate) use json::JsonLines;
pub(crate) use pretty::Pretty;
pub(crate) use render::Render;

use crate::input::{Chunk, Item, Received};
use crate::pipeline::Work;
use intercom_api::UnixSeconds;
use rudderstack_to_intercom::{Decision, Destination, Mapped, Rejection};
use serde::Serialize;
use std::io::{self, Write};
use std::time::SystemTime;

/// How events are converted.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The destination's settings.
    pub(crate) destination: Destination,
    /// The time of events that name none; that of the conversion, if it is not set.
    pub(crate) time_of_events: Option<UnixSeconds>,
}

impl Settings {
    /// A conversion for this destination.
    pub(crate) fn new(destination: Destination) -> Self {
        Self {
            destination,
            time_of_events: None,
        }
    }

    /// Converts an event; `traced` keeps where each field came from.
    ///
    /// # Errors
    ///
    /// If the event can never be sent.
    pub(crate) fn convert(&self, received: &Received<'_>, traced: bool) -> Result<Decision, Rejection> {
        let mapped = Mapped::new(received.event, &self.destination, self.time_of(received));
        if traced {
            mapped.traced().decide()
        } else {
            mapped.decide()
        }
    }

    /// The time of the event, if it names none itself. A dead letter keeps the time that it was sent with first, so that
    /// sending it again is a repeat.
    pub(crate) fn time_of(&self, received: &Received<'_>) -> UnixSeconds {
        let of_dead_letter = received.dead_letter.and_then(|record| record.received_at);
        of_dead_letter.or(self.time_of_events).unwrap_or_else(now)
    }
}

/// The program's clock.
pub(crate) fn now() -> UnixSeconds {
    let since_1970 = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    UnixSeconds(i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX))
}

/// How many events came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Totals {
    /// Converted.
    pub(crate) converted: u64,
    /// Rejected, lines that are no events included.
    pub(crate) rejected: u64,
    /// Not meant for Intercom.
    pub(crate) skipped: u64,
}

impl Totals {
    /// All of them.
    pub(crate) fn events(&self) -> u64 {
        self.converted + self.rejected + self.skipped
    }
}

impl std::ops::AddAssign for Totals {
    fn add_assign(&mut self, more: Self) {
        self.converted += more.converted;
        self.rejected += more.rejected;
        self.skipped += more.skipped;
    }
}

/// Converts chunks into text.
#[derive(Debug)]
pub(crate) struct Converter<R> {
    settings: Settings,
    render: R,
}

impl<R: Render> Converter<R> {
    /// Converts with `settings`, and writes with `render`.
    pub(crate) fn new(settings: Settings, render: R) -> Self {
        Self { settings, render }
    }
}

/// The text of a chunk's events.
#[derive(Debug, Default)]
pub(crate) struct Text {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    totals: Totals,
}

impl Text {
    /// Writes the events, the first of which has the index `first`, and gives their totals.
    ///
    /// # Errors
    ///
    /// If `writer` fails.
    pub(crate) fn write<R: Render>(&self, writer: &mut impl Write, first: u64) -> io::Result<Totals> {
        let mut start = 0;
        for (index, &end) in (first..).zip(&self.ends) {
            R::begin(writer, index)?;
            writer.write_all(&self.bytes[start..end])?;
            start = end;
        }
        Ok(self.totals)
    }
}

impl<R: Render> Work for Converter<R> {
    type Output = Text;

    fn run(&self, chunk: &Chunk, output: &mut Text) {
        output.bytes.clear();
        output.ends.clear();
        output.totals = Totals::default();
        // The clock is looked at once.
        let mut settings = self.settings.clone();
        settings.time_of_events.get_or_insert_with(now);
        chunk.for_each(|item| {
            let result = match &item {
                Item::Event(received) => Some(settings.convert(received, R::TRACED)),
                Item::Fault(_) => None,
            };
            match &result {
                Some(Ok(Decision::Convert(_))) => output.totals.converted += 1,
                Some(Ok(Decision::Skip)) => output.totals.skipped += 1,
                Some(Err(_)) | None => output.totals.rejected += 1,
            }
            self.render.render(&item, result.as_ref(), &mut output.bytes);
            output.ends.push(output.bytes.len());
        });
    }
}
