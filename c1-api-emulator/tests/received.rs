//! Assertions on recorded requests.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

mod client;

use std::panic::{AssertUnwindSafe, catch_unwind};

use c1_api_emulator::{Emulator, Received};
use client::Client;
use reqwest::Method;
use serde_json::json;

const APPS: &str = "/api/v1/apps";

/// The message with which it panics.
fn message(assert: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(assert)).unwrap_err();
    *panic.downcast::<String>().unwrap()
}

#[tokio::test]
async fn requests_are_counted_by_what_they_have() {
    let client = Client::start().await;
    client.app("a").await;
    client.app("b").await;
    client.get("/api/v1/apps/x?").await;
    let path = format!("{APPS}?page_size=10");
    let list = client.request(Method::GET, &path).header("X-Trace", "t1");
    Client::send(list).await;

    let received = |operation| client.emulator.received(operation);
    let create = || received("apps.create");
    create().assert_times(2);
    create().assert_at_least(1);
    received("apps.*").assert_times(4);
    received("apps.delete").assert_never();
    let once = create().with_json(json!({ "displayName": "a" }));
    assert_eq!(once.assert_once().body, Some(json!({ "displayName": "a" })));
    create()
        .with_body(json!({ "displayName": "b" }))
        .assert_once();
    create().with_json(json!({})).assert_times(2);
    create().with_body(json!({})).assert_never();
    received("apps.get").with_path("id", "x").assert_once();
    received("apps.get").with_path("id", "y").assert_never();
    let list = || received("apps.list");
    list()
        .with_query("page_size", "10")
        .with_header("x-trace", "t1")
        .assert_once();
    list()
        .with_query("page_size", "10")
        .with_header("x-trace", "t2")
        .assert_never();
    assert_eq!(list().count(), 1);
    assert_eq!(list().requests().next().unwrap().operation, "apps.list");

    client.emulator.clear_requests();
    received("*").assert_never();
    assert_eq!(client.emulator.requests(), []);
}

#[tokio::test]
async fn a_failure_shows_what_was_received_instead() {
    let client = Client::start().await;
    client.app("a").await;
    let create = || client.emulator.received("apps.create");
    let failure = message(|| {
        create()
            .with_json(json!({ "displayName": "b" }))
            .with_query("x", "y")
            .assert_once();
    });
    assert_eq!(
        failure,
        "requests to apps.create with JSON {\"displayName\":\"b\"} and x=y in the query: expected 1, received 0. Of all 1 to \
         the operation, the last are:\n  apps.create: POST /api/v1/apps {\"displayName\":\"a\"}"
    );
    for (failure, expected) in [
        (
            message(|| create().assert_never()),
            "expected 0, received 1.",
        ),
        (
            message(|| create().assert_at_least(2)),
            "expected 2 or more, received 1.",
        ),
        (
            message(|| create().assert_times(3)),
            "expected 3, received 1.",
        ),
    ] {
        assert!(
            failure.starts_with(&format!("requests to apps.create: {expected}")),
            "{failure}"
        );
    }
    let mistyped = client.emulator.received("apps.creat");
    assert_eq!(
        message(|| mistyped.assert_never()),
        "no operation has the id apps.creat"
    );
}

#[tokio::test]
async fn a_failure_shows_no_secrets() {
    let client = Client::start().await;
    let body = json!({ "displayName": "a", "annotations": { "client_secret": "canary" } });
    client.create(APPS, body).await;
    client.get(&format!("{APPS}?access_token=canary")).await;
    for operation in ["apps.create", "apps.list"] {
        let received = || client.emulator.received(operation);
        let failure = message(|| received().assert_never());
        assert!(
            failure.contains("[redacted]") && !failure.contains("canary"),
            "{failure}"
        );
        let expected = json!({ "password": "canary" });
        let failure = message(|| received().with_json(expected).assert_times(9));
        assert!(!failure.contains("canary"), "{failure}");
    }
}

#[tokio::test]
async fn no_number_is_asserted_of_requests_that_were_dropped() {
    let emulator = Emulator::builder().log_bytes(0).start().await.unwrap();
    let client = Client::of(emulator);
    client.get(APPS).await;
    let received: Received = client.emulator.received("apps.list");
    assert!(message(|| received.assert_never()).contains("1 requests are no longer known"));
}
