//! `POST /deleteUsers`: people are resolved to contacts, and these are erased.

use crate::intercom::{IntercomClient, SendError, Target};
use crate::metrics::{EventKind, EventOutcome};
use crate::protocol::{
    Authorization, BadRequest, DeletionJob, DeletionResponse, Failure, UserAttributes, access_token,
    is_destination_type,
};
use crate::router::Refusal;
use futures_util::StreamExt as _;
use intercom_delivery::{Erasure, ErasureError, Response, ResponseError};

/// Erases the users of all jobs: HTTP status and body. `secret` is the JSON text of the destination's secret.
pub(crate) async fn delete_users(
    intercom: &IntercomClient,
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
    let mut responses = Vec::with_capacity(jobs.len());
    for job in &jobs {
        let authorization = token
            .as_deref()
            .and_then(|token| Authorization::new(token, intercom.settings.api_version));
        let result = match authorization {
            Some(authorization) => run(intercom, job, &authorization).await,
            None => Err(Failure::no_token()),
        };
        let outcome = match &result {
            Ok(()) => EventOutcome::Delivered,
            Err(failure) if failure.is_retryable() => EventOutcome::Retried,
            Err(_) => EventOutcome::Aborted,
        };
        intercom.metrics.events(EventKind::Deletion, outcome, 1);
        responses.push(match result {
            Ok(()) => DeletionResponse::successful(),
            Err(failure) => DeletionResponse::failed(&failure),
        });
    }
    // The regulation worker takes a 200 for all done, whatever the jobs say.
    let worst = responses
        .iter()
        .map(|response| response.status_code)
        .max()
        .unwrap_or(200);
    Ok((worst, serde_json::to_vec(&responses).unwrap_or_default()))
}

async fn run(intercom: &IntercomClient, job: &DeletionJob<'_>, authorization: &Authorization) -> Result<(), Failure> {
    let region = job.destination.region;
    let base_url = intercom.base_url(region);
    let target = Target {
        base_url: &base_url,
        region,
        authorization,
        version: intercom.settings.api_version,
        scope: intercom.contacts.scope(&base_url, authorization.token(), None),
    };
    let erasures: Vec<_> = job.users.iter().map(|user| erase(intercom, &target, user)).collect();
    let work = worst_of(erasures, intercom.settings.max_calls_per_request.get());
    match tokio::time::timeout(intercom.settings.request_timeout, work).await {
        Ok(Some(failure)) => Err(failure),
        Ok(None) => Ok(()),
        Err(_) => Err(Failure::retryable(
            "request_timeout: Intercom took too long; the job can be sent again",
        )),
    }
}

/// Erases all, some at a time, also if some of them fail. Gives the failure that says most about the job: that the token
/// is refused, which ends it; else one that may pass, because then the job is sent again; else the first.
async fn worst_of(erasures: Vec<impl Future<Output = Result<(), Failure>>>, at_a_time: usize) -> Option<Failure> {
    let mut results = futures_util::stream::iter(erasures).buffered(at_a_time).enumerate();
    let mut worst: Option<Failure> = None;
    while let Some((at, result)) = results.next().await {
        let Err(mut failure) = result else { continue };
        failure.message = format!("/userAttributes/{at}: {}", failure.message);
        if failure.meta.is_some() {
            return Some(failure);
        }
        let is_worse = |known: &Failure| failure.is_retryable() && !known.is_retryable();
        if worst.as_ref().is_none_or(is_worse) {
            worst = Some(failure);
        }
    }
    worst
}

/// Erases a user. One whom Intercom does not know is erased already.
async fn erase(intercom: &IntercomClient, target: &Target<'_>, user: &UserAttributes) -> Result<(), Failure> {
    if user.user_id.is_none() && user.email.is_none() {
        return Err(Failure::invalid(
            "user_not_named: there is neither userId nor email, so nobody is erased",
        ));
    }
    let mut erasure = Erasure::new(user.user_id.clone(), user.email.clone());
    while let Some(call) = erasure.next_call() {
        erasure.found().for_each(|id| intercom.contacts.forget(id));
        let response = match intercom.send(target, &call).await {
            Ok(response) => response,
            // What it means depends on how far the erasure is.
            Err(SendError::Answered(error, body)) => Response::new(error.status, body),
            Err(error) => return Err(error.into()),
        };
        erasure.handle_response(&response).map_err(|error| match &error {
            ErasureError::Response(ResponseError::Refused(error)) => Failure::from(error.as_ref()),
            other if other.is_retryable() => Failure::retryable(format!("{}: {other}", other.code())),
            other => Failure::invalid(format!("{}: {other}", other.code())),
        })?;
    }
    if erasure.leaves_archived_email_unseen() {
        tracing::info!("a user to be deleted was not found; archived contacts were not looked through by email");
    }
    Ok(())
}
