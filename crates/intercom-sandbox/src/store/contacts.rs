//! Contacts, their unique identities, and what of them can be searched when.

use crate::request::UnixMillis;
use crate::settings::DuplicateEmail;
use intercom_api::Attributes;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// What a contact is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Role {
    #[default]
    User,
    Lead,
}

impl Role {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Lead => "lead",
        }
    }
}

/// Whether a contact can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Active,
    /// Not found, but still holding its identities.
    Archived,
    /// Gone; its identities are free.
    Deleted,
    /// Gone into the contact at that place.
    Merged(u32),
}

/// Everything about a contact that can be searched.
#[derive(Clone, Default)]
pub(crate) struct Fields {
    pub(crate) role: Role,
    pub(crate) external_id: Option<Box<str>>,
    pub(crate) email: Option<Box<str>>,
    pub(crate) phone: Option<Box<str>>,
    pub(crate) name: Option<Box<str>>,
    pub(crate) avatar: Option<Box<str>>,
    pub(crate) language_override: Option<Box<str>>,
    pub(crate) owner_id: Option<i64>,
    pub(crate) signed_up_at: Option<i64>,
    pub(crate) last_seen_at: Option<i64>,
    pub(crate) unsubscribed_from_emails: bool,
    pub(crate) custom_attributes: Attributes,
    /// The tags by place, and when each was applied.
    pub(crate) tags: Vec<(u32, i64)>,
    pub(crate) updated_at: i64,
}

impl Fields {
    pub(crate) fn email_key(&self) -> Option<String> {
        self.email.as_deref().map(str::to_lowercase)
    }

    /// The texts under which an index finds the contact, in the order of [`Index`]'s maps.
    fn keys(&self) -> [Option<String>; 3] {
        [
            self.external_id.as_deref().map(str::to_owned),
            self.email_key(),
            self.phone.as_deref().map(str::to_owned),
        ]
    }
}

pub(crate) struct Contact {
    pub(crate) presence: Presence,
    pub(crate) created_at: i64,
    pub(crate) fields: Arc<Fields>,
    /// What searches match, if they lag behind; `None` until the contact can be searched.
    indexed: Option<Arc<Fields>>,
    /// The companies by place, in the order of attachment.
    pub(crate) companies: Vec<u32>,
    /// The notes by place.
    pub(crate) notes: Vec<u32>,
    /// The kept events by place.
    pub(crate) events: Vec<u32>,
}

/// A field that an index has a map for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    ExternalId,
    Email,
    Phone,
}

#[derive(Default)]
struct Index([HashMap<String, Vec<u32>>; 3]);

impl Index {
    fn add(&mut self, at: u32, fields: &Fields) {
        for (map, key) in self.0.iter_mut().zip(fields.keys()) {
            if let Some(key) = key {
                map.entry(key).or_default().push(at);
            }
        }
    }

    fn remove(&mut self, at: u32, fields: &Fields) {
        for (map, key) in self.0.iter_mut().zip(fields.keys()) {
            let Some(key) = key else { continue };
            if let Some(places) = map.get_mut(&key) {
                places.retain(|place| *place != at);
                if places.is_empty() {
                    map.remove(&key);
                }
            }
        }
    }

    fn get(&self, key: Key, text: &str) -> &[u32] {
        self.0[key as usize].get(text).map_or(&[], Vec::as_slice)
    }
}

/// A search index that follows changes after a while.
struct Lagging {
    lag: Duration,
    index: Index,
    due: VecDeque<(UnixMillis, u32, Arc<Fields>)>,
}

pub(crate) struct Contacts {
    all: Vec<Contact>,
    /// Every identity that is taken, by active and archived contacts.
    taken: Index,
    lagging: Option<Lagging>,
    duplicate_email: DuplicateEmail,
}

impl Contacts {
    pub(crate) fn new(lag: Duration, duplicate_email: DuplicateEmail) -> Self {
        Self {
            all: Vec::new(),
            duplicate_email,
            taken: Index::default(),
            lagging: (!lag.is_zero()).then(|| Lagging {
                lag,
                index: Index::default(),
                due: VecDeque::new(),
            }),
        }
    }

    /// The contact at that place.
    pub(crate) fn get(&self, at: u32) -> Option<&Contact> {
        self.all.get(at as usize)
    }

    pub(crate) fn get_mut(&mut self, at: u32) -> Option<&mut Contact> {
        self.all.get_mut(at as usize)
    }

