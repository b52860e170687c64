//! Do the models fit Intercom's published examples? `cargo xtask examples DIR`.
//!
//! The folder holds one JSON file an example and an `index.json`, a list of
//! `{"file","operation","tag","method","path","kind":"request"|"response","status","example"}`. Every example is read
//! into the typed request or response of its operation, or into an `ApiError` if its status is one of an error, and
//! written back. What comes back must be the same JSON, down to the text of its numbers; only the order of an object's
//! keys is free. In responses, every field must be one that the model names, with the type that the model gives it.
#![allow(
    clippy::unwrap_used,
    reason = "a test that does not find what it looks for has failed"
)]

mod compare;
mod locate;
mod table;

use intercom_api::{ApiError, ErrorKind, OperationId, Value, drift};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use table::Entry;

/// Examples that no typed request can hold, because they show what Intercom refuses.
const INVALID: &[(&str, &str)] = &[
    ("attachContactToACompany__request__bad_request.json", "there is no body"),
    (
        "createDataAttribute__request__too_few_options_for_list.json",
        "the required name, model and data_type are missing",
    ),
    (
        "createTag__request__invalid_parameters.json",
        "the required name is missing",
    ),
    (
        "updateDataAttribute__request__too_few_options_in_list.json",
        "options is an object where a list is required",
    ),
];

/// A line of the index.
#[derive(Deserialize)]
struct Example {
    file: String,
    operation: String,
    tag: String,
    method: String,
    path: String,
    kind: Kind,
    status: Option<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Request,
    Response,
}

/// What became of the examples of a tag.
#[derive(Default)]
struct Counts {
    requests: usize,
    responses: usize,
    errors: usize,
    invalid: usize,
    failed: usize,
}

#[test]
#[ignore = "needs the folder of the examples: cargo xtask examples DIR"]
fn the_published_examples_come_back_whole() {
    let folder = std::env::var_os("INTERCOM_EXAMPLES").expect("INTERCOM_EXAMPLES names the folder of the examples");
    let (report, is_well) = check_all(Path::new(&folder)).unwrap_or_else(|problem| panic!("{problem}"));
    print!("{report}");
    assert!(is_well, "some examples do not come back whole, or there are none");
}

/// The report, and whether all is well.
fn check_all(dir: &Path) -> Result<(String, bool), String> {
    let index_file = dir.join("index.json");
    let index = std::fs::read(&index_file).map_err(|error| format!("{}: {error}", index_file.display()))?;
    let index: Vec<Example> =
        serde_json::from_slice(&index).map_err(|error| format!("{}: {error}", index_file.display()))?;
    let entries = table::entries();
    let mut report = String::new();
    let mut by_tag = BTreeMap::<&str, Counts>::new();
    let mut invalid = Vec::new();
    for example in &index {
        let counts = by_tag.entry(&example.tag).or_default();
        match (example.kind, is_error(example)) {
            (Kind::Request, _) => counts.requests += 1,
            (Kind::Response, false) => counts.responses += 1,
            (Kind::Response, true) => counts.errors += 1,
        }
        let problems = match std::fs::read(dir.join(&example.file)) {
            Ok(body) => check(example, &body, &entries),
            Err(error) => vec![format!("cannot be read: {error}")],
        };
        let listed = INVALID.iter().find(|(file, _)| *file == example.file);
        let problems = match (listed, problems.is_empty()) {
            (Some(listed), false) => {
                counts.invalid += 1;
                invalid.push(listed);
                continue;
            }
            (Some(_), true) => vec!["is listed as invalid, and yet nothing is lost".to_owned()],
            (None, _) => problems,
        };
        counts.failed += usize::from(!problems.is_empty());
        for problem in problems {
            _ = writeln!(report, "{}: {problem}", example.file);
        }
    }
    let mut is_well = report.is_empty() && !index.is_empty();
    for file in unlisted(dir, &index)? {
        is_well = false;
        _ = writeln!(report, "{file}: is not in index.json");
    }
    write_table(&mut report, &by_tag);
    for (file, reason) in invalid {
        _ = writeln!(report, "invalid on purpose: {file}: {reason}");
    }
    Ok((report, is_well))
}

