//! `POST /v0|v1/destinations/intercom_v2/proxy`: requests that are delivered here.

use crate::gateway::{CallError, Gateway, Target};
use crate::metrics::{EventKind, EventOutcome};
use crate::protocol::json::{members, string};
use crate::protocol::{
    Authorization, BadRequest, ErrorCategory, ErrorType, Failure, ProxyAnswer, ProxyRequest, ProxyVersion, status,
};
use crate::settings::host;
use intercom_api::{ApiError, ApiVersion, Call, Contact, ContactId, Method, OperationId, Region, UnarchiveContact};
use intercom_delivery::{Answer, ArchivedPolicy};
use rudderstack_to_intercom::{Lookup, LookupField};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Makes the request and answers for its jobs: HTTP status and body.
pub(crate) async fn deliver(
    gateway: &Gateway,
    version: ProxyVersion,
    body: &str,
) -> Result<(u16, Vec<u8>), BadRequest> {
    let request = ProxyRequest::from_json(body)?;
    let answer = match Delivery::new(gateway, &request) {
        Ok(delivery) => delivery.run().await,
        Err(failure) => failed(failure, 0, Vec::new()),
    };
    let outcome = match &answer.failure {
        None => EventOutcome::Delivered,
        Some(failure) if failure.is_retryable() => EventOutcome::Retried,
        Some(_) => EventOutcome::Aborted,
    };
    let jobs = u64::try_from(request.metadata.len()).unwrap_or(u64::MAX);
    gateway.metrics.events(EventKind::Delivery, outcome, jobs);
    Ok((answer.http_status(version), answer.to_json(version, &request)))
}

/// A request that is understood.
struct Delivery<'g, 'r> {
    gateway: &'g Gateway,
    region: Region,
    base_url: Cow<'static, str>,
    authorization: Authorization,
    version: ApiVersion,
    workspace_id: Option<Cow<'r, str>>,
    call: Call,
    body: Option<&'r RawValue>,
}

impl<'g, 'r> Delivery<'g, 'r> {
    fn new(gateway: &'g Gateway, request: &'r ProxyRequest<'r>) -> Result<Self, Failure> {
        let metadata = request.first_metadata();
        let version = request
            .header("intercom-version")
            .and_then(|text| text.parse().ok())
            .unwrap_or(gateway.settings.api_version);
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
        let endpoint: http::Uri = request
            .endpoint
            .parse()
            .map_err(|_| unknown("the endpoint is not a URL"))?;
        let region = [Region::Us, Region::Europe, Region::Australia]
            .into_iter()
            .find(|region| endpoint.host() == Some(host(*region)));
        let region = match region {
            Some(region) => region,
            // A token is sent to Intercom only, or to where the operator says.
            None if gateway.settings.intercom_base_url.is_none() => return Err(unknown("the host is not Intercom's")),
            None => Region::default(),
        };
        let mut call = operation_of(&request.method, endpoint.path())
            .map(|(operation, method)| Call::new(operation, method, endpoint.path()))
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
            gateway,
            region,
            base_url: gateway.base_url(region),
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
                .gateway
                .contacts
                .scope(&self.base_url, self.authorization.token(), workspace_id),
        }
    }

    async fn run(self) -> ProxyAnswer<'static> {
        let target = self.target();
        let result = match self.gateway.send(&target, &self.call).await {
            Err(CallError::Answered(error, body)) => match (self.call.operation, error.status) {
                (OperationId::CreateContact, 409) => return self.recover(&target, *error, body).await,
                (OperationId::UpdateContact, 404 | 410) => self.follow(&target, *error, body).await,
                _ => Err(CallError::Answered(error, body)),
            },
            other => other,
        };
        match result {
            Ok(answer) => self.delivered(&target, answer),
            Err(error) => refused(error),
        }
    }

    fn delivered(&self, target: &Target<'_>, answer: Answer) -> ProxyAnswer<'static> {
        match self.call.operation {
            OperationId::CreateContact | OperationId::UpdateContact => {
                if let Ok(contact) = serde_json::from_slice::<Contact>(&answer.body) {
                    let [external_id, email] = self.identities();
                    let contacts = &self.gateway.contacts;
                    contacts.written(target.scope, external_id.as_deref(), email.as_deref(), &contact.id);
                }
            }
            OperationId::DeleteContact => {
                if let Some(id) = self.contact_of_path() {
                    self.gateway.contacts.forget(&id);
                }
            }
            _ => {}
        }
        ProxyAnswer {
            status: answer.status,
            failure: None,
            is_unauthorized: false,
            intercom_status: answer.status,
            body: Cow::Owned(answer.body),
        }
    }

    /// There is a contact already with what another was to be created with: it is updated.
    async fn recover(&self, target: &Target<'_>, error: ApiError, body: Vec<u8>) -> ProxyAnswer<'static> {
        let Some(conflict) = error.conflicting_contact() else {
            return retried(
                "conflict: Intercom does not say which contact there is already",
                error.status,
                body,
            );
        };
        if conflict.archived {
            if self.gateway.settings.on_archived == ArchivedPolicy::Fail {
                return refused(CallError::Answered(Box::new(error), body));
            }
            let unarchive = UnarchiveContact {
                id: conflict.id.clone(),
            };
            match self.gateway.run(target, &unarchive).await {
                Ok(_) | Err(CallError::Unreadable) => {}
                Err(error) => return failed_recovery(error),
            }
        }
        match self.gateway.send(target, &self.update_of(&conflict.id)).await {
            Ok(answer) => self.delivered(target, answer),
            Err(error) => failed_recovery(error),
        }
    }

    /// The contact to be updated is gone: merged, perhaps. Its identities may lead to the one that is there now.
    async fn follow(&self, target: &Target<'_>, error: ApiError, body: Vec<u8>) -> Result<Answer, CallError> {
        let gone = self.contact_of_path();
        if let Some(id) = &gone {
            self.gateway.contacts.forget(id);
        }
        let [external_id, email] = self.identities();
        let lookups = [
            external_id.map(|id| Lookup::new(LookupField::EXTERNAL_ID, id.as_ref())),
            email.map(|email| Lookup::new(LookupField::EMAIL, email.to_lowercase())),
        ];
        for lookup in lookups.into_iter().flatten() {
            let hits = self
                .gateway
                .run(target, &lookup.search())
                .await?
                .data
                .unwrap_or_default();
            if let Some(contact) = lookup.best(&hits)
                && Some(&contact.id) != gone.as_ref()
            {
                return self.gateway.send(target, &self.update_of(&contact.id)).await;
            }
        }
        Err(CallError::Answered(Box::new(error), body))
    }

    fn update_of(&self, id: &ContactId) -> Call {
        let path = format!("/contacts/{}", intercom_api::operation::encode(id.as_str()));
        let mut call = Call::new(OperationId::UpdateContact, Method::Put, path);
        call.body = self.body.map(ToOwned::to_owned);
        call
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
        Some(ContactId::new(id))
    }
}

/// The operation of a request, if it is one of those that the router returns.
fn operation_of(method: &str, path: &str) -> Option<(OperationId, Method)> {
    let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    if segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
        return None;
    }
    let method: Method = method.to_ascii_uppercase().parse().ok()?;
    let operation = match (method, segments.as_slice()) {
        (Method::Post, ["contacts"]) => OperationId::CreateContact,
        (Method::Put, ["contacts", _]) => OperationId::UpdateContact,
        (Method::Delete, ["contacts", _]) => OperationId::DeleteContact,
        (Method::Post, ["events"]) => OperationId::SubmitDataEvent,
        (Method::Post, ["companies"]) => OperationId::UpsertCompany,
        (Method::Post, ["contacts", _, "companies"]) => OperationId::AttachCompany,
        (Method::Post, ["contacts", "search"]) => OperationId::SearchContacts,
        (Method::Post, ["tags"]) => OperationId::CreateTag,
        _ => return None,
    };
    Some((operation, method))
}

