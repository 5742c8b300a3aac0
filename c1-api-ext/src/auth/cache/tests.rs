//! One caller after the other, and many at once.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use c1_api::{BoxFuture, ErrorKind};
use tokio::sync::Semaphore;

use super::*;
use crate::testing::{Fixed, ManualClock, NoRandom};

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
        tasks
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
async fn a_request_that_all_have_left_is_taken_up_by_the_next_or_given_up() {
    let set = Set::new([token("a", 600), token("b", 600)]);
    let abandon = async || {
        for task in set.waiting(2).await {
            task.abort();
        }
        tokio::task::yield_now().await;
    };
    abandon().await;
    set.clock.advance(29);
    set.open(1);
    assert_eq!(set.get().await, "a");
    assert_eq!(set.calls(), 1);

    set.clock.advance(600);
    abandon().await;
    set.clock.advance(30);
    set.open(1);
    assert_eq!(set.get().await, "b");
    assert_eq!(set.calls(), 3, "the second was too old");
}

#[tokio::test]
async fn a_lease_does_not_wait_while_a_token_is_valid() {
    let set = Set::new([token("a", 600), token("b", 600)]);
    set.open(1);
    set.get().await;
    set.clock.advance(599);
    let lease = set.cache.lease().now_or_never().expect("at once");
    let (old, renewal) = lease.expect("a token");
    assert_eq!(old.expose(), "a");
    let (old, other) = set.cache.lease().await.expect("a token");
    assert!(old.expose() == "a" && other.is_none(), "one is enough");
    // Left alone, then taken up.
    drop(renewal);
    let (_, renewal) = set.cache.lease().await.expect("a token");
    set.open(1);
    renewal.expect("to be moved forward").await;
    assert_eq!(set.get().await, "b");
    assert_eq!(set.calls(), 2);
}

#[tokio::test]
async fn a_source_that_panics_is_asked_again() {
    struct Panicking(AtomicUsize);
    impl TokenSource for Panicking {
        fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
            Box::pin(async {
                assert!(self.0.fetch_add(1, Ordering::Relaxed) > 0, "the first time");
                Ok(AccessToken::new("a"))
            })
        }
    }
    let cache = Arc::new(TokenCache::new(Panicking(AtomicUsize::default())));
    let first = tokio::spawn({
        let cache = cache.clone();
        async move { cache.get().await }
    });
    assert!(first.await.expect_err("the panic").is_panic());
    assert_eq!(cache.get().await.expect("a token").expose(), "a");
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
        let renewing = set.waiting(1).await;
        assert_eq!(set.calls(), 2, "{lifetime}");
        assert_eq!(set.get().await, "a", "waits for nobody");
        set.open(1);
        assert_all_get(renewing, "b").await;
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
    set.clock.advance(500);
    assert_eq!(set.get().await, "a");
    assert_eq!(set.get().await, "a");
    assert_eq!(set.calls(), 2, "the source gets a pause");
    set.clock.advance(30);
    assert_eq!(set.get().await, "a");
    assert_eq!(set.calls(), 3);
    set.clock.advance(70);
    let error = set.cache.get().await.expect_err("the token is over");
    assert_eq!(error.message(), "3");
    assert_eq!(set.get().await, "b");
}

#[tokio::test]
async fn a_token_that_ends_while_its_renewal_fails_is_not_given_out() {
    let set = Set::new([token("a", 600), failure("late")]);
    set.open(1);
    set.get().await;
    set.clock.advance(590);
    let renewing = set.waiting(1).await;
    set.clock.advance(10);
    set.open(1);
    for task in renewing {
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
