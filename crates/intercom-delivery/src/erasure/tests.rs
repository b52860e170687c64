use super::*;

const NOBODY: (&str, u16, &str) = ("search_contacts", 200, r#"{"data":[]}"#);

/// Runs an erasure against a script: for each call the operation that is expected, and the response.
fn run(erasure: &mut Erasure, script: &[(&str, u16, &str)]) {
    for (operation, status, body) in script {
        respond(erasure, operation, *status, body).unwrap();
    }
    assert!(erasure.next_call().is_none());
}

fn respond(erasure: &mut Erasure, operation: &str, status: u16, body: &str) -> Result<(), ErasureError> {
    let call = erasure.next_call().unwrap();
    assert_eq!(call.operation.as_str(), operation);
    erasure.handle_response(&Response::new(status, body.as_bytes().to_vec()))
}

fn person() -> Erasure {
    Erasure::new(Some("u".to_owned()), Some("A@example.org".to_owned()))
}

fn by_email() -> Erasure {
    Erasure::new(None, Some("A@example.org".to_owned()))
}

fn contacts(erasure: &Erasure) -> Vec<&str> {
    let requested = erasure.requested().iter();
    requested.map(|deletion| deletion.contact.as_str()).collect()
}

#[test]
fn only_a_contact_that_still_is_who_was_asked_for_is_touched() {
    let mut erasure = person();
    run(
        &mut erasure,
        &[
            ("search_contacts", 200, r#"{"data":[{"id":"1","external_id":"u"}]}"#),
            (
                "retrieve_contact",
                200,
                r#"{"id":"1","external_id":"other","email":"a@example.org"}"#,
            ),
            ("search_contacts", 200, r#"{"data":[{"id":"2"},{"id":"3"},{"id":"4"}]}"#),
            ("retrieve_contact", 200, r#"{"id":"2","email":"new@example.org"}"#),
            ("retrieve_contact", 404, ""),
            (
                "retrieve_contact",
                200,
                r#"{"id":"4","external_id":"other","email":"a@Example.org"}"#,
            ),
            ("request_user_deletion", 200, r#"{"id":10}"#),
        ],
    );
    assert_eq!(contacts(&erasure), ["4"]);
}

#[test]
fn the_user_goes_before_others_with_the_email() {
    let mut erasure = person();
    run(
        &mut erasure,
        &[
            NOBODY,
            ("search_contacts", 200, r#"{"data":[{"id":"1"},{"id":"2"},{"id":"3"}]}"#),
            (
                "retrieve_contact",
                200,
                r#"{"id":"1","external_id":"v","email":"a@example.org"}"#,
            ),
            (
                "retrieve_contact",
                200,
                r#"{"id":"2","external_id":"u","email":"a@example.org"}"#,
            ),
            ("request_user_deletion", 200, r#"{"id":10}"#),
        ],
    );
    assert_eq!(contacts(&erasure), ["2"]);
}

#[test]
fn of_several_none_is_erased_unless_all_are_asked_for() {
    let pages = [
        r#"{"data":[{"id":"1"},{"id":"2"}],"pages":{"type":"pages","next":{"starting_after":"c"}}}"#,
        r#"{"data":[{"id":"2"},{"id":"3"}]}"#,
    ];
    let contact = |id: u32| format!(r#"{{"id":"{id}","email":"a@example.org"}}"#);
    let search = |erasure: &mut Erasure| {
        respond(erasure, "search_contacts", 200, pages[0]).unwrap();
        respond(erasure, "search_contacts", 200, pages[1]).unwrap();
        respond(erasure, "retrieve_contact", 200, &contact(1)).unwrap();
        respond(erasure, "retrieve_contact", 200, &contact(2)).unwrap();
    };
    let mut erasure = by_email();
    search(&mut erasure);
    for _ in 0..2 {
        let error = respond(&mut erasure, "retrieve_contact", 200, &contact(3)).unwrap_err();
        assert!(
            matches!(&error, ErasureError::Ambiguous(ids) if ids.len() == 3),
            "{error}"
        );
        assert_eq!(error.code(), "ambiguous_contact");
    }
    assert!(erasure.requested().is_empty());

    let mut erasure = by_email().all_with_email(true);
    search(&mut erasure);
    run(
        &mut erasure,
        &[
            ("retrieve_contact", 200, &contact(3)),
            ("request_user_deletion", 200, r#"{"id":10}"#),
            ("request_user_deletion", 404, ""),
            ("request_user_deletion", 200, r#"{"id":"11"}"#),
        ],
    );
    assert_eq!(contacts(&erasure), ["1", "2", "3"]);
    let proof = erasure.requested().iter().map(|deletion| deletion.request.is_some());
    assert!(proof.eq([true, false, true]));
}

#[test]
fn a_request_that_is_not_proven_is_an_error() {
    let mut erasure = person();
    respond(&mut erasure, "search_contacts", 200, r#"{"data":[{"id":"1"}]}"#).unwrap();
    respond(&mut erasure, "retrieve_contact", 200, r#"{"id":"1","external_id":"u"}"#).unwrap();
    for body in ["<html>", "{}", "", r#"{"id":null}"#] {
        let error = respond(&mut erasure, "request_user_deletion", 200, body).unwrap_err();
        assert_eq!(error.code(), "unreadable_response", "{body}");
    }
    assert!(erasure.requested().is_empty());
    assert_eq!(erasure.found().count(), 1);
}

#[test]
fn a_contact_that_no_search_finds_is_named_by_the_conflict() {
    let conflict = r#"{"type":"error.list","errors":[{"code":"conflict","message":"An archived contact matching those details already exists with id=7"}]}"#;
    let mut erasure = person();
    run(
        &mut erasure,
        &[
            NOBODY,
            NOBODY,
            ("create_contact", 409, conflict),
            ("request_user_deletion", 200, r#"{"id":10}"#),
        ],
    );
    assert_eq!(contacts(&erasure), ["7"]);
}

#[test]
fn nobody_is_created_by_email_unless_that_is_asked_for() {
    let mut erasure = by_email();
    run(&mut erasure, &[NOBODY]);
    assert!(erasure.leaves_archived_email_unseen());

    let body = |erasure: &Erasure| erasure.next_call().unwrap().body.unwrap().get().to_owned();
    let mut erasure = person();
    respond(&mut erasure, NOBODY.0, NOBODY.1, NOBODY.2).unwrap();
    respond(&mut erasure, NOBODY.0, NOBODY.1, NOBODY.2).unwrap();
    assert_eq!(body(&erasure), r#"{"external_id":"u"}"#);
    run(
        &mut erasure,
        &[
            ("create_contact", 200, r#"{"id":"8"}"#),
            ("delete_contact", 200, r#"{"id":"8"}"#),
        ],
    );
    assert!(erasure.leaves_archived_email_unseen());

    let mut erasure = by_email().probe_archived_email(true);
    respond(&mut erasure, NOBODY.0, NOBODY.1, NOBODY.2).unwrap();
    assert_eq!(body(&erasure), r#"{"email":"A@example.org"}"#);
    run(
        &mut erasure,
        &[("create_contact", 200, r#"{"id":"8"}"#), ("delete_contact", 404, "")],
    );
    assert!(erasure.requested().is_empty() && !erasure.leaves_archived_email_unseen());
    assert!(Erasure::new(None, Some(String::new())).next_call().is_none());
}

#[test]
fn a_list_that_never_ends_is_an_error() {
    let mut erasure = by_email();
    let page = r#"{"data":[{"id":"1"}],"pages":{"type":"pages","next":{"starting_after":"c"}}}"#;
    respond(&mut erasure, "search_contacts", 200, page).unwrap();
    let error = respond(&mut erasure, "search_contacts", 200, page).unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), ("repeated_page", false));
}

#[test]
fn a_call_that_is_refused_can_be_made_again() {
    let mut erasure = person();
    let call = erasure.next_call().unwrap();
    let error = erasure.handle_response(&Response::new(503, "")).unwrap_err();
    assert!(error.is_retryable());
    assert_eq!(erasure.next_call().unwrap().operation, call.operation);
    assert!(!format!("{erasure:?}").contains("example"));
}
