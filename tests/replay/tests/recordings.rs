//! The recordings of tests/recordings against the emulator, and that a difference does not go unseen.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::{fs, io};

use c1_replay::bindings::{Bindings, is_placeholder};
use c1_replay::compare::Comparison;
use c1_replay::line::{Line, lines};
use c1_replay::replay::replay;
use serde_json::{Value as Json, json};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../recordings")
}

/// The recording of an emulator, by which the tests test themselves.
fn quickstart() -> Vec<Line> {
    lines(&fs::read_to_string(folder().join("quickstart.jsonl")).unwrap()).unwrap()
}

fn line<'a>(lines: &'a mut [Line], operation: &str) -> &'a mut Line {
    let mut lines = lines.iter_mut();
    lines.find(|line| line.operation == operation).unwrap()
}

#[tokio::test]
async fn the_emulator_differs_from_the_recordings_as_far_as_is_written_down() {
    let mut count = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_none_or(|extension| extension != "jsonl")
        {
            continue;
        }
        count += 1;
        let lines = lines(&fs::read_to_string(&path).unwrap()).unwrap();
        let report = replay(&lines).await.unwrap();
        assert!(report.compared > 0, "{}: {report}", path.display());
        let expected = match fs::read_to_string(path.with_extension("differences")) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => panic!("{}: {error}", path.display()),
        };
        let found = report.differences.iter().map(ToString::to_string);
        let expected: Vec<_> = expected.lines().map(str::to_owned).collect();
        assert_eq!(
            found.collect::<Vec<_>>(),
            expected,
            "{}: {report}",
            path.display()
        );
    }
    assert!(count > 0);
}

/// Changes a recording in one way, and gives what the replay then says.
async fn changed(change: impl FnOnce(&mut [Line])) -> Vec<String> {
    let mut lines = quickstart();
    change(&mut lines);
    let report = replay(&lines).await.unwrap();
    let found = report.differences.iter();
    let text = found.map(|difference| {
        let difference = difference.to_string();
        let (_, rest) = difference.split_once(", ").unwrap();
        rest.to_owned()
    });
    text.collect()
}

#[tokio::test]
async fn a_status_and_a_body_that_are_not_as_recorded_are_told() {
    let found = changed(|lines| line(lines, "apps.create").status = 201).await;
    // Without a new app, nothing that comes later can be compared.
    assert_eq!(
        found[0],
        "apps.create: status: recorded 201, the emulator has 200"
    );
    let found = changed(|lines| line(lines, "apps.list").response = None).await;
    assert_eq!(
        found[0],
        "apps.list: response: recorded no JSON, the emulator has JSON"
    );
}

#[tokio::test]
async fn a_value_that_is_not_what_was_sent_is_told() {
    let found = changed(|lines| {
        let line = line(lines, "apps.create");
        line.response.as_mut().unwrap()["app"]["description"] = "text-78".into();
        line.response.as_mut().unwrap()["app"]["displayName"] = "text-77".into();
    })
    .await;
    // Both texts are others than the one that was sent, and the emulator has that for the name and nothing for the description.
    assert_eq!(
        found[..2],
        [
            "apps.create: response.app.description: recorded text, the emulator has an empty text",
            "apps.create: response.app.displayName: recorded text-77, the emulator has another value than before",
        ]
    );
    let found = changed(|lines| {
        let line = line(lines, "apps.delete");
        line.parameters["id"] = "id-77".into();
    })
    .await;
    assert_eq!(
        found, [""; 0],
        "an object that no response has shown is no difference"
    );
}

#[tokio::test]
async fn two_objects_that_should_be_one_are_told() {
    let found = changed(|lines| {
        let line = line(lines, "app_entitlements.create");
        let view = &mut line.response.as_mut().unwrap()["appEntitlementView"];
        view["appEntitlement"]["id"] = "id-1".into();
    })
    .await;
    let expected = "app_entitlements.create: response.appEntitlementView.appEntitlement.id: recorded id-1, \
                    the emulator has another value than before";
    assert_eq!(found[0], expected);
}

