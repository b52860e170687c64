//! Whose things are.

use super::workload::{Happening, SHARED};
use intercom_api::{Call, Contact, OperationId};
use intercom_sandbox::{Request, Sandbox, UnixMillis};
use rudderstack_to_intercom::{Identities, Lookup};

/// What keeps the events of one person in order.
pub(super) fn identities(identities: &Identities) -> impl Iterator<Item = String> {
    let texts = [&identities.user_id, &identities.anonymous_id, &identities.email];
    let texts = texts.map(Clone::clone).into_iter().flatten();
    // Strangers do not wait for each other.
    texts.filter(|text| text != SHARED)
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
