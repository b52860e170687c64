//! Which events can be delivered by one update.

use super::queue::Entry;
use crate::codes::Supersession;
use crate::walk::moves_to;
use rudderstack_to_intercom::{Missing, Plan, SaveContact};

/// Whether delivering `next` right after `last` is the same as delivering their fields in one update.
///
/// Both must find the same contact, and neither may do anything but update it.
pub(super) fn can_merge(last: &Entry, next: &Entry) -> bool {
    let (Plan::SaveContact(a), Plan::SaveContact(b)) = (&*last.plan, &*next.plan) else {
        return false;
    };
    !next.alone
        && [last, next].iter().all(|entry| entry.supersession == Supersession::Not)
        && last.terms == next.terms
        && a.lookup == b.lookup
        && a.detach.is_empty()
        && b.detach.is_empty()
        && a.update.external_id == b.update.external_id
        && a.update.email == b.update.email
        // Whether a lead becomes a user depends on it.
        && a.update.role == b.update.role
        && std::mem::discriminant(&a.missing) == std::mem::discriminant(&b.missing)
        && keeps_lookup(a)
}

/// Whether it makes no difference if an update of a contact, by which it stays who it is, comes before this event rather than
/// after it: what happens to a contact, and the companies that it joins, are kept apart from its fields.
pub(super) fn is_indifferent(entry: &Entry) -> bool {
    match &*entry.plan {
        Plan::SubmitEvent(_) | Plan::SaveCompany(_) => true,
        Plan::SaveContact(_) | Plan::DeleteContact(_) => false,
    }
}

/// Whether the contact is still found by the same lookup after the update.
fn keeps_lookup(plan: &SaveContact) -> bool {
    let created = match &plan.missing {
        Missing::CreateWith(create) => Some(create.as_ref()),
        Missing::Create | Missing::Reject => None,
    };
    [Some(&plan.update), created]
        .into_iter()
        .flatten()
        .all(|fields| moves_to(&plan.lookup, fields).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::keys::Keys;
    use crate::engine::submission::{EventId, Submission};
    use intercom_api::{ContactFields, ExternalId};
    use rudderstack_to_intercom::{ContactField, Identities, Lookup, LookupField, Person};

    #[test]
    fn events_that_find_their_contact_in_different_ways_stay_apart() {
        let entry = |seq, lookup: Lookup| {
            let mut fields = ContactFields::new();
            fields.external_id = Some("ann".into());
            fields.phone = Some("1".to_owned());
            let plan = Plan::SaveContact(SaveContact::new(lookup, fields));
            Entry::new(
                seq,
                Submission::new(EventId(seq), plan, Identities::new()),
                Keys::default(),
            )
        };
        let ann = || Lookup::from(Person::new(Some(ExternalId::from("ann")), None).unwrap());
        let phone = || Lookup::new(LookupField::Standard(ContactField::Phone), "1");
        assert!(can_merge(&entry(1, ann()), &entry(2, ann())));
        assert!(can_merge(&entry(1, phone()), &entry(2, phone())));
        // Somebody else may have the phone.
        assert!(!can_merge(&entry(1, ann()), &entry(2, phone())));
        assert!(!can_merge(&entry(1, phone()), &entry(2, ann())));
    }
}
