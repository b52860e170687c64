//! Reads events, one a line, and sums up what was ordered by whom.

use rudderstack_events::ecommerce::Order;
use rudderstack_events::{Event, UserId};
use std::collections::BTreeMap;

const LINES: &str = r#"{"type":"track","userId":"ann-1","event":"Order Completed","properties":{"total":27.5,"products":[{"sku":"a"}]}}
{"type":"track","userId":7,"event":"Order Completed","properties":{"total":"unknown"}}
{"type":"page","userId":"ann-1","name":"Home"}
{"type":"track","userId":"ann-1","event":"Order Completed","properties":{"total":10}}"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut totals: BTreeMap<UserId<'static>, f64> = BTreeMap::new();
    for line in LINES.lines() {
        let Event::Track(track) = Event::from_json(line)? else {
            continue;
        };
        let order: Order<'_> = track.properties.view()?.unwrap_or_default();
        let Some(user) = track.common.user_id.ok() else {
            continue;
        };
        // A total that is no number costs the total, not the order.
        *totals.entry(user.into_owned()).or_default() += order.total.ok().unwrap_or_default();
    }
    for (user, total) in &totals {
        println!("{user}: {total}");
    }
    Ok(())
}
