//! What others do in the workspace meanwhile.

use super::played::Played;
use super::scenario::Interference;
use fastrand::Rng;
use intercom_api::{Attributes, Contact, ExternalId};
use intercom_sandbox::{Request, UnixMillis};

/// Somebody else does something to a contact or a company.
pub(super) fn interfere(interference: Interference, random: &mut Rng, played: &mut Played, now: UnixMillis) {
    let state = played.sandbox.state();
    let text = |object: &Attributes, name: &str| object.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    if interference == Interference::RemoveCompany {
        let Some(company) = pick(random, &state.companies) else {
            return;
        };
        let (Some(id), Some(key)) = (text(company, "id"), text(company, "company_id")) else {
            return;
        };
        played.affected_companies.insert(key);
        played.mishaps.count("company deleted by others");
        let path = format!("/companies/{id}");
        played.sandbox.act(Request::new("DELETE", &path), now);
        return;
    }
    let mut contacts = Vec::new();
    for _ in 0..2 {
        let Some(contact) = pick(random, &state.contacts) else {
            return;
        };
        let Some(id) = text(contact, "id") else { return };
        played.affected_people.extend(person_of(contact));
        contacts.push(id);
    }
    let (first, second) = (&contacts[0], &contacts[1]);
    played.mishaps.count(match interference {
        Interference::Archive => "contact archived by others",
        Interference::Delete => "contact deleted by others",
        _ => "contacts merged by others",
    });
    let (method, path, body) = match interference {
        Interference::Archive => ("POST", format!("/contacts/{first}/archive"), String::new()),
        Interference::Delete => ("DELETE", format!("/contacts/{first}"), String::new()),
        _ => {
            // Only a lead can be merged.
            let path = format!("/contacts/{first}");
            let lead = Request::new("PUT", &path).body(br#"{"role":"lead"}"#);
            played.sandbox.act(lead, now);
            let body = format!(r#"{{"from":"{first}","into":"{second}"}}"#);
            ("POST", "/contacts/merge".to_owned(), body)
        }
    };
    let request = Request::new(method, &path).body(body.as_bytes());
    played.sandbox.act(request, now);
}

fn pick<'a, T>(random: &mut Rng, items: &'a [T]) -> Option<&'a T> {
    (!items.is_empty()).then(|| &items[random.usize(..items.len())])
}

/// Which person a contact is.
pub(super) fn person_of(contact: &Attributes) -> Option<usize> {
    let text = |name: &str| contact.get(name).and_then(|value| value.as_str());
    named(text("external_id").or_else(|| text("user_id")), text("email"))
}

/// The same of a contact in a response.
pub(super) fn person_of_contact(contact: &Contact) -> Option<usize> {
    named(
        contact.external_id.as_ref().map(ExternalId::as_str),
        contact.email.as_deref(),
    )
}

fn named(user_id: Option<&str>, email: Option<&str>) -> Option<usize> {
    if let Some(id) = user_id {
        return id.strip_prefix("user-")?.parse().ok();
    }
    let email = email?.to_lowercase();
    email.strip_prefix("person.")?.split('.').next()?.parse().ok()
}
