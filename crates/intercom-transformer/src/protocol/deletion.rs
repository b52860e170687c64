//! `POST /deleteUsers`: people who want to be forgotten.

use super::AUTH_STATUS_INACTIVE;
use super::json::{items, members, string};
use super::request::BadRequest;
use rudderstack_to_intercom::Destination;
use serde::Serialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Users to be deleted.
#[derive(Debug)]
#[non_exhaustive]
pub struct DeletionJob<'a> {
    /// The destination type, if it is given.
    pub destination_type: Option<Cow<'a, str>>,
    /// The settings of the destination.
    pub destination: Destination,
    /// The users.
    pub users: Vec<UserAttributes>,
}

/// What is known of a user to be deleted. `Debug` shows no value.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserAttributes {
    /// `userId`: the external id in Intercom.
    pub user_id: Option<String>,
    /// `email`
    pub email: Option<String>,
}

exact_json::debug_shows! { UserAttributes { .. } }

impl<'a> DeletionJob<'a> {
    /// Reads the jobs of a request.
    ///
    /// # Errors
    ///
    /// If the text is not a JSON array of objects with `userAttributes`.
    pub fn all_from_json(text: &'a str) -> Result<Vec<Self>, BadRequest> {
        let whole: &RawValue = serde_json::from_str(text).map_err(|error| BadRequest::from_serde(&error, "JSON"))?;
        let jobs = items(whole).ok_or(BadRequest::WrongKind { expected: "an array" })?;
        jobs.into_iter().map(Self::from_raw).collect()
    }

    fn from_raw(raw: &'a RawValue) -> Result<Self, BadRequest> {
        let [destination_type, config, users] =
            members(raw, ["destType", "config", "userAttributes"]).ok_or(BadRequest::Missing {
                pointer: "/0",
                expected: "an object",
            })?;
        let users = users.and_then(items).ok_or(BadRequest::Missing {
            pointer: "/0/userAttributes",
            expected: "an array",
        })?;
        Ok(Self {
            destination_type: destination_type.and_then(string),
            destination: config
                .and_then(|raw| serde_json::from_str(raw.get()).ok())
                .unwrap_or_default(),
            users: users.into_iter().map(UserAttributes::from_raw).collect(),
        })
    }
}

impl UserAttributes {
    fn from_raw(raw: &RawValue) -> Self {
        let text = |raw: Option<&RawValue>| {
            let raw = raw?;
            let is_number = raw
                .get()
                .starts_with(|first: char| first == '-' || first.is_ascii_digit());
            let text = if is_number {
                Cow::Borrowed(raw.get())
            } else {
                string(raw)?
            };
            (!text.is_empty()).then(|| text.into_owned())
        };
        let [user_id, email] = members(raw, ["userId", "email"]).unwrap_or_default();
        Self {
            user_id: text(user_id),
            email: text(email),
        }
    }
}

/// Whether the users of a job are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeletionStatus {
    /// All of them are, or are to be as soon as Intercom gets to it.
    Successful,
    /// At least one is not.
    Failed,
}

/// What became of one job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeletionResponse {
    /// 200, or the status of the failure.
    pub status_code: u16,
    /// Whether all users are deleted.
    pub status: DeletionStatus,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// That the authorization does not hold any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_error_category: Option<&'static str>,
}

impl DeletionResponse {
    /// All users are deleted.
    pub fn successful() -> Self {
        Self {
            status_code: 200,
            status: DeletionStatus::Successful,
            error: None,
            auth_error_category: None,
        }
    }

    /// At least one user is not deleted.
    pub fn failed(failure: &super::Failure) -> Self {
        Self {
            status_code: failure.status,
            status: DeletionStatus::Failed,
            error: Some(failure.message.clone()),
            auth_error_category: failure.meta.map(|_| AUTH_STATUS_INACTIVE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_read() {
        let jobs = DeletionJob::all_from_json(
            r#"[{"jobId":"j","destType":"INTERCOM_V2","config":{"apiServer":"Europe"},"userAttributes":[{"userId":"u-1","phone":"1"},{"userId":7,"email":""},{"email":"a@b.c"},5]}]"#,
        )
        .unwrap();
        assert_eq!(jobs[0].destination.region.to_string(), "Europe");
        let known: Vec<_> = jobs[0]
            .users
            .iter()
            .map(|user| (user.user_id.as_deref(), user.email.as_deref()))
            .collect();
        assert_eq!(
            known,
            [
                (Some("u-1"), None),
                (Some("7"), None),
                (None, Some("a@b.c")),
                (None, None)
            ]
        );
        assert!(!format!("{jobs:?}").contains("u-1"));
    }

    #[test]
    fn what_is_no_job_is_refused() {
        for text in ["", "{}", "[5]", "[{}]", r#"[{"userAttributes":{}}]"#] {
            assert!(DeletionJob::all_from_json(text).is_err(), "{text}");
        }
    }

    #[test]
    fn responses_say_what_is_needed() {
        let json = |response| serde_json::to_string(&response).unwrap();
        assert_eq!(
            json(DeletionResponse::successful()),
            r#"{"statusCode":200,"status":"successful"}"#
        );
        let unauthorized = super::super::Failure::from(&intercom_api::ApiError::parse(401, b""));
        assert_eq!(
            json(DeletionResponse::failed(&unauthorized)),
            r#"{"statusCode":400,"status":"failed","error":"Intercom answered 401: empty","authErrorCategory":"AUTH_STATUS_INACTIVE"}"#
        );
    }
}
