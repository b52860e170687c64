//! What went wrong, counted: so that it can be seen that the simulations are of bad days.

use intercom_api::{ApiError, OperationId};
use intercom_delivery::Response;
use std::collections::BTreeMap;

/// How often something went wrong, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mishaps(BTreeMap<&'static str, u64>);

impl Mishaps {
    /// All that can go wrong.
    pub const NAMES: [&'static str; 31] = [
        "response lost after it took effect",
        "answered 200 by a proxy",
        "answered 408",
        "answered 429 in a storm",
        "answered 429 by the limit",
        "answered 500",
        "answered 500 after it took effect",
        "answered 502",
        "answered 503",
        "answered slowly",
        "arrived twice",
        "attribute not defined",
        "came before its contact",
        "company of a link gone",
        "contact archived by others",
        "contact deleted by others",
        "contact gone",
        "contact merged",
        "contacts merged by others",
        "company deleted by others",
        "event of somebody unknown",
        "exists, and is archived",
        "exists, though no search finds it",
        "kill -9",
        "Ctrl-C",
        "Ctrl-C twice",
        "lost on the way there",
        "no response in time",
        "not reachable",
        "refused token",
        "token revoked",
    ];

    pub(super) fn count(&mut self, name: &'static str) {
        debug_assert!(Self::NAMES.contains(&name), "{name}");
        *self.0.entry(name).or_default() += 1;
    }

    /// What a response of the workspace itself says of what others have done, or of its rules.
    pub(super) fn name_of(operation: OperationId, response: &Response) -> Option<&'static str> {
        if (200..300).contains(&response.status) {
            return None;
        }
        let error = ApiError::parse(response.status, &response.body);
        let is_link = matches!(operation, OperationId::AttachCompany | OperationId::DetachCompany);
        Some(match error.status {
            401 => "refused token",
            429 => "answered 429 by the limit",
            409 if error.conflicting_contact().is_some_and(|other| other.archived) => "exists, and is archived",
            409 => "exists, though no search finds it",
            410 => "contact merged",
            404 if operation == OperationId::SubmitDataEvent => "event of somebody unknown",
            404 if is_link => "company of a link gone",
            404 if matches!(operation, OperationId::UpdateContact | OperationId::DeleteContact) => "contact gone",
            _ if error.undefined_attribute().is_some() => "attribute not defined",
            _ => return None,
        })
    }

    /// How often something went wrong that has this name.
    pub fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// Adds others up.
    pub(super) fn add(&mut self, other: &Self) {
        for (name, count) in &other.0 {
            *self.0.entry(name).or_default() += count;
        }
    }
}
