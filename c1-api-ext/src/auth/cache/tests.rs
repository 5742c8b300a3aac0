//! One caller after the other, and many at once.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::*;
use crate::testing::{
    Fixed, ManualClock, NoRandom, Recording, TokioClock, assert_no_secret, shown,
};

/// Gives what it was told to, once it may.
struct Scripted {
    gate: Semaphore,
    calls: AtomicUsize,
    answers: Mutex<VecDeque<Result<AccessToken, Error>>>,
}

impl TokenSource for Scripted {
    fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
        Box::pin(async {
            self.calls.fetch_add(1, Ordering::Relaxed);
            self.gate.acquire().await.expect("open").forget();
            self.answers
                .lock()
                .expect("no panic")
                .pop_front()
                .expect("an answer is left")
        })
    }
}

struct Set {
    source: Arc<Scripted>,
    clock: Arc<ManualClock>,
    cache: Arc<TokenCache>,
}

impl Set {
    fn new(answers: impl IntoIterator<Item = Result<AccessToken, Error>>) -> Self {
        let source = Arc::new(Scripted {
            gate: Semaphore::new(0),
            calls: AtomicUsize::default(),
            answers: Mutex::new(answers.into_iter().collect()),
        });
        let clock = Arc::new(ManualClock::default());
        let cache = Arc::new(
            TokenCache::new(source.clone())
                .clock(clock.clone())
                .random(NoRandom),
        );
        Self {
            source,
            clock,
            cache,
        }
    }

    /// The source may answer `n` times from now on.
    fn open(&self, n: usize) {
        self.source.gate.add_permits(n);
    }

    fn calls(&self) -> usize {
        self.source.calls.load(Ordering::Relaxed)
    }

    async fn get(&self) -> String {
        self.cache.get().await.expect("a token").expose().to_owned()
    }

    /// So many callers, all of them waiting.
    async fn waiting(&self, n: usize) -> Vec<tokio::task::JoinHandle<Result<AccessToken, Error>>> {
        let begun = Arc::new(AtomicUsize::default());
        let tasks = (0..n)
            .map(|_| {
                let (cache, begun) = (self.cache.clone(), begun.clone());
                tokio::spawn(async move {
                    begun.fetch_add(1, Ordering::Relaxed);
                    cache.get().await
                })
            })
            .collect();
        while begun.load(Ordering::Relaxed) < n {
            tokio::task::yield_now().await;
        }
        settle().await;
        tasks
    }
}

/// Lets the other tasks run as far as they get.
pub(super) async fn settle() {
    for _ in 0..4 {
        tokio::task::yield_now().await;
    }
}

// As the script wants it, next to failures.
#[allow(clippy::unnecessary_wraps)]
fn token(text: &str, seconds: u64) -> Result<AccessToken, Error> {
    Ok(AccessToken::new(text).valid_for(Duration::from_secs(seconds)))
}

fn failure(text: &str) -> Result<AccessToken, Error> {
    Err(Error::new(ErrorKind::Auth, text))
}

async fn assert_all_get(
    tasks: Vec<tokio::task::JoinHandle<Result<AccessToken, Error>>>,
    text: &str,
) {
    for task in tasks {
        let token = task.await.expect("no panic").expect("a token");
        assert_eq!(token.expose(), text);
    }
}

#[tokio::test]
async fn one_asks_for_all_who_wait() {
    let set = Set::new([token("a", 600)]);
    let tasks = set.waiting(1000).await;
    assert_eq!(set.calls(), 1);
    set.open(1);
    assert_all_get(tasks, "a").await;
    assert_eq!(set.calls(), 1);
}

#[tokio::test]
async fn one_failure_is_told_to_all_who_waited_and_to_nobody_after() {
    let set = Set::new([failure("down"), token("a", 600)]);
    let tasks = set.waiting(100).await;
    set.open(2);
    for task in tasks {
        let error = task.await.expect("no panic").expect_err("the failure");
        assert_eq!(error.message(), "down");
    }
    assert_eq!(set.calls(), 1);
    assert_eq!(set.get().await, "a");
}

