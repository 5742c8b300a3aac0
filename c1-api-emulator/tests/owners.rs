//! Owners: v1 and v2 of the API show and change the same ones.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

mod client;

use client::{Client, has, text};
use reqwest::Method;
use serde_json::{Value, json};

/// The paths of the owners of an app, an entitlement and a resource: in v1, of their ids in v1, and in v2.
async fn paths(client: &Client) -> Vec<[String; 3]> {
    let app = client.app("Orchard").await;
    let entitlement = client.entitlement(&app, "Pick").await;
    let root = format!("/api/v1/apps/{app}");
    let ty = json!({ "displayName": "Tree", "resourceType": "CUSTOM" });
    let types = format!("{root}/resource_types");
    let created = client.create(&types, ty).await;
    let ty = text(&created["appResourceType"]["id"]);
    let resources = format!("{types}/{ty}/resources");
    let created = client
        .create(&resources, json!({ "displayName": "Elm" }))
        .await;
    let resource = text(&created["appResource"]["id"]);
    let v2 = format!("/api/v2/apps/{app}");
    let paths = |v1: String, v2: String| [format!("{v1}/owners"), format!("{v1}/ownerids"), v2];
    vec![
        paths(root.clone(), format!("{v2}/owners")),
        paths(
            format!("{root}/entitlements/{entitlement}"),
            format!("{v2}/entitlements/{entitlement}/owners"),
        ),
        paths(
            format!("{types}/{ty}/resource/{resource}"),
            format!("{v2}/resource_types/{ty}/resources/{resource}/owners"),
        ),
    ]
}

#[tokio::test]
async fn what_one_version_writes_the_other_reads() {
    if !has("app_owners_v2.set") || !has("app_owners.set") || !has("app_resource_owners_v2.set") {
        return;
    }
    let client = Client::start().await;
    let users = client.get("/api/v1/users").await.1["list"].clone();
    let [ada, bo, cy] = [0, 1, 2].map(|at| text(&users[at]["user"]["id"]));
    for [v1, ids, v2] in paths(&client).await {
        let put = async |path: &str, body: Value| client.call(Method::PUT, path, body).await.0;
        let list = async |path: String, pointer: &str| {
            let (status, response) = client.get(&path).await;
            assert_eq!(status, 200, "{path}: {response}");
            let list = response["list"].as_array().unwrap().clone();
            let ids = list.iter().map(|row| text(row.pointer(pointer).unwrap()));
            ids.collect::<Vec<_>>()
        };
        let first = async || list(v1.clone(), "/id").await;
        let ids = async || client.get(&ids).await.1["userIds"].clone();
        let second = async || list(format!("{v2}/users"), "/user/id").await;

        assert_eq!(put(&v1, json!({ "userIds": [ada, bo] })).await, 200);
        assert_eq!(second().await, [ada.as_str(), &bo], "{v1}");
        let row = client.get(&format!("{v2}/users")).await.1["list"][0].clone();
        assert_eq!(row["roleSlug"], "owner");
        assert_ne!(row["createdAt"], Value::Null);

        // One with two roles is one owner of the first version.
        let keeper = format!("{v2}/users/keeper");
        for user in [&ada, &cy] {
            client.create(&format!("{keeper}/{user}"), json!({})).await;
        }
        assert_eq!(first().await, [ada.as_str(), &bo, &cy], "{v1}");
        assert_eq!(ids().await, json!([ada, bo, cy]));
        assert_eq!(second().await.len(), 4);

        // Removed by the first version, all roles go.
        let removed = if v1.contains("/resource/") {
            let body = json!({ "userId": cy });
            client.call(Method::DELETE, &v1, body).await.0
        } else {
            client.delete(&format!("{v1}/{cy}")).await
        };
        assert_eq!(removed, 200);
        assert_eq!(client.get(&format!("{keeper}/{cy}")).await.0, 404);
        let set = json!({ "roleSlug": "owner", "userRefs": [{ "id": cy }] });
        assert_eq!(put(&v2, set).await, 200);
        assert_eq!(first().await, [ada.as_str(), &cy], "another role stays");
        assert_eq!(put(&v1, json!({ "userIds": [] })).await, 200);
        assert_eq!(second().await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn owners_are_gone_with_their_app() {
    if !has("app_owners_v2.set") || !has("app_owners.add") {
        return;
    }
    let client = Client::start().await;
    let users = client.get("/api/v1/users").await.1["list"].clone();
    let app = client.app("Orchard").await;
    let owner = text(&users[0]["user"]["id"]);
    let add = format!("/api/v1/apps/{app}/owners/{owner}");
    client.create(&add, json!({})).await;
    client.delete(&format!("/api/v1/apps/{app}")).await;
    for list in ["v1/apps/{}/owners", "v2/apps/{}/owners/users"] {
        let list = format!("/api/{}", list.replace("{}", &app));
        assert_eq!(client.get(&list).await.0, 404, "{list}");
    }
}
