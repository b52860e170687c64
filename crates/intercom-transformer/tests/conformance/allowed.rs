//! Where the service differs from RudderStack's transformer on purpose: all of it, in one table.

use serde_json::Value;

/// A case that differs.
pub(crate) struct Allowed {
    /// The case, as it is printed.
    pub(crate) case: &'static str,
    /// The number of the deviation, or the rule that it follows from.
    pub(crate) deviation: &'static str,
    /// Every pointer that differs, and what is there then. None: the response is the same, a call to Intercom differs.
    pub(crate) differences: &'static [(&'static str, Ours)],
}

/// What the service responds with.
pub(crate) enum Ours {
    /// Nothing.
    Absent,
    /// An object.
    Object,
    /// This number.
    Number(u64),
    /// This text.
    Text(&'static str),
}

impl Ours {
    pub(crate) fn is(&self, value: &Value) -> bool {
        match self {
            Self::Absent => value.is_null(),
            Self::Object => value.is_object(),
            Self::Number(number) => value.as_u64() == Some(*number),
            Self::Text(text) => value.as_str() == Some(*text),
        }
    }
}

/// A company that Intercom does not know, or that the contact does not belong to, needs no removing: the update goes on.
const DETACHED: &[(&str, Ours)] = &[
    ("/batchedRequest", Ours::Object),
    ("/error", Ours::Absent),
    ("/statTags", Ours::Absent),
    ("/statusCode", Ours::Number(200)),
];

/// The contact that there is already is updated. The recorded responses do not know it, so that fails too: to be retried.
const CONFLICT_V0: &[(&str, Ours)] = &[
    ("(HTTP status)", Ours::Number(500)),
    (
        "/output/destinationResponse/response/errors/0/code",
        Ours::Text("not_found"),
    ),
    (
        "/output/destinationResponse/response/errors/0/message",
        Ours::Text("no response is recorded for this call"),
    ),
    ("/output/destinationResponse/response/request_id", Ours::Absent),
    ("/output/destinationResponse/status", Ours::Number(404)),
    ("/output/statTags/errorType", Ours::Text("retryable")),
    ("/output/status", Ours::Number(500)),
];
const CONFLICT_V1: &[(&str, Ours)] = &[
    ("/output/response/0/error/errors/0/code", Ours::Text("not_found")),
    (
        "/output/response/0/error/errors/0/message",
        Ours::Text("no response is recorded for this call"),
    ),
    ("/output/response/0/error/request_id", Ours::Absent),
    ("/output/response/0/statusCode", Ours::Number(500)),
    ("/output/statTags/errorType", Ours::Text("retryable")),
    ("/output/status", Ours::Number(500)),
];

const fn allowed(case: &'static str, deviation: &'static str, differences: &'static [(&'static str, Ours)]) -> Allowed {
    Allowed {
        case,
        deviation,
        differences,
    }
}

/// Beside a user id, an `id` that cannot be one of Intercom's is left out: Intercom would look for it first.
const NO_CONTACT_ID: &[(&str, Ours)] = &[("/batchedRequest/body/JSON/id", Ours::Absent)];

pub(crate) const ALLOWED: &[Allowed] = &[
    allowed("INTERCOM-V2-router-test-1 job 1", "D24", &[]),
    allowed("INTERCOM-V2-router-test-1 job 2", "D12", NO_CONTACT_ID),
    allowed("INTERCOM-V2-router-test-1 job 5", "D24", &[]),
    allowed("INTERCOM-V2-router-test-2 job 1", "D24", &[]),
    allowed("INTERCOM-V2-router-test-4 job 1", "D24", &[]),
    allowed("INTERCOM-V2-router-test-4 job 2", "D24", &[]),
    allowed("INTERCOM-V2-router-test-4 job 3", "D24", &[]),
    allowed("INTERCOM-V2-router-test-4 job 2", "detach", DETACHED),
    allowed("INTERCOM-V2-router-test-4 job 3", "detach", DETACHED),
    allowed("INTERCOM-V2-router-test-6 job 1", "D22", &[]),
    allowed("INTERCOM-V2-router-test-6 job 2", "D22", &[]),
    allowed("INTERCOM-V2-router-test-6 job 3", "D22", &[]),
    allowed("INTERCOM-V2-router-test-6 job 4", "D22", &[]),
    allowed("INTERCOM-V2-router-test-6 job 5", "D22", &[]),
    allowed("INTERCOM_V2_v0_other_scenario_3", "409", CONFLICT_V0),
    allowed("INTERCOM_V2_v1_other_scenario_3", "409", CONFLICT_V1),
];