#[tokio::test]
async fn a_cancelled_caller_leaves_its_request_to_the_others() {
    let set = Set::new([token("a", 600)]);
    let mut tasks = set.waiting(3).await;
    tasks.remove(0).abort();
    tokio::task::yield_now().await;
    set.open(1);
    assert_all_get(tasks, "a").await;
    assert_eq!(set.calls(), 1);
}

#[tokio::test]
async fn a_fetch_that_all_have_left_is_not_begun_again() {
    let set = Set::new([token("a", 600)]);
    for task in set.waiting(2).await {
        task.abort();
    }
    settle().await;
    set.open(1);
    settle().await;
    assert_eq!(set.get().await, "a");
    assert_eq!(set.calls(), 1);
}

#[tokio::test]
async fn nobody_waits_for_a_renewal() {
    let set = Set::new([token("a", 600), token("b", 600)]);
    set.open(1);
    set.get().await;
    set.clock.advance(599);
    for _ in 0..3 {
        let old = set.cache.get().now_or_never().expect("at once");
        assert_eq!(old.expect("a token").expose(), "a");
        settle().await;
        assert_eq!(set.calls(), 2, "one is enough");
    }
    // It is used, although everybody has left.
    set.open(1);
    settle().await;
    set.clock.advance(1);
    assert_eq!(set.get().await, "b");
    assert_eq!(set.calls(), 2);
}

/// What a source does the first time; afterwards it gives a token.
enum First {
    Panic,
    PanicBeforeTheFuture,
    Hang,
}

struct Faulty {
    first: First,
    calls: AtomicUsize,
    /// What the future holds while it hangs.
    guard: Arc<()>,
}

impl Faulty {
    fn cache(first: First) -> (Arc<Self>, Arc<TokenCache>) {
        let source = Arc::new(Self {
            first,
            calls: AtomicUsize::default(),
            guard: Arc::default(),
        });
        let cache = Arc::new(TokenCache::new(source.clone()));
        (source, cache)
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }
}

impl TokenSource for Faulty {
    fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
        let is_first = self.calls.fetch_add(1, Ordering::Relaxed) == 0;
        match self.first {
            First::PanicBeforeTheFuture if is_first => panic!("canary"),
            First::Panic if is_first => Box::pin(async { panic!("canary") }),
            First::Hang if is_first => Box::pin(async {
                let _guard = self.guard.clone();
                std::future::pending().await
            }),
            _ => Box::pin(async { token("a", 600) }),
        }
    }
}

/// The errors that so many callers get.
async fn errors_of(cache: &Arc<TokenCache>, callers: usize) -> Vec<Error> {
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.get().await })
        })
        .collect();
    let mut errors = Vec::new();
    for task in tasks {
        errors.push(task.await.expect("no panic").expect_err("no token"));
    }
    errors
}

