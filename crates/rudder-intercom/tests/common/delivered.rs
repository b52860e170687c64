//! A workspace that events were sent to, and what `verify` says of it.
#![allow(dead_code, reason = "each test binary uses some of it")]

use super::common::{Run, Served, run_with_token};
use intercom_api::{Call, Method, Route};
use intercom_sandbox::Settings;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Five people in two companies; one has left the second, and one is deleted.
pub(crate) fn events() -> String {
    let mut events = Vec::new();
    for person in 0..5 {
        events.push(json!({
            "type": "identify", "userId": format!("u-{person}"),
            "traits": {
                "email": format!("p-{person}@example.org"), "name": "Early", "phone": "+15550000", "ownerId": 7,
                "avatar": "https://img.example/a.png", "createdAt": "2024-02-03T10:00:00Z", "unsubscribedFromEmails": true,
                "plan": "free", "seats": 3, "vip": true,
            },
        }));
        for company in ["co-0", "co-1"] {
            events.push(json!({
                "type": "group", "userId": format!("u-{person}"), "groupId": company,
                "traits": {
                    "name": "Fern", "industry": "Tea", "size": 12, "plan": "gold", "monthlySpend": 99, "tier": "a",
                    "website": "https://fern.example", "tags": ["tall"],
                },
            }));
        }
    }
    // The last value is what counts.
    for person in 0..5 {
        let traits = json!({"name": "Late", "plan": "pro"});
        events.push(json!({"type": "identify", "userId": format!("u-{person}"), "traits": traits}));
    }
    let leaves = json!({"company": {"id": "co-1", "remove": true}});
    events.push(json!({"type": "identify", "userId": "u-1", "traits": leaves}));
    events.push(json!({"type": "identify", "userId": "u-9", "traits": {"name": "Gone"}}));
    let gone = json!({"external_id": "u-9"});
    events.push(json!({"type": "record", "action": "delete", "identifiers": gone}));
    events.push(json!({"type": "track", "userId": "u-0", "event": "Seen", "timestamp": "2026-01-05T10:00:00Z"}));
    events.iter().map(|event| event.to_string() + "\n").collect()
}

pub(crate) struct Stage {
    pub(crate) sandbox: Served,
    folder: tempfile::TempDir,
}

impl Stage {
    /// A workspace that the events were sent to, and somebody else's contact.
    pub(crate) fn new(settings: Settings, events: &str) -> Self {
        let stage = Self {
            sandbox: Served::new(settings),
            folder: tempfile::tempdir().unwrap(),
        };
        stage.act(
            Method::Post,
            "/contacts",
            Some(json!({"external_id": "other", "name": "Other"})),
            0,
        );
        std::fs::write(stage.file("events"), events).unwrap();
        let (file, journal) = (stage.file("events"), stage.file("journal"));
        let send = ["send", file.to_str().unwrap(), "--journal", journal.to_str().unwrap()];
        let letters = stage.file("letters");
        let more = [
            "--dead-letters",
            letters.to_str().unwrap(),
            "--intercom-base-url",
            stage.sandbox.url(),
        ];
        let sent = run_with_token(&[&send[..], &more].concat(), "");
        assert!(sent.code() < 2, "{}{}", sent.stdout(), sent.stderr());
        stage
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Somebody else does something, so many seconds later.
    pub(crate) fn act(&self, method: Method, path: &str, body: Option<Value>, seconds: u64) -> Value {
        let operation = Route::find(method, path).unwrap().operation;
        let mut call = Call::new(operation, path);
        call.body = body.map(|body| serde_json::value::to_raw_value(&body).unwrap());
        self.sandbox.try_later(&call, seconds).unwrap()
    }

    pub(crate) fn id(&self, what: &str, name: &str) -> String {
        let state = self.sandbox.state();
        let all = state[what].as_array().unwrap().iter();
        let key = if what == "contacts" {
            "external_id"
        } else {
            "company_id"
        };
        let mut found = all.filter(|thing| thing[key] == json!(name));
        found.next().unwrap()["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn verify(&self, flags: &[&str]) -> Run {
        let file = self.file("events");
        let command = ["verify", file.to_str().unwrap(), "--json", "--show-values"];
        let url = ["--intercom-base-url", self.sandbox.url()];
        run_with_token(&[&command[..], &url, flags].concat(), "")
    }

    pub(crate) fn journal(&self) -> String {
        self.file("journal").to_str().unwrap().to_owned()
    }
}

/// What differs, one line each, sorted.
pub(crate) fn differences(run: &Run) -> Vec<String> {
    let report = run.json();
    let mut all: Vec<String> = report["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let fields: Vec<&str> = one["fields"]
                .as_array()
                .unwrap()
                .iter()
                .map(|field| field["name"].as_str().unwrap())
                .collect();
            let fields = if one["status"] == "missing" {
                String::new()
            } else {
                format!(" {}", fields.join(","))
            };
            let mut text = format!(
                "{} {} {}{fields}",
                one["what"].as_str().unwrap(),
                one["name"].as_str().unwrap(),
                one["status"].as_str().unwrap()
            );
            for (name, sign) in [
                ("links_missing", "-link"),
                ("links_left", "+link"),
                ("tags_missing", "-tag"),
            ] {
                let count = one[name].as_u64().unwrap();
                if count > 0 && one["status"] == "differs" {
                    text.push_str(&format!(" {sign}{count}"));
                }
            }
            text
        })
        .collect();
    all.sort();
    all
}
