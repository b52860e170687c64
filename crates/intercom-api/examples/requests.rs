//! Turns typed requests into calls, and shows what an HTTP client would send.

use intercom_api::{
    ContactFields, CreateContact, DataEvent, Operation, SearchContacts, SearchQuery, SubmitDataEvent, UnixSeconds,
};

fn show(operation: &impl Operation) -> Result<(), serde_json::Error> {
    let call = operation.to_call()?;
    let body = call.body.as_ref().map_or("", |body| body.get());
    println!("{} {} {body}", call.method, call.path_and_query());
    Ok(())
}

fn main() -> Result<(), serde_json::Error> {
    let contact = ContactFields::new()
        .with_external_id("ann-1")
        .with_email("ann@example.com")
        .with_signed_up_at(UnixSeconds(1_700_000_000))
        .with_custom_attributes([("seats", 12)]);
    show(&CreateContact::new(contact))?;
    show(&SearchContacts::new(SearchQuery::any([
        SearchQuery::filter("email", "=", "ann@example.com"),
        SearchQuery::filter("external_id", "IN", vec!["ann-1", "ann-2"]),
    ])))?;
    let event = DataEvent::new("invited friend")
        .with_user_id("ann-1")
        .with_created_at(1_700_000_000)
        .with_metadata([("friend", "bob-2")]);
    show(&SubmitDataEvent::new(event))
}
