//! Who is to be deleted: one that was read, and is who was asked for.

use super::read::ReadContact;
use super::responses::{Response, UNREADABLE, failed, failure, is_gone};
use super::state::{Deletion, Whereabouts};
use super::{Fact, Knowledge, Verdict, Walk};
use crate::codes::FailureCode;
use crate::contact::KnownContact;
use intercom_api::ContactId;
use rudderstack_to_intercom::Plan;
use std::collections::VecDeque;

impl Walk {
    /// One of these may be meant.
    pub(super) fn candidates(&mut self, mut candidates: VecDeque<ContactId>) -> Verdict {
        let first = candidates.pop_front();
        self.deletion = Deletion {
            others: candidates,
            ..Deletion::default()
        };
        match first {
            Some(id) => self.found(KnownContact::new(id), false),
            None => self.absent(),
        }
    }

    /// The contact has been read, because it may be deleted.
    pub(super) fn read<K: Knowledge>(&mut self, response: Response<'_>, knowledge: &mut K) -> Verdict {
        let (Plan::DeleteContact(lookup), Whereabouts::Found { who, is_remembered }) = (&*self.plan, &self.contact)
        else {
            return Verdict::GoOn;
        };
        let id = &who.id;
        let fits = match response.map(ReadContact::parse) {
            Ok(Some(contact)) => contact.is_found_by(lookup),
            Ok(None) => return UNREADABLE,
            // The run before had begun to delete it.
            Err(error) if is_gone(error) && self.is_begun == Some(true) => {
                knowledge.learn(&Fact::Deleted(id));
                self.is_done = true;
                return Verdict::GoOn;
            }
            Err(error) if is_gone(error) => false,
            Err(error) => return failure(error),
        };
        if !fits && *is_remembered {
            // Only a search can tell who it is.
            return self.contact_gone(knowledge);
        }
        if fits && self.deletion.fitting.replace(id.clone()).is_some() {
            return failed(FailureCode::AmbiguousContact);
        }
        let next = self.deletion.others.pop_front();
        self.deletion.is_settled = next.is_none();
        match next.or_else(|| self.deletion.fitting.take()) {
            Some(id) => self.found(KnownContact::new(id), false),
            None => self.absent(),
        }
    }
}
