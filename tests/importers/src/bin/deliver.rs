//! A delivery loop: reads events from the standard input, delivers them, and prints what became of each.
//! `deliver <base URL> <token>`.

use intercom_api::Region;
use intercom_delivery::client::{AccessToken, Client, Delivery, HttpTransport, Submissions, Workspace};
use intercom_delivery::{AttributePolicy, EngineSettings, EventId, Submission};
use rudderstack_events::Event;
use rudderstack_to_intercom::{Decision, Destination, convert};
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::time::SystemTime;

type Failure = Box<dyn Error + Send + Sync>;

async fn submit(submissions: Submissions) -> Result<(), Failure> {
    let destination = Destination::new();
    for (number, line) in (1..).zip(BufReader::new(std::io::stdin()).lines()) {
        let line = line?;
        let event = Event::from_json(&line)?;
        match convert(&event, &destination, SystemTime::now().into()) {
            Ok(Decision::Convert(conversion)) => {
                for warning in &conversion.warnings {
                    eprintln!("{number}: {}", serde_json::to_string(warning)?);
                }
                let submission = Submission::new(EventId(number), conversion.plan, conversion.identities);
                submissions.submit(submission).await?;
            }
            Ok(Decision::Skip) => {}
            Err(rejection) => println!("{}", serde_json::to_string(&rejection)?),
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let base_url = arguments.next().ok_or("a base URL is missing")?;
    let token = AccessToken::new(&arguments.next().ok_or("a token is missing")?)?;
    let workspace = Workspace::new(Region::Us, token).with_base_url(&base_url)?;
    let transport = HttpTransport::new(Client::builder().build()?, workspace);
    let settings = EngineSettings::new().with_attributes(AttributePolicy::Create);
    let (delivery, submissions, mut outcomes, _control) = Delivery::new(settings, transport);
    let running = tokio::spawn(delivery.run());
    let reading = tokio::spawn(submit(submissions));
    while let Some(outcome) = outcomes.next().await {
        println!("{}", serde_json::to_string(&outcome)?);
    }
    reading.await??;
    println!("{}", serde_json::to_string(&running.await?.totals)?);
    Ok(())
}
