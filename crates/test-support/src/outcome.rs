//! What comes of the text of an event.

use intercom_api::UnixSeconds;
use rudderstack_events::{Event, ParseError};
use rudderstack_to_intercom::{Conversion, Decision, Destination, Mapped, Rejection, Warning};

/// The time of every conversion in the tests: 14 November 2023, 22:13:20 UTC.
pub const NOW: UnixSeconds = UnixSeconds(1_700_000_000);

/// What comes of the text of an event: one of these four, whatever the text.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It is not an event.
    Unreadable(ParseError),
    /// It can never be sent.
    Rejected(Rejection),
    /// It is not for Intercom.
    Skipped,
    /// It is to be sent.
    Converted(Box<Conversion>),
}

impl Outcome {
    /// Converts an event from its text, at [`NOW`], keeping the source of every field.
    pub fn of(event: &str, destination: &Destination) -> Self {
        Self::convert(event, destination, true)
    }

    /// The same without sources, as the program does it.
    pub fn untraced(event: &str, destination: &Destination) -> Self {
        Self::convert(event, destination, false)
    }

    fn convert(event: &str, destination: &Destination, traced: bool) -> Self {
        let event = match Event::from_json(event) {
            Ok(event) => event,
            Err(error) => return Self::Unreadable(error),
        };
        let mapped = Mapped::new(&event, destination, NOW);
        match if traced { mapped.traced() } else { mapped }.decide() {
            Ok(Decision::Convert(conversion)) => Self::Converted(conversion),
            Ok(_) => Self::Skipped,
            Err(rejection) => Self::Rejected(rejection),
        }
    }

    /// The conversion, if it is to be sent.
    pub fn conversion(&self) -> Option<&Conversion> {
        match self {
            Self::Converted(conversion) => Some(conversion),
            _ => None,
        }
    }

    /// What was left out, and what else was noticed.
    pub fn warnings(&self) -> &[Warning] {
        match self {
            Self::Converted(conversion) => &conversion.warnings,
            Self::Rejected(rejection) => &rejection.warnings,
            Self::Unreadable(_) | Self::Skipped => &[],
        }
    }

    /// Every message that a person may see.
    pub fn messages(&self) -> Vec<String> {
        let mut messages: Vec<String> = self.warnings().iter().map(|warning| warning.message.clone()).collect();
        match self {
            Self::Unreadable(error) => messages.push(error.to_string()),
            Self::Rejected(rejection) => messages.push(rejection.to_string()),
            Self::Skipped | Self::Converted(_) => {}
        }
        messages
    }
}
