//! What is left of an event that failed, once later ones have been delivered.

use super::happening::{Action, Fields, Happening, Identity};
use std::collections::BTreeSet;

/// What later events have done to the same person.
#[derive(Default)]
struct Since {
    names: BTreeSet<&'static str>,
    companies: BTreeSet<String>,
    /// Since they were deleted, if they were.
    is_written: bool,
    is_deleted: bool,
}

impl Since {
    fn of(user_id: Option<&String>, later: &[&Happening]) -> Self {
        let mut since = Self::default();
        for other in later.iter().filter(|other| other.identity.user_id.as_ref() == user_id) {
            match &other.action {
                Action::Identify { fields, leaves } => {
                    since.write(fields);
                    since.companies.extend(leaves.iter().cloned());
                }
                Action::Insert(fields) | Action::Update { fields, .. } => since.write(fields),
                Action::Group { company, .. } => drop(since.companies.insert(company.clone())),
                Action::Delete => (since.is_deleted, since.is_written) = (true, false),
                Action::Track { .. } | Action::Visit => {}
            }
        }
        since
    }

    fn write(&mut self, fields: &Fields) {
        self.names.extend(names_of(fields));
        self.is_written = true;
    }
}

fn names_of(fields: &Fields) -> impl Iterator<Item = &'static str> {
    fields.standard.keys().chain(fields.custom.keys()).copied()
}

fn without(fields: &Fields, names: &BTreeSet<&'static str>) -> Fields {
    let mut left = fields.clone();
    left.standard.retain(|name, _| !names.contains(name));
    left.custom.retain(|name, _| !names.contains(name));
    left
}

/// What is left to be done of an event that has failed, after later ones: it undoes nothing of them.
pub(crate) fn left_of(happening: &Happening, later: &[&Happening]) -> Option<Happening> {
    let since = Since::of(happening.identity.user_id.as_ref(), later);
    let mut left = happening.clone();
    if since.is_written {
        left.identity.email = None;
    }
    match &mut left.action {
        Action::Identify { .. } | Action::Insert(_) | Action::Update { .. } if since.is_deleted => return None,
        Action::Track { .. } if since.is_deleted && !since.is_written => return None,
        Action::Identify { fields, leaves } => {
            *fields = without(fields, &since.names);
            leaves.retain(|company| !since.companies.contains(company));
        }
        Action::Insert(fields) | Action::Update { fields, .. } => *fields = without(fields, &since.names),
        Action::Group { company, fields, .. } => {
            let mut names = BTreeSet::new();
            for other in later {
                if let Action::Group {
                    company: same, fields, ..
                } = &other.action
                    && company == same
                {
                    names.extend(names_of(fields));
                }
            }
            *fields = without(fields, &names);
            if since.is_deleted || since.companies.contains(company) {
                left.identity = Identity::default();
            }
        }
        Action::Track { .. } | Action::Delete | Action::Visit => {}
    }
    Some(left)
}
