//! A queue of messages whose values are kept as they came, in a format that is not JSON.

use exact_json::RawJson;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Message {
    Order { total: RawJson },
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let message: Message = serde_json::from_str(r#"{"kind":"Order","total":{"amount":1250,"currency":"EUR"}}"#)?;
    let stored = rmp_serde::to_vec_named(&message)?;
    let Message::Order { total } = rmp_serde::from_slice(&stored)?;
    println!("{}", total.get());
    Ok(())
}
