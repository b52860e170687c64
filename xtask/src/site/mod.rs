//! The documentation as a site: the same files, as pages that link to each other, and every link leads somewhere.

mod page;

use crate::project;
use page::Page;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

/// The pages, in the order in which they are named, by their files below the project's folder.
const PAGES: [(&str, &str); 16] = [
    ("README.md", "Start"),
    ("BACKFILL.md", "A backfill"),
    ("crates/rudder-intercom/deploy/README.md", "Running it"),
    ("crates/rudderstack-to-intercom/MAPPING.md", "The mapping"),
    ("crates/rudder-intercom/README.md", "The program"),
    ("crates/rudder-gateway/README.md", "rudder-gateway"),
    ("crates/intercom-transformer/README.md", "intercom-transformer"),
    ("crates/intercom-sandbox/README.md", "intercom-sandbox"),
    ("crates/intercom-delivery/README.md", "intercom-delivery"),
    ("crates/rudderstack-to-intercom/README.md", "rudderstack-to-intercom"),
    ("crates/rudderstack-events/README.md", "rudderstack-events"),
    ("crates/intercom-api/README.md", "intercom-api"),
    ("crates/exact-json/README.md", "exact-json"),
    ("crates/http-access/README.md", "http-access"),
    ("CONTRIBUTING.md", "Contributing"),
    ("CHANGELOG.md", "Changelog"),
];

pub(crate) fn run(output: &project::Output) -> ExitCode {
    let folder = output.or("site");
    project::end(build(&folder).map(|pages| format!("{pages} pages written below {}", folder.display())))
}

/// Writes it into a folder, whose files are lost.
pub(crate) fn build(folder: &Path) -> Result<usize, String> {
    let mut pages = BTreeMap::new();
    for (path, title) in PAGES {
        let text = fs::read_to_string(project::root().join(path)).map_err(|error| format!("{path}: {error}"))?;
        pages.insert(PathBuf::from(path), Page::new(title, &text));
    }
    let mut files = Vec::new();
    let mut broken = Vec::new();
    for (path, page) in &mut pages.clone() {
        for link in page.links() {
            match lead(path, &link, &pages) {
                Ok(Target::Elsewhere) => {}
                Ok(Target::Page(target)) => page.relink(&link, &target),
                Ok(Target::File(file)) => files.push(file),
                Ok(Target::None) => page.unlink(&link),
                Err(reason) => broken.push(format!("{}: {link}: {reason}", path.display())),
            }
        }
        pages.insert(path.clone(), page.clone());
    }
    if !broken.is_empty() {
        return Err(format!("these links lead nowhere:\n  {}", broken.join("\n  ")));
    }
    let write = || -> std::io::Result<()> {
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        for (path, page) in &pages {
            let file = folder.join(html(path));
            fs::create_dir_all(file.parent().unwrap_or(folder))?;
            fs::write(file, page.html(&navigation(path)))?;
        }
        for file in &files {
            let copy = folder.join(file);
            fs::create_dir_all(copy.parent().unwrap_or(folder))?;
            fs::copy(project::root().join(file), copy)?;
        }
        Ok(())
    };
    write().map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(pages.len())
}

/// Where a link leads.
enum Target {
    /// To another site.
    Elsewhere,
    /// To a page, by this link.
    Page(String),
    /// To a file of the project.
    File(PathBuf),
    /// To something that has no page, such as a folder.
    None,
}

fn lead(from: &Path, link: &str, pages: &BTreeMap<PathBuf, Page>) -> Result<Target, String> {
    if link.starts_with("https://") || link.starts_with("http://") {
        return Ok(Target::Elsewhere);
    }
    // An item of the crate, where rustdoc shows the same file.
    if link.contains("::") {
        return Ok(Target::None);
    }
    let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
    let mut target = match path {
        "" => from.to_owned(),
        path => normal(&from.parent().unwrap_or(Path::new("")).join(path))?,
    };
    let place = project::root().join(&target);
    if place.is_dir() && pages.contains_key(&target.join("README.md")) {
        target.push("README.md");
    }
    let Some(page) = pages.get(&target) else {
        return match (place.is_dir(), place.is_file(), fragment) {
            (true, ..) => Ok(Target::None),
            (_, true, "") => Ok(Target::File(target)),
            _ => Err("there is no such file".to_owned()),
        };
    };
    if !fragment.is_empty() && !page.has(fragment) {
        return Err("the page has no such heading".to_owned());
    }
    let up = "../".repeat(from.components().count() - 1);
    let fragment = if fragment.is_empty() {
        String::new()
    } else {
        format!("#{fragment}")
    };
    Ok(Target::Page(format!("{up}{}{fragment}", html(&target).display())))
}

/// A path below the project's folder, without the steps up in it.
fn normal(path: &Path) -> Result<PathBuf, String> {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => normal.push(name),
            Component::CurDir => {}
            Component::ParentDir if normal.pop() => {}
            _ => return Err("it leads out of the project".to_owned()),
        }
    }
    Ok(normal)
}

/// The file of a page.
fn html(path: &Path) -> PathBuf {
    match path.file_name() {
        Some(name) if name == "README.md" => path.with_file_name("index.html"),
        _ => path.with_extension("html"),
    }
}

fn navigation(here: &Path) -> String {
    let up = "../".repeat(here.components().count() - 1);
    let links = PAGES.map(|(path, title)| {
        let current = if Path::new(path) == here {
            " aria-current=\"page\""
        } else {
            ""
        };
        format!(
            "<a href=\"{up}{}\"{current}>{title}</a>\n",
            html(Path::new(path)).display()
        )
    });
    links.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_link_of_the_documentation_leads_somewhere() {
        let folder = std::env::temp_dir().join(format!("site-{}", std::process::id()));
        let built = build(&folder);
        let index = fs::read_to_string(folder.join("crates/rudder-gateway/index.html")).unwrap_or_default();
        let _ = fs::remove_dir_all(&folder);
        assert_eq!(built, Ok(PAGES.len()));
        assert!(index.contains("<h2 id=\"who-sees-the-page\">") && index.contains("href=\"../../BACKFILL.html\""));
    }

    #[test]
    fn a_link_that_leads_nowhere_is_told() {
        let pages = BTreeMap::from([(PathBuf::from("README.md"), Page::new("Start", "# A heading\n"))]);
        let lead = |link: &str| lead(Path::new("README.md"), link, &pages).is_ok();
        assert!(lead("#a-heading") && lead("xtask/Cargo.toml") && lead("https://example.org/x") && lead("crates"));
        assert!(!lead("#another") && !lead("nothing.md") && !lead("../outside"));
    }
}
