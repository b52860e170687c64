//! Calls over HTTP.

use super::failure::{Resolver, host};
use super::in_process::system_time;
use super::{AccessToken, Cause, Error, InProcess, Transport, TransportError};
use crate::response::Response;
use intercom_api::{ApiVersion, Call, Method, Region};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Url, redirect};
use rustls_platform_verifier::BuilderVerifierExt as _;
use std::sync::Arc;
use std::time::Duration;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The greatest body of a response that is read. A page of contacts is far smaller.
const LONGEST_BODY: usize = 16 << 20;

/// Where calls go, and in whose name.
#[derive(Clone)]
pub struct Workspace {
    base_url: Url,
    token: AccessToken,
    version: ApiVersion,
}

impl Workspace {
    /// The workspace of a token, in its region.
    pub fn new(region: Region, token: AccessToken) -> Self {
        let base_url = Url::parse(region.base_url()).expect("the regions' base URLs are URLs");
        Self {
            base_url,
            token,
            version: ApiVersion::default(),
        }
    }

    /// The same behind another base URL: a sandbox, or a proxy. A path is kept; a slash at its end does not matter.
    ///
    /// # Errors
    ///
    /// If it is not an HTTP or HTTPS URL.
    pub fn with_base_url(mut self, base_url: &str) -> Result<Self, Error> {
        let url = Url::parse(base_url.trim_end_matches('/')).map_err(|_| Error::InvalidBaseUrl)?;
        let is_plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !is_plain {
            return Err(Error::InvalidBaseUrl);
        }
        self.base_url = url;
        Ok(self)
    }

    /// The same with another version of the API.
    #[must_use]
    pub fn with_version(mut self, version: ApiVersion) -> Self {
        self.version = version;
        self
    }

    fn url(&self, call: &Call) -> Result<Url, TransportError> {
        let base = self.base_url.as_str().trim_end_matches('/');
        let url = Url::parse(&format!("{base}{}", call.path_and_query())).ok();
        // The rules of URLs fold some paths to others.
        let prefix = self.base_url.path().trim_end_matches('/');
        let leads_there = |url: &Url| url.path().strip_prefix(prefix) == Some(&call.path);
        url.filter(leads_there).ok_or_else(|| self.failed(Cause::OtherPath))
    }

    fn failed(&self, cause: Cause) -> TransportError {
        TransportError {
            host: host(&self.base_url),
            ..TransportError::of(cause)
        }
    }
}

exact_json::debug_shows! { Workspace(workspace) { host = workspace.base_url.host_str(), version, .. } }

/// How a [`Client`] is set up.
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientBuilder {
    connect_timeout: Duration,
    response_timeout: Duration,
    use_proxy: bool,
}

impl ClientBuilder {
    /// How long to wait for a connection: 10 seconds by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long to wait for a response, connecting and reading its body included: 30 seconds by default.
    pub fn response_timeout(mut self, timeout: Duration) -> Self {
        self.response_timeout = timeout;
        self
    }

    /// Whether to go through the proxy that `HTTPS_PROXY` and its like name, as is the default. Loopback needs none.
    pub fn use_proxy(mut self, use_proxy: bool) -> Self {
        self.use_proxy = use_proxy;
        self
    }

    /// The client.
    ///
    /// # Errors
    ///
    /// If TLS cannot be set up.
    pub fn build(self) -> Result<Client, Error> {
        let (tls, no_certificates) = tls()?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("rudder-intercom/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls)
            .dns_resolver(Resolver)
            .connect_timeout(self.connect_timeout)
            .timeout(self.response_timeout)
            // A redirect is a response like any other: the token goes nowhere but to Intercom.
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never());
        if !self.use_proxy {
            builder = builder.no_proxy();
        }
        Ok(Client(Way::Http(Http {
            client: builder.build().map_err(|error| Error::Setup(error.into()))?,
            no_certificates,
        })))
    }
}

