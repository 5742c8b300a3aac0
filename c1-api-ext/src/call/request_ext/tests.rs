//! What the options of a call and of a client change.

use c1_api::ErrorKind;
use c1_api::types::CreateAppRequest;

use crate::call::script::Step::{Silence, Status};
use crate::call::script::{Scene, ms, secs};
use crate::testing::{assert_debug_is_clean, assert_no_secret, client_id, shown};
use crate::{C1, C1Builder, ConfigError, RequestExt as _, RetryPolicy};

#[tokio::test]
async fn headers_go_with_every_attempt() {
    let scene = Scene::with([Status(200)], |builder| {
        let http = crate::http::client_builder(client_id().tenant()).expect("TLS");
        builder
            .http(http.user_agent("of the client").build().expect("a client"))
            .user_agent("my-tool/1.0 ")
            .header("X-Gateway", "canary-1")
            .header("x-gateway", "canary-2")
    });
    scene.c1.apps().get("2B").await.expect("a response");
    assert_eq!(
        scene.script.last_header("user-agent"),
        concat!("c1-api-ext/", env!("CARGO_PKG_VERSION"), " my-tool/1.0")
    );
    assert_eq!(scene.script.last_header("x-gateway"), "canary-2");
    assert_eq!(scene.script.last_header("authorization"), "Bearer canary");
    assert_debug_is_clean(scene.c1.options());

    let scene = Scene::new([Status(200)]);
    scene.c1.apps().get("2B").await.expect("a response");
    assert_eq!(
        scene.script.last_header("user-agent"),
        concat!("c1-api-ext/", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn headers_that_are_not_the_users_are_refused() {
    let refused = |settings: fn(C1Builder) -> C1Builder| {
        let builder = C1::builder().tenant("acme").access_token("canary");
        let error = settings(builder).build().expect_err("refused");
        assert!(matches!(error, ConfigError::Header(_)), "{error}");
        assert_no_secret(&shown(&error));
        error.to_string()
    };
    assert_eq!(
        refused(|builder| builder.header("Authorization", "canary")),
        "the header `authorization` cannot be set: the client sets it itself"
    );
    refused(|builder| builder.header("DPoP", "canary"));
    refused(|builder| builder.header("HOST", "canary"));
    refused(|builder| builder.header("User-Agent", "canary"));
    refused(|builder| builder.header("x canary", "x"));
    refused(|builder| builder.header("x-key", "canary\r\nhost: evil"));
    refused(|builder| builder.user_agent("canary\nx"));
}

#[tokio::test]
async fn options_of_one_call_leave_the_others_alone() {
    let scene = Scene::new([Status(200)]);
    let call = || scene.c1.apps().get("2B");
    call()
        .header("X-Ticket", "canary-1")
        .await
        .expect("a response");
    assert_eq!(scene.script.last_header("x-ticket"), "canary-1");
    call().await.expect("a response");
    assert_eq!(scene.script.last_header("x-ticket"), "");

    let before = scene.script.tries();
    let error = call().header("Authorization", "canary").await;
    let error = error.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert_eq!(
        error.message(),
        "the header `authorization` cannot be set: the client sets it itself"
    );
    assert_no_secret(&shown(&error));
    assert_eq!(scene.script.tries(), before, "nothing is sent");

    scene.script.go_on([Status(503)]);
    for (request, attempts) in [
        (call().retry(RetryPolicy::off()), 1),
        (call(), 4),
        (call().retry(RetryPolicy::new().attempts(2)), 2),
        // The second delay is 500 ms.
        (call().timeout(ms(400)), 2),
    ] {
        let error = request.await.expect_err("as scripted");
        assert_eq!(error.attempts(), attempts);
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_limit_of_one_call_ends_an_attempt_as_well() {
    let scene = Scene::new([Silence]);
    let began = tokio::time::Instant::now();
    let request = scene.c1.apps().get("2B").retry(RetryPolicy::off());
    let error = request.timeout(secs(7)).await.expect_err("no response");
    assert_eq!(
        (error.kind(), began.elapsed()),
        (ErrorKind::Timeout, secs(7))
    );
    assert!(error.may_have_been_sent());
}

#[tokio::test]
async fn a_write_is_retried_if_its_caller_says_that_it_is_idempotent() {
    let scene = Scene::new([Status(503)]);
    let create = || scene.c1.apps().create(CreateAppRequest::new("Wiki"));
    let error = create().await.expect_err("as scripted");
    assert_eq!(error.attempts(), 1);
    let error = create().idempotent().await.expect_err("as scripted");
    assert_eq!(error.attempts(), 4);
}