#[tokio::test]
async fn the_end_of_a_list_that_is_not_where_it_was_is_told() {
    let found = changed(|lines| {
        // That of the app which was created: all elements are known.
        let mut lists = lines.iter_mut().rev();
        let list = lists.find(|line| line.operation == "app_entitlements.list");
        let response = list.unwrap().response.as_mut().unwrap();
        response["nextPageToken"] = "text-77".into();
        response["list"].as_array_mut().unwrap().pop();
    })
    .await;
    let expected = [
        "app_entitlements.list: response.list[]: recorded no such element, the emulator has an object",
        "app_entitlements.list: response.nextPageToken: recorded text, the emulator has an empty text",
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn of_objects_that_the_tenant_had_before_the_form_is_compared() {
    let found = changed(|lines| {
        let response = line(lines, "apps.list").response.as_mut().unwrap();
        response["nextPageToken"] = "text-77".into();
        let list = response["list"].as_array_mut().unwrap();
        let mut other = list[0].clone();
        other["id"] = "id-77".into();
        other["isDirectory"] = true.into();
        other["appOwners"] = json!([{ "id": "id-78" }]);
        other["deletedAt"] = "2026-01-02T03:04:05Z".into();
        list.insert(0, other);
    })
    .await;
    assert_eq!(found, [""; 0]);
    let found = changed(|lines| {
        let response = line(lines, "apps.list").response.as_mut().unwrap();
        response["list"][0]["isDirectory"] = "".into();
        response["list"][0]
            .as_object_mut()
            .unwrap()
            .remove("deletedAt");
    })
    .await;
    let expected = [
        "apps.list: response.list[].isDirectory: recorded an empty text, the emulator has false",
        "apps.list: response.list[].deletedAt: recorded nothing, the emulator has null",
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_sample_where_there_was_state_is_told() {
    let found = changed(|lines| {
        let headers = &mut line(lines, "apps.list").headers;
        headers.insert("c1-emulator".to_owned(), "sample".into());
    })
    .await;
    assert_eq!(
        found[0],
        "apps.list: response: recorded a sample, the emulator has state"
    );
}

/// The placeholders in a body.
fn placeholders(value: &Json) -> Vec<&str> {
    match value {
        Json::String(text) if is_placeholder(text) => vec![text],
        Json::Array(values) => values.iter().flat_map(placeholders).collect(),
        Json::Object(fields) => fields.values().flat_map(placeholders).collect(),
        _ => Vec::new(),
    }
}

/// Each way to change one value of a body, or to leave it out: the place, and the changed body.
fn changes(at: &str, value: &Json) -> Vec<(String, Json)> {
    let mut found = Vec::new();
    match value {
        Json::Object(fields) => {
            let mut more = fields.clone();
            more.insert("addedField".to_owned(), Json::Null);
            found.push((format!("{at}.addedField"), more.into()));
            for (name, inner) in fields {
                let place = format!("{at}.{name}");
                let mut fewer = fields.clone();
                fewer.remove(name);
                found.push((place.clone(), fewer.into()));
                for (place, changed) in changes(&place, inner) {
                    let mut fields = fields.clone();
                    fields[name] = changed;
                    found.push((place, fields.into()));
                }
            }
        }
        Json::Array(values) => {
            let mut more = values.clone();
            more.push(Json::Null);
            found.push((format!("{at}[]"), more.into()));
            for (index, inner) in values.iter().enumerate() {
                for (place, changed) in changes(&format!("{at}[]"), inner) {
                    let mut values = values.clone();
                    values[index] = changed;
                    found.push((place, values.into()));
                }
            }
        }
        Json::Null => found.extend([json!({}), json!(""), json!(0)].map(|to| (at.to_owned(), to))),
        Json::Bool(value) => found.push((at.to_owned(), (!value).into())),
        Json::Number(_) => found.extend([json!(77), json!("77")].map(|to| (at.to_owned(), to))),
        Json::String(text) => {
            found.push((at.to_owned(), Json::Null));
            let other = match &**text {
                "" => "text-77",
                text if is_placeholder(text) => "",
                // A time at another place of the zero line.
                text if text.contains('T') && text.ends_with('Z') => "0001-01-01T00:00:00Z",
                _ => "OTHER",
            };
            found.push((at.to_owned(), other.into()));
        }
    }
    found
}

#[test]
fn no_change_of_any_response_goes_unseen() {
    let mut count = 0;
    for line in quickstart() {
        let body = line.response.unwrap_or_default();
        // All objects are known, or only their form would be compared.
        let mut known = Bindings::default();
        let all = placeholders(&body);
        assert!(all.iter().all(|text| known.see(text, text)));
        let compare = |recorded: &Json| {
            let mut bindings = known.clone();
            let mut comparison = Comparison::new(&mut bindings);
            comparison.values("response", recorded, &body);
            comparison.finish()
        };
        assert_eq!(compare(&body), [], "{}", line.operation);
        for (at, changed) in changes("response", &body) {
            count += 1;
            let found = compare(&changed);
            // An element with another id is another element.
            let place = match at.rsplit_once("[].") {
                Some((list, name)) if name.rsplit('.').next() == Some("id") => format!("{list}[]"),
                _ => at.clone(),
            };
            let mut told = found.iter().map(|(place, ..)| place);
            let is_told = told.any(|told| *told == at || *told == place);
            assert!(is_told, "{}: {at}: {found:?}", line.operation);
        }
    }
    assert!(count > 1000, "{count}");
}

#[test]
fn a_line_that_is_none_is_refused_with_its_number() {
    for (text, message) in [
        ("\nx", "line 2: expected an object in JSON"),
        ("[]", "line 1: expected an object in JSON"),
        ("{}", "line 1: operation: expected text"),
        (
            "{\"operation\":\"a.b\",\"method\":1}",
            "line 1: method: expected text",
        ),
        (
            "{\"operation\":\"a.b\",\"method\":\"GET\",\"query\":[]}",
            "line 1: query: expected an object",
        ),
        (
            "{\"operation\":\"a.b\",\"method\":\"GET\",\"status\":\"200\"}",
            "line 1: status: expected an HTTP status",
        ),
    ] {
        let error = lines(text).unwrap_err().to_string();
        assert_eq!(error, message);
    }
}
