//! What the engine has learnt of the workspace: whom it knows, and what it has written.
//!
//! Everything is bounded; the least recently used goes first, which costs calls, never correctness.

mod whom;

use super::attributes::KnownAttributes;
use super::companies::Companies;
use super::fields::{Body, Overlay, Set, ValueHash, Written};
use super::keys::Keys;
use super::locks::LockKey;
use super::person::{Person, Source};
use super::settings::{EngineSettings, SkipUnchanged};
use crate::contact::KnownContact;
use crate::index::Index;
use crate::order::Ties;
use hashlink::LruCache;
use intercom_api::{CompanyExternalId, CompanyId, ContactFields, ContactId, DataAttributeModel, ExternalId};
use rudderstack_to_intercom::{Lookup, Plan};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// How many contacts are known to have been written lately: what Intercom's limit allows to be written in 13 minutes.
const WRITTEN_LATELY: usize = 131_072;
/// How many fields besides email and external id are remembered by their value.
const FIELDS_LOOKED_UP: usize = 16;

#[derive(Debug)]
struct Known {
    who: KnownContact,
    written: Written,
    /// Within which scope all of this was learnt.
    scope: Option<u64>,
}

impl Known {
    fn new(id: ContactId) -> Self {
        Self {
            who: KnownContact::new(id),
            written: Written::default(),
            scope: None,
        }
    }

    /// The same, to learn more within a scope: what was written in another is forgotten.
    fn within(scope: Option<u64>, known: &mut Self) -> &mut Self {
        if known.scope != scope {
            known.scope = scope;
            known.who.is_written = false;
            known.written = Written::default();
        }
        known
    }
}

/// The contact that somebody without a user id is who has this email.
#[derive(Clone, Debug)]
struct Mailbox {
    /// By its key.
    contact: u64,
    /// Whether a search would find no better one, as far as this scope knows.
    is_certain: bool,
    scope: Option<u64>,
}

/// The link of a contact to a company as it was last written.
#[derive(Clone, Copy, Debug)]
struct Link {
    is_there: bool,
    /// The event that wrote it.
    seq: u64,
    scope: Option<u64>,
}

/// No `Debug` output of this type is ever shown: it has personal data.
pub(super) struct Memory {
    /// By their keys. Elsewhere, too, contacts stand by their keys.
    contacts: LruCache<u64, Known>,
    by_external_id: Index<u64>,
    by_email: Index<Mailbox>,
    /// Contacts without an external id, by their email: those with one are nobody else's.
    without_id: Index<u64>,
    /// By other fields that lookups have asked for, and what was written of them.
    by_field: LruCache<(u64, ValueHash), u64>,
    /// These fields.
    looked_up: Vec<u64>,
    pub(super) companies: Companies,
    /// Contacts that have been written, or may have been: more of them than are remembered, for as long as the search may
    /// lag behind.
    written_lately: LruCache<u64, ()>,
    links: LruCache<u64, Link>,
    tags: LruCache<u64, Option<u64>>,
    pub(super) attributes: KnownAttributes,
    hasher: RandomState,
    /// The scope of the event that it is asked for: what others have taught may be out of date.
    scope: Option<u64>,
}

impl Memory {
    pub(super) fn new(settings: &EngineSettings) -> Self {
        let capacity = settings.remembered.get();
        // Only what a search has shown is compared with it.
        let lately = match settings.savings.skip_unchanged {
            SkipUnchanged::Off | SkipUnchanged::Sent => 0,
            SkipUnchanged::Seen => WRITTEN_LATELY,
        };
        Self {
            contacts: LruCache::new(capacity),
            by_external_id: Index::new(capacity),
            by_email: Index::new(capacity),
            without_id: Index::new(capacity),
            by_field: LruCache::new(capacity),
            looked_up: Vec::new(),
            companies: Companies::new(capacity),
            written_lately: LruCache::new(lately),
            links: LruCache::new(capacity),
            tags: LruCache::new(capacity),
            attributes: KnownAttributes::new(settings),
            hasher: RandomState::new(),
            scope: None,
        }
    }

