//! Erasing a person, as data protection law demands it.
//!
//! Source: <https://developers.intercom.com/docs/references/rest-api/api.intercom.io/user-delete-requests>; it is not in
//! the OpenAPI description 2.10.

use crate::ids::ContactId;
use crate::json::Number;
use crate::model::{answer, operation};
use serde::{Deserialize, Serialize};

/// Asks Intercom to erase a person and everything about them: `POST /user_delete_requests`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestUserDeletion {
    /// The contact.
    pub intercom_user_id: ContactId,
}
operation!(RequestUserDeletion: Post "/user_delete_requests", body self => UserDeletion);

answer! {
    /// A request that was taken.
    UserDeletion {
        optional {
            /// The id of the request.
            id: Number,
        }
    }
}