    /// All contacts that have ever been, in the order of their creation, with their places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Contact)> {
        (0..).zip(&self.all)
    }

    pub(crate) fn active(&self) -> impl Iterator<Item = (u32, &Contact)> {
        self.iter().filter(|(_, contact)| contact.presence == Presence::Active)
    }

    /// The other contact, active or archived, that has an identity of these fields.
    ///
    /// An external id is unique among all contacts, an email address among users, unless several may have one; leads may
    /// share one.
    pub(crate) fn conflict(&self, fields: &Fields, except: Option<u32>) -> Option<u32> {
        let other = |at: &u32| Some(*at) != except;
        if let Some(external_id) = fields.external_id.as_deref()
            && let Some(at) = self.taken.get(Key::ExternalId, external_id).iter().copied().find(other)
        {
            return Some(at);
        }
        if fields.role == Role::Lead || self.duplicate_email == DuplicateEmail::Allow {
            return None;
        }
        let email = fields.email_key()?;
        let users = || {
            let places = self.taken.get(Key::Email, &email).iter().copied().filter(other);
            places.filter_map(|at| Some((at, self.get(at)?)))
        };
        let is_user = |contact: &Contact| contact.fields.role == Role::User;
        users()
            .find(|(_, contact)| is_user(contact) && contact.presence == Presence::Active)
            .or_else(|| users().find(|(_, contact)| is_user(contact)))
            .map(|(at, _)| at)
    }

    /// The active contact that an event or a request names by one of its identities; a user rather than a lead.
    pub(crate) fn by_identity(&self, key: Key, text: &str) -> Option<u32> {
        let active = || {
            let places = self.taken.get(key, text).iter().copied();
            places.filter(|at| {
                self.get(*at)
                    .is_some_and(|contact| contact.presence == Presence::Active)
            })
        };
        active()
            .find(|at| self.get(*at).is_some_and(|contact| contact.fields.role == Role::User))
            .or_else(|| active().next())
    }

    /// The active user with an email.
    pub(crate) fn user_by_email(&self, email: &str) -> Option<u32> {
        let at = self.by_identity(Key::Email, email)?;
        (self.get(at)?.fields.role == Role::User).then_some(at)
    }

    pub(crate) fn create(&mut self, mut fields: Fields, now: UnixMillis) -> u32 {
        fields.updated_at = now.seconds();
        let at = u32::try_from(self.all.len()).expect("fewer than four thousand million contacts");
        self.taken.add(at, &fields);
        let fields = Arc::new(fields);
        self.all.push(Contact {
            presence: Presence::Active,
            created_at: now.seconds(),
            fields: Arc::clone(&fields),
            indexed: None,
            companies: Vec::new(),
            notes: Vec::new(),
            events: Vec::new(),
        });
        self.schedule(at, fields, now);
        at
    }

    /// Replaces the fields of a contact.
    pub(crate) fn update(&mut self, at: u32, mut fields: Fields, now: UnixMillis) {
        let Some(contact) = self.all.get_mut(at as usize) else {
            return;
        };
        fields.updated_at = now.seconds();
        let fields = Arc::new(fields);
        let old = std::mem::replace(&mut contact.fields, Arc::clone(&fields));
        if old.keys() != fields.keys() {
            self.taken.remove(at, &old);
            self.taken.add(at, &fields);
        }
        self.schedule(at, fields, now);
    }

    pub(crate) fn unarchive(&mut self, at: u32, now: UnixMillis) {
        if let Some(contact) = self.all.get_mut(at as usize) {
            contact.presence = Presence::Active;
            let fields = Arc::clone(&contact.fields);
            self.schedule(at, fields, now);
        }
    }

    /// Frees the identities of a contact for good.
    pub(crate) fn remove(&mut self, at: u32, presence: Presence) {
        self.hide(at, presence);
        if let Some(contact) = self.all.get_mut(at as usize) {
            self.taken.remove(at, &contact.fields);
            // Of a contact that is gone, its events are still told apart by these.
            contact.fields = Arc::new(Fields {
                role: contact.fields.role,
                external_id: contact.fields.external_id.clone(),
                email: contact.fields.email.clone(),
                ..Fields::default()
            });
            contact.companies = Vec::new();
            contact.notes = Vec::new();
        }
    }

    /// Forgets even the identities of a contact that was removed.
    pub(crate) fn forget(&mut self, at: u32) {
        if let Some(contact) = self.all.get_mut(at as usize) {
            contact.fields = Arc::new(Fields::default());
            contact.events = Vec::new();
        }
    }

    /// Takes a deleted company off everybody, archived contacts too.
    pub(crate) fn forget_company(&mut self, company: u32) {
        for contact in &mut self.all {
            contact.companies.retain(|known| *known != company);
        }
    }

    /// Takes a contact out of what can be seen.
    pub(crate) fn hide(&mut self, at: u32, presence: Presence) {
        if let Some(contact) = self.all.get_mut(at as usize) {
            contact.presence = presence;
            if let (Some(lagging), Some(indexed)) = (&mut self.lagging, contact.indexed.take()) {
                lagging.index.remove(at, &indexed);
            }
        }
    }

    fn schedule(&mut self, at: u32, fields: Arc<Fields>, now: UnixMillis) {
        // Here too, so that the queue does not grow for as long as nobody searches.
        self.settle(now);
        if let Some(lagging) = &mut self.lagging {
            lagging.due.push_back((now.after(lagging.lag), at, fields));
        }
    }

    /// Lets searches see what has become due.
    pub(crate) fn settle(&mut self, now: UnixMillis) {
        let Some(lagging) = &mut self.lagging else { return };
        while let Some((due, ..)) = lagging.due.front()
            && *due <= now
            && let Some((_, at, fields)) = lagging.due.pop_front()
        {
            let Some(contact) = self.all.get_mut(at as usize) else {
                continue;
            };
            if contact.presence != Presence::Active {
                continue;
            }
            if let Some(old) = contact.indexed.take() {
                lagging.index.remove(at, &old);
            }
            lagging.index.add(at, &fields);
            contact.indexed = Some(fields);
        }
    }

    /// What a search sees of a contact, if it sees it at all.
    pub(crate) fn searchable<'a>(&self, contact: &'a Contact) -> Option<&'a Fields> {
        if contact.presence != Presence::Active {
            return None;
        }
        match self.lagging {
            None => Some(&contact.fields),
            Some(_) => contact.indexed.as_deref(),
        }
    }

    /// The places of the contacts that a search finds under a key.
    pub(crate) fn search(&self, key: Key, text: &str) -> &[u32] {
        self.lagging
            .as_ref()
            .map_or(&self.taken, |lagging| &lagging.index)
            .get(key, text)
    }
}
