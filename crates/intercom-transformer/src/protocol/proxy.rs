//! `POST /v0|v1/destinations/intercom_v2/proxy`: deliveries that rudder-server leaves to the service.

use super::AUTH_STATUS_INACTIVE;
use super::failure::{Failure, Feature, StatTags};
use super::json::{items, members, string};
use super::request::{BadRequest, Metadata};
use rudderstack_events::{Object, Raw};
use serde::Serialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The version of the delivery protocol, as the path names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyVersion {
    /// One job a delivery.
    V0,
    /// One or more jobs a delivery.
    V1,
}

/// A request that is to be made.
#[derive(Debug)]
#[non_exhaustive]
pub struct ProxyRequest<'a> {
    /// The URL.
    pub endpoint: Cow<'a, str>,
    /// The HTTP method.
    pub method: Cow<'a, str>,
    /// The headers.
    pub headers: Object<'a>,
    /// The query parameters.
    pub params: Object<'a>,
    /// The JSON body, if there is one.
    pub body: Option<&'a RawValue>,
    /// The metadata of each job. Version 0 may send an object in place of an array.
    pub metadata: Vec<&'a RawValue>,
}

impl<'a> ProxyRequest<'a> {
    /// Reads a request.
    ///
    /// # Errors
    ///
    /// If it is not a JSON object, or lacks an endpoint, a method or its metadata.
    pub fn from_json(text: &'a str) -> Result<Self, BadRequest> {
        let whole: &RawValue = serde_json::from_str(text).map_err(|error| BadRequest::from_serde(&error, "JSON"))?;
        let names = ["endpoint", "method", "headers", "params", "body", "metadata"];
        let [endpoint, method, headers, params, body, metadata] =
            members(whole, names).ok_or(BadRequest::WrongKind { expected: "an object" })?;
        let text = |raw: Option<&'a RawValue>, pointer| {
            raw.and_then(string)
                .filter(|text| !text.is_empty())
                .ok_or(BadRequest::Missing {
                    pointer,
                    expected: "a string",
                })
        };
        let object = |raw: Option<&'a RawValue>| raw.and_then(|raw| Raw::from(raw).as_object()).unwrap_or_default();
        let metadata = metadata.filter(|raw| raw.get() != "null").ok_or(BadRequest::Missing {
            pointer: "/metadata",
            expected: "an array or an object",
        })?;
        let json = body.and_then(|body| members(body, ["JSON"])).and_then(|[json]| json);
        Ok(Self {
            endpoint: text(endpoint, "/endpoint")?,
            method: text(method, "/method")?,
            headers: object(headers),
            params: object(params),
            body: json.filter(|json| json.get() != "null"),
            metadata: items(metadata).unwrap_or_else(|| vec![metadata]),
        })
    }

    /// The value of a header; names are matched without regard to case.
    pub fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        let (_, value) = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        value.string()
    }

    /// What is read of the first job's metadata.
    pub fn first_metadata(&self) -> Metadata<'a> {
        self.metadata
            .first()
            .map(|raw| Metadata::from_json(raw.get()))
            .unwrap_or_default()
    }
}

/// What became of a delivery.
#[derive(Debug)]
#[non_exhaustive]
pub struct ProxyResponse<'a> {
    /// The status of the job: Intercom's, or what it means to rudder-server.
    pub status: u16,
    /// What is wrong, unless the call succeeded.
    pub failure: Option<Failure>,
    /// Whether the authorization does not hold any more.
    pub is_unauthorized: bool,
    /// The status that Intercom answered; 0 if it did not.
    pub intercom_status: u16,
    /// What Intercom answered: JSON, or any other text.
    pub body: Cow<'a, [u8]>,
}

