//! `POST /v0|v1/destinations/intercom_v2/proxy`: requests that are delivered here.

use crate::contacts::{Contacts, Scope};
use crate::intercom::{IntercomClient, SendError, Target};
use crate::metrics::{EventKind, EventOutcome};
use crate::protocol::json::{members, string};
use crate::protocol::{
    Authorization, BadRequest, ErrorCategory, ErrorType, Failure, ProxyRequest, ProxyResponse, ProxyVersion, status,
};
use crate::steps::Steps;
use intercom_api::{ApiError, ApiVersion, Call, Contact, ContactFields, ContactId, Method, OperationId, Region, Route};
use intercom_delivery::{
    Ending, Fact, FailureCode, Knowledge, Next, Permit, Response, Rewritten, Verdict, Walk, Write,
};
use rudderstack_to_intercom::{Lookup, Missing, Person, Plan, SaveContact};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::convert::Infallible;

/// Makes the request and answers for its jobs: HTTP status and body.
pub(crate) async fn deliver(
    intercom: &IntercomClient,
    version: ProxyVersion,
    body: &str,
) -> Result<(u16, Vec<u8>), BadRequest> {
    let request = ProxyRequest::from_json(body)?;
    let response = match Delivery::new(intercom, &request) {
        Ok(delivery) => delivery.run().await,
        Err(failure) => failed(failure, 0, Vec::new()),
    };
    let outcome = match &response.failure {
        None => EventOutcome::Delivered,
        Some(failure) if failure.is_retryable() => EventOutcome::Retried,
        Some(_) => EventOutcome::Aborted,
    };
    let jobs = u64::try_from(request.metadata.len()).unwrap_or(u64::MAX);
    intercom.metrics.events(EventKind::Delivery, outcome, jobs);
    Ok((response.http_status(version), response.to_json(version, &request)))
}

/// The region that an endpoint belongs to, and the path and query below its host.
fn place(intercom: &IntercomClient, endpoint: &str) -> Option<(Region, http::Uri)> {
    let regions = [Region::Us, Region::Europe, Region::Australia];
    let below = |base: &str| endpoint.strip_prefix(base).filter(|rest| rest.starts_with('/'));
    let of_settings = regions
        .iter()
        .find_map(|region| Some((*region, below(&intercom.base_url(*region))?)));
    let of_intercom = || {
        regions
            .iter()
            .find_map(|region| Some((*region, below(region.base_url())?)))
    };
    let (region, rest) = of_settings.or_else(of_intercom)?;
    Some((region, rest.parse().ok()?))
}

/// A request that is understood.
struct Delivery<'g, 'r> {
    intercom: &'g IntercomClient,
    region: Region,
    base_url: Cow<'static, str>,
    authorization: Authorization,
    version: ApiVersion,
    workspace_id: Option<Cow<'r, str>>,
    call: Call,
    body: Option<&'r RawValue>,
}

