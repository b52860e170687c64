//! Takes events in, as a server does before it acknowledges them, and looks at what is on disk.

use event_store::{CompleteEvent, MessageKey, Queue, Store, StoreSettings};
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("events.db");
    let store = Store::open(&path, StoreSettings::new())?;
    // One that is sent again, because its sender has not heard of it, is kept once.
    let events = ["m-1", "m-2", "m-1"].map(|id| {
        let event = format!(r#"{{"type":"track","messageId":"{id}","userId":"ann-1","event":"Opened"}}"#);
        CompleteEvent::new(event, MessageKey::of("write-key", id))
    });
    let accepted = store.accept(events.into()).await?;
    println!(
        "{} are on disk, {} were there before",
        accepted.stored, accepted.repeated
    );
    store.close().await;

    let queue = Queue::open(&path)?;
    println!("{} wait", queue.status()?.events);
    for pending in queue.pending(0, 10)? {
        println!("number {}: {}", pending.seq, pending.body);
    }
    Ok(())
}
