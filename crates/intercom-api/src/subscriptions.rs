//! Subscription types: what kinds of messages a contact wants.
//!
//! Source: the subscription type operations of Intercom's OpenAPI description 2.10 and
//! <https://developers.intercom.com/docs/references/2.10/rest-api/api.intercom.io/subscription-types>.

use crate::ids::{ContactId, SubscriptionTypeId};
use crate::model::{OrEmpty, open_enum, request, response};

request! {
    /// Lists the subscription types of the workspace: `GET /subscription_types`.
    ListSubscriptionTypes => SubscriptionTypeList {}
}

request! {
    /// Lists the subscription types of a contact: `GET /contacts/{contact_id}/subscriptions`.
    ListContactSubscriptions => SubscriptionTypeList {
        path {
            /// The contact.
            contact: ContactId,
        }
    }
}

request! {
    /// Opts a contact in to a subscription type, or out of it: `POST /contacts/{contact_id}/subscriptions`.
    AttachSubscription => SubscriptionType {
        path {
            /// The contact.
            contact: ContactId,
        }
        body {
            required {
                /// The subscription type.
                subscription = "id": SubscriptionTypeId,
                /// Whether the contact opts in or out.
                consent_type: ConsentType,
            }
        }
    }
}

request! {
    /// Undoes [`AttachSubscription`]: `DELETE /contacts/{contact_id}/subscriptions/{id}`.
    DetachSubscription => OrEmpty<SubscriptionType> {
        path {
            /// The contact.
            contact: ContactId,
            /// The subscription type.
            subscription: SubscriptionTypeId,
        }
    }
}

open_enum! {
    /// What a contact does about a subscription type.
    ConsentType {
        /// Asks for the messages.
        OptIn = "opt_in",
        /// Declines the messages.
        OptOut = "opt_out",
    }
}

open_enum! {
    /// Whether a subscription type is in use.
    SubscriptionState {
        /// In use.
        Live = "live",
        /// Not yet.
        Draft = "draft",
        /// No longer.
        Archived = "archived",
    }
}

open_enum! {
    /// A kind of message.
    ContentType {
        /// Email.
        Email = "email",
        /// Text message.
        SmsMessage = "sms_message",
    }
}

response! {
    /// A subscription type.
    SubscriptionType {
        required {
            /// Intercom's id.
            id: SubscriptionTypeId,
        }
        optional {
            /// `subscription`.
            object_type = "type": String,
            /// Whether it is in use.
            state: SubscriptionState,
            /// What a contact does about it.
            consent_type: ConsentType,
            /// What it is called in the workspace's language.
            default_translation: Translation,
            /// What it is called in each language.
            translations: Vec<Translation>,
            /// The kinds of messages.
            content_types: Vec<ContentType>,
        }
    }
}

response! {
    /// What something is called in a language.
    Translation {
        optional {
            /// The name.
            name: String,
            /// What it is.
            description: String,
            /// The language's code.
            locale: String,
        }
    }
}

response! {
    /// Subscription types.
    SubscriptionTypeList {
        optional {
            /// `list`.
            object_type = "type": String,
            /// The subscription types.
            data: Vec<SubscriptionType>,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Operation;

    #[test]
    fn consent_is_in_the_body() {
        let attach = AttachSubscription::new(ContactId::try_from("c1").unwrap(), 154, ConsentType::OptOut);
        let call = attach.to_call().unwrap();
        assert_eq!(call.path, "/contacts/c1/subscriptions");
        assert_eq!(call.body.unwrap().get(), r#"{"id":154,"consent_type":"opt_out"}"#);
    }
}
