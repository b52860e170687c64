//! What every typed request has in common.

use crate::call::Call;
use crate::route::OperationId;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;

/// A typed request of Intercom's REST API: one type an operation.
///
/// A request knows its operation, its percent-encoded path, its query, its body and the type of a successful response.
/// It sends nothing itself: turn it into a [`Call`] and hand that to an HTTP client.
pub trait Operation {
    /// The JSON body, or [`NoBody`].
    type Body<'a>: Serialize
    where
        Self: 'a;
    /// What a successful response holds.
    type Response: DeserializeOwned;

    /// Which operation it is: what its method and its path are made of.
    const ID: OperationId;

    /// The path below the base URL, percent-encoded, with a slash at the front.
    fn path(&self) -> Cow<'static, str>;

    /// The query parameters, not encoded.
    fn query(&self) -> Vec<(Cow<'static, str>, String)> {
        Vec::new()
    }

    /// The body, if the operation has one.
    fn body(&self) -> Option<Self::Body<'_>>;

    /// Finds what Intercom would refuse, as far as it is documented. With the feature `validator`.
    ///
    /// # Errors
    ///
    /// If it would refuse something. The error tells fields and codes, and no value.
    #[cfg(feature = "validator")]
    fn check(&self) -> Result<(), validator::ValidationErrors> {
        Ok(())
    }

    /// The request as plain data.
    ///
    /// # Errors
    ///
    /// If the body cannot be written as JSON, which no type of this crate does.
    fn to_call(&self) -> Result<Call, serde_json::Error> {
        self.to_call_with(self.body())
    }

    /// The same with another body, for a caller who has one and need not copy it into a request.
    ///
    /// # Errors
    ///
    /// If the body cannot be written as JSON, which no type of this crate does.
    fn to_call_with(&self, body: Option<Self::Body<'_>>) -> Result<Call, serde_json::Error> {
        let mut call = Call::new(Self::ID, self.path());
        call.query = self.query();
        call.body = body.map(|body| serde_json::value::to_raw_value(&body)).transpose()?;
        Ok(call)
    }

    /// Reads a successful response. An empty one is read as JSON `null`; what an operation without a response (`()`)
    /// was sent is not looked at.
    ///
    /// # Errors
    ///
    /// If the body is not what the operation answers. The message may quote the body, so it is not one for a log.
    fn parse_response(body: &[u8]) -> Result<Self::Response, serde_json::Error> {
        let holds_nothing = size_of::<Self::Response>() == 0 || body.iter().all(u8::is_ascii_whitespace);
        serde_json::from_slice(if holds_nothing { b"null" } else { body })
    }
}

/// The body of a request whose members are fields: the request without what goes into the path.
#[derive(Clone, Copy, Debug)]
pub struct BodyOf<'a, R>(pub(crate) &'a R);

/// The body of an operation that has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum NoBody {}
