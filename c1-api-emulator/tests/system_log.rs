//! The system log: every change writes an event.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

mod client;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use c1_api_emulator::Emulator;
use client::access::{Tenant, step};
use client::{Client, has, text};
use serde_json::{Value, json};

const EVENTS: &str = "/api/v1/systemlog/events";

/// A client, and the clock of its emulator in seconds.
async fn start() -> Option<(Client, Arc<AtomicU64>)> {
    if !has("system_log.list_events") {
        return None;
    }
    let seconds = Arc::new(AtomicU64::new(1_700_000_000));
    let own = Arc::clone(&seconds);
    let clock = move || SystemTime::UNIX_EPOCH + Duration::from_secs(own.load(Ordering::Relaxed));
    let emulator = Emulator::builder().clock(clock).start().await.unwrap();
    Some((Client::of(emulator), seconds))
}

async fn events(client: &Client, body: Value) -> Vec<Value> {
    let response = client.create(EVENTS, body).await;
    response["list"].as_array().unwrap().clone()
}

/// What was done to what, by which operation.
fn brief(event: &Value) -> String {
    let text = |pointer: &str| text(event.pointer(pointer).unwrap());
    format!(
        "{} {} {}",
        text("/api/operation"),
        text("/activity_name"),
        text("/resources/0/uid")
    )
}

#[tokio::test]
async fn changes_write_events_and_reads_do_not() {
    let Some((client, _)) = start().await else {
        return;
    };
    assert_eq!(events(&client, json!({})).await, Vec::<Value>::new());
    let app = client.app("Ledger Two").await;
    let path = format!("/api/v1/apps/{app}");
    let users = client.get("/api/v1/users").await.1["list"].clone();
    let owner = text(&users[1]["user"]["id"]);
    let update = json!({ "app": { "description": "x" }, "updateMask": "description" });
    client.create(&path, update).await;
    client
        .post(&path, json!({ "app": { "noSuchField": 1 } }))
        .await;
    client
        .create(&format!("{path}/owners/{owner}"), json!({}))
        .await;
    client.delete(&path).await;
    client.get(&path).await;
    let events = events(&client, json!({})).await;
    let briefs: Vec<_> = events.iter().map(brief).collect();
    let expected = [
        format!("apps.create Create {app}"),
        format!("apps.update Update {app}"),
        format!("app_owners.add Create {app}/owner/{owner}"),
        format!("apps.delete Delete {app}"),
        format!("apps.delete Delete {app}/owner/{owner}"),
    ];
    assert_eq!(briefs, expected);
    let first = &events[0];
    assert_eq!(first["time"], 1_700_000_000_000_u64);
    assert_eq!(first["type_uid"], 600_301);
    assert_eq!(first["resources"][0]["type"], "c1.api.app.v1.App");
    assert_eq!(first["resources"][0]["name"], "Ledger Two");
}

#[tokio::test]
async fn events_name_the_caller() {
    let Some((client, _)) = start().await else {
        return;
    };
    let users = client.get("/api/v1/users").await.1["list"].clone();
    let user = &users[2]["user"];
    let id = text(&user["id"]);
    let own = client.emulator.access_token_of(&id).unwrap();
    let url = format!("{}/api/v1/apps", client.emulator.base_url());
    let request = client.http.post(url).bearer_auth(&own);
    let request = request.json(&json!({ "displayName": "Mine" }));
    assert_eq!(Client::send(request).await.0, 200);
    let actor = events(&client, json!({})).await[0]["actor"].clone();
    assert_eq!(actor["user"]["uid"], json!(id));
    assert_eq!(actor["user"]["email_addr"], user["email"]);
    let shown = format!("{:?}", events(&client, json!({})).await);
    assert!(!shown.contains(&own), "no token in events");
}

#[tokio::test]
async fn what_the_tenant_does_on_its_own_has_no_user() {
    let Some(tenant) = Tenant::start().await else {
        return;
    };
    let task = tenant.request("Elin Faber", "Taxes Reader").await;
    let approve = json!({ "policyStepId": step(&task) });
    let (status, _) = tenant
        .act_as("Dario Egger", &task, "approve", approve)
        .await;
    assert_eq!(status, 200);
    for _ in 0..2 {
        tenant.task(&task).await;
    }
    let events = events(&tenant.client, json!({})).await;
    let of = |operation: &str| {
        let mut events = events.iter();
        events
            .find(|event| event["api"]["operation"] == operation)
            .unwrap_or_else(|| panic!("no {operation}"))["actor"]
            .clone()
    };
    let dario = json!(tenant.user("Dario Egger"));
    assert_eq!(of("task_actions.approve")["user"]["uid"], dario);
    assert_eq!(of("task.get")["user"], Value::Null);
    assert_eq!(of("task.get")["app_name"], "c1-api-emulator");
}

