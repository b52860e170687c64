//! Which rules, sources, coercions, codes and deviations does no fixture exercise?
//!
//! Rules and sources are taken from the traces of all fixtures. A code must come of a fixture that is named after it; a
//! coercion, a deviation and a sample of RudderStack's guide must have a fixture with its name.

use rudderstack_events::ParseErrorKind;
use rudderstack_to_intercom::{
    Conversion, Deviation, FieldLookup, Lookup, Plan, RejectionCode, Source, WarningCode,
    rules::{self, LookupRule},
};
use std::collections::BTreeSet;
use std::fmt::Display;
use std::process::ExitCode;
use strum::IntoEnumIterator;
use test_support::Outcome;
use test_support::fixtures::{self, Fixture};

/// The samples of RudderStack's guide.
const GUIDE: &[&str] = &[
    "guide_identify",
    "guide_remove_from_company",
    "guide_unsubscribe",
    "guide_track",
    "guide_group",
    "guide_lookup_by_phone",
    "guide_custom_attributes",
];

/// Codes that only delivery gives, because they depend on what Intercom answers.
const OF_DELIVERY: &[&str] = &["ambiguous_contact", "contact_not_found"];

/// A fixture, and what came of it.
struct Case {
    fixture: Fixture,
    outcome: Outcome,
}

impl Case {
    fn conversion_of(&self, call: impl Display) -> Option<&Conversion> {
        let call = call.to_string();
        let conversion = self.outcome.conversion()?;
        let is_it = match &conversion.plan {
            Plan::SubmitEvent(_) => call == "track",
            Plan::SaveCompany(_) => call == "group",
            // A record names its contact in `identifiers`.
            _ if conversion
                .sources
                .iter()
                .any(|source| source.source.starts_with("/identifiers/")) =>
            {
                call == "record"
            }
            _ => call == "identify",
        };
        is_it.then_some(conversion)
    }

    fn codes(&self) -> Vec<&str> {
        let mut codes: Vec<&str> = self
            .outcome
            .warnings()
            .iter()
            .map(|warning| warning.code.as_str())
            .collect();
        match &self.outcome {
            Outcome::Unreadable(error) => codes.push(error.code()),
            Outcome::Rejected(rejection) => codes.push(rejection.code()),
            _ => {}
        }
        codes
    }
}

/// What is asked for, and what is missing of it.
#[derive(Default)]
struct Report {
    asked: usize,
    missing: Vec<String>,
}

impl Report {
    fn ask(&mut self, there: bool, what: impl FnOnce() -> String) {
        self.asked += 1;
        if !there {
            self.missing.push(what());
        }
    }
}

pub(crate) fn run() -> ExitCode {
    let cases: Vec<Case> = fixtures::all()
        .into_iter()
        .map(|fixture| Case {
            outcome: Outcome::of(&fixture.event, &fixture.destination),
            fixture,
        })
        .collect();
    let mut report = Report::default();
    sources(&cases, &mut report);
    lookups(&cases, &mut report);
    codes(&cases, &mut report);
    names(&cases, &mut report);
    if report.missing.is_empty() {
        println!(
            "{} fixtures exercise all {} rules, sources, coercions, codes and deviations",
            cases.len(),
            report.asked
        );
        return ExitCode::SUCCESS;
    }
    eprintln!("error: no fixture exercises these; add one for each below fixtures/:");
    for what in &report.missing {
        eprintln!("  {what}");
    }
    ExitCode::FAILURE
}

/// Every path of every source of every rule.
fn sources(cases: &[Case], report: &mut Report) {
    for rule in rules::all() {
        let places: BTreeSet<&str> = cases
            .iter()
            .filter_map(|case| case.conversion_of(rule.event_type))
            .flat_map(|conversion| &conversion.sources)
            .filter(|source| rule.fills(&source.field))
            .map(|source| source.source.as_str())
            .collect();
        for source in rule.sources.iter().flat_map(parts) {
            let there = places.iter().any(|place| source.covers(place));
            report.ask(there, || {
                format!("{}: {} from {}", rule.event_type, rule.target, name(&source))
            });
        }
    }
}

/// Every source of the value that a contact is looked up by.
fn lookups(cases: &[Case], report: &mut Report) {
    for rule in rules::lookups() {
        let places: BTreeSet<&str> = cases
            .iter()
            .filter_map(|case| case.conversion_of(rule.event_type))
            .filter(|conversion| {
                lookup_fields(&conversion.plan)
                    .iter()
                    .any(|lookup| rule.is_for(&lookup.field))
            })
            .flat_map(|conversion| &conversion.sources)
            .filter(|source| source.field == "lookup.value")
            .map(|source| source.source.as_str())
            .collect();
        let LookupRule {
            event_type,
            fields,
            sources,
            ..
        } = &rule;
        for source in sources.iter().flat_map(parts) {
            let there = places.iter().any(|place| source.covers(place));
            let what = || {
                format!(
                    "{event_type}: looked up by {} from {}",
                    fields.join(" or "),
                    name(&source)
                )
            };
            report.ask(there, what);
        }
    }
}

fn lookup_fields(plan: &Plan) -> Vec<FieldLookup> {
    let lookup = match plan {
        Plan::SaveContact(plan) => Some(&plan.lookup),
        Plan::SaveCompany(plan) => plan.member.as_ref(),
        Plan::DeleteContact(_) | Plan::SubmitEvent(_) => None,
    };
    lookup.map(Lookup::fields).unwrap_or_default()
}

/// The parts of a source, each of which a fixture must exercise.
fn parts(source: &Source) -> Vec<Source> {
    match source {
        Source::Joined(..) => source.paths().into_iter().map(Source::Path).collect(),
        other => vec![*other],
    }
}

fn name(source: &Source) -> String {
    let paths: Vec<&str> = source.paths().iter().map(|path| path.as_str()).collect();
    if paths.is_empty() {
        "the time of conversion".to_owned()
    } else {
        paths.join(", ")
    }
}

fn codes(cases: &[Case], report: &mut Report) {
    let codes = WarningCode::iter()
        .map(WarningCode::as_str)
        .chain(RejectionCode::iter().map(RejectionCode::as_str))
        .chain(ParseErrorKind::iter().map(Into::into));
    for code in codes {
        let there = cases.iter().any(|case| {
            let gives = OF_DELIVERY.contains(&code) || case.codes().contains(&code);
            gives && case.fixture.name.starts_with(code)
        });
        report.ask(there, || format!("the code {code}, by a fixture of that name"));
    }
}

fn names(cases: &[Case], report: &mut Report) {
    let starts = Deviation::iter()
        .map(|deviation| {
            let name = deviation.to_string();
            format!("d{:0>2}_", name.trim_start_matches('D'))
        })
        .chain(rules::coercions().map(|(name, _)| format!("coercion_{}", slug(name))))
        .chain(GUIDE.iter().map(|name| (*name).to_owned()));
    for start in starts {
        let there = cases.iter().any(|case| case.fixture.name.starts_with(&start));
        report.ask(there, || format!("a fixture whose name starts with {start}"));
    }
}

/// A name as file names have it.
fn slug(name: &str) -> String {
    let words = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("_")
}
