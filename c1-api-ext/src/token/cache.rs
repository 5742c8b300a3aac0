//! Keeps a source's token until it is nearly over, and asks for the next one only once.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use c1_api::Error;

use crate::{
    clock::{Clock, SystemClock},
    token::{AccessToken, TokenSource},
};

/// A token is renewed this long before its end, but not before four fifths of its life are over.
const WINDOW: Duration = Duration::from_secs(300);
const WINDOW_SHARE: u32 = 5;
/// How long a token that could not be renewed is used before the next try.
const PAUSE: Duration = Duration::from_secs(30);

/// The token of a [`TokenSource`], asked for when it is needed.
///
/// - However many callers wait for a token, one of them asks the source; if that fails, all who waited get its error.
/// - A token is renewed before its end, by the first caller that comes near it, while the others go on with the old
///   one. If that fails, the old one is used to its end.
/// - There is no background task: without callers nothing happens.
pub struct TokenCache {
    source: Box<dyn TokenSource>,
    clock: Arc<dyn Clock>,
    /// Held for moments only, never across an await.
    held: Mutex<Option<Held>>,
    /// Whoever has it asks the source. It keeps why the last try failed.
    flight: tokio::sync::Mutex<Option<Error>>,
    /// How many times the source has answered.
    answers: AtomicU64,
}

#[derive(Clone)]
struct Held {
    token: AccessToken,
    /// When to ask for the next one and when this one is over; never, for one of unknown lifetime.
    times: Option<(SystemTime, SystemTime)>,
}

impl Held {
    fn is_fresh(&self, now: SystemTime) -> bool {
        self.times.is_none_or(|(renew, _)| now < renew)
    }

    fn is_valid(&self, now: SystemTime) -> bool {
        self.times.is_none_or(|(_, end)| now < end)
    }
}

impl TokenCache {
    /// An empty cache before `source`.
    pub fn new(source: impl TokenSource) -> Self {
        Self {
            source: Box::new(source),
            clock: Arc::new(SystemClock),
            held: Mutex::default(),
            flight: tokio::sync::Mutex::default(),
            answers: AtomicU64::default(),
        }
    }

    /// Measures the age of tokens with `clock` in place of the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// A token that is valid now: the one at hand, or a new one from the source.
    ///
    /// # Errors
    /// The source's error, if it gave no token and there is none left that is valid.
    pub async fn get(&self) -> Result<AccessToken, Error> {
        let answers = self.answers.load(Ordering::Acquire);
        let now = self.clock.now();
        let old = self.held().clone().filter(|held| held.is_valid(now));
        let mut flight = match &old {
            Some(held) if held.is_fresh(now) => return Ok(held.token.clone()),
            Some(held) => match self.flight.try_lock() {
                Ok(flight) => flight,
                Err(_) => return Ok(held.token.clone()),
            },
            None => self.flight.lock().await,
        };
        // Another caller may have asked while this one waited.
        let asked_at = self.clock.now();
        if let Some(held) = &*self.held()
            && held.is_fresh(asked_at)
        {
            return Ok(held.token.clone());
        }
        if self.answers.load(Ordering::Acquire) != answers
            && let Some(error) = &*flight
            && old.is_none()
        {
            return Err(error.clone());
        }

        let result = self.source.fetch().await;
        self.answers.fetch_add(1, Ordering::Release);
        match result {
            Ok(token) => {
                *flight = None;
                *self.held() = Some(Held {
                    times: times(&token, asked_at),
                    token: token.clone(),
                });
                Ok(token)
            }
            Err(error) => {
                *flight = Some(error.clone());
                let now = self.clock.now();
                let Some(old) = old.filter(|old| old.is_valid(now)) else {
                    return Err(error);
                };
                if let Some(held) = &mut *self.held()
                    && held.token.is(&old.token)
                    && let Some((renew, _)) = &mut held.times
                {
                    *renew = now + PAUSE;
                }
                Ok(old.token)
            }
        }
    }

    /// Drops `token`, which the server has refused, if it is still the one at hand: the next [`get`](Self::get) asks
    /// the source. A newer one stays.
    pub fn invalidate(&self, token: &AccessToken) {
        self.held().take_if(|held| held.token.is(token));
    }

    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        // Nothing panics while it is locked, and each change of it is whole.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// When to renew a token that was asked for at `asked_at`, and when it ends. It is dated from the question and not
/// from the answer, because the server began to count somewhere in between.
fn times(token: &AccessToken, asked_at: SystemTime) -> Option<(SystemTime, SystemTime)> {
    let lifetime = token.lifetime()?;
    let window = WINDOW.min(lifetime / WINDOW_SHARE);
    // Beyond the end of time is never.
    let end = asked_at.checked_add(lifetime)?;
    Some((end - window, end))
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, sync::atomic::AtomicUsize};

    use c1_api::{BoxFuture, ErrorKind};
    use tokio::sync::Semaphore;

    use super::*;
    use crate::testing::ManualClock;

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
            let cache = Arc::new(TokenCache::new(source.clone()).clock(clock.clone()));
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
        async fn waiting(
            &self,
            n: usize,
        ) -> Vec<tokio::task::JoinHandle<Result<AccessToken, Error>>> {
            let tasks = (0..n)
                .map(|_| {
                    let cache = self.cache.clone();
                    tokio::spawn(async move { cache.get().await })
                })
                .collect();
            tokio::task::yield_now().await;
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

    #[tokio::test]
    async fn one_asks_for_all_who_wait() {
        let set = Set::new([token("a", 600)]);
        let tasks = set.waiting(1000).await;
        assert_eq!(set.calls(), 1);
        set.open(1);
        for task in tasks {
            assert_eq!(
                task.await.expect("no panic").expect("a token").expose(),
                "a"
            );
        }
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
    async fn the_next_in_line_asks_when_the_first_is_cancelled() {
        let set = Set::new([token("a", 600)]);
        let mut tasks = set.waiting(3).await;
        tasks.remove(0).abort();
        tokio::task::yield_now().await;
        set.open(1);
        for task in tasks {
            assert_eq!(
                task.await.expect("no panic").expect("a token").expose(),
                "a"
            );
        }
        assert_eq!(set.calls(), 2);
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
            for task in renewing {
                assert_eq!(
                    task.await.expect("no panic").expect("a token").expose(),
                    "b"
                );
            }
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
}
