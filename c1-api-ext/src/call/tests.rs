use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use c1_api::{BoxFuture, Error, ErrorKind, Operation, Safety, Transport};
use futures_util::FutureExt as _;
use futures_util::future::join_all;
use reqwest::{Request, Response};
use tracing::field::Visit;
use tracing::{Metadata, Subscriber, span};

use crate::call::script::Step::{self, BreaksOff, Fail, Long, NoToken, Silence, Status, With};
use crate::call::script::{Scene, get, operation, post};
use crate::testing::{NoRandom, assert_debug_is_clean, assert_no_secret, shown};
use crate::{C1, C1Builder, Clock, ConfigError, Ended, Limits, Metrics, Retried, RetryPolicy};

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn exactly_what_does_no_harm_is_tried_again() {
    let methods = [
        ("GET", Safety::Safe, true),
        ("POST", Safety::Safe, true),
        ("PUT", Safety::Idempotent, true),
        ("DELETE", Safety::Idempotent, true),
        ("POST", Safety::Neither, false),
        ("PATCH", Safety::Neither, false),
    ];
    let (always, never) = ((4, 4), (1, 1));
    let if_repeatable = (4, 1);
    for (step, (repeatable, other)) in [
        (Status(429), always),
        (With(429, "retry-after", "0"), always),
        (Fail(ErrorKind::Connect), always),
        (NoToken { later: true }, always),
        (Status(408), if_repeatable),
        (Status(500), if_repeatable),
        (Status(502), if_repeatable),
        (Status(503), if_repeatable),
        (With(503, "retry-after", "0"), if_repeatable),
        (Status(504), if_repeatable),
        (BreaksOff, if_repeatable),
        (Fail(ErrorKind::Transport), if_repeatable),
        (Fail(ErrorKind::Timeout), if_repeatable),
        (NoToken { later: false }, never),
        (Fail(ErrorKind::Auth), never),
        (Fail(ErrorKind::InvalidRequest), never),
        (Fail(ErrorKind::Redirect), never),
        (Fail(ErrorKind::Decode), never),
        (Status(302), never),
        (Status(400), never),
        (Status(401), never),
        (Status(403), never),
        (Status(404), never),
        (Status(405), never),
        (Status(409), never),
        (Status(413), never),
        (Status(499), never),
        (Status(501), never),
        (Status(505), never),
    ] {
        for (method, safety, is_repeatable) in methods {
            let scene = Scene::new([step.clone()]);
            let (error, tries) = scene.fail(operation(method, safety)).await;
            let expected = if is_repeatable { repeatable } else { other };
            assert_eq!(tries, expected, "{method} {safety:?} {step:?}");
            assert_eq!(error.tries() as usize, tries, "{method} {step:?}");
            assert_eq!(error.elapsed(), Some(scene.clock.since_start()));
            assert_no_secret(&shown(&error));
        }
    }
}

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

#[tokio::test]
async fn delays_grow_to_their_cap_and_are_spread_from_nothing() {
    for (random, delays) in [
        (0x80, [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000]),
        (0x40, [125, 250, 500, 1000, 2000, 4000, 7500, 7500]),
        (0x00, [0; 8]),
    ] {
        let scene = Scene::with([Status(503)], |builder| {
            let policy = RetryPolicy::new().tries(9);
            builder.random(crate::testing::Fixed(random)).retry(policy)
        });
        scene.fail(get()).await;
        assert_eq!(scene.clock.delays(), delays.map(ms));
    }
    // Without random bytes there is no spread, but the call is still repeated.
    let scene = Scene::with([Status(503)], |builder| builder.random(NoRandom));
    scene.fail(get()).await;
    assert_eq!(scene.clock.delays(), [500, 1000, 2000].map(ms));
    // Settings of one's own, beyond all that a delay can be.
    let scene = Scene::with([Status(503)], |builder| {
        let policy = RetryPolicy::new().tries(50).base_delay(ms(100));
        builder.retry(policy.max_delay(ms(300)))
    });
    scene.fail(get()).await;
    let delays = scene.clock.delays();
    assert_eq!((delays.len(), delays[0], delays[1]), (49, ms(50), ms(100)));
    assert_eq!(delays[2..], [ms(150); 47]);
}