#[tokio::test]
async fn a_panic_of_the_source_is_an_error_for_all_who_wait() {
    for first in [First::Panic, First::PanicBeforeTheFuture] {
        let (source, cache) = Faulty::cache(first);
        let errors = errors_of(&cache, 1000).await;
        for error in &errors {
            assert_eq!(error.kind(), ErrorKind::Auth);
            assert!(error.message().ends_with("the token source panicked"));
        }
        assert_no_secret(&shown(&errors[0]));
        assert_eq!(source.calls(), 1);
        assert_eq!(cache.get().await.expect("a token").expose(), "a");
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_hangs_fails_in_time_and_is_called_again() {
    let (source, cache) = Faulty::cache(First::Hang);
    let began = Instant::now();
    for error in errors_of(&cache, 100).await {
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert!(TokenError::of(&error).is_some_and(TokenError::is_retryable));
        assert!(!error.may_have_been_sent());
    }
    assert_eq!(began.elapsed().as_secs(), 60);
    assert_eq!(Arc::strong_count(&source.guard), 1, "its future is dropped");
    assert_eq!(source.calls(), 1);
    assert_eq!(cache.get().await.expect("a token").expose(), "a");
}

#[tokio::test(start_paused = true)]
async fn a_hanging_source_does_not_disable_a_client_whose_callers_give_up() {
    let (source, cache) = Faulty::cache(First::Hang);
    let mut failed = 0;
    for _ in 0..100 {
        let within = Duration::from_secs(1);
        failed += u32::from(tokio::time::timeout(within, cache.get()).await.is_err());
    }
    assert_eq!((failed, source.calls()), (60, 2));
}

#[tokio::test]
async fn a_panic_of_a_caller_leaves_the_fetch_alone() {
    let set = Set::new([token("a", 600)]);
    let cache = set.cache.clone();
    let caller = tokio::spawn(async move {
        let both = futures_util::future::join(cache.get(), async {
            tokio::task::yield_now().await;
            panic!("elsewhere");
        });
        both.await
    });
    assert!(caller.await.expect_err("the panic").is_panic());
    let others = set.waiting(3).await;
    set.open(1);
    assert_all_get(others, "a").await;
    assert_eq!(set.calls(), 1);
}

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
}

/// A fetch on that runtime, which does not get far.
fn begin(set: &Set, runtime: &Runtime) {
    let tasks = runtime.block_on(set.waiting(3));
    assert_eq!(tasks.len(), 3);
}

#[test]
fn a_runtime_that_ends_takes_nobody_else_along() {
    let set = Set::new([token("a", 600), token("b", 600)]);
    let (first, second) = (runtime(), runtime());
    begin(&set, &first);
    let others = second.block_on(set.waiting(3));
    drop(first);
    set.open(9);
    second.block_on(assert_all_get(others, "a"));

    // While the old token is valid, too.
    let third = runtime();
    set.clock.advance(590);
    assert_eq!(third.block_on(set.get()), "a");
    drop(third);
    for _ in 0..3 {
        assert_eq!(second.block_on(set.get()), "a");
    }
    set.clock.advance(10);
    assert_eq!(second.block_on(set.get()), "b");
}

#[test]
fn a_runtime_that_does_not_run_keeps_nobody_waiting() {
    let set = Set::new([token("a", 600), token("b", 600)]);
    let (idle, other) = (runtime(), runtime());
    begin(&set, &idle);
    // The first is for the fetch that does not go on.
    set.open(2);
    assert_eq!(other.block_on(set.get()), "a");
    assert_eq!(set.calls(), 2);
}

#[test]
fn a_renewal_of_a_runtime_that_does_not_run_counts_for_a_minute() {
    let set = Set::new([token("a", 600), token("b", 600)]);
    let (idle, other) = (runtime(), runtime());
    set.open(9);
    other.block_on(set.get());
    set.clock.advance(500);
    assert_eq!(idle.block_on(set.get()), "a");
    other.block_on(async {
        for (seconds, token) in [(0, "a"), (59, "a"), (1, "b")] {
            set.clock.advance(seconds);
            set.get().await;
            settle().await;
            assert_eq!(set.get().await, token);
        }
    });
}

#[test]
fn a_token_at_hand_needs_no_runtime() {
    let set = Set::new([token("a", 600)]);
    let get = || set.cache.get().now_or_never().expect("at once");
    let error = get().expect_err("no runtime");
    assert_eq!(error.kind(), ErrorKind::NoRuntime);
    set.open(1);
    runtime().block_on(set.get());
    // One that is due for renewal as well.
    set.clock.advance(599);
    assert_eq!(get().expect("a token").expose(), "a");
}

/// Its future uses the cache when it is dropped.
struct Reentrant(Mutex<Option<Arc<TokenCache>>>);

struct UseOnDrop(Option<Arc<TokenCache>>);

impl Drop for UseOnDrop {
    fn drop(&mut self) {
        if let Some(cache) = &self.0 {
            cache.invalidate(&AccessToken::new("other"));
        }
    }
}

impl TokenSource for Reentrant {
    fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
        let guard = UseOnDrop(self.0.lock().expect("no panic").clone());
        Box::pin(async move {
            let _guard = guard;
            std::future::pending().await
        })
    }
}

