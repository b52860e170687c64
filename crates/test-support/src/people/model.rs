//! What the workspace is to hold in the end, by rules that are written here anew: nothing of it is shared with the
//! conversion or the engine.
//!
//! Events take effect one at a time, in the order of the input, at once and without any fault.

use super::happening::{Action, Fields, Happening, Identity, LATE, LATE_OF_COMPANY, SHARED};
use super::replay;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What becomes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It took effect.
    Delivered,
    /// It can never take effect.
    Rejected,
    /// It did not take effect, and might another time.
    Failed,
}

#[derive(Clone, Debug, Default)]
struct Contact {
    external_id: Option<String>,
    email: Option<String>,
    is_lead: bool,
    fields: Fields,
    companies: BTreeSet<String>,
    is_gone: bool,
}

#[derive(Clone, Debug, Default)]
struct Company {
    fields: Fields,
    tags: BTreeSet<String>,
}

/// The workspace.
#[derive(Clone, Debug, Default)]
pub struct Model {
    contacts: Vec<Contact>,
    companies: BTreeMap<String, Company>,
    /// When, under which name, and whose.
    events: Vec<(i64, String, usize)>,
    /// Whether several users can have one email address.
    shares_emails: bool,
    /// What has come before its contact, and waits for it.
    waiting: Vec<(usize, Happening)>,
    /// How many events still waited for their contact after the events, and how many of these are to fail if nobody comes.
    pub(crate) left_waiting: (usize, usize),
    /// What became of each event.
    pub endings: Vec<Ending>,
}

impl Model {
    /// The workspace after these events; whether several of its users can have one email address.
    pub fn after(happenings: &[Happening], shares_emails: bool) -> Self {
        let mut model = Self {
            shares_emails,
            ..Self::default()
        };
        for (at, happening) in happenings.iter().enumerate() {
            let ending = model.happen(at, happening);
            model.endings.push(ending);
        }
        model.left_waiting = model.count_waiting();
        model
    }

    fn count_waiting(&self) -> (usize, usize) {
        let fails = |(at, _): &&(usize, Happening)| self.endings[*at] == Ending::Failed;
        (self.waiting.len(), self.waiting.iter().filter(fails).count())
    }

    /// Those of the events that come to the same if a kill has them come again after later ones, where some events fail:
    /// not those of somebody who is not there yet, but may be then.
    pub(crate) fn repeatable(happenings: Vec<Happening>, shares_emails: bool) -> Vec<Happening> {
        let mut model = Self {
            shares_emails,
            ..Self::default()
        };
        let is_repeatable = |happening: &Happening| {
            let needs_contact = match happening.action {
                Action::Track { .. } | Action::Group { .. } | Action::Update { .. } => true,
                Action::Identify { .. } | Action::Insert(_) | Action::Delete | Action::Visit => false,
            };
            let is_there = !needs_contact || model.find(&happening.identity).is_some();
            if is_there && model.fail(happening).is_none() {
                model.happen(0, happening);
            }
            is_there
        };
        happenings.into_iter().filter(is_repeatable).collect()
    }

    /// The workspace after these events, of which those with the attribute that is not defined fail, and after what has
    /// failed is sent again, all of it in its order. The events are those that are [repeatable](Self::repeatable): none waits
    /// for its contact.
    pub(crate) fn after_replay(happenings: &[Happening], shares_emails: bool) -> Self {
        let mut model = Self {
            shares_emails,
            ..Self::default()
        };
        for (at, happening) in happenings.iter().enumerate() {
            let ending = model.fail(happening).unwrap_or_else(|| model.happen(at, happening));
            model.endings.push(ending);
        }
        let first = model.endings.clone();
        let mut endings = first.clone();
        for at in (0..happenings.len()).filter(|at| first[*at] == Ending::Failed) {
            let later = happenings.iter().zip(&endings).skip(at + 1);
            let later = later.filter(|(_, ending)| **ending == Ending::Delivered);
            let later: Vec<&Happening> = later.map(|(happening, _)| happening).collect();
            if let Some(left) = replay::left_of(&happenings[at], &later) {
                endings[at] = model.happen(at, &left);
            }
        }
        // What is compared with the summary is what became of them at first.
        model.endings = first;
        model
    }

