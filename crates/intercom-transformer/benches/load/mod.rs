//! Requests for measurements: track events of different users, all of one destination.

/// The number of the first job: one that a double cannot hold.
#[allow(dead_code)]
pub(crate) const FIRST_JOB: usize = 9_007_199_254_740_993;

const TRACK: &str = include_str!("track.json");
const BROWSER_CONTEXT: &str = include_str!("browser-context.json");
const DESTINATION: &str = include_str!("destination.json");

/// What the events are like.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Kind {
    /// Whether destinations are left out of the events.
    pub(crate) compacted: bool,
    /// Whether the events have the context that RudderStack's browser SDK adds.
    pub(crate) browser: bool,
}

/// The body of a request with so many events.
pub(crate) fn body(events: usize, kind: Kind) -> String {
    let track = match kind.browser {
        true => TRACK.replacen(
            r#""context":{"#,
            &format!(r#""context":{{{},"#, BROWSER_CONTEXT.trim()),
            1,
        ),
        false => TRACK.to_owned(),
    };
    let track = match kind.compacted {
        true => track.replace(r#","destination":{destination}"#, ""),
        false => track.replace("{destination}", DESTINATION.trim()),
    };
    let event = |at: usize| {
        let job = (FIRST_JOB + at).to_string();
        track.trim().replace("{at}", &at.to_string()).replace("{job}", &job)
    };
    let events: Vec<String> = (0..events).map(event).collect();
    let destinations = match kind.compacted {
        true => format!(
            r#","destinations":{{"destination-1":{}}},"connections":{{}}"#,
            DESTINATION.trim()
        ),
        false => String::new(),
    };
    format!(
        r#"{{"input":[{}],"destType":"intercom_v2"{destinations}}}"#,
        events.join(",")
    )
}
