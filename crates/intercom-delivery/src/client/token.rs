//! The access token.

use super::Error;
use reqwest::header::HeaderValue;
use std::fmt;

/// An access token of an Intercom app. It is never shown: `Debug` hides it, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(HeaderValue);

impl AccessToken {
    /// Takes a token, without the white space around it.
    ///
    /// # Errors
    ///
    /// If the token is empty or cannot stand in an HTTP header.
    pub fn new(token: &str) -> Result<Self, Error> {
        let token = token.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::InvalidToken);
        }
        let mut header = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| Error::InvalidToken)?;
        header.set_sensitive(true);
        Ok(Self(header))
    }

    pub(super) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_shown() {
        let token = AccessToken::new(" dG9rOjE= \n").unwrap();
        assert_eq!(token.header().to_str().unwrap(), "Bearer dG9rOjE=");
        assert!(!format!("{token:?} {:?}", token.header()).contains("dG9r"));
        for text in ["", " \n", "a b", "tök", "a\u{7f}"] {
            assert!(AccessToken::new(text).is_err(), "{text:?}");
        }
    }
}
