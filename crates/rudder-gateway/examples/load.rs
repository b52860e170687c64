//! Measures a gateway that is running, and fills a store to be measured.
//!
//! - `load send URL KEY SECONDS [SENDERS [BATCH [RATE]]]`: sends batches of so many events (100), as many a second as are
//!   answered or as RATE says, and says how many were acknowledged and how long the responses took. With a rate, a request
//!   that is late because the one before it was slow counts from when it was due.
//! - `load fill FILE COUNT [HISTORY]`: makes a store in which so many events wait, with the history of so many; as many as
//!   are kept by default, if it is not said. With 0 it shows what the history costs.
//! - `load find FILE TEXT`: says how many events with this id or email the history has, and how long it took to find them.

use rudder_gateway::complete;
use rudder_gateway::store::{Queue, Store, StoreSettings, Wanted};
use rudderstack_events::request::{Arrival, Endpoint, Request};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Events in a batch, if it is not said.
const BATCH: u64 = 100;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["send", url, key, seconds, ref more @ ..] if more.len() <= 3 => {
            let senders = more.first().map_or(Ok(8), |text| text.parse())?;
            let batch = more.get(1).map_or(Ok(BATCH), |text| text.parse())?;
            let rate = more.get(2).map(|text| text.parse()).transpose()?;
            send(url, key, seconds.parse()?, senders, batch.max(1), rate).await
        }
        ["fill", path, count, ref more @ ..] if more.len() <= 1 => {
            let history = more.first().map(|text| text.parse()).transpose()?;
            fill(path, count.parse()?, history).await
        }
        ["find", path, text] => find(path, text),
        _ => Err(
            "say: send URL KEY SECONDS [SENDERS [BATCH [RATE]]], fill FILE COUNT [HISTORY], or find FILE TEXT".into(),
        ),
    }
}

/// Identifies, each of about 400 bytes and of a person of its own.
fn events(first: u64, count: u64) -> String {
    let event = |n: u64| {
        format!(
            r#"{{"type":"identify","userId":"user-{n}","messageId":"message-{n}","channel":"server","originalTimestamp":"2026-01-01T00:00:00.000Z","sentAt":"2026-01-01T00:00:00.010Z","context":{{"traits":{{"name":"Person {n}","email":"person{n}@example.com","plan":"enterprise","address":{{"city":"New Orleans","state":"Louisiana"}}}},"library":{{"name":"analytics-node","version":"3.0.13"}}}}}}"#
        )
    };
    let all: Vec<String> = (first..first + count).map(event).collect();
    format!(r#"{{"batch":[{}]}}"#, all.join(","))
}

async fn send(url: &str, key: &str, seconds: u64, senders: u32, batch: u64, rate: Option<f64>) -> Result<()> {
    // How long each sender has for a batch.
    let pace = rate.map_or(Duration::ZERO, |rate| {
        Duration::from_secs_f64(batch as f64 * f64::from(senders) / rate)
    });
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build()?;
    let url = format!("{url}/v1/batch");
    let next = Arc::new(AtomicU64::new(u64::from(std::process::id()) << 40));
    let start = Instant::now();
    let end = start + Duration::from_secs(seconds);
    let mut tasks = Vec::new();
    for sender in 0..senders {
        let (client, url, key, next) = (client.clone(), url.clone(), key.to_owned(), Arc::clone(&next));
        tasks.push(tokio::spawn(async move {
            let mut times = Vec::new();
            let mut due = start + pace * sender / senders;
            while due.max(Instant::now()) < end {
                tokio::time::sleep_until(due.into()).await;
                let body = events(next.fetch_add(batch, Ordering::Relaxed), batch);
                let request = client.post(&url).basic_auth(&key, Some("")).body(body);
                let sent = if pace.is_zero() { Instant::now() } else { due };
                due += pace;
                let status = request.send().await?.status();
                if status != 200 {
                    return Err(format!("answered {status}").into());
                }
                times.push(sent.elapsed());
            }
            Result::Ok(times)
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    let elapsed = start.elapsed();
    times.sort_unstable();
    let events = times.len() as u64 * batch;
    let at = |share: usize| times[(times.len() - 1) * share / 1_000].as_secs_f64() * 1e3;
    println!(
        "{events} events acknowledged in {:.1} s: {:.0} a second; responses: median {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
        elapsed.as_secs_f64(),
        events as f64 / elapsed.as_secs_f64(),
        at(500),
        at(990),
        at(1_000),
    );
    Ok(())
}

async fn fill(path: &str, count: u64, history: Option<u64>) -> Result<()> {
    let mut settings = StoreSettings::new();
    settings.history.events = history.unwrap_or(settings.history.events);
    let store = Store::open(path.as_ref(), settings)?;
    let mut arrival = Arrival::new(chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap_or_default());
    arrival.request_ip = Some("192.0.2.1".to_owned());
    for first in (0..count).step_by(BATCH as usize) {
        store
            .accept(complete(
                &Request::read(&events(first, BATCH), Endpoint::Batch)?,
                "key",
                &arrival,
                |event, json| store.trace(event, json),
            )?)
            .await?;
    }
    store.close().await;
    Ok(())
}

fn find(path: &str, text: &str) -> Result<()> {
    let queue = Queue::open(path.as_ref())?;
    for _ in 0..5 {
        let start = Instant::now();
        let found = queue.traced(&Wanted::with(text), 50)?.len();
        println!("{found} found in {:.1} ms", start.elapsed().as_secs_f64() * 1_000.0);
    }
    Ok(())
}
