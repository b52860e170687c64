//! Every plan, end to end, against answers by hand.

use intercom_api::{CompanyFields, ContactFields, DataEvent, OperationId};
use intercom_delivery::*;
use rudderstack_to_intercom::{Identities, Lookup, LookupField, Plan, SaveCompany, SaveContact};

fn who(id: &str) -> Identities {
    let mut identities = Identities::new();
    identities.user_id = Some(id.to_owned());
    identities
}

#[test]
fn every_plan_runs() {
    let mut engine = Engine::new(EngineSettings::new());
    let lookup = Lookup::new(LookupField::EXTERNAL_ID, "u1");
    let mut fields = ContactFields::new();
    fields.external_id = Some("u1".into());
    let mut company = CompanyFields::new();
    company.company_id = Some("k1".into());
    let mut group = SaveCompany::new(company);
    group.member = Some(lookup.clone());
    group.tags = vec!["vip".into()];
    let mut event = DataEvent::new("x");
    event.user_id = Some("u1".into());
    let plans = [
        Plan::SaveContact(SaveContact::new(lookup.clone(), fields)),
        Plan::SubmitEvent(event),
        Plan::SaveCompany(group),
        Plan::DeleteContact(lookup),
    ];
    for (at, plan) in plans.into_iter().enumerate() {
        engine
            .submit(Submission::new(EventId(at as u64), plan, who("u1")))
            .unwrap();
    }
    let now = Time::from_unix_millis(1_000);
    let (mut calls, mut outcomes) = (Vec::new(), Vec::new());
    while let Some(transmit) = engine.poll_call(now) {
        calls.push(transmit.call.operation);
        let body = match transmit.call.operation {
            OperationId::SearchContacts => r#"{"data":[]}"#,
            OperationId::CreateContact => r#"{"id":"c1","external_id":"u1"}"#,
            _ => r#"{"id":"x1"}"#,
        };
        engine.handle_response(transmit.id, &Answer::new(200, body), now);
        outcomes.extend(std::iter::from_fn(|| engine.poll_outcome()));
    }
    use OperationId as Op;
    assert_eq!(
        calls,
        [
            Op::SearchContacts,
            Op::CreateContact,
            Op::SubmitDataEvent,
            Op::UpsertCompany,
            Op::AttachCompany,
            Op::CreateTag,
            Op::DeleteContact
        ]
    );
    let delivered: Vec<u64> = outcomes
        .iter()
        .filter(|outcome| matches!(outcome.result, DeliveryResult::Delivered(_)))
        .map(|outcome| outcome.event.0)
        .collect();
    assert_eq!(delivered, [0, 1, 2, 3]);
    assert!(engine.is_idle());
}
