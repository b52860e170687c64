//! Whom events are about, as far as several of them share something.

use intercom_api::{ContactFields, Role};
use rudderstack_to_intercom::{Plan, SaveContact};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// How many email addresses are remembered. Beyond that, each counts as nobody else's.
const MAX_REMEMBERED: usize = 400_000;

/// The fields of a contact who is created, which hold those of the update; of one who is not, those of the update.
pub(super) fn saved(plan: &SaveContact) -> &ContactFields {
    plan.create().unwrap_or(&plan.update)
}

/// A user id with an email address, as hashes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address {
    email: u64,
    user_id: u64,
    pub(super) line: u64,
}

impl Address {
    /// That of a contact who is created or updated, if both are there.
    pub(super) fn of(plan: &Plan, line: u64, hasher: &RandomState) -> Option<Self> {
        let Plan::SaveContact(plan) = plan else { return None };
        let contact = saved(plan);
        Some(Self {
            email: hasher.hash_one(contact.email.as_ref()?.to_lowercase()),
            user_id: hasher.hash_one(contact.external_id.as_ref()?.as_str()),
            line,
        })
    }
}

/// Whose each email address was first.
#[derive(Clone, Debug, Default)]
pub(super) struct Addresses(HashMap<u64, u64>);

impl Addresses {
    /// Whether the address was another user's before.
    pub(super) fn is_shared(&mut self, address: Address) -> bool {
        if let Some(first) = self.0.get(&address.email) {
            return *first != address.user_id;
        }
        if self.0.len() < MAX_REMEMBERED {
            self.0.insert(address.email, address.user_id);
        }
        false
    }
}

/// Whether a plan makes somebody a lead who has a user id.
pub(super) fn is_lead_with_id(plan: &Plan) -> bool {
    let Plan::SaveContact(plan) = plan else { return false };
    let contact = saved(plan);
    contact.role == Some(Role::Lead) && contact.external_id.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rudderstack_to_intercom::{Lookup, LookupField};

    #[test]
    fn an_address_is_shared_by_users_not_by_events() {
        let hasher = RandomState::new();
        let mut addresses = Addresses::default();
        let mut is_shared = |user_id: &str, email: &str| {
            let contact = ContactFields::new().with_external_id(user_id).with_email(email);
            let plan = Plan::SaveContact(SaveContact::new(Lookup::new(LookupField::EMAIL, email), contact));
            addresses.is_shared(Address::of(&plan, 1, &hasher).unwrap())
        };
        assert!(!is_shared("ann", "office@example.com"));
        assert!(!is_shared("ann", "Office@example.com"));
        assert!(is_shared("ben", "OFFICE@example.com"));
        assert!(!is_shared("ben", "ben@example.com"));
    }

    #[test]
    fn a_lead_has_no_user_id() {
        let plan = |contact: ContactFields| {
            Plan::SaveContact(SaveContact::new(Lookup::new(LookupField::EXTERNAL_ID, "ann"), contact))
        };
        let lead = ContactFields::new().with_role(Role::Lead);
        assert!(!is_lead_with_id(&plan(lead.clone().with_email("ann@example.com"))));
        assert!(is_lead_with_id(&plan(lead.with_external_id("ann"))));
        assert!(!is_lead_with_id(&plan(ContactFields::new().with_external_id("ann"))));
    }
}
