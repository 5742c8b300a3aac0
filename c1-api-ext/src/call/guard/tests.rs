//! What clients that do not write send.

use c1_api::ErrorKind;
use c1_api::types::{CreateAppRequest, SearchAppsRequest};
use reqwest::Method;
use serde_json::json;

use crate::call::script::Scene;
use crate::call::script::Step::Status;
use crate::testing::{assert_no_secret, shown};
use crate::{RetryPolicy, UnsentRequest};

#[tokio::test]
async fn a_read_only_client_sends_reads_only() {
    let scene = Scene::new([Status(200)]);
    let c1 = scene.c1.read_only();
    c1.apps().list().await.expect("a response");
    let safe_post = c1.app_search().search(SearchAppsRequest::new());
    safe_post.await.expect("a response");
    assert_eq!(scene.script.tries(), 2);
    // Neither a dry run nor another policy brings writes back.
    for c1 in [
        c1.clone(),
        c1.with_retry(RetryPolicy::new()),
        c1.dry_run().read_only(),
        scene.c1.dry_run().read_only(),
    ] {
        for error in [
            c1.apps().delete("2B").await.err(),
            c1.apps().create(CreateAppRequest::new("Wiki")).await.err(),
            c1.call(Method::POST, "/api/v1/apps", None).await.err(),
        ] {
            let error = error.expect("refused");
            assert_eq!(error.kind(), ErrorKind::NotSent);
            assert!(!error.may_have_been_sent());
            assert!(error.message().ends_with("the client is read-only"));
        }
    }
    assert_eq!(scene.script.tries(), 2);
    scene.c1.apps().delete("2B").await.expect("a response");
}

#[tokio::test]
async fn a_dry_run_returns_what_it_would_have_sent() {
    let scene = Scene::new([Status(200)]);
    let c1 = scene.c1.dry_run();
    c1.apps().get("2B").await.expect("a response");
    let request = c1.apps().create(CreateAppRequest::new("Wiki"));
    let error = request.await.expect_err("not sent");
    let unsent = UnsentRequest::of(&error).expect("the request");
    assert_eq!((&*unsent.method, &*unsent.path), ("POST", "/api/v1/apps"));
    assert_eq!(unsent.body, Some(json!({"displayName": "Wiki"})));

    let body = json!({"a": [{"clientSecret": "canary", "name": "x"}]});
    let request = c1.call(Method::PATCH, "/api/v1/x?dry=1", body);
    let error = request.await.expect_err("not sent");
    assert_no_secret(&shown(&error));
    let unsent = UnsentRequest::of(&error).expect("the request");
    assert_eq!(
        unsent.to_string(),
        r#"PATCH /api/v1/x?dry=1 {"a":[{"clientSecret":"[redacted]","name":"x"}]}"#
    );
    assert_eq!(scene.script.tries(), 1);
}
