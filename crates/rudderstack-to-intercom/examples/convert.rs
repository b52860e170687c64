//! Converts an event, and shows the calls that it comes to and what was left out.

use intercom_api::{Reveal, UnixSeconds};
use rudderstack_events::Event;
use rudderstack_to_intercom::{Conversion, Destination, Mapped};

const EVENT: &str = r#"{"type":"identify","userId":"ann-1",
    "traits":{"email":"ann@example.com","plan":"pro","signedUpAt":"yesterday","address":{"city":"Graz"}}}"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let event = Event::from_json(EVENT)?;
    let (destination, now) = (Destination::new(), UnixSeconds(1_767_225_600));
    let conversion = Conversion::try_from(Mapped::new(&event, &destination, now))?;
    for planned in conversion.plan.calls() {
        println!("{:?}", planned.reveal());
    }
    for warning in &conversion.warnings {
        println!("{} at {}: {}", warning.code, warning.path, warning.message);
    }
    Ok(())
}