#[tokio::test]
async fn the_server_says_when_to_come_again() {
    // The clock of the tests stands at Tue, 14 Nov 2023 22:13:20 GMT.
    for (value, delay) in [
        ("7", 7000),
        ("60", 60_000),
        ("61", 60_000),
        ("99999999999999999999", 60_000),
        ("0", 250),
        ("Tue, 14 Nov 2023 22:13:30 GMT", 10_000),
        ("Tuesday, 14-Nov-23 22:13:30 GMT", 10_000),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 250),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 60_000),
        ("soon", 250),
        ("-5", 250),
    ] {
        for status in [429, 503] {
            let scene = Scene::new([With(status, "retry-after", value), Status(200)]);
            scene.call(get()).await.expect("an answer");
            assert_eq!(scene.clock.since_start(), ms(delay), "{status} {value}");
        }
    }
    let scene = Scene::with([With(503, "retry-after", "7"), Status(200)], |builder| {
        builder.retry(RetryPolicy::new().max_retry_after(secs(5)))
    });
    scene.call(get()).await.expect("an answer");
    assert_eq!(scene.clock.since_start(), secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_delay_beyond_the_deadline_is_not_waited_for() {
    let scene = Scene::with([With(503, "retry-after", "6")], |builder| {
        builder.retry(RetryPolicy::new().deadline(secs(10)))
    });
    let (error, tries) = scene.fail(get()).await;
    assert_eq!((tries, error.kind()), (2, ErrorKind::Server));
    assert_eq!(error.elapsed(), Some(secs(6)));
    assert!(error.to_string().contains("deadline"), "{error}");
    assert_eq!(error.request_id(), Some("r1"));

    // A try gets what is left of the time, and an attempt's time if that is less.
    for (attempt, deadline, elapsed, tries) in [
        (Some(secs(300)), secs(10), secs(10), 1),
        (None, secs(10), secs(10), 1),
        (Some(secs(4)), secs(9), secs(9), 3),
    ] {
        let scene = Scene::with([Silence], |builder| {
            let policy = RetryPolicy::new().deadline(deadline);
            let policy = policy.attempt_timeout(attempt).base_delay(ms(200));
            builder.clock(TokioClock::new()).retry(policy)
        });
        let (error, made) = scene.fail(get()).await;
        assert_eq!((error.kind(), made), (ErrorKind::Timeout, tries));
        assert_eq!(error.elapsed(), Some(elapsed));
    }
    // Not even a turn comes in time.
    let scene = Scene::with([Silence], |builder| {
        let policy = RetryPolicy::new().deadline(secs(5));
        let limits = Limits::new().concurrent(1);
        builder
            .clock(TokioClock::new())
            .retry(policy)
            .limits(limits)
    });
    let patient = scene.c1.with_retry(RetryPolicy::off());
    let (error, patient) = tokio::join!(
        async {
            tokio::task::yield_now().await;
            scene.call(get()).await.expect_err("no turn")
        },
        tokio::time::timeout(secs(20), patient.apps().get("2B").into_future())
    );
    assert!(patient.is_err());
    assert_eq!((error.kind(), error.tries()), (ErrorKind::Timeout, 0));
    assert_eq!(error.elapsed(), Some(secs(5)));
    assert!(!error.may_have_been_sent());
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

/// The time of tokio's timers, which jump while a test does nothing but wait.
#[derive(Debug)]
struct TokioClock(tokio::time::Instant);

impl TokioClock {
    fn new() -> Self {
        Self(tokio::time::Instant::now())
    }
}

impl Clock for TokioClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + self.0.elapsed()
    }
}

#[tokio::test]
async fn what_an_earlier_try_may_have_done_is_remembered() {
    let of = async |steps: [Step; 2], operation| {
        let scene = Scene::with(steps, |builder| builder.retry(RetryPolicy::new().tries(2)));
        let (error, tries) = scene.fail(operation).await;
        (tries, error.may_have_been_sent())
    };
    let connect = Fail(ErrorKind::Connect);
    assert_eq!(
        of([connect.clone(), connect.clone()], post()).await,
        (2, false)
    );
    assert_eq!(of([Status(429), Status(404)], post()).await, (2, false));
    assert_eq!(of([Status(502), connect.clone()], get()).await, (2, true));
    assert_eq!(of([BreaksOff, Status(404)], get()).await, (2, true));
    assert_eq!(of([connect, Status(500)], get()).await, (2, true));
}

