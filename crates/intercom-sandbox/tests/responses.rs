//! Every successful response is what the typed operation of `intercom-api` expects: it parses, nothing in it is unknown,
//! and nothing is lost when it is written back.

mod support;

use intercom_api::drift::{Drift, findings};
use intercom_api::*;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use strum::IntoEnumIterator;
use support::{Bench, id};

/// A bench that remembers which operations have succeeded.
struct Checked {
    bench: Bench,
    seen: BTreeSet<OperationId>,
}

impl Checked {
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "reads better with the macro")]
    fn check<O: Operation<Response: Serialize + Drift>>(&mut self, path: &str, body: Value) -> Value {
        let calls = |bench: &Bench| bench.sandbox.state().calls;
        let before = calls(&self.bench);
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let response = self.bench.raw(O::ID.method().as_str(), path, body.as_bytes());
        assert!((200..300).contains(&response.raw.status), "{path}: {}", response.body);
        let after = calls(&self.bench);
        assert_ne!(
            before.get(O::ID.as_str()),
            after.get(O::ID.as_str()),
            "{path} is not {}",
            O::ID
        );
        self.seen.insert(O::ID);

        let parsed = O::parse_response(&response.raw.body).expect("the response of the operation");
        let found: Vec<String> = findings(&parsed).iter().map(ToString::to_string).collect();
        assert!(found.is_empty(), "{path}: {found:?}");
        let mut written = serde_json::to_value(&parsed).expect("JSON");
        let mut expected = response.body.clone();
        without_nulls(&mut written);
        without_nulls(&mut expected);
        assert_eq!(written, expected, "{path}");
        response.body
    }
}

/// Whether an empty field is written or left out is all the same.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null());
            object.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

