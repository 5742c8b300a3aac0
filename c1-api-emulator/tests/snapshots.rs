//! Snapshots: the state as JSON and back.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

use c1_api_emulator::{Emulator, Error};
use reqwest::Client;
use serde_json::{Value, json};

async fn get(emulator: &Emulator, path: &str) -> Value {
    send(emulator, "GET", path, None).await
}

async fn send(emulator: &Emulator, method: &str, path: &str, body: Option<Value>) -> Value {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url = format!("{}{path}", emulator.base_url());
    let mut request = Client::new()
        .request(method.parse().unwrap(), url)
        .bearer_auth(emulator.access_token().unwrap());
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200, "{method} {path}");
    response.json().await.unwrap()
}

async fn refused(snapshot: Value) -> String {
    match Emulator::builder().snapshot(snapshot).start().await {
        Err(error @ Error::Snapshot { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_tenant_goes_on_where_its_snapshot_was_taken() {
    let first = Emulator::builder().seed(7).start().await.unwrap();
    let app = &get(&first, "/api/v1/apps").await["list"][1];
    let entitlements = format!("/api/v1/apps/{}/entitlements", app["id"].as_str().unwrap());
    let page = get(&first, &format!("{entitlements}?page_size=10")).await;
    let next = format!(
        "{entitlements}?page_size=10&page_token={}",
        page["nextPageToken"].as_str().unwrap()
    );
    let client = send(
        &first,
        "POST",
        "/api/v1/iam/personal_clients",
        Some(json!({ "displayName": "x" })),
    )
    .await;

    let snapshot = first.snapshot();
    let text = snapshot.to_string();
    for secret in [
        first.client_secret(),
        client["clientSecret"].as_str().unwrap(),
        &first.access_token().unwrap(),
    ] {
        assert!(secret.len() > 20 && !text.contains(secret));
    }
    let second = Emulator::builder()
        .snapshot(snapshot)
        .start()
        .await
        .unwrap();
    assert_eq!(second.snapshot().to_string(), text);
    assert_eq!(get(&first, &next).await, get(&second, &next).await);
    let body = Some(json!({ "displayName": "New" }));
    let [one, other] =
        [&first, &second].map(|emulator| send(emulator, "POST", "/api/v1/apps", body.clone()));
    let (one, other) = (one.await, other.await);
    assert_eq!(one["app"]["id"], other["app"]["id"]);
    assert_ne!(one["app"]["id"], "");
}

#[tokio::test]
async fn what_is_wrong_with_a_snapshot_is_said() {
    let snapshot = Emulator::start().await.unwrap().snapshot();
    let changed = |path: &str, value: Value| {
        let mut changed = snapshot.clone();
        *changed.pointer_mut(path).unwrap() = value;
        changed
    };
    let (id, app) = snapshot["tables"]["App"]["rows"]
        .as_object()
        .unwrap()
        .iter()
        .next()
        .unwrap();
    let row = format!("/tables/App/rows/{id}");
    let mut colored = app.clone();
    colored["color"] = json!("red");
    let mut named = app.clone();
    named["displayName"] = json!(1);
    let mut kinds = snapshot["tables"].clone();
    kinds["Spaceship"] = json!({ "next": 1, "rows": {} });
    for (snapshot, expected) in [
        (json!([]), "format: expected 1"),
        (changed("/format", json!(2)), "format: expected 1"),
        (changed("/ids", json!(1)), "ids: expected"),
        (changed("/tables", json!([])), "tables: expected an object"),
        (
            changed("/tables", kinds.clone()),
            "Spaceship: expected a kind",
        ),
        (
            changed("/tables/App/next", json!(1)),
            "App 1: expected a position",
        ),
        (
            changed("/tables/App/next", json!("x")),
            "App.next: expected a number",
        ),
        (changed(&row, json!(1)), "App 1: expected an object"),
        (changed(&row, colored), "App 1: color"),
        (changed(&row, named), "App 1: displayName"),
        (
            changed(&row, snapshot["tables"]["App"]["rows"]["2"].clone()),
            "App 2: expected an object of its own",
        ),
    ] {
        let error = refused(snapshot).await;
        assert!(error.contains(expected), "{error} instead of {expected}");
        assert!(!error.contains("another API description"), "{error}");
    }
    let mut foreign = changed("/tables", kinds);
    foreign["description"] = json!("0");
    assert!(refused(foreign).await.contains("another API description"));
}