#[tokio::test]
async fn when_the_budget_is_used_up_nothing_is_repeated() {
    let two = |builder: C1Builder| builder.retry(RetryPolicy::new().tries(2));
    let scene = Scene::with([Status(503)], two);
    for _ in 0..100 {
        assert_eq!(scene.fail(get()).await.1, 2);
    }
    let (error, tries) = scene.fail(get()).await;
    assert_eq!((tries, error.tries()), (1, 1));
    assert_eq!(
        error.to_string(),
        "as scripted (request-id: r1); not tried again, because too many calls have failed: the retry budget of the \
         client is used up"
    );
    // Successes fill it one by one; four are not enough.
    for (successes, tries) in [(4, 1), (1, 2), (0, 1)] {
        scene.script.go_on([Status(200)]);
        for _ in 0..successes {
            scene.call(get()).await.expect("an answer");
        }
        scene.script.go_on([Status(503)]);
        assert_eq!(scene.fail(get()).await.1, tries);
    }

    // A repetition that succeeds costs nothing in the end.
    let scene = Scene::with([Status(200)], two);
    for _ in 0..300 {
        scene.script.go_on([Status(503), Status(200)]);
        scene.call(get()).await.expect("an answer");
    }

    // After timeouts it is used up twice as fast.
    let scene = Scene::with([Fail(ErrorKind::Timeout)], two);
    for _ in 0..50 {
        assert_eq!(scene.fail(get()).await.1, 2);
    }
    assert_eq!(scene.fail(get()).await.1, 1);
    // Another policy draws on the same budget.
    let other = scene.c1.with_retry(RetryPolicy::new());
    let before = scene.script.tries();
    Scene::call_by(&other, get())
        .await
        .expect_err("as scripted");
    assert_eq!(scene.script.tries() - before, 1);
}

#[tokio::test]
async fn a_single_call_can_do_otherwise() {
    let scene = Scene::new([Status(503)]);
    let tries = async |c1: &C1| {
        let before = scene.script.tries();
        c1.apps().get("2B").await.expect_err("as scripted");
        scene.script.tries() - before
    };
    let once = scene.c1.with_retry(RetryPolicy::off());
    assert_eq!(tries(&once).await, 1);
    assert_eq!(tries(&scene.c1).await, 4);
    assert_eq!(
        tries(&once.with_retry(RetryPolicy::new().tries(2))).await,
        2
    );
    assert_eq!(tries(&once.clone()).await, 1);
    let none = Scene::with([Status(503)], |builder| {
        builder.retry(RetryPolicy::new().tries(0))
    });
    assert_eq!(none.fail(get()).await.1, 1);
    assert_debug_is_clean(&once);
}

#[tokio::test]
async fn a_call_of_the_api_tells_what_became_of_it() {
    let scene = Scene::new([Status(503), Status(200)]);
    scene.c1.apps().get("2B").await.expect("an answer");
    scene.script.go_on([Status(409)]);
    let error = scene.c1.apps().get("2B").await.expect_err("as scripted");
    assert_eq!((error.kind(), error.tries()), (ErrorKind::Conflict, 1));
}

#[tokio::test]
async fn a_body_that_cannot_be_sent_twice_is_sent_once() {
    let scene = Scene::new([Status(503)]);
    let mut request = Scene::request(get());
    *request.body_mut() = Some(unrepeatable_body());
    let error = scene
        .c1
        .stack()
        .transport()
        .execute(request, get())
        .await
        .expect_err("as scripted");
    assert_eq!((error.tries(), scene.script.tries()), (1, 1));
}

