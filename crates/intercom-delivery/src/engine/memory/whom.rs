//! Whom a lookup leads to, as far as is remembered: in the order in which Intercom tells people apart.

use super::{FIELDS_LOOKED_UP, Mailbox, Memory};
use crate::contact::KnownContact;
use crate::engine::fields::{hash_name, hash_value};
use crate::walk::CUSTOM;
use intercom_api::{Contact, ContactFields, ContactId, ExternalId, Role, SearchValue};
use rudderstack_to_intercom::{ContactField, FieldLookup, Lookup, LookupField, Person, SharedEmail};

impl Memory {
    /// The contact that a search would find, if that is certain.
    pub(in crate::engine) fn find(&mut self, lookup: &Lookup) -> Option<KnownContact> {
        let id = match lookup {
            Lookup::Person(person) => match (&person.external_id, &person.email) {
                (Some(id), email) if email.is_none() || person.shared_email == SharedEmail::Separate => {
                    self.by_external_id(id.as_str())
                }
                (id, Some(email)) => self.certain_mailbox(email, id.as_ref()),
                (_, None) => None,
            },
            Lookup::Field(FieldLookup {
                field,
                value: SearchValue::Text(value),
                prefer,
                ..
            }) => match *field {
                LookupField::EXTERNAL_ID => self.by_external_id(value),
                LookupField::EMAIL => self.certain_mailbox(value, prefer.as_ref()),
                // Not searched, just tried: a contact that is gone is found to be gone by the update.
                LookupField::Standard(ContactField::Id) => {
                    let id = value.parse().ok()?;
                    return Some(self.known(&id).unwrap_or_else(|| KnownContact::new(id)));
                }
                _ => None,
            },
            Lookup::Field(_) => None,
        };
        self.known(&id?)
    }

    /// The contact that has the email, if a search by it would find this one. Of several, another may have the external id
    /// that is preferred.
    fn certain_mailbox(&mut self, email: &str, prefer: Option<&ExternalId>) -> Option<ContactId> {
        let mailbox = self.mailbox(email)?;
        let known = self.contacts.peek(&mailbox.contact)?;
        let fits = match prefer {
            // Who has a user id does not change.
            Some(prefer) => known.who.external_id.as_ref() == Some(prefer),
            None => mailbox.is_certain && mailbox.scope == self.scope && known.scope == self.scope,
        };
        fits.then(|| known.who.id.clone())
    }

    /// The contact that creating one with these fields would collide with, if it is known. Whether the email of another is
    /// in the way only Intercom can tell: in some workspaces several users have one.
    fn find_same(&mut self, contact: &ContactFields) -> Option<ContactId> {
        self.by_external_id(contact.external_id.as_ref()?.as_str())
    }

    fn by_external_id(&mut self, value: &str) -> Option<ContactId> {
        let key = self.by_external_id.get(value)?;
        let known = self.contacts.get(key)?;
        let external_id = known.who.external_id.as_ref().map(ExternalId::as_str);
        (external_id == Some(value)).then(|| known.who.id.clone())
    }

    pub(super) fn mailbox(&mut self, email: &str) -> Option<Mailbox> {
        let email = email.to_lowercase();
        let mailbox = self.by_email.get(&email)?;
        let known = self.contacts.get(&mailbox.contact)?;
        (known.who.email.as_deref() == Some(email.as_str())).then(|| mailbox.clone())
    }

    /// Who has the email of a mailbox.
    fn holder(&self, mailbox: &Mailbox) -> Option<ContactId> {
        let known = self.contacts.peek(&mailbox.contact);
        known.map(|known| known.who.id.clone())
    }

    pub(super) fn without_id(&mut self, email: &str) -> Option<ContactId> {
        let email = email.to_lowercase();
        let key = self.without_id.get(&email)?;
        let known = self.contacts.get(key)?;
        let fits = known.who.email.as_deref() == Some(email.as_str()) && known.who.external_id.is_none();
        fits.then(|| known.who.id.clone())
    }

