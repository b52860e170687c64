//! What the browser SDK asks for at its start: the settings of its source.
//!
//! Every destination here is reached through the server, so the response names none, and the SDK loads nothing else.

use super::response::{Fault, json};
use super::{App, intake};
use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::json;
use std::sync::Arc;

/// `GET /sourceConfig/`, with the write key in the query or as for events.
pub(super) async fn get(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let key = intake::write_key(request.headers())
        .or_else(|fault| intake::write_key_of_query(request.uri().query()).ok_or(fault))?;
    intake::authorize(&app, &key)?;
    let nothing = json!({"enabled": false});
    Ok(json(&json!({
        "source": {
            "id": "rudder-intercom",
            "name": "rudder-intercom",
            "writeKey": key,
            "enabled": true,
            "workspaceId": "rudder-intercom",
            "config": {"statsCollection": {"errors": nothing, "metrics": nothing}},
            "connections": [],
            "destinations": [],
            "dataplanes": {},
        },
        "consentManagementMetadata": {"providers": []},
    })))
}
