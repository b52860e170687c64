//! Which types read the examples of each operation.

use super::unread;
use intercom_api::drift::{Drift, Finding, findings};
use intercom_api::*;
use serde::Serialize;
use std::collections::BTreeMap;

/// Reads a body and writes it back.
type Rewrite<T> = Box<dyn Fn(&[u8]) -> Result<T, String>>;

/// The model of an operation.
pub(crate) struct Entry {
    /// The request's body, if it has one.
    pub(crate) request: Option<Rewrite<String>>,
    /// A request's body, if it has one.
    pub(crate) sample: Option<String>,
    /// The response's body, and where the response differs from its model.
    pub(crate) response: Rewrite<(String, Vec<Finding>)>,
}

/// An operation without a body.
fn bare<O: Operation>(_: &O) -> (OperationId, Entry)
where
    O::Response: Serialize + Drift,
{
    let entry = Entry {
        request: None,
        sample: None,
        response: Box::new(|body| {
            let response = O::parse_response(body).map_err(|error| unread(body, &error))?;
            let written = serde_json::to_string(&response).map_err(|error| error.to_string())?;
            Ok((written, findings(&response)))
        }),
    };
    (O::ID, entry)
}

/// An operation with a body.
fn full<O: Operation>(sample: &O, read: impl Fn(&[u8]) -> serde_json::Result<O> + 'static) -> (OperationId, Entry)
where
    O::Response: Serialize + Drift,
{
    let (id, mut entry) = bare(sample);
    let call = sample.to_call().expect("a call");
    entry.sample = call.body.map(|body| body.get().to_owned());
    entry.request = Some(Box::new(move |body| {
        let request = read(body).map_err(|error| unread(body, &error))?;
        let call = request.to_call().map_err(|error| error.to_string())?;
        Ok(call.body.map_or_else(String::new, |body| body.get().to_owned()))
    }));
    (id, entry)
}

/// The models of all operations.
pub(crate) fn entries() -> BTreeMap<OperationId, Entry> {
    let id = 1;
    let text = String::new;
    let query = SearchQuery::any([SearchQuery::filter("id", SearchOperator::Equals, "1")]);
    BTreeMap::from([
        bare(&IdentifyAdmin::new()),
        full(&SetAwayAdmin::new(id, true, true), |body| {
            SetAwayAdmin::from_body(1, body)
        }),
        bare(&ListActivityLogs::new(UnixSeconds(0))),
        bare(&ListAdmins::new()),
        bare(&RetrieveAdmin::new(id)),
        full(&UpsertCompany::new(CompanyFields::new()), UpsertCompany::from_body),
        bare(&FindCompany::ByName(text())),
        bare(&RetrieveCompany::new(id)),
        full(&UpdateCompany::new(id, CompanyFields::new()), |body| {
            UpdateCompany::from_body(1, body)
        }),
        bare(&DeleteCompany::new(id)),
        bare(&ListCompanyContacts::new(id)),
        bare(&ListCompanySegments::new(id)),
        bare(&ListCompanies::new()),
        bare(&ScrollCompanies::new()),
        full(&AttachCompany::new(id, id), |body| AttachCompany::from_body(1, body)),
        bare(&DetachCompany::new(id, id)),
        bare(&ListContactCompanies::new(id)),
        bare(&ListContactNotes::new(id)),
        full(&CreateNote::new(id, text()), |body| CreateNote::from_body(1, body)),
        bare(&RetrieveNote::new(id)),
        bare(&ListContactSegments::new(id)),
        bare(&ListContactSubscriptions::new(id)),
        full(&AttachSubscription::new(id, id, ConsentType::OptIn), |body| {
            AttachSubscription::from_body(1, body)
        }),
        bare(&DetachSubscription::new(id, id)),
        bare(&ListSubscriptionTypes::new()),
        bare(&ListContactTags::new(id)),
        full(&TagContact::new(id, id), |body| TagContact::from_body(1, body)),
        bare(&UntagContact::new(id, id)),
        full(&TagConversation::new(id, id, id), |body| {
            TagConversation::from_body(1, body)
        }),
        full(&UntagConversation::new(id, id, id), |body| {
            UntagConversation::from_body(1, 1, body)
        }),
        full(&TagTicket::new(id, id, id), |body| TagTicket::from_body(1, body)),
        full(&UntagTicket::new(id, id, id), |body| UntagTicket::from_body(1, 1, body)),
        bare(&ListTags::new()),
        full(&CreateTag::new(text()), CreateTag::from_body),
        bare(&FindTag::new(id)),
        bare(&DeleteTag::new(id)),
        full(&CreateContact::new(ContactFields::new()), CreateContact::from_body),
        full(&UpdateContact::new(id, ContactFields::new()), |body| {
            UpdateContact::from_body(1, body)
        }),
        bare(&RetrieveContact::new(id)),
        bare(&RetrieveContactByExternalId::new(id)),
        bare(&BlockContact::new(id)),
        bare(&DeleteContact::new(id)),
        full(&MergeContacts::new(id, id), MergeContacts::from_body),
        full(
            &SearchContacts::new(query).with_pagination(SearchPagination::new()),
            SearchContacts::from_body,
        ),
        bare(&ListContacts::new()),
        bare(&ArchiveContact::new(id)),
        bare(&UnarchiveContact::new(id)),
        bare(&ListDataAttributes::new()),
        full(
            &CreateDataAttribute::new(text(), DataAttributeModel::Contact, DataType::String),
            CreateDataAttribute::from_body,
        ),
        full(&UpdateDataAttribute::new(id), |body| {
            UpdateDataAttribute::from_body(1, body)
        }),
        full(
            &SubmitDataEvent::new(DataEvent::new(text())),
            SubmitDataEvent::from_body,
        ),
        bare(&ListDataEvents::new(EventsOf::Email(text()))),
        full(
            &SummariseDataEvents::new(id, EventSummary::new()),
            SummariseDataEvents::from_body,
        ),
        bare(&ListSegments::new()),
        bare(&RetrieveSegment::new(id)),
        full(&UpdateVisitor::new(VisitorFields::new()), UpdateVisitor::from_body),
        bare(&RetrieveVisitor::new(id)),
        full(
            &ConvertVisitor::new(VisitorIdentity::new(), ContactIdentity::new(), Role::User),
            ConvertVisitor::from_body,
        ),
        full(&RequestUserDeletion::new(id), RequestUserDeletion::from_body),
    ])
}

/// Another model of an operation that is among those.
pub(crate) fn tag_companies() -> (OperationId, Entry) {
    let companies = [TaggedCompany::new().with_id(1)];
    full(&TagCompanies::new("vip", companies), TagCompanies::from_body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_its_types() {
        let entries = entries();
        let missing: Vec<_> = OperationId::ALL.iter().filter(|id| !entries.contains_key(id)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
