//! A conversion as text, for snapshots: YAML in shape, JSON in its values, one fact a line.

use crate::Outcome;
use crate::fixtures::Fixture;
use intercom_api::{Attributes, Value};
use rudderstack_to_intercom::{Conversion, PlannedCall, Warning};
use serde::Serialize;
use std::fmt::Write;

/// A body up to this length stands on one line.
const SHORT: usize = 120;

/// What comes of a fixture: the calls, the plan, the source of every field, the warnings; or the error.
pub fn fixture(fixture: &Fixture) -> String {
    match Outcome::of(&fixture.event, &fixture.destination) {
        Outcome::Converted(conversion) => converted(&conversion),
        Outcome::Skipped => "outcome: skipped\n".to_owned(),
        Outcome::Unreadable(error) => format!("outcome: unreadable\nerror: {} ({error})\n", error.code()),
        Outcome::Rejected(rejection) => {
            let mut text = String::from("outcome: rejected\n");
            line(
                &mut text,
                0,
                format_args!("error: {} at {:?}", rejection.code(), rejection.path),
            );
            line(&mut text, 2, format_args!("{}", rejection.message));
            warnings(&mut text, &rejection.warnings);
            text
        }
    }
}

fn converted(conversion: &Conversion) -> String {
    let mut text = String::from("outcome: converted\n\ncalls:\n");
    for planned in conversion.plan.calls() {
        call(&mut text, &planned);
    }
    text.push_str("\nplan:\n");
    value(&mut text, 2, &json(&conversion.plan));
    text.push_str("\nidentities:\n");
    value(&mut text, 2, &json(&conversion.identities));
    text.push_str("\nsources:\n");
    for source in &conversion.sources {
        line(&mut text, 2, format_args!("{}: {}", source.field, source.source));
    }
    warnings(&mut text, &conversion.warnings);
    text
}

fn call(text: &mut String, planned: &PlannedCall) {
    let when = format!("{}:", planned.when);
    let target = planned.call.path_and_query();
    line(text, 2, format_args!("- {when:10} {} {target}", planned.call.method));
    let Some(body) = &planned.call.body else { return };
    if body.get().len() <= SHORT {
        line(text, 6, format_args!("{}", body.get()));
    } else {
        value(text, 6, &json(body));
    }
}

fn warnings(text: &mut String, warnings: &[Warning]) {
    if warnings.is_empty() {
        return;
    }
    text.push_str("\nwarnings:\n");
    for warning in warnings {
        line(text, 2, format_args!("- {} at {:?}", warning.code, warning.path));
        line(text, 4, format_args!("{}", warning.message));
    }
}

/// Anything serialisable as JSON whose numbers keep their text.
fn json(value: &impl Serialize) -> Value {
    let text = serde_json::to_string(value).expect("every model can be written as JSON");
    serde_json::from_str(&text).expect("what has been written as JSON can be read")
}

fn value(text: &mut String, indent: usize, value: &Value) {
    match value {
        Value::Object(entries) if !entries.is_empty() => object(text, indent, entries),
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                // A nested item starts on a line of its own.
                if nested(item) {
                    line(text, indent, format_args!("-"));
                    self::value(text, indent + 2, item);
                } else {
                    line(text, indent, format_args!("- {}", scalar(item)));
                }
            }
        }
        other => line(text, indent, format_args!("{}", scalar(other))),
    }
}

fn object(text: &mut String, indent: usize, entries: &Attributes) {
    for (key, entry) in entries.iter() {
        if nested(entry) {
            line(text, indent, format_args!("{key}:"));
            value(text, indent + 2, entry);
        } else {
            line(text, indent, format_args!("{key}: {}", scalar(entry)));
        }
    }
}

fn nested(value: &Value) -> bool {
    match value {
        Value::Object(entries) => !entries.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

fn scalar(value: &Value) -> String {
    serde_json::to_string(value).expect("a JSON value can be written as JSON")
}

fn line(text: &mut String, indent: usize, content: std::fmt::Arguments<'_>) {
    writeln!(text, "{:indent$}{content}", "").expect("writing to a string cannot fail");
}
