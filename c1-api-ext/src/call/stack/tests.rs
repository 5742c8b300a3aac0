//! The layers together.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use c1_api::{BoxFuture, Call, Error, ErrorKind, Transport};
use futures_util::FutureExt as _;
use reqwest::{Method, Request, Response};
use serde_json::json;

use crate::auth::token_error::TokenError;
use crate::call::script::Step::Status;
use crate::call::script::{Scene, get, post, secs};
use crate::testing::{client_id, http, secret};
use crate::{AccessToken, C1, RetryPolicy, SignedAssertion, TokenEndpoint, TokenSource};

/// Notes its name, then lets the next one do it.
#[derive(Debug)]
struct Noting(&'static str, Arc<Mutex<Vec<String>>>, Box<dyn Transport>);

impl Transport for Noting {
    fn execute<'a>(
        &'a self,
        request: Request,
        call: &'a Call,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        let with_token = request.headers().contains_key("authorization");
        let note = format!("{} {with_token}", self.0);
        self.1.lock().expect("no panic").push(note);
        self.2.execute(request, call)
    }
}

#[tokio::test]
async fn layers_see_each_call_once_and_the_last_sees_it_first() {
    let notes = Arc::<Mutex<Vec<String>>>::default();
    let (one, two) = (notes.clone(), notes.clone());
    let scene = Scene::with([Status(503), Status(200)], |builder| {
        builder
            .layer(move |inner| Noting("one", one.clone(), inner))
            .layer(move |inner| Noting("two", two.clone(), inner))
    });
    scene.call(get()).await.expect("an answer");
    assert_eq!(*notes.lock().expect("no panic"), ["two false", "one false"]);
    let other = scene.c1.with_retry(RetryPolicy::off());
    other.apps().get("2B").await.expect("an answer");
    assert_eq!(notes.lock().expect("no panic").len(), 4);
}

#[test]
fn calls_can_move_between_threads() {
    fn sendable<T: Send>(_: T) {}
    let scene = Scene::new([Status(200)]);
    sendable(scene.call(get()));
}

#[tokio::test]
async fn a_request_outside_of_the_description_is_like_any_other() {
    let scene = Scene::new([Status(503), Status(200)]);
    let response = scene.c1.call(Method::GET, "/api/v9/new", None);
    let json = response.query("q", "a b").await.expect("a response");
    assert_eq!(json["code"], 2);
    assert_eq!(scene.script.tries(), 2);
    assert_eq!(scene.script.last_header("authorization"), "Bearer canary");
    let error = scene.c1.call(Method::GET, "/api/../x", None).await;
    assert_eq!(
        error.expect_err("refused").kind(),
        ErrorKind::InvalidRequest
    );
    scene.script.go_on([Status(404)]);
    let error = scene
        .c1
        .call(Method::DELETE, "/api/v9/new", json!({}))
        .await;
    let error = error.expect_err("as scripted");
    assert!(error.is_not_found());
    assert_eq!(error.request_id(), Some("r1"));
}

/// Sends each request twice, and returns the second result.
#[derive(Debug)]
struct Twice(Box<dyn Transport>);

impl Transport for Twice {
    fn execute<'a>(
        &'a self,
        request: Request,
        call: &'a Call,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        Box::pin(async move {
            let again = request.try_clone().expect("a body in memory");
            let _ = self.0.execute(request, call).await;
            self.0.execute(again, call).await
        })
    }
}

#[tokio::test]
async fn a_layer_that_repeats_gets_all_attempts_each_time() {
    let scene = Scene::with([Status(503)], |builder| builder.layer(Twice));
    let (error, attempts) = scene.fail(get()).await;
    assert_eq!((error.attempts(), attempts), (8, 8));
}

/// Another token each time.
struct Numbered(Arc<AtomicUsize>);

impl TokenSource for Numbered {
    fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move { Ok(AccessToken::new(format!("canary-{number}"))) })
    }
}

#[tokio::test]
async fn a_server_that_refuses_all_tokens_leads_to_few_token_requests() {
    let fetched = Arc::new(AtomicUsize::default());
    let scene = Scene::with([Status(401)], |builder| {
        builder.token_source(Numbered(fetched.clone()))
    });
    let mut attempts = 0;
    for call in 0..200 {
        let (error, sent) = scene.fail(post()).await;
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        let is_kept = error.message().contains("several times in a row");
        assert_eq!(is_kept, call >= 5, "{error}");
        attempts += sent;
    }
    assert_eq!((fetched.load(Ordering::Relaxed), attempts), (6, 205));
}

#[test]
fn outside_of_a_runtime_nothing_is_sent() {
    let scene = Scene::with([Status(200)], |builder| {
        builder.retry(RetryPolicy::new().deadline(secs(60)))
    });
    for operation in [get(), post()] {
        let result = scene.call(operation).now_or_never().expect("no waiting");
        let error = result.expect_err("refused");
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::NoRuntime, 0));
        assert!(!error.may_have_been_sent());
    }
    assert_eq!(scene.script.tries(), 0);
    assert!(scene.clock.delays().is_empty());

    // Over the HTTP client, with a token still to be requested.
    let c1 = C1::builder().client_credentials(client_id(), secret());
    let c1 = c1.build().expect("a client");
    let call = c1.apps().list().into_future().now_or_never();
    let error = call.expect("no waiting").expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::NoRuntime);

    // A token source by itself.
    let endpoint = TokenEndpoint::new(http(), client_id().tenant());
    let source = SignedAssertion::new(endpoint, client_id(), secret());
    let error = source.fetch().now_or_never().expect("no waiting");
    let error = error.expect_err("refused");
    match TokenError::of(&error) {
        Some(error @ TokenError::Unreachable(inner)) => {
            assert_eq!(inner.kind(), ErrorKind::NoRuntime);
            assert!(!error.is_retryable());
        }
        other => panic!("{other:?}"),
    }
}
