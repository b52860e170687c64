//! `POST /routerTransform`: what goes out.

use super::failure::{Failure, Feature};
use super::request::Metadata;
use super::status;
use exact_json::WriteJson;
use intercom_api::ApiVersion;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

/// The headers of returned requests: the same for all events of one destination, so they are written once.
#[derive(Clone)]
pub struct Authorization {
    token: Arc<str>,
    /// A JSON object.
    headers: Arc<str>,
}

impl Authorization {
    /// The headers of requests with this access token and version. `None` if the token cannot stand in a header.
    pub fn new(token: &str, version: ApiVersion) -> Option<Self> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Headers<'a> {
            authorization: String,
            accept: &'a str,
            #[serde(rename = "Content-Type")]
            content_type: &'a str,
            #[serde(rename = "Intercom-Version")]
            intercom_version: &'a str,
        }
        let visible = |byte: u8| byte.is_ascii_graphic();
        if token.is_empty() || !token.bytes().all(visible) {
            return None;
        }
        let headers = Headers {
            authorization: format!("Bearer {token}"),
            accept: "application/json",
            content_type: "application/json",
            intercom_version: version.as_str(),
        };
        Some(Self {
            token: token.into(),
            headers: serde_json::to_string(&headers).ok()?.into(),
        })
    }

    /// The access token.
    pub fn token(&self) -> &str {
        &self.token
    }
}

exact_json::debug_shows! { Authorization { .. } }

/// A request that is returned: rudder-server delivers it, or it is done already.
#[derive(Debug)]
#[non_exhaustive]
pub struct BatchedRequest<'a, B: ?Sized> {
    /// The HTTP method.
    pub method: &'a str,
    /// The base URL, without a slash at the end.
    pub base_url: &'a str,
    /// Path and query, percent-encoded.
    pub path_and_query: &'a str,
    /// The headers.
    pub authorization: &'a Authorization,
    /// The JSON body; without one, an empty object is written.
    pub body: Option<&'a B>,
}

