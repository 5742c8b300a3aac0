//! When attempts may start.

use c1_api::ErrorKind;
use futures_util::FutureExt as _;
use futures_util::future::join_all;

use crate::call::script::Step::{Silence, Status, With};
use crate::call::script::{Scene, get, ms, post, secs};
use crate::{C1, C1Builder, ConfigError, Limits, RetryPolicy};

#[tokio::test]
async fn as_many_calls_as_are_allowed_are_under_way() {
    let scene = Scene::with([Status(200)], |builder| {
        let policy = RetryPolicy::off().attempt_timeout(None);
        builder.retry(policy).limits(Limits::new().concurrent(2))
    });
    // Gets the token, so that the others do not wait for it.
    scene.call(get()).await.expect("an answer");
    scene.script.go_on([Silence]);
    let mut calls: Vec<_> = (0..5).map(|_| Box::pin(scene.call(get()))).collect();
    for call in &mut calls {
        assert!(call.now_or_never_again().is_none());
    }
    assert_eq!((scene.script.under_way(), scene.script.tries()), (2, 3));
    // One that is cancelled makes room for the next, and so does one that has not begun yet for those behind it.
    drop(calls.remove(2));
    drop(calls.remove(0));
    for call in &mut calls {
        assert!(call.now_or_never_again().is_none());
    }
    assert_eq!((scene.script.under_way(), scene.script.tries()), (2, 4));
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
        (error.kind(), tries, error.attempts()),
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
        (error.kind(), tries, error.attempts()),
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
