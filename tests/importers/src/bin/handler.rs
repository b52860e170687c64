//! A web service that converts: prints its address, and answers what is to be done in Intercom for an event.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use intercom_api::CreateContact;
use rudderstack_events::{Identify, OwnedEvent};
use rudderstack_to_intercom::{Converted, Decision, Destination, Mapped, Rejection};
use std::sync::Arc;
use std::time::SystemTime;

type Answer<T> = Result<Json<T>, (StatusCode, Json<Rejection>)>;

fn rejected(rejection: Rejection) -> (StatusCode, Json<Rejection>) {
    (StatusCode::UNPROCESSABLE_ENTITY, Json(rejection))
}

/// Any event, if its `integrations` do not keep it from Intercom.
async fn convert(State(destination): State<Arc<Destination>>, Json(event): Json<OwnedEvent>) -> Answer<Decision> {
    let mapped = Mapped::new(&event, &destination, SystemTime::now().into());
    mapped.decide().map(Json).map_err(rejected)
}

/// The body of one call, with what was left out of it.
async fn contact(
    State(destination): State<Arc<Destination>>,
    Json(identify): Json<Identify<'static>>,
) -> Answer<Converted<CreateContact>> {
    let mapped = Mapped::new(&identify, &destination, SystemTime::now().into());
    mapped.convert().map(Json).map_err(rejected)
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let destination: Destination = serde_json::from_str(r#"{"apiServer":"Europe","sendAnonymousId":true}"#)?;
    let routes = Router::new()
        .route("/convert", post(convert))
        .route("/contact", post(contact))
        .with_state(Arc::new(destination));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, routes).await
}
