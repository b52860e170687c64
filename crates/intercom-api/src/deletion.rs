//! Erasing a person, as data protection law demands it.
//!
//! Source: <https://developers.intercom.com/docs/references/rest-api/api.intercom.io/user-delete-requests>; it is not in
//! the OpenAPI description 2.10.

use crate::ids::{ContactId, ResourceId};
use crate::model::{request, response};

request! {
    /// Asks Intercom to erase a person and everything about them: `POST /user_delete_requests`.
    RequestUserDeletion => UserDeletion {
        body {
            required {
                /// The contact.
                intercom_user_id: ContactId,
            }
        }
    }
}

response! {
    /// A request that was taken.
    UserDeletion {
        optional {
            /// The id of the request.
            id: ResourceId,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Operation;

    #[test]
    fn the_contact_is_in_the_body() {
        let call = RequestUserDeletion::new(ContactId::try_from("5f").unwrap())
            .to_call()
            .unwrap();
        assert_eq!(call.path, "/user_delete_requests");
        assert_eq!(call.body.unwrap().get(), r#"{"intercom_user_id":"5f"}"#);
        let response = RequestUserDeletion::parse_response(br#"{"id":10}"#).unwrap();
        assert_eq!(response.id.unwrap().as_str(), "10");
    }
}
