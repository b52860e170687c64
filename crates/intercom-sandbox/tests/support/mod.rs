//! What the tests share: a sandbox with a clock that they wind by hand.
#![allow(dead_code, reason = "not every test file uses everything")]

use intercom_sandbox::{Request, Sandbox, Settings, UnixMillis};
use serde_json::{Value, json};
use std::time::Duration;

pub(crate) const START: UnixMillis = UnixMillis::from_secs(1_700_000_000);

pub(crate) struct Bench {
    pub(crate) sandbox: Sandbox,
    pub(crate) now: UnixMillis,
    pub(crate) version: &'static str,
}

pub(crate) struct Response {
    pub(crate) raw: intercom_sandbox::Response,
    pub(crate) body: Value,
}

impl Response {
    /// The body of a successful response.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert_eq!(self.raw.status, 200, "{}", self.body);
        self.body
    }

    /// The status, code and message of an error list with one error.
    #[track_caller]
    pub(crate) fn error(&self) -> (u16, &str, &str) {
        assert_eq!(self.body["type"], "error.list", "{}", self.body);
        assert!(self.body["request_id"].is_string(), "{}", self.body);
        let errors = self.body["errors"].as_array().expect("errors");
        assert_eq!(errors.len(), 1);
        let text = |name: &str| errors[0][name].as_str().expect("a text");
        (self.raw.status, text("code"), text("message"))
    }
}

impl Bench {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            sandbox: Sandbox::new(settings),
            now: START,
            version: "2.10",
        }
    }

    pub(crate) fn easy() -> Self {
        Self::new(Settings::default())
    }

    pub(crate) fn wait(&mut self, time: Duration) {
        self.now = self.now.after(time);
    }

    pub(crate) fn raw(&mut self, method: &str, path: &str, body: &[u8]) -> Response {
        let request = Request::new(method, path)
            .authorization("Bearer any")
            .version(self.version)
            .body(body);
        let raw = self.sandbox.handle(request, self.now);
        let body = if raw.body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&raw.body).unwrap_or(Value::Null)
        };
        Response { raw, body }
    }

    pub(crate) fn get(&mut self, path: &str) -> Response {
        self.raw("GET", path, b"")
    }

    pub(crate) fn delete(&mut self, path: &str) -> Response {
        self.raw("DELETE", path, b"")
    }

    #[expect(clippy::needless_pass_by_value, reason = "reads better with the macro")]
    pub(crate) fn post(&mut self, path: &str, body: Value) -> Response {
        self.raw("POST", path, body.to_string().as_bytes())
    }

    #[expect(clippy::needless_pass_by_value, reason = "reads better with the macro")]
    pub(crate) fn put(&mut self, path: &str, body: Value) -> Response {
        self.raw("PUT", path, body.to_string().as_bytes())
    }

    /// Creates a contact and answers its id.
    #[track_caller]
    pub(crate) fn contact(&mut self, body: Value) -> String {
        id(&self.post("/contacts", body).ok())
    }

    /// Creates a company and answers its id.
    #[track_caller]
    pub(crate) fn company(&mut self, company_id: &str) -> String {
        id(&self
            .post(
                "/companies",
                json!({"company_id": company_id, "name": format!("Name of {company_id}")}),
            )
            .ok())
    }

    /// Makes a contact a member of a company.
    #[track_caller]
    pub(crate) fn attach(&mut self, contact: &str, company: &str) {
        self.post(&format!("/contacts/{contact}/companies"), json!({"id": company}))
            .ok();
    }

    /// The ids that a search with one filter finds.
    #[track_caller]
    pub(crate) fn find(&mut self, field: &str, operator: &str, value: impl Into<Value>) -> Vec<String> {
        let filter = json!({"field": field, "operator": operator, "value": value.into()});
        self.search(json!({"query": filter}))
    }

    /// The ids that a search finds.
    #[track_caller]
    pub(crate) fn search(&mut self, body: Value) -> Vec<String> {
        ids(&self.post("/contacts/search", body).ok())
    }
}

#[track_caller]
pub(crate) fn id(object: &Value) -> String {
    object["id"].as_str().expect("an id").to_owned()
}

/// The ids in a list.
#[track_caller]
pub(crate) fn ids(list: &Value) -> Vec<String> {
    list["data"].as_array().expect("data").iter().map(id).collect()
}