    /// What becomes of an event that has the attribute which is not defined; none, if it has not.
    fn fail(&mut self, happening: &Happening) -> Option<Ending> {
        let found = self.find(&happening.identity);
        let fields = match &happening.action {
            Action::Identify { fields, .. } | Action::Insert(fields) | Action::Group { fields, .. } => fields,
            Action::Update { fields, .. } if found.is_some() => fields,
            Action::Update { .. } | Action::Track { .. } | Action::Delete | Action::Visit => return None,
        };
        let late = |name: &str| fields.custom.get(name);
        late(LATE).or_else(|| late(LATE_OF_COMPANY))?;
        // Companies are left before anything is written.
        if let (Action::Identify { leaves, .. }, Some(at)) = (&happening.action, found) {
            for company in leaves {
                self.contacts[at].companies.remove(company);
            }
        }
        Some(Ending::Failed)
    }

    /// How many contacts there are.
    pub(crate) fn people(&self) -> usize {
        self.contacts.iter().filter(|contact| !contact.is_gone).count()
    }

    /// How many events ended so.
    pub fn count(&self, ending: Ending) -> usize {
        self.endings.iter().filter(|other| **other == ending).count()
    }

    /// Whoever was waited for may be there now: what has waited takes effect, in its order.
    fn release(&mut self) {
        for (at, happening) in std::mem::take(&mut self.waiting) {
            let ending = self.happen(at, &happening);
            if let Some(known) = self.endings.get_mut(at) {
                *known = ending;
            }
        }
    }

    fn happen(&mut self, number: usize, happening: &Happening) -> Ending {
        let who = &happening.identity;
        let found = self.find(who);
        match &happening.action {
            Action::Visit => {
                let at = found.unwrap_or_else(|| self.create());
                self.contacts[at].is_lead = true;
                self.save(at, who, &Fields::default());
                self.release();
                Ending::Delivered
            }
            Action::Identify { fields, leaves } => {
                let at = found.unwrap_or_else(|| self.create());
                self.save(at, who, fields);
                self.release();
                for company in leaves {
                    self.contacts[at].companies.remove(company);
                }
                Ending::Delivered
            }
            Action::Insert(fields) => {
                // Who is there gets the fields: the identifiers say who it is, and no more.
                let email = who.email.clone().filter(|_| found.is_none());
                let who = Identity { email, ..who.clone() };
                let at = found.unwrap_or_else(|| self.create());
                self.save(at, &who, fields);
                self.release();
                Ending::Delivered
            }
            Action::Update { fields, new_email } => match found {
                Some(at) => {
                    let now = Identity {
                        user_id: None,
                        email: new_email.clone(),
                    };
                    self.save(at, &now, fields);
                    Ending::Delivered
                }
                None => Ending::Rejected,
            },
            Action::Delete => {
                if let Some(at) = found {
                    self.contacts[at].is_gone = true;
                }
                Ending::Delivered
            }
            Action::Track { name } => match found {
                Some(at) => {
                    self.events.push((happening.at, name.clone(), at));
                    Ending::Delivered
                }
                None => {
                    self.waiting.push((number, happening.clone()));
                    Ending::Failed
                }
            },
            Action::Group { company, fields, tags } => {
                let known = self.companies.entry(company.clone()).or_default();
                known.fields.write(fields);
                known.tags.extend(tags.iter().cloned());
                // Who has a user id is linked by that alone.
                let member = Identity {
                    user_id: who.user_id.clone(),
                    email: who.email.clone().filter(|_| who.user_id.is_none()),
                };
                match self.find(&member) {
                    Some(at) => drop(self.contacts[at].companies.insert(company.clone())),
                    // What is left to be done is the link.
                    None => self.waiting.push((number, happening.link())),
                }
                Ending::Delivered
            }
        }
    }

    fn create(&mut self) -> usize {
        self.contacts.push(Contact::default());
        self.contacts.len() - 1
    }

