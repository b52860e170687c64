//! What the engine knows better than a plan: what it remembers, what others are doing, and what waits in the queue.

use super::awaited::AwaitedContacts;
use super::contact_keys::ContactKey;
use super::fields::{Body, Set};
use super::locks::{LockKey, Locks};
use super::memory::Memory;
use super::merge::{can_merge, is_indifferent};
use super::person::{Person, Source};
use super::queue::{Entry, LaneId, Queue};
use super::settings::{EngineSettings, OutcomeOrder, SkipUnchanged};
use super::time::Time;
use crate::contact::KnownContact;
use crate::walk::{Fact, Knowledge, Permit, ReadContact, Rewritten, Write, moves_to};
use intercom_api::{
    CompanyExternalId, CompanyFields, CompanyId, Contact, ContactFields, ContactId, DataAttributeModel, ExternalId,
};
use rudderstack_to_intercom::{Lookup, Plan, SharedEmail};
use std::borrow::Cow;

/// Events that are delivered together: one, and those that follow it with nothing but an update of the same contact.
pub(super) struct Batch {
    /// At least one.
    pub(super) members: Vec<Entry>,
    pub(super) lane: LaneId,
    /// Whether something new was learnt of who the contact is.
    pub(super) learnt: bool,
    /// Who that is, as it was known last: others may take its place in the memory before the event has ended.
    who: Option<KnownContact>,
    /// The contact that turned out to be gone, or was deleted.
    pub(super) gone: Option<ContactId>,
    /// The contact as a search has shown it.
    seen: Option<(ContactId, ReadContact)>,
    /// The fields of the body in flight.
    sent: Vec<Set>,
    /// Whether it has custom attributes that the workspace does not list.
    sends_unlisted: bool,
}

exact_json::debug_shows! { Batch { members, lane, .. } }

impl Batch {
    pub(super) fn new(lane: LaneId, entry: Entry) -> Self {
        Self {
            members: vec![entry],
            lane,
            learnt: false,
            who: None,
            gone: None,
            seen: None,
            sent: Vec::new(),
            sends_unlisted: false,
        }
    }

    /// The event that the job goes by.
    pub(super) fn first(&self) -> &Entry {
        &self.members[0]
    }

    fn seq(&self) -> u64 {
        self.first().seq
    }

    fn learns(&mut self, memory: &mut Memory, id: &ContactId, person: &Person<'_>, source: Source) {
        self.learnt |= memory.learn(id, person, source);
        self.who = memory.known(id);
    }

    /// Who the contact is, as far as it is known.
    pub(super) fn contact(&self, memory: &Memory, id: &ContactId) -> Option<KnownContact> {
        let learnt = || self.who.clone().filter(|who| who.id == *id);
        memory.known(id).or_else(learnt)
    }

    /// The place of what it writes.
    fn rank(&self) -> u64 {
        self.first().rank
    }
}

/// Why a write has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Busy {
    /// Another call writes the same.
    Lock(LockKey),
    /// It is to be noted first.
    Note,
}

/// What a job is carried out with.
pub(super) struct Known<'a> {
    pub(super) settings: &'a EngineSettings,
    pub(super) memory: &'a mut Memory,
    pub(super) locks: &'a Locks,
    pub(super) queue: &'a mut Queue,
    pub(super) awaited: &'a AwaitedContacts,
    pub(super) now: Time,
    pub(super) batch: &'a mut Batch,
    /// Whether the call that comes next has been tried before.
    pub(super) is_repeated: bool,
    /// Whether what the job is about to do is noted.
    pub(super) is_noted: bool,
    /// What is to be held while the call is in flight.
    pub(super) lock: Option<LockKey>,
    /// What is held until the event has ended.
    pub(super) claim: &'a mut Claim,
}

/// The claim of an event to a contact that is nobody's yet, because it has no external id: only one event can make it
/// somebody's.
#[derive(Debug, Default)]
pub(super) struct Claim {
    /// What is held.
    pub(super) held: Option<LockKey>,
    /// What is to be held instead.
    pub(super) wanted: Option<LockKey>,
}

/// The contact that is written.
fn contact_of<'w>(write: &Write<'w>) -> Option<&'w ContactId> {
    match *write {
        Write::Contact { id, .. } => id,
        Write::Attach(id, _) | Write::Detach(id, _) | Write::Unarchive(id) | Write::Delete(id) => Some(id),
        Write::Company { .. } | Write::Tag(..) | Write::ListAttributes(_) | Write::Define(_) | Write::Event(_) => None,
    }
}