/// What a call that did not succeed means to rudder-server.
fn refused(error: CallError) -> ProxyAnswer<'static> {
    let message = error.to_string();
    let CallError::Answered(answer, body) = error else {
        return failed(error.into(), 0, Vec::new());
    };
    let (status, error_type) = match answer.status {
        401 => (status::ABORTED, ErrorType::Aborted),
        408 => (status::RETRYABLE, ErrorType::Retryable),
        status @ 429 => (status, ErrorType::Throttled),
        status @ 500..=599 => (status, ErrorType::Retryable),
        status @ 400..=499 => (status, ErrorType::Aborted),
        _ => (status::RETRYABLE, ErrorType::Retryable),
    };
    let failure = Failure::new(status, ErrorCategory::Network, error_type, message);
    ProxyAnswer {
        is_unauthorized: answer.status == 401,
        ..failed(failure, answer.status, body)
    }
}

/// The recovery from a conflict failed; the next attempt may find another state.
fn failed_recovery(error: CallError) -> ProxyAnswer<'static> {
    let message = format!("conflict: recovery failed: {error}");
    match error {
        CallError::Answered(answer, body) if !matches!(answer.status, 401 | 429) => {
            retried(message, answer.status, body)
        }
        other => refused(other),
    }
}

fn retried(message: impl Into<String>, intercom_status: u16, body: Vec<u8>) -> ProxyAnswer<'static> {
    failed(Failure::retryable(message), intercom_status, body)
}

fn failed(failure: Failure, intercom_status: u16, body: Vec<u8>) -> ProxyAnswer<'static> {
    ProxyAnswer {
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
            assert_eq!(
                operation_of(method, path).map(|(operation, _)| operation),
                Some(operation),
                "{path}"
            );
        }
        for (method, path) in [
            ("GET", "/me"),
            ("DELETE", "/companies/5"),
            ("PUT", "/contacts/.."),
            ("PUT", "/contacts/"),
            ("PATCH", "/contacts/5"),
            ("POST", "/contacts//companies"),
            ("POST", ""),
        ] {
            assert_eq!(operation_of(method, path), None, "{method} {path}");
        }
    }
}