    /// The contact with the user id; else one with the email that has no user id of its own; without a user id, anybody
    /// with the email. A user comes before a lead.
    fn find(&self, who: &Identity) -> Option<usize> {
        let present = || self.contacts.iter().enumerate().filter(|(_, contact)| !contact.is_gone);
        let has_email = |contact: &Contact| who.email.is_some() && contact.email == who.email;
        let by_email = |fits: &dyn Fn(&Contact) -> bool| {
            let fitting = || present().filter(|(_, contact)| has_email(contact) && fits(contact));
            fitting()
                .find(|(_, contact)| !contact.is_lead)
                .or_else(|| fitting().next())
        };
        let found = match &who.user_id {
            Some(user_id) => present()
                .find(|(_, contact)| contact.external_id.as_ref() == Some(user_id))
                .or_else(|| by_email(&|contact| contact.external_id.is_none())),
            None => by_email(&|_| true),
        };
        found.map(|(at, _)| at)
    }

    fn save(&mut self, at: usize, who: &Identity, fields: &Fields) {
        // An email that somebody else has stays theirs.
        let is_taken = |email: &String| {
            let others = self.contacts.iter().enumerate().filter(|(other, _)| *other != at);
            let mut users = others.filter(|(_, contact)| !contact.is_gone && !contact.is_lead);
            !self.shares_emails && users.any(|(_, contact)| contact.email.as_ref() == Some(email))
        };
        let email = who.email.clone().filter(|email| !is_taken(email));
        let contact = &mut self.contacts[at];
        if who.user_id.is_some() {
            contact.external_id.clone_from(&who.user_id);
            // Who signs up is no lead any more.
            contact.is_lead = false;
        }
        if email.is_some() {
            contact.email = email;
        }
        contact.fields.write(fields);
    }

    /// The state as sorted lines, in the same form as those of a sandbox.
    pub fn lines(&self) -> Vec<String> {
        let name = |contact: &Contact| name_of(contact.external_id.as_deref(), contact.email.as_deref());
        let present = self.contacts.iter().filter(|contact| !contact.is_gone);
        let contacts = present.map(|contact| {
            let companies: Vec<&String> = contact.companies.iter().collect();
            let name = name(contact);
            let role = if contact.is_lead { "lead" } else { "user" };
            format!(
                "contact {name} {role} {} in {}",
                text(&contact.fields),
                json!(companies)
            )
        });
        let companies = self.companies.iter().map(|(id, company)| {
            let tags: Vec<&String> = company.tags.iter().collect();
            format!("company {id} {} tagged {}", text(&company.fields), json!(tags))
        });
        let events = self.events.iter().filter_map(|(at, event, contact)| {
            let contact = &self.contacts[*contact];
            (!contact.is_gone).then(|| format!("event {at} {event} of {}", name(contact)))
        });
        let mut lines: Vec<String> = contacts.chain(companies).chain(events).collect();
        lines.sort_unstable();
        lines
    }
}

fn text(fields: &Fields) -> String {
    json!({"standard": fields.standard, "custom": fields.custom}).to_string()
}

fn name_of(external_id: Option<&str>, email: Option<&str>) -> String {
    let email = email.filter(|email| *email != SHARED);
    format!("{}/{}", external_id.unwrap_or("-"), email.unwrap_or("-"))
}

