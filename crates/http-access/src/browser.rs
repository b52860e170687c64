//! Requests that a web page has made: a browser on this machine is on this machine, whatever page it shows.

use http::uri::Authority;
use http::{HeaderMap, Uri, header};
use std::net::IpAddr;

/// Why a request may come from a web page elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Foreign {
    /// It was sent to a name that may have been made to lead here.
    #[error("the request was sent to a name that may belong to a web page")]
    Host,
    /// It says that it comes from a page elsewhere.
    #[error("the request comes from a web page of another machine")]
    Origin,
}

impl Foreign {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Host => "wrong_host",
            Self::Origin => "wrong_origin",
        }
    }
}

/// Turns away what a web page elsewhere may have made a browser send to a server on this machine.
///
/// A page can have its own name lead here. That is a name of the public DNS, so it has a dot; addresses, `localhost` and
/// the plain names of a private network are accepted. With `is_loopback` false, when names with a dot may be names of this
/// machine, only the origin counts.
///
/// # Errors
///
/// What gives it away.
pub fn check_browser(uri: &Uri, headers: &HeaderMap, is_loopback: bool) -> Result<(), Foreign> {
    if is_loopback && !host(uri, headers).is_some_and(is_no_public_name) {
        return Err(Foreign::Host);
    }
    let origin = headers.get(header::ORIGIN);
    if !origin.is_none_or(|origin| origin.to_str().is_ok_and(is_local_origin)) {
        return Err(Foreign::Origin);
    }
    Ok(())
}

/// Whether the request was sent to a name of this machine, and not to one that leads here.
pub fn names_this_machine(uri: &Uri, headers: &HeaderMap) -> bool {
    host(uri, headers).is_some_and(is_this_machine)
}

/// Whether the origin of a web page is this machine.
pub fn is_local_origin(origin: &str) -> bool {
    origin
        .split_once("://")
        .is_some_and(|(scheme, host)| matches!(scheme, "http" | "https") && is_this_machine(host))
}

fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    match headers.get(header::HOST) {
        Some(host) => host.to_str().ok(),
        // HTTP/2 has it elsewhere.
        None => uri.authority().map(Authority::as_str),
    }
}

/// The host without its port.
fn name(host: &str) -> &str {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => host.split(':').next(),
    };
    name.unwrap_or_default()
}

fn is_this_machine(host: &str) -> bool {
    let name = name(host);
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_no_public_name(host: &str) -> bool {
    let name = name(host);
    !name.is_empty() && (!name.contains('.') || name.parse::<IpAddr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:80", "[::1]"] {
            assert!(is_this_machine(host) && is_no_public_name(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "localhost.example.com",
            "10.0.0.1:80",
            "127.0.0.1.nip.io",
        ] {
            assert!(!is_this_machine(host), "{host}");
            assert!(!is_local_origin(&format!("http://{host}")), "{host}");
        }
        assert!(is_local_origin("http://localhost:3000"));
        assert!(is_local_origin("https://[::1]"));
        for origin in ["", "null", "file://", "chrome-extension://localhost", "localhost"] {
            assert!(!is_local_origin(origin), "{origin}");
        }
    }

    #[test]
    fn web_pages_are_turned_away() {
        let check = |host: &str, origin: Option<&str>, is_loopback| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            check_browser(&Uri::from_static("/metrics"), &headers, is_loopback)
        };
        for host in ["localhost:1", "127.0.0.1", "10.0.0.1:1", "[::1]:1", "transformer:9090"] {
            assert_eq!(check(host, None, true), Ok(()), "{host}");
        }
        for host in ["", "page.example", "127.0.0.1.nip.io:9090", "page.example."] {
            assert_eq!(check(host, None, true), Err(Foreign::Host), "{host}");
            assert_eq!(check(host, None, false), Ok(()), "{host}");
        }
        assert_eq!(check("localhost", Some("http://localhost:3000"), true), Ok(()));
        for is_loopback in [true, false] {
            for origin in ["https://page.example", "null"] {
                assert_eq!(check("localhost", Some(origin), is_loopback), Err(Foreign::Origin));
            }
        }
    }
}