impl Known<'_> {
    /// What must not be written by two calls at one time.
    fn lock_of(&self, write: &Write<'_>) -> Option<LockKey> {
        let (kind, id) = match write {
            Write::Contact { id: Some(id), .. }
            | Write::Attach(id, _)
            | Write::Detach(id, _)
            | Write::Unarchive(id)
            | Write::Delete(id) => ("contact", id.as_str()),
            Write::Company { fields, .. } => ("company", fields.company_id.as_ref()?.as_str()),
            Write::Tag(company, name) => return Some(self.memory.lock("tag", &format!("{company} {name}"))),
            Write::ListAttributes(model) => ("attributes", model.as_str()),
            Write::Define(attribute) => (attribute.model.as_str(), attribute.name.as_str()),
            Write::Contact { id: None, .. } | Write::Event(_) => return None,
        };
        Some(self.memory.lock(kind, id))
    }

    /// Whether the write changes or ends who a contact is, so that doing it once more might not find the contact.
    fn changes_identity(&self, write: &Write<'_>) -> bool {
        match write {
            Write::Contact {
                id: Some(id),
                plan: Plan::SaveContact(plan),
                fields,
                ..
            } => moves_to(&plan.lookup, fields).is_some() || self.memory.changes_identity(id, fields),
            Write::Delete(_) => true,
            // Nobody has been who is created, a data event changes nobody.
            Write::Contact { .. }
            | Write::Company { .. }
            | Write::Attach(..)
            | Write::Detach(..)
            | Write::Tag(..)
            | Write::Unarchive(_)
            | Write::ListAttributes(_)
            | Write::Define(_)
            | Write::Event(_) => false,
        }
    }

    /// Claims the contact for the event, if it is for somebody with a user id. Says why it cannot be written.
    fn claim(&mut self, contact: &ContactId) -> Option<Permit<Busy>> {
        let person = match self.batch.first().plan.lookup()? {
            Lookup::Person(person) if person.shared_email == SharedEmail::Separate => person,
            Lookup::Person(_) | Lookup::Field(_) => return None,
        };
        let user_id = person.external_id.as_ref()?;
        match self.memory.external_id(contact) {
            Some(known) if known == *user_id => return None,
            Some(_) => return Some(Permit::NotTheirs),
            None => {}
        }
        let claim = self.memory.lock("claim", contact.as_str());
        if self.claim.held == Some(claim) {
            return None;
        }
        if self.locks.is_held(claim) {
            return Some(Permit::Wait(Busy::Lock(claim)));
        }
        self.claim.wanted = Some(claim);
        None
    }

    /// Takes the events that follow into the job, as far as one body does for all.
    fn absorb(&mut self) {
        if !self.settings.savings.merge_identifies || self.is_repeated || self.batch.first().alone {
            return;
        }
        let seq = self.batch.seq();
        // Where outcomes keep the order of events, each waits for those before it.
        let passes = self.settings.outcomes == OutcomeOrder::AsTheyEnd;
        let is_passed_over = |entry: &Entry| passes && is_indifferent(entry);
        while let [first, ..] = self.batch.members.as_slice()
            && let Some(last) = self.batch.members.last()
            && let Some(entry) = self.queue.absorb(seq, self.batch.lane, first, is_passed_over, |next| {
                can_merge(last, next)
            })
        {
            self.batch.members.push(entry);
        }
    }

    fn permit_contact(
        &mut self,
        id: Option<&ContactId>,
        plan: &Plan,
        fields: &ContactFields,
        is_email_taken: bool,
        undefined: &[String],
    ) -> Permit<Busy> {
        if let Plan::SaveContact(_) = plan {
            self.absorb();
        }
        let first = (Cow::Borrowed(fields), self.batch.rank());
        let others = self.batch.members[1..].iter().filter_map(|member| match &*member.plan {
            // Those that come later would have found the contact.
            Plan::SaveContact(plan) => {
                let mut fields = Cow::Borrowed(&plan.update);
                if is_email_taken {
                    fields.to_mut().email = None;
                }
                Some((fields, member.rank))
            }
            Plan::DeleteContact(_) | Plan::SubmitEvent(_) | Plan::SaveCompany(_) => None,
        });
        let bodies: Vec<(Cow<'_, ContactFields>, u64)> = std::iter::once(first).chain(others).collect();
        let bodies = bodies.iter().map(|(fields, rank)| (&**fields, *rank));
        let Ok(body) = self.memory.contact_body(id, undefined, bodies) else {
            return Permit::AsPlanned;
        };
        if self.lists_first(&body, &DataAttributeModel::Contact) {
            return Permit::ListFirst;
        }
        if let Some(id) = id {
            let is_void = body.set.is_empty() && !fields.is_empty();
            let is_sent = || self.settings.savings.skips_unchanged() && self.memory.contact_has(id, &body.set);
            if is_void || is_sent() || self.is_seen(id, &body) {
                self.memory.contact_settled(id, &body.set);
                return Permit::Unneeded;
            }
            self.memory.contact_unsettled(id, &body.set);
        }
        self.send(body, &DataAttributeModel::Contact)
    }

    /// Whether the contact has what the body gives it, as the search has shown it.
    fn is_seen(&self, id: &ContactId, body: &Body) -> bool {
        self.batch.seen.as_ref().is_some_and(|(seen, contact)| {
            // What the search shows of a contact that was written since may be what it was before.
            seen == id && !self.memory.is_written_lately(id) && contact.is_kept_by(body.json.get().as_bytes())
        })
    }

    fn permit_company(&mut self, fields: &CompanyFields, undefined: &[String]) -> Permit<Busy> {
        let Some(key) = &fields.company_id else {
            // Intercom refuses it; no conversion makes such a plan.
            return Permit::AsPlanned;
        };
        let Ok(body) = self.memory.company_body(key, fields, undefined, self.batch.rank()) else {
            return Permit::AsPlanned;
        };
        if self.lists_first(&body, &DataAttributeModel::Company) {
            return Permit::ListFirst;
        }
        if self.settings.savings.skips_unchanged()
            && let Some(id) = self.memory.companies.id(key)
            && self.memory.companies.has(key, &body.set)
        {
            self.memory.companies.settle(key, &id, &body.set);
            return Permit::Unneeded;
        }
        self.memory.companies.unsettle(key, &body.set);
        self.send(body, &DataAttributeModel::Company)
    }

    /// Whether the workspace's custom attributes are to be listed before the body is written.
    fn lists_first(&self, body: &Body, model: &DataAttributeModel) -> bool {
        let attributes = &self.memory.attributes;
        body.has_custom && attributes.are_to_be_listed(model, !body.unlisted.is_empty())
    }

    fn send(&mut self, body: Body, model: &DataAttributeModel) -> Permit<Busy> {
        self.batch.sent = body.set;
        let are_missing = self.memory.attributes.are_missing(model);
        self.batch.sends_unlisted = !body.unlisted.is_empty() && self.memory.attributes.are_tried(model);
        let missing = body.unlisted.into_iter().filter(|_| are_missing);
        Permit::With(Rewritten {
            body: body.json,
            dropped: body.dropped,
            missing: missing.map(|(name, value)| (name.into_string(), value)).collect(),
            is_full: self.memory.attributes.are_full(),
        })
    }
}