#[test]
fn every_response_fits_its_model() {
    let mut all = Checked {
        bench: Bench::easy(),
        seen: BTreeSet::new(),
    };
    let none = || Value::Null;
    let contact = json!({
        "external_id": "u-1", "email": "ada@example.org", "phone": "+49", "name": "Ada",
        "avatar": "https://example.org/a", "owner_id": 1, "signed_up_at": 1, "last_seen_at": 2,
        "custom_attributes": {"seats": 3, "plan": null}
    });
    let ada = id(&all.check::<CreateContact>("/contacts", contact));
    let lead = id(&all.check::<CreateContact>("/contacts", json!({"role": "lead"})));
    let one = format!("/contacts/{ada}");
    all.check::<UpdateContact>(&one, json!({"unsubscribed_from_emails": true}));
    let company = json!({
        "company_id": "c-1", "name": "Initech", "plan": "pro", "size": 5, "website": "https://example.org",
        "industry": "Software", "monthly_spend": 7, "remote_created_at": 1, "custom_attributes": {"seats": 3}
    });
    let company = id(&all.check::<UpsertCompany>("/companies", company));
    let at = format!("/companies/{company}");
    all.check::<AttachCompany>(&format!("{one}/companies"), json!({"id": company}));
    let tag = json!({"name": "vip", "companies": [{"id": company}], "users": [{"id": ada}]});
    let tag = id(&all.check::<CreateTag>("/tags", tag));
    all.check::<TagContact>(&format!("{one}/tags"), json!({"id": tag}));
    let note = id(&all.check::<CreateNote>(&format!("{one}/notes"), json!({"body": "Hello"})));
    let event = json!({"event_name": "came", "created_at": 5, "user_id": "u-1", "metadata": {"price": 1.50}});
    all.check::<SubmitDataEvent>("/events", event);
    let summaries = json!({"event_name": "came", "count": 3, "first": 1, "last": 7});
    all.check::<SummariseDataEvents>(
        "/events/summaries",
        json!({"user_id": "u-1", "event_summaries": summaries}),
    );

    all.check::<RetrieveContact>(&one, none());
    all.check::<ListContacts>("/contacts?per_page=1", none());
    let search = json!({"query": {"field": "role", "operator": "IN", "value": ["user", "lead"]}, "pagination": {"per_page": 1},
               "sort": {"field": "name", "order": "ascending"}});
    all.check::<SearchContacts>("/contacts/search", search);
    all.check::<ListContactCompanies>(&format!("{one}/companies"), none());
    all.check::<ListContactTags>(&format!("{one}/tags"), none());
    all.check::<ListContactNotes>(&format!("{one}/notes"), none());
    all.check::<RetrieveNote>(&format!("/notes/{note}"), none());
    all.check::<ListContactSegments>(&format!("{one}/segments"), none());
    all.check::<ListContactSubscriptions>(&format!("{one}/subscriptions"), none());
    all.check::<ListSubscriptionTypes>("/subscription_types", none());
    all.check::<ListSegments>("/segments", none());

    all.check::<RetrieveCompany>(&at, none());
    all.check::<UpdateCompany>(&at, json!({"name": "Initrode"}));
    all.check::<FindCompany>("/companies?company_id=c-1", none());
    all.check::<FindCompany>("/companies", none());
    all.check::<ListCompanies>("/companies/list", none());
    all.check::<ScrollCompanies>("/companies/scroll", none());
    all.check::<ListCompanyContacts>(&format!("{at}/contacts"), none());
    all.check::<ListCompanySegments>(&format!("{at}/segments"), none());

    all.check::<ListTags>("/tags", none());
    all.check::<FindTag>(&format!("/tags/{tag}"), none());
    all.check::<ListDataEvents>("/events?type=user&user_id=u-1", none());
    all.check::<ListDataEvents>("/events?type=user&user_id=u-1&summary=true", none());
    let attribute = json!({
        "name": "ring", "model": "contact", "data_type": "string", "description": "of the hand",
        "options": [{"value": "1-10"}, {"value": "11-20"}]
    });
    let attribute = all.check::<CreateDataAttribute>("/data_attributes", attribute);
    let path = format!("/data_attributes/{}", attribute["id"]);
    all.check::<UpdateDataAttribute>(&path, json!({"description": "none"}));
    all.check::<ListDataAttributes>("/data_attributes", none());
    all.check::<IdentifyAdmin>("/me", none());
    all.check::<ListAdmins>("/admins", none());
    all.check::<RetrieveAdmin>("/admins/1", none());
    all.check::<SetAwayAdmin>(
        "/admins/1/away",
        json!({"away_mode_enabled": true, "away_mode_reassign": true}),
    );
    all.check::<ListActivityLogs>("/admins/activity_logs?created_at_after=1", none());

    all.check::<UntagContact>(&format!("{one}/tags/{tag}"), none());
    all.check::<DeleteTag>(&format!("/tags/{tag}"), none());
    all.check::<DetachCompany>(&format!("{one}/companies/{company}"), none());
    all.check::<DeleteCompany>(&at, none());
    all.check::<ArchiveContact>(&format!("{one}/archive"), none());
    all.check::<UnarchiveContact>(&format!("{one}/unarchive"), none());
    all.bench.version = "2.16";
    all.check::<RetrieveContactByExternalId>("/contacts/find_by_external_id/u-1", none());
    all.check::<BlockContact>(&format!("{one}/block"), none());
    all.bench.version = "2.10";
    all.check::<MergeContacts>("/contacts/merge", json!({"from": lead, "into": ada}));
    all.check::<DeleteContact>(&one, none());
    all.check::<RequestUserDeletion>("/user_delete_requests", json!({"intercom_user_id": ada}));

    // The others say that they are not implemented, whatever is asked for.
    for operation in OperationId::iter().filter(|operation| !all.seen.contains(operation)) {
        let path = operation.template().replace(['{', '}'], "");
        let response = all.bench.raw(operation.method().as_str(), &path, b"{}");
        let error = ApiError::parse(response.raw.status, &response.raw.body);
        assert_eq!(
            (error.status, error.code()),
            (501, "not_implemented_in_sandbox"),
            "{operation}"
        );
    }
}

#[test]
fn every_error_fits_its_model() {
    let mut bench = Bench::new(
        intercom_sandbox::Settings::default()
            .with_any_attribute(false)
            .with_max_event_names(0),
    );
    let ada = bench.contact(json!({"external_id": "u-1"}));
    let read = |response: support::Response| {
        let error = ApiError::parse(response.raw.status, &response.raw.body);
        assert_eq!(error.kind, ErrorKind::ErrorList);
        assert!(!error.code().is_empty() && error.request_id.is_some());
        error
    };
    let conflict = read(bench.post("/contacts", json!({"external_id": "u-1"})))
        .conflicting_contact()
        .unwrap();
    assert_eq!((conflict.id.as_str(), conflict.archived), (ada.as_str(), false));
    bench.post(&format!("/contacts/{ada}/archive"), Value::Null).ok();
    let conflict = read(bench.post("/contacts", json!({"external_id": "u-1"})))
        .conflicting_contact()
        .unwrap();
    assert_eq!((conflict.id.as_str(), conflict.archived), (ada.as_str(), true));
    bench.post(&format!("/contacts/{ada}/unarchive"), Value::Null).ok();
    let undefined = read(bench.put(
        &format!("/contacts/{ada}"),
        json!({"custom_attributes": {"it's new": 1}}),
    ));
    assert_eq!(undefined.undefined_attribute(), Some("it's new"));
    let event = json!({"event_name": "came", "created_at": 5, "user_id": "u-1"});
    assert!(read(bench.post("/events", event)).is_event_name_limit());
}
