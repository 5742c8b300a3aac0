//! What one attempt makes of a response.

use std::error::Error as StdError;
use std::time::Duration;

use c1_api::{BoxFuture, Call, Error, ErrorKind, MaxBytes};

use crate::call::script::Step::{BreaksOff, Fail, Long, NoToken, Silence, Stalls, Status, With};
use crate::call::script::{Scene, Step, get, ms, post, secs, send, send_as};
use crate::testing::TokioClock;
use crate::{AccessToken, C1, RetryPolicy, TokenError, TokenSource};

#[tokio::test]
async fn every_failure_has_its_kind() {
    for (step, kind) in [
        (Status(302), ErrorKind::Redirect),
        (Status(400), ErrorKind::Status),
        (Status(401), ErrorKind::Unauthenticated),
        (Status(403), ErrorKind::PermissionDenied),
        (Status(404), ErrorKind::NotFound),
        (Status(408), ErrorKind::RequestTimeout),
        (Status(409), ErrorKind::Conflict),
        (Status(429), ErrorKind::RateLimited),
        (Status(503), ErrorKind::Server),
        (BreaksOff, ErrorKind::Transport),
        (Long(101), ErrorKind::TooLarge),
        (Fail(ErrorKind::Connect), ErrorKind::Connect),
        (NoToken { later: true }, ErrorKind::Auth),
    ] {
        let scene = Scene::with([step], |builder| {
            builder.retry(RetryPolicy::off()).max_response_bytes(100)
        });
        let (error, tries) = scene.fail(get()).await;
        assert_eq!((error.kind(), tries), (kind, 1));
        if matches!(error.status(), Some(status) if !status.is_success()) {
            assert_eq!(error.request_id(), Some("r1"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_has_five_minutes() {
    for (operation, tries) in [(post(), 1), (get(), 4)] {
        let scene = Scene::with([Silence], |builder| builder.clock(TokioClock::new()));
        let (error, made) = scene.fail(operation).await;
        assert_eq!((error.kind(), made), (ErrorKind::Timeout, tries));
        let delays = if tries == 1 { 0 } else { 250 + 500 + 1000 };
        let tries = u64::try_from(tries).expect("few");
        assert_eq!(error.elapsed(), Some(ms(tries * 300_000 + delays)));
        assert!(error.may_have_been_sent());
    }
}

#[tokio::test]
async fn the_size_of_answers_is_limited() {
    let limited = |steps: [Step; 1]| Scene::with(steps, |builder| builder.max_response_bytes(1000));
    let answer = limited([Long(1000)]).call(get()).await.expect("an answer");
    assert_eq!(answer.bytes().await.expect("a body").len(), 1000);
    let (error, tries) = limited([Long(1001)]).fail(get()).await;
    assert_eq!((error.kind(), tries), (ErrorKind::TooLarge, 1));
    assert_eq!(error.status().map(|status| status.as_u16()), Some(200));
    assert!(error.may_have_been_sent());
    // Of a refusal, the status is worth more.
    let scene = Scene::with([Status(404)], |builder| builder.max_response_bytes(3));
    let (error, _) = scene.fail(get()).await;
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(
        error.message(),
        "the server responded 404 Not Found with application/json"
    );
}

#[tokio::test]
async fn an_answer_is_handed_on_as_it_came() {
    let scene = Scene::new([With(206, "x-kept", "yes")]);
    let answer = scene.call(get()).await.expect("an answer");
    assert_eq!(answer.status(), 206);
    assert_eq!(answer.headers()["x-kept"], "yes");
    assert_eq!(answer.headers()["content-type"], "application/json");
    let body = answer.text().await.expect("a body");
    assert!(body.starts_with("{\"code\""), "{body}");
}

#[cfg(feature = "gzip")]
#[tokio::test]
async fn the_limit_counts_what_is_decompressed() {
    use base64::Engine as _;

    let server = httpmock::MockServer::start_async().await;
    let packed = base64::engine::general_purpose::STANDARD
        .decode(ZEROS)
        .expect("base64");
    server
        .mock_async(|when, then| {
            when.header_exists("accept-encoding");
            then.status(200)
                .header("content-type", "application/json")
                .header("content-encoding", "gzip")
                .body(&packed);
        })
        .await;
    for (limit, fits) in [(100_000, true), (99_999, false)] {
        let c1 = C1::builder()
            .tenant(server.base_url())
            .access_token("canary")
            .max_response_bytes(limit)
            .build()
            .expect("a client");
        let mut request = Scene::request(get());
        *request.url_mut() = server.url("/").parse().expect("a URL");
        let answer = send(&c1, request, get()).await;
        match answer {
            Ok(answer) => {
                assert!(fits);
                assert_eq!(answer.bytes().await.expect("a body").len(), 100_000);
            }
            Err(error) => {
                assert!(!fits, "{error}");
                assert_eq!(error.kind(), ErrorKind::TooLarge);
            }
        }
    }
}

/// 100,000 zeros by gzip.
#[cfg(feature = "gzip")]
const ZEROS: &str = "H4sIAAAAAAACA+3BMQEAAADCoPVPbQ0PoAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIBXA32VEdSghgEA";

#[tokio::test(start_paused = true)]
async fn a_status_is_kept_when_its_body_stalls() {
    let scene = Scene::new([Stalls(409)]);
    let (error, attempts) = scene.fail(get()).await;
    assert_eq!((error.kind(), attempts), (ErrorKind::Conflict, 1));
    let scene = Scene::with([Stalls(200)], |builder| builder.retry(RetryPolicy::off()));
    let (error, _) = scene.fail(get()).await;
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.may_have_been_sent());
}

/// A scene of one response, whose body the caller reads.
async fn streamed(step: Step) -> reqwest::Response {
    let scene = Scene::with([step], |builder| {
        builder.max_response_bytes(100).retry(RetryPolicy::off())
    });
    let call = Call::streamed(get(), scene.c1.options().clone());
    let answer = send_as(&scene.c1, Scene::request(get()), call).await;
    answer.expect("an answer")
}

#[tokio::test]
async fn a_body_that_the_caller_reads_is_not_read_first() {
    let answer = streamed(Long(101)).await;
    assert_eq!(answer.extensions().get(), Some(&MaxBytes(100)));
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(answer.bytes().await.expect("a body").len(), 101);
}

#[tokio::test(start_paused = true)]
async fn each_part_of_such_a_body_has_the_time_of_an_attempt() {
    let mut answer = streamed(Stalls(200)).await;
    assert_eq!(answer.status(), 200);
    let error = answer.chunk().await.expect_err("never ends");
    let mut source = StdError::source(&error);
    let ours = std::iter::from_fn(|| {
        let error = source?;
        source = error.source();
        Some(error)
    });
    let ours: Vec<_> = ours
        .filter_map(|error| error.downcast_ref::<Error>())
        .collect();
    assert_eq!(ours[0].kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn a_refusal_is_an_error_whoever_reads_the_body() {
    let scene = Scene::with([Status(404)], |builder| builder);
    let call = Call::streamed(get(), scene.c1.options().clone());
    let error = send_as(&scene.c1, Scene::request(get()), call).await;
    assert_eq!(error.expect_err("a refusal").kind(), ErrorKind::NotFound);
}

/// A source that never has a token.
#[derive(Debug)]
struct NoSource;

impl TokenSource for NoSource {
    fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_while_waiting_for_a_token_sent_nothing() {
    for policy in [
        RetryPolicy::off(),
        RetryPolicy::off().deadline(secs(1)),
        RetryPolicy::off().attempt_timeout(secs(1)),
    ] {
        let scene = Scene::with([Status(200)], |builder| {
            builder.token_source(NoSource).retry(policy)
        });
        let (error, attempts) = scene.fail(post()).await;
        assert_eq!((error.kind(), attempts), (ErrorKind::Auth, 0));
        assert!(!error.may_have_been_sent());
        assert!(TokenError::of(&error).is_some_and(TokenError::is_retryable));
    }
}

#[tokio::test]
async fn a_time_limit_beyond_all_clocks_is_none() {
    let endless = RetryPolicy::off()
        .attempt_timeout(Duration::MAX)
        .deadline(Duration::MAX);
    for step in [Status(200), Status(404)] {
        let scene = Scene::with([step], |builder| builder.retry(endless.clone()));
        let result = scene.call(get()).await;
        assert!(!result.is_err_and(|error| error.kind() == ErrorKind::Timeout));
    }
}
