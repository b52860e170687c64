//! Events as the browser SDK sends them, for measurements: the same ones every time, about 1.2 KB each.

use std::fmt::Write;

/// How many events of 20 are identify calls; the others are track and, fewest, group calls.
const IDENTIFY: usize = 5;
const TRACK: usize = 13;

/// So many events: a quarter identify, two thirds track, a tenth group.
pub fn events(count: usize) -> Vec<String> {
    (0..count).map(event).collect()
}

fn event(number: usize) -> String {
    // A step that has no factor in common with 20 mixes the types.
    match number * 7 % 20 {
        at if at < IDENTIFY => wrap("identify", number, ""),
        at if at < IDENTIFY + TRACK => wrap("track", number, &track(number)),
        _ => wrap("group", number, &group(number)),
    }
}

/// What the browser SDK puts around every event.
fn wrap(kind: &str, number: usize, body: &str) -> String {
    let mut text = format!(r#"{{"userId":"user-{number:06}","type":"{kind}",{body}"context":{{"traits":{{"#);
    let _ = write!(
        text,
        r#""name":"Ann Lee {number}","email":"ann.lee.{number}@example.com","phone":"+44 20 7946 {:04}","createdAt":"2023-11-{:02}T10:12:44.757Z","plan":"enterprise","seats":{},"address":{{"city":"Leeds","country":"GB"}}"#,
        number % 10_000,
        number % 28 + 1,
        number % 500
    );
    let _ = write!(
        text,
        r#"}},"sessionId":17044818{:05},"app":{{"name":"RudderLabs JavaScript SDK","namespace":"com.rudderlabs.javascript","version":"3.34.1","installType":"npm"}},"library":{{"name":"RudderLabs JavaScript SDK","version":"3.34.1"}},"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36","os":{{"name":"","version":""}},"locale":"en-GB","screen":{{"width":1512,"height":982,"density":2,"innerWidth":1512,"innerHeight":857}},"campaign":{{}},"page":{{"path":"/pricing","referrer":"$direct","referring_domain":"","search":"","title":"Pricing","url":"https://shop.example/pricing","tab_url":"https://shop.example/pricing"}},"timezone":"GMT+0100"}},"channel":"web","originalTimestamp":"2024-01-05T19:11:{:02}.337Z","messageId":"5d1f9a52-7c1e-4b0f-9a55-{number:012}","anonymousId":"0b6f2a0e-3d0c-4c52-8f4c-{number:012}","integrations":{{"All":true}},"sentAt":"2024-01-05T19:11:59.412Z"}}"#,
        number % 100_000,
        number % 60
    );
    text
}

fn track(number: usize) -> String {
    format!(
        r#""event":"Order Completed","properties":{{"order_id":"o-{number:06}","total":{}.{:02},"currency":"GBP","coupon":"SPRING","paid":true,"products":[{{"sku":"a-{}","quantity":2}}]}},"#,
        number % 900 + 10,
        number % 100,
        number % 40
    )
}

fn group(number: usize) -> String {
    format!(
        r#""groupId":"group-{:04}","traits":{{"name":"Fern {number} Ltd","industry":"IT","employees":{},"plan":"pro","website":"https://fern.example","tags":["retail"]}},"#,
        number % 1000,
        number % 5000
    )
}

#[cfg(test)]
mod tests {
    use super::events;
    use rudderstack_events::{Event, EventType};

    #[test]
    fn the_mix_and_the_size_are_as_described() {
        let events = events(1000);
        let count = |kind| {
            let of_kind = |event: &&String| Event::from_json(event).unwrap().event_type() == Some(kind);
            events.iter().filter(of_kind).count()
        };
        let counts = [EventType::Identify, EventType::Track, EventType::Group].map(count);
        assert_eq!(counts, [250, 650, 100]);
        let mean = events.iter().map(String::len).sum::<usize>() / events.len();
        assert!((1150..1300).contains(&mean), "{mean} bytes");
    }
}
