//! One HTTP request to Intercom as plain data: what a driver sends, and what a journal or a report shows.

use crate::route::{Method, OperationId, encode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// One request to Intercom, ready to be sent below a base URL.
///
/// Made from a typed request with [`Operation::to_call`](crate::Operation::to_call).
#[derive(Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Call {
    /// The operation, by Intercom's name for it.
    pub operation: OperationId,
    /// The HTTP method.
    pub method: Method,
    /// The path, percent-encoded, with a slash at the front.
    pub path: String,
    /// The query parameters, not encoded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(Cow<'static, str>, String)>,
    /// The JSON body, if the operation has one.
    #[serde(default, with = "exact_json::option", skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<RawValue>>,
}

impl Call {
    /// A call without query parameters or body.
    pub fn new(operation: OperationId, path: impl Into<String>) -> Self {
        Self {
            operation,
            method: operation.method(),
            path: path.into(),
            query: Vec::new(),
            body: None,
        }
    }

    /// The path and, behind a `?`, the encoded query.
    pub fn path_and_query(&self) -> String {
        let mut target = self.path.clone();
        for (at, (name, value)) in self.query.iter().enumerate() {
            target.push(if at == 0 { '?' } else { '&' });
            target.extend(encode(name));
            target.push('=');
            target.extend(encode(value));
        }
        target
    }
}

#[cfg(feature = "http")]
impl Call {
    /// The request as the HTTP libraries of the `http` crate take it: below a base URL, such as
    /// [`Region::base_url`](crate::Region::base_url), and with the headers that Intercom wants.
    ///
    /// # Errors
    ///
    /// If the base URL is none, or the token cannot stand in a header.
    pub fn to_request(
        &self,
        base_url: &str,
        token: &str,
        version: crate::ApiVersion,
    ) -> Result<http::Request<String>, http::Error> {
        let mut authorization = http::HeaderValue::try_from(format!("Bearer {token}"))?;
        authorization.set_sensitive(true);
        http::Request::builder()
            .method(self.method.as_str())
            .uri(format!("{}{}", base_url.trim_end_matches('/'), self.path_and_query()))
            .header(http::header::AUTHORIZATION, authorization)
            .header(http::header::ACCEPT, "application/json")
            .header(http::header::CONTENT_TYPE, "application/json")
            .header("intercom-version", version.as_str())
            .body(self.body.as_ref().map(|body| body.get().to_owned()).unwrap_or_default())
    }
}

impl PartialEq for Call {
    /// Whether the same is sent, byte by byte.
    fn eq(&self, other: &Self) -> bool {
        let body = |call: &Self| call.body.as_ref().map(|body| body.get().to_owned());
        (self.operation, self.method, &self.path, &self.query)
            == (other.operation, other.method, &other.path, &other.query)
            && body(self) == body(other)
    }
}

// Paths and bodies hold personal data.
exact_json::debug_shows! {
    Call(call) { operation, body_bytes = call.body.as_ref().map_or(0, |body| body.get().len()), .. }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Operation, SearchContacts};

    #[test]
    fn a_call_can_stand_anywhere() {
        let mut call = SearchContacts::by("email", "ada@example.org").to_call().unwrap();
        let _: Call = exact_json::testing::object(&serde_json::to_value(&call).unwrap());
        call.query.push(("a b".into(), "c".to_owned()));
        call.body = None;
        let _: Call = exact_json::testing::object(&serde_json::to_value(&call).unwrap());
    }

    #[cfg(feature = "http")]
    #[test]
    fn a_call_becomes_a_request() {
        let call = SearchContacts::by("email", "ada@example.org").to_call().unwrap();
        let request = call
            .to_request("https://api.eu.intercom.io/", "dG9r", crate::ApiVersion::V2_11)
            .unwrap();
        assert_eq!(
            (request.method().as_str(), request.uri().to_string().as_str()),
            ("POST", "https://api.eu.intercom.io/contacts/search")
        );
        assert_eq!(request.headers()["authorization"], "Bearer dG9r");
        assert_eq!(request.headers()["intercom-version"], "2.11");
        assert!(request.body().contains("ada@example.org") && !format!("{:?}", request.headers()).contains("dG9r"));
        assert!(
            call.to_request("https://api.intercom.io", "a\nb", crate::ApiVersion::default())
                .is_err()
        );
        assert!(
            call.to_request("not a URL", "dG9r", crate::ApiVersion::default())
                .is_err()
        );
    }
}
