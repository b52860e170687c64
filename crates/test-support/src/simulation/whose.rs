//! Whose things are.

use super::workload::{Happening, SHARED};
use intercom_api::{Call, Contact, OperationId};
use intercom_sandbox::{Request, Sandbox, UnixMillis};
use rudderstack_to_intercom::{Identities, Lookup};
use std::collections::BTreeSet;

/// What keeps the events of one person in order, and whether it may be a stranger's too: an email, beside a user id.
pub(super) fn identities(identities: &Identities) -> impl Iterator<Item = (String, bool)> {
    let email = identities.email.clone().filter(|email| email != SHARED);
    let has_user_id = identities.user_id.is_some();
    let own = [&identities.user_id, &identities.anonymous_id].map(Clone::clone);
    let own = own.into_iter().flatten().map(|text| (text, false));
    own.chain(email.map(|text| (text, has_user_id)))
}

/// Which events of an identity have had calls.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// The newest that is surely of this identity, and the newest that may be a stranger's.
    newest: [usize; 2],
    in_flight: BTreeSet<(usize, bool)>,
}

impl Turns {
    /// Whether a call may be made for the event now. Those that may be strangers' do not wait for each other.
    pub(super) fn begin(&mut self, event: usize, is_stranger: bool) -> bool {
        let [newest, newest_stranger] = self.newest;
        let is_in_order = event >= newest && (is_stranger || event >= newest_stranger);
        let is_alone = self
            .in_flight
            .iter()
            .all(|(other, stranger)| *other == event || is_stranger && *stranger);
        self.newest[usize::from(is_stranger)] = event;
        self.in_flight.insert((event, is_stranger));
        is_in_order && is_alone
    }

    pub(super) fn end(&mut self, event: usize, is_stranger: bool) {
        self.in_flight.remove(&(event, is_stranger));
    }
}

/// The external id of the contact that a call changes, if it is another than that of whom the event is about.
pub(super) fn somebody_else(
    happening: &Happening,
    call: &Call,
    sandbox: &mut Sandbox,
    now: UnixMillis,
) -> Option<String> {
    let Lookup::Person(person) = happening.plan.lookup()? else {
        return None;
    };
    let user_id = person.external_id.as_ref()?;
    let changes = matches!(
        call.operation,
        OperationId::UpdateContact
            | OperationId::DeleteContact
            | OperationId::UnarchiveContact
            | OperationId::AttachCompany
            | OperationId::DetachCompany
    );
    let id = call.path.split('/').nth(2).filter(|_| changes)?;
    let reply = sandbox.act(Request::new("GET", &format!("/contacts/{id}")), now);
    let known = serde_json::from_slice::<Contact>(&reply.body).ok()?.external_id?;
    (known != *user_id).then(|| known.as_str().to_owned())
}