    /// Whom an event is about, as far as it is known.
    pub(super) fn person_keys(&self, ties: &Ties<'_>) -> Keys {
        let mut keys = Keys::default();
        for text in &ties.firm {
            keys.add(self.hasher.hash_one(&**text));
            let mailbox = self.by_email.peek(text).map(|mailbox| mailbox.contact);
            let by_id = self.by_external_id.peek(text).copied();
            let known = [by_id, mailbox, self.without_id.peek(text).copied()];
            for contact in known.into_iter().flatten() {
                keys.add(contact);
            }
        }
        for text in &ties.loose {
            keys.add_loose(self.hasher.hash_one(&**text));
            // A contact without a user id may be taken for anybody who has its email.
            let contact = self.without_id.peek(text).copied();
            if let Some(contact) = contact.filter(|contact| !self.has_external_id(*contact)) {
                keys.add(contact);
            }
        }
        keys
    }

    /// The key of events that are delivered one after the other.
    pub(super) fn chain_key(&self, chain: u64) -> u64 {
        self.hasher.hash_one(("chain", chain))
    }

    /// From now on, it is asked for an event of this scope.
    pub(super) fn look_from(&mut self, scope: Option<u64>) {
        self.scope = scope;
        self.companies.look_from(scope);
    }

    /// What was learnt of a contact within this scope.
    fn believed(&self, id: &ContactId) -> Option<&Known> {
        self.get(id).filter(|known| known.scope == self.scope)
    }

    fn contact_key(&self, contact: &ContactId) -> u64 {
        self.hasher.hash_one(("contact", contact.as_str()))
    }

    fn get(&self, id: &ContactId) -> Option<&Known> {
        let known = self.contacts.peek(&self.contact_key(id));
        known.filter(|known| known.who.id == *id)
    }

    fn get_mut(&mut self, id: &ContactId) -> Option<&mut Known> {
        let key = self.contact_key(id);
        self.contacts.get_mut(&key).filter(|known| known.who.id == *id)
    }

    fn has_external_id(&self, contact: u64) -> bool {
        let known = self.contacts.peek(&contact);
        known.is_some_and(|known| known.who.external_id.is_some())
    }

    /// The keys of a contact's identities, and that of the contact.
    pub(super) fn contact_keys(&self, contact: &KnownContact) -> (Keys, u64) {
        let mut keys = Keys::default();
        if let Some(id) = &contact.external_id {
            keys.add(self.hasher.hash_one(id.as_str()));
        }
        if let Some(email) = &contact.email {
            let email = self.hasher.hash_one(email.as_str());
            match contact.external_id {
                Some(_) => keys.add_loose(email),
                None => {
                    keys.add(email);
                }
            }
        }
        (keys, self.contact_key(&contact.id))
    }

    /// The same, and the company.
    pub(super) fn all_keys(&self, person: &Keys, plan: &Plan) -> Keys {
        let mut keys = person.clone();
        if let Plan::SaveCompany(plan) = plan
            && let Some(id) = &plan.company.company_id
        {
            keys.add(self.hasher.hash_one(("company", id.as_str())));
        }
        keys
    }

    pub(super) fn lock(&self, kind: &str, id: &str) -> LockKey {
        LockKey(self.hasher.hash_one((kind, id)))
    }

    /// Who a contact is, as it was written within the scope.
    pub(super) fn written(&self, id: &ContactId) -> Option<&KnownContact> {
        let who = self.believed(id).map(|known| &known.who);
        who.filter(|who| who.is_written)
    }

    /// Whether a search may show the contact as it was before something was written.
    pub(super) fn is_written_lately(&self, id: &ContactId) -> bool {
        self.written_lately.peek(&self.contact_key(id)).is_some()
    }

    fn will_write(&mut self, id: &ContactId) {
        let key = self.contact_key(id);
        self.written_lately.insert(key, ());
    }

