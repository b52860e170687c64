//! Contact ids that were learnt from responses of Intercom, remembered across requests.

use hashlink::LruCache;
use intercom_api::{Contact, ContactId, ExternalId};
use rudderstack_to_intercom::{FieldLookup, Lookup, LookupField, SharedEmail};
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How much longer the id of a contact is remembered that was created here: until the search index surely has it.
const CREATED_FOR: Duration = Duration::from_secs(900);

/// Stands for texts of any length, by two hashes of them with secret keys: nobody can make two that have the same.
type Digest = [u64; 2];

/// Whose contacts: what is learnt under one of these is never told to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Scope(Digest);

/// Contact ids, bounded in number and in age.
pub(crate) struct Contacts {
    ids: Mutex<LruCache<(Scope, Digest), Known>>,
    remember_for: Duration,
    hashes: [RandomState; 2],
}

struct Known {
    id: ContactId,
    until: Instant,
}

/// How a contact became known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Learnt {
    /// By a search.
    Found,
    /// By being created or updated: a search may not find it for minutes.
    Written,
}

impl Contacts {
    pub(crate) fn new(capacity: NonZeroUsize, remember_for: Duration) -> Self {
        Self {
            ids: Mutex::new(LruCache::new(capacity.get())),
            remember_for,
            hashes: [RandomState::new(), RandomState::new()],
        }
    }

