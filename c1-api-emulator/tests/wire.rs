//! What the emulator accepts by the rules of protobuf JSON, over loopback.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

mod client;

use client::{Client, text};
use reqwest::Method;
use serde_json::{Value, json};

const APPS: &str = "/api/v1/apps";

impl Client {
    /// The response to a POST with this text.
    async fn post_text(&self, path: &str, body: &str) -> (u16, Value) {
        let request = self.request(Method::POST, path);
        let request = request.header("content-type", "application/json");
        Self::send(request.body(body.to_owned())).await
    }
}

#[tokio::test]
async fn every_spelling_is_kept_and_returned_in_one() {
    let client = Client::start().await;
    let body = r#"{ "display_name": "a", "monthly_cost_usd": "5.0", "identityMatching": 0, "owners": null }"#;
    let (status, created) = client.post_text(APPS, body).await;
    assert_eq!(status, 200, "{created}");
    let id = text(&created["app"]["id"]);
    let (_, read) = client.get(&format!("{APPS}/{id}")).await;
    for app in [&created["app"], &read["app"]] {
        assert_eq!(app["displayName"], "a");
        assert_eq!(app["monthlyCostUsd"], json!(5));
        assert_eq!(
            app["identityMatching"],
            "APP_USER_IDENTITY_MATCHING_UNSPECIFIED"
        );
    }
    // Names are unique by whichever spelling.
    assert_eq!(
        client.post(APPS, json!({ "displayName": "a" })).await.0,
        409
    );
    // The log has what was sent.
    assert_eq!(
        client.emulator.requests()[0].body.as_ref().unwrap()["display_name"],
        "a"
    );
}

#[tokio::test]
async fn what_contradicts_itself_is_refused_by_its_name() {
    let client = Client::start().await;
    for (body, expected) in [
        (
            r#"{"displayName":"a","displayName":"b"}"#,
            "displayName: expected each key at most once",
        ),
        (
            r#"{"displayName":"a","appEntitlementOwnerRefs":[{"id":"x","id":"y"}]}"#,
            "appEntitlementOwnerRefs[0].id: expected each key at most once",
        ),
        (
            r#"{"displayName":"a","display_name":"a"}"#,
            "display_name: expected each field at most once, but displayName has two names here",
        ),
        (
            r#"{"displayName":"a","identityMatching":99}"#,
            "identityMatching: expected a name of the enum AppUserIdentityMatching, or the number 0",
        ),
        (
            r#"{"displayName":"a","monthlyCostUsd":1.5}"#,
            "monthlyCostUsd: expected a 32-bit integer",
        ),
        (
            r#"{"displayname":"a"}"#,
            "displayname: expected no field with this name",
        ),
        (r#"{"displayName":"a""#, "body: expected JSON"),
    ] {
        let (status, response) = client.post_text(APPS, body).await;
        assert_eq!((status, &response["code"]), (400, &json!(3)), "{body}");
        let message = text(&response["message"]);
        let message = message.split_once(" (request-id: ").unwrap().0;
        assert_eq!(message, expected);
    }
}

#[tokio::test]
async fn a_masked_field_that_is_not_set_is_cleared() {
    let client = Client::start().await;
    let app = json!({ "displayName": "a", "description": "b", "monthlyCostUsd": 5 });
    let id = text(&client.create(APPS, app).await["app"]["id"]);
    let path = format!("{APPS}/{id}");
    let update = async |app: Value, mask: &str| {
        client
            .post(&path, json!({ "app": app, "update_mask": mask }))
            .await
    };
    let (status, updated) = update(
        json!({ "monthly_cost_usd": null }),
        "description,monthlyCostUsd",
    )
    .await;
    assert_eq!(status, 200, "{updated}");
    let expected = [json!("a"), json!(""), json!(0)];
    let found = ["displayName", "description", "monthlyCostUsd"];
    assert_eq!(found.map(|name| updated["app"][name].clone()), expected);
    for mask in [
        "colour",
        "description,colour",
        "description.x",
        "display_name",
        ",",
    ] {
        let (status, response) = update(json!({ "displayName": "b" }), mask).await;
        assert_eq!(status, 400, "{mask}: {response}");
        assert!(text(&response["message"]).starts_with("updateMask: expected paths of fields"));
    }
    assert_eq!(client.get(&path).await.1["app"]["displayName"], "a");
}

#[tokio::test]
async fn every_error_has_a_request_id() {
    let client = Client::start().await;
    let mut ids = Vec::new();
    for (method, path, body) in [
        (Method::GET, "/nowhere", ""),
        (Method::PATCH, APPS, ""),
        (Method::GET, "/api/v1/apps/nosuch", ""),
        (Method::GET, "/auth/v1/token", ""),
        (Method::POST, APPS, "{"),
        (Method::GET, "/api/v1/apps?page_size=x", ""),
    ] {
        let request = client
            .request(method, path)
            .header("content-type", "application/json");
        let (status, response) = Client::send(request.body(body)).await;
        assert!((400..500).contains(&status), "{path}");
        let message = text(&response["message"]);
        let id = message.split_once(" (request-id: ").unwrap().1.to_owned();
        assert!(response["code"].is_i64() && response["details"].is_array());
        assert!(!ids.contains(&id), "{id}");
        ids.push(id);
    }
}
