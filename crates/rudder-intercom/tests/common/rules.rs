//! Just enough of Prometheus' language to see whether a rule fires between two looks at the metrics.
#![allow(dead_code, reason = "each test binary uses some of it")]

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::str::Chars;

type Labels = BTreeMap<String, String>;
/// Values by labels.
type Vector = BTreeMap<Labels, f64>;

/// The alert rules that are shipped.
pub(crate) struct Rules(BTreeMap<String, String>);

impl Rules {
    pub(crate) fn read() -> Self {
        let mut rules = BTreeMap::new();
        let (mut name, mut expression, mut is_in_expression) = (String::new(), String::new(), false);
        for line in include_str!("../../deploy/alerts.yml").lines() {
            let text = line.trim();
            if let Some(alert) = text.strip_prefix("- alert: ") {
                alert.clone_into(&mut name);
            } else if let Some(first) = text.strip_prefix("expr: ") {
                first.trim_start_matches('|').clone_into(&mut expression);
                is_in_expression = true;
            } else if text.starts_with("for: ") {
                rules.insert(name.clone(), expression.clone());
                is_in_expression = false;
            } else if is_in_expression {
                expression.push_str(text);
                expression.push(' ');
            }
        }
        assert!(rules.len() > 10, "{rules:?}");
        Self(rules)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    fn value(&self, alert: &str, before: &str, after: &str) -> Vector {
        let expression = self.0.get(alert).unwrap_or_else(|| panic!("there is no alert {alert}"));
        let mut parser = Parser {
            text: expression.chars().peekable(),
            looks: [samples(before), samples(after)],
        };
        let value = parser.any();
        assert_eq!(parser.text.collect::<String>().trim(), "", "{alert}: {expression}");
        value
    }

    /// Fails unless the alert fires if the metrics change in this way, and not if they stay as they were.
    pub(crate) fn fires(&self, alert: &str, before: &str, after: &str) {
        assert!(
            !self.value(alert, before, after).is_empty(),
            "{alert} does not fire: {after}"
        );
        self.is_quiet(alert, before, before);
    }

    pub(crate) fn is_quiet(&self, alert: &str, before: &str, after: &str) {
        assert!(self.value(alert, before, after).is_empty(), "{alert} fires: {after}");
    }
}

/// The metrics of this program that a text names.
pub(crate) fn names_in(text: &str) -> impl Iterator<Item = String> {
    let names: BTreeSet<String> = text
        .match_indices("rudder_intercom_")
        .map(|(at, _)| {
            text[at..]
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect()
        })
        .collect();
    names.into_iter()
}

/// Whether a text with metrics shows this one.
pub(crate) fn is_shown(name: &str, metrics: &str) -> bool {
    metrics.lines().any(|line| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(['{', ' ']))
    })
}

fn samples(text: &str) -> Vec<(String, Labels, f64)> {
    let sample = |line: &str| {
        let (series, value) = line.rsplit_once(' ')?;
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let labels = labels.trim_end_matches('}').split("\",");
        let labels = labels.filter_map(|label| label.split_once("=\""));
        let labels = labels.map(|(name, value)| (name.to_owned(), value.trim_end_matches('"').to_owned()));
        Some((name.to_owned(), labels.collect(), value.parse().ok()?))
    };
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(sample)
        .collect()
}

struct Parser<'a> {
    text: Peekable<Chars<'a>>,
    looks: [Vec<(String, Labels, f64)>; 2],
}

