//! Data events, and whom they are for.

use super::responses::{Response, all_hits, failed, failure, is_gone};
use super::state::{Detour, Whereabouts};
use super::{EventEmail, Fact, Knowledge, UnknownContactPolicy, Verdict, Walk};
use crate::codes::FailureCode;
use crate::contact::KnownContact;
use intercom_api::{ContactFields, DataEvent, Role};
use rudderstack_to_intercom::{Lookup, Person, Plan};
use std::borrow::Cow;

impl Walk {
    /// The event as it is sent: that of a contact without a user id names the contact by Intercom's id.
    pub(super) fn submitted_as<'e>(&self, event: &'e DataEvent) -> Cow<'e, DataEvent> {
        let mut event = Cow::Borrowed(event);
        if let Some(lead) = &self.lead {
            let event = event.to_mut();
            event.id = Some(lead.clone());
            (event.user_id, event.email) = (None, None);
        } else if self.policies.event_email == EventEmail::LeftOut && event.user_id.is_some() && event.email.is_some() {
            event.to_mut().email = None;
        }
        event
    }

    pub(super) fn submitted<K: Knowledge>(&mut self, response: Response<'_>, knowledge: &mut K) -> Verdict {
        match response {
            Ok(_) => {
                self.wrote = true;
                self.is_done = true;
                Verdict::GoOn
            }
            Err(error) if is_gone(error) => match self.lead_of_event() {
                Some(lookup) => {
                    self.detour = Some(Detour::FindLead(Box::new(lookup)));
                    Verdict::GoOn
                }
                None => {
                    self.lead_gone(knowledge);
                    self.unknown_contact()
                }
            },
            Err(error) if error.is_event_name_limit() => failed(FailureCode::EventNameLimit),
            Err(error) => failure(error),
        }
    }

    /// The lead that the event was for, if it was for one, turned out to be gone: the search, or what is remembered, lags
    /// behind.
    fn lead_gone<K: Knowledge>(&mut self, knowledge: &mut K) {
        if let Some(lead) = self.lead.take() {
            let lookup = None;
            knowledge.learn(&Fact::ContactGone { id: &lead, lookup });
            self.contact = Whereabouts::Absent;
        }
    }

    /// The contact that an event could not be submitted for has been searched.
    pub(super) fn found_lead<K: Knowledge>(
        &mut self,
        lookup: &Lookup,
        response: Response<'_>,
        knowledge: &mut K,
    ) -> Verdict {
        let hits = match all_hits(lookup, response, knowledge) {
            Ok(hits) => hits,
            Err(verdict) => return verdict,
        };
        self.detour = None;
        let Some(&contact) = lookup.candidates(&hits).first() else {
            self.contact = Whereabouts::Absent;
            return self.unknown_contact();
        };
        let hits = hits.as_slice();
        knowledge.learn(&Fact::Found { lookup, contact, hits });
        self.lead = Some(contact.id.clone());
        self.found(KnownContact::from(contact), false)
    }

    /// Intercom has no contact for the event.
    fn unknown_contact(&mut self) -> Verdict {
        match (self.policies.unknown_contact, self.contact_of_event()) {
            // A contact that has just been created, or met while creating it, is not created again.
            (UnknownContactPolicy::Create, Some(fields)) if self.contact().is_none() => {
                self.detour = Some(Detour::CreateContact(Box::new(fields)));
                Verdict::GoOn
            }
            (UnknownContactPolicy::Create | UnknownContactPolicy::Fail, _) => failed(FailureCode::UnknownContact),
        }
    }

    /// How the contact without a user id is found that an event may be for: one that names an email, and that Intercom knows no
    /// user for.
    fn lead_of_event(&self) -> Option<Lookup> {
        let Plan::SubmitEvent(event) = &*self.plan else {
            return None;
        };
        let email = event.email.as_deref().filter(|email| !email.is_empty())?;
        let is_open = event.id.is_none() && self.contact == Whereabouts::Unknown;
        let is_told_apart = event.user_id.is_none() || self.policies.event_email == EventEmail::LeftOut;
        let person = Person::new(event.user_id.clone(), Some(email)).filter(|_| is_open && is_told_apart);
        person.map(Into::into)
    }

    /// The contact that a data event is for.
    fn contact_of_event(&self) -> Option<ContactFields> {
        let Plan::SubmitEvent(event) = &*self.plan else {
            return None;
        };
        if event.user_id.is_none() && event.email.is_none() {
            return None;
        }
        let mut fields = ContactFields::new();
        fields.external_id.clone_from(&event.user_id);
        fields.email.clone_from(&event.email);
        fields.role = Some(Role::User);
        Some(fields)
    }
}
