//! Callers, cancellations, refusals and time in every order that a seeded scheduler comes up with.
//!
//! What decides in the cache happens under one lock, which is never held across an await. So the orders that matter
//! are those in which futures are polled and dropped, and these are played here, on one thread and repeatably.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use c1_api::ErrorKind;
use c1_test_kit::Numbers;
use tokio::sync::Semaphore;

use super::*;
use crate::testing::{ManualClock, NoRandom};

const LIFETIME: u64 = 600;

/// Answers when it may: with a token that tells when it was asked for, or not at all.
struct Source {
    clock: Arc<ManualClock>,
    gate: Semaphore,
    failing: AtomicUsize,
    asked: AtomicUsize,
    under_way: AtomicUsize,
}

struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl TokenSource for Source {
    fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
        Box::pin(async {
            let number = self.asked.fetch_add(1, Ordering::Relaxed);
            assert_eq!(
                self.under_way.fetch_add(1, Ordering::Relaxed),
                0,
                "one at a time"
            );
            let _under_way = UnderWay(&self.under_way);
            let asked_at = self.clock.since_start();
            self.gate.acquire().await.expect("open").forget();
            let take = |failing: usize| failing.checked_sub(1);
            if self
                .failing
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
                .is_ok()
            {
                return Err(Error::new(ErrorKind::Auth, "down"));
            }
            let token = AccessToken::new(format!("{number} {}", asked_at.as_secs()));
            Ok(token.valid_for(Duration::from_secs(LIFETIME)))
        })
    }
}

type Call<'a> = Pin<Box<dyn Future<Output = Result<AccessToken, Error>> + 'a>>;

/// One run. Says how often the source was asked and how many calls were answered.
fn play(seed: u64) -> (usize, usize) {
    let mut numbers = Numbers::new(seed);
    let clock = Arc::new(ManualClock::default());
    let source = Arc::new(Source {
        clock: clock.clone(),
        gate: Semaphore::new(0),
        failing: AtomicUsize::default(),
        asked: AtomicUsize::default(),
        under_way: AtomicUsize::default(),
    });
    let cache = TokenCache::new(source.clone())
        .clock(clock.clone())
        .random(NoRandom);
    let mut calls: Vec<Call<'_>> = Vec::new();
    let mut refused = None;
    let (mut answered, mut failures) = (0, 0);
    for _ in 0..200 {
        match numbers.index(12) {
            0..3 => calls.push(Box::pin(cache.get())),
            // As the transport does it: the renewal goes on for a while, perhaps, and is left alone.
            3 => {
                let lease = cache.lease().now_or_never();
                if let Some(Ok((token, Some(renewal)))) = lease {
                    assert_usable(&token, &clock, refused.as_ref());
                    calls.push(Box::pin(async move {
                        renewal.await;
                        Ok(token)
                    }));
                }
            }
            4..9 if !calls.is_empty() => {
                let at = numbers.index(calls.len());
                let mut context = Context::from_waker(Waker::noop());
                if let Poll::Ready(result) = calls[at].as_mut().poll(&mut context) {
                    drop(calls.swap_remove(at));
                    answered += 1;
                    failures += usize::from(result.is_err());
                }
            }
            9 if !calls.is_empty() => drop(calls.swap_remove(numbers.index(calls.len()))),
            10 => source.gate.add_permits(1),
            11 => match numbers.index(4) {
                0 => clock.advance(100),
                1 => clock.advance(10),
                2 => drop(source.failing.fetch_add(1, Ordering::Relaxed)),
                _ => {
                    if let Some(token) = cache.valid() {
                        cache.invalidate(&token);
                        refused = Some(token);
                    }
                }
            },
            _ => {}
        }
        if let Some(token) = cache.valid() {
            assert_usable(&token, &clock, refused.as_ref());
            let at_hand = cache
                .lease()
                .now_or_never()
                .expect("nobody waits while a token is valid");
            assert!(at_hand.is_ok());
        }
    }
    // Whatever happened: with a source that answers, all who are left get a token or a failure that was theirs.
    source.gate.add_permits(1000);
    for mut call in calls {
        let mut context = Context::from_waker(Waker::noop());
        let mut result = call.as_mut().poll(&mut context);
        for _ in 0..4 {
            if result.is_pending() {
                result = call.as_mut().poll(&mut context);
            }
        }
        assert!(result.is_ready(), "seed {seed}: nobody is left waiting");
        answered += 1;
    }
    let asked = source.asked.load(Ordering::Relaxed);
    assert!(failures <= answered && asked <= answered + 200);
    (asked, answered)
}

fn assert_usable(token: &AccessToken, clock: &ManualClock, refused: Option<&AccessToken>) {
    let (_, asked_at) = token.expose().split_once(' ').expect("two numbers");
    let age = clock.since_start().as_secs() - asked_at.parse::<u64>().expect("a number");
    assert!(age < LIFETIME, "{age} s old");
    assert!(
        !refused.is_some_and(|refused| refused.is(token)),
        "was refused"
    );
}

#[test]
fn holds_in_three_thousand_orders() {
    let (mut asked, mut answered) = (0, 0);
    for seed in 0..3_000 {
        let (more_asked, more_answered) = play(seed);
        asked += more_asked;
        answered += more_answered;
    }
    // Or the numbers do not reach what they are to test.
    assert!(answered > 30_000, "{answered}");
    assert!(
        asked > 3_000 && asked * 3 < answered,
        "{asked} for {answered}"
    );
}
