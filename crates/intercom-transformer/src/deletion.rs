//! `POST /deleteUsers`: people are resolved to contacts, and these are erased.

use crate::gateway::{CallError, Gateway, Target};
use crate::metrics::{EventKind, EventOutcome};
use crate::protocol::{
    Authorization, BadRequest, DeletionAnswer, DeletionJob, Failure, UserAttributes, access_token, is_destination_type,
};
use crate::router::Refusal;
use futures_util::{StreamExt as _, TryStreamExt as _};
use intercom_api::{ContactFields, ContactId, CreateContact, DeleteContact, RequestUserDeletion};
use rudderstack_to_intercom::{Lookup, LookupField};

/// Erases the users of all jobs: HTTP status and body. `secret` is the JSON text of the destination's secret.
pub(crate) async fn delete_users(
    gateway: &Gateway,
    body: &str,
    secret: Option<&str>,
) -> Result<(u16, Vec<u8>), Refusal> {
    let jobs = DeletionJob::all_from_json(body).map_err(Refusal::Bad)?;
    if jobs.is_empty() {
        let pointer = "/0";
        return Err(Refusal::Bad(BadRequest::Missing {
            pointer,
            expected: "a job",
        }));
    }
    let is_other = |job: &DeletionJob<'_>| {
        job.destination_type
            .as_deref()
            .is_some_and(|name| !is_destination_type(name))
    };
    if jobs.iter().any(is_other) {
        return Err(Refusal::OtherDestination);
    }
    let token = secret.and_then(access_token);
    let mut answers = Vec::with_capacity(jobs.len());
    for job in &jobs {
        let authorization = token
            .as_deref()
            .and_then(|token| Authorization::new(token, gateway.settings.api_version));
        let result = match authorization {
            Some(authorization) => run(gateway, job, &authorization).await,
            None => Err(Failure::no_token()),
        };
        let outcome = match &result {
            Ok(()) => EventOutcome::Delivered,
            Err(failure) if failure.is_retryable() => EventOutcome::Retried,
            Err(_) => EventOutcome::Aborted,
        };
        gateway.metrics.events(EventKind::Deletion, outcome, 1);
        answers.push(match result {
            Ok(()) => DeletionAnswer::successful(),
            Err(failure) => DeletionAnswer::failed(&failure),
        });
    }
    // The regulation worker takes a 200 for all done, whatever the jobs say.
    let worst = answers.iter().map(|answer| answer.status_code).max().unwrap_or(200);
    Ok((worst, serde_json::to_vec(&answers).unwrap_or_default()))
}

async fn run(gateway: &Gateway, job: &DeletionJob<'_>, authorization: &Authorization) -> Result<(), Failure> {
    let region = job.destination.region;
    let base_url = gateway.base_url(region);
    let target = Target {
        base_url: &base_url,
        region,
        authorization,
        version: gateway.settings.api_version,
        scope: gateway.contacts.scope(&base_url, authorization.token(), None),
    };
    let users: Vec<_> = job.users.iter().map(|user| erase(gateway, &target, user)).collect();
    let work = futures_util::stream::iter(users)
        .buffer_unordered(gateway.settings.max_calls_per_request.get())
        .try_collect::<()>();
    match tokio::time::timeout(gateway.settings.request_timeout, work).await {
        Ok(result) => result.map_err(Failure::from),
        Err(_) => Err(Failure::retryable(
            "request_timeout: Intercom took too long; the job can be sent again",
        )),
    }
}

async fn erase(gateway: &Gateway, target: &Target<'_>, user: &UserAttributes) -> Result<(), CallError> {
    for id in resolve(gateway, target, user).await? {
        gateway.contacts.forget(&id);
        match gateway.run(target, &RequestUserDeletion { intercom_user_id: id }).await {
            Ok(_) | Err(CallError::Unreadable) => {}
            // Gone already.
            Err(error) if error.is_status(&[404, 410]) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The contacts that are the user: by external id, else by email, else one that no search finds.
async fn resolve(gateway: &Gateway, target: &Target<'_>, user: &UserAttributes) -> Result<Vec<ContactId>, CallError> {
    let lookups = [
        user.user_id
            .as_ref()
            .map(|id| Lookup::new(LookupField::EXTERNAL_ID, id.as_str())),
        user.email
            .as_ref()
            .map(|email| Lookup::new(LookupField::EMAIL, email.to_lowercase())),
    ];
    for lookup in lookups.into_iter().flatten() {
        let hits = gateway.run(target, &lookup.search()).await?.data.unwrap_or_default();
        if !hits.is_empty() {
            return Ok(hits.into_iter().map(|contact| contact.id).collect());
        }
    }
    hidden(gateway, target, user).await
}

/// The contact that no search finds, because it is archived or new: only the attempt to create it again tells.
async fn hidden(gateway: &Gateway, target: &Target<'_>, user: &UserAttributes) -> Result<Vec<ContactId>, CallError> {
    if user.user_id.is_none() && user.email.is_none() {
        return Ok(Vec::new());
    }
    let mut contact = ContactFields::new();
    contact.external_id = user.user_id.as_deref().map(Into::into);
    contact.email.clone_from(&user.email);
    match gateway.run(target, &CreateContact { contact }).await {
        Ok(created) => {
            // There was none, and there shall be none.
            gateway.run(target, &DeleteContact { id: created.id }).await?;
            Ok(Vec::new())
        }
        Err(CallError::Answered(error, body)) => match error.conflicting_contact() {
            Some(conflict) => Ok(vec![conflict.id]),
            None => Err(CallError::Answered(error, body)),
        },
        Err(error) => Err(error),
    }
}
