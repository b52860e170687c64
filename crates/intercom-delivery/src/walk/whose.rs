//! Whose a contact is: what is written of it, and what becomes of it if Intercom says that it is somebody else's.

use super::read::may_be_shared;
use super::responses::{Response, UNREADABLE, failed, failure, is_gone};
use super::state::{Deletion, Detour, Email, Whereabouts};
use super::{ArchivedPolicy, Fact, Knowledge, Next, Verdict, Walk};
use crate::codes::{DeliveryWarning, FailureCode};
use crate::contact::KnownContact;
use intercom_api::{
    ApiError, Contact, ContactConflict, ContactFields, ContactId, ExternalId, Operation as _, RetrieveContact, Role,
};
use rudderstack_to_intercom::{Lookup, Person, Plan, SharedEmail};
use std::borrow::Cow;

/// How often a contact may turn out to be another.
const MOST_CONFLICTS: u32 = 6;

impl Walk {
    /// Whom the walk needs to have looked up, unless that is known. It may have another call to make before.
    pub(crate) fn to_look_up(&self, is_known: impl FnOnce(&Lookup) -> bool) -> Option<&Lookup> {
        let is_new = self.detour.is_none() && self.is_begun != Some(true);
        if self.is_done || !is_new || self.contact != Whereabouts::Unknown {
            return None;
        }
        let lookup = self.plan.lookup()?;
        (!self.may_be_known(lookup) || !is_known(lookup)).then_some(lookup)
    }

    /// Whether what is remembered is enough. Once the contact turned out to be gone, only a search can tell; nor is
    /// anything else enough to delete one of several.
    pub(super) fn may_be_known(&self, lookup: &Lookup) -> bool {
        let is_deletion = matches!(*self.plan, Plan::DeleteContact(_));
        self.contact_lost == 0 && !(is_deletion && may_be_shared(lookup))
    }