#[tokio::test]
async fn pages_can_be_resumed_and_sorted() {
    let Some((client, seconds)) = start().await else {
        return;
    };
    for at in 0..12 {
        seconds.fetch_add(1, Ordering::Relaxed);
        client.app(&format!("App {at}")).await;
    }
    let names = |list: &[Value]| -> Vec<String> {
        let names = list
            .iter()
            .map(|event| text(&event["resources"][0]["name"]));
        names.collect()
    };
    let page = client.create(EVENTS, json!({ "pageSize": 10 })).await;
    let first = page["list"].as_array().unwrap();
    assert_eq!(first.len(), 10);
    let token = text(&page["nextPageToken"]);
    let rest = json!({ "pageSize": 10, "pageToken": token });
    let page = client.create(EVENTS, rest.clone()).await;
    assert_eq!(
        names(page["list"].as_array().unwrap()),
        ["App 10", "App 11"]
    );
    assert_eq!(page["nextPageToken"], "");
    // The last token is good for what comes later, and so is the last event.
    client.app("App 12").await;
    assert_eq!(
        names(&events(&client, rest).await),
        ["App 10", "App 11", "App 12"]
    );
    let last = page["list"][1]["metadata"]["uid"].clone();
    let later = events(&client, json!({ "sinceEventUid": last })).await;
    assert_eq!(names(&later), ["App 12"]);
    let before = json!({ "untilEventUid": first[2]["metadata"]["uid"] });
    assert_eq!(names(&events(&client, before).await), ["App 0", "App 1"]);

    let down = json!({ "sortDirection": "SORT_DIRECTION_DESC", "pageSize": 10 });
    let page = client.create(EVENTS, down.clone()).await;
    assert_eq!(
        names(page["list"].as_array().unwrap())[..2],
        ["App 12", "App 11"]
    );
    let mut next = down;
    next["pageToken"] = page["nextPageToken"].clone();
    // What came in between does not shift the pages.
    client.app("App 13").await;
    assert_eq!(
        names(&events(&client, next).await),
        ["App 2", "App 1", "App 0"]
    );

    // From the start of a time to before another: the clock began at 1,700,000,000.
    let span = json!({ "since": "2023-11-14T22:13:23Z", "until": "2023-11-14T22:13:25Z" });
    assert_eq!(names(&events(&client, span).await), ["App 2", "App 3"]);
    let unknown = client
        .post(EVENTS, json!({ "sinceEventUid": "nosuch" }))
        .await;
    assert_eq!(unknown.0, 400);
    assert!(
        unknown.1.to_string().contains("sinceEventUid"),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn exports_have_the_events_since_they_were_created() {
    let Some((client, seconds)) = start().await else {
        return;
    };
    client.app("Before").await;
    seconds.fetch_add(1, Ordering::Relaxed);
    let export = json!({ "displayName": "Out" });
    let created = client.create("/api/v1/systemlog/exports", export).await;
    let id = text(&created["exporter"]["exportId"]);
    let path = format!("/api/v1/systemlog/exports/{id}/events");
    let list = client.create(&path, json!({})).await["list"].clone();
    assert_eq!(brief(&list[0]), format!("export.create Create {id}"));
    client.app("After").await;
    let list = client.create(&path, json!({})).await["list"].clone();
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert_eq!(list[1]["resources"][0]["name"], "After");
    let unknown = "/api/v1/systemlog/exports/nosuch/events";
    assert_eq!(client.post(unknown, json!({})).await.0, 404);
}

#[tokio::test]
async fn tokens_write_events_too() {
    let Some((client, _)) = start().await else {
        return;
    };
    let user = client.get("/api/v1/users").await.1["list"][2]["user"].clone();
    let token = client.emulator.access_token_of(&text(&user["id"])).unwrap();
    let url = client.emulator.base_url();
    let path = "/api/v1/iam/personal_clients";
    let create = client.http.post(format!("{url}{path}")).bearer_auth(token);
    let created = Client::send(create.json(&json!({}))).await.1;
    let id = text(&created["client"]["clientId"]);
    let mut form = vec![
        ("grant_type", "client_credentials".to_owned()),
        ("client_id", id.clone()),
        ("client_secret", "wrong".to_owned()),
    ];
    let before = events(&client, json!({})).await.len();
    for secret in ["wrong".to_owned(), text(&created["clientSecret"])] {
        form[2].1 = secret;
        let request = client.http.post(format!("{url}/auth/v1/token"));
        Client::send(request.form(&form)).await;
    }
    let events = events(&client, json!({})).await;
    assert_eq!(events.len(), before + 1, "only the one that was issued");
    let event = events.last().unwrap();
    assert_eq!(event["type_uid"], 300_201);
    assert_eq!(event["actor"]["app_uid"], json!(id));
    assert_eq!(event["user"]["uid"], user["id"]);
    let object = format!("{path}/{}", text(&created["client"]["id"]));
    let client = client.get(&object).await.1;
    assert_eq!(client["client"]["lastUsedAt"], "2023-11-14T22:13:20Z");
}