    fn digest(&self, texts: &impl Hash) -> Digest {
        self.hashes.each_ref().map(|hash| hash.hash_one(texts))
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<(Scope, Digest), Known>> {
        // Nothing in here can be left half done.
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn scope(&self, base_url: &str, token: &str, workspace_id: Option<&str>) -> Scope {
        Scope(self.digest(&(base_url, token, workspace_id.unwrap_or_default())))
    }

    /// The contact that a lookup has led to, unless that was too long ago.
    pub(crate) fn find(&self, scope: Scope, lookup: &Lookup) -> Option<ContactId> {
        let key = (scope, self.key_of(lookup)?);
        let mut ids = self.lock();
        let known = ids.get(&key)?;
        if known.until > Instant::now() {
            return Some(known.id.clone());
        }
        ids.remove(&key);
        None
    }

    /// A search has found this contact.
    pub(crate) fn found(&self, scope: Scope, lookup: &Lookup, contact: &Contact) {
        // One that has no external id yet is another's as soon as somebody else gives it one.
        let is_by_id = lookup.external_id().is_none() || contact.external_id.is_some();
        if let Some(key) = self.key_of(lookup).filter(|_| is_by_id) {
            self.insert(scope, key, &contact.id, Learnt::Found);
        }
        if let Some(id) = &contact.external_id {
            self.insert(scope, self.external_id(id.as_str()), &contact.id, Learnt::Found);
        }
    }

    /// A contact with this external id and email has been written.
    pub(crate) fn written(&self, scope: Scope, external_id: Option<&str>, email: Option<&str>, id: &ContactId) {
        if let Some(external_id) = external_id.filter(|text| !text.is_empty()) {
            self.insert(scope, self.external_id(external_id), id, Learnt::Written);
        }
        // Whoever has a user id may share the email with others.
        if let (None, Some(email)) = (external_id, email.filter(|text| !text.is_empty())) {
            self.insert(scope, self.email(&email.to_lowercase(), None), id, Learnt::Written);
        }
    }

    fn insert(&self, scope: Scope, key: Digest, id: &ContactId, learnt: Learnt) {
        let remember_for = match learnt {
            Learnt::Found => self.remember_for,
            Learnt::Written if self.remember_for.is_zero() => Duration::ZERO,
            Learnt::Written => self.remember_for.max(CREATED_FOR),
        };
        if remember_for.is_zero() {
            return;
        }
        let known = Known {
            id: id.clone(),
            until: Instant::now() + remember_for,
        };
        self.lock().insert((scope, key), known);
    }

    /// A contact is gone, whoever has learnt of it. This looks at everything, but it happens seldom.
    pub(crate) fn forget(&self, id: &ContactId) {
        self.lock().retain(|_, known| known.id != *id);
    }

    fn key_of(&self, lookup: &Lookup) -> Option<Digest> {
        match lookup {
            Lookup::Person(person) if person.shared_email == SharedEmail::Separate || person.email.is_none() => {
                match (&person.external_id, &person.email) {
                    (Some(id), _) => Some(self.external_id(id.as_str())),
                    (None, Some(email)) => Some(self.email(email, None)),
                    (None, None) => None,
                }
            }
            Lookup::Person(_) => Some(self.email(lookup.email()?, lookup.external_id())),
            Lookup::Field(FieldLookup {
                field: LookupField::EXTERNAL_ID,
                ..
            }) => Some(self.external_id(lookup.external_id()?)),
            Lookup::Field(FieldLookup {
                field: LookupField::EMAIL,
                prefer,
                ..
            }) => Some(self.email(lookup.email()?, prefer.as_ref().map(ExternalId::as_str))),
            // Other fields are not unique: whom they lead to may change at any time.
            Lookup::Field(_) => None,
        }
    }

    fn external_id(&self, value: &str) -> Digest {
        self.digest(&("external_id", value))
    }

    /// Of several contacts with one email, the one with the preferred external id is the right one.
    fn email(&self, email: &str, prefer: Option<&str>) -> Digest {
        self.digest(&("email", email, prefer.unwrap_or_default()))
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }
}

exact_json::debug_shows! { Contacts(contacts) { len = contacts.len() } }

#[cfg(test)]
mod tests {
    use super::*;

    fn contacts(seconds: u64) -> Contacts {
        Contacts::new(NonZeroUsize::new(3).unwrap(), Duration::from_secs(seconds))
    }

    fn contact(id: &str) -> Contact {
        serde_json::from_value(serde_json::json!({"id": id, "external_id": format!("u-{id}")})).unwrap()
    }

    fn by_email(email: &str, prefer: Option<&str>) -> Lookup {
        let mut lookup = FieldLookup::new(LookupField::EMAIL, email);
        lookup.prefer = prefer.map(ExternalId::from);
        lookup.into()
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_sees_what_another_token_workspace_or_host_has_learnt() {
        let contacts = contacts(60);
        let mine = contacts.scope("https://us", "token", Some("w"));
        let lookup = by_email("a@b.c", None);
        contacts.found(mine, &lookup, &contact("1"));
        assert_eq!(contacts.scope("https://us", "token", Some("w")), mine);
        assert!(contacts.find(mine, &lookup).is_some());
        for (base_url, token, workspace) in [
            ("https://eu", "token", Some("w")),
            ("https://us", "tokens", Some("w")),
            ("https://us", "token", Some("v")),
            ("https://us", "token", None),
            ("https://us", "tokenw", None),
        ] {
            let other = contacts.scope(base_url, token, workspace);
            assert!(contacts.find(other, &lookup).is_none());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn ids_are_forgotten_in_time_and_beyond_the_bound() {
        let contacts = contacts(60);
        let scope = contacts.scope("x", "t", None);
        let lookup = by_email("a@b.c", Some("u-1"));
        contacts.found(scope, &lookup, &contact("1"));
        assert!(contacts.find(scope, &by_email("a@b.c", Some("u-2"))).is_none());
        assert!(contacts.find(scope, &by_email("a@b.c", None)).is_none());
        let by_id = Lookup::new(LookupField::EXTERNAL_ID, "u-1");
        assert!(contacts.find(scope, &by_id).is_some());
        tokio::time::advance(Duration::from_secs(61)).await;
        assert!(contacts.find(scope, &lookup).is_none());
        contacts.written(scope, Some("u-1"), Some("A@b.c"), &ContactId::from(1));
        contacts.written(scope, None, Some("D@b.c"), &ContactId::from(1));
        tokio::time::advance(Duration::from_secs(61)).await;
        for lookup in [&by_id, &by_email("d@b.c", None)] {
            assert!(contacts.find(scope, lookup).is_some());
        }
        assert!(
            contacts.find(scope, &by_email("a@b.c", None)).is_none(),
            "others may have it"
        );
        contacts.forget(&ContactId::from(1));
        assert!(contacts.find(scope, &by_id).is_none());
        for n in 0..10 {
            contacts.found(scope, &by_email(&n.to_string(), None), &contact("1"));
        }
        assert_eq!(contacts.len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_remembered_for_no_time() {
        let contacts = contacts(0);
        let scope = contacts.scope("x", "t", None);
        contacts.written(scope, Some("u-1"), None, &ContactId::from(1));
        assert_eq!(contacts.len(), 0);
    }
}
