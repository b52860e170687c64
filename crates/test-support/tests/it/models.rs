//! Whether each public model has a test that it can be kept, sent to another thread, and read inside of other types and formats:
//! `exact_json::testing`. Macros that declare models write it with them; a model that is written out has one of its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The crates of events and of what is made of them.
const CRATES: &[&str] = &[
    "rudderstack-events",
    "intercom-api",
    "rudderstack-to-intercom",
    "intercom-delivery",
];

/// The macros that declare models together with their test.
const DECLARING: &[&str] = &[
    "object_model",
    "events",
    "ids",
    "fields",
    "open_enum",
    "request",
    "response",
    "sample",
    "text_or",
];

/// What is read and written in a test of its own, because two of it cannot be compared, and the test.
const OTHERWISE: &[(&str, &str)] = &[("FailureRecord", "fn failures_of_any_release_are_read_anywhere()")];

fn folder(package: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(package)
}

/// The types that can be read, of all that is public.
fn models(package: &str) -> BTreeSet<String> {
    let api = fs::read_to_string(folder(package).join("API.txt")).expect("a list of what is public");
    let read = api.lines().filter_map(|line| {
        let rest = line.strip_prefix("impl<'de")?;
        let is_read = rest.contains("serde_core::de::Deserialize<'de>");
        let rest = rest
            .split_once("> for ")
            .or_else(|| rest.split_once("> "))
            .filter(|_| is_read)?
            .1;
        let path = rest.split(['<', ' ']).next()?.trim_end_matches(':');
        path.rsplit("::").next().map(str::to_owned)
    });
    read.collect()
}

/// The names of the types that the sources of a crate try.
fn tried(package: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for part in ["src", "tests"] {
        sources(&folder(package).join(part), &mut |text| {
            declared(text, &mut names);
            by_hand(text, &mut names);
            let otherwise = OTHERWISE.iter().filter(|(_, test)| text.contains(test));
            names.extend(otherwise.map(|(name, _)| (*name).to_owned()));
        });
    }
    names
}

fn sources(folder: &Path, read: &mut impl FnMut(&str)) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, read);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            read(&fs::read_to_string(path).expect("a source"));
        }
    }
}

/// `object_model! { pub struct Name<'a> { … } }`, `ids! { Name; }`
fn declared(text: &str, names: &mut BTreeSet<String>) {
    let mut depth: Option<usize> = None;
    for line in text.lines() {
        let line = line.trim_start();
        if line.starts_with("//") || line.starts_with('#') {
            continue;
        }
        let Some(now) = depth else {
            let begins = |name: &&&str| line.strip_prefix(**name).is_some_and(|rest| rest.starts_with("! {"));
            if let Some(name) = DECLARING.iter().find(begins) {
                // `sample! { Name { … } }` on one line.
                if let Some(declared) = line[name.len()..].split(['{', ' ']).find(|word| is_name(word)) {
                    names.insert(declared.to_owned());
                }
                depth = Some(braces(line)).filter(|depth| *depth > 0);
            }
            continue;
        };
        if now == 1 {
            let mut words = line.split(|other: char| !other.is_alphanumeric() && other != '_');
            // What is called like its operation, or comes of it, is not declared.
            let header = line.contains('{').then(|| words.clone().find(|word| is_name(word)));
            match header {
                Some(first) => names.extend(first.map(str::to_owned)),
                None => names.extend(words.by_ref().filter(|word| is_name(word)).map(str::to_owned)),
            }
        }
        depth = Some((now + line.matches('{').count()).saturating_sub(line.matches('}').count()))
            .filter(|depth| *depth > 0);
    }
}

fn braces(line: &str) -> usize {
    line.matches('{').count().saturating_sub(line.matches('}').count())
}

fn is_name(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_uppercase())
}

/// `let _: Name = object(…)`, `can_stand_anywhere::<Name>()`
fn by_hand(text: &str, names: &mut BTreeSet<String>) {
    for (at, _) in text.match_indices("can_stand_anywhere::<") {
        let rest = &text[at + "can_stand_anywhere::<".len()..];
        names.extend(rest.split(['<', '>']).next().map(str::to_owned));
    }
    for call in ["anywhere(", "object("] {
        for (at, _) in text.match_indices(call) {
            let statement = text[..at].rsplit([';', '{', '}']).next().unwrap_or_default();
            let Some((_, kind)) = statement.split_once("let ").and_then(|(_, rest)| rest.split_once(": ")) else {
                continue;
            };
            names.extend(
                kind.split(['<', ' '])
                    .next()
                    .map(|path| path.rsplit("::").next().unwrap_or(path).to_owned()),
            );
        }
    }
}

#[test]
fn every_public_model_is_tried_where_any_can_stand() {
    for package in CRATES {
        let (models, tried) = (models(package), tried(package));
        assert!(models.len() > 20, "{package}: {models:?}");
        let left_out: Vec<_> = models.difference(&tried).collect();
        assert!(
            left_out.is_empty(),
            "{package}: no test reads these everywhere; write `let _: <name> = exact_json::testing::object(…)`: {left_out:?}"
        );
    }
}

#[test]
fn a_model_without_a_test_would_be_noticed() {
    let mut names = BTreeSet::new();
    declared(
        "response! {\n    /// A Box.\n    Parcel {\n        required { id: Id, }\n    }\n}\npub struct Other {}\n",
        &mut names,
    );
    declared("request! {\n    Send is Submit => Receipt {\n    }\n}\n", &mut names);
    declared(
        "ids! {\n    /// An Id.\n    UserId;\n    A B\n}\nsample! { Short { a, } }\n",
        &mut names,
    );
    by_hand(
        "fn f() { let _: Kept<'static> = testing::object(&x);\n let _: a::Long =\n  anywhere(y); let z = object(q); }",
        &mut names,
    );
    let expected = ["A", "B", "Kept", "Long", "Parcel", "Send", "Short", "UserId"];
    assert_eq!(names.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}
