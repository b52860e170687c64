//! Whether what the engine sends is what Intercom is documented to take.

use intercom_api::{
    Call, ContactFields, CreateContact, CreateDataAttribute, DataEvent, Operation, OperationId, SearchContacts,
    TagCompanies, UpsertCompany, Validate,
};

type Check = fn(&[u8]) -> Result<(), String>;

/// The operations whose bodies the engine fills.
const CHECKS: &[(OperationId, Check)] = &[
    (OperationId::SearchContacts, |body| {
        request(SearchContacts::from_body(body))
    }),
    (OperationId::CreateContact, |body| {
        request(CreateContact::from_body(body))
    }),
    (OperationId::UpdateContact, |body| valid(&read::<ContactFields>(body)?)),
    (OperationId::SubmitDataEvent, |body| valid(&read::<DataEvent>(body)?)),
    (OperationId::UpsertCompany, |body| {
        request(UpsertCompany::from_body(body))
    }),
    (OperationId::CreateTag, |body| request(TagCompanies::from_body(body))),
    (OperationId::CreateDataAttribute, |body| {
        request(CreateDataAttribute::from_body(body))
    }),
    // Nothing but an id, which cannot be wrong.
    (OperationId::AttachCompany, |_| Ok(())),
];

/// What Intercom would refuse of a call, as `Client::run` finds it for requests.
pub(super) fn refused(call: &Call) -> Option<String> {
    let body = call.body.as_ref()?;
    let checked = match CHECKS.iter().find(|(operation, _)| *operation == call.operation) {
        Some((_, check)) => check(body.get().as_bytes()),
        None => Err("nothing checks its body".to_owned()),
    };
    let why = checked.err()?;
    Some(format!("Intercom would refuse {}: {why}", call.operation))
}

fn request<O: Operation>(read: Result<O, serde_json::Error>) -> Result<(), String> {
    let request = read.map_err(|error| error.to_string())?;
    request.check().map_err(|errors| errors.to_string())
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|error| error.to_string())
}

fn valid(body: &impl Validate) -> Result<(), String> {
    body.validate().map_err(|errors| errors.to_string())
}
