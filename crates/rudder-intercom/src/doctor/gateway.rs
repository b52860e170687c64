//! How a gateway is: what it says itself, and what waits in its store.

use super::report::Check;
use crate::text::counted;
use rudder_gateway::store::{Pending, QueueStatus, TracedEvent};
use serde::Deserialize;
use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

/// How long a gateway may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// What a response has that says how it is.
const LONGEST: u64 = 64 << 10;
/// From this age of the oldest event on, something holds the delivery up.
const OLD: Duration = Duration::from_secs(10 * 60);
/// From so many tries on, an event is held up by itself.
const TRIES: u32 = 3;
/// Of the oldest events, so many are looked at.
pub(crate) const OLDEST: usize = 1_000;

/// What `/ready` says.
#[derive(Debug, Deserialize)]
struct Readiness {
    ready: bool,
    trouble: Vec<Trouble>,
}

#[derive(Debug, Deserialize)]
struct Trouble {
    code: String,
    meaning: String,
    advice: Option<String>,
}

/// Asks the gateway at this address how it is.
pub(crate) fn ready(listen: SocketAddr) -> Check {
    let address = match listen.ip().is_unspecified() {
        true => SocketAddr::from((IpAddr::from(Ipv4Addr::LOCALHOST), listen.port())),
        false => listen,
    };
    match ask(address) {
        Ok(Readiness { ready: true, trouble }) if trouble.is_empty() => Check::ok(
            "gateway",
            format!("the one at {address} takes events in, and knows of no trouble"),
        ),
        Ok(Readiness { ready, trouble }) => {
            let told: Vec<String> = trouble
                .iter()
                .map(|Trouble { code, meaning, .. }| format!("{meaning} ({code})"))
                .collect();
            let advice: Vec<String> = trouble.into_iter().filter_map(|trouble| trouble.advice).collect();
            let detail = format!("the one at {address} says: {}", told.join("; "));
            let check = if ready {
                Check::warning("gateway", detail)
            } else {
                Check::fault("gateway", detail)
            };
            match advice.is_empty() {
                true => check,
                false => check.mend(advice.join(" ")),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Check::fault(
            "gateway",
            format!("none is running at {address}: events are not taken in"),
        )
        .mend("start it, and look at its log: systemctl status rudder-intercom-gateway"),
        Err(error) => Check::fault("gateway", format!("{address} does not answer as a gateway: {error}"))
            .mend("look at its log, and whether another program has the port"),
    }
}

fn ask(address: SocketAddr) -> io::Result<Readiness> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET /ready HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )?;
    let mut text = String::new();
    stream.take(LONGEST).read_to_string(&mut text)?;
    let (_, body) = text.split_once("\r\n\r\n").unwrap_or_default();
    Ok(serde_json::from_str(body)?)
}

/// Whether events wait for long, or one is tried again and again, and whether they are one user's. `oldest` are the oldest of
/// those that wait, and `first` is what has happened to the very first.
pub(crate) fn waiting(
    path: &Path,
    status: &QueueStatus,
    oldest: &[Pending],
    first: Option<&TracedEvent>,
) -> Option<Check> {
    let age = Duration::from_millis(status.oldest_age_ms?.unsigned_abs());
    let first = first.filter(|event| event.attempts >= TRIES);
    if age < OLD && first.is_none() {
        return None;
    }
    let detail = format!(
        "{} {}, the oldest for {}",
        counted(status.events.unsigned_abs(), "event"),
        if status.events == 1 { "waits" } else { "wait" },
        match age.as_secs() {
            seconds @ 0..120 => counted(seconds, "second"),
            seconds => counted(seconds / 60, "minute"),
        }
    );
    let mut users: HashMap<String, usize> = HashMap::new();
    for event in oldest {
        *users.entry(user(&event.body)).or_default() += 1;
    }
    let most = users.values().max().copied().unwrap_or_default();
    // Where all are held up, they are of many.
    if most * 2 <= oldest.len() || users.len() >= 10 {
        let check = Check::warning(
            "backlog",
            format!("{detail}; they are of {} users or more", users.len()),
        );
        return Some(check.mend(
            "if all else here is well, more comes in than Intercom's limit lets through: see rate_limit at /metrics, or wait",
        ));
    }
    let whose = format!(
        "{detail}; of the oldest {}, {most} {} one user's, whose calls fail while those of others do not",
        oldest.len(),
        if most == 1 { "is" } else { "are" }
    );
    let store = path.display();
    Some(match first {
        Some(first) => Check::fault(
            "backlog",
            format!(
                "{whose}: event {} has failed {} with {}",
                first.number,
                counted(first.attempts.into(), "time"),
                first.code.as_deref().unwrap_or("an unknown code")
            ),
        )
        .mend(format!(
            "see whose it is, and what Intercom answers: rudder-intercom queue --store {store} show {} --show-values; what cannot be \
             delivered within three hours becomes a dead letter, and the others go on",
            first.number
        )),
        None => Check::warning("backlog", whose).mend(format!(
            "see which they are: rudder-intercom queue --store {store} waiting --show-values; what cannot be delivered within \
             three hours becomes a dead letter"
        )),
    })
}

/// Whom an event is of.
fn user(body: &str) -> String {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct Whose {
        user_id: serde_json::Value,
        anonymous_id: serde_json::Value,
    }
    let whose: Whose = serde_json::from_str(body).unwrap_or_default();
    match whose.user_id {
        serde_json::Value::Null => whose.anonymous_id.to_string(),
        id => id.to_string(),
    }
}
