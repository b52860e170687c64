//! Teammates, which the API calls admins, and what they did.
//!
//! Source: the admin operations of Intercom's OpenAPI description 2.10 and
//! <https://developers.intercom.com/docs/references/2.10/rest-api/api.intercom.io/admins>.

use crate::common::Avatar;
use crate::ids::{AdminId, ResourceId, TeamId};
use crate::json::Attributes;
use crate::model::{request, response};
use crate::pages::Pages;
use crate::time::UnixSeconds;

request! {
    /// Tells whose the access token is: `GET /me`.
    IdentifyAdmin => Admin {}
}

request! {
    /// Lists the teammates: `GET /admins`.
    #[non_exhaustive]
    ListAdmins => AdminList {
        query {
            optional {
                /// Whether to show their images.
                display_avatar: bool,
            }
        }
    }
}

request! {
    /// Retrieves a teammate: `GET /admins/{id}`.
    RetrieveAdmin => Admin {
        path {
            /// The teammate.
            id: AdminId,
        }
    }
}

request! {
    /// Marks a teammate as away or back: `PUT /admins/{id}/away`.
    SetAwayAdmin => Admin {
        path {
            /// The teammate.
            id: AdminId,
        }
        body {
            required {
                /// Whether the teammate is away.
                away_mode_enabled: bool,
                /// Whether new replies go to the default inbox meanwhile.
                away_mode_reassign: bool,
            }
            optional {
                /// Why the teammate is away. Since version 2.16.
                away_status_reason_id: i64,
            }
        }
    }
}

request! {
    /// Lists what teammates did: `GET /admins/activity_logs`.
    #[non_exhaustive]
    ListActivityLogs => ActivityLogList {
        query {
            required {
                /// From when on.
                created_at_after: UnixSeconds,
            }
            optional {
                /// Until when.
                created_at_before: UnixSeconds,
            }
        }
    }
}

response! {
    /// A teammate.
    Admin {
        required {
            /// Intercom's id.
            id: AdminId,
        }
        optional {
            /// `admin`.
            object_type = "type": String,
            /// The name.
            name: String,
            /// The email address.
            email: String,
            /// Whether the email address was confirmed.
            email_verified: bool,
            /// What the teammate does.
            job_title: String,
            /// Whether the teammate is away.
            away_mode_enabled: bool,
            /// Whether new replies go to the default inbox meanwhile.
            away_mode_reassign: bool,
            /// Why the teammate is away. Since version 2.16.
            away_status_reason_id: ResourceId,
            /// Whether the teammate has a paid inbox seat.
            has_inbox_seat: bool,
            /// The teammate's teams.
            team_ids: Vec<TeamId>,
            /// How the teams rank for the teammate.
            team_priority_level: TeamPriorityLevel,
            /// The image.
            avatar: Avatar,
            /// The workspace; told by [`IdentifyAdmin`] only.
            app: App,
        }
    }
}

response! {
    /// How a teammate's teams rank.
    TeamPriorityLevel {
        optional {
            /// The teams that come first.
            primary_team_ids: Vec<TeamId>,
            /// The teams that come second.
            secondary_team_ids: Vec<TeamId>,
        }
    }
}

response! {
    /// A workspace.
    App {
        optional {
            /// `app`.
            object_type = "type": String,
            /// The workspace's id.
            id_code: String,
            /// The name.
            name: String,
            /// Where it is hosted: `US`, `EU` or `AU`.
            region: String,
            /// The time zone.
            timezone: String,
            /// When it was created.
            created_at: UnixSeconds,
            /// Whether the Messenger checks who people are.
            identity_verification: bool,
            /// An older name for that.
            secure: bool,
        }
    }
}

response! {
    /// Teammates.
    AdminList {
        optional {
            /// `admin.list`.
            object_type = "type": String,
            /// The teammates.
            admins: Vec<Admin>,
        }
    }
}

response! {
    /// Something that a teammate did.
    ActivityLog {
        optional {
            /// Its id.
            id: ResourceId,
            /// Who did it.
            performed_by: Performer,
            /// What else is known of it, by kind.
            metadata: Attributes,
            /// When it was done.
            created_at: UnixSeconds,
            /// Its kind, one of many words.
            activity_type: String,
            /// What was done, for people.
            activity_description: String,
        }
    }
}

response! {
    /// Who did something.
    Performer {
        optional {
            /// `admin`.
            object_type = "type": String,
            /// The teammate.
            id: AdminId,
            /// The email address.
            email: String,
            /// The network address.
            ip: String,
        }
    }
}

response! {
    /// A page of what teammates did.
    ActivityLogList {
        optional {
            /// `activity_log.list`.
            object_type = "type": String,
            /// What they did.
            activity_logs: Vec<ActivityLog>,
            /// Where the other pages are.
            pages: Pages,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Operation;

    #[test]
    fn the_span_of_the_log_is_in_the_query() {
        let mut list = ListActivityLogs::new(UnixSeconds(5));
        list.created_at_before = Some(UnixSeconds(9));
        let call = list.to_call().unwrap();
        assert_eq!(
            call.path_and_query(),
            "/admins/activity_logs?created_at_after=5&created_at_before=9"
        );
    }
}