    /// The external id of a contact, as far as the scope knows.
    pub(super) fn external_id(&self, id: &ContactId) -> Option<ExternalId> {
        self.believed(id)?.who.external_id.clone()
    }

    /// What is known of who a contact is.
    pub(super) fn known(&self, id: &ContactId) -> Option<KnownContact> {
        self.get(id).map(|known| known.who.clone())
    }

    /// Whether these fields give the contact another email or external id than it is known to have.
    pub(super) fn changes_identity(&self, id: &ContactId, fields: &ContactFields) -> bool {
        let Some(Known { who, .. }) = self.get(id) else {
            return false;
        };
        let email = fields.email.as_ref().map(|email| email.to_lowercase());
        let differs = |known: Option<&str>, new: Option<&str>| known.zip(new).is_some_and(|(known, new)| known != new);
        differs(who.email.as_deref(), email.as_deref())
            || differs(
                who.external_id.as_ref().map(ExternalId::as_str),
                fields.external_id.as_ref().map(ExternalId::as_str),
            )
    }

    /// Learns who a contact is, and says whether that is news.
    pub(super) fn learn(&mut self, id: &ContactId, person: &Person<'_>, source: Source) -> bool {
        if source == Source::Write {
            self.will_write(id);
        }
        let (before, key) = (self.known(id), self.contact_key(id));
        let known = Known::within(
            self.scope,
            self.contacts.entry(key).or_insert_with(|| Known::new(id.clone())),
        );
        if source == Source::Write {
            known.who.is_written = true;
        } else if known.who.is_written {
            // The search may not have caught up with the write.
            return false;
        }
        let who = &mut known.who;
        if let Some(is_lead) = person.is_lead {
            who.is_lead = is_lead;
        }
        if let Some(external_id) = person.external_id.filter(|text| !text.is_empty()) {
            who.external_id = Some(external_id.into());
            self.by_external_id.insert(external_id, key);
        }
        if let Some(email) = person.email.filter(|text| !text.is_empty()) {
            let email = email.to_lowercase();
            who.email = Some(email.clone());
            let (has_id, is_lead) = (who.external_id.is_some(), who.is_lead);
            if !has_id && (!is_lead || self.without_id(&email).is_none()) {
                self.without_id.insert(&email, key);
            }
            // The first stays, but a user takes a lead's place.
            let first = self.mailbox(&email);
            let is_first_lead = |mailbox: &Mailbox| {
                self.contacts
                    .peek(&mailbox.contact)
                    .is_some_and(|known| known.who.is_lead)
            };
            if first.as_ref().is_none_or(|first| !is_lead && is_first_lead(first)) {
                let mailbox = Mailbox {
                    contact: key,
                    is_certain: first.is_some_and(|first| first.is_certain && first.scope == self.scope),
                    scope: self.scope,
                };
                self.by_email.insert(&email, mailbox);
            }
        }
        let is_news = |before: KnownContact| {
            let now = KnownContact {
                is_written: before.is_written,
                ..self.known(id)?
            };
            Some(now != before)
        };
        before.is_none_or(|before| is_news(before).unwrap_or_default())
    }

    /// Forgets a contact that has gone.
    pub(super) fn forget(&mut self, id: &ContactId) {
        // The search may show it for a while yet.
        self.will_write(id);
        let key = self.contact_key(id);
        let Some(Known { who, .. }) = self.contacts.remove(&key) else {
            return;
        };
        let indices = [
            (
                &mut self.by_external_id,
                who.external_id.as_ref().map(ExternalId::as_str),
            ),
            (&mut self.without_id, who.email.as_deref()),
        ];
        for (index, text) in indices {
            if let Some(text) = text.filter(|text| index.peek(text) == Some(&key)) {
                index.remove(text);
            }
        }
        if let Some(email) = who.email
            && self.by_email.peek(&email).is_some_and(|mailbox| mailbox.contact == key)
        {
            self.by_email.remove(&email);
        }
    }

