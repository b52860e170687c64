//! Somebody else's URL that is told of something.

use super::failure::host;
use super::{Client, Error, TransportError};
use reqwest::Url;
use reqwest::header::HeaderMap;

/// A URL that takes messages in JSON. It is a secret: whoever knows it can send some, so that neither `Debug` nor an error
/// shows more of it than its host.
#[derive(Clone)]
pub struct Webhook {
    client: Client,
    url: Url,
    headers: HeaderMap,
}

impl Webhook {
    /// The webhook at this URL. The client's timeouts bound how long a message may take.
    ///
    /// # Errors
    ///
    /// If it is not an HTTP or HTTPS URL.
    pub fn new(client: Client, url: &str) -> Result<Self, Error> {
        let url = Url::parse(url.trim()).map_err(|_| Error::InvalidWebhook)?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(Error::InvalidWebhook);
        }
        let headers = HeaderMap::new();
        Ok(Self { client, url, headers })
    }

    /// The same with headers that go with each message.
    #[must_use]
    pub fn with_headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }

    /// The host, and its port if that is not the usual one.
    pub fn host(&self) -> String {
        host(&self.url).unwrap_or_default()
    }

    /// Sends a message, and gives the status of the response. Nothing is tried again here, and no redirect is followed.
    ///
    /// # Errors
    ///
    /// If there is no response.
    pub async fn send(&self, json: impl Into<Vec<u8>>) -> Result<u16, TransportError> {
        let headers = self.headers.clone();
        self.client.post(self.url.clone(), headers, json.into()).await
    }
}

exact_json::debug_shows! { Webhook(webhook) { host = webhook.host(), .. } }

#[cfg(test)]
mod tests {
    use super::super::{Answer, Cause, InProcess};
    use super::*;
    use intercom_api::{ApiVersion, Call};
    use std::time::Duration;

    struct Nobody;

    impl InProcess for Nobody {
        fn answer(&self, _: &Call, _: &str, _: ApiVersion) -> Answer {
            Box::pin(async { Err(TransportError::of(Cause::ResponseTimeout)) })
        }

        fn now(&self) -> Duration {
            Duration::ZERO
        }
    }

    #[tokio::test]
    async fn from_within_the_process_nobody_else_is_reached() {
        let webhook = Webhook::new(Client::in_process(Nobody), "https://example.org/s3cret").unwrap();
        let error = webhook.send("{}").await.unwrap_err();
        assert_eq!(error.cause, Cause::Unreachable);
        assert_eq!(error.host.as_deref(), Some("example.org"));
        assert!(error.source.unwrap().to_string().contains("within this process"));
    }

    #[tokio::test]
    async fn no_more_than_the_host_is_shown() {
        let client = Client::builder().build().unwrap();
        let webhook = Webhook::new(client.clone(), " http://user:s3cret@127.0.0.1:1/s3cret?key=s3cret \n").unwrap();
        let error = webhook.send("{}").await.unwrap_err();
        let shown = format!("{webhook:?} {error} {error:?} {}", webhook.host());
        assert!(shown.contains("127.0.0.1:1") && !shown.contains("s3cret"), "{shown}");
        for url in ["", "s3cret", "ftp://example.org/s3cret", "http://"] {
            let error = Webhook::new(client.clone(), url).unwrap_err();
            assert!(matches!(error, Error::InvalidWebhook), "{url}");
            assert!(!format!("{error} {error:?}").contains("s3cret"));
        }
    }
}
