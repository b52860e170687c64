//! Stands in for Intercom: responds to the calls that were recorded, and notes those that were not.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A call, and how Intercom responded.
#[derive(Deserialize)]
pub(crate) struct Recorded {
    request: Call,
    response: RecordedResponse,
}

#[derive(Clone, Deserialize, PartialEq)]
struct Call {
    method: String,
    host: String,
    path: String,
    query: BTreeMap<String, String>,
    body: Value,
    authorization: String,
}

#[derive(Deserialize)]
struct RecordedResponse {
    status: u16,
    body: Value,
}

/// What the stand-in noticed since it was last asked.
#[derive(Default)]
pub(crate) struct Notes {
    /// Emails, as recorded, that were searched in lower case.
    pub(crate) lower_case: Vec<String>,
    /// Emails that were searched together with an external id.
    pub(crate) together: Vec<String>,
    /// Calls that no response is recorded for.
    pub(crate) unknown: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct StandIn {
    recorded: Arc<Vec<Recorded>>,
    notes: Arc<Mutex<Notes>>,
}

impl StandIn {
    pub(crate) fn new(recorded: Vec<Recorded>) -> Self {
        Self {
            recorded: Arc::new(recorded),
            notes: Arc::default(),
        }
    }

    /// The stand-in over HTTP. The first segment of a path is the host that is meant.
    pub(crate) fn router(&self) -> Router {
        Router::new().fallback(respond).with_state(self.clone())
    }

    /// What was noticed, and forgets it.
    pub(crate) fn take_notes(&self) -> Notes {
        std::mem::take(&mut *self.notes())
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, call: &Call) -> Option<&RecordedResponse> {
        // Deviation D24: one search asks for the external id or the email, and counts as the search that it contains.
        if call.body.pointer("/query/operator") == Some(&json!("OR")) {
            let filters = call.body.pointer("/query/value")?.as_array()?.clone();
            let email = filters.iter().find(|filter| filter["field"] == "email");
            let email = email.and_then(|filter| filter["value"].as_str()).map(str::to_owned);
            self.notes().together.extend(email);
            return filters.into_iter().find_map(|filter| {
                self.find(&Call {
                    body: json!({"query": {"operator": "AND", "value": [filter]}}),
                    ..call.clone()
                })
            });
        }
        if let Some(found) = self.recorded.iter().find(|recorded| recorded.request == *call) {
            return Some(&found.response);
        }
        // Deviation D22: an email is searched in lower case, where RudderStack's transformer takes it as it is.
        let wanted = searched_email(&call.body)?;
        let found = self.recorded.iter().find(|recorded| {
            let email = searched_email(&recorded.request.body);
            let is_same = email.is_some_and(|email| email != wanted && email.to_lowercase() == wanted);
            is_same && recorded.request.host == call.host && recorded.request.authorization == call.authorization
        })?;
        let email = searched_email(&found.request.body).map(str::to_owned);
        self.notes().lower_case.extend(email);
        Some(&found.response)
    }

    /// A contact is read before it is deleted, where RudderStack's transformer believes the search: it is as a search has
    /// shown it.
    fn contact(&self, call: &Call) -> Option<Value> {
        let id = call.path.strip_prefix("/contacts/").filter(|_| call.method == "GET")?;
        let shown = self
            .recorded
            .iter()
            .filter_map(|recorded| recorded.response.body["data"].as_array());
        shown.flatten().find(|contact| contact["id"] == id).cloned()
    }
}

fn searched_email(body: &Value) -> Option<&str> {
    let filter = body.pointer("/query/value/0")?;
    (filter["field"] == "email").then_some(filter["value"].as_str()?)
}

async fn respond(
    State(stand_in): State<StandIn>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut segments = uri.path().splitn(3, '/').skip(1);
    let host = segments.next().unwrap_or_default().to_owned();
    let path = format!("/{}", segments.next().unwrap_or_default());
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    let pairs = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| pair.split_once('='));
    let call = Call {
        method: method.to_string(),
        host,
        path,
        query: pairs.map(|(name, value)| (decode(name), decode(value))).collect(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
        authorization: headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned(),
    };
    let (status, body) = match (stand_in.find(&call), stand_in.contact(&call)) {
        (Some(recorded), _) => (recorded.status, recorded.body.clone()),
        (None, Some(contact)) => (200, contact),
        (None, None) => {
            stand_in
                .notes()
                .unknown
                .push(format!("{} {}{} {}", call.method, call.host, call.path, call.body));
            let error = json!({"code": "not_found", "message": "no response is recorded for this call"});
            (404, json!({"type": "error.list", "errors": [error]}))
        }
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    // A response without a body is recorded as null.
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
