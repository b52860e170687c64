//! Asks the service, without a connection, what is to be sent to Intercom for an event, as rudder-server does.

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use intercom_transformer::protocol::RouterResponse;
use intercom_transformer::{DeliverBy, Settings, Transformer};
use std::error::Error;
use tower::ServiceExt as _;

const REQUEST: &str = r#"{"destType":"intercom_v2","input":[{
    "message": {"type": "track", "userId": "ann-1", "event": "Order Completed", "properties": {"total": 12.5}},
    "metadata": {"jobId": 1, "userId": "ann-1", "secret": {"accessToken": "a-token"}},
    "destination": {"ID": "destination-1", "Config": {"apiServer": "US"}}
}]}"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut settings = Settings::new();
    settings.deliver = DeliverBy::RudderServer;
    let router = Transformer::new(settings)?.router();
    let request = Request::post("/routerTransform").body(Body::from(REQUEST))?;
    let body = router.oneshot(request).await?.into_body().collect().await?.to_bytes();
    let response: RouterResponse<'_> = serde_json::from_slice(&body)?;
    println!("{}", str::from_utf8(&body)?);
    for element in &response.output {
        println!("status {}, of {} jobs", element.status_code, element.metadata.len());
    }
    Ok(())
}