impl Knowledge for Known<'_> {
    type Busy = Busy;

    fn begun_with(&mut self) -> Option<ContactId> {
        self.batch.first().begun_with.clone()
    }

    fn contact(&mut self, lookup: &Lookup) -> Option<KnownContact> {
        let remembers = self.settings.savings.remember_contacts;
        let known = remembers.then(|| self.memory.find(lookup)).flatten()?;
        self.batch.who = Some(known.clone());
        Some(known)
    }

    fn is_absent(&mut self, lookup: &Lookup) -> bool {
        let asks_again = self.batch.first().terms.asks_again;
        !asks_again
            && !self.awaited.keys.is_empty()
            && self.awaited.are_absent(&ContactKey::of_lookup(lookup), self.now)
    }

    fn correct(&mut self, lookup: &Lookup, hits: &mut Vec<Contact>) {
        self.memory.correct(lookup, hits);
    }

    fn saw(&mut self, contact: &Contact) {
        if self.settings.savings.skip_unchanged == SkipUnchanged::Seen && !self.memory.is_written_lately(&contact.id) {
            self.batch.seen = ReadContact::shown(contact).map(|seen| (contact.id.clone(), seen));
        }
    }

    fn unindexed(&mut self, lookup: &Lookup, hits: &[Contact], create: Option<&ContactFields>) -> Vec<KnownContact> {
        self.memory.unindexed(lookup, hits, create)
    }

    fn who(&mut self, id: &ContactId) -> Option<KnownContact> {
        self.memory.written(id).cloned()
    }

    fn company(&mut self, key: &CompanyExternalId) -> Option<CompanyId> {
        let savings = &self.settings.savings;
        let remembers = savings.remember_contacts || savings.skips_unchanged();
        remembers.then(|| self.memory.companies.id(key)).flatten()
    }

    fn permit(&mut self, write: &Write<'_>) -> Permit<Busy> {
        let skips = self.settings.savings.skips_unchanged();
        // What is known of tags is certain, whatever is in flight.
        if let Write::Tag(company, name) = write
            && skips
            && self.memory.is_tagged(company, name)
        {
            return Permit::Unneeded;
        }
        if let Some(contact) = contact_of(write)
            && let Some(refused) = self.claim(contact)
        {
            return refused;
        }
        let lock = self.lock_of(write);
        if let Some(lock) = lock.filter(|lock| self.locks.is_held(*lock)) {
            return Permit::Wait(Busy::Lock(lock));
        }
        if self.settings.notes_intents && !self.is_noted && self.changes_identity(write) {
            return Permit::Wait(Busy::Note);
        }
        let permit = match *write {
            Write::Contact {
                id,
                plan,
                fields,
                is_email_taken,
                undefined,
            } => self.permit_contact(id, plan, fields, is_email_taken, undefined),
            Write::Company { fields, undefined } => self.permit_company(fields, undefined),
            Write::Attach(contact, company) => {
                let (is_linked, is_newer) = self.memory.is_linked(contact, company, self.batch.rank());
                if is_linked && skips && !is_newer {
                    self.memory.linked(contact, company, true, self.batch.rank());
                }
                if is_newer || is_linked && skips {
                    Permit::Unneeded
                } else {
                    self.memory.link_unsettled(contact, company);
                    Permit::AsPlanned
                }
            }
            Write::Detach(contact, company) => {
                self.memory.link_unsettled(contact, company);
                Permit::AsPlanned
            }
            Write::ListAttributes(model) if !self.memory.attributes.are_to_be_listed(model, true) => Permit::Unneeded,
            Write::ListAttributes(model) => {
                self.memory.attributes.will_be_listed(model);
                Permit::AsPlanned
            }
            Write::Define(attribute) if self.memory.attributes.has_defined(&attribute.model, &attribute.name) => {
                Permit::Unneeded
            }
            Write::Define(_) | Write::Tag(..) | Write::Unarchive(_) | Write::Delete(_) | Write::Event(_) => {
                Permit::AsPlanned
            }
        };
        self.lock = lock.filter(|_| !matches!(permit, Permit::Unneeded));
        permit
    }

    fn learn(&mut self, fact: &Fact<'_>) {
        let (memory, batch) = (&mut *self.memory, &mut *self.batch);
        let rank = batch.rank();
        match *fact {
            Fact::Found { lookup, contact, hits } => {
                batch.learns(memory, &contact.id, &Person::from(contact), Source::Hit);
                if let Some(email) = lookup.email() {
                    memory.mailbox_searched(email, hits);
                }
            }
            Fact::Saved {
                id,
                is_new,
                fields,
                contact,
            } => {
                let traits = contact.map_or_else(|| Person::from(fields), Person::from);
                batch.learns(memory, id, &traits, Source::Write);
                // The search has found nobody else with the email, if it was for that.
                let searched = batch.first().plan.lookup().and_then(Lookup::email);
                if let Some(email) = searched.filter(|_| is_new) {
                    memory.mailbox_is_certain(email, id);
                }
                memory.contact_settled(id, &std::mem::take(&mut batch.sent));
                if std::mem::take(&mut batch.sends_unlisted) {
                    memory.attributes.unlisted_is_taken(&DataAttributeModel::Contact);
                }
            }
            Fact::Taken { id, external_id, email } => {
                let traits = Person {
                    external_id: external_id.map(ExternalId::as_str),
                    email,
                    is_lead: None,
                };
                batch.learns(memory, id, &traits, Source::Hit);
            }
            Fact::ContactGone { id, lookup } => {
                memory.forget(id);
                batch.gone = Some(id.clone());
                if let Some(lookup) = lookup {
                    memory.forget_lookup(lookup);
                }
            }
            Fact::Deleted(id) => {
                memory.forget(id);
                batch.gone = Some(id.clone());
            }
            Fact::CompanySaved(key, id) => {
                memory.companies.settle(key, id, &std::mem::take(&mut batch.sent));
                if std::mem::take(&mut batch.sends_unlisted) {
                    memory.attributes.unlisted_is_taken(&DataAttributeModel::Company);
                }
            }
            Fact::CompanyDoubted(key) => memory.companies.doubt(key),
            Fact::CompanyGone(key) => memory.companies.forget(key),
            Fact::Attached(contact, company) => memory.linked(contact, company, true, rank),
            Fact::Detached(contact, company) => memory.linked(contact, company, false, rank),
            Fact::Tagged(company, name) => memory.tagged(company, name),
            Fact::Undefined(model, name) => memory.attributes.not_defined(model, name),
            Fact::Defined(model, name, data_type) => memory.attributes.defined(model, name, data_type),
            Fact::AttributesDoubted(model) => memory.attributes.doubted(model),
            Fact::AttributesListed(model, all) => memory.attributes.listed(model, all),
        }
    }
}