impl Parser<'_> {
    fn space(&mut self) {
        while self.text.next_if(|c| c.is_whitespace()).is_some() {}
    }

    fn eat(&mut self, wanted: char) -> bool {
        self.space();
        self.text.next_if_eq(&wanted).is_some()
    }

    fn expect(&mut self, wanted: char) {
        assert!(
            self.eat(wanted),
            "{wanted} expected before {}",
            self.text.clone().collect::<String>()
        );
    }

    fn word(&mut self) -> String {
        self.space();
        let mut word = String::new();
        while let Some(c) = self.text.next_if(|c| c.is_ascii_alphanumeric() || "_:.".contains(*c)) {
            word.push(c);
        }
        word
    }

    fn quoted(&mut self) -> String {
        self.expect('"');
        let mut text = String::new();
        while let Some(c) = self.text.next_if(|c| *c != '"') {
            text.push(c);
        }
        self.expect('"');
        text
    }

    /// A comparison, or several of which any may hold.
    fn any(&mut self) -> Vector {
        let mut value = self.comparison();
        loop {
            self.space();
            let mut ahead = self.text.clone();
            if !(ahead.next() == Some('o') && ahead.next() == Some('r')) {
                return value;
            }
            self.text = ahead;
            let other = self.comparison();
            value.extend(other);
        }
    }

    fn comparison(&mut self) -> Vector {
        let mut left = self.ratio();
        self.space();
        let Some(operator) = self.text.next_if(|c| "<>=".contains(*c)) else {
            return left;
        };
        if operator == '=' {
            self.expect('=');
        }
        let right: f64 = self.word().parse().unwrap();
        left.retain(|_, value| match operator {
            '<' => *value < right,
            '>' => *value > right,
            _ => *value == right,
        });
        left
    }

    fn ratio(&mut self) -> Vector {
        let left = self.term();
        if !self.eat('/') {
            return left;
        }
        let right = self.term();
        let ratio = |(labels, value): (Labels, f64)| Some((labels.clone(), value / right.get(&labels)?));
        left.into_iter().filter_map(ratio).collect()
    }

    fn term(&mut self) -> Vector {
        let name = self.word();
        match name.as_str() {
            "sum" | "min" | "max" => {
                let mut kept = Vec::new();
                if !self.eat('(') {
                    assert_eq!(self.word(), "by");
                    self.expect('(');
                    while !self.eat(')') {
                        kept.push(self.word());
                        self.eat(',');
                    }
                    self.expect('(');
                }
                let inner = self.any();
                self.expect(')');
                let mut groups = Vector::new();
                for (mut labels, value) in inner {
                    labels.retain(|name, _| kept.contains(name));
                    let group = groups.entry(labels);
                    group
                        .and_modify(|all| {
                            *all = match name.as_str() {
                                "sum" => *all + value,
                                "min" => all.min(value),
                                _ => all.max(value),
                            };
                        })
                        .or_insert(value);
                }
                groups
            }
            "rate" | "increase" => {
                self.expect('(');
                let inner = self.term();
                self.expect(')');
                inner
            }
            "histogram_quantile" => {
                self.expect('(');
                let quantile: f64 = self.word().parse().unwrap();
                self.expect(',');
                let buckets = self.any();
                self.expect(')');
                quantile_of(quantile, &buckets)
            }
            _ => self.selector(&name),
        }
    }

    fn selector(&mut self, name: &str) -> Vector {
        let mut matchers = Vec::new();
        if self.eat('{') {
            while !self.eat('}') {
                let label = self.word();
                let is_negative = self.eat('!');
                let is_pattern = if is_negative {
                    !self.eat('=')
                } else {
                    self.expect('=');
                    self.eat('~')
                };
                if is_negative && is_pattern {
                    self.expect('~');
                }
                matchers.push((label, is_negative, is_pattern, self.quoted()));
                self.eat(',');
            }
        }
        let fits = |labels: &Labels| {
            matchers.iter().all(|(label, is_negative, is_pattern, wanted)| {
                let found = labels.get(label).map_or("", String::as_str);
                let fits = match is_pattern {
                    true => wanted.split('|').any(|one| is_like(found, one)),
                    false => found == wanted,
                };
                fits != *is_negative
            })
        };
        let is_range = self.eat('[');
        if is_range {
            self.word();
            self.expect(']');
        }
        let mut value = Vector::new();
        let of_name = |look: &[(String, Labels, f64)]| -> Vector {
            let found = look.iter().filter(|(found, labels, _)| found == name && fits(labels));
            found.map(|(_, labels, value)| (labels.clone(), *value)).collect()
        };
        let [before, after] = [&self.looks[0], &self.looks[1]].map(|look| of_name(look));
        for (labels, now) in after {
            let since = if is_range {
                before.get(&labels).copied().unwrap_or_default()
            } else {
                0.0
            };
            value.insert(labels, now - since);
        }
        value
    }
}

/// The upper bound of the bucket in which so large a part of the values is.
fn quantile_of(quantile: f64, buckets: &Vector) -> Vector {
    let mut bounds: Vec<(f64, f64)> = buckets
        .iter()
        .map(|(labels, count)| (labels["le"].replace("+Inf", "inf").parse().unwrap(), *count))
        .collect();
    bounds.sort_by(|a, b| a.0.total_cmp(&b.0));
    let all = bounds.last().map_or(0.0, |(_, count)| *count);
    let found = bounds.iter().find(|(_, count)| *count >= all * quantile);
    found
        .filter(|_| all > 0.0)
        .map(|(bound, _)| (Labels::new(), *bound))
        .into_iter()
        .collect()
}

/// Whether a text is like a pattern of letters, dots for any, and stars.
fn is_like(text: &str, pattern: &str) -> bool {
    if let Some(rest) = pattern.strip_prefix(".*") {
        return (0..=text.len()).any(|at| text.get(at..).is_some_and(|text| is_like(text, rest)));
    }
    match (pattern.chars().next(), text.chars().next()) {
        (None, None) => true,
        (Some(wanted), Some(found)) if wanted == '.' || wanted == found => {
            is_like(&text[found.len_utf8()..], &pattern[wanted.len_utf8()..])
        }
        _ => false,
    }
}
