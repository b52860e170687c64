//! The only teammate.

use super::{Outcome, Success};
use crate::body::{Body, given};
use crate::error::ApiError;
use crate::json::{NULL, object};
use crate::views::{ADMIN_ID, WORKSPACE_ID};
use intercom_api::ErrorCode;
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

/// There is one teammate only.
fn known(id: &str) -> Result<(), ApiError> {
    match id {
        ADMIN_ID => Ok(()),
        _ => Err(ApiError::new(404, ErrorCode::AdminNotFound, "Admin not found")),
    }
}

/// `GET /me`
pub(super) fn me() -> Success {
    Success::json(&object! {
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
        "avatar": object! { "type": "avatar", "image_url": NULL },
        "has_inbox_seat": true,
    })
}

/// `GET /admins`
pub(super) fn list() -> Success {
    Success::json(&object! { "type": "admin.list", "admins": [admin_view()] })
}

/// `GET /admins/{id}`
pub(super) fn retrieve(id: &str) -> Outcome {
    known(id).map(|()| Success::json(&admin_view()))
}

/// `PUT /admins/{id}/away`
pub(super) fn set_away(id: &str, body: &[u8]) -> Outcome {
    known(id)?;
    let body = Body::parse(body)?;
    let flag = |name| given(name, body.boolean(name)?);
    let away = flag("away_mode_enabled")?;
    Ok(Success::json(&admin(away, flag("away_mode_reassign")?)))
}

/// `GET /admins/activity_logs`
pub(super) fn activity_logs() -> Success {
    Success::json(&object! {
        "type": "activity_log.list",
        "pages": object! { "type": "pages", "next": NULL, "page": 1, "per_page": 20, "total_pages": 1 },
        "activity_logs": [(); 0],
    })
}