/// One that nobody can clone.
fn unrepeatable_body() -> reqwest::Body {
    let response: Response = ::http::Response::new("canary").into();
    reqwest::Body::wrap(reqwest::Body::from(response))
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
        "the server answered 404 Not Found with application/json"
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
        let answer = c1.stack().transport().execute(request, get()).await;
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

#[tokio::test]
async fn as_many_calls_as_are_allowed_are_under_way() {
    let scene = Scene::with([Silence], |builder| {
        let policy = RetryPolicy::off().attempt_timeout(None);
        builder.retry(policy).limits(Limits::new().concurrent(2))
    });
    let mut calls: Vec<_> = (0..5).map(|_| Box::pin(scene.call(get()))).collect();
    for call in &mut calls {
        assert!(call.now_or_never_again().is_none());
    }
    assert_eq!((scene.script.under_way(), scene.script.tries()), (2, 2));
    // One that is cancelled makes room for the next, and so does one that has not begun yet for those behind it.
    drop(calls.remove(2));
    drop(calls.remove(0));
    for call in &mut calls {
        assert!(call.now_or_never_again().is_none());
    }
    assert_eq!((scene.script.under_way(), scene.script.tries()), (2, 3));
    drop(calls);
    assert_eq!(scene.script.under_way(), 0);
    scene.script.go_on([Status(200)]);
    scene.call(get()).await.expect("an answer");
}

/// Polls a call that may go on later.
trait Again: Future + Unpin {
    fn now_or_never_again(&mut self) -> Option<Self::Output> {
        self.now_or_never()
    }
}

impl<F: Future + Unpin> Again for F {}

#[tokio::test]
async fn a_call_that_waits_to_be_repeated_leaves_its_place() {
    let scene = Scene::with([Status(503), Status(200)], |builder| {
        builder.limits(Limits::new().concurrent(1))
    });
    // While the first waits, the second comes through: with one place, it could not if the first kept it.
    let (first, second) = tokio::join!(scene.call(get()), scene.call(get()));
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(scene.script.tries(), 3);
}

#[tokio::test]
async fn calls_are_spaced_evenly() {
    let scene = Scene::with([Status(200)], |builder| {
        builder.limits(Limits::new().per_second(4.0))
    });
    for answer in join_all((0..5).map(|_| scene.call(get()))).await {
        answer.expect("an answer");
    }
    assert_eq!(scene.clock.delays(), [ms(250); 4]);
    // What was not used is not made up for.
    scene.clock.advance(100);
    for _ in 0..2 {
        scene.call(get()).await.expect("an answer");
    }
    assert_eq!(scene.clock.delays(), [ms(250); 5]);
}

#[tokio::test]
async fn a_turn_that_comes_too_late_is_not_waited_for() {
    let scene = Scene::with([Status(200)], |builder| {
        let policy = RetryPolicy::new().deadline(secs(1));
        builder.retry(policy).limits(Limits::new().per_second(0.1))
    });
    scene.call(get()).await.expect("an answer");
    let (error, tries) = scene.fail(get()).await;
    assert_eq!(
        (error.kind(), tries, error.tries()),
        (ErrorKind::Timeout, 0, 0)
    );
    assert!(!error.may_have_been_sent());
    assert!(scene.clock.delays().is_empty());

    // The second try has no turn in time: what is told is why there had to be one.
    let scene = Scene::with([Status(503)], |builder| {
        let policy = RetryPolicy::new().deadline(secs(5));
        builder.retry(policy).limits(Limits::new().per_second(0.1))
    });
    let (error, tries) = scene.fail(get()).await;
    assert_eq!(
        (error.kind(), tries, error.tries()),
        (ErrorKind::Server, 1, 1)
    );
    assert!(error.may_have_been_sent());
}

#[tokio::test]
async fn a_429_makes_all_callers_wait() {
    let off = |builder: C1Builder| builder.retry(RetryPolicy::off());
    let scene = Scene::with([With(429, "retry-after", "20"), Status(200)], off);
    scene.fail(get()).await;
    let other = scene.c1.with_retry(RetryPolicy::new());
    Scene::call_by(&other, get()).await.expect("an answer");
    assert_eq!(scene.clock.delays(), [secs(20)]);
    // No server can stop a client for long.
    scene
        .script
        .go_on([With(429, "retry-after", "7200"), Status(200)]);
    scene.fail(get()).await;
    scene.call(get()).await.expect("an answer");
    assert_eq!(scene.clock.since_start(), secs(80));

    let scene = Scene::with([With(429, "retry-after", "20"), Status(200)], |builder| {
        off(builder).limits(Limits::new().adaptive(false))
    });
    scene.fail(get()).await;
    scene.call(get()).await.expect("an answer");
    assert!(scene.clock.delays().is_empty());
}

#[tokio::test]
async fn after_a_429_the_rate_is_halved_and_recovers() {
    let scene = Scene::with([Status(200)], |builder| builder.retry(RetryPolicy::off()));
    let pass = async |calls: usize| {
        let before = scene.clock.delays().len();
        scene.script.go_on([Status(200)]);
        for _ in 0..calls {
            scene.call(get()).await.expect("an answer");
        }
        scene.clock.delays().split_off(before)
    };
    // The eighth try in a second is refused: four a second are left. The ninth is refused as well, but that counts as
    // the same refusal.
    assert!(pass(7).await.is_empty());
    scene
        .script
        .go_on([Status(429), With(429, "retry-after", "10")]);
    let (one, other) = tokio::join!(scene.call(get()), scene.call(get()));
    assert!(one.is_err() && other.is_err());
    let delays = pass(3).await;
    assert_eq!(delays[0], secs(10));
    for delay in &delays[1..] {
        assert!((ms(200)..=ms(250)).contains(delay), "{delays:?}");
    }
    // Each second gives 0.8 more. After 5 s it is the former rate, at 15 s it would be double, and there is no limit.
    scene.clock.advance(4);
    let delays = pass(3).await;
    for delay in &delays {
        assert!((ms(110)..=ms(137)).contains(delay), "{delays:?}");
    }
    scene.clock.advance(11);
    assert!(pass(50).await.is_empty());
}

#[tokio::test]
async fn a_slow_caller_is_not_slowed_down() {
    let scene = Scene::with([Status(429), Status(429), Status(200)], |builder| builder);
    scene.call(post()).await.expect("an answer");
    assert_eq!(scene.clock.delays(), [ms(250), ms(500)]);
}

#[test]
fn limits_that_let_nothing_pass_are_refused() {
    let refused = |limits: Limits| {
        let builder = C1::builder().tenant("acme").access_token("canary");
        matches!(builder.limits(limits).build(), Err(ConfigError::Limits(_)))
    };
    assert!(refused(Limits::new().concurrent(0)));
    for calls in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(refused(Limits::new().per_second(calls)), "{calls}");
    }
    assert!(!refused(
        Limits::new().concurrent(usize::MAX).per_second(1e-300)
    ));
}

