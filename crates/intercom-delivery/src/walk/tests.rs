//! A plan in, scripted responses, calls out.

mod whose;

use super::*;
use intercom_api::{ApiError, Call, CompanyExternalId, CompanyFields, ContactFields, DataEvent, OperationId as Op};
use rudderstack_to_intercom::{Lookup, LookupField, Missing, RejectionCode, SaveCompany, SaveContact};
use std::convert::Infallible;

fn by_id(value: &str) -> Lookup {
    Lookup::new(LookupField::EXTERNAL_ID, value)
}

fn fields(json: &str) -> ContactFields {
    serde_json::from_str(json).unwrap()
}

fn save() -> SaveContact {
    SaveContact::new(
        by_id("u1"),
        fields(r#"{"external_id":"u1","custom_attributes":{"seats":5,"plan":"pro"}}"#),
    )
}

fn group(tags: &[&str]) -> Plan {
    let mut company = CompanyFields::new();
    company.company_id = Some("k1".into());
    let mut plan = SaveCompany::new(company);
    plan.member = Some(by_id("u1"));
    plan.tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    Plan::SaveCompany(plan)
}

fn event() -> Plan {
    let mut event = DataEvent::new("opened");
    event.user_id = Some("u1".into());
    Plan::SubmitEvent(event)
}

const FOUND: (u16, &str) = (200, r#"{"data":[{"id":"c1","external_id":"u1"}]}"#);
const NOBODY: (u16, &str) = (200, r#"{"data":[]}"#);
const COMPANY: (u16, &str) = (200, r#"{"id":"i1","company_id":"k1"}"#);
const DONE: (u16, &str) = (200, "{}");
const GONE: (u16, &str) = (
    404,
    r#"{"type":"error.list","errors":[{"code":"not_found","message":"User Not Found"}]}"#,
);
const NO_COMPANY: (u16, &str) = (404, r#"{"type":"error.list","errors":[{"code":"company_not_found"}]}"#);
const CONFLICT: (u16, &str) = (
    409,
    r#"{"type":"error.list","errors":[{"code":"conflict","message":"A contact matching those details already exists with id=c9"}]}"#,
);
const ARCHIVED: (u16, &str) = (
    409,
    r#"{"type":"error.list","errors":[{"code":"conflict","message":"An archived contact matching those details already exists with id=c9"}]}"#,
);
const UNDEFINED: (u16, &str) = (
    400,
    r#"{"type":"error.list","errors":[{"code":"parameter_invalid","message":"Custom attribute 'seats' does not exist"}]}"#,
);

/// Walks until the end: the calls that were made must be these, and get these responses.
fn run<K: Knowledge<Busy = Infallible>>(walk: &mut Walk, knowledge: &mut K, script: &[(Op, (u16, &str))]) -> Ending {
    let mut script = script.iter();
    loop {
        let call = match walk.next(knowledge) {
            Next::Call(call) | Next::LastWrite(call) => call,
            Next::Wait(never) => match never {},
            Next::End(ending) => {
                assert_eq!(script.next(), None, "a call of the script was not made");
                return ending;
            }
        };
        let (operation, (status, body)) = script.next().unwrap_or_else(|| panic!("unexpected {}", call.operation));
        assert_eq!(call.operation, *operation);
        let error = ApiError::parse(*status, body.as_bytes());
        let response = if *status < 300 {
            Ok(body.as_bytes())
        } else {
            Err(&error)
        };
        match walk.handle_response(response, knowledge) {
            Verdict::GoOn => {}
            Verdict::Retry(code) => panic!("{code}"),
            Verdict::End(ending) => {
                assert_eq!(script.next(), None, "a call of the script was not made");
                return ending;
            }
        }
    }
}

fn walk(plan: impl Into<Arc<Plan>>) -> Walk {
    Walk::new(plan, Policies::default())
}

fn last_write(walk: &mut Walk) -> Call {
    match walk.next(&mut ()) {
        Next::LastWrite(call) => call,
        other => panic!("{other:?}"),
    }
}

fn respond(walk: &mut Walk, (status, body): (u16, &str)) -> Verdict {
    let error = ApiError::parse(status, body.as_bytes());
    let response = if status < 300 { Ok(body.as_bytes()) } else { Err(&error) };
    walk.handle_response(response, &mut ())
}

#[test]
fn the_last_write_can_be_handed_back() {
    let mut found = walk(Plan::SaveContact(save()));
    assert!(matches!(found.next(&mut ()), Next::Call(call) if call.operation == Op::SearchContacts));
    assert_eq!(respond(&mut found, FOUND), Verdict::GoOn);
    let call = last_write(&mut found);
    assert_eq!((call.operation, &*call.path), (Op::UpdateContact, "/contacts/c1"));
    assert!(call.body.unwrap().get().contains("seats"));
    assert!(!found.has_written(), "nobody has made it yet");

    let mut missing = walk(Plan::SaveContact(save()));
    let _ = missing.next(&mut ());
    assert_eq!(respond(&mut missing, NOBODY), Verdict::GoOn);
    assert_eq!(last_write(&mut missing).operation, Op::CreateContact);

    assert_eq!(last_write(&mut walk(event())).operation, Op::SubmitDataEvent);

    let mut delete = walk(Plan::DeleteContact(by_id("u1")));
    let _ = delete.next(&mut ());
    assert_eq!(respond(&mut delete, FOUND), Verdict::GoOn);
    assert!(matches!(delete.next(&mut ()), Next::Call(call) if call.operation == Op::RetrieveContact));
    assert_eq!(
        respond(&mut delete, (200, r#"{"id":"c1","external_id":"u1"}"#)),
        Verdict::GoOn
    );
    assert_eq!(last_write(&mut delete).operation, Op::DeleteContact);
}

#[test]
fn who_is_to_be_deleted_and_is_not_there_is_deleted_already() {
    let mut walk = walk(Plan::DeleteContact(by_id("u1")));
    assert_eq!(
        run(&mut walk, &mut (), &[(Op::SearchContacts, NOBODY)]),
        Ending::Delivered
    );
    assert!(!walk.has_written());
}

#[test]
fn a_group_is_carried_out_wholly() {
    let mut walk = walk(group(&["a", "b"]));
    let script = [
        (Op::UpsertCompany, COMPANY),
        (Op::SearchContacts, FOUND),
        (Op::AttachCompany, DONE),
        (Op::CreateTag, DONE),
        (Op::CreateTag, DONE),
    ];
    assert_eq!(run(&mut walk, &mut (), &script), Ending::Delivered);
    assert_eq!(
        (walk.contact().unwrap().as_str(), walk.company().unwrap().as_str()),
        ("c1", "i1")
    );
}

#[test]
fn a_member_who_is_not_found_costs_the_company_nothing() {
    let mut walk = walk(group(&["a"]));
    let script = [
        (Op::UpsertCompany, COMPANY),
        (Op::SearchContacts, NOBODY),
        (Op::CreateTag, DONE),
    ];
    assert_eq!(run(&mut walk, &mut (), &script), Ending::Delivered);
    assert_eq!(walk.warnings(), [DeliveryWarning::MemberNotFound]);
}

#[test]
fn a_company_that_is_gone_is_created_again_once() {
    let script = [
        (Op::UpsertCompany, COMPANY),
        (Op::SearchContacts, FOUND),
        (Op::AttachCompany, NO_COMPANY),
        (Op::UpsertCompany, (200, r#"{"id":"i2","company_id":"k1"}"#)),
        (Op::AttachCompany, DONE),
        (Op::CreateTag, DONE),
    ];
    let mut once = walk(group(&["a"]));
    assert_eq!(run(&mut once, &mut (), &script), Ending::Delivered);
    let mut twice = walk(group(&["a"]));
    let script = [&script[..5], &[(Op::CreateTag, NO_COMPANY)]].concat();
    assert_eq!(
        run(&mut twice, &mut (), &script),
        Ending::Failed(FailureCode::CompanyNotFound)
    );
}

fn leaving() -> Plan {
    let mut plan = save();
    plan.detach = vec![CompanyKey::CompanyId("k1".into())];
    Plan::SaveContact(plan)
}

#[test]
fn what_is_not_linked_or_gone_is_left_already() {
    for gone in [GONE, NO_COMPANY, (410, "{}")] {
        let script = [
            (Op::SearchContacts, FOUND),
            (Op::FindCompany, gone),
            (Op::UpdateContact, DONE),
        ];
        assert_eq!(run(&mut walk(leaving()), &mut (), &script), Ending::Delivered);
        let script = [
            (Op::SearchContacts, FOUND),
            (Op::FindCompany, COMPANY),
            (Op::DetachCompany, gone),
            (Op::UpdateContact, DONE),
        ];
        assert_eq!(run(&mut walk(leaving()), &mut (), &script), Ending::Delivered);
    }
}

/// D27: each of several companies is left, whether or not Intercom knows the one before.
#[test]
fn d27_several_companies_are_left_one_after_the_other() {
    let mut plan = save();
    plan.detach = ["k1", "k2", "k3"].map(|key| CompanyKey::CompanyId(key.into())).into();
    let plan = Plan::SaveContact(plan);
    let script = [
        (Op::SearchContacts, FOUND),
        (Op::FindCompany, COMPANY),
        (Op::DetachCompany, DONE),
        (Op::FindCompany, GONE),
        (Op::FindCompany, COMPANY),
        (Op::DetachCompany, NO_COMPANY),
        (Op::UpdateContact, DONE),
    ];
    assert_eq!(run(&mut walk(plan.clone()), &mut (), &script), Ending::Delivered);
    // What one contact has left, another may still be linked to.
    let mut knowledge = Remembers::default();
    let script = [
        (Op::DetachCompany, DONE),
        (Op::DetachCompany, GONE),
        (Op::FindCompany, COMPANY),
        (Op::DetachCompany, GONE),
        (Op::SearchContacts, FOUND),
        (Op::FindCompany, COMPANY),
        (Op::DetachCompany, DONE),
        (Op::FindCompany, COMPANY),
        (Op::DetachCompany, DONE),
        (Op::FindCompany, COMPANY),
        (Op::DetachCompany, DONE),
        (Op::UpdateContact, DONE),
    ];
    assert_eq!(run(&mut walk(plan), &mut knowledge, &script), Ending::Delivered);
}

/// Remembers a contact and a company, which may be out of date.
#[derive(Default)]
struct Remembers {
    facts: Vec<&'static str>,
}

impl Knowledge for Remembers {
    type Busy = Infallible;

    fn contact(&mut self, _: &Lookup) -> Option<KnownContact> {
        Some(KnownContact::new("old".parse().ok()?))
    }

    fn company(&mut self, _: &CompanyExternalId) -> Option<CompanyId> {
        "old".parse().ok()
    }

    fn learn(&mut self, fact: &Fact<'_>) {
        self.facts.push(match fact {
            Fact::Found { .. } => "found",
            Fact::Saved { .. } => "saved",
            Fact::ContactGone { .. } => "contact gone",
            Fact::CompanyDoubted(_) => "company doubted",
            Fact::Detached(..) => "detached",
            _ => "other",
        });
    }
}

#[test]
fn what_was_remembered_and_is_gone_is_looked_up_once() {
    let mut knowledge = Remembers::default();
    let mut walk = walk(leaving());
    let script = [
        (Op::DetachCompany, NO_COMPANY),
        (Op::FindCompany, COMPANY),
        (Op::DetachCompany, GONE),
        (Op::SearchContacts, FOUND),
        (Op::FindCompany, COMPANY),
        (Op::DetachCompany, DONE),
        (Op::UpdateContact, DONE),
    ];
    assert_eq!(run(&mut walk, &mut knowledge, &script), Ending::Delivered);
    assert_eq!(
        knowledge.facts,
        ["company doubted", "contact gone", "found", "detached", "saved"]
    );
}

#[test]
fn a_contact_that_exists_already_is_updated() {
    let script = [
        (Op::SearchContacts, NOBODY),
        (Op::CreateContact, CONFLICT),
        (Op::UpdateContact, DONE),
    ];
    let mut walk = walk(Plan::SaveContact(save()));
    assert_eq!(run(&mut walk, &mut (), &script), Ending::Delivered);
    assert_eq!(walk.contact().unwrap().as_str(), "c9");
}

#[test]
fn a_lookup_that_is_done_need_not_be_repeated() {
    let plan = Arc::new(Plan::SaveContact(save()));
    let mut absent = Walk::after_lookup(Arc::clone(&plan), Policies::default(), None);
    let script = [
        (Op::CreateContact, ARCHIVED),
        (Op::UnarchiveContact, DONE),
        (Op::UpdateContact, DONE),
    ];
    assert_eq!(run(&mut absent, &mut (), &script), Ending::Delivered);
    let mut there = Walk::after_lookup(plan, Policies::default(), "c1".parse().ok());
    let script = [
        (Op::UpdateContact, (410, "{}")),
        (Op::SearchContacts, (200, r#"{"data":[{"id":"c2"}]}"#)),
        (Op::UpdateContact, DONE),
    ];
    assert_eq!(run(&mut there, &mut (), &script), Ending::Delivered);
}

#[test]
fn an_archived_contact_fails_if_the_policy_says_so() {
    let policies = Policies {
        archived: ArchivedPolicy::Fail,
        ..Policies::default()
    };
    let mut walk = Walk::new(Plan::SaveContact(save()), policies);
    let script = [(Op::SearchContacts, NOBODY), (Op::CreateContact, ARCHIVED)];
    assert_eq!(
        run(&mut walk, &mut (), &script),
        Ending::Failed(FailureCode::ContactArchived)
    );
}

#[test]
fn a_contact_who_is_not_to_be_created_rejects_the_plan() {
    let mut plan = save();
    plan.missing = Missing::Reject;
    let ending = run(
        &mut walk(Plan::SaveContact(plan)),
        &mut (),
        &[(Op::SearchContacts, NOBODY)],
    );
    assert_eq!(ending, Ending::Rejected(RejectionCode::ContactNotFound));
}

#[test]
fn undefined_attributes_fail_are_dropped_or_created() {
    let start = |attributes| {
        let policies = Policies {
            attributes,
            ..Policies::default()
        };
        let mut walk = Walk::new(Plan::SaveContact(save()), policies);
        let _ = walk.next(&mut ());
        assert_eq!(respond(&mut walk, NOBODY), Verdict::GoOn);
        let _ = last_write(&mut walk);
        walk
    };
    let mut fail = start(AttributePolicy::Fail);
    let failed = Verdict::End(Ending::Failed(FailureCode::UndefinedAttribute));
    assert_eq!(respond(&mut fail, UNDEFINED), failed);
    assert_eq!(fail.refused_attribute(), Some("seats"));

    // Nobody is found by an attribute that there is not.
    let search = |attributes| {
        let policies = Policies {
            attributes,
            ..Policies::default()
        };
        let mut walk = Walk::new(Plan::SaveContact(save()), policies);
        let _ = walk.next(&mut ());
        (respond(&mut walk, UNDEFINED), walk.refused_attribute().is_some())
    };
    assert_eq!(search(AttributePolicy::Fail), (failed, true));
    assert_eq!(search(AttributePolicy::Drop), (Verdict::GoOn, false));
    assert_eq!(search(AttributePolicy::Create), (Verdict::GoOn, false));

    let mut drop = start(AttributePolicy::Drop);
    assert_eq!(respond(&mut drop, UNDEFINED), Verdict::GoOn);
    let body = last_write(&mut drop).body.unwrap();
    assert_eq!(body.get(), r#"{"external_id":"u1","custom_attributes":{"plan":"pro"}}"#);
    let attribute = "seats".to_owned();
    assert_eq!(drop.warnings(), [DeliveryWarning::AttributeDropped { attribute }]);
    assert_eq!(respond(&mut drop, UNDEFINED), failed, "it is not in the body any more");

    let mut create = start(AttributePolicy::Create);
    assert_eq!(respond(&mut create, UNDEFINED), Verdict::GoOn);
    match create.next(&mut ()) {
        Next::Call(call) => assert_eq!(
            call.body.unwrap().get(),
            r#"{"name":"seats","model":"contact","data_type":"integer"}"#
        ),
        other => panic!("{other:?}"),
    }
    assert_eq!(respond(&mut create, DONE), Verdict::GoOn);
    assert!(last_write(&mut create).body.unwrap().get().contains("seats"));
}

#[test]
fn the_contact_of_an_event_is_created_if_the_policy_says_so() {
    let mut fail = walk(event());
    assert_eq!(
        run(&mut fail, &mut (), &[(Op::SubmitDataEvent, GONE)]),
        Ending::Failed(FailureCode::UnknownContact)
    );
    let policies = Policies {
        unknown_contact: UnknownContactPolicy::Create,
        ..Policies::default()
    };
    let mut create = Walk::new(event(), policies);
    let script = [
        (Op::SubmitDataEvent, GONE),
        (Op::CreateContact, (200, r#"{"id":"c1"}"#)),
        (Op::SubmitDataEvent, (202, "")),
    ];
    assert_eq!(run(&mut create, &mut (), &script), Ending::Delivered);
    // An event whose contact is gone while it is restored is not said to be delivered.
    let mut lost = Walk::new(event(), policies);
    let round = [
        (Op::SubmitDataEvent, GONE),
        (Op::CreateContact, ARCHIVED),
        (Op::UnarchiveContact, GONE),
    ];
    let script = [round, round].concat();
    assert_eq!(run(&mut lost, &mut (), &script), Ending::Failed(FailureCode::NotFound));
}

#[test]
fn what_passes_is_tried_again_from_the_same_call() {
    let mut walk = walk(Plan::SaveContact(save()));
    let _ = walk.next(&mut ());
    for (response, code) in [
        ((503, ""), FailureCode::ServerError),
        ((408, ""), FailureCode::Timeout),
        ((429, ""), FailureCode::RateLimited),
        ((200, "<html>"), FailureCode::InvalidResponse),
    ] {
        assert_eq!(respond(&mut walk, response), Verdict::Retry(code));
        assert!(matches!(walk.next(&mut ()), Next::Call(call) if call.operation == Op::SearchContacts));
    }
    assert_eq!(
        respond(&mut walk, (401, "")),
        Verdict::End(Ending::Failed(FailureCode::Unauthorized))
    );
}

#[test]
fn debug_shows_no_value() {
    let mut walk = walk(Plan::SaveContact(save()));
    let _ = walk.next(&mut ());
    let text = format!("{walk:?}");
    assert!(!text.contains("u1") && !text.contains("pro"), "{text}");
}