impl<'a, B: WriteJson + ?Sized> BatchedRequest<'a, B> {
    /// A request.
    pub fn new(
        method: &'a str,
        base_url: &'a str,
        path_and_query: &'a str,
        authorization: &'a Authorization,
        body: Option<&'a B>,
    ) -> Self {
        Self {
            method,
            base_url,
            path_and_query,
            authorization,
            body,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        put(out, r#"{"version":"1","type":"REST","method":""#);
        put(out, self.method);
        // Neither a base URL nor an encoded path holds anything that JSON escapes.
        put(out, r#"","endpoint":""#);
        put(out, self.base_url);
        put(out, self.path_and_query);
        put(out, r#"","headers":"#);
        put(out, &self.authorization.headers);
        put(out, r#","params":{},"body":{"JSON":"#);
        match self.body {
            Some(body) => body.write_json(out),
            None => put(out, "{}"),
        }
        put(out, r#","JSON_ARRAY":{},"XML":{},"FORM":{}},"files":{}}"#);
    }
}

/// The elements of a response's `output`, written one after the other, in any order.
///
/// A long destination of many events, as in the compacted form, is kept once, however often it is echoed.
#[derive(Default)]
pub struct Elements {
    text: Vec<u8>,
    /// Where each event's element is.
    places: Vec<Option<Range<usize>>>,
    /// The destinations that are written, by the place in the request that they are echoed from.
    destinations: HashMap<(usize, usize), Range<usize>>,
    /// Where in the text something belongs that is written elsewhere in it, in order.
    echoes: Vec<(usize, Range<usize>)>,
    echoed: usize,
}

/// The body of a response: parts of a text, some of them more than once.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parts {
    /// The text.
    pub text: Vec<u8>,
    /// The parts of it, in the order in which they are sent.
    pub parts: Vec<Range<usize>>,
}

impl Parts {
    /// How many bytes are sent.
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.len() as u64).sum()
    }

    /// All in one piece.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut whole = Vec::new();
        for part in &self.parts {
            whole.extend_from_slice(&self.text[part.clone()]);
        }
        whole
    }

    /// Adds a part, to the one before it if that is possible.
    fn push(&mut self, part: Range<usize>) {
        match self.parts.last_mut() {
            Some(last) if last.end == part.start => last.end = part.end,
            _ if part.is_empty() => {}
            _ => self.parts.push(part),
        }
    }
}

exact_json::debug_shows! { Parts(parts) { bytes = parts.bytes() } }

/// What stands in front of the elements.
const OPEN: &str = r#"{"output":["#;
/// From this length on, a destination is written once.
const LONG: usize = 512;

impl Elements {
    /// Room for the elements of so many events, of about so many bytes together.
    pub fn new(events: usize, bytes: usize) -> Self {
        let mut text = Vec::with_capacity(OPEN.len() + bytes);
        put(&mut text, OPEN);
        Self {
            text,
            places: vec![None; events],
            ..Self::default()
        }
    }

    /// Writes the element of an event whose request is returned.
    pub fn returned<B: WriteJson + ?Sized>(
        &mut self,
        event: usize,
        status: u16,
        request: &BatchedRequest<'_, B>,
        metadata: &str,
        destination: Option<&str>,
    ) {
        let start = self.text.len();
        put(&mut self.text, r#"{"batchedRequest":"#);
        request.write(&mut self.text);
        put(&mut self.text, ",");
        self.surroundings(metadata, status, destination);
        self.end(event, start);
    }

    /// Writes the element of an event of which everything is done.
    pub fn handled(&mut self, event: usize, metadata: &str, destination: Option<&str>) {
        let start = self.text.len();
        put(&mut self.text, "{");
        self.surroundings(metadata, status::HANDLED, destination);
        self.end(event, start);
    }

    /// Writes the element of an event that failed.
    pub fn failed(
        &mut self,
        event: usize,
        failure: &Failure,
        metadata: &str,
        read: &Metadata<'_>,
        destination: Option<&str>,
    ) {
        let start = self.text.len();
        let out = &mut self.text;
        put(out, r#"{"error":"#);
        put_json(out, &failure.message);
        put(out, r#","statTags":"#);
        put_json(out, &failure.stat_tags(Feature::Router, read));
        if let Some(category) = failure.auth_error_category {
            put(out, r#","authErrorCategory":"#);
            put_json(out, category);
        }
        put(out, ",");
        self.surroundings(metadata, failure.status, destination);
        self.end(event, start);
    }

    fn surroundings(&mut self, metadata: &str, status: u16, destination: Option<&str>) {
        let out = &mut self.text;
        put(out, r#""metadata":["#);
        put(out, metadata);
        put(out, r#"],"batched":false,"statusCode":"#);
        put_json(out, &status);
        put(out, r#","destination":"#);
        self.destination(destination.unwrap_or("{}"));
        put(&mut self.text, "}");
    }

    fn destination(&mut self, text: &str) {
        let start = self.text.len();
        if text.len() < LONG {
            return put(&mut self.text, text);
        }
        match self.destinations.entry((text.as_ptr().addr(), text.len())) {
            Entry::Occupied(written) => {
                self.echoes.push((start, written.get().clone()));
                self.echoed += text.len();
            }
            Entry::Vacant(new) => {
                new.insert(start..start + text.len());
                put(&mut self.text, text);
            }
        }
    }

    fn end(&mut self, event: usize, start: usize) {
        if let Some(slot) = self.places.get_mut(event) {
            *slot = Some(start..self.text.len());
        }
        put(&mut self.text, ",");
    }

    /// The events that have no element yet.
    pub fn missing(&self) -> impl Iterator<Item = usize> {
        let missing = |(event, place): (usize, &Option<Range<usize>>)| place.is_none().then_some(event);
        self.places.iter().enumerate().filter_map(missing)
    }

    /// How long the elements are together, in bytes.
    pub fn bytes(&self) -> usize {
        self.text.len() + self.echoed
    }

    /// The response's body, with the elements in the order of the events.
    pub fn finish(mut self) -> Parts {
        let last = self.places.iter().rev().flatten().next();
        if last.is_some_and(|last| last.end + 1 == self.text.len()) {
            // Without the comma behind it, all may be in one piece.
            self.text.pop();
        }
        let close = self.text.len();
        put(&mut self.text, "]}");
        let mut body = Parts::default();
        body.push(0..OPEN.len());
        let mut places = self.places.into_iter().flatten().peekable();
        while let Some(Range { mut start, end }) = places.next() {
            let first = self.echoes.partition_point(|(at, _)| *at < start);
            for (at, echoed) in self.echoes[first..].iter().take_while(|(at, _)| *at < end) {
                body.push(start..*at);
                body.push(echoed.clone());
                start = *at;
            }
            // With the comma behind it, save for the last.
            body.push(start..end + usize::from(places.peek().is_some()));
        }
        body.push(close..close + 2);
        body.text = self.text;
        body
    }
}

exact_json::debug_shows! {
    Elements(elements) { written = elements.places.iter().flatten().count(), of = elements.places.len() }
}

fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn put_json<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    let start = out.len();
    if serde_json::to_writer(&mut *out, value).is_err() {
        // None of our types gets here; if one did, the response must still be JSON.
        out.truncate(start);
        put(out, "null");
    }
}

/// A response to `POST /routerTransform`, as a client reads it.
#[derive(Debug, Deserialize)]
#[non_exhaustive]
pub struct RouterResponse<'a> {
    /// One element an event, in order.
    #[serde(borrow)]
    pub output: Vec<RouterElement<'a>>,
}

/// What became of one event, as a client reads it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RouterElement<'a> {
    /// The returned request, unless the event failed.
    #[serde(borrow)]
    pub batched_request: Option<&'a RawValue>,
    /// What is wrong, if the event failed.
    #[serde(borrow)]
    pub error: Option<Cow<'a, str>>,
    /// What faults are counted by, if the event failed.
    pub stat_tags: Option<BTreeMap<String, String>>,
    /// The event's metadata, in an array.
    #[serde(borrow)]
    pub metadata: Vec<&'a RawValue>,
    /// Whether several events are in one request: never.
    pub batched: bool,
    /// What rudder-server is to do: see [`status`](super::status).
    pub status_code: u16,
    /// The destination.
    #[serde(borrow)]
    pub destination: &'a RawValue,
}

#[cfg(test)]
mod tests {
    use super::*;
    const METADATA: &str = r#"{ "jobId":9007199254740993 }"#;

    fn write(elements: &mut Elements, event: usize) {
        let authorization = Authorization::new("t", ApiVersion::default()).unwrap();
        let path = format!("/contacts/{event}");
        let request = BatchedRequest::<str>::new("PUT", "https://x", &path, &authorization, None);
        elements.returned(event, status::DELIVER, &request, METADATA, Some(r#"{"a": 1}"#));
    }

    #[test]
    fn elements_come_out_in_the_order_of_the_events() {
        for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0], [2, 1, 0], [0, 2, 1], [1, 0, 2]] {
            let mut elements = Elements::new(3, 0);
            for event in order {
                assert!(elements.missing().any(|missing| missing == event));
                write(&mut elements, event);
            }
            let body = elements.finish().to_vec();
            let response: RouterResponse<'_> = serde_json::from_slice(&body).unwrap();
            assert_eq!(response.output.len(), 3);
            for (event, element) in response.output.iter().enumerate() {
                let endpoint = format!(r#""endpoint":"https://x/contacts/{event}""#);
                assert!(element.batched_request.unwrap().get().contains(&endpoint));
                assert_eq!(element.metadata[0].get(), METADATA);
                assert_eq!(element.destination.get(), r#"{"a": 1}"#);
            }
        }
    }

    #[test]
    fn no_events_make_an_empty_output() {
        assert_eq!(Elements::new(0, 0).finish().to_vec(), br#"{"output":[]}"#);
    }

    #[test]
    fn a_long_destination_is_kept_once_however_often_it_is_echoed() {
        let destination = format!(r#"{{"name":"{}"}}"#, "x".repeat(10_000));
        let authorization = Authorization::new("t", ApiVersion::default()).unwrap();
        let request = BatchedRequest::<str>::new("PUT", "https://x", "/", &authorization, None);
        let mut elements = Elements::new(100, 0);
        for event in (0..50).rev().chain(50..100) {
            elements.returned(event, status::DELIVER, &request, METADATA, Some(&destination));
        }
        let bytes = elements.bytes();
        let body = elements.finish();
        assert!(body.text.len() < 50_000 && bytes > 1_000_000);
        let whole = body.to_vec();
        assert_eq!(body.bytes(), whole.len() as u64);
        let read: RouterResponse<'_> = serde_json::from_slice(&whole).unwrap();
        assert_eq!(read.output.len(), 100);
        assert!(
            read.output
                .iter()
                .all(|element| element.destination.get() == destination)
        );
    }

    #[test]
    fn a_token_that_is_no_header_value_is_none() {
        for token in ["", "a\nb", "a b", "ü"] {
            assert!(Authorization::new(token, ApiVersion::default()).is_none());
        }
        let authorization = Authorization::new("q\"uote", ApiVersion::V2_11).unwrap();
        assert_eq!(
            &*authorization.headers,
            r#"{"Authorization":"Bearer q\"uote","Accept":"application/json","Content-Type":"application/json","Intercom-Version":"2.11"}"#
        );
        assert_eq!(format!("{authorization:?}"), "Authorization { .. }");
    }
}
