//! Drives the engine by hand, with a sandbox in memory for Intercom and a clock that only this program moves.

use intercom_api::DataEvent;
use intercom_delivery::{Engine, EngineSettings, EventId, Response, Submission, Time, UnknownContactPolicy};
use intercom_sandbox::{Sandbox, Settings, UnixMillis};
use rudderstack_to_intercom::{Identities, Plan};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut sandbox = Sandbox::new(Settings::default());
    let settings = EngineSettings::new().with_unknown_contact(UnknownContactPolicy::Create);
    let mut engine = Engine::new(settings);
    let mut now = Time::from_unix_millis(1_767_225_600_000);

    for number in 1..=3 {
        let event = DataEvent::new("invited friend")
            .with_user_id("ann-1")
            .with_created_at(now.unix_seconds());
        let identities = Identities::new().with_user_id("ann-1");
        engine.submit(Submission::new(EventId(number), Plan::SubmitEvent(event), identities))?;
    }
    while !engine.is_idle() {
        while let Some(transmit) = engine.poll_call(now) {
            let reply = sandbox.call(&transmit.call, UnixMillis(now.unix_millis()));
            println!(
                "{} for event {}: {}",
                transmit.call.operation, transmit.event, reply.status
            );
            engine.handle_response(transmit.id, &Response::new(reply.status, reply.body), now);
        }
        while let Some(outcome) = engine.poll_outcome() {
            println!("{}", serde_json::to_string(&outcome)?);
        }
        now = engine.poll_timeout().map_or(now, |at| now.max(at));
    }
    Ok(())
}