impl<'g, 'r> Delivery<'g, 'r> {
    fn new(intercom: &'g IntercomClient, request: &'r ProxyRequest<'r>) -> Result<Self, Failure> {
        let metadata = request.first_metadata();
        let version = request
            .header("intercom-version")
            .and_then(|text| text.parse().ok())
            .unwrap_or(intercom.settings.api_version);
        let authorization = request
            .header("authorization")
            .and_then(|header| Authorization::new(header.strip_prefix("Bearer ")?, version))
            .or_else(|| Authorization::new(&metadata.access_token()?, version))
            .ok_or_else(Failure::no_token)?;
        let unknown = |what: &str| {
            let (category, error_type) = (ErrorCategory::DataValidation, ErrorType::Configuration);
            Failure::new(
                status::ABORTED,
                category,
                error_type,
                format!("unknown_endpoint: {what}"),
            )
        };
        // A token is sent to Intercom only, or to where the operator says.
        let (region, endpoint) = place(intercom, &request.endpoint)
            .ok_or_else(|| unknown("the endpoint is neither Intercom's nor below the base URL that is set"))?;
        let mut call = operation_of(&request.method, endpoint.path())
            .map(|operation| Call::new(operation, endpoint.path()))
            .ok_or_else(|| unknown("no such call is ever returned"))?;
        for pair in endpoint
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty())
        {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decode = |text| {
                percent_encoding::percent_decode_str(text)
                    .decode_utf8_lossy()
                    .into_owned()
            };
            call.query.push((Cow::Owned(decode(name)), decode(value)));
        }
        for (name, value) in request.params.iter() {
            if let Some(value) = value.scalar() {
                call.query
                    .push((Cow::Owned(name.to_owned()), value.into_text().into_owned()));
            }
        }
        let has_body = matches!(call.method, Method::Post | Method::Put);
        let body = request.body.filter(|_| has_body);
        call.body = body.map(ToOwned::to_owned);
        Ok(Self {
            intercom,
            region,
            base_url: intercom.base_url(region),
            authorization,
            version,
            workspace_id: metadata.workspace_id,
            call,
            body,
        })
    }

    fn target(&self) -> Target<'_> {
        let workspace_id = self.workspace_id.as_deref();
        Target {
            base_url: &self.base_url,
            region: self.region,
            authorization: &self.authorization,
            version: self.version,
            scope: self
                .intercom
                .contacts
                .scope(&self.base_url, self.authorization.token(), workspace_id),
        }
    }

    async fn run(self) -> ProxyResponse<'static> {
        let steps = Steps {
            intercom: self.intercom,
            target: self.target(),
        };
        let (error, body) = match self.intercom.send(&steps.target, &self.call).await {
            Ok(response) => return self.delivered(&steps.target, response),
            Err(SendError::Answered(error, body)) => (error, body),
            Err(error) => return refused(error),
        };
        for walk in self.walks() {
            match self.recover(&steps, walk, &error).await {
                Ok(Some(response)) => return self.delivered(&steps.target, response),
                Ok(None) => {}
                Err(failed) if error.status == 409 => return failed_recovery(failed),
                Err(failed) => return refused(failed),
            }
        }
        if self.call.operation == OperationId::CreateContact
            && error.status == 409
            && error.conflicting_contact().is_none()
        {
            let message = "conflict: Intercom does not say which contact there is already";
            return retried(message, error.status, body);
        }
        refused(SendError::Answered(error, body))
    }

    /// The plans whose last write this call can be, from there.
    fn walks(&self) -> Vec<Walk> {
        let policies = self.intercom.settings.policies();
        let contact = match self.call.operation {
            OperationId::CreateContact => None,
            OperationId::UpdateContact => self.contact_of_path(),
            OperationId::SubmitDataEvent => {
                let event = self.body.and_then(|body| serde_json::from_str(body.get()).ok());
                let plan = event.map(Plan::SubmitEvent);
                return plan.into_iter().map(|plan| Walk::new(plan, policies)).collect();
            }
            _ => return Vec::new(),
        };
        let Some(fields) = self
            .body
            .and_then(|body| serde_json::from_str::<ContactFields>(body.get()).ok())
        else {
            return Vec::new();
        };
        // A contact who is gone has been merged, perhaps: the identities may lead to the one who is there now.
        let Some(person) = Person::new(fields.external_id.clone(), fields.email.as_deref()) else {
            return Vec::new();
        };
        let mut plan = SaveContact::new(person.into(), fields);
        if contact.is_some() {
            plan.missing = Missing::Reject;
        }
        vec![Walk::after_lookup(Plan::SaveContact(plan), policies, contact)]
    }

    /// Goes on after the error: with what Intercom has answered in the end, or with nothing if there is no way on.
    async fn recover(
        &self,
        steps: &Steps<'_>,
        mut walk: Walk,
        error: &ApiError,
    ) -> Result<Option<Response>, SendError> {
        let [external_id, email] = self.identities();
        let mut known = Recovering {
            contacts: &self.intercom.contacts,
            scope: steps.target.scope,
            body: self.body,
            external_id,
            email,
            gone: None,
        };
        // This is the call that was made.
        let _ = walk.next(&mut known);
        let mut verdict = walk.handle_response(Err(error), &mut known);
        let mut last = None;
        loop {
            match verdict {
                Verdict::GoOn => {}
                Verdict::End(Ending::Delivered) => return last.transpose(),
                Verdict::End(Ending::Rejected(_) | Ending::Failed(FailureCode::UnknownContact)) => return Ok(None),
                Verdict::End(Ending::Failed(_)) | Verdict::Retry(_) => {
                    return match last {
                        Some(Ok(_)) => Err(SendError::Unreadable),
                        last => last.transpose(),
                    };
                }
            }
            let call = match walk.next(&mut known) {
                Next::LastWrite(call) if call.operation == OperationId::SubmitDataEvent && walk.lead().is_none() => {
                    self.call.clone()
                }
                Next::Call(call) | Next::LastWrite(call) => call,
                Next::Wait(never) => match never {},
                Next::End(_) => return last.transpose(),
            };
            let (made, next) = steps.make(&mut walk, &call, &mut known).await;
            (last, verdict) = (Some(made), next);
        }
    }

    fn delivered(&self, target: &Target<'_>, response: Response) -> ProxyResponse<'static> {
        match self.call.operation {
            OperationId::CreateContact | OperationId::UpdateContact => {
                if let Ok(contact) = serde_json::from_slice::<Contact>(&response.body) {
                    let [external_id, email] = self.identities();
                    let contacts = &self.intercom.contacts;
                    contacts.written(target.scope, external_id.as_deref(), email.as_deref(), &contact.id);
                }
            }
            OperationId::DeleteContact => {
                if let Some(id) = self.contact_of_path() {
                    self.intercom.contacts.forget(&id);
                }
            }
            _ => {}
        }
        ProxyResponse {
            status: response.status,
            failure: None,
            is_unauthorized: false,
            intercom_status: response.status,
            body: Cow::Owned(response.body),
        }
    }

    /// The external id and the email in the body.
    fn identities(&self) -> [Option<Cow<'r, str>>; 2] {
        let text = |raw: Option<&'r RawValue>| raw.and_then(string).filter(|text| !text.is_empty());
        let found = self.body.and_then(|body| members(body, ["external_id", "email"]));
        found.unwrap_or_default().map(text)
    }

    fn contact_of_path(&self) -> Option<ContactId> {
        let id = self.call.path.split('/').nth(2)?;
        let id = percent_encoding::percent_decode_str(id).decode_utf8().ok()?;
        id.parse().ok()
    }
}

