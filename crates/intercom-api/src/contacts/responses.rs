//! What Intercom answers about contacts.

use super::Role;
use crate::common::{Addressables, Avatar};
use crate::ids::{AdminId, ContactId, ExternalId};
use crate::json::Attributes;
use crate::model::response;
use crate::pages::Pages;
use crate::time::UnixSeconds;

response! {
    /// A contact.
    Contact {
        required {
            /// Intercom's id.
            id: ContactId,
        }
        optional {
            /// `contact`.
            object_type = "type": String,
            /// The workspace's id.
            workspace_id: String,
            /// The id that the caller's system gave it.
            external_id: ExternalId,
            /// User or lead.
            role: Role,
            /// The email address.
            email: String,
            /// What stands behind the `@` of the email address.
            email_domain: String,
            /// The phone number.
            phone: String,
            /// The full name.
            name: String,
            /// The image.
            avatar: Avatar,
            /// The teammate who owns the account.
            owner_id: AdminId,
            /// Whether the contact takes push messages. Since version 2.16.
            enabled_push_messaging: bool,
            /// The contacts that were merged into it, where they are asked for. Since version 2.16.
            merge_history: Vec<MergedContact>,
            /// The profiles in social networks.
            social_profiles: SocialProfiles,
            /// Whether an email to it bounced for good.
            has_hard_bounced: bool,
            /// Whether it marked an email as spam.
            marked_email_as_spam: bool,
            /// Whether it has unsubscribed from emails.
            unsubscribed_from_emails: bool,
            /// When it was created in Intercom.
            created_at: UnixSeconds,
            /// When it was last updated in Intercom.
            updated_at: UnixSeconds,
            /// When it signed up.
            signed_up_at: UnixSeconds,
            /// When it was last seen.
            last_seen_at: UnixSeconds,
            /// When it last wrote.
            last_replied_at: UnixSeconds,
            /// When it was last written to.
            last_contacted_at: UnixSeconds,
            /// When it last opened an email.
            last_email_opened_at: UnixSeconds,
            /// When it last followed a link in an email.
            last_email_clicked_at: UnixSeconds,
            /// The language that the Messenger speaks, whatever the browser's.
            language_override: String,
            /// The browser's name.
            browser: String,
            /// The browser's version.
            browser_version: String,
            /// The browser's language.
            browser_language: String,
            /// The operating system.
            os: String,
            /// Where it is.
            location: Location,
            /// The name of the Android app.
            android_app_name: String,
            /// The version of the Android app.
            android_app_version: String,
            /// The Android device.
            android_device: String,
            /// The version of Android.
            android_os_version: String,
            /// The version of Intercom's SDK in the Android app.
            android_sdk_version: String,
            /// When it was last seen in the Android app.
            android_last_seen_at: UnixSeconds,
            /// The name of the iOS app.
            ios_app_name: String,
            /// The version of the iOS app.
            ios_app_version: String,
            /// The iOS device.
            ios_device: String,
            /// The version of iOS.
            ios_os_version: String,
            /// The version of Intercom's SDK in the iOS app.
            ios_sdk_version: String,
            /// When it was last seen in the iOS app.
            ios_last_seen_at: UnixSeconds,
            /// Its custom attributes.
            custom_attributes: Attributes,
            /// Its tags.
            tags: Addressables,
            /// The notes about it.
            notes: Addressables,
            /// Its companies.
            companies: Addressables,
            /// The subscription types that it opted out of.
            opted_out_subscription_types: Addressables,
            /// The subscription types that it opted in to.
            opted_in_subscription_types: Addressables,
            /// The campaign it came by.
            utm_campaign: String,
            /// The campaign's content.
            utm_content: String,
            /// The campaign's medium.
            utm_medium: String,
            /// The campaign's source.
            utm_source: String,
            /// The campaign's term.
            utm_term: String,
            /// The page it came from.
            referrer: String,
        }
    }
}

response! {
    /// Where a contact is, as far as its network address tells.
    Location {
        optional {
            /// `location`.
            object_type = "type": String,
            /// The country's name.
            country: String,
            /// The region's name.
            region: String,
            /// The city's name.
            city: String,
            /// The country's code.
            country_code: String,
            /// The continent's code.
            continent_code: String,
        }
    }
}

response! {
    /// The profiles of a contact in social networks.
    SocialProfiles {
        optional {
            /// `list`.
            object_type = "type": String,
            /// The profiles.
            data: Vec<SocialProfile>,
        }
    }
}

response! {
    /// A profile in a social network.
    SocialProfile {
        optional {
            /// `social_profile`.
            object_type = "type": String,
            /// The network's name.
            name: String,
            /// Where the profile is.
            url: String,
        }
    }
}

response! {
    /// A page of contacts.
    ContactList {
        optional {
            /// `list`.
            object_type = "type": String,
            /// The contacts.
            data: Vec<Contact>,
            /// How many there are on all pages.
            total_count: i64,
            /// Where the other pages are.
            pages: Pages,
        }
    }
}

impl ContactList {
    /// The contacts of this page.
    pub fn contacts(&self) -> &[Contact] {
        self.data.as_deref().unwrap_or_default()
    }

    /// The cursor that asks for the next page; `None` on the last.
    pub fn next_cursor(&self) -> Option<&str> {
        self.pages.as_ref()?.next_cursor()
    }
}

response! {
    /// A contact that was deleted.
    DeletedContact {
        required {
            /// Intercom's id.
            id: ContactId,
        }
        optional {
            /// `contact`.
            object_type = "type": String,
            /// The id that the caller's system gave it.
            external_id: ExternalId,
            /// `true`.
            deleted: bool,
        }
    }
}

response! {
    /// A contact that was blocked.
    BlockedContact {
        required {
            /// Intercom's id.
            id: ContactId,
        }
        optional {
            /// `contact`.
            object_type = "type": String,
            /// The id that the caller's system gave it.
            external_id: ExternalId,
            /// Whether it is blocked now.
            blocked: bool,
        }
    }
}

response! {
    /// A contact that was merged into another.
    MergedContact {
        optional {
            /// `merge_history`.
            object_type = "type": String,
            /// Intercom's id, under which it is no longer found.
            source_contact_id: ContactId,
            /// What it was.
            source_contact_role: Role,
            /// When it was merged.
            merged_at: UnixSeconds,
        }
    }
}

response! {
    /// A contact that was archived or restored.
    ArchivedContact {
        required {
            /// Intercom's id.
            id: ContactId,
        }
        optional {
            /// `contact`.
            object_type = "type": String,
            /// The id that the caller's system gave it.
            external_id: ExternalId,
            /// Whether it is archived now.
            archived: bool,
        }
    }
}
