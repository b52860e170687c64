//! Who must stay in order with whom.

use crate::index::Index;
use intercom_api::{ContactFields, ExternalId};
use rudderstack_to_intercom::{Identities, Lookup, Plan};
use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroUsize;

/// Who must stay in order with whom, for events in the order in which they came.
///
/// It remembers which email each user id had last: an event that changes it is ordered by the old one, which somebody
/// else may take next, and by the new one, which somebody else may have had. `Debug` shows no value.
pub struct Order {
    /// The email that a user id had last.
    emails: Index<Box<str>>,
    /// The user id that had an email last.
    owners: Index<Box<str>>,
}

/// Ids and emails that are longer together are not remembered: they are nobody's, and would only take memory.
const LONGEST: usize = 1 << 10;

impl Order {
    /// Remembers the emails of so many user ids.
    pub fn new(remembered: NonZeroUsize) -> Self {
        Self {
            emails: Index::new(remembered.get()),
            owners: Index::new(remembered.get()),
        }
    }

    /// Takes note of a user id's email.
    pub fn has_email(&mut self, user_id: &str, email: &str) {
        self.remember(user_id, &email.to_lowercase());
    }

    /// Remembers an email in place of the one before, which it gives.
    fn remember(&mut self, user_id: &str, email: &str) -> Option<Box<str>> {
        let old = match user_id.len() + email.len() {
            ..=LONGEST => {
                if !email.is_empty() {
                    self.owners.insert(email, user_id.into());
                }
                self.emails.insert(user_id, email.into())
            }
            _ => self.emails.remove(user_id),
        };
        old.inspect(|old| {
            let now = self.emails.peek(user_id);
            if now != Some(old) && self.owners.peek(old).is_some_and(|owner| **owner == *user_id) {
                self.owners.remove(old);
            }
        })
    }

    /// The user whose email the plan changes, if it names them by that alone.
    fn moved(&self, plan: &Plan) -> Option<Box<str>> {
        let Plan::SaveContact(plan) = plan else { return None };
        let old = plan.lookup.email().filter(|_| plan.lookup.external_id().is_none())?;
        let new = plan.update.email.as_ref()?;
        let (old, new) = (old.to_lowercase(), new.to_lowercase());
        let owner = self.owners.peek(&old);
        owner.filter(|_| old != new).cloned()
    }

    /// What the next event is ordered by.
    pub fn next<'e>(&mut self, plan: &'e Plan, identities: &'e Identities) -> Ties<'e> {
        let mut ties = Ties::of(plan, identities);
        let (user_id, email) = match plan {
            Plan::SaveContact(plan) => (
                plan.update.external_id.as_ref().map(ExternalId::as_str),
                plan.update.email.as_deref(),
            ),
            Plan::DeleteContact(_) => (None, None),
            Plan::SubmitEvent(_) | Plan::SaveCompany(_) => return ties,
        };
        let gives_up = email.is_some() || matches!(plan, Plan::DeleteContact(_));
        let named = user_id.or(identities.user_id.as_deref());
        let moved = named.is_none().then(|| self.moved(plan)).flatten();
        let Some(user_id) = named.or(moved.as_deref()).filter(|_| gives_up) else {
            return ties;
        };
        if let Some(moved) = &moved {
            insert(&mut ties.firm, Cow::Owned(moved.to_string()));
        }
        // Who is deleted has none, and takes one if they return.
        let email = email.map(str::to_lowercase).unwrap_or_default();
        let old = self.remember(user_id, &email);
        if let Some(old) = old.filter(|old| **old != *email) {
            let changed = [old.into_string(), email].into_iter().filter(|email| !email.is_empty());
            changed.for_each(|email| insert(&mut ties.firm, Cow::Owned(email)));
            ties.loose.retain(|email| !ties.firm.contains(email));
        }
        ties
    }
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Order({})", self.emails.len())
    }
}