#[test]
fn no_fetch_is_dropped_while_the_cache_is_locked() {
    let source = Arc::new(Reentrant(Mutex::default()));
    let cache = Arc::new(TokenCache::new(source.clone()));
    *source.0.lock().expect("no panic") = Some(cache.clone());
    let timed_out = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    assert!(timed_out.block_on(cache.get()).is_err());
    let ended = runtime();
    ended.block_on(async {
        assert!(cache.get().now_or_never().is_none());
        settle().await;
    });
    drop(ended);
    let after = runtime();
    after.block_on(async { assert!(cache.get().now_or_never().is_none()) });
    *source.0.lock().expect("no panic") = None;
}

/// Takes its time.
struct Slow(AtomicUsize);

impl TokenSource for Slow {
    fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
        Box::pin(async {
            self.0.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_secs(50)).await;
            token("a", 600)
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_with_few_calls_renews_once_and_never_waits() {
    let source = Arc::new(Slow(AtomicUsize::default()));
    let cache = TokenCache::new(source.clone())
        .clock(TokioClock::new())
        .random(NoRandom);
    cache.get().await.expect("a token");
    // One call every 35 s, for an hour.
    for call in 0..103 {
        tokio::time::sleep(Duration::from_secs(35)).await;
        let token = cache.get().now_or_never();
        assert!(
            token.is_some_and(|token| token.is_ok()),
            "call {call} waits"
        );
    }
    // 480 s after the request of a token it is due.
    let renewals = source.0.load(Ordering::Relaxed) - 1;
    assert!((6..=8).contains(&renewals), "{renewals}");
}

#[tokio::test]
async fn a_source_that_asks_for_a_delay_gets_it() {
    let busy = |seconds| {
        let error = Error::new(ErrorKind::Auth, "busy");
        Err(error.with_retry_after(Duration::from_secs(seconds)))
    };
    let set = Set::new([busy(20), token("a", 600), busy(100), token("b", 600)]);
    set.open(9);
    for left in [20, 15, 10, 5] {
        let error = set.cache.get().await.expect_err("busy");
        assert_eq!(error.retry_after(), Some(Duration::from_secs(left)));
        set.clock.advance(5);
    }
    assert_eq!(set.calls(), 1);
    assert_eq!(set.get().await, "a");
    // A renewal waits as well.
    set.clock.advance(480);
    for calls in [3, 3, 3, 3] {
        assert_eq!(set.get().await, "a");
        settle().await;
        assert_eq!(set.calls(), calls);
        set.clock.advance(25);
    }
    assert_eq!(set.get().await, "a");
    settle().await;
    assert_eq!(set.get().await, "b");
}

#[tokio::test]
async fn a_delay_is_cut_and_ends_when_the_clock_is_set_back() {
    let busy = || {
        let error = Error::new(ErrorKind::Auth, "busy");
        Err(error.with_retry_after(Duration::MAX))
    };
    let set = Set::new([busy(), busy(), token("a", 600)]);
    set.open(9);
    set.cache.get().await.expect_err("busy");
    set.clock.advance(299);
    set.cache.get().await.expect_err("busy");
    assert_eq!(set.calls(), 1);
    set.clock.advance(1);
    set.cache.get().await.expect_err("busy");
    assert_eq!(set.calls(), 2);
    set.clock.set_back(1000);
    assert_eq!(set.get().await, "a");
}

#[tokio::test]
async fn not_every_refused_token_is_replaced() {
    let set = Set::new((0..20).map(|number| token(&number.to_string(), 600)));
    set.open(20);
    let mut last = set.cache.get().await.expect("a token");
    for _ in 0..5 {
        assert!(set.cache.invalidate(&last));
        last = set.cache.get().await.expect("a token");
    }
    for _ in 0..100 {
        assert!(!set.cache.invalidate(&last));
        assert_eq!(set.get().await, "5");
    }
    assert_eq!(set.calls(), 6);
    set.clock.advance(30);
    assert!(set.cache.invalidate(&last));
    assert_eq!(set.get().await, "6");
}

#[test]
fn renewals_are_spread_over_a_quarter_of_the_window() {
    for (chance, seconds) in [(0, 3300), (51, 3315), (255, 3375)] {
        let cache = TokenCache::new(AccessToken::new("t")).random(Fixed(chance));
        let token = AccessToken::new("t").valid_for(Duration::from_secs(3600));
        let start = SystemTime::UNIX_EPOCH;
        let (renew, end) = cache.times(&token, start).expect("a lifetime");
        assert_eq!(renew, start + Duration::from_secs(seconds));
        assert_eq!(end, start + Duration::from_secs(3600));
    }
}

#[tokio::test]
async fn renews_ahead_of_the_end_while_others_use_the_old_one() {
    for (lifetime, fresh_for) in [(3600, 3300), (1800, 1500), (600, 480), (10, 8)] {
        let set = Set::new([token("a", lifetime), token("b", lifetime)]);
        set.open(1);
        assert_eq!(set.get().await, "a");
        set.clock.advance(fresh_for - 1);
        assert_eq!(set.get().await, "a");
        assert_eq!(set.calls(), 1, "{lifetime}");
        set.clock.advance(1);
        assert_eq!(set.get().await, "a");
        settle().await;
        assert_eq!(set.calls(), 2, "{lifetime}");
        set.open(1);
        settle().await;
        assert_eq!(set.get().await, "b");
        assert_eq!(set.calls(), 2);
    }
}

#[tokio::test]
async fn a_failed_renewal_is_no_error_until_the_end() {
    let set = Set::new([
        token("a", 600),
        failure("1"),
        failure("2"),
        failure("3"),
        token("b", 600),
    ]);
    set.open(9);
    assert_eq!(set.get().await, "a");
    for (seconds, calls) in [(500, 2), (0, 2), (29, 2), (1, 3)] {
        set.clock.advance(seconds);
        assert_eq!(set.get().await, "a");
        settle().await;
        assert_eq!(set.calls(), calls);
    }
    set.clock.advance(70);
    let error = set.cache.get().await.expect_err("the token is over");
    assert_eq!(error.message(), "3");
    assert_eq!(set.get().await, "b");
}

#[tokio::test]
async fn a_failed_renewal_is_traced() {
    let (recording, _guard) = Recording::start();
    let set = Set::new([failure("no"), token("a", 600), failure("down")]);
    set.open(9);
    set.cache.get().await.expect_err("the failure");
    set.get().await;
    assert!(recording.all().is_empty(), "the callers know");
    set.clock.advance(500);
    set.get().await;
    settle().await;
    let [event] = &recording.all()[..] else {
        panic!("one event")
    };
    assert_eq!(event["error"], "down");
    assert_eq!(event["message"], "the access token could not be renewed");
}

#[tokio::test]
async fn a_token_that_ends_while_its_renewal_fails_is_not_given_out() {
    let set = Set::new([token("a", 600), failure("late")]);
    set.open(1);
    set.get().await;
    set.clock.advance(590);
    assert_eq!(set.get().await, "a");
    set.clock.advance(10);
    let waiting = set.waiting(1).await;
    set.open(1);
    for task in waiting {
        assert_eq!(
            task.await.expect("no panic").expect_err("over").message(),
            "late"
        );
    }
}

#[tokio::test]
async fn only_the_token_at_hand_is_dropped() {
    let set = Set::new([token("a", 600), token("b", 600), token("c", 600)]);
    set.open(9);
    let a = set.cache.get().await.expect("a token");
    set.cache.invalidate(&a);
    assert_eq!(set.get().await, "b");
    set.cache.invalidate(&a);
    assert_eq!(set.get().await, "b");
    // Told by its text, too: not every source gives the same object.
    set.cache.invalidate(&AccessToken::new("b"));
    assert_eq!(set.get().await, "c");
}

#[tokio::test]
async fn a_token_of_unknown_or_endless_lifetime_is_kept() {
    for lifetime in [Duration::ZERO, Duration::MAX] {
        let set = Set::new([Ok(AccessToken::new("a").valid_for(lifetime))]);
        set.open(9);
        set.get().await;
        set.clock.advance(1_000_000_000);
        assert_eq!(set.get().await, "a");
        assert_eq!(set.calls(), 1);
    }
}
