//! The public API of each library crate, as a text that is part of the project: `crates/<crate>/API.txt`.
//!
//! A line that goes or changes is what breaks users, so it shows in the diff of a change. Rustdoc describes the API as JSON
//! only where unstable features are allowed; [`as_rustdoc`] allows them, to rustdoc alone, so that nothing else is built
//! differently and no second toolchain is needed.

use crate::project::{self, LIBRARIES};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The crates; all of them if none is named
    packages: Vec<String>,
    /// Writes nothing, and fails if a text is not what the code says
    #[arg(long)]
    check: bool,
}

/// The format of rustdoc's JSON that the dependency `public-api` reads.
const FORMAT: u32 = 57;

/// Set for this program when cargo is to call it in rustdoc's place: the rustdoc that it calls.
pub(crate) const RUSTDOC: &str = "XTASK_RUSTDOC";

pub(crate) fn run(options: &Options) -> ExitCode {
    project::end(all(options))
}

fn all(options: &Options) -> Result<String, String> {
    if let Some(unknown) = options.packages.iter().find(|name| !LIBRARIES.contains(&name.as_str())) {
        return Err(format!(
            "there is no library crate {unknown:?}; there are {}",
            LIBRARIES.join(", ")
        ));
    }
    let chosen = |package: &&&str| options.packages.is_empty() || options.packages.iter().any(|name| name == **package);
    describe(&options.packages)?;
    let format = format(LIBRARIES.iter().find(chosen).copied().unwrap_or_default())?;
    if format != FORMAT {
        return Err(format!(
            "rustdoc writes format {format} here, and the dependency `public-api` reads {FORMAT}: update that, or use Rust 1.95"
        ));
    }
    let mut stale = String::new();
    for package in LIBRARIES.iter().filter(chosen) {
        let path = project::root().join("crates").join(package).join("API.txt");
        let now = api(package)?;
        let before = fs::read_to_string(&path).unwrap_or_default();
        if now == before {
            continue;
        }
        if options.check {
            differences(&mut stale, &path, &before, &now);
        } else {
            fs::write(&path, now).map_err(|error| format!("{}: {error}", path.display()))?;
            println!("wrote {}", project::shown(&path));
        }
    }
    if stale.is_empty() {
        return Ok("the public API is as written down".to_owned());
    }
    Err(format!(
        "the public API is not as written down:\n{stale}\
         if that is meant, `cargo xtask api` writes it down; what users have to change belongs into CHANGELOG.md"
    ))
}

/// The lines that only one of two texts has.
fn differences(report: &mut String, path: &Path, before: &str, now: &str) {
    let only = |one: &str, other: &str, sign: char| -> Vec<String> {
        let other: BTreeSet<&str> = other.lines().collect();
        one.lines()
            .filter(|line| !other.contains(line))
            .map(|line| format!("{sign}{line}"))
            .collect()
    };
    let lines = [only(before, now, '-'), only(now, before, '+')].concat();
    let _ = writeln!(report, "{}:\n{}", project::shown(path), lines.join("\n"));
}

/// The file in which a crate has been described.
fn described(package: &str) -> PathBuf {
    project::target()
        .join("doc")
        .join(format!("{}.json", package.replace('-', "_")))
}

/// The format in which a crate has been described.
fn format(package: &str) -> Result<u32, String> {
    #[derive(serde::Deserialize)]
    struct Described {
        format_version: u32,
    }
    let path = described(package);
    let json = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let described: Described = serde_json::from_slice(&json).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(described.format_version)
}

