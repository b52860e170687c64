//! The only teammate, and what there is none of: segments, visitors, conversations, tickets.

use super::{Answer, Outcome, empty_list};
use crate::body::Body;
use crate::error::ApiError;
use crate::json::{NULL, object};
use crate::routes::Target;
use crate::views::{ADMIN_ID, WORKSPACE_ID};
use intercom_api::{ErrorCode, OperationId};
use serde::Serialize;

const NAME: &str = "Sandbox";
const EMAIL: &str = "sandbox@example.com";

pub(super) fn admin_view() -> impl Serialize {
    admin(false, false)
}

fn admin(away: bool, reassign: bool) -> impl Serialize {
    object! {
        "type": "admin",
        "id": ADMIN_ID,
        "name": NAME,
        "email": EMAIL,
        "away_mode_enabled": away,
        "away_mode_reassign": reassign,
        "has_inbox_seat": true,
        "team_ids": [(); 0],
    }
}

fn no_such_admin() -> ApiError {
    ApiError::new(404, ErrorCode::AdminNotFound, "Admin not found")
}

/// What the operations do that read and change nothing of the workspace.
pub(super) fn perform(target: &Target<'_>, body: &[u8]) -> Outcome {
    use OperationId as Op;
    match target.operation {
        Op::IdentifyAdmin => Ok(Answer::json(&object! {
            "type": "admin",
            "id": ADMIN_ID,
            "email": EMAIL,
            "name": NAME,
            "email_verified": true,
            "app": object! {
                "type": "app",
                "id_code": WORKSPACE_ID,
                "name": NAME,
                "created_at": 0,
                "secure": false,
                "identity_verification": false,
                "timezone": "UTC",
                "region": "US",
            },
            "avatar": NULL,
            "has_inbox_seat": true,
        })),
        Op::ListAdmins => Ok(Answer::json(
            &object! { "type": "admin.list", "admins": [admin_view()] },
        )),
        Op::RetrieveAdmin if target.first() == ADMIN_ID => Ok(Answer::json(&admin_view())),
        Op::SetAwayAdmin if target.first() == ADMIN_ID => {
            let body = Body::parse(body)?;
            let given = |name: &'static str| {
                body.boolean(name)?
                    .ok_or_else(|| ApiError::missing(name, format!("{name} must be given")))
            };
            Ok(Answer::json(&admin(
                given("away_mode_enabled")?,
                given("away_mode_reassign")?,
            )))
        }
        Op::RetrieveAdmin | Op::SetAwayAdmin => Err(no_such_admin()),
        Op::ListActivityLogs => Ok(Answer::json(&object! {
            "type": "activity_log.list",
            "pages": object! { "type": "pages", "next": NULL, "page": 1, "per_page": 20, "total_pages": 1 },
            "activity_logs": [(); 0],
        })),
        Op::ListSegments => Ok(Answer::json(&object! { "type": "segment.list", "segments": [(); 0] })),
        Op::ListSubscriptionTypes => Ok(empty_list()),
        Op::RetrieveVisitor | Op::UpdateVisitor | Op::ConvertVisitor => {
            Err(ApiError::new(404, ErrorCode::NotFound, "Visitor Not Found"))
        }
        Op::TagConversation | Op::UntagConversation => {
            Err(ApiError::new(404, ErrorCode::NotFound, "Conversation not found"))
        }
        Op::TagTicket | Op::UntagTicket => Err(ApiError::new(404, ErrorCode::TicketNotFound, "Ticket not found")),
        _ => Err(ApiError::resource_not_found()),
    }
}