/// The JSON files of the folder that the index does not know.
fn unlisted(dir: &Path, index: &[Example]) -> Result<BTreeSet<String>, String> {
    let known: BTreeSet<&str> = index.iter().map(|example| example.file.as_str()).collect();
    let unreadable = |error| format!("{}: {error}", dir.display());
    let mut unlisted = BTreeSet::new();
    for file in std::fs::read_dir(dir).map_err(unreadable)? {
        let name = file.map_err(unreadable)?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".json") && name != "index.json" && !known.contains(name.as_str()) {
            unlisted.insert(name);
        }
    }
    Ok(unlisted)
}

fn is_error(example: &Example) -> bool {
    example
        .status
        .as_deref()
        .is_some_and(|status| status.starts_with(['4', '5']))
}

/// What is wrong with an example, or with the model of it.
fn check(example: &Example, body: &[u8], entries: &BTreeMap<OperationId, Entry>) -> Vec<String> {
    let named = OperationId::ALL
        .iter()
        .find(|id| id.openapi_name() == Some(&example.operation));
    let Some((id, entry)) = named.and_then(|id| Some((id, entries.get(id)?))) else {
        return vec![format!("no model of the operation {}", example.operation)];
    };
    let mut problems = Vec::new();
    let (method, path) = (id.method(), id.template());
    if method.as_str() != example.method || anonymous(path) != anonymous(&example.path) {
        problems.push(format!(
            "the model calls {method} {path}, the index {} {}",
            example.method, example.path
        ));
    }
    let written = match example.kind {
        Kind::Request => match &entry.request {
            Some(read) => read(body),
            None => Err("the model has no body".to_owned()),
        },
        Kind::Response if is_error(example) => error(example, body, &mut problems),
        Kind::Response => (entry.response)(body).map(|(written, findings)| {
            problems.extend(findings.iter().map(ToString::to_string));
            written
        }),
    };
    match written {
        Ok(written) => problems.extend(differences(body, written.as_bytes())),
        Err(problem) => problems.push(problem),
    }
    problems
}

/// Reads an error and writes it back.
fn error(example: &Example, body: &[u8], problems: &mut Vec<String>) -> Result<String, String> {
    let status = example.status.as_deref().unwrap_or_default();
    let status = status.parse().map_err(|_| format!("status {status}"))?;
    let error = ApiError::parse(status, body);
    if !matches!(error.kind, ErrorKind::ErrorList | ErrorKind::Error) {
        problems.push(format!("/type: read as {:?}", error.kind));
    }
    problems.extend(drift::findings(&error).iter().map(ToString::to_string));
    serde_json::to_string(&error).map_err(|error| error.to_string())
}

/// The path without the names of its parameters, which are not always the same.
fn anonymous(template: &str) -> String {
    let segment = |segment: &'_ str| if segment.starts_with('{') { "{}" } else { segment }.to_owned();
    template.split('/').map(segment).collect::<Vec<_>>().join("/")
}

fn differences(read: &[u8], written: &[u8]) -> Vec<String> {
    let value = |text: &[u8]| serde_json::from_slice::<Value>(text).map_err(|error| unread(text, &error));
    match (value(read), value(written)) {
        (Ok(read), Ok(written)) => compare::differences(&read, &written),
        (Err(problem), _) | (_, Err(problem)) => vec![problem],
    }
}

/// Why a text cannot be read, and where.
fn unread(text: &[u8], error: &serde_json::Error) -> String {
    format!("{}: {error}", locate::pointer_at(text, error.line(), error.column()))
}

fn write_table(report: &mut String, by_tag: &BTreeMap<&str, Counts>) {
    let mut total = Counts::default();
    _ = writeln!(
        report,
        "{:<20}{:>10}{:>10}{:>10}{:>10}{:>10}",
        "", "requests", "responses", "errors", "invalid", "failed"
    );
    let mut row = |name: &str, counts: &Counts| {
        let Counts {
            requests,
            responses,
            errors,
            invalid,
            failed,
        } = counts;
        _ = writeln!(
            report,
            "{name:<20}{requests:>10}{responses:>10}{errors:>10}{invalid:>10}{failed:>10}"
        );
    };
    for (tag, counts) in by_tag {
        row(tag, counts);
        total.requests += counts.requests;
        total.responses += counts.responses;
        total.errors += counts.errors;
        total.invalid += counts.invalid;
        total.failed += counts.failed;
    }
    row("all", &total);
    let all = total.requests + total.responses + total.errors;
    _ = writeln!(
        report,
        "{all} examples: {} come back whole, {} are invalid on purpose, {} failed",
        all - total.invalid - total.failed,
        total.invalid,
        total.failed
    );
}

#[cfg(test)]
mod tests;