    /// Forgets that a lookup leads to a contact.
    pub(super) fn forget_lookup(&mut self, lookup: &Lookup) {
        if let Some(id) = lookup.external_id() {
            self.by_external_id.remove(id);
        }
        if let Some(email) = lookup.email() {
            let email = email.to_lowercase();
            self.by_email.remove(&email);
            self.without_id.remove(&email);
        }
    }

    /// The body that these events give a contact, without what newer events have written.
    pub(super) fn contact_body<'e>(
        &self,
        id: Option<&ContactId>,
        undefined: &[String],
        bodies: impl Iterator<Item = (&'e ContactFields, u64)>,
    ) -> Result<Body, serde_json::Error> {
        let fitting = self.attributes.fitting(&DataAttributeModel::Contact, undefined);
        let written = id.and_then(|id| self.believed(id)).map(|known| &known.written);
        let mut overlay = Overlay::new(&self.hasher, written, None, &fitting);
        for (body, seq) in bodies {
            overlay.add(body, seq)?;
        }
        overlay.finish()
    }

    /// The body that an event gives a company, without what newer events have written.
    pub(super) fn company_body(
        &self,
        id: &CompanyExternalId,
        body: &intercom_api::CompanyFields,
        undefined: &[String],
        seq: u64,
    ) -> Result<Body, serde_json::Error> {
        let fitting = self.attributes.fitting(&DataAttributeModel::Company, undefined);
        let written = self.companies.newer(id);
        let mut overlay = Overlay::new(&self.hasher, written, Some("company_id"), &fitting);
        overlay.add(body, seq)?;
        overlay.finish()
    }

    /// Whether the contact is known to have these fields.
    pub(super) fn contact_has(&self, id: &ContactId, set: &[Set]) -> bool {
        self.believed(id).is_some_and(|known| known.written.has(set))
    }

    pub(super) fn contact_unsettled(&mut self, id: &ContactId, set: &[Set]) {
        self.will_write(id);
        if let Some(known) = self.get_mut(id) {
            known.written.unsettle(set);
        }
    }

    pub(super) fn contact_settled(&mut self, id: &ContactId, set: &[Set]) {
        // Of whom it is not known who they are, nothing else is.
        let (scope, key) = (self.scope, self.contact_key(id));
        let Some(known) = self.get_mut(id) else { return };
        Known::within(scope, known).written.settle(set);
        for field in set.iter().filter(|field| self.looked_up.contains(&field.name)) {
            self.by_field.insert((field.name, field.value), key);
        }
    }

    fn link(&self, contact: &ContactId, company: &CompanyId) -> u64 {
        self.hasher.hash_one((contact.as_str(), company.as_str()))
    }

    /// Whether the link is known to be there, or a newer event is known to have written or removed it.
    pub(super) fn is_linked(&mut self, contact: &ContactId, company: &CompanyId, seq: u64) -> (bool, bool) {
        let key = self.link(contact, company);
        self.links.get(&key).map_or((false, false), |link| {
            (link.is_there && link.scope == self.scope, link.seq > seq)
        })
    }

    /// The link has been written or removed.
    pub(super) fn linked(&mut self, contact: &ContactId, company: &CompanyId, is_there: bool, seq: u64) {
        let key = self.link(contact, company);
        let scope = self.scope;
        self.links.insert(key, Link { is_there, seq, scope });
    }

    /// A call about the link is on its way.
    pub(super) fn link_unsettled(&mut self, contact: &ContactId, company: &CompanyId) {
        let key = self.link(contact, company);
        self.links.remove(&key);
    }

    fn tag(&self, company: &CompanyId, name: &str) -> u64 {
        self.hasher.hash_one((company.as_str(), "tag", name.to_lowercase()))
    }

    pub(super) fn is_tagged(&mut self, company: &CompanyId, name: &str) -> bool {
        let key = self.tag(company, name);
        self.tags.get(&key).is_some_and(|scope| *scope == self.scope)
    }

    pub(super) fn tagged(&mut self, company: &CompanyId, name: &str) {
        let key = self.tag(company, name);
        self.tags.insert(key, self.scope);
    }
}