impl ProxyResponse<'_> {
    /// The status of the HTTP response.
    pub fn http_status(&self, version: ProxyVersion) -> u16 {
        match version {
            ProxyVersion::V1 if self.is_unauthorized => self.status,
            ProxyVersion::V1 => 200,
            ProxyVersion::V0 if (200..300).contains(&self.status) => 200,
            ProxyVersion::V0 => self.status,
        }
    }

    /// The body of the HTTP response.
    pub fn to_json(&self, version: ProxyVersion, request: &ProxyRequest<'_>) -> Vec<u8> {
        #[derive(Serialize)]
        struct Response<'a> {
            output: Output<'a>,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Output<'a> {
            status: u16,
            message: Cow<'a, str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            response: Option<Vec<Job<'a>>>,
            #[serde(skip_serializing_if = "Option::is_none")]
            destination_response: Option<DestinationResponse<'a>>,
            #[serde(skip_serializing_if = "Option::is_none")]
            stat_tags: Option<StatTags<'a>>,
            #[serde(skip_serializing_if = "Option::is_none")]
            auth_error_category: Option<&'static str>,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Job<'a> {
            status_code: u16,
            error: &'a str,
            metadata: &'a RawValue,
        }
        #[derive(Serialize)]
        #[serde(untagged)]
        enum DestinationResponse<'a> {
            Success(&'a RawValue),
            Failure { response: &'a RawValue, status: u16 },
        }

        let body = json_of(&self.body);
        let metadata = request.first_metadata();
        let output = Output {
            status: self.status,
            message: match &self.failure {
                Some(failure) => Cow::Borrowed(failure.message.as_str()),
                None => Cow::Borrowed("Request Processed Successfully"),
            },
            response: (version == ProxyVersion::V1).then(|| {
                let jobs = request.metadata.iter();
                jobs.map(|metadata| Job {
                    status_code: self.status,
                    error: body.get(),
                    metadata,
                })
                .collect()
            }),
            destination_response: (version == ProxyVersion::V0).then(|| match &self.failure {
                Some(_) => DestinationResponse::Failure {
                    response: &body,
                    status: if self.intercom_status == 0 {
                        self.status
                    } else {
                        self.intercom_status
                    },
                },
                None => DestinationResponse::Success(&body),
            }),
            stat_tags: self
                .failure
                .as_ref()
                .map(|failure| failure.stat_tags(Feature::DataDelivery, &metadata)),
            auth_error_category: self.is_unauthorized.then_some(AUTH_STATUS_INACTIVE),
        };
        serde_json::to_vec(&Response { output }).unwrap_or_default()
    }
}

/// A body as JSON: itself if it is JSON, else its text as a JSON string.
fn json_of(body: &[u8]) -> Cow<'_, RawValue> {
    let text = String::from_utf8_lossy(body);
    match &text {
        Cow::Borrowed(text) => match serde_json::from_str::<&RawValue>(text) {
            Ok(raw) => Cow::Borrowed(raw),
            Err(_) => quoted(text),
        },
        Cow::Owned(text) => quoted(text),
    }
}

fn quoted(text: &str) -> Cow<'static, RawValue> {
    serde_json::value::to_raw_value(text).map_or(Cow::Borrowed(RawValue::NULL), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: &str = r#"{"type":"REST","endpoint":"https://api.intercom.io/events","method":"POST","headers":{"authorization":"Bearer t"},"params":{},"body":{"JSON":{"a": 1},"FORM":{}},"metadata":[{"jobId":9007199254740993,"destinationId":"d","workspaceId":"w"},{"jobId":2}]}"#;

    #[test]
    fn a_request_is_read() {
        let request = ProxyRequest::from_json(REQUEST).unwrap();
        assert_eq!(
            (request.method.as_ref(), request.endpoint.as_ref()),
            ("POST", "https://api.intercom.io/events")
        );
        assert_eq!(request.header("Authorization").unwrap(), "Bearer t");
        assert_eq!(request.body.unwrap().get(), r#"{"a": 1}"#);
        assert_eq!(request.metadata.len(), 2);
        let one = ProxyRequest::from_json(r#"{"endpoint":"e","method":"GET","metadata":{"jobId":1}}"#).unwrap();
        assert_eq!(one.metadata[0].get(), r#"{"jobId":1}"#);
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"endpoint":"e","method":"GET"}"#,
            r#"{"endpoint":5,"method":"GET","metadata":[]}"#,
        ] {
            assert!(ProxyRequest::from_json(text).is_err(), "{text}");
        }
    }

    #[test]
    fn every_job_is_answered() {
        let request = ProxyRequest::from_json(REQUEST).unwrap();
        let response = ProxyResponse {
            status: 202,
            failure: None,
            is_unauthorized: false,
            intercom_status: 202,
            body: Cow::Borrowed(b""),
        };
        assert_eq!(
            String::from_utf8(response.to_json(ProxyVersion::V1, &request)).unwrap(),
            r#"{"output":{"status":202,"message":"Request Processed Successfully","response":[{"statusCode":202,"error":"\"\"","metadata":{"jobId":9007199254740993,"destinationId":"d","workspaceId":"w"}},{"statusCode":202,"error":"\"\"","metadata":{"jobId":2}}]}}"#
        );
        assert_eq!(
            String::from_utf8(response.to_json(ProxyVersion::V0, &request)).unwrap(),
            r#"{"output":{"status":202,"message":"Request Processed Successfully","destinationResponse":""}}"#
        );
        assert_eq!(
            (
                response.http_status(ProxyVersion::V0),
                response.http_status(ProxyVersion::V1)
            ),
            (200, 200)
        );
    }

    #[test]
    fn a_refusal_carries_what_intercom_said() {
        let request = ProxyRequest::from_json(REQUEST).unwrap();
        let response = ProxyResponse {
            status: 400,
            failure: Some(Failure::invalid("no")),
            is_unauthorized: true,
            intercom_status: 401,
            body: Cow::Borrowed(b"<html>"),
        };
        let v0 = String::from_utf8(response.to_json(ProxyVersion::V0, &request)).unwrap();
        assert!(
            v0.contains(r#""destinationResponse":{"response":"<html>","status":401}"#),
            "{v0}"
        );
        assert!(v0.contains(r#""authErrorCategory":"AUTH_STATUS_INACTIVE""#), "{v0}");
        let v1 = String::from_utf8(response.to_json(ProxyVersion::V1, &request)).unwrap();
        assert!(v1.contains(r#""error":"\"<html>\"""#), "{v1}");
        assert_eq!(
            (
                response.http_status(ProxyVersion::V0),
                response.http_status(ProxyVersion::V1)
            ),
            (400, 400)
        );
    }
}