/// What is known of a contact whose request is delivered here.
struct Recovering<'a> {
    contacts: &'a Contacts,
    scope: Scope,
    body: Option<&'a RawValue>,
    external_id: Option<Cow<'a, str>>,
    email: Option<Cow<'a, str>>,
    gone: Option<ContactId>,
}

impl Knowledge for Recovering<'_> {
    type Busy = Infallible;

    fn correct(&mut self, _: &Lookup, hits: &mut Vec<Contact>) {
        hits.retain(|hit| Some(&hit.id) != self.gone.as_ref());
    }

    fn permit(&mut self, write: &Write<'_>) -> Permit<Infallible> {
        match (write, self.body) {
            // As it came, unless something has to be left out.
            (
                Write::Contact {
                    undefined: [],
                    is_email_taken: false,
                    ..
                },
                Some(body),
            ) => Permit::With(Rewritten {
                body: body.to_owned(),
                dropped: Vec::new(),
                missing: Vec::new(),
                is_full: false,
            }),
            _ => Permit::AsPlanned,
        }
    }

    fn learn(&mut self, fact: &Fact<'_>) {
        match *fact {
            Fact::ContactGone { id, .. } => {
                self.contacts.forget(id);
                self.gone = Some(id.clone());
            }
            Fact::Saved { id, .. } => {
                let (external_id, email) = (self.external_id.as_deref(), self.email.as_deref());
                self.contacts.written(self.scope, external_id, email, id);
            }
            _ => {}
        }
    }
}