/// TLS by rustls with ring, and the certificates that the platform trusts. A machine that has none can still talk to a
/// sandbox; the reason is kept for those who ask for more.
fn tls() -> Result<(rustls::ClientConfig, Option<Arc<rustls::Error>>), Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = || {
        rustls::ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::Setup(error.into()))
    };
    let (mut config, reason) = match builder()?.with_platform_verifier() {
        Ok(builder) => (builder.with_no_client_auth(), None),
        Err(error) => {
            let none = rustls::RootCertStore::empty();
            let config = builder()?.with_root_certificates(none).with_no_client_auth();
            (config, Some(Arc::new(error)))
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok((config, reason))
}

/// Sends calls over pooled HTTP/1.1 and HTTP/2 connections. Cheap to clone; clones share the pool.
#[derive(Clone)]
pub struct Client(Way);

#[derive(Clone)]
enum Way {
    Http(Http),
    InProcess(Arc<dyn InProcess>),
}

#[derive(Clone)]
struct Http {
    client: reqwest::Client,
    /// Why there are no certificates to trust others by, if there are none.
    no_certificates: Option<Arc<rustls::Error>>,
}

impl Http {
    /// The client for this URL, if there are certificates to trust it by, should it take some.
    fn client(&self, url: &Url) -> Result<&reqwest::Client, TransportError> {
        match self.no_certificates.as_ref().filter(|_| url.scheme() == "https") {
            Some(reason) => Err(TransportError {
                host: host(url),
                source: Some(reason.clone().into()),
                ..TransportError::of(Cause::NoTrustedCertificates)
            }),
            None => Ok(&self.client),
        }
    }
}

exact_json::debug_shows! { Client { .. } }

impl Client {
    /// A client to be set up.
    pub fn builder() -> ClientBuilder {
        ClientBuilder {
            connect_timeout: Duration::from_secs(10),
            response_timeout: Duration::from_secs(30),
            use_proxy: true,
        }
    }

    /// A client of an Intercom within this process, whatever the base URL of a workspace says.
    pub fn in_process(intercom: impl InProcess) -> Self {
        Self(Way::InProcess(Arc::new(intercom)))
    }

    /// What time it is, since 1970-01-01T00:00:00Z: by the system's clock, or that of an Intercom within this process.
    pub fn now(&self) -> Duration {
        match &self.0 {
            Way::Http(_) => system_time(),
            Way::InProcess(intercom) => intercom.now(),
        }
    }

    /// Sends JSON to any URL, and gives the status of the response.
    pub(super) async fn post(&self, url: Url, mut headers: HeaderMap, json: Vec<u8>) -> Result<u16, TransportError> {
        let http = match &self.0 {
            Way::Http(http) => http.client(&url)?,
            Way::InProcess(_) => {
                return Err(TransportError {
                    host: host(&url),
                    source: Some("the client reaches nothing but an Intercom within this process".into()),
                    ..TransportError::of(Cause::Unreachable)
                });
            }
        };
        headers.insert(CONTENT_TYPE, JSON);
        let request = http.post(url.clone()).headers(headers).body(json);
        let response = request.send().await;
        let response = response.map_err(|error| TransportError::of_request(&error, &url))?;
        Ok(response.status().as_u16())
    }

    /// Sends one call and waits for its response, whatever its status. Nothing is tried again here.
    ///
    /// # Errors
    ///
    /// If there is no whole response.
    pub async fn send(&self, call: &Call, workspace: &Workspace) -> Result<Response, TransportError> {
        let url = workspace.url(call)?;
        let http = match &self.0 {
            Way::Http(http) => http.client(&url)?,
            Way::InProcess(intercom) => {
                let authorization = workspace.token.header();
                let authorization = authorization.to_str().unwrap_or_default();
                return intercom.answer(call, authorization, workspace.version).await;
            }
        };
        let method = match call.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(AUTHORIZATION, workspace.token.header());
        headers.insert(ACCEPT, JSON);
        headers.insert(CONTENT_TYPE, JSON);
        headers.insert("intercom-version", HeaderValue::from_static(workspace.version.as_str()));
        let failed = |error: reqwest::Error| TransportError::of_request(&error, &workspace.base_url);
        let mut request = http.request(method, url).headers(headers);
        if let Some(body) = &call.body {
            request = request.body(body.get().to_owned());
        }
        let mut response = request.send().await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > LONGEST_BODY {
                return Err(workspace.failed(Cause::TooLarge));
            }
            body.extend_from_slice(&chunk);
        }
        let headers = response.headers();
        Ok(Response::with_headers(response.status().as_u16(), body, |name| {
            headers.get(name).and_then(|value| value.to_str().ok())
        }))
    }
}

/// A client and the workspace that it talks to.
#[derive(Clone, Debug)]
pub struct HttpTransport {
    client: Client,
    workspace: Workspace,
    host: String,
}

impl HttpTransport {
    /// A transport to this workspace.
    pub fn new(client: Client, workspace: Workspace) -> Self {
        let host = host(&workspace.base_url).unwrap_or_default();
        Self {
            client,
            workspace,
            host,
        }
    }
}

impl Transport for HttpTransport {
    fn host(&self) -> &str {
        &self.host
    }

    fn now(&self) -> Duration {
        self.client.now()
    }

    async fn send(&self, call: &Call) -> Result<Response, TransportError> {
        self.client.send(call, &self.workspace).await
    }
}
