//! What each operation does, one family a file.

mod admins;
mod attributes;
mod companies;
mod contacts;
mod events;
mod links;
mod notes;
mod success;
mod tags;

pub(crate) use attributes::definition_view;
pub(crate) use success::Success;

use crate::error::ApiError;
use crate::json::object;
use crate::request::UnixMillis;
use crate::target::Target;
use crate::workspace::Workspace;
use intercom_api::OperationId;
use success::{Outcome, empty_list};

impl Workspace {
    /// Does what a request asks for.
    pub(crate) fn perform(&mut self, target: &Target<'_>, body: &[u8], now: UnixMillis) -> Outcome {
        use OperationId as Op;
        match target.operation {
            Op::CreateContact => self.create_contact(body, now),
            Op::UpdateContact => self.update_contact(target.first(), body, now),
            Op::RetrieveContact => self.retrieve_contact(target.first()),
            Op::RetrieveContactByExternalId => self.retrieve_contact_by_external_id(target.first()),
            Op::BlockContact => self.block_contact(target.first(), now),
            Op::DeleteContact => self.delete_contact(target.first()),
            Op::MergeContacts => self.merge_contacts(body, now),
            Op::SearchContacts => self.search_contacts(body, now),
            Op::ListContacts => self.list_contacts(target),
            Op::ArchiveContact => self.set_archived(target.first(), true, now),
            Op::UnarchiveContact => self.set_archived(target.first(), false, now),
            Op::RequestUserDeletion => self.request_user_deletion(body),

            Op::UpsertCompany => self.upsert_company(body, now),
            Op::FindCompany => self.find_company(target),
            Op::RetrieveCompany => self.retrieve_company(target.first()),
            Op::UpdateCompany => self.update_company(target.first(), body, now),
            Op::DeleteCompany => self.delete_company(target.first()),
            Op::ListCompanies => self.list_companies(target),
            Op::ScrollCompanies => self.scroll_companies(target, now),
            Op::ListCompanyContacts => self.list_company_contacts(target),
            Op::ListCompanySegments => self.company(target.first()).map(|_| empty_list()),
            Op::AttachCompany => self.attach_company(target.first(), body),
            Op::DetachCompany => self.detach_company(target.first(), target.second()),
            Op::ListContactCompanies => self.list_contact_companies(target),

            Op::CreateTag => self.create_tag(body, now),
            Op::ListTags => Ok(self.list_tags()),
            Op::FindTag => self.find_tag(target.first()),
            Op::DeleteTag => self.delete_tag(target.first(), now),
            Op::TagContact => self.tag_contact(target.first(), body, now),
            Op::UntagContact => self.untag_contact(target.first(), target.second(), now),
            Op::ListContactTags => self.list_contact_tags(target.first()),

            Op::SubmitDataEvent => self.submit_event(body),
            Op::ListDataEvents => self.list_events(target),
            Op::SummariseDataEvents => self.summarise_events(body),

            Op::ListDataAttributes => self.list_data_attributes(target),
            Op::CreateDataAttribute => self.create_data_attribute(body, now),
            Op::UpdateDataAttribute => self.update_data_attribute(target.first(), body, now),

            Op::CreateNote => self.create_note(target.first(), body, now),
            Op::ListContactNotes => self.list_contact_notes(target),
            Op::RetrieveNote => self.retrieve_note(target.first()),

            Op::IdentifyAdmin => Ok(admins::me()),
            Op::ListAdmins => Ok(admins::list()),
            Op::RetrieveAdmin => admins::retrieve(target.first()),
            Op::SetAwayAdmin => admins::set_away(target.first(), body),
            Op::ListActivityLogs => Ok(admins::activity_logs()),

            Op::ListContactSegments | Op::ListContactSubscriptions => {
                self.contact(target.first()).map(|_| empty_list())
            }
            Op::ListSegments => Ok(Success::json(&object! { "type": "segment.list", "segments": [(); 0] })),
            Op::ListSubscriptionTypes => Ok(empty_list()),

            Op::RetrieveSegment
            | Op::AttachSubscription
            | Op::DetachSubscription
            | Op::RetrieveVisitor
            | Op::UpdateVisitor
            | Op::ConvertVisitor
            | Op::TagConversation
            | Op::UntagConversation
            | Op::TagTicket
            | Op::UntagTicket => Err(ApiError::not_implemented(target.operation)),
        }
    }
}
