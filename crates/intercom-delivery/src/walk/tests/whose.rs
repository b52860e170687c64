//! Whose a contact is, and what becomes of an event that meets somebody else's.

use super::{CONFLICT, DONE, GONE, NOBODY, Op, fields, run, walk};
use crate::codes::{DeliveryWarning, FailureCode};
use crate::walk::{Ending, Next, Walk};
use intercom_api::DataEvent;
use rudderstack_to_intercom::{Missing, Person, Plan, SaveContact, SharedEmail};

const ARCHIVED: (u16, &str) = super::ARCHIVED;
/// The contact that conflicts name.
const THEIRS: (u16, &str) = (200, r#"{"id":"c9","external_id":"u2","email":"a@b.c","role":"user"}"#);
const NOBODYS: (u16, &str) = (200, r#"{"id":"c9","external_id":null,"email":"a@b.c","role":"user"}"#);
const MINE: (u16, &str) = (200, r#"{"id":"c9","external_id":"u1","email":"x@b.c","role":"user"}"#);

fn plan_of(shared_email: SharedEmail) -> Plan {
    let person = Person::new(Some("u1".into()), Some("a@b.c")).unwrap();
    let lookup = person.with_shared_email(shared_email).into();
    Plan::SaveContact(SaveContact::new(
        lookup,
        fields(r#"{"external_id":"u1","email":"a@b.c","name":"x"}"#),
    ))
}

fn plan() -> Plan {
    plan_of(SharedEmail::Separate)
}

/// Runs a plan, and gives the bodies of the contacts that were written.
fn bodies(plan: Plan, script: &[(Op, (u16, &str))]) -> (Vec<String>, Vec<DeliveryWarning>, Ending) {
    struct Bodies(Vec<String>);
    impl crate::walk::Knowledge for Bodies {
        type Busy = std::convert::Infallible;

        fn permit(&mut self, write: &crate::walk::Write<'_>) -> crate::walk::Permit<Self::Busy> {
            if let crate::walk::Write::Contact { fields, .. } = write {
                self.0.push(serde_json::to_string(fields).unwrap());
            }
            crate::walk::Permit::AsPlanned
        }
    }
    let (mut walk, mut bodies) = (walk(plan), Bodies(Vec::new()));
    let ending = run(&mut walk, &mut bodies, script);
    (bodies.0, walk.warnings().to_vec(), ending)
}

const WITH: &str = r#"{"external_id":"u1","email":"a@b.c","name":"x"}"#;
const WITHOUT: &str = r#"{"external_id":"u1","name":"x"}"#;

#[test]
fn d24_who_has_the_email_and_another_external_id_is_somebody_else() {
    let (bodies, warnings, ending) = bodies(
        plan(),
        &[
            (Op::SearchContacts, NOBODY),
            (Op::CreateContact, CONFLICT),
            (Op::RetrieveContact, THEIRS),
            (Op::CreateContact, (200, r#"{"id":"c1","external_id":"u1"}"#)),
        ],
    );
    assert_eq!(bodies, [WITH, WITHOUT]);
    assert_eq!(warnings, [DeliveryWarning::EmailTaken]);
    assert_eq!(ending, Ending::Delivered);
}

#[test]
fn who_the_search_has_shown_is_not_asked_for() {
    let hits = (200, r#"{"data":[{"id":"c9","external_id":"u2","email":"a@b.c"}]}"#);
    let created = (200, r#"{"id":"c1","external_id":"u1"}"#);
    let script = [
        (Op::SearchContacts, hits),
        (Op::CreateContact, CONFLICT),
        (Op::CreateContact, created),
    ];
    assert_eq!(bodies(plan(), &script).1, [DeliveryWarning::EmailTaken]);
    // Where several may have one email, there is nothing in the way.
    let (_, warnings, ending) = bodies(plan(), &[(Op::SearchContacts, hits), (Op::CreateContact, created)]);
    assert_eq!((warnings, ending), (Vec::new(), Ending::Delivered));
}

#[test]
fn who_is_nobody_else_is_taken() {
    for who in [NOBODYS, MINE] {
        let script = [
            (Op::SearchContacts, NOBODY),
            (Op::CreateContact, CONFLICT),
            (Op::RetrieveContact, who),
            (Op::UpdateContact, DONE),
        ];
        let (bodies, warnings, ending) = bodies(plan(), &script);
        assert_eq!(bodies, [WITH, WITH]);
        assert_eq!((warnings, ending), (Vec::new(), Ending::Delivered));
    }
}

#[test]
fn an_archived_contact_is_restored_only_if_it_is_nobody_elses() {
    let first = [
        (Op::SearchContacts, NOBODY),
        (Op::CreateContact, ARCHIVED),
        (Op::RetrieveContact, GONE),
    ];
    let mine = [
        (Op::CreateContact, ARCHIVED),
        (Op::UnarchiveContact, DONE),
        (Op::UpdateContact, DONE),
    ];
    let (sent, warnings, _) = bodies(plan(), &[first, mine].concat());
    assert_eq!(sent, [WITH, WITHOUT, WITH]);
    assert_eq!(warnings, []);
    let theirs = [(Op::CreateContact, (200, r#"{"id":"c1","external_id":"u1"}"#))];
    let (_, warnings, _) = bodies(plan(), &[&first[..], &theirs].concat());
    assert_eq!(warnings, [DeliveryWarning::EmailTaken]);
}

const KNOWN: (u16, &str) = (200, r#"{"data":[{"id":"c1","external_id":"u1","email":"old@b.c"}]}"#);
const LEAD: (u16, &str) = (200, r#"{"data":[{"id":"c1","email":"a@b.c","role":"lead"}]}"#);
const PROMOTED: &str = r#"{"external_id":"u1","email":"a@b.c","name":"x","role":"user"}"#;

#[test]
fn an_update_is_made_once_more_without_the_email_that_somebody_else_has() {
    let script = [
        (Op::SearchContacts, KNOWN),
        (Op::UpdateContact, CONFLICT),
        (Op::UpdateContact, DONE),
    ];
    let (sent, warnings, ending) = bodies(plan(), &script);
    assert_eq!(sent, [WITH, WITHOUT]);
    assert_eq!(
        (warnings.as_slice(), ending),
        (&[DeliveryWarning::EmailTaken][..], Ending::Delivered)
    );
    // An update of nothing else is done.
    let lookup = Person::new(Some("u1".into()), None).unwrap().into();
    let mut moves = SaveContact::new(lookup, fields(r#"{"email":"a@b.c"}"#));
    moves.missing = Missing::Reject;
    let ending = bodies(Plan::SaveContact(moves), &script[..2]).2;
    assert_eq!(ending, Ending::Delivered);
}

#[test]
fn d31_a_lead_that_signs_up_becomes_a_user() {
    let (sent, ..) = bodies(plan(), &[(Op::SearchContacts, LEAD), (Op::UpdateContact, DONE)]);
    assert_eq!(sent, [PROMOTED]);
    let Plan::SaveContact(mut stays) = plan() else {
        unreachable!()
    };
    stays.update.role = Some(intercom_api::Role::Lead);
    let (sent, ..) = bodies(
        Plan::SaveContact(stays),
        &[(Op::SearchContacts, LEAD), (Op::UpdateContact, DONE)],
    );
    assert!(sent[0].contains("lead"), "{sent:?}");
    let anybody = Person::new(None, Some("a@b.c")).unwrap().into();
    let nobody = Plan::SaveContact(SaveContact::new(anybody, fields(r#"{"email":"a@b.c"}"#)));
    let (sent, ..) = bodies(nobody, &[(Op::SearchContacts, LEAD), (Op::UpdateContact, DONE)]);
    assert_eq!(sent, [r#"{"email":"a@b.c"}"#]);
}

#[test]
fn a_promotion_that_is_refused_names_the_right_contact() {
    let script = [
        (Op::SearchContacts, LEAD),
        (Op::UpdateContact, CONFLICT),
        (Op::RetrieveContact, MINE),
        (Op::UpdateContact, DONE),
    ];
    let (sent, warnings, ending) = bodies(plan(), &script);
    assert_eq!(sent, [PROMOTED, WITH]);
    assert_eq!((warnings, ending), (Vec::new(), Ending::Delivered));
}

#[test]
fn a_lead_that_cannot_become_a_user_stays_one() {
    let script = [
        (Op::SearchContacts, LEAD),
        (Op::UpdateContact, CONFLICT),
        (Op::RetrieveContact, THEIRS),
        (Op::UpdateContact, CONFLICT),
        (Op::CreateContact, (200, r#"{"id":"c2","external_id":"u1"}"#)),
    ];
    let (sent, warnings, ending) = bodies(plan(), &script);
    assert_eq!(sent[2], WITHOUT);
    assert_eq!(
        (warnings, ending),
        (vec![DeliveryWarning::EmailTaken], Ending::Delivered)
    );
}

#[test]
fn contradictions_end_as_an_identity_conflict() {
    let script = [
        (Op::SearchContacts, KNOWN),
        (Op::UpdateContact, CONFLICT),
        (Op::UpdateContact, CONFLICT),
    ];
    let (.., ending) = bodies(plan(), &script);
    assert_eq!(ending, Ending::Failed(FailureCode::IdentityConflict));
}

#[test]
fn the_email_decides_if_the_setting_says_so() {
    let theirs = (200, r#"{"data":[{"id":"c9","external_id":"u2","email":"a@b.c"}]}"#);
    let script = [(Op::SearchContacts, theirs), (Op::UpdateContact, DONE)];
    let (sent, warnings, _) = bodies(plan_of(SharedEmail::Same), &script);
    assert_eq!(sent, [WITH]);
    assert_eq!(warnings, [DeliveryWarning::ExternalIdReplaced]);
}

#[test]
fn a_data_event_of_a_lead_names_it_by_intercoms_id() {
    let mut event = DataEvent::new("opened");
    event.email = Some("A@b.c".to_owned());
    let mut walk = Walk::new(Plan::SubmitEvent(event), crate::walk::Policies::default());
    let _ = walk.next(&mut ());
    let _ = super::respond(&mut walk, GONE);
    assert!(matches!(walk.next(&mut ()), Next::Call(call) if call.operation == Op::SearchContacts));
    let _ = super::respond(&mut walk, LEAD);
    let call = super::last_write(&mut walk);
    assert_eq!(call.body.unwrap().get(), r#"{"event_name":"opened","id":"c1"}"#);
    assert_eq!(
        super::respond(&mut walk, GONE),
        crate::walk::Verdict::End(Ending::Failed(FailureCode::UnknownContact))
    );
}

#[test]
fn a_lead_with_a_user_id_is_written_as_a_user_where_intercom_has_no_such_leads() {
    const REFUSED: (u16, &str) = (
        400,
        r#"{"type":"error.list","errors":[{"code":"parameter_invalid","message":"no"}]}"#,
    );
    let lead = || {
        let person = Person::new(Some("u1".into()), Some("a@b.c")).unwrap();
        let given = fields(r#"{"external_id":"u1","email":"a@b.c","role":"lead"}"#);
        Plan::SaveContact(SaveContact::new(person.into(), given))
    };
    let created = (200, r#"{"id":"c1","external_id":"u1"}"#);
    let script = [
        (Op::SearchContacts, NOBODY),
        (Op::CreateContact, REFUSED),
        (Op::CreateContact, created),
    ];
    let (written, warnings, ending) = bodies(lead(), &script);
    assert_eq!(
        written,
        [
            r#"{"external_id":"u1","email":"a@b.c","role":"lead"}"#,
            r#"{"external_id":"u1","email":"a@b.c"}"#
        ]
    );
    assert_eq!(
        (warnings, ending),
        (vec![DeliveryWarning::RoleRefused], Ending::Delivered)
    );
    // A lead that is found becomes a user.
    let hit = (200, r#"{"data":[{"id":"c1","email":"a@b.c","role":"lead"}]}"#);
    let script = [
        (Op::SearchContacts, hit),
        (Op::UpdateContact, REFUSED),
        (Op::UpdateContact, created),
    ];
    let (written, warnings, _) = bodies(lead(), &script);
    assert_eq!(written[1], r#"{"external_id":"u1","email":"a@b.c","role":"user"}"#);
    assert_eq!(warnings, [DeliveryWarning::RoleRefused]);
    // It was something else.
    let script = [
        (Op::SearchContacts, NOBODY),
        (Op::CreateContact, REFUSED),
        (Op::CreateContact, REFUSED),
    ];
    let (_, warnings, ending) = bodies(lead(), &script);
    assert_eq!(
        (warnings, ending),
        (Vec::new(), Ending::Failed(FailureCode::BadRequest))
    );
}

#[test]
fn a_lead_with_a_user_id_stays_one_if_a_user_has_its_email() {
    let hit = (
        200,
        r#"{"data":[{"id":"c1","external_id":"u1","email":"a@b.c","role":"lead"}]}"#,
    );
    let script = [
        (Op::SearchContacts, hit),
        (Op::UpdateContact, CONFLICT),
        (Op::UpdateContact, CONFLICT),
        (Op::UpdateContact, (200, r#"{"id":"c1"}"#)),
    ];
    let (written, warnings, ending) = bodies(plan(), &script);
    assert_eq!(
        written,
        [
            r#"{"external_id":"u1","email":"a@b.c","name":"x","role":"user"}"#,
            r#"{"external_id":"u1","name":"x","role":"user"}"#,
            r#"{"name":"x"}"#
        ]
    );
    assert_eq!(
        (warnings, ending),
        (vec![DeliveryWarning::EmailTaken], Ending::Delivered)
    );
}

/// Also where the plan gives it no user id, because it has one.
#[test]
fn a_lead_stays_one_whatever_it_is_looked_up_for() {
    let person = Person::new(Some("u1".into()), None).unwrap();
    let mut record = SaveContact::new(person.into(), fields(r#"{"name":"x"}"#));
    record.missing = Missing::Reject;
    let script = [
        (
            Op::SearchContacts,
            (
                200,
                r#"{"data":[{"id":"c1","external_id":"u1","email":"a@b.c","role":"lead"}]}"#,
            ),
        ),
        (Op::UpdateContact, CONFLICT),
        (Op::UpdateContact, (200, r#"{"id":"c1"}"#)),
    ];
    let (written, _, ending) = bodies(Plan::SaveContact(record), &script);
    assert_eq!(written, [r#"{"name":"x","role":"user"}"#, r#"{"name":"x"}"#]);
    assert_eq!(ending, Ending::Delivered);
}
