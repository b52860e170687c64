//! Why a call has no response: which host, what happened, and what to try.

use crate::response::TransportFailure;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::CertificateError;
use std::error::Error;
use std::fmt;
use std::io;
use strum::{Display, EnumIter, IntoStaticStr};

macro_rules! causes {
    ($($(#[$doc:meta])* $cause:ident: $failure:ident, $meaning:literal, $advice:literal;)*) => {
        /// What kept a call from getting its response.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Display, EnumIter, IntoStaticStr)]
        #[strum(serialize_all = "snake_case")]
        #[non_exhaustive]
        pub enum Cause {
            $($(#[$doc])* $cause,)*
        }

        impl Cause {
            /// What it means to delivery.
            pub const fn failure(self) -> TransportFailure {
                match self { $(Self::$cause => TransportFailure::$failure,)* }
            }

            /// What has happened, in a few words.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$cause => $meaning,)* }
            }

            /// What to try, in a few words.
            pub const fn advice(self) -> &'static str {
                match self { $(Self::$cause => $advice,)* }
            }
        }
    };
}

causes! {
    /// The host refuses connections on that port.
    Refused: Unreachable, "it refuses the connection", "check the port, and that the service or the proxy before it is running";
    /// The host's name has no address.
    NoSuchHost: Unreachable, "there is no such host", "check the name, and that this machine can resolve names";
    /// The host's certificate is not trusted, for another reason than those below.
    Certificate: Unreachable, "its certificate is not trusted", "check what answers there, such as a proxy";
    /// The host's certificate is from an issuer that this machine does not trust.
    UnknownIssuer: Unreachable, "its certificate is from an issuer that this machine does not trust", "install a proxy's issuer on this machine, or name it in SSL_CERT_FILE";
    /// The host's certificate has expired.
    CertificateExpired: Unreachable, "its certificate has expired", "have it renewed, if this machine's clock is right";
    /// The host's certificate is not valid yet.
    CertificateNotYetValid: Unreachable, "its certificate is not valid yet", "check this machine's clock";
    /// The host's certificate is for another name.
    CertificateForAnotherName: Unreachable, "its certificate is for another name", "check the URL, and whether a proxy answers in its place";
    /// This machine has no certificates to trust others by.
    NoTrustedCertificates: Unreachable, "this machine has no certificates to trust it by", "install the ca-certificates of the system";
    /// TLS was spoken to a port that does not speak it.
    TlsToPlainPort: Unreachable, "it does not speak TLS on that port", "try http:// or another port";
    /// HTTP was spoken to a port that answers something else, such as TLS.
    PlainToTlsPort: Unreachable, "it does not speak HTTP on that port", "try https:// or another port";
    /// No connection came about in time.
    ConnectTimeout: Unreachable, "no connection came about in time", "check the network, a firewall and HTTPS_PROXY";
    /// No connection came about, for another reason.
    Unreachable: Unreachable, "no connection came about", "check the network, a firewall and HTTPS_PROXY";
    /// No response came in time. The call may have taken effect.
    ResponseTimeout: Timeout, "no response came in time", "it can be tried again";
    /// The connection broke before the response was whole. The call may have taken effect.
    Interrupted: Interrupted, "the connection broke", "it can be tried again";
    /// The response is larger than any of Intercom's.
    TooLarge: Interrupted, "the response is larger than any of Intercom's", "check that the base URL is Intercom's";
    /// The call's path would lead to another one.
    OtherPath: Unreachable, "the call's path would lead to another one", "no id may be empty or consist of dots";
}

impl Cause {
    /// The stable `snake_case` name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether the next call will end the same way, because a setting is wrong, here or at the host.
    pub const fn is_permanent(self) -> bool {
        self.is_of_tls() || matches!(self, Self::PlainToTlsPort | Self::OtherPath)
    }

    /// Whether the host was reached, and no TLS came about with it.
    pub const fn is_of_tls(self) -> bool {
        matches!(
            self,
            Self::Certificate
                | Self::UnknownIssuer
                | Self::CertificateExpired
                | Self::CertificateNotYetValid
                | Self::CertificateForAnotherName
                | Self::NoTrustedCertificates
                | Self::TlsToPlainPort
        )
    }
}

/// A call without a response. `Display` names the host, what happened and what to try, in one line; the source says
/// more. Neither names a path or a query, because those of a call hold personal data.
#[derive(Debug)]
#[non_exhaustive]
pub struct TransportError {
    /// What it means to delivery.
    pub failure: TransportFailure,
    /// What happened.
    pub cause: Cause,
    /// The host, and its port if that is not the usual one.
    pub host: Option<String>,
    /// What caused it.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl TransportError {
    /// A failure of this kind.
    pub fn new(failure: TransportFailure) -> Self {
        Self::of(match failure {
            TransportFailure::Unreachable => Cause::Unreachable,
            TransportFailure::Timeout => Cause::ResponseTimeout,
            TransportFailure::Interrupted => Cause::Interrupted,
        })
    }

    /// A failure with this cause.
    pub fn of(cause: Cause) -> Self {
        Self {
            failure: cause.failure(),
            cause,
            host: None,
            source: None,
        }
    }

    /// The stable `snake_case` name.
    pub fn code(&self) -> &'static str {
        self.failure.into()
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        !self.cause.is_permanent()
    }

    /// Why a request of reqwest's failed.
    pub(super) fn of_request(error: &reqwest::Error, url: &reqwest::Url) -> Self {
        let (cause, source) = find_cause(error, url.scheme() == "https");
        Self {
            host: host(url),
            source: source.map(Into::into),
            ..Self::of(cause)
        }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host.as_deref().unwrap_or("Intercom");
        let (meaning, advice) = (self.cause.meaning(), self.cause.advice());
        match self.failure {
            TransportFailure::Unreachable => write!(f, "cannot reach {host}: {meaning} ({advice})"),
            TransportFailure::Timeout | TransportFailure::Interrupted => write!(f, "{host}: {meaning} ({advice})"),
        }
    }
}

impl Error for TransportError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

/// The host of a URL, and its port if that is not the scheme's.
pub(super) fn host(url: &reqwest::Url) -> Option<String> {
    let host = url.host_str()?;
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// The cause, and what the innermost error says.
fn find_cause(error: &reqwest::Error, is_tls: bool) -> (Cause, Option<String>) {
    let is_connect = error.is_connect();
    let mut last = None;
    let mut next = error.source();
    while let Some(source) = next {
        last = Some(source.to_string());
        let cause = if source.is::<Unresolved>() {
            Some(Cause::NoSuchHost)
        } else if let Some(error) = source.downcast_ref::<io::Error>() {
            of_io(error).filter(|_| is_connect)
        } else if let Some(error) = source.downcast_ref::<hyper::Error>() {
            (error.is_parse() && !is_tls).then_some(Cause::PlainToTlsPort)
        } else {
            None
        };
        if let Some(cause) = cause {
            // What it means is said already, unless there are many ways to it.
            return (cause, last.filter(|_| cause == Cause::Certificate));
        }
        next = source.source();
    }
    let cause = match (is_connect || error.is_builder(), error.is_timeout()) {
        (true, true) => Cause::ConnectTimeout,
        (true, false) => Cause::Unreachable,
        (false, true) => Cause::ResponseTimeout,
        (false, false) => Cause::Interrupted,
    };
    (cause, last.filter(|_| !error.is_timeout()))
}

fn of_io(error: &io::Error) -> Option<Cause> {
    if error.kind() == io::ErrorKind::ConnectionRefused {
        return Some(Cause::Refused);
    }
    let inner = error.get_ref()?;
    if let Some(inner) = inner.downcast_ref::<io::Error>() {
        return of_io(inner);
    }
    match inner.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(error) => Some(of_certificate(error)),
        rustls::Error::NoCertificatesPresented => Some(Cause::Certificate),
        rustls::Error::InvalidMessage(_) => Some(Cause::TlsToPlainPort),
        _ => None,
    }
}

fn of_certificate(error: &CertificateError) -> Cause {
    match error {
        CertificateError::UnknownIssuer => Cause::UnknownIssuer,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Cause::CertificateExpired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Cause::CertificateNotYetValid,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Cause::CertificateForAnotherName
        }
        _ => Cause::Certificate,
    }
}

/// A name without an address.
#[derive(Debug, thiserror::Error)]
#[error("the name cannot be resolved")]
struct Unresolved(#[source] io::Error);

/// The system's resolver, whose errors can be told from others.
#[derive(Debug)]
pub(super) struct Resolver;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(Unresolved)?;
            let addresses: Addrs = Box::new(addresses.collect::<Vec<_>>().into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use strum::IntoEnumIterator as _;

    #[test]
    fn every_cause_says_in_one_line_what_to_try() {
        for cause in Cause::iter() {
            let mut error = TransportError::of(cause);
            error.host = Some("api.example:8443".to_owned());
            let line = error.to_string();
            assert!(
                line.contains("api.example:8443: ") && line.contains(cause.advice()),
                "{line}"
            );
            assert!(!line.contains('\n') && line.len() < 180, "{line}");
        }
    }

    #[test]
    fn a_port_is_named_if_it_is_not_the_usual_one() {
        let host = |url: &str| host(&url.parse().unwrap()).unwrap();
        assert_eq!(host("https://api.intercom.io/contacts/5f"), "api.intercom.io");
        assert_eq!(host("http://127.0.0.1:8080/?a=b"), "127.0.0.1:8080");
    }
}