    /// What the contact is given: the plan's fields, without an email that is somebody else's, and without a role that is
    /// refused. A lead that is chosen for somebody with a user id becomes a user, unless the event says otherwise (D31).
    pub(super) fn given<'f>(&self, fields: &'f ContactFields, is_update: bool) -> Cow<'f, ContactFields> {
        let mut given = Cow::Borrowed(fields);
        if self.email != Email::Given && fields.email.is_some() {
            given.to_mut().email = None;
        }
        if self.is_role_refused {
            given.to_mut().role = None;
        }
        let Whereabouts::Found { who, .. } = &self.contact else {
            return given;
        };
        let external_id = self.plan.lookup().and_then(Lookup::external_id);
        let has_user_id = fields.external_id.is_some() || external_id.is_some();
        if self.stays_lead && is_update {
            // Given its own external id, it would become a user.
            given.to_mut().external_id = None;
        } else if is_update && who.is_lead && has_user_id && given.role.is_none() {
            let given = given.to_mut();
            given.role = Some(Role::User);
            if given.external_id.is_none() && who.external_id.is_none() {
                given.external_id = external_id.map(ExternalId::from);
            }
        }
        given
    }

    /// Whether the contact may have been refused for being a lead: reports differ on whether Intercom has leads with a user
    /// id. It is written once more without the role then, as a user.
    pub(super) fn refuses_lead(&mut self, given: &ContactFields, is_update: bool, error: &ApiError) -> bool {
        let has_user_id = is_update || given.external_id.is_some();
        let is_of_body = matches!(error.status, 400 | 422) && error.undefined_attribute().is_none();
        let is_refused = given.role == Some(Role::Lead) && has_user_id && is_of_body;
        self.is_role_refused |= is_refused;
        is_refused
    }

    /// The contact that was found has become somebody else's.
    pub(super) fn look_up_again<B>(&mut self) -> Option<Next<B>> {
        self.conflicts += 1;
        if self.conflicts > MOST_CONFLICTS {
            return Some(Next::End(super::Ending::Failed(FailureCode::IdentityConflict)));
        }
        self.contact = Whereabouts::Unknown;
        self.deletion = Deletion::default();
        self.detour = None;
        self.leaving = None;
        self.left = 0;
        None
    }

    /// Warns if the contact has another external id than it is given.
    pub(super) fn warn_of_replacing(&mut self, given: &ContactFields) {
        let Whereabouts::Found { who, .. } = &self.contact else {
            return;
        };
        let (Some(old), Some(new)) = (&who.external_id, &given.external_id) else {
            return;
        };
        // Who asks for the old one wants to have it replaced.
        let is_asked_for = self.plan.lookup().and_then(Lookup::external_id) == Some(old.as_str());
        if old != new && !is_asked_for {
            self.warn(DeliveryWarning::ExternalIdReplaced);
        }
    }

    /// Creating the contact was refused because of another. `creating` has all that the contact of a data event was to be
    /// created with.
    pub(super) fn create_conflicts<K: Knowledge>(
        &mut self,
        given: &ContactFields,
        conflict: ContactConflict,
        creating: Option<&ContactFields>,
        knowledge: &mut K,
    ) -> Verdict {
        self.conflicts += 1;
        if self.conflicts > MOST_CONFLICTS {
            return failed(FailureCode::IdentityConflict);
        }
        let creating = creating.map(|fields| Box::new(fields.clone()));
        if given.external_id.is_some() && given.email.is_some() {
            return self.identify(conflict, creating, knowledge);
        }
        // Only one thing was unique, so who the contact is, is certain.
        if self.email == Email::LeftOut(conflict.id.clone()) {
            // It was the external id before as well.
            self.email = Email::Given;
        }
        let mut who = KnownContact::new(conflict.id.clone());
        who.external_id.clone_from(&given.external_id);
        who.email = given.email.as_deref().map(str::to_lowercase);
        self.take(&conflict, who, knowledge)
    }

    /// Updating the contact was refused because of another.
    pub(super) fn update_conflicts<K: Knowledge>(
        &mut self,
        given: &ContactFields,
        conflict: ContactConflict,
        knowledge: &mut K,
    ) -> Verdict {
        self.conflicts += 1;
        let Whereabouts::Found { who, .. } = &self.contact else {
            return failed(FailureCode::IdentityConflict);
        };
        if self.conflicts > MOST_CONFLICTS || who.id == conflict.id {
            return failed(FailureCode::IdentityConflict);
        }
        let is_new_id = given.external_id.is_some() && who.external_id != given.external_id;
        match (is_new_id, given.email.is_some()) {
            (true, true) => self.identify(conflict, None, knowledge),
            // A lead may be refused for the email that it has already.
            (true, false) if who.is_lead && conflict.archived => self.leave_email_out(conflict.id, None),
            (true, false) if self.email == Email::LeftOut(conflict.id.clone()) && conflict.archived => {
                // It was the external id before as well.
                let mut right = KnownContact::new(conflict.id.clone());
                right.external_id.clone_from(&given.external_id);
                self.email = Email::Given;
                self.take(&conflict, right, knowledge)
            }
            (true, false) => self.identify(conflict, None, knowledge),
            (false, true) => self.leave_email_out(conflict.id, None),
            // A lead with a user id that cannot become a user, because a user has its email: it stays what it is.
            (false, false) if who.is_lead && who.external_id.is_some() && !self.stays_lead => {
                self.stays_lead = true;
                Verdict::GoOn
            }
            (false, false) => failed(FailureCode::IdentityConflict),
        }
    }

    /// Goes on with who the contact is that is in the way, and asks Intercom if that is not known.
    fn identify<K: Knowledge>(
        &mut self,
        conflict: ContactConflict,
        creating: Option<Box<ContactFields>>,
        knowledge: &mut K,
    ) -> Verdict {
        let seen = self.others.iter().find(|who| who.id == conflict.id).cloned();
        match seen.or_else(|| knowledge.who(&conflict.id)) {
            Some(who) => self.met(&conflict, creating, who, knowledge),
            None => {
                self.detour = Some(Detour::Identify(conflict, creating));
                Verdict::GoOn
            }
        }
    }

    /// Intercom has said who the contact is that is in the way.
    pub(super) fn identified<K: Knowledge>(
        &mut self,
        conflict: &ContactConflict,
        creating: Option<Box<ContactFields>>,
        response: Response<'_>,
        knowledge: &mut K,
    ) -> Verdict {
        self.detour = None;
        match response.map(RetrieveContact::parse_response) {
            Ok(Ok(contact)) => self.met(conflict, creating, KnownContact::from(&contact), knowledge),
            Ok(Err(_)) => {
                self.detour = Some(Detour::Identify(conflict.clone(), creating));
                UNREADABLE
            }
            // An archived contact cannot be read. Without the email, Intercom says whether it is the one with the external id.
            Err(error) if is_gone(error) && conflict.archived => self.leave_email_out(conflict.id.clone(), creating),
            // It has gone meanwhile.
            Err(error) if is_gone(error) => {
                self.detour = creating.map(Detour::CreateContact);
                Verdict::GoOn
            }
            Err(error) => failure(error),
        }
    }

    /// The contact that is in the way is this one: it is the right one, or the email is somebody else's.
    fn met<K: Knowledge>(
        &mut self,
        conflict: &ContactConflict,
        creating: Option<Box<ContactFields>>,
        who: KnownContact,
        knowledge: &mut K,
    ) -> Verdict {
        let (external_id, shared_email) = self.mine(creating.as_deref());
        if self.others.iter().all(|other| other.id != who.id) {
            self.others.push(who.clone());
        }
        let is_mine = match (&self.contact, &external_id) {
            (Whereabouts::Found { .. }, Some(id)) => who.external_id.as_ref() == Some(id),
            (Whereabouts::Found { .. }, None) => false,
            (Whereabouts::Absent | Whereabouts::Unknown, id) => {
                let person = Person::new(id.clone(), who.email.as_deref());
                person.is_some_and(|person| {
                    let contact = Contact::from(who.clone());
                    person.with_shared_email(shared_email).is(&contact)
                })
            }
        };
        match is_mine {
            true => self.take(conflict, who, knowledge),
            false => self.leave_email_out(conflict.id.clone(), creating),
        }
    }

    /// The external id that the contact is given, and what an email that others have means.
    fn mine(&self, creating: Option<&ContactFields>) -> (Option<ExternalId>, SharedEmail) {
        let shared_email = match self.plan.lookup() {
            Some(Lookup::Person(person)) => person.shared_email,
            Some(Lookup::Field(_)) | None => SharedEmail::default(),
        };
        let fields = match (&*self.plan, &self.contact) {
            (Plan::SaveContact(plan), Whereabouts::Found { .. }) => Some(&plan.update),
            (Plan::SaveContact(plan), Whereabouts::Absent | Whereabouts::Unknown) => plan.create(),
            (Plan::DeleteContact(_) | Plan::SubmitEvent(_) | Plan::SaveCompany(_), _) => creating,
        };
        let id = fields.and_then(|fields| fields.external_id.clone());
        let of_lookup = || self.plan.lookup().and_then(Lookup::external_id).map(ExternalId::from);
        (id.or_else(of_lookup), shared_email)
    }

    /// The contact that is in the way is the right one.
    fn take<K: Knowledge>(&mut self, conflict: &ContactConflict, who: KnownContact, knowledge: &mut K) -> Verdict {
        let (id, external_id, email) = (&who.id, who.external_id.as_ref(), who.email.as_deref());
        knowledge.learn(&Fact::Taken { id, external_id, email });
        self.detour = match (conflict.archived, self.policies.archived) {
            (true, ArchivedPolicy::Restore) => Some(Detour::Unarchive(conflict.id.clone())),
            (true, ArchivedPolicy::Fail) => return failed(FailureCode::ContactArchived),
            (false, _) => None,
        };
        // Nothing has been done for this one.
        self.leaving = None;
        self.left = 0;
        self.found(who, false)
    }

    /// The contact is written without the email, which is somebody else's.
    fn leave_email_out(&mut self, whose: ContactId, creating: Option<Box<ContactFields>>) -> Verdict {
        if self.email != Email::Given {
            let is_lead = matches!(&self.contact, Whereabouts::Found { who, .. } if who.external_id.is_none());
            let can_create = matches!(&*self.plan, Plan::SaveContact(plan) if plan.create().is_some());
            if !(is_lead && can_create) {
                return failed(FailureCode::IdentityConflict);
            }
            // A lead that cannot become a user, because a user has its email: it stays what it is.
            self.contact = Whereabouts::Absent;
            self.detour = None;
            return Verdict::GoOn;
        }
        self.email = Email::LeftOut(whose);
        self.detour = creating.map(Detour::CreateContact);
        Verdict::GoOn
    }
}
