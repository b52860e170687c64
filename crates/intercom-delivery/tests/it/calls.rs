//! The calls that delivery is made of, as Intercom documents them: method, path, query and body.

use intercom_api::*;
use rudderstack_to_intercom::{Lookup, LookupField};

/// Method, path with query, and body of a call.
fn shown(operation: &impl Operation) -> String {
    let call = operation.to_call().unwrap();
    let body = call.body.as_ref().map_or("", |body| body.get());
    format!("{} {} {body}", call.method, call.path_and_query())
        .trim_end()
        .to_owned()
}

fn contact() -> ContactFields {
    let mut contact = ContactFields::new();
    contact.external_id = Some("ann-1".into());
    contact
}

#[test]
fn every_call_is_as_documented() {
    let (contact_id, company_id) = (
        || ContactId::try_from("5f").unwrap(),
        || CompanyId::try_from("6a").unwrap(),
    );
    let mut company = CompanyFields::new();
    company.company_id = Some("acme".into());
    let mut event = DataEvent::new("ordered");
    event.user_id = Some("ann-1".into());
    event.created_at = Some(UnixSeconds(7));
    let (model, data_type) = (DataAttributeModel::Contact, DataType::String);
    let rows = [
        (
            shown(&Lookup::new(LookupField::EMAIL, "a@x.org").search()),
            r#"POST /contacts/search {"query":{"operator":"AND","value":[{"field":"email","operator":"=","value":"a@x.org"}]}}"#,
        ),
        (
            shown(&CreateContact { contact: contact() }),
            r#"POST /contacts {"external_id":"ann-1"}"#,
        ),
        (
            shown(&UpdateContact {
                id: contact_id(),
                contact: contact(),
            }),
            r#"PUT /contacts/5f {"external_id":"ann-1"}"#,
        ),
        (shown(&DeleteContact { id: contact_id() }), "DELETE /contacts/5f"),
        (
            shown(&UnarchiveContact { id: contact_id() }),
            "POST /contacts/5f/unarchive",
        ),
        (
            shown(&UpsertCompany { company }),
            r#"POST /companies {"company_id":"acme"}"#,
        ),
        (
            shown(&FindCompany::ByCompanyId("acme".into())),
            "GET /companies?company_id=acme",
        ),
        (shown(&FindCompany::ByName("acme".into())), "GET /companies?name=acme"),
        (
            shown(&AttachCompany::new(contact_id(), company_id())),
            r#"POST /contacts/5f/companies {"id":"6a"}"#,
        ),
        (
            shown(&DetachCompany {
                contact: contact_id(),
                company: company_id(),
            }),
            "DELETE /contacts/5f/companies/6a",
        ),
        (
            shown(&TagCompanies::new("b2b", [company_id().into()])),
            r#"POST /tags {"name":"b2b","companies":[{"id":"6a"}]}"#,
        ),
        (
            shown(&SubmitDataEvent { event }),
            r#"POST /events {"event_name":"ordered","created_at":7,"user_id":"ann-1"}"#,
        ),
        (
            shown(&CreateDataAttribute::new("plan".to_owned(), model, data_type)),
            r#"POST /data_attributes {"name":"plan","model":"contact","data_type":"string"}"#,
        ),
        (
            shown(&RequestUserDeletion::new(contact_id())),
            r#"POST /user_delete_requests {"intercom_user_id":"5f"}"#,
        ),
    ];
    for (is, should) in rows {
        assert_eq!(is, should);
    }
    assert_eq!(ApiVersion::default().to_string(), "2.10");
}