/// What an event is ordered by: all identities that it names, sets or gives up.
///
/// Two events stay in the order in which they came if they share a value that is firm for at least one of them. User
/// ids, anonymous ids and emails are one space of values: an anonymous id stands in for a user id, and many a user id is
/// an email address. All are firm but the email of somebody who has a user id: it is loose, so that the people of an
/// office who share its mailbox do not wait for each other. `Debug` shows no value.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Ties<'e> {
    /// Values that order the event with all that have them, each once and sorted.
    pub firm: Vec<Cow<'e, str>>,
    /// Values that order it with those for whom they are firm, each once and sorted.
    pub loose: Vec<Cow<'e, str>>,
}

/// Adds a value to a few that are sorted, unless it is there.
fn insert<'e>(values: &mut Vec<Cow<'e, str>>, value: Cow<'e, str>) {
    if let Err(at) = values.binary_search(&value) {
        values.insert(at, value);
    }
}

impl fmt::Debug for Ties<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ties({} firm, {} loose)", self.firm.len(), self.loose.len())
    }
}

impl<'e> Ties<'e> {
    fn of(plan: &'e Plan, identities: &'e Identities) -> Self {
        let mut found = Found::default();
        found.user_id(identities.user_id.as_deref());
        found.email(identities.email.as_deref());
        if let Some(lookup) = plan.lookup() {
            found.lookup(lookup);
        }
        match plan {
            Plan::SaveContact(plan) => {
                found.contact(&plan.update);
                if let Some(fields) = plan.create() {
                    found.contact(fields);
                }
            }
            Plan::SubmitEvent(event) => {
                found.user_id(event.user_id.as_ref().map(ExternalId::as_str));
                found.email(event.email.as_deref());
            }
            Plan::DeleteContact(_) | Plan::SaveCompany(_) => {}
        }
        let (mut firm, mut loose) = (found.user_ids, found.emails);
        if firm.is_empty() {
            firm = std::mem::take(&mut loose);
        }
        if let Some(id) = identities.anonymous_id.as_deref().filter(|id| !id.is_empty()) {
            insert(&mut firm, Cow::Borrowed(id));
        }
        loose.retain(|email| !firm.contains(email));
        Self { firm, loose }
    }

    /// Whether the two must stay in order.
    pub fn order_with(&self, other: &Ties<'_>) -> bool {
        let has = |ties: &Ties<'_>, value: &Cow<'_, str>| ties.firm.contains(value) || ties.loose.contains(value);
        self.firm.iter().any(|value| has(other, value)) || other.firm.iter().any(|value| has(self, value))
    }
}

#[derive(Default)]
struct Found<'e> {
    user_ids: Vec<Cow<'e, str>>,
    emails: Vec<Cow<'e, str>>,
}

impl<'e> Found<'e> {
    fn user_id(&mut self, id: Option<&'e str>) {
        if let Some(id) = id.filter(|id| !id.is_empty()) {
            insert(&mut self.user_ids, Cow::Borrowed(id));
        }
    }

    fn email(&mut self, email: Option<&'e str>) {
        let Some(email) = email.filter(|email| !email.is_empty()) else {
            return;
        };
        let email = match email.chars().any(char::is_uppercase) {
            true => Cow::Owned(email.to_lowercase()),
            false => Cow::Borrowed(email),
        };
        insert(&mut self.emails, email);
    }

    fn contact(&mut self, fields: &'e ContactFields) {
        self.user_id(fields.external_id.as_ref().map(ExternalId::as_str));
        self.email(fields.email.as_deref());
    }