/// The state that a sandbox tells, as sorted lines: what the model knows of, and no more.
pub(crate) fn lines(state: &Value) -> Vec<String> {
    let items = |list: &str| state[list].as_array().into_iter().flatten();
    let fields = |item: &Value, names: &[&str]| {
        let standard = names.iter().filter(|name| !item[**name].is_null());
        let standard: BTreeMap<&str, &Value> = standard.map(|name| (*name, &item[*name])).collect();
        let none = Map::new();
        let custom = item["custom_attributes"].as_object().unwrap_or(&none);
        let custom: BTreeMap<&String, &Value> = custom.iter().filter(|(_, value)| !value.is_null()).collect();
        json!({"standard": standard, "custom": custom}).to_string()
    };
    let sorted = |list: &Value, name: &str| {
        let names = list
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|item| item[name].as_str());
        json!(names.collect::<BTreeSet<_>>())
    };
    let name = |contact: &Value| name_of(contact["external_id"].as_str(), contact["email"].as_str());
    let present = || items("contacts").filter(|contact| contact["archived"] != true);
    let by_id: BTreeMap<&str, String> = present()
        .filter_map(|contact| Some((contact["id"].as_str()?, name(contact))))
        .collect();
    let contacts = present().map(|contact| {
        let companies = sorted(&contact["companies"]["data"], "company_id");
        let fields = fields(contact, &["name", "phone"]);
        let role = contact["role"].as_str().unwrap_or_default();
        format!("contact {} {role} {fields} in {companies}", name(contact))
    });
    let companies = items("companies").map(|company| {
        let id = company["company_id"].as_str().unwrap_or_default();
        let tags = sorted(&company["tags"]["tags"], "name");
        format!("company {id} {} tagged {tags}", fields(company, &["name", "industry"]))
    });
    let events = items("events").filter_map(|event| {
        let contact = by_id.get(event["intercom_user_id"].as_str()?)?;
        let name = event["event_name"].as_str().unwrap_or_default();
        Some(format!("event {} {name} of {contact}", event["created_at"]))
    });
    let mut lines: Vec<String> = contacts.chain(companies).chain(events).collect();
    lines.sort_unstable();
    lines
}

/// The lines that only one of two sorted lists has: those missing from `actual`, and those that it has beyond.
pub(crate) fn difference(expected: &[String], actual: &[String]) -> Vec<String> {
    let mut counts: BTreeMap<&String, i64> = BTreeMap::new();
    for line in expected {
        *counts.entry(line).or_default() += 1;
    }
    for line in actual {
        *counts.entry(line).or_default() -= 1;
    }
    let said = |(line, count): (&String, i64)| match count {
        0 => None,
        1.. => Some(format!("missing: {line}")),
        _ => Some(format!("too many: {line}")),
    };
    counts.into_iter().filter_map(said).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn happening(user_id: Option<&str>, email: Option<&str>, action: Action) -> Happening {
        let identity = Identity {
            user_id: user_id.map(str::to_owned),
            email: email.map(str::to_owned),
        };
        Happening {
            identity,
            action,
            at: 0,
        }
    }

    fn identify(user_id: Option<&str>, email: Option<&str>) -> Happening {
        let (fields, leaves) = (Fields::default(), Vec::new());
        happening(user_id, email, Action::Identify { fields, leaves })
    }

    #[test]
    fn two_user_ids_under_one_email_are_two_people() {
        let events = [identify(Some("a"), Some("x@y.z")), identify(Some("b"), Some("x@y.z"))];
        for (shares_emails, second) in [(false, "b/-"), (true, "b/x@y.z")] {
            let lines = Model::after(&events, shares_emails).lines();
            assert_eq!(lines.len(), 2);
            assert!(lines[0].contains("a/x@y.z") && lines[1].contains(second), "{lines:?}");
        }
    }

    #[test]
    fn a_contact_without_a_user_id_gets_one() {
        for first in [
            identify(None, Some("x@y.z")),
            happening(None, Some("x@y.z"), Action::Visit),
        ] {
            let model = Model::after(&[first, identify(Some("a"), Some("x@y.z"))], false);
            assert_eq!(model.lines().len(), 1);
            assert!(model.lines()[0].contains("a/x@y.z user"));
        }
    }

    #[test]
    fn a_record_that_is_inserted_again_leaves_the_email() {
        let insert = |email| happening(Some("a"), Some(email), Action::Insert(Fields::default()));
        let model = Model::after(&[insert("x@y.z"), insert("new@y.z")], false);
        assert_eq!(model.lines().len(), 1);
        assert!(model.lines()[0].contains("a/x@y.z user"));
    }

    #[test]
    fn what_differs_is_told_from_both_sides() {
        let list = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let told = difference(&list(&["a", "b", "b"]), &list(&["b", "c"]));
        assert_eq!(told, ["missing: a", "missing: b", "too many: c"]);
    }
}
