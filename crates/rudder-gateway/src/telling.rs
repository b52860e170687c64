//! Looks for what somebody has to be told of, and tells it. Nothing else waits for it.

use crate::alert::{AlertError, Alerts, Due, Message, Note, Phase, name_of_this_machine};
use crate::monitor::Monitor;
use crate::trouble::Trouble;
use chrono::{DateTime, SecondsFormat, Utc};
use std::time::{Duration, SystemTime};
use tokio::sync::watch;
use tokio::time::Instant;

/// How often it is looked whether there is something to tell.
const LOOK: Duration = Duration::from_secs(1);
/// How long to wait before a message is sent again that was not taken. After the last, it is left for minutes.
const WAITS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// Tells, until the gateway stops.
pub(crate) async fn watch(alerts: Alerts, monitor: Monitor, mut stop: watch::Receiver<bool>) {
    tokio::select! {
        () = tell(&alerts, &monitor) => {}
        _ = stop.wait_for(|stops| *stops) => {}
    }
}

async fn tell(alerts: &Alerts, monitor: &Monitor) {
    let start = Instant::now();
    let mut due = Due::new(alerts.after);
    loop {
        // Only the latest state matters: what has come and gone while a message was under way needs nobody.
        for note in due.look(start.elapsed(), &monitor.troubles()) {
            let message = message(note, start.elapsed(), monitor);
            let told = insist(alerts, &message).await;
            if let Err(error) = &told {
                let (host, state) = (alerts.webhook.host(), message.state);
                tracing::warn!(code = "alert_failed", %host, state, %error, "nobody was told; it is tried again in minutes");
            }
            monitor.metrics.alert(if told.is_ok() { "sent" } else { "failed" });
            due.told(note, told.is_ok(), start.elapsed());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Sends a message up to three times.
async fn insist(alerts: &Alerts, message: &Message) -> Result<(), AlertError> {
    for wait in WAITS {
        match alerts.send(message).await {
            Err(error) if error.is_retryable() => tokio::time::sleep(wait).await,
            result => return result,
        }
    }
    alerts.send(message).await
}

fn message(note: Note, now: Duration, monitor: &Monitor) -> Message {
    let gateway = name_of_this_machine();
    let since: DateTime<Utc> = (SystemTime::now() - now.saturating_sub(note.since)).into();
    let queue = monitor.queue();
    let waiting = queue.map(|queue| queue.events);
    Message {
        text: text(note, &gateway, waiting),
        state: note.trouble.code(),
        phase: Some(note.phase),
        gateway,
        version: env!("CARGO_PKG_VERSION"),
        since: Some(since.to_rfc3339_opts(SecondsFormat::Secs, true)),
        seconds: note.lasted.as_secs(),
        accepts_events: Some(!monitor.troubles().into_iter().any(Trouble::closes_the_intake)),
        waiting_events: waiting,
        oldest_event_seconds: queue.and_then(|queue| queue.oldest_age_ms).map(|age| age / 1_000),
    }
}

/// All of it, for a person.
fn text(note: Note, gateway: &str, waiting: Option<i64>) -> String {
    let (code, meaning) = (note.trouble.code(), note.trouble.meaning());
    let lasted = in_words(note.lasted);
    let mut text = match note.phase {
        Phase::Begun => format!("rudder-intercom on {gateway}: {meaning}. [{code}, for {lasted}]"),
        Phase::Lasting => format!("rudder-intercom on {gateway}: still, {meaning}. [{code}, for {lasted}]"),
        Phase::Over => format!("rudder-intercom on {gateway}: over after {lasted}: {meaning}. [{code}]"),
    };
    if note.phase != Phase::Over {
        text += &note
            .trouble
            .advice()
            .map(|advice| format!(" {advice}"))
            .unwrap_or_default();
    }
    match waiting {
        Some(0) | None => {}
        Some(1) => text += " 1 event waits.",
        Some(count) => text += &format!(" {count} events wait."),
    }
    text
}

fn in_words(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{} s", time.as_secs()),
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_says_what_is_wrong_for_how_long_and_what_to_do() {
        let mut note = Note {
            trouble: Trouble::TokenRefused,
            phase: Phase::Begun,
            since: Duration::ZERO,
            lasted: Duration::from_secs(3_900),
        };
        assert_eq!(
            text(note, "host", Some(12)),
            "rudder-intercom on host: Intercom does not accept the access token; events wait, and it is tried again. \
             [token_refused, for 1 h 5 min] Put a token that Intercom accepts into the token's file; it is read again within \
             seconds. 12 events wait."
        );
        note.phase = Phase::Over;
        assert_eq!(
            text(note, "host", Some(0)),
            "rudder-intercom on host: over after 1 h 5 min: Intercom does not accept the access token; events wait, and it is \
             tried again. [token_refused]"
        );
    }
}
