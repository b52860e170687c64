//! Whether the files of a crate can be read one after the other: none needs, directly or not, one that needs it.
//!
//! A file needs those whose items it names, by way of `use` or in place; what a file passes on from another counts as the
//! other's. Tests do not count.

use crate::project;
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::ExitCode;

/// Circles that may stay: two faces of one thing.
const ALLOWED: &[(&str, &[&str])] = &[
    // A value may be an object, and an object holds values.
    ("intercom-api", &["json::attributes", "json::value"]),
];

pub(crate) fn run() -> ExitCode {
    project::end(check())
}

fn check() -> Result<String, String> {
    let mut new = Vec::new();
    let mut crates = 0;
    for (name, folder) in sources()? {
        crates += 1;
        for circle in circles(&modules(&folder)?) {
            let is_allowed = |(allowed, modules): &(&str, &[&str])| *allowed == name && circle == *modules;
            if !ALLOWED.iter().any(is_allowed) {
                new.push(format!("{name}: {}", circle.join(", ")));
            }
        }
    }
    if !new.is_empty() {
        return Err(format!("files that need each other:\n  {}", new.join("\n  ")));
    }
    Ok(format!("{crates} crates have no circle among their files"))
}

/// The name and the folder of every crate.
fn sources() -> Result<Vec<(String, std::path::PathBuf)>, String> {
    let folder = project::root().join("crates");
    let mut found = vec![("xtask".to_owned(), project::root().join("xtask/src"))];
    for entry in fs::read_dir(&folder).map_err(|error| error.to_string())? {
        let entry = entry.map_err(|error| error.to_string())?;
        found.push((
            entry.file_name().to_string_lossy().into_owned(),
            entry.path().join("src"),
        ));
    }
    found.sort();
    Ok(found)
}

/// The text of every file of a crate, by its module: the root is "".
fn modules(folder: &Path) -> Result<BTreeMap<String, String>, String> {
    let files = project::files(folder, "rs").map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut modules = BTreeMap::new();
    for file in files {
        let path = file.strip_prefix(folder).unwrap_or(&file).with_extension("");
        let mut names: Vec<_> = path.iter().map(|name| name.to_string_lossy().into_owned()).collect();
        if names.last().is_some_and(|name| name == "mod") || names == ["lib"] || names == ["main"] {
            names.pop();
        }
        if names.iter().any(|name| name == "tests" || name == "bin") {
            continue;
        }
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        modules.insert(names.join("::"), text);
    }
    Ok(modules)
}

/// The groups of modules that need each other.
fn circles(modules: &BTreeMap<String, String>) -> Vec<Vec<String>> {
    let read: BTreeMap<&str, Names> = modules
        .iter()
        .map(|(name, text)| (name.as_str(), Names::of(text)))
        .collect();
    let needs: BTreeMap<&str, BTreeSet<&str>> = read
        .iter()
        .map(|(&module, names)| {
            let needed = names.paths.iter().filter_map(|path| resolve(&read, module, path, 0));
            (module, needed.filter(|&needed| needed != module).collect())
        })
        .collect();
    let reach: BTreeMap<&str, BTreeSet<&str>> = needs
        .keys()
        .map(|&module| (module, reachable(&needs, module)))
        .collect();
    let mut found: Vec<Vec<String>> = Vec::new();
    for (module, reached) in &reach {
        let shown = |module: &str| {
            if module.is_empty() {
                "the root".to_owned()
            } else {
                module.to_owned()
            }
        };
        if reached.contains(module) && !found.iter().any(|circle| circle.contains(&shown(module))) {
            let circle = reached.iter().filter(|other| reach[*other].contains(module));
            found.push(circle.map(|module| shown(module)).collect());
        }
    }
    found
}

fn reachable<'a>(needs: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&str> = needs[from].iter().copied().collect();
    while let Some(module) = next.pop() {
        if reached.insert(module) {
            next.extend(&needs[module]);
        }
    }
    reached
}

/// The module that an item is declared in, if it is one of this crate.
fn resolve<'m>(modules: &BTreeMap<&'m str, Names>, module: &str, path: &[String], depth: usize) -> Option<&'m str> {
    let child = |module: &str, name: &str| {
        let child = if module.is_empty() {
            name.to_owned()
        } else {
            format!("{module}::{name}")
        };
        modules.get_key_value(child.as_str()).map(|(&key, _)| key)
    };
    let mut names = path.iter().map(String::as_str).peekable();
    let mut at: &'m str = match names.peek().copied()? {
        "crate" => modules.get_key_value("").map(|(&root, _)| root)?,
        "self" | "super" => modules.get_key_value(module).map(|(&own, _)| own)?,
        first => {
            let start = child(module, first)?;
            names.next();
            return Some(descend(modules, start, names, &child, depth));
        }
    };
    while let Some(step) = names.next_if(|name| matches!(*name, "crate" | "self" | "super")) {
        if step == "super" {
            at = at.rsplit_once("::").map_or("", |(parent, _)| parent);
        }
    }
    Some(descend(modules, at, names, &child, depth))
}

fn descend<'m, 'n>(
    modules: &BTreeMap<&'m str, Names>,
    mut at: &'m str,
    names: impl Iterator<Item = &'n str>,
    child: &impl Fn(&str, &str) -> Option<&'m str>,
    depth: usize,
) -> &'m str {
    for name in names {
        if let Some(next) = child(at, name) {
            at = next;
        } else {
            // Passed on from another module, unless it is declared here.
            let passed_on = modules[at].imports.get(name).filter(|_| depth < 8);
            return passed_on
                .and_then(|path| resolve(modules, at, path, depth + 1))
                .unwrap_or(at);
        }
    }
    at
}

