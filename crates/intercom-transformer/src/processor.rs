//! `POST /v0/destinations/intercom_v2`: what rudder-server calls if it has not read the features.

use crate::intercom::IntercomClient;
use crate::metrics::{EventKind, EventOutcome};
use crate::protocol::{BadRequest, Failure, Feature, Input, StatTags, TransformRequest};
use serde::Serialize;
use serde_json::value::RawValue;

/// One event of the response.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Element<'a> {
    metadata: &'a RawValue,
    status_code: u16,
    error: &'a str,
    stat_tags: StatTags<'a>,
}

/// Answers each event with an error that says where it belongs.
pub(crate) fn refuse(intercom: &IntercomClient, body: &str) -> Result<Vec<u8>, BadRequest> {
    let request = TransformRequest::from_json(body)?;
    let Input::Events(events) = request.input else {
        return Err(BadRequest::Missing {
            pointer: "/input",
            expected: "an array",
        });
    };
    let failure = Failure::invalid(
        "use_router: events for Intercom are transformed by POST /routerTransform; \
         rudder-server calls it once it has read routerTransform.INTERCOM_V2 from GET /features",
    );
    let elements: Vec<Element<'_>> = events
        .iter()
        .map(|event| Element {
            metadata: serde_json::from_str(event.metadata).unwrap_or(RawValue::NULL),
            status_code: failure.status,
            error: &failure.message,
            stat_tags: failure.stat_tags(Feature::Processor, &event.read),
        })
        .collect();
    let count = u64::try_from(events.len()).unwrap_or(u64::MAX);
    intercom.metrics.events(EventKind::Other, EventOutcome::Aborted, count);
    Ok(serde_json::to_vec(&elements).unwrap_or_default())
}
