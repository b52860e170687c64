//! Tells whether a request gives the secret that it has to.

use http::{HeaderMap, HeaderValue, header};
use http_access::{Secret, credentials};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let secret = Secret::new("correct-horse-battery-staple")?;
    let mut headers = HeaderMap::new();
    for given in ["Bearer guess", "Bearer correct-horse-battery-staple"] {
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static(given));
        let is_right = credentials(&headers).is_some_and(|given| secret.matches(&given));
        println!("{}", if is_right { "may come in" } else { "has to stay outside" });
    }
    println!("{secret:?}");
    Ok(())
}
