//! Failures to reach Intercom: each names the host and the cause, in one line, and no path.

use intercom_api::{Call, ContactId, OperationId, Region, RetrieveContact};
use intercom_delivery::TransportFailure;
use intercom_delivery::client::*;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Serves the connections of one test, each in its turn.
fn serve(mut each: impl FnMut(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || listener.incoming().flatten().for_each(&mut each));
    address
}

/// Serves TLS with a certificate that nobody trusts.
fn serve_tls() -> SocketAddr {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("untrusted/cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("untrusted/key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    serve(move |mut stream| {
        let mut connection = rustls::ServerConnection::new(config.clone()).unwrap();
        // Until the client gives up, or what it says is no TLS, which it is told.
        while connection.is_handshaking() && connection.complete_io(&mut stream).is_ok() {}
        let _ = connection.write_tls(&mut stream);
    })
}

async fn failure(base_url: &str) -> TransportError {
    let client = Client::builder()
        .use_proxy(false)
        .response_timeout(Duration::from_secs(20))
        .build()
        .unwrap();
    let workspace = Workspace::new(Region::Us, AccessToken::new("secret-token").unwrap())
        .with_base_url(base_url)
        .unwrap();
    let contact = RetrieveContact::new(ContactId::try_from("private").unwrap());
    match client.run(&contact, &workspace).await {
        Err(CallError::Transport(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_cause_is_told_with_its_host() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let plain = serve(|mut stream| {
        let _ = stream.read(&mut [0; 512]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    });
    let tls = serve_tls();
    for (scheme, host, cause, is_retryable) in [
        ("http", closed.to_string(), Cause::Refused, true),
        ("https", plain.to_string(), Cause::TlsToPlainPort, false),
        ("http", tls.to_string(), Cause::PlainToTlsPort, false),
        ("https", format!("localhost:{}", tls.port()), Cause::Certificate, false),
    ] {
        let error = failure(&format!("{scheme}://{host}/base")).await;
        let source = std::error::Error::source(&error).map(ToString::to_string);
        let shown = format!("{error} {source:?} {error:?}");
        if scheme == "https" && error.cause == Cause::NoTrustedCertificates {
            // This machine cannot speak TLS to anybody.
            continue;
        }
        assert_eq!((error.cause, error.is_retryable()), (cause, is_retryable), "{shown}");
        assert_eq!(error.failure, TransportFailure::Unreachable, "{shown}");
        assert!(
            error.to_string().starts_with(&format!("cannot reach {host}: ")),
            "{shown}"
        );
        assert!(!shown.contains("private") && !shown.contains("secret"), "{shown}");
    }
}

#[tokio::test]
async fn a_call_whose_path_would_lead_elsewhere_is_not_made() {
    let client = Client::builder().use_proxy(false).build().unwrap();
    let workspace = Workspace::new(Region::Us, AccessToken::new("t").unwrap());
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for base in [format!("http://{closed}"), format!("http://{closed}/base/")] {
        let workspace = workspace.clone().with_base_url(&base).unwrap();
        for path in [
            "/contacts/../companies/5f",
            "/contacts/%2e%2E/companies/5f",
            "/contacts/.",
            "/contacts/5f/..",
            "/contacts/5f?x",
            "/contacts/5f#x",
            "/contacts\\5f",
        ] {
            let call = Call::new(OperationId::DeleteContact, path);
            let error = client.send(&call, &workspace).await.unwrap_err();
            assert_eq!(error.cause, Cause::OtherPath, "{path}");
            assert!(!error.is_retryable());
        }
        let call = Call::new(OperationId::DeleteContact, "/contacts/5%20f");
        let error = client.send(&call, &workspace).await.unwrap_err();
        assert_eq!(error.cause, Cause::Refused);
    }
}
