//! Eventual consistency, over loopback and with a clock of the test.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

mod client;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use c1_api_emulator::{Builder, Emulator};
use client::access::{Tenant, grant_outcome};
use client::{Client, has, text};
use reqwest::Method;
use serde_json::{Value, json};

const APPS: &str = "/api/v1/apps";
const DELAY: u64 = 60;

/// A tenant whose lists are late, and its time in seconds.
async fn start() -> (Client, Arc<AtomicU64>) {
    let seconds = Arc::new(AtomicU64::new(1_800_000_000));
    let clock = Arc::clone(&seconds);
    let clock = move || SystemTime::UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::Relaxed));
    let builder = Emulator::builder().clock(clock);
    let builder = builder.consistency_delay(Duration::from_secs(DELAY));
    (Client::of(builder.start().await.unwrap()), seconds)
}

impl Client {
    /// The fields of the listed apps.
    async fn listed(&self, field: &str) -> Vec<String> {
        let (status, page) = self.get(APPS).await;
        assert_eq!((status, &page["nextPageToken"]), (200, &json!("")));
        let apps = page["list"].as_array().unwrap();
        apps.iter().map(|app| text(&app[field])).collect()
    }
}

#[tokio::test]
async fn lists_show_each_kind_of_change_after_the_delay() {
    let (client, seconds) = start().await;
    let pass = |time| seconds.fetch_add(time, Ordering::Relaxed);
    let seeded = client.listed("displayName").await;
    assert!(!seeded.is_empty(), "seed data is listed at once");
    let with = |name: &str| {
        let mut names = seeded.clone();
        names.push(name.to_owned());
        names
    };

    let id = client.app("a").await;
    let path = format!("{APPS}/{id}");
    assert_eq!(client.listed("displayName").await, seeded);
    // What is read by its id is up to date, and so are the rules.
    assert_eq!(client.get(&path).await.0, 200);
    assert_eq!(
        client.post(APPS, json!({ "displayName": "a" })).await.0,
        409
    );
    client.entitlement(&id, "e").await;
    pass(DELAY - 1);
    assert_eq!(client.listed("displayName").await, seeded);
    pass(1);
    assert_eq!(client.listed("displayName").await, with("a"));

    let update =
        |name: &str| json!({ "app": { "displayName": name }, "updateMask": "displayName" });
    for name in ["b", "c"] {
        let (_, updated) = client.post(&path, update(name)).await;
        assert_eq!(
            updated["app"]["displayName"], name,
            "the response is up to date"
        );
        assert_eq!(client.listed("displayName").await, with("a"));
        pass(DELAY / 2);
    }
    // A minute after the first change, half of one after the second.
    assert_eq!(client.listed("displayName").await, with("b"));
    pass(DELAY / 2);
    assert_eq!(client.listed("displayName").await, with("c"));

    assert_eq!(client.delete(&path).await, 200);
    assert_eq!(client.get(&path).await.0, 404);
    assert_eq!(client.listed("displayName").await, with("c"));
    pass(DELAY);
    assert_eq!(client.listed("displayName").await, seeded);
}

#[tokio::test]
async fn owners_are_late_as_a_list_and_as_ids() {
    let (client, seconds) = start().await;
    let (_, users) = client.get("/api/v1/users?page_size=10").await;
    let user = text(&users["list"][0]["user"]["id"]);
    let app = text(&client.get(APPS).await.1["list"][0]["id"]);
    let owners = async || {
        let ids = client.get(&format!("{APPS}/{app}/ownerids")).await.1;
        let list = client.get(&format!("{APPS}/{app}/owners")).await.1;
        let ids = ids["userIds"].as_array().map_or(0, Vec::len);
        (ids, list["list"].as_array().map_or(0, Vec::len))
    };
    let before = owners().await;
    let path = format!("{APPS}/{app}/owners");
    let (status, body) = client
        .call(Method::PUT, &path, json!({ "userIds": [user] }))
        .await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(owners().await, before);
    seconds.fetch_add(DELAY, Ordering::Relaxed);
    assert_eq!(owners().await, (1, 1));
}