/// The public items of a crate that has been described, one a line.
fn api(package: &str) -> Result<String, String> {
    let json = described(package);
    let api = public_api::Builder::from_rustdoc_json(&json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .build()
        .map_err(|error| format!("{}: {error}", json.display()))?;
    let items: Vec<_> = api.items().map(|item| (item.id(), item.to_string())).collect();
    Ok(listed(&items))
}

/// The items, each once: one that can be reached by two paths, by the shorter. The traits of a type stand in one line,
/// without their members, which the trait says.
fn listed<Id: Ord + Copy>(items: &[(Id, String)]) -> String {
    let mut shortest = BTreeMap::new();
    for (id, item) in items {
        let found = shortest.entry(*id).or_insert(item);
        if item.len() < found.len() {
            *found = item;
        }
    }
    let mut lines: Vec<String> = Vec::new();
    let mut seen = BTreeSet::new();
    let mut implementer = None;
    // The line of the traits of each type, by its parameters and its name.
    let mut traits: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (id, item) in items {
        if let Some(implementation) = item.strip_prefix("impl") {
            let implementer_of =
                |(_, name): (&str, &str)| name.split(" where ").next().map(|name| format!(" {name}::"));
            implementer = implementation.split_once(" for ").and_then(implementer_of);
        } else if implementer.as_ref().is_some_and(|name| item.contains(name)) {
            continue;
        }
        if shortest.get(id) != Some(&item) || !seen.insert(item) {
            continue;
        }
        match implementation(item) {
            // What a derived PartialEq adds, which says nothing.
            Some((_, "core::marker::StructuralPartialEq", _)) => {}
            Some((parameters, name, of)) => match traits.get(&(parameters, of)) {
                Some(at) => lines[*at].push_str(&format!(" + {name}")),
                None => {
                    traits.insert((parameters, of), lines.len());
                    lines.push(format!("impl{parameters} {of}: {name}"));
                }
            },
            None => lines.push(item.clone()),
        }
    }
    lines.join("\n") + "\n"
}

/// The parameters, the trait and the type of a trait's implementation, unless it has conditions.
fn implementation(item: &str) -> Option<(&str, &str, &str)> {
    let rest = item.strip_prefix("impl")?;
    let mut depth = 0;
    let end = rest.find(|c| {
        match c {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ => {}
        }
        c == ' ' && depth == 0
    })?;
    let (name, of) = rest[end + 1..].split_once(" for ")?;
    (!of.contains(" where ")).then_some((&rest[..end], name, of))
}

/// Has rustdoc describe these crates, with all their features, as JSON; all crates if none is named. One call of cargo, as
/// for the documentation, so that dependencies are built once for both.
fn describe(packages: &[String]) -> Result<(), String> {
    let this = std::env::current_exe().map_err(|error| format!("this program: {error}"))?;
    let mut cargo = project::cargo();
    cargo.args(["doc", "--quiet", "--lib", "--no-deps", "--all-features"]);
    if packages.is_empty() {
        cargo.arg("--workspace");
    }
    for package in packages {
        cargo.args(["--package", package]);
    }
    let status = cargo
        .env("RUSTDOCFLAGS", "-Zunstable-options --output-format=json")
        .env(RUSTDOC, std::env::var_os("RUSTDOC").unwrap_or_else(|| "rustdoc".into()))
        .env("RUSTDOC", this)
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err("rustdoc cannot describe the crates; its message is above".to_owned())
    }
}

/// Calls rustdoc as cargo has called this program, with unstable features allowed.
pub(crate) fn as_rustdoc(rustdoc: &std::ffi::OsStr) -> ExitCode {
    let status = Command::new(rustdoc)
        .args(std::env::args_os().skip(1))
        .env("RUSTC_BOOTSTRAP", "1")
        .env_remove(RUSTDOC)
        .status();
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {}: {error}", Path::new(rustdoc).display());
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::listed;

    #[test]
    fn every_item_stands_once_and_without_what_its_traits_say() {
        let items = [
            (1, "pub struct a::B"),
            (2, "pub a::B::c: u8"),
            (3, "impl a::B"),
            (4, "pub fn a::B::new() -> Self"),
            (5, "impl core::clone::Clone for a::B"),
            (6, "pub fn a::B::clone(&self) -> Self"),
            (7, "impl core::marker::StructuralPartialEq for a::B"),
            (8, "impl core::fmt::Debug for a::B"),
            (12, "impl<'e> core::clone::Clone for a::E<'e>"),
            (13, "impl<'e> core::marker::Copy for a::E<'e>"),
            (9, "impl<T> core::convert::From<T> for a::B where T: Copy"),
            (10, "pub fn a::B::from(T) -> Self"),
            (1, "pub struct a::d::B"),
            (4, "pub fn a::d::B::new() -> Self"),
            (11, "pub fn a::free()"),
        ];
        let listed = listed(&items.map(|(id, item)| (id, item.to_owned())));
        let lines: Vec<&str> = listed.lines().collect();
        assert_eq!(
            lines,
            [
                "pub struct a::B",
                "pub a::B::c: u8",
                "impl a::B",
                "pub fn a::B::new() -> Self",
                "impl a::B: core::clone::Clone + core::fmt::Debug",
                "impl<'e> a::E<'e>: core::clone::Clone + core::marker::Copy",
                "impl<T> core::convert::From<T> for a::B where T: Copy",
                "pub fn a::free()",
            ]
        );
    }
}
