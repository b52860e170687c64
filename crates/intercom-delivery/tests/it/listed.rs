//! Custom attributes that are listed before any is written (D30).

use crate::support::*;
use intercom_api::OperationId as Op;
use intercom_delivery::*;
use std::time::Duration;

fn run(policy: AttributePolicy) -> Run {
    let mut settings = plain();
    settings.attributes = policy;
    settings.list_attributes = true;
    Run::new(settings)
}

/// A list with these names and types, a standard attribute and an archived one.
fn list(attributes: &[(&str, &str)]) -> Reply {
    let mut all = vec![
        r#"{"name":"phone","model":"contact","data_type":"string","custom":false}"#.to_owned(),
        r#"{"name":"old","model":"contact","data_type":"string","custom":true,"archived":true}"#.to_owned(),
    ];
    all.extend(attributes.iter().map(|(name, data_type)| {
        format!(r#"{{"name":"{name}","model":"contact","data_type":"{data_type}","custom":true,"archived":false}}"#)
    }));
    ok(format!(r#"{{"type":"list","data":[{}]}}"#, all.join(",")))
}

fn found() -> (Op, Reply) {
    (Op::SearchContacts, hits(&[&contact("c1", "u1")]))
}

fn count(run: &Run, operation: Op) -> usize {
    run.operations().iter().filter(|known| **known == operation).count()
}

#[test]
fn d30_many_undefined_attributes_cost_one_list_and_one_call_each() {
    let attributes: Vec<String> = (0..260).map(|at| format!(r#""a{at}":{at}"#)).collect();
    let attributes = format!("{{{}}}", attributes.join(","));
    // With `fail`, Intercom refuses the first update, which confirms the list; the second event fails without a call.
    for (policy, created, updated, result) in [
        (AttributePolicy::Create, 260, 2, "delivered"),
        (AttributePolicy::Drop, 0, 2, "delivered"),
        (AttributePolicy::Fail, 0, 1, "failed undefined_attribute"),
    ] {
        let mut run = run(policy);
        run.submit(identify("u1", &attributes), who("u1"));
        run.submit(identify("u1", &attributes), who("u1"));
        run.run(|sent| match sent.call.operation {
            Op::SearchContacts => found().1,
            Op::ListDataAttributes => list(&[]),
            Op::UpdateContact if policy == AttributePolicy::Fail => undefined("a0"),
            _ => ok("{}"),
        });
        assert_eq!(count(&run, Op::ListDataAttributes), 1, "{policy}");
        assert_eq!(count(&run, Op::CreateDataAttribute), created, "{policy}");
        assert_eq!(count(&run, Op::UpdateContact), updated, "{policy}");
        assert!(
            run.results().iter().all(|all| all.starts_with(result)),
            "{policy}: {:?}",
            run.results()
        );
    }
}

#[test]
fn d30_values_are_turned_into_the_type_or_left_out() {
    let mut run = run(AttributePolicy::Fail);
    let attributes = r#"{"seats":"12","name tag":7,"since":"2023-11-14T22:13:20Z","vip":"yes","gone":null}"#;
    run.submit(identify("u1", attributes), who("u1"));
    let types = [
        ("seats", "integer"),
        ("name tag", "string"),
        ("since", "date"),
        ("vip", "boolean"),
    ];
    run.script([
        found(),
        (Op::ListDataAttributes, list(&types)),
        (Op::UpdateContact, ok("{}")),
    ]);
    assert_eq!(
        run.sent[2].body(),
        r#"{"external_id":"u1","custom_attributes":{"seats":12,"name tag":"7","since":1700000000}}"#
    );
    assert_eq!(run.results(), ["delivered, attribute_of_another_type"]);
}

#[test]
fn an_attribute_that_was_created_has_its_type_from_then_on() {
    for is_listed in [true, false] {
        let mut settings = plain();
        settings.attributes = AttributePolicy::Create;
        settings.list_attributes = is_listed;
        let mut run = Run::new(settings);
        run.submit(identify("u1", r#"{"seats":1}"#), who("u1"));
        run.submit(identify("u1", r#"{"seats":"2"}"#), who("u1"));
        let mut is_defined = false;
        run.run(|sent| match sent.call.operation {
            Op::SearchContacts => found().1,
            Op::ListDataAttributes => list(&[]),
            Op::CreateDataAttribute => {
                is_defined = true;
                ok("{}")
            }
            _ if is_defined => ok("{}"),
            _ => undefined("seats"),
        });
        let last = run.sent.last().unwrap();
        let expected = r#"{"external_id":"u1","custom_attributes":{"seats":2}}"#;
        assert_eq!(last.body(), expected, "{is_listed}");
    }
}

#[test]
fn the_list_is_read_again_when_it_turns_out_to_be_out_of_date() {
    let mut run = run(AttributePolicy::Drop);
    for attributes in [r#"{"x":1}"#, r#"{"y":1}"#] {
        run.submit(identify("u1", attributes), who("u1"));
    }
    run.script([
        found(),
        (Op::ListDataAttributes, list(&[("x", "integer"), ("y", "integer")])),
        (Op::UpdateContact, undefined("x")),
        (Op::ListDataAttributes, list(&[("y", "integer")])),
        (Op::UpdateContact, ok("{}")),
        found(),
        (Op::UpdateContact, ok("{}")),
    ]);
    assert_eq!(run.results(), ["delivered, attribute_dropped", "delivered"]);
}

#[test]
fn a_list_that_lacks_an_attribute_is_not_believed_for_long() {
    let mut run = run(AttributePolicy::Drop);
    run.submit(identify("u1", r#"{"x":1}"#), who("u1"));
    run.script([
        found(),
        (Op::ListDataAttributes, list(&[])),
        (Op::UpdateContact, ok("{}")),
    ]);
    run.now = run.now.after(Duration::from_secs(6));
    run.submit(identify("u1", r#"{"x":2}"#), who("u1"));
    run.script([
        found(),
        (Op::ListDataAttributes, list(&[("x", "integer")])),
        (Op::UpdateContact, ok("{}")),
    ]);
    assert!(run.sent[5].body().contains(r#""x":2"#), "{}", run.sent[5].body());
}

#[test]
fn a_workspace_that_can_have_no_more_attributes_is_named_as_the_reason() {
    let names: Vec<String> = (0..250).map(|at| format!("a{at}")).collect();
    let full: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "string")).collect();
    let refused = |message| error(400, "parameter_invalid", message);
    // It may be full of companies' attributes: then it is what Intercom says.
    for (known, message, code) in [
        (&full[..], "no", "failed attribute_limit"),
        (&full[..249], "no", "failed undefined_attribute"),
        (
            &full[..1],
            "The workspace cannot have more custom attributes",
            "failed attribute_limit",
        ),
    ] {
        let mut run = run(AttributePolicy::Create);
        run.submit(identify("u1", r#"{"x":1}"#), who("u1"));
        run.script([
            found(),
            (Op::ListDataAttributes, list(known)),
            (Op::CreateDataAttribute, refused(message)),
            (Op::ListDataAttributes, list(known)),
        ]);
        assert_eq!(run.results(), [code], "{message}");
        let failed = failed(run.outcome());
        assert_eq!(failed.attribute.as_deref(), Some("x"));
        assert_eq!(
            failed.code.advice().contains("as many as it may"),
            code.ends_with("limit")
        );
    }
    // Who does not create them hears of the attribute alone.
    let mut run = run(AttributePolicy::Fail);
    run.submit(identify("u1", r#"{"x":1}"#), who("u1"));
    run.script([
        found(),
        (Op::ListDataAttributes, list(&full)),
        (Op::UpdateContact, undefined("x")),
    ]);
    assert_eq!(run.results(), ["failed undefined_attribute"]);
}

/// Stand-ins for Intercom do, and somebody may have created it in between.
#[test]
fn what_is_not_listed_and_yet_taken_is_sent() {
    let mut run = run(AttributePolicy::Fail);
    for attributes in [r#"{"x":1}"#, r#"{"x":null}"#, r#"{"y":1}"#] {
        run.submit(identify("u1", attributes), who("u1"));
    }
    run.script([
        found(),
        (Op::ListDataAttributes, list(&[])),
        (Op::UpdateContact, ok("{}")),
        found(),
        (Op::UpdateContact, ok("{}")),
        found(),
        (Op::UpdateContact, ok("{}")),
    ]);
    assert!(run.sent[4].body().contains(r#""x":null"#), "{}", run.sent[4].body());
    assert_eq!(run.results(), ["delivered"; 3]);
}

#[test]
fn without_a_list_responses_tell_what_is_undefined() {
    let mut run = run(AttributePolicy::Create);
    for attributes in [r#"{"x":1}"#, r#"{"x":2}"#] {
        run.submit(identify("u1", attributes), who("u1"));
    }
    run.script([
        found(),
        (Op::ListDataAttributes, error(403, "forbidden", "no")),
        (Op::UpdateContact, undefined("x")),
        (Op::CreateDataAttribute, ok("{}")),
        (Op::UpdateContact, ok("{}")),
        found(),
        (Op::UpdateContact, ok("{}")),
    ]);
    assert_eq!(run.results(), ["delivered"; 2]);
}

/// By somebody else, or by a call whose response was lost.
#[test]
fn an_attribute_that_exists_when_it_is_to_be_created_is_listed_again() {
    let mut run = run(AttributePolicy::Create);
    for attributes in [r#"{"x":1}"#, r#"{"y":1}"#] {
        run.submit(identify("u1", attributes), who("u1"));
    }
    run.script([
        found(),
        (Op::ListDataAttributes, list(&[])),
        (Op::CreateDataAttribute, error(400, "parameter_invalid", "there is one")),
        (Op::ListDataAttributes, list(&[("x", "integer")])),
        (Op::UpdateContact, ok("{}")),
        found(),
        (Op::CreateDataAttribute, error(400, "parameter_invalid", "too many")),
        (Op::ListDataAttributes, list(&[("x", "integer")])),
    ]);
    assert_eq!(run.results(), ["delivered", "failed undefined_attribute"]);
}

/// A list is as old as the question, not as the answer.
#[test]
fn what_is_created_while_a_list_is_read_is_there() {
    let mut settings = side_by_side();
    settings.attributes = AttributePolicy::Create;
    settings.list_attributes = true;
    let mut run = Run::new(settings);
    run.submit(identify("u1", r#"{"a":1,"b":1}"#), who("u1"));
    run.submit(identify("u2", r#"{"c":1}"#), who("u2"));
    let mut lists = 0;
    let after = |millis, (reply, _): Reply| (reply, Duration::from_millis(millis));
    run.run(|sent| match sent.call.operation {
        Op::SearchContacts => hits(&[&contact("c1", "u1"), &contact("c2", "u2")]),
        Op::ListDataAttributes => {
            lists += 1;
            match lists {
                1 => list(&[]),
                2 => list(&[("a", "integer")]),
                _ => after(300, list(&[("a", "integer"), ("c", "integer")])),
            }
        }
        // Somebody else has created two of them; the third is created while the last list is on its way.
        Op::CreateDataAttribute if sent.body().contains(r#""name":"b""#) => after(200, ok("{}")),
        Op::CreateDataAttribute => {
            let wait = if sent.body().contains(r#""name":"c""#) { 170 } else { 50 };
            after(wait, error(400, "parameter_invalid", "there is one"))
        }
        _ => ok("{}"),
    });
    assert_eq!((lists, count(&run, Op::CreateDataAttribute)), (3, 3));
    assert_eq!(run.results(), ["delivered"; 2]);
}