#[tokio::test]
async fn a_grant_is_late_and_its_task_is_not() {
    let delayed = |builder: Builder| builder.consistency_delay(Duration::from_secs(DELAY));
    let Some(tenant) = Tenant::with(delayed).await else {
        return;
    };
    let granted = || tenant.granted("Elin Faber");
    let before = granted().await;
    let elin = tenant.user("Elin Faber");
    let count = async || {
        let body = json!({ "userId": elin });
        let counts = tenant.client.create("/api/v1/search/graph/counts", body);
        text(&counts.await["totalGrants"])
    };
    let task = tenant.request("Elin Faber", "Taxes Reader").await;
    assert_eq!(tenant.act(&task, "approve", json!({})).await.0, 200);
    assert_eq!(tenant.act(&task, "process", json!({})).await.0, 200);
    let closed = tenant.task(&task).await;
    assert_eq!(grant_outcome(&closed), "GRANT_OUTCOME_GRANTED");
    assert_eq!(granted().await, before);
    let account = text(&closed["type"]["grant"]["appUserId"]);
    let of_account = format!("{APPS}/{}/entitlements/users/{account}", tenant.ledger);
    let entitlements = async || {
        let found = tenant.client.get(&of_account).await.1;
        found["list"].as_array().unwrap().len()
    };
    assert_eq!((count().await.as_str(), entitlements().await), ("3", 3));
    for sort in [
        json!({}),
        json!({ "sortBy": "TASK_SEARCH_SORT_BY_CREATED_AT" }),
    ] {
        assert_eq!(tenant.search(sort).await, Vec::<String>::new());
    }
    tenant.pass(DELAY);
    assert!(granted().await.contains(&"Taxes Reader".to_owned()));
    assert_eq!((count().await.as_str(), entitlements().await), ("4", 4));
    assert_eq!(tenant.search(json!({})).await, [text(&task["id"])]);
}

#[tokio::test]
async fn an_owner_of_two_roles_is_listed_once_until_the_removal_shows() {
    if !has("app_owners_v2.set") || !has("app_owners.add") {
        return;
    }
    let (client, seconds) = start().await;
    let users = client.get("/api/v1/users").await.1["list"].clone();
    let owner = text(&users[0]["user"]["id"]);
    let app = client.app("Orchard").await;
    let owners = format!("{APPS}/{app}/owners");
    client.create(&format!("{owners}/{owner}"), json!({})).await;
    let keeper = format!("/api/v2/apps/{app}/owners/users/keeper/{owner}");
    client.create(&keeper, json!({})).await;
    seconds.fetch_add(DELAY, Ordering::Relaxed);
    let listed = async || {
        let found = client.get(&owners).await.1;
        found["list"].as_array().unwrap().len()
    };
    assert_eq!(listed().await, 1);
    assert_eq!(client.delete(&format!("{owners}/{owner}")).await, 200);
    assert_eq!(listed().await, 1);
    seconds.fetch_add(DELAY, Ordering::Relaxed);
    assert_eq!(listed().await, 0);
}

#[tokio::test]
async fn what_a_test_adds_is_listed_at_once() {
    let (client, _) = start().await;
    let before = client.listed("id").await.len();
    client.app("late").await;
    let app: Value = json!({ "displayName": "added" });
    client.emulator.add("App", app).unwrap();
    assert_eq!(client.listed("id").await.len(), before + 1);
}

#[tokio::test]
async fn pages_do_not_shift_when_changes_show() {
    let (client, seconds) = start().await;
    let mut ids = Vec::new();
    for at in 0..25 {
        ids.push(client.app(&at.to_string()).await);
    }
    seconds.fetch_add(DELAY, Ordering::Relaxed);
    client.delete(&format!("{APPS}/{}", ids[0])).await;
    let first = client.get(&format!("{APPS}?page_size=10")).await.1;
    assert_eq!(first["list"].as_array().unwrap().len(), 10);
    seconds.fetch_add(DELAY, Ordering::Relaxed);
    let mut found = Vec::new();
    let mut page = first;
    loop {
        found.extend(
            page["list"]
                .as_array()
                .unwrap()
                .iter()
                .map(|app| text(&app["id"])),
        );
        let token = text(&page["nextPageToken"]);
        if token.is_empty() {
            break;
        }
        page = client
            .get(&format!("{APPS}?page_size=10&page_token={token}"))
            .await
            .1;
    }
    // The seed data has three.
    assert_eq!(found[3..], ids);
}