#[tokio::test]
async fn headers_go_with_every_try() {
    let scene = Scene::with([Status(200)], |builder| {
        let http = crate::http::client_builder().expect("TLS");
        builder
            .http(http.user_agent("of the client").build().expect("a client"))
            .user_agent("my-tool/1.0 ")
            .header("X-Gateway", "canary-1")
            .header("x-gateway", "canary-2")
    });
    scene.call(get()).await.expect("an answer");
    assert_eq!(
        scene.script.last_header("user-agent"),
        concat!("c1-api-ext/", env!("CARGO_PKG_VERSION"), " my-tool/1.0")
    );
    assert_eq!(scene.script.last_header("x-gateway"), "canary-2");
    assert_eq!(scene.script.last_header("authorization"), "Bearer canary");
    assert_debug_is_clean(&scene.c1.stack().transport());

    let scene = Scene::new([Status(200)]);
    scene.call(get()).await.expect("an answer");
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
        assert!(matches!(error, ConfigError::Header { .. }), "{error}");
        assert_no_secret(&shown(&error));
        error.to_string()
    };
    assert_eq!(
        refused(|builder| builder.header("Authorization", "canary")),
        "invalid header `authorization`: the client sets it itself"
    );
    refused(|builder| builder.header("DPoP", "canary"));
    refused(|builder| builder.header("HOST", "canary"));
    refused(|builder| builder.header("User-Agent", "canary"));
    refused(|builder| builder.header("x canary", "x"));
    refused(|builder| builder.header("x-key", "canary\r\nhost: evil"));
    refused(|builder| builder.user_agent("canary\nx"));
}