/// The operation of a request, if it is one of those that the router returns.
fn operation_of(method: &str, path: &str) -> Option<OperationId> {
    let route = Route::find(method.to_ascii_uppercase().parse().ok()?, path)?;
    // What decodes a path before it looks at its segments would see others.
    if route.parameters().any(|parameter| parameter.contains(['/', '\\'])) {
        return None;
    }
    let is_returned = matches!(
        route.operation,
        OperationId::CreateContact
            | OperationId::UpdateContact
            | OperationId::DeleteContact
            | OperationId::SubmitDataEvent
            | OperationId::UpsertCompany
            | OperationId::AttachCompany
            | OperationId::SearchContacts
            | OperationId::CreateTag
    );
    is_returned.then_some(route.operation)
}

/// What a call that did not succeed means to rudder-server.
fn refused(error: SendError) -> ProxyResponse<'static> {
    let message = error.to_string();
    let SendError::Answered(response, body) = error else {
        return failed(error.into(), 0, Vec::new());
    };
    let (status, error_type) = match response.status {
        401 => (status::ABORTED, ErrorType::Aborted),
        408 => (status::RETRYABLE, ErrorType::Retryable),
        status @ 429 => (status, ErrorType::Throttled),
        status @ 500..=599 => (status, ErrorType::Retryable),
        status @ 400..=499 => (status, ErrorType::Aborted),
        _ => (status::RETRYABLE, ErrorType::Retryable),
    };
    let failure = Failure::new(status, ErrorCategory::Network, error_type, message);
    ProxyResponse {
        is_unauthorized: response.status == 401,
        ..failed(failure, response.status, body)
    }
}

/// The recovery from a conflict failed; the next attempt may find another state.
fn failed_recovery(error: SendError) -> ProxyResponse<'static> {
    let message = format!("conflict: recovery failed: {error}");
    match error {
        SendError::Answered(response, body) if !matches!(response.status, 401 | 429) => {
            retried(message, response.status, body)
        }
        other => refused(other),
    }
}

fn retried(message: impl Into<String>, intercom_status: u16, body: Vec<u8>) -> ProxyResponse<'static> {
    failed(Failure::retryable(message), intercom_status, body)
}

fn failed(failure: Failure, intercom_status: u16, body: Vec<u8>) -> ProxyResponse<'static> {
    ProxyResponse {
        status: failure.status,
        failure: Some(failure),
        is_unauthorized: false,
        intercom_status,
        body: Cow::Owned(body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_calls_that_are_returned_are_made() {
        for (method, path, operation) in [
            ("POST", "/contacts", OperationId::CreateContact),
            ("put", "/contacts/5", OperationId::UpdateContact),
            ("DELETE", "/contacts/5", OperationId::DeleteContact),
            ("POST", "/contacts/5/companies", OperationId::AttachCompany),
            ("POST", "/contacts/search", OperationId::SearchContacts),
            ("POST", "/events", OperationId::SubmitDataEvent),
        ] {
            assert_eq!(operation_of(method, path), Some(operation), "{path}");
        }
        for (method, path) in [
            ("GET", "/me"),
            ("DELETE", "/companies/5"),
            ("PUT", "/contacts/.."),
            ("PUT", "/contacts/"),
            ("PUT", "/contacts/%2e%2E"),
            ("PUT", "/contacts/5%2f..%2fcompanies"),
            ("PUT", "/contacts/5%5Ccompanies"),
            ("POST", "//contacts"),
            ("POST", "/contacts/%2E./companies"),
            ("PATCH", "/contacts/5"),
            ("POST", "/contacts//companies"),
            ("POST", ""),
        ] {
            assert_eq!(operation_of(method, path), None, "{method} {path}");
        }
    }
}
