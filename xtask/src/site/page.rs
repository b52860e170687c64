//! One page of the site.

use pulldown_cmark::{CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

const STYLE: &str = include_str!("site.css");
/// Adds to each snippet a button that copies it, of a console without prompts and output.
const SCRIPT: &str = include_str!("copy.js");

/// A page.
#[derive(Clone, Debug)]
pub(super) struct Page {
    title: &'static str,
    events: Vec<Event<'static>>,
    headings: Vec<String>,
}

impl Page {
    pub(super) fn new(title: &'static str, text: &str) -> Self {
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
        let events = Parser::new_ext(text, options).map(Event::into_static);
        let mut page = Self {
            title,
            events: without_hidden_lines(events.collect()),
            headings: Vec::new(),
        };
        page.name_headings();
        page
    }

    /// Gives each heading the name that links know it by, as GitHub does.
    fn name_headings(&mut self) {
        let mut at = 0;
        while at < self.events.len() {
            if let Event::Start(Tag::Heading { .. }) = &self.events[at] {
                let texts = self.events[at + 1..].iter();
                let texts = texts.take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
                let text: String = texts
                    .filter_map(|event| match event {
                        Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
                        _ => None,
                    })
                    .collect();
                let name = slug(&text);
                if let Event::Start(Tag::Heading { id, .. }) = &mut self.events[at] {
                    *id = Some(CowStr::from(name.clone()));
                }
                self.headings.push(name);
            }
            at += 1;
        }
    }

    /// Whether there is a heading of this name, or an anchor.
    pub(super) fn has(&self, name: &str) -> bool {
        let anchor = format!("id=\"{name}\"");
        let is_there = |event: &Event<'_>| match event {
            Event::Html(text) | Event::InlineHtml(text) => text.contains(&anchor),
            _ => false,
        };
        self.headings.iter().any(|heading| heading == name) || self.events.iter().any(is_there)
    }

    /// Where its links lead.
    pub(super) fn links(&self) -> Vec<String> {
        let links = self.events.iter().filter_map(|event| match event {
            Event::Start(Tag::Link { dest_url, .. }) => Some(dest_url.to_string()),
            _ => None,
        });
        links.collect()
    }

    /// Lets a link lead elsewhere.
    pub(super) fn relink(&mut self, link: &str, target: &str) {
        for event in &mut self.events {
            if let Event::Start(Tag::Link { dest_url, .. }) = event
                && **dest_url == *link
            {
                *dest_url = CowStr::from(target.to_owned());
            }
        }
    }

    /// Leaves the text of a link, and takes the link away.
    pub(super) fn unlink(&mut self, link: &str) {
        let mut is_within = false;
        self.events.retain(|event| match event {
            Event::Start(Tag::Link { dest_url, .. }) if **dest_url == *link => {
                is_within = true;
                false
            }
            Event::End(TagEnd::Link) if is_within => {
                is_within = false;
                false
            }
            _ => true,
        });
    }

    /// The whole page, with what leads to the others.
    pub(super) fn html(&self, navigation: &str) -> String {
        let mut body = String::new();
        // A heading of its own, where the text has none.
        if !matches!(
            self.events.first(),
            Some(Event::Start(Tag::Heading {
                level: HeadingLevel::H1,
                ..
            }))
        ) {
            body += &format!("<h1>{}</h1>\n", self.title);
        }
        html::push_html(&mut body, self.events.iter().cloned());
        // A wide table is moved by itself.
        let body = body
            .replace("<table>", "<div class=\"wide\" tabindex=\"0\"><table>")
            .replace("</table>", "</table></div>")
            // A corner above the names of lines says nothing, and is none.
            .replace("<th></th>", "<td></td>");
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{} – rudder-intercom</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
             <nav aria-label=\"Pages\">\n{navigation}</nav>\n<main>\n{body}</main>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n",
            self.title
        )
    }
}

/// Leaves out of Rust what rustdoc hides: lines that begin with `# `.
fn without_hidden_lines(events: Vec<Event<'static>>) -> Vec<Event<'static>> {
    let mut is_rust = false;
    let shown = events.into_iter().map(|event| match event {
        Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
            is_rust = language.starts_with("rust") || language.starts_with("no_run");
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language)))
        }
        Event::Text(text) if is_rust => {
            let lines = text.split_inclusive('\n');
            let shown: String = lines
                .filter(|line| !line.starts_with("# ") && line.trim_end() != "#")
                .collect();
            Event::Text(shown.into())
        }
        Event::End(TagEnd::CodeBlock) => {
            is_rust = false;
            Event::End(TagEnd::CodeBlock)
        }
        event => event,
    });
    shown.collect()
}

fn slug(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase)
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}