    fn lookup(&mut self, lookup: &'e Lookup) {
        self.user_id(lookup.external_id());
        self.email(lookup.email());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rudderstack_to_intercom::{LookupField, SaveContact};

    fn who(user_id: Option<&str>, anonymous_id: Option<&str>, email: Option<&str>) -> Identities {
        let mut identities = Identities::new();
        identities.user_id = user_id.map(str::to_owned);
        identities.anonymous_id = anonymous_id.map(str::to_owned);
        identities.email = email.map(str::to_owned);
        identities
    }

    fn plan(lookup: &str, sets: &str) -> Plan {
        let mut fields = ContactFields::new();
        fields.email = Some(sets.to_owned());
        Plan::SaveContact(SaveContact::new(Lookup::new(LookupField::EMAIL, lookup), fields))
    }

    fn are_ordered(a: (&Plan, &Identities), b: (&Plan, &Identities)) -> bool {
        let (a, b) = (Ties::of(a.0, a.1), Ties::of(b.0, b.1));
        assert_eq!(a.order_with(&b), b.order_with(&a));
        a.order_with(&b)
    }

    #[test]
    fn user_ids_and_anonymous_ids_order_and_emails_unless_both_have_user_ids() {
        let event = Plan::SubmitEvent(intercom_api::DataEvent::new("e"));
        let ordered = |a: &Identities, b: &Identities| are_ordered((&event, a), (&event, b));
        let ann = who(Some("ann"), Some("anon"), Some("office@example.com"));
        let bob = who(Some("bob"), None, Some("office@example.com"));
        let visitor = who(None, Some("v"), Some("office@example.com"));
        assert!(!ordered(&ann, &bob));
        assert!(ordered(&ann, &visitor) && ordered(&visitor, &bob));
        assert!(ordered(&ann, &who(None, Some("anon"), None)));
        assert!(ordered(&ann, &who(Some("anon"), None, None)), "one space of values");
        assert!(ordered(&ann, &who(Some("office@example.com"), None, None)));
        assert!(!ordered(&ann, &who(Some(""), None, Some(""))));
    }

    #[test]
    fn what_an_event_sets_orders_it_too() {
        let nobody = Identities::new();
        let (old, moves, new) = (
            plan("old@x.y", "old@x.y"),
            plan("old@x.y", "New@x.y"),
            plan("new@x.y", "new@x.y"),
        );
        assert!(are_ordered((&old, &nobody), (&moves, &nobody)));
        assert!(are_ordered((&moves, &nobody), (&new, &nobody)));
        assert!(!are_ordered((&old, &nobody), (&new, &nobody)));
    }

    /// A user takes an email.
    fn takes(email: &str, user_id: &str) -> (Plan, Identities) {
        let Plan::SaveContact(mut plan) = plan(email, email) else {
            unreachable!()
        };
        plan.update.external_id = Some(user_id.into());
        (Plan::SaveContact(plan), who(Some(user_id), None, Some(email)))
    }

    #[test]
    fn an_email_that_is_given_up_orders_who_takes_it() {
        let (first, moves, other) = (takes("a@x.y", "ann"), takes("b@x.y", "ann"), takes("A@x.y", "bob"));
        let mut order = Order::new(NonZeroUsize::MIN);
        let first = order.next(&first.0, &first.1);
        let moves = order.next(&moves.0, &moves.1);
        let other = order.next(&other.0, &other.1);
        assert!(!first.order_with(&other));
        assert!(moves.order_with(&first) && moves.order_with(&other));
        assert!(!format!("{order:?} {moves:?}").contains("x.y"));
    }

    /// Whoever is named by an email alone is the user who had it last.
    #[test]
    fn an_email_that_a_record_has_given_orders_who_takes_it_next() {
        let nobody = Identities::new();
        let (first, record, other) = (takes("a@x.y", "ann"), plan("A@x.y", "b@x.y"), takes("b@x.y", "bob"));
        let (moves, by_id) = (takes("c@x.y", "ann"), who(Some("ann"), None, None));
        let track = Plan::SubmitEvent(intercom_api::DataEvent::new("e"));
        let mut order = Order::new(NonZeroUsize::MIN);
        order.next(&first.0, &first.1);
        let record = order.next(&record, &nobody);
        assert!(record.firm.is_sorted(), "the user and the emails");
        let moves = order.next(&moves.0, &moves.1);
        let other = order.next(&other.0, &other.1);
        assert!(record.order_with(&order.next(&track, &by_id)));
        assert!(moves.order_with(&record) && moves.order_with(&other));
        let mut fresh = Order::new(NonZeroUsize::MIN);
        let moves = takes("c@x.y", "ann");
        assert!(
            !fresh.next(&moves.0, &moves.1).order_with(&other),
            "it takes the record"
        );
    }
}
