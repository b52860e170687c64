//! The calls that are made here for one event, and the request that is returned for it.

use crate::contacts::Scope;
use crate::intercom::{IntercomClient, SendError, Target};
use crate::metrics::Memory;
use crate::protocol::Failure;
use intercom_api::{Call, OperationId};
use intercom_delivery::{Ending, Fact, FailureCode, Knowledge, KnownContact, Next, Response, Verdict, Walk};
use rudderstack_to_intercom::{Lookup, Plan};
use std::convert::Infallible;
use std::sync::Arc;

/// What is returned for an event.
#[derive(Debug)]
pub(crate) enum Returned {
    /// The request, which rudder-server delivers.
    Deliver(Call),
    /// The last request that was made here; nothing is left to do.
    Handled(Call),
}

/// Carries plans out, as far as rudder-server does not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps<'a> {
    pub(crate) intercom: &'a IntercomClient,
    pub(crate) target: Target<'a>,
}

/// The contacts that are remembered across requests.
struct Remembered<'a> {
    intercom: &'a IntercomClient,
    scope: Scope,
}

impl Knowledge for Remembered<'_> {
    type Busy = Infallible;

    fn contact(&mut self, lookup: &Lookup) -> Option<KnownContact> {
        let found = self.intercom.contacts.find(self.scope, lookup);
        let memory = if found.is_some() { Memory::Hit } else { Memory::Miss };
        self.intercom.metrics.memory(memory);
        let mut known = KnownContact::new(found?);
        known.external_id = lookup.external_id().map(Into::into);
        Some(known)
    }

    fn learn(&mut self, fact: &Fact<'_>) {
        match fact {
            Fact::Found { lookup, contact, .. } => self.intercom.contacts.found(self.scope, lookup, contact),
            Fact::ContactGone { id, .. } => self.intercom.contacts.forget(id),
            _ => {}
        }
    }
}

impl Steps<'_> {
    pub(crate) async fn run(&self, plan: &Arc<Plan>) -> Result<Returned, Failure> {
        let mut walk = Walk::new(Arc::clone(plan), self.intercom.settings.policies());
        let mut known = Remembered {
            intercom: self.intercom,
            scope: self.target.scope,
        };
        let mut shown = None;
        loop {
            let call = match walk.next(&mut known) {
                Next::Call(call) => call,
                Next::LastWrite(call) => {
                    if let (OperationId::DeleteContact, Some(id)) = (call.operation, walk.contact()) {
                        // The next event of this contact must not be sent to one who is deleted.
                        self.intercom.contacts.forget(id);
                    }
                    return Ok(Returned::Deliver(call));
                }
                Next::Wait(never) => match never {},
                Next::End(_) => break,
            };
            let (made, verdict) = self.make(&mut walk, &call, &mut known).await;
            match verdict {
                Verdict::GoOn | Verdict::End(Ending::Delivered) => {}
                Verdict::End(Ending::Rejected(_)) => return Err(Failure::contact_not_found()),
                Verdict::End(Ending::Failed(_)) | Verdict::Retry(_) => {
                    return Err(made.err().unwrap_or(SendError::Unreadable).into());
                }
            }
            // A group shows its link, or else its company; a deletion of nobody its search.
            let is_shown = match call.operation {
                OperationId::AttachCompany | OperationId::UpsertCompany => made.is_ok(),
                _ => shown.is_none(),
            };
            if is_shown {
                shown = Some(call);
            }
        }
        shown.map(Returned::Handled).ok_or_else(|| SendError::Unwritable.into())
    }

    /// Makes a call of a walk, and tells the walk.
    pub(crate) async fn make<K: Knowledge>(
        &self,
        walk: &mut Walk,
        call: &Call,
        known: &mut K,
    ) -> (Result<Response, SendError>, Verdict) {
        let made = self.intercom.send(&self.target, call).await;
        let response = match &made {
            Ok(response) => Ok(response.body.as_slice()),
            Err(SendError::Answered(error, _)) => Err(&**error),
            Err(_) => return (made, Verdict::Retry(FailureCode::ConnectionFailed)),
        };
        let verdict = walk.handle_response(response, known);
        (made, verdict)
    }
}
