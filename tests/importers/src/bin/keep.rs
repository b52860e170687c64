//! A service that keeps events: reads them on one thread, sends them through a channel, keeps them by user, and stores them.

use rudderstack_events::traits::PersonTraits;
use rudderstack_events::{Event, OwnedEvent, UserId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::mpsc;
use std::thread;
use std::time::SystemTime;

#[derive(Serialize, Deserialize)]
struct Kept {
    number: u64,
    #[serde(flatten)]
    event: OwnedEvent,
}

type Store = BTreeMap<UserId<'static>, Vec<Kept>>;

fn email(event: &Event<'_>) -> Option<String> {
    let Event::Identify(identify) = event else { return None };
    let traits: PersonTraits<'_> = identify.traits.view().ok()??;
    Some(traits.email.ok()?.into_owned())
}

fn keep(events: mpsc::Receiver<OwnedEvent>) -> Store {
    let mut store = Store::new();
    for (number, mut event) in (1..).zip(events) {
        event.common_mut().received_at = SystemTime::now().into();
        let user = event.common().user_id.ok().map(UserId::into_owned);
        let user = user.unwrap_or_else(|| "nobody".into());
        store.entry(user).or_default().push(Kept { number, event });
    }
    store
}

fn main() -> Result<(), Box<dyn Error>> {
    let (sender, events) = mpsc::channel();
    let keeper = thread::spawn(|| keep(events));
    for line in std::io::stdin().lines() {
        sender.send(Event::from_json(&line?)?.into_owned())?;
    }
    drop(sender);
    let store = keeper.join().expect("the keeper does not panic");

    let stored = rmp_serde::to_vec_named(&store)?;
    let mut store: Store = rmp_serde::from_slice(&stored)?;
    for kept in store.get_mut("ann-1").into_iter().flatten() {
        println!("{} {:?} {:?}", kept.number, kept.event.event_type(), email(&kept.event));
        if let Event::Identify(identify) = &mut kept.event {
            identify.traits.edit(|traits| traits.insert("seen", true))?;
        }
    }
    println!("{}", serde_json::to_string(&store)?);
    Ok(())
}
