//! The page, and who may see it.

use super::App;
use super::response::{Fault, text};
use crate::settings::WriteKeys;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use http_access::{credentials, is_local_origin, names_this_machine};
use std::sync::Arc;

const HTML: &str = include_str!("../page/page.html");
const CSS: &str = include_str!("../page/page.css");

/// The scripts, in the order in which the page has them.
macro_rules! scripts {
    ($($name:literal),*) => {
        &[$((concat!("/", $name), include_str!(concat!("../page/", $name)))),*]
    };
}
pub(super) const SCRIPTS: &[(&str, &str)] =
    scripts!("page.js", "overview.js", "events.js", "letters.js", "playground.js");

/// Nothing but what this program itself serves.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) async fn html() -> Response {
    let mut response = text("text/html; charset=utf-8", HTML);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

pub(super) async fn css() -> Response {
    text("text/css; charset=utf-8", CSS)
}

pub(super) fn script(script: &'static str) -> Response {
    text("text/javascript; charset=utf-8", script)
}

/// Lets those see and do what the page shows who have the token; without a token, those on this machine.
///
/// Other web pages in the same browser are kept out: they cannot send JSON here without a preflight, which is not
/// answered, and a name of theirs that leads to this machine is not a name of this machine.
pub(super) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Result<Response, Fault> {
    match &app.settings.page_token {
        Some(token) => {
            if !credentials(request.headers()).is_some_and(|given| token.matches(&given)) {
                return Err(Fault::new(401, "page_token", "the page's token is missing or wrong"));
            }
        }
        None if !app.settings.is_loopback => {
            let message = "the page needs a token, because the gateway does not listen on a loopback address only";
            return Err(Fault::new(403, "page_disabled", message));
        }
        None => from_this_machine(&request, "the page needs a token")?,
    }
    let media_type = request.headers().get(header::CONTENT_TYPE);
    let is_json = media_type.is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    if request.method() == Method::POST && !is_json {
        return Err(Fault::new(415, "not_json", "send application/json"));
    }
    Ok(next.run(request).await)
}

/// Keeps web pages from elsewhere from sending events, if no write key is asked for: a browser on this machine is on
/// this machine, whatever page it shows.
pub(super) fn local_only(app: &App, request: &Request) -> Result<(), Fault> {
    if matches!(app.settings.write_keys, WriteKeys::Any) {
        from_this_machine(request, "the gateway needs write keys")?;
        // SDKs on servers send none.
        let origin = request.headers().get(header::ORIGIN);
        if !origin.is_none_or(|origin| origin.to_str().is_ok_and(is_local_origin)) {
            let message = "without write keys, events are taken from web pages of this machine only";
            return Err(Fault::new(403, "wrong_origin", message));
        }
    }
    Ok(())
}

/// What proxies say that they have passed a request on. Not all of them do.
static PROXIED: [HeaderName; 6] = [
    header::FORWARDED,
    header::VIA,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-real-ip"),
];

/// Turns away what comes from elsewhere: by another name that leads here, or through a proxy that listens for others.
fn from_this_machine(request: &Request, needs: &'static str) -> Result<(), Fault> {
    let turn_away = |code, how: &str| Err(Fault::new(403, code, format!("{needs}, because {how}")));
    if !names_this_machine(request.uri(), request.headers()) {
        return turn_away("wrong_host", "the request was not sent to a name of this machine");
    }
    if PROXIED.iter().any(|name| request.headers().contains_key(name)) {
        return turn_away("proxied", "the request came through a proxy");
    }
    Ok(())
}
