//! Which failures are retried, when and how often.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use c1_api::{BoxFuture, ErrorKind, Safety};
use futures_util::FutureExt as _;
use reqwest::Response;

use crate::call::script::Step::{BreaksOff, Fail, NoToken, Silence, Status, With};
use crate::call::script::{Scene, Step, get, ms, operation, post, secs, send};
use crate::testing::{NoRandom, TokioClock, assert_debug_is_clean, assert_no_secret, shown};
use crate::{C1, C1Builder, Clock, Limits, RetryPolicy};

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
            assert_eq!(error.attempts() as usize, tries, "{method} {step:?}");
            assert_eq!(error.elapsed(), Some(scene.clock.since_start()));
            assert_no_secret(&shown(&error));
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
            let policy = RetryPolicy::new().attempts(9);
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
        let policy = RetryPolicy::new().attempts(50).base_delay(ms(100));
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
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 0));
    assert_eq!(error.elapsed(), Some(secs(5)));
    assert!(!error.may_have_been_sent());
}

#[tokio::test]
async fn what_an_earlier_try_may_have_done_is_remembered() {
    let of = async |steps: [Step; 2], operation| {
        let scene = Scene::with(steps, |builder| {
            builder.retry(RetryPolicy::new().attempts(2))
        });
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
    let two = |builder: C1Builder| builder.retry(RetryPolicy::new().attempts(2));
    let scene = Scene::with([Status(503)], two);
    for _ in 0..100 {
        assert_eq!(scene.fail(get()).await.1, 2);
    }
    let (error, tries) = scene.fail(get()).await;
    assert_eq!((tries, error.attempts()), (1, 1));
    assert_eq!(
        error.to_string(),
        "as scripted (request-id: r1); not retried, because the retry budget of the client is used up by other failures"
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
        tries(&once.with_retry(RetryPolicy::new().attempts(2))).await,
        2
    );
    assert_eq!(tries(&once.clone()).await, 1);
    let none = Scene::with([Status(503)], |builder| {
        builder.retry(RetryPolicy::new().attempts(0))
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
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Conflict, 1));
}

#[tokio::test]
async fn a_body_that_cannot_be_sent_twice_is_sent_once() {
    let scene = Scene::new([Status(503)]);
    let mut request = Scene::request(get());
    *request.body_mut() = Some(unrepeatable_body());
    let error = send(&scene.c1, request, get())
        .await
        .expect_err("as scripted");
    assert_eq!((error.attempts(), scene.script.tries()), (1, 1));
}

/// One that nobody can clone.
fn unrepeatable_body() -> reqwest::Body {
    let response: Response = ::http::Response::new("canary").into();
    reqwest::Body::wrap(reqwest::Body::from(response))
}

/// A clock on which no delay ever ends.
#[derive(Debug)]
struct Standing;

impl Clock for Standing {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn a_call_that_is_cancelled_before_its_retry_costs_nothing() {
    let scene = Scene::with_token([Status(503)], |builder| builder.clock(Standing)).await;
    for _ in 0..1000 {
        // Each one is dropped while it waits for its second attempt.
        let call = tokio::task::unconstrained(scene.call(get()));
        assert!(call.now_or_never().is_none(), "no budget left");
    }
    assert_eq!(scene.script.tries(), 1000);
}
