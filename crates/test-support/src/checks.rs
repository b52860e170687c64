//! What must hold for any input whatever: the fuzz targets, as functions.
//!
//! Each panics if it does not hold. `tests/it/regressions.rs` runs them over the seeds, without a fuzzer.

use crate::Outcome;
use intercom_api::{ApiError, ErrorKind};
use rudderstack_events::{Event, context::Context};
use rudderstack_to_intercom::{AttributeNames, Destination, LongText, Plan, PlannedCall, SameSecond};

/// A fuzz target: its name, and what must hold for its input.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Check {
    /// The name of the target, and of the folder of its seeds.
    pub name: &'static str,
    /// Panics if something does not hold.
    pub run: fn(&[u8]),
}

/// Every target.
pub const ALL: &[Check] = &[
    Check {
        name: "event",
        run: event,
    },
    Check {
        name: "convert",
        run: convert,
    },
    Check {
        name: "error_body",
        run: error_body,
    },
    Check {
        name: "date",
        run: date,
    },
];

/// An event that can be read can be written, and read again as the same; every part of it can be asked for.
pub fn event(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let event = match Event::from_json(text) {
        Ok(event) => event,
        Err(error) => {
            assert!(["invalid_json", "not_an_object", "too_deep"].contains(&error.code()));
            return;
        }
    };
    ask_for_everything(&event);
    let written = serde_json::to_string(&event).expect("an event can be written");
    let again = Event::from_json(&written).expect("what has been written can be read");
    let rewritten = serde_json::to_string(&again).expect("an event can be written");
    assert_eq!(written, rewritten, "the second writing differs");
    assert_eq!(event.event_type(), again.event_type());
}

fn ask_for_everything(event: &Event<'_>) {
    let common = event.common();
    let _ = (common.kind.get(), common.message_id.get(), common.user_id.get());
    let _ = (
        common.anonymous_id.get(),
        common.integrations.get(),
        common.channel.get(),
    );
    for time in [
        &common.timestamp,
        &common.original_timestamp,
        &common.sent_at,
        &common.received_at,
    ] {
        let _ = time.ok().map(|time| time.to_utc());
    }
    let context: Option<Context<'_>> = common.context.ok();
    if let Some(context) = &context {
        let _ = (
            context.traits.get(),
            context.app.get(),
            context.device.get(),
            context.os.get(),
        );
        let _ = (
            context.external_id.get(),
            context.sources.get(),
            context.session_id.get(),
        );
    }
    let _ = (event.traits(), event.properties(), format!("{event:?}"));
}

/// A text converts to one outcome, the same every time; what is planned can be kept and read again.
pub fn convert(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let otherwise = Destination::new()
        .with_anonymous_id(true)
        .with_long_text(LongText::LeaveOut)
        .with_attribute_names(AttributeNames::AsIs)
        .with_same_second(SameSecond::Spread);
    for destination in [Destination::new(), otherwise] {
        let mut outcome = Outcome::of(text, &destination);
        assert_eq!(outcome, Outcome::of(text, &destination), "not deterministic");
        assert!(outcome.warnings().len() <= 65);
        if let Outcome::Converted(conversion) = &mut outcome {
            let written = serde_json::to_string(&conversion.plan).expect("a plan can be written");
            let read: Plan = serde_json::from_str(&written).expect("a plan can be read");
            assert_eq!(read, conversion.plan, "a plan changes when it is kept");
            let calls = conversion.plan.calls();
            assert!(!calls.is_empty());
            let made = serde_json::to_string(&calls).expect("calls can be written");
            let both = conversion.plan.written();
            let text = serde_json::to_string(&both.calls()).expect("calls can be written");
            assert_eq!(made, text, "calls are written in two ways");
            let text = serde_json::to_string(&both.plan()).expect("a plan can be written");
            assert_eq!(written, text, "a plan is written in two ways");
            let read: Vec<PlannedCall> = serde_json::from_str(&made).expect("calls can be read");
            let read = serde_json::to_string(&read).expect("calls can be written");
            assert_eq!(made, read, "a call changes when it is kept");
            conversion.sources.clear();
        }
        assert_eq!(
            outcome,
            Outcome::untraced(text, &destination),
            "a trace changes the outcome"
        );
        if let Ok(event) = Event::from_json(text) {
            let written = serde_json::to_string(&event).expect("an event can be written");
            assert_eq!(
                outcome,
                Outcome::untraced(&written, &destination),
                "an event changes when it is written"
            );
        }
    }
}

/// Any response of Intercom's is an error with a code, and its message is short. The first two bytes are the status.
pub fn error_body(input: &[u8]) {
    let Some((status, body)) = input.split_first_chunk() else {
        return;
    };
    let error = ApiError::parse(u16::from_le_bytes(*status), body);
    assert!(!error.code().is_empty());
    let _ = (
        error.is_retryable(),
        error.conflicting_contact(),
        error.undefined_attribute(),
    );
    let _ = (error.is_event_name_limit(), format!("{error} {error:?}"));
    let written = serde_json::to_string(&error).expect("an error can be written");
    let again = ApiError::parse(error.status, written.as_bytes());
    if matches!(error.kind, ErrorKind::ErrorList | ErrorKind::Error) {
        assert_eq!(
            error.errors.len(),
            again.errors.len(),
            "an error changes when it is written"
        );
    }
}

/// A text is a date, and then of the years 1970 to 9999, or it is not; what chrono reads as RFC 3339 is the same date.
pub fn date(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let seconds = seconds_of(text);
    const POSSIBLE: std::ops::RangeInclusive<i64> = 0..=253_402_300_799;
    assert!(seconds.is_none_or(|seconds| POSSIBLE.contains(&seconds)));
    assert_eq!(seconds, seconds_of(&format!(" {text}\n")), "space matters");
    assert_eq!(seconds, seconds_of(&text.to_ascii_uppercase()), "case matters");
    // A leap second is the last second of its minute to chrono; and chrono takes a typographic minus.
    if let (Ok(time), true) = (
        chrono::DateTime::parse_from_rfc3339(text),
        text.is_ascii() && !text.contains(":60"),
    ) {
        let expected = Some(time.timestamp()).filter(|seconds| POSSIBLE.contains(seconds));
        assert_eq!(seconds, expected, "RFC 3339");
    }
    if let (Ok(time), Some(seconds), false) = (
        chrono::DateTime::parse_from_rfc2822(text),
        seconds,
        text.contains(":60"),
    ) {
        assert_eq!(seconds, time.timestamp(), "RFC 2822");
    }
}

/// What the conversion makes of a text where a date is expected.
fn seconds_of(text: &str) -> Option<i64> {
    let text = serde_json::to_string(text).expect("a text can be written");
    let event = format!(r#"{{"type":"identify","userId":"u-1","traits":{{"createdAt":{text}}}}}"#);
    let outcome = Outcome::untraced(&event, &Destination::new());
    match &outcome.conversion().expect("an identity is there").plan {
        Plan::SaveContact(plan) => plan.update.signed_up_at.map(|time| time.0),
        other => panic!("an unexpected plan: {other:?}"),
    }
}
