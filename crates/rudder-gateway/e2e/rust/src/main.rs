//! Makes the sample calls with the Rust SDK: URL and key as arguments, the calls on standard input.

use rudderanalytics::client::RudderAnalytics;
use rudderanalytics::message::Message;
use serde_json::{Value, from_value};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(key)) = (arguments.next(), arguments.next()) else {
        return Err("give the URL and the write key".into());
    };
    let client = RudderAnalytics::load(key, url);
    let calls: Vec<Value> = serde_json::from_reader(std::io::stdin())?;
    for call in calls {
        let message = match call["call"].as_str() {
            Some("identify") => Message::Identify(from_value(call)?),
            Some("track") => Message::Track(from_value(call)?),
            Some("group") => Message::Group(from_value(call)?),
            other => return Err(format!("no such call: {other:?}").into()),
        };
        client.send(&message)?;
    }
    Ok(())
}
