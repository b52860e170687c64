//! A client of Intercom over a blocking HTTP library: `client <base URL> <token>`.

use intercom_api::{
    ApiError, ApiVersion, ContactFields, CreateContact, Operation, RateLimit, SearchContacts, SearchQuery, UpdateContact,
};
use std::error::Error;

struct Intercom {
    base_url: String,
    token: String,
    agent: ureq::Agent,
}

impl Intercom {
    fn run<O: Operation>(&self, operation: &O) -> Result<O::Response, Box<dyn Error>> {
        operation.check()?;
        let call = operation.to_call()?;
        let request = call.to_request(&self.base_url, &self.token, ApiVersion::default())?;
        let mut response = self.agent.run(request)?;
        if let Some(limit) = RateLimit::from_headers(response.headers()) {
            println!("{} calls are left", limit.remaining);
        }
        let (status, body) = (response.status().as_u16(), response.body_mut().read_to_vec()?);
        if !(200..300).contains(&status) {
            return Err(ApiError::parse(status, &body).into());
        }
        Ok(O::parse_response(&body)?)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let intercom = Intercom {
        base_url: arguments.next().ok_or("a base URL is missing")?,
        token: arguments.next().ok_or("a token is missing")?,
        agent: ureq::Agent::config_builder().http_status_as_error(false).build().into(),
    };
    let ann = ContactFields::new().with_external_id("ann-1").with_email("ann@example.com");
    let created = intercom.run(&CreateContact::new(ann.clone()))?;
    println!("created {}", created.id);

    let error = intercom.run(&CreateContact::new(ann)).expect_err("there is one already");
    let conflict = error.downcast_ref::<ApiError>().and_then(ApiError::conflicting_contact);
    println!("conflict: {error}, with {:?}", conflict.map(|contact| contact.id));

    let query = SearchQuery::any([
        SearchQuery::filter("email", "=", "ann@example.com"),
        SearchQuery::filter("created_at", ">", 1_700_000_000),
    ]);
    let found = intercom.run(&SearchContacts::new(query))?;
    let hit = found.contacts().first().ok_or("nobody was found")?;
    let change = ContactFields::new().with_name("Ann").with_custom_attributes([("seats", 12)]);
    let updated = intercom.run(&UpdateContact::new(hit.id.clone(), change))?;
    println!("updated {:?}", updated.name);
    Ok(())
}
