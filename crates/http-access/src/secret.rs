//! Secrets, and what requests give for them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, header};
use std::fmt;
use subtle::{Choice, ConstantTimeEq as _};

/// A secret that requests are compared with, in a time that does not tell how much of it was right. `Debug` hides it.
#[derive(Clone)]
pub struct Secret(String);

/// A text that cannot be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret must be printable ASCII without spaces")]
pub struct InvalidSecret;

impl InvalidSecret {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        "invalid_secret"
    }
}

impl Secret {
    /// Takes a secret, without the white space around it.
    ///
    /// # Errors
    ///
    /// If it is empty, or cannot stand in an HTTP header.
    pub fn new(text: &str) -> Result<Self, InvalidSecret> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidSecret);
        }
        Ok(Self(text.to_owned()))
    }

    fn is(&self, text: &str) -> Choice {
        self.0.as_bytes().ct_eq(text.as_bytes())
    }

    /// Whether this is it.
    pub fn matches(&self, text: &str) -> bool {
        self.is(text).into()
    }

    /// Whether this is one of them. All are compared, whichever is right.
    pub fn any_matches(secrets: &[Self], text: &str) -> bool {
        secrets
            .iter()
            .fold(Choice::from(0), |found, secret| found | secret.is(text))
            .into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The scheme of the authorization and what follows it.
fn authorization(headers: &HeaderMap) -> Option<(&str, &str)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(' ')?;
    Some((scheme, rest.trim()))
}

/// The user name and the password of basic authentication. Without a colon, all of it is the name.
pub fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let (_, credentials) = authorization(headers).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))?;
    let mut name = String::from_utf8(BASE64_STANDARD.decode(credentials).ok()?).ok()?;
    let password = match name.find(':') {
        Some(end) => {
            let password = name.split_off(end + 1);
            name.truncate(end);
            password
        }
        None => String::new(),
    };
    Some((name, password))
}

/// What a request gives for a secret: a bearer token, or the password of basic authentication.
pub fn credentials(headers: &HeaderMap) -> Option<String> {
    match authorization(headers)? {
        (scheme, token) if scheme.eq_ignore_ascii_case("bearer") => Some(token.to_owned()),
        _ => basic(headers).map(|(_, password)| password),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        headers
    }

    #[test]
    fn credentials_are_a_token_or_a_password() {
        let name_and_password = |name: &str, password: &str| Some((name.to_owned(), password.to_owned()));
        assert_eq!(basic(&with("Basic V0s6")), name_and_password("WK", ""));
        assert_eq!(
            basic(&with("basic  V0s6c2U6Y3JldA==")),
            name_and_password("WK", "se:cret")
        );
        assert_eq!(basic(&with("Basic V0s=")), name_and_password("WK", ""));
        assert_eq!(credentials(&with("Basic V0s6c2VjcmV0")).as_deref(), Some("secret"));
        assert_eq!(credentials(&with("bearer secret")).as_deref(), Some("secret"));
        for value in ["Basic", "Basic %%%", "Digest secret", "secret"] {
            assert_eq!(credentials(&with(value)), None, "{value}");
        }
        assert_eq!(credentials(&HeaderMap::new()), None);
    }

    #[test]
    fn a_secret_is_compared_and_not_shown() {
        let secrets = [Secret::new("one").unwrap(), Secret::new(" two\n").unwrap()];
        for (text, is_one) in [
            ("one", true),
            ("two", true),
            ("on", false),
            ("onetwo", false),
            ("", false),
        ] {
            assert_eq!(Secret::any_matches(&secrets, text), is_one, "{text}");
        }
        assert!(secrets[0].matches("one") && !secrets[0].matches("two"));
        assert!(!format!("{secrets:?}").contains("one"));
        for text in [" ", "a b", "\u{e9}"] {
            assert_eq!(Secret::new(text).unwrap_err(), InvalidSecret);
        }
    }
}
