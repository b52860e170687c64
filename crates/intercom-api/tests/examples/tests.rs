use super::*;

fn problems(operation: &str, method: &str, path: &str, status: Option<&str>, body: &str) -> Vec<String> {
    let example = Example {
        file: "example.json".into(),
        operation: operation.into(),
        tag: "Tests".into(),
        method: method.into(),
        path: path.into(),
        kind: if status.is_some() {
            Kind::Response
        } else {
            Kind::Request
        },
        status: status.map(str::to_owned),
    };
    check(&example, body.as_bytes(), &table::entries())
}

#[test]
fn what_comes_back_whole_is_well() {
    let path = "/contacts/{contact_id}/subscriptions";
    let request = r#"{"id":7,"consent_type":"opt_in"}"#;
    assert!(problems("attachSubscriptionTypeToContact", "POST", path, None, request).is_empty());
    let response = r#"{"id":"5f","deleted":true,"external_id":null,"type":"contact"}"#;
    assert!(problems("DeleteContact", "DELETE", "/contacts/{id}", Some("200"), response).is_empty());
    let error = r#"{"type":"error.list","request_id":null,"errors":[{"code":"not_found","field":null}]}"#;
    assert!(problems("ShowContact", "GET", "/contacts/{id}", Some("404"), error).is_empty());
}

#[test]
fn what_is_lost_or_unknown_is_told() {
    let request = r#"{"email":"ada@example.org","shoe_size":38,"custom_attributes":{}}"#;
    assert_eq!(
        problems("CreateContact", "POST", "/contacts", None, request),
        ["/custom_attributes: lost"]
    );
    let response = r#"{"id":"5f","deleted":"yes","by":"ada"}"#;
    assert_eq!(
        problems("DeleteContact", "DELETE", "/contacts/{id}", Some("200"), response),
        ["/deleted: unexpected type", "/by: unknown field"]
    );
    let error = r#"{"type":"error.list","errors":[{"code":"tired"}]}"#;
    assert_eq!(
        problems("ShowContact", "GET", "/contacts/{id}", Some("500"), error),
        ["/errors/0/code: unknown word"]
    );
}

#[test]
fn the_method_and_the_path_are_compared() {
    let response = r#"{"id":"5f"}"#;
    for (method, path) in [
        ("POST", "/contacts/{id}"),
        ("GET", "/contacts/{id}/x"),
        ("GET", "/contact/{id}"),
    ] {
        let found = problems("ShowContact", method, path, Some("200"), response);
        assert_eq!(found.len(), 1, "{found:?}");
    }
    assert_eq!(
        problems("sing", "GET", "/song", Some("200"), "{}"),
        ["no model of the operation sing"]
    );
}

#[test]
fn a_folder_is_checked_against_its_index() {
    let dir = std::env::temp_dir().join(format!("intercom-examples-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let index = r#"[{"file":"a.json","operation":"listTags","tag":"Tags","method":"GET","path":"/tags","kind":"response","status":"200"}]"#;
    std::fs::write(dir.join("index.json"), index).unwrap();
    std::fs::write(
        dir.join("a.json"),
        r#"{"type":"list","data":[{"id":"1","name":"vip"}]}"#,
    )
    .unwrap();
    let (report, is_well) = check_all(&dir).unwrap();
    assert!(is_well && report.contains("1 examples: 1 come back whole"), "{report}");
    std::fs::write(dir.join("b.json"), "{}").unwrap();
    let (report, is_well) = check_all(&dir).unwrap();
    assert!(
        !is_well && report.starts_with("b.json: is not in index.json"),
        "{report}"
    );
    std::fs::remove_dir_all(&dir).unwrap();
    assert!(check_all(&dir).is_err());
}

/// Adds a member that no version has yet to each object.
fn with_later_fields(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.iter_mut().for_each(|(_, inner)| with_later_fields(inner));
            object.insert("later", vec![Value::from(1), Value::Null, "x".into()]);
        }
        Value::Array(items) => items.iter_mut().for_each(with_later_fields),
        _ => {}
    }
}

#[test]
fn every_request_keeps_what_a_later_version_adds() {
    let mut requests = 0;
    for (id, entry) in table::entries().into_iter().chain([table::tag_companies()]) {
        let (Some(read), Some(sample)) = (&entry.request, &entry.sample) else {
            continue;
        };
        let mut body: Value = serde_json::from_str(sample).unwrap();
        with_later_fields(&mut body);
        let body = serde_json::to_string(&body).unwrap();
        let written = read(body.as_bytes()).unwrap_or_else(|problem| panic!("{id}: {problem}"));
        assert_eq!(differences(body.as_bytes(), written.as_bytes()), [""; 0], "{id}");
        requests += 1;
    }
    assert!(requests > 20, "{requests}");
}