/// Notes its name, then lets the next one do it.
#[derive(Debug)]
struct Noting(&'static str, Arc<Mutex<Vec<String>>>, Box<dyn Transport>);

impl Transport for Noting {
    fn execute<'a>(
        &'a self,
        request: Request,
        operation: &'static Operation,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        let with_token = request.headers().contains_key("authorization");
        let note = format!("{} {with_token}", self.0);
        self.1.lock().expect("no panic").push(note);
        self.2.execute(request, operation)
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

#[derive(Debug, Default)]
struct Counters {
    notes: Mutex<Vec<String>>,
}

impl Metrics for Counters {
    fn ended(&self, call: &Ended<'_>) {
        let result = call.result.map_err(Error::kind);
        let note = format!("{} {:?} {result:?}", call.tries, call.elapsed);
        self.notes.lock().expect("no panic").push(note);
    }

    fn retried(&self, retry: &Retried<'_>) {
        let kind = retry.error.kind();
        let note = format!("{} {:?} {kind:?}", retry.tries, retry.delay);
        self.notes.lock().expect("no panic").push(note);
    }
}

#[tokio::test]
async fn metrics_are_told_of_calls_and_repetitions() {
    let counters = Arc::<Counters>::default();
    let told = counters.clone();
    let scene = Scene::with([Status(503), Status(200)], |builder| builder.metrics(told));
    scene.call(get()).await.expect("an answer");
    scene.script.go_on([Status(404)]);
    scene.fail(get()).await;
    assert_eq!(
        *counters.notes.lock().expect("no panic"),
        ["1 250ms Server", "2 250ms Ok(200)", "1 0ns Err(NotFound)"]
    );
}

/// Remembers all that is traced.
#[derive(Clone, Debug, Default)]
struct Recording(Arc<Mutex<Vec<BTreeMap<String, String>>>>);

struct Fields<'a>(&'a mut BTreeMap<String, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().into(), format!("{value:?}"));
    }
}

impl Subscriber for Recording {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("c1_api_ext")
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut all = self.0.lock().expect("no panic");
        let mut fields = BTreeMap::from([("span".into(), attributes.metadata().name().into())]);
        attributes.record(&mut Fields(&mut fields));
        all.push(fields);
        span::Id::from_u64(all.len() as u64)
    }

    fn record(&self, id: &span::Id, values: &span::Record<'_>) {
        let mut all = self.0.lock().expect("no panic");
        let index = usize::try_from(id.into_u64()).expect("small") - 1;
        values.record(&mut Fields(&mut all[index]));
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let mut fields = BTreeMap::new();
        event.record(&mut Fields(&mut fields));
        self.0.lock().expect("no panic").push(fields);
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn traces_tell_how_a_call_went_and_not_what_it_was_about() {
    let recording = Recording::default();
    // While there is only one, tracing asks the thread at hand whether a call site matters; other tests' have none.
    let _other = tracing::Dispatch::new(Recording::default());
    let _guard = tracing::subscriber::set_default(recording.clone());
    let scene = Scene::new([With(503, "retry-after", "2"), BreaksOff, Status(404)]);
    let (error, _) = scene.fail(get()).await;
    assert_eq!(error.tries(), 3);
    scene.script.go_on([Status(200)]);
    scene.call(get()).await.expect("an answer");
    scene.script.go_on([NoToken { later: false }]);
    scene.fail(get()).await;

    let all = recording.0.lock().expect("no panic").clone();
    assert_no_secret(&format!("{all:?}"));
    let fields = |index: usize| {
        let fields: Vec<_> = all[index].iter().collect();
        fields
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let operation = get();
    let (id, path) = (operation.id, operation.path);
    let common = |extra: [&str; 3]| {
        let [error, resends, status] = extra;
        let failed = if error.is_empty() {
            ""
        } else {
            " otel.status_code=\"ERROR\""
        };
        format!(
            "c1.operation.id={id:?}{error} http.request.method=\"GET\"{resends}{status} otel.kind=\"client\" \
             otel.name=GET {path}{failed} server.address=\"127.0.0.1\" server.port=1 span=c1.call url.template={path:?}"
        )
    };
    let code = " http.response.status_code=404";
    let resends = " http.request.resend_count=2";
    let refused = " c1.request.id=\"r1\" error.type=\"404\"";
    assert_eq!(fields(0), common([refused, resends, code]));
    assert_eq!(
        fields(1),
        "c1.retry.delay_ms=2000 error.type=\"503\" http.request.resend_count=1 message=the call is tried again"
    );
    assert_eq!(
        fields(2),
        "c1.retry.delay_ms=500 error.type=\"transport\" http.request.resend_count=2 message=the call is tried again"
    );
    assert_eq!(
        fields(3),
        common(["", "", " http.response.status_code=200"])
    );
    assert_eq!(fields(4), common([" error.type=\"auth\"", "", ""]));
    assert_eq!(all.len(), 5);
}

#[test]
fn calls_can_move_between_threads() {
    fn sendable<T: Send>(_: T) {}
    let scene = Scene::new([Status(200)]);
    sendable(scene.call(get()));
}
