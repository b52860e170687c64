//! A gateway that is killed loses nothing that it has acknowledged.

use crate::support::{client, sandbox, serve, settings, transport};
use rudder_gateway::store::StoreSettings;
use rudder_gateway::store::{Queue, Store};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::net::TcpListener;

const STORE: &str = "GATEWAY_TEST_STORE";
const SANDBOX: &str = "GATEWAY_TEST_SANDBOX";
const KILLS: &str = "GATEWAY_TEST_KILLS";

/// Not a test but a process of its own, for the test below.
#[tokio::test]
#[ignore = "is started by the test of crashes"]
async fn gateway_process() {
    let (Ok(store), Ok(sandbox)) = (std::env::var(STORE), std::env::var(SANDBOX)) else {
        return;
    };
    let store = Store::open(Path::new(&store), StoreSettings::new()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stdout = std::io::stdout();
    writeln!(stdout, "listening on http://{}", listener.local_addr().unwrap()).unwrap();
    stdout.flush().unwrap();
    let forever = std::future::pending::<()>();
    serve(listener, settings(), store, transport(&sandbox), forever)
        .await
        .unwrap();
}

struct Process {
    child: Child,
    url: String,
}

fn start(store: &Path, sandbox: &str) -> Process {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "crash::gateway_process", "--nocapture"])
        .env(STORE, store)
        .env(SANDBOX, sandbox)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = lines.find_map(|line| Some(line.unwrap().split_once("listening on ")?.1.to_owned()));
    let url = url.expect("the process ends at once");
    // Whoever writes to a pipe that nobody reads is ended by it.
    std::thread::spawn(move || lines.for_each(drop));
    Process { child, url }
}

/// Some events of a batch: people, and what one of them does in a second of its own each.
fn batch(first: usize) -> Value {
    let event = |n: usize| match n % 2 {
        0 => json!({"type": "identify", "userId": format!("u{n}"), "messageId": format!("m{n}")}),
        _ => json!({
            "type": "track", "userId": "buyer", "event": "Bought", "messageId": format!("m{n}"),
            "timestamp": chrono::DateTime::from_timestamp(1_700_000_000 + n as i64, 0).unwrap().to_rfc3339(),
        }),
    };
    json!({"batch": (first..first + 10).map(event).collect::<Vec<_>>()})
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_acknowledged_survives_being_killed() {
    let kills: u32 = std::env::var(KILLS).map_or(3, |kills| kills.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("events.db");
    let sandbox = sandbox().await;
    let client = client();
    let mut acknowledged = BTreeSet::new();
    let mut next = 10;
    for kill in 0..=kills {
        let mut process = start(&store, sandbox.base_url());
        let url = format!("{}/v1/batch", process.url);
        if kill == 0 {
            let buyer = json!({"batch": [{"type": "identify", "userId": "buyer"}]});
            let sent = client
                .post(&url)
                .basic_auth("WK", Some(""))
                .body(buyer.to_string())
                .send();
            assert_eq!(sent.await.unwrap().status(), 200);
        }
        // Four senders at a time; after some responses, in the middle of the others, the process is killed.
        let (answered, mut responses) = tokio::sync::mpsc::unbounded_channel();
        for sender in 0..4 {
            let (client, url, answered) = (client.clone(), url.clone(), answered.clone());
            let start = next + sender * 10_000;
            tokio::spawn(async move {
                for first in (start..start + 10_000).step_by(10) {
                    let body = batch(first).to_string();
                    let sent = client.post(&url).basic_auth("WK", Some("")).body(body).send().await;
                    match sent {
                        Ok(response) if response.status() == 200 => drop(answered.send(first)),
                        _ => return,
                    }
                }
            });
        }
        drop(answered);
        next += 40_000;
        let moment = if kill == kills { 5 } else { fastrand::usize(1..60) };
        for _ in 0..moment {
            acknowledged.extend(responses.recv().await);
        }
        process.child.kill().unwrap();
        process.child.wait().unwrap();
        while let Some(first) = responses.recv().await {
            acknowledged.insert(first);
        }
    }

    let mut process = start(&store, sandbox.base_url());
    let queue = Queue::open(&store).unwrap();
    let drained = tokio::time::timeout(Duration::from_secs(120), async {
        while queue.status().unwrap().events > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    drained.await.expect("the events are delivered");
    process.child.kill().unwrap();
    process.child.wait().unwrap();

    assert_eq!(queue.status().unwrap().dead_letters, 0);
    let state = serde_json::to_value(sandbox.state()).unwrap();
    let list = |name: &str, field: &str| -> Vec<String> {
        let items = state[name].as_array().unwrap().iter();
        items.map(|item| item[field].to_string()).collect()
    };
    let (people, bought) = (list("contacts", "external_id"), list("events", "created_at"));
    let unique = |list: &[String]| list.iter().cloned().collect::<BTreeSet<_>>();
    let (all_people, all_bought) = (unique(&people), unique(&bought));
    assert_eq!(
        (all_people.len(), all_bought.len()),
        (people.len(), bought.len()),
        "delivered twice"
    );
    assert!(!acknowledged.is_empty());
    for n in acknowledged.iter().flat_map(|first| *first..first + 10) {
        let is_there = match n % 2 {
            0 => all_people.contains(&format!("\"u{n}\"")),
            _ => all_bought.contains(&(1_700_000_000 + n).to_string()),
        };
        assert!(is_there, "event {n} is lost");
    }
}