    /// Contacts that a search should have found besides these hits: the index may not have caught up.
    pub(in crate::engine) fn unindexed(
        &mut self,
        lookup: &Lookup,
        hits: &[Contact],
        create: Option<&ContactFields>,
    ) -> Vec<KnownContact> {
        let mut found: Vec<ContactId> = Vec::new();
        for FieldLookup { field, value, .. } in lookup.fields() {
            if let SearchValue::Text(value) = value {
                match field {
                    LookupField::EXTERNAL_ID => found.extend(self.by_external_id(&value)),
                    LookupField::EMAIL => {
                        let mailbox = self.mailbox(&value);
                        let known = [
                            self.without_id(&value),
                            mailbox.and_then(|mailbox| self.holder(&mailbox)),
                        ];
                        found.extend(known.into_iter().flatten().filter(|id| self.believed(id).is_some()));
                    }
                    LookupField::Standard(_) | LookupField::CustomAttribute(_) => {}
                }
            }
        }
        if let Lookup::Field(lookup) = lookup
            && hits.is_empty()
        {
            found.extend(self.last_written(lookup));
            if found.is_empty() {
                found.extend(create.and_then(|create| self.find_same(create)));
            }
        }
        let mut unindexed: Vec<KnownContact> = Vec::new();
        for id in found {
            let is_new = hits.iter().all(|hit| hit.id != id) && unindexed.iter().all(|known| known.id != id);
            unindexed.extend(self.known(&id).filter(|_| is_new));
        }
        unindexed
    }

    /// The contact whose field was last written with the value of this lookup. It may be one of several, so that only a
    /// search that finds nothing is answered by it.
    fn last_written(&mut self, lookup: &FieldLookup) -> Option<ContactId> {
        let name = self.field(lookup)?;
        if !self.looked_up.contains(&name) && self.looked_up.len() < FIELDS_LOOKED_UP {
            self.looked_up.push(name);
            // From the least to the most recently used, so that the latest write stays.
            for (key, known) in &self.contacts {
                if let Some(value) = known.written.value(name) {
                    self.by_field.insert((name, value), *key);
                }
            }
        }
        let value = hash_value(&self.hasher, &serde_json::to_vec(&lookup.value).ok()?);
        let key = self.by_field.get(&(name, value))?;
        let known = self.contacts.peek(key).filter(|known| known.scope == self.scope)?;
        (known.written.value(name) == Some(value)).then(|| known.who.id.clone())
    }

    /// The name of the field that is looked up, unless it has an index of its own.
    fn field(&self, lookup: &FieldLookup) -> Option<u64> {
        match &lookup.field {
            &LookupField::EMAIL | &LookupField::EXTERNAL_ID | LookupField::Standard(ContactField::Id) => None,
            LookupField::Standard(field) => Some(hash_name(&self.hasher, field.into(), None)),
            LookupField::CustomAttribute(name) => Some(hash_name(&self.hasher, CUSTOM, Some(name))),
        }
    }

    /// Puts in what was written of the hits of a search: the index lags behind it.
    pub(in crate::engine) fn correct(&self, lookup: &Lookup, hits: &mut Vec<Contact>) {
        for hit in hits.iter_mut() {
            let Some(who) = self.written(&hit.id) else { continue };
            hit.external_id = who.external_id.clone().or_else(|| hit.external_id.take());
            hit.email = who.email.clone().or_else(|| hit.email.take());
            hit.role = Some(if who.is_lead { Role::Lead } else { Role::User });
        }
        if let Lookup::Field(lookup) = lookup {
            let is_written = |hit: &Contact| self.written(&hit.id).is_some();
            hits.retain(|hit| lookup.fits(hit) || !is_written(hit));
        }
    }

    /// A search has found all that have this email, and perhaps who has a user id: of somebody without one, the best of
    /// those with the email is the contact.
    pub(in crate::engine) fn mailbox_searched(&mut self, email: &str, hits: &[Contact]) {
        let Some(person) = Person::new(None, Some(email)) else {
            return;
        };
        let candidates = Lookup::from(person).candidates(hits);
        // Who was found by the user id, and has no email, is not who has this one.
        if let Some(best) = candidates.into_iter().find(|hit| hit.email.is_some()) {
            let mailbox = Mailbox {
                contact: self.contact_key(&best.id),
                is_certain: true,
                scope: self.scope,
            };
            self.by_email.insert(&email.to_lowercase(), mailbox);
        }
    }

    /// A contact was created of whose email a search had found nobody.
    pub(in crate::engine) fn mailbox_is_certain(&mut self, email: &str, id: &ContactId) {
        let key = self.contact_key(id);
        if let Some(mailbox) = self.by_email.get_mut(&email.to_lowercase())
            && mailbox.contact == key
        {
            mailbox.is_certain = true;
            mailbox.scope = self.scope;
        }
    }
}
