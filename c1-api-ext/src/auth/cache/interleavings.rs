//! Callers, cancellations, refusals, runtimes and time in every order that a seeded scheduler comes up with.
//!
//! What decides in the cache happens under one lock, which is never held across an await. So the orders that matter
//! are those in which futures are polled and dropped, and these are played here, on one thread and repeatably.

use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use c1_test_kit::Numbers;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;

use super::tests::settle;
use super::*;
use crate::testing::{ManualClock, NoRandom};

const LIFETIME: u64 = 600;

const FAIL: u8 = 1;
const PANIC: u8 = 2;
const HANG: u8 = 3;

/// Responds when it may: with a token that tells when it was requested, or as it was told to.
struct Source {
    clock: Arc<ManualClock>,
    gate: Semaphore,
    next: AtomicU8,
    calls: AtomicUsize,
    in_progress: AtomicUsize,
}

struct InProgress<'a>(&'a AtomicUsize);

impl Drop for InProgress<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl TokenSource for Source {
    fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
        Box::pin(async {
            let number = self.calls.fetch_add(1, Ordering::Relaxed);
            let others = self.in_progress.fetch_add(1, Ordering::Relaxed);
            let _in_progress = InProgress(&self.in_progress);
            assert_eq!(others, 0, "one at a time");
            let began = self.clock.since_start();
            self.gate.acquire().await.expect("open").forget();
            match self.next.swap(0, Ordering::Relaxed) {
                FAIL => return Err(Error::new(ErrorKind::Auth, "down")),
                PANIC => std::panic::resume_unwind(Box::new("without a message")),
                HANG => std::future::pending().await,
                _ => {}
            }
            let token = AccessToken::new(format!("{number} {}", began.as_secs()));
            Ok(token.valid_for(Duration::from_secs(LIFETIME)))
        })
    }
}

type Call<'a> = Pin<Box<dyn Future<Output = Result<AccessToken, Error>> + 'a>>;

fn poll(call: &mut Call<'_>) -> Poll<Result<AccessToken, Error>> {
    call.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

fn runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().start_paused(true);
    builder.build().expect("a runtime")
}

#[derive(Default)]
struct Counts {
    source_calls: usize,
    ended: usize,
    failed: usize,
}

/// One run.
fn play(seed: u64, counts: &mut Counts) {
    let mut numbers = Numbers::new(seed);
    let clock = Arc::new(ManualClock::default());
    let source = Arc::new(Source {
        clock: clock.clone(),
        gate: Semaphore::new(0),
        next: AtomicU8::default(),
        calls: AtomicUsize::default(),
        in_progress: AtomicUsize::default(),
    });
    let cache = TokenCache::new(source.clone())
        .clock(clock.clone())
        .random(NoRandom);
    let mut runtime = runtime();
    let mut calls: Vec<Call<'_>> = Vec::new();
    let mut refused = None;
    for _ in 0..200 {
        match numbers.index(14) {
            0..4 => calls.push(Box::pin(cache.get())),
            4..8 if !calls.is_empty() => {
                let at = numbers.index(calls.len());
                let _entered = runtime.enter();
                if let Poll::Ready(result) = poll(&mut calls[at]) {
                    drop(calls.swap_remove(at));
                    counts.ended += 1;
                    counts.failed += usize::from(result.is_err());
                }
            }
            8 if !calls.is_empty() => drop(calls.swap_remove(numbers.index(calls.len()))),
            9 => source.gate.add_permits(1),
            10..12 => runtime.block_on(settle()),
            12 => {
                let seconds = [1, 10, 61, 100][numbers.index(4)];
                clock.advance(seconds);
                runtime.block_on(tokio::time::advance(Duration::from_secs(seconds)));
            }
            13 => match numbers.index(6) {
                0 => runtime = self::runtime(),
                next @ 1..4 => {
                    let next = u8::try_from(next).expect("small");
                    source.next.store(next, Ordering::Relaxed);
                }
                _ => {
                    if let Some(token) = cache.valid()
                        && cache.invalidate(&token)
                    {
                        refused = Some(token);
                    }
                }
            },
            _ => {}
        }
        if let Some(token) = cache.valid() {
            assert_usable(&token, &clock, refused.as_ref());
            let _entered = runtime.enter();
            let at_hand = cache.get().now_or_never();
            assert!(at_hand.is_some_and(|token| token.is_ok()), "seed {seed}");
        }
    }
    // Whatever happened: with a source that responds, all who are left get a token or a failure that was theirs.
    source.gate.add_permits(1000);
    for round in 0..4 {
        runtime.block_on(settle());
        // A source that hangs.
        runtime.block_on(tokio::time::advance(FETCH_TIMEOUT));
        let _entered = runtime.enter();
        calls.retain_mut(|call| poll(call).is_pending());
        assert!(
            calls.is_empty() || round < 3,
            "seed {seed}: {}",
            calls.len()
        );
    }
    counts.source_calls += source.calls.load(Ordering::Relaxed);
}

fn assert_usable(token: &AccessToken, clock: &ManualClock, refused: Option<&AccessToken>) {
    let (_, began) = token.expose().split_once(' ').expect("two numbers");
    let age = clock.since_start().as_secs() - began.parse::<u64>().expect("a number");
    assert!(age < LIFETIME, "{age} s old");
    assert!(
        !refused.is_some_and(|refused| refused.is(token)),
        "was refused"
    );
}

#[test]
fn holds_in_three_thousand_orders() {
    let mut counts = Counts::default();
    for seed in 0..3_000 {
        play(seed, &mut counts);
    }
    // Or the numbers do not reach what they are to test.
    let Counts {
        source_calls,
        ended,
        failed,
    } = counts;
    assert!(ended > 30_000 && failed > 3_000, "{ended}, {failed}");
    assert!(
        source_calls > 3_000 && source_calls * 2 < ended,
        "{source_calls} for {ended}"
    );
}