/// What a file names.
#[derive(Default)]
struct Names {
    /// Paths, as they are written.
    paths: Vec<Vec<String>>,
    /// What `use` brings in, by its name here.
    imports: BTreeMap<String, Vec<String>>,
}

impl Names {
    fn of(text: &str) -> Self {
        let mut names = Self::default();
        if let Ok(tokens) = text.parse() {
            names.read(tokens, 0);
        }
        names
    }

    /// Reads tokens inside `inner` modules of the file.
    fn read(&mut self, tokens: TokenStream, inner: usize) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(_) if at > 0 && is_cfg_test(&tokens[at - 1..=at]) => {
                    // The item that this is said of goes to its braces, or to a semicolon.
                    while at + 1 < tokens.len() && !ends_item(&tokens[at + 1]) {
                        at += 1;
                    }
                    at += 1;
                }
                // Who may see it is nothing that it needs.
                TokenTree::Group(_) if at > 0 && tokens[at - 1].to_string() == "pub" => {}
                TokenTree::Group(group) => {
                    let is_module =
                        at > 1 && tokens[at - 2].to_string() == "mod" && group.delimiter() == Delimiter::Brace;
                    self.read(group.stream(), inner + usize::from(is_module));
                }
                TokenTree::Ident(word) if word == "use" => {
                    let end = (at..tokens.len())
                        .find(|&end| is_punct(&tokens[end], ';'))
                        .unwrap_or(tokens.len());
                    self.import(&tokens[at + 1..end], &[], inner);
                    at = end;
                }
                TokenTree::Ident(_) => {
                    let (path, length) = path(&tokens[at..]);
                    if path.len() > 1 {
                        self.paths.extend(outward(path, inner));
                    }
                    at += length - 1;
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            at += 1;
        }
    }

    /// Reads what stands between `use` and its semicolon, behind `before`.
    fn import(&mut self, tokens: &[TokenTree], before: &[String], inner: usize) {
        let (names, length) = path(tokens);
        let whole: Vec<String> = before.iter().cloned().chain(names).collect();
        let rest: String = tokens[length..].iter().map(ToString::to_string).collect();
        if let Some(TokenTree::Group(group)) = tokens.last() {
            let items: Vec<TokenTree> = group.stream().into_iter().collect();
            for item in items
                .split(|token| is_punct(token, ','))
                .filter(|item| !item.is_empty())
            {
                self.import(item, &whole, inner);
            }
        } else if let Some(path) = outward(whole, inner) {
            let name = rest
                .strip_prefix("as")
                .map_or_else(|| path[path.len() - 1].clone(), str::to_owned);
            if inner == 0 && !rest.contains('*') {
                self.imports.insert(name, path.clone());
            }
            self.paths.push(path);
        }
    }
}

/// The path that tokens begin with, and how many of them it takes; `::` at its end counts to it.
fn path(tokens: &[TokenTree]) -> (Vec<String>, usize) {
    let mut names = Vec::new();
    let mut at = 0;
    while let Some(TokenTree::Ident(name)) = tokens.get(at) {
        names.push(name.to_string());
        at += 1;
        match tokens.get(at..at + 2) {
            Some([first, second]) if is_punct(first, ':') && is_punct(second, ':') => at += 2,
            _ => break,
        }
    }
    (names, at)
}

/// The same path seen from the file rather than from a module in it; `None` if it does not leave the module.
fn outward(mut path: Vec<String>, inner: usize) -> Option<Vec<String>> {
    for _ in 0..inner {
        match path.first().map(String::as_str) {
            Some("super") => _ = path.remove(0),
            Some("crate") => {}
            _ => return None,
        }
    }
    (!path.is_empty()).then_some(path)
}

fn is_punct(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

fn is_cfg_test(tokens: &[TokenTree]) -> bool {
    is_punct(&tokens[0], '#') && tokens[1].to_string().replace(' ', "") == "[cfg(test)]"
}

fn ends_item(token: &TokenTree) -> bool {
    is_punct(token, ';') || matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(modules: &[(&str, &str)]) -> Vec<Vec<String>> {
        let own = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        circles(&modules.iter().map(own).collect())
    }

    #[test]
    fn circles_are_found() {
        let root = ("", "mod a; mod b; mod c; pub use a::A; pub use b::{self, B as Bee};");
        let chain = [
            root,
            ("a", "use crate::Bee; struct A;"),
            ("b", "struct B;"),
            ("c", "fn f() { crate::a::g() }"),
        ];
        assert!(found(&chain).is_empty());
        for back in [
            "use crate::A;",
            "use super::{c::C, a::{self}};",
            "fn f() -> crate::a::A {}",
            "macro_rules! m { () => { $crate::A } }",
            "mod inner { use super::super::a::A; }",
            "use super::a::*;",
        ] {
            let circle = [root, ("a", "use crate::b::B; struct A;"), ("b", back), ("c", "")];
            assert_eq!(found(&circle), [["a", "b"]], "{back}");
        }
        for harmless in [
            "#[cfg(test)] mod tests { use crate::a::A; }",
            "// crate::a::A\nconst X: &str = \"crate::a::A\";",
            "mod inner { use super::B; }",
            "pub(in crate::a) struct B;",
            "use a::A;",
        ] {
            let circle = [root, ("a", "use crate::b::B; struct A;"), ("b", harmless), ("c", "")];
            assert!(found(&circle).is_empty(), "{harmless}");
        }
        let nested = [
            ("", "mod p;"),
            ("p", "mod q; use q::Q; struct P;"),
            ("p::q", "use super::P; struct Q;"),
        ];
        assert_eq!(found(&nested), [["p", "p::q"]]);
    }
}
