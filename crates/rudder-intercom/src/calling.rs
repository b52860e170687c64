//! Single calls to Intercom: each is made until its response will be the same next time.

use crate::interrupt::Interrupt;
use intercom_api::{ApiError, Call};
use intercom_delivery::Response;
use intercom_delivery::client::{CallError, Client, Workspace};
use std::time::Duration;

/// How often a call is made at most.
const ATTEMPTS: u32 = 5;
/// How often in a row a call may be answered that there are too many.
const THROTTLED: u32 = 20;
/// How long to wait after the first attempt; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// How long to wait at most, whatever Intercom asks for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Makes a call until there is a response that will be the same next time, or until it was made often enough. Waits for
/// nothing but the response to a call once the program has been asked to end.
pub(crate) async fn settle(
    client: &Client,
    workspace: &Workspace,
    call: &Call,
    interrupt: Option<&Interrupt>,
) -> Result<Response, CallError> {
    let mut wait = FIRST_WAIT;
    let (mut attempts, mut throttled) = (0, 0);
    loop {
        if interrupt.is_some_and(Interrupt::is_asked) {
            return Err(CallError::Interrupted);
        }
        let result = client.send(call, workspace).await;
        let is_final = match &result {
            Ok(response) => !ApiError::parse(response.status, b"").is_retryable(),
            Err(error) => !error.is_retryable(),
        };
        let asked = match &result {
            Ok(response) if response.status == 429 => {
                throttled += 1;
                Some(until_next_window(response).unwrap_or(wait))
            }
            Ok(response) => {
                attempts += 1;
                response.retry_after
            }
            Err(_) => {
                attempts += 1;
                None
            }
        };
        if is_final || attempts == ATTEMPTS || throttled == THROTTLED {
            return Ok(result?);
        }
        tracing::info!(operation = call.operation.as_str(), attempts, throttled, "trying again");
        let interrupted = async {
            match interrupt {
                Some(interrupt) => interrupt.asked().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = tokio::time::sleep(asked.unwrap_or(wait).min(LONGEST_WAIT)) => {}
            () = interrupted => {}
        }
        wait *= 2;
    }
}

/// How long it is until calls are counted anew, if the response tells, by Intercom's own clock.
fn until_next_window(response: &Response) -> Option<Duration> {
    response.retry_after.or_else(|| {
        let reset = response.rate_limit?.reset;
        let wait = reset.0.saturating_sub(response.date?.0);
        // Both are whole seconds.
        Some(Duration::from_secs(u64::try_from(wait).unwrap_or_default().max(1)))
    })
}
