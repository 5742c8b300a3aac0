//! The token cache: one token for all callers, renewed before it expires.

mod brake;
#[cfg(test)]
mod interleavings;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use c1_api::{BoxFuture, Error, ErrorKind, require_runtime};
use futures_util::FutureExt as _;
use futures_util::future::Shared;
use tokio::runtime::{self, Handle};
use tokio::task::{AbortHandle, JoinError};
use tokio::time::timeout;

use self::brake::Brake;
use crate::auth::token::{AccessToken, TokenSource};
use crate::auth::token_error::TokenError;
use crate::clock::{Clock, SystemClock};
use crate::random::{Random, SystemRandom};

/// A token is renewed this long before it expires, but not before four fifths of its lifetime have passed.
const WINDOW: Duration = Duration::from_secs(300);
const WINDOW_SHARE: u32 = 5;
/// The renewal falls into the first quarter of this window, at random: programs that started together must not renew
/// together forever.
const JITTER_SHARE: u32 = 4;
/// After a failed renewal, the next one waits this long.
const PAUSE: Duration = Duration::from_secs(30);
/// A fetch that takes longer has failed. One request to the token endpoint may take 30 s, and a fetch needs one or two.
const FETCH_TIMEOUT: Duration = Duration::from_secs(60);
/// A mistake in `Retry-After` must not stop the client for longer.
const MAX_HOLD: Duration = Duration::from_secs(300);

/// Caches the token of a [`TokenSource`].
///
/// - However many callers wait for a token, there is one fetch; if it fails, all of them get its error. A fetch that
///   takes longer than 60 s fails; one that panics is an error for those who wait for it. The next caller fetches again.
/// - A valid token is always used. It is renewed before it expires, and no caller waits for that. If it fails, the next
///   renewal is tried after 30 s at the earliest.
/// - If the source's error has a [`retry_after`](Error::retry_after), the source is not called before then, at most
///   5 min: callers get the same error.
/// - Each fetch is a tokio task of the runtime that the caller runs on. It ends with the fetch: without callers nothing
///   happens. Callers on other runtimes share the token but not the fetch, which ends with its runtime.
///
/// Clones share the token.
#[derive(Clone)]
pub struct TokenCache {
    source: Arc<dyn TokenSource>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// Locked for moments only: never across an await, and never while code of others runs or is dropped.
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    /// At most one for each runtime.
    fetches: Vec<Fetch>,
    /// Until then, callers get this error of the source.
    hold: Option<(SystemTime, Error)>,
    brake: Brake,
}

#[derive(Clone)]
struct Held {
    token: AccessToken,
    /// When to renew it and when it expires; none if the lifetime is unknown.
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

/// A fetch in progress, and its result for all who wait for it.
struct Fetch {
    runtime: runtime::Id,
    began: SystemTime,
    task: AbortHandle,
    result: FetchResult,
}

type FetchResult = Shared<BoxFuture<'static, Result<AccessToken, Error>>>;

/// Why there is no token to use.
enum Missing {
    /// It has to be waited for.
    Fetch(FetchResult),
    /// The source is not to be called.
    Error(Error),
}

impl TokenCache {
    /// An empty cache for `source`.
    pub fn new(source: impl TokenSource) -> Self {
        Self {
            source: Arc::new(source),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            state: Arc::default(),
        }
    }

    /// Measures the age of tokens by `clock` instead of the system's clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Spreads renewals with `random` instead of the operating system's generator.
    #[must_use]
    pub fn random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// A valid token: the cached one, or a new one from the source. When the cached one is due for renewal, it is returned
    /// and a fetch is started.
    ///
    /// # Errors
    /// If no cached token is valid: the source's error; one of the kind [`ErrorKind::Auth`] if the source panicked;
    /// [`ErrorKind::NoRuntime`] outside of a tokio runtime.
    pub async fn get(&self) -> Result<AccessToken, Error> {
        match self.find() {
            Ok(token) => Ok(token),
            Err(Missing::Error(error)) => Err(error),
            // Another runtime's fetch may have been faster.
            Err(Missing::Fetch(fetch)) => fetch.await.or_else(|error| self.valid().ok_or(error)),
        }
    }

    /// Drops `token`, which the server has refused, from the cache: the next [`get`](Self::get) fetches another. A newer
    /// token stays.
    ///
    /// False if the server has refused too many tokens in a row: 5, plus one for every 30 s. The token is then kept, so that
    /// a server that refuses all tokens does not lead to a token request for each call.
    pub fn invalidate(&self, token: &AccessToken) -> bool {
        let now = self.clock.now();
        let mut state = self.state();
        let State { held, brake, .. } = &mut *state;
        if held.as_ref().is_none_or(|held| !held.token.is(token)) {
            return true;
        }
        let allowed = brake.allows(now);
        if allowed {
            *held = None;
        }
        allowed
    }

    /// The token to use, after the start of a fetch if one is due.
    fn find(&self) -> Result<AccessToken, Missing> {
        let now = self.clock.now();
        // Dropped after the lock is released.
        let _ended;
        let mut state = self.state();
        _ended = state.take_ended(now);
        let held = state.held.as_ref().filter(|held| held.is_valid(now));
        if let Some(held) = held
            && (held.is_fresh(now) || state.is_fetching(now))
        {
            return Ok(held.token.clone());
        }
        let token = held.map(|held| held.token.clone());
        let fetch = self.fetch(&mut state, now);
        match (token, fetch) {
            (Some(token), _) => Ok(token),
            (None, Ok(fetch)) => Err(Missing::Fetch(fetch)),
            (None, Err(error)) => Err(Missing::Error(error)),
        }
    }

    /// The fetch of this runtime, which is started unless it is in progress.
    fn fetch(&self, state: &mut State, now: SystemTime) -> Result<FetchResult, Error> {
        require_runtime()?;
        let runtime = Handle::current();
        let id = runtime.id();
        if let Some(fetch) = state.fetches.iter().find(|fetch| fetch.runtime == id) {
            return Ok(fetch.result.clone());
        }
        if let Some(error) = state.held_error(now) {
            return Err(error);
        }
        let cache = self.clone();
        // A task continues when its callers are cancelled, and contains a panic of the source.
        let task = runtime.spawn(async move {
            let fetched = timeout(FETCH_TIMEOUT, async { cache.source.fetch().await }).await;
            let result = fetched.unwrap_or_else(|_| Err(timed_out()));
            cache.store(id, now, &result);
            result
        });
        let handle = task.abort_handle();
        let result = task.map(|joined| joined.unwrap_or_else(|error| Err(lost(&error))));
        let result = result.boxed().shared();
        state.fetches.push(Fetch {
            runtime: id,
            began: now,
            task: handle,
            result: result.clone(),
        });
        Ok(result)
    }

    /// Keeps the result of a fetch.
    fn store(&self, runtime: runtime::Id, began: SystemTime, result: &Result<AccessToken, Error>) {
        let now = self.clock.now();
        let held = result.as_ref().ok().map(|token| Held {
            times: self.times(token, began),
            token: token.clone(),
        });
        let mut state = self.state();
        let fetch = state.take_fetches(|fetch| fetch.runtime == runtime);
        let is_renewal = state.held.as_ref().is_some_and(|held| held.is_valid(now));
        match result {
            Ok(_) => {
                state.hold = None;
                state.held = held;
            }
            Err(error) => {
                let asked = error.retry_after().map(|delay| delay.min(MAX_HOLD));
                if let Some(delay) = asked {
                    state.hold = Some((now + delay, error.clone()));
                }
                state.renew_after(now + asked.unwrap_or_default().max(PAUSE));
            }
        }
        drop(state);
        drop(fetch);
        // Nobody waits for it, so that nobody else would tell.
        if let Err(error) = result
            && is_renewal
        {
            tracing::warn!(error = %error, "the access token could not be renewed");
        }
    }

    fn valid(&self) -> Option<AccessToken> {
        let now = self.clock.now();
        let state = self.state();
        let held = state.held.as_ref().filter(|held| held.is_valid(now))?;
        Some(held.token.clone())
    }

    /// When to renew a token that was requested at `began`, and when it expires. The lifetime is counted from the
    /// request, because the server began to count before the response arrived.
    fn times(&self, token: &AccessToken, began: SystemTime) -> Option<(SystemTime, SystemTime)> {
        let lifetime = token.lifetime()?;
        let window = WINDOW.min(lifetime / WINDOW_SHARE);
        let mut chance = [0];
        // Without random bytes there is no spread.
        let chance = self.random.fill(&mut chance).map_or(0, |()| chance[0]);
        let delay = window / JITTER_SHARE * u32::from(chance) / u32::from(u8::MAX);
        let end = began.checked_add(lifetime)?;
        Some((end - window + delay, end))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while it is locked, of a clock for instance, leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether a fetch is in progress that may still succeed: that of a runtime which does not run may not.
    fn is_fetching(&self, now: SystemTime) -> bool {
        let age = |fetch: &Fetch| now.duration_since(fetch.began).unwrap_or_default();
        self.fetches.iter().any(|fetch| age(fetch) < FETCH_TIMEOUT)
    }

    /// Removes the fetches that panicked or ended with their runtime. They count as failed.
    fn take_ended(&mut self, now: SystemTime) -> Vec<Fetch> {
        let ended = self.take_fetches(|fetch| fetch.task.is_finished());
        if !ended.is_empty() {
            self.renew_after(now + PAUSE);
        }
        ended
    }

    /// Postpones the renewal of the token.
    fn renew_after(&mut self, time: SystemTime) {
        if let Some(Held {
            times: Some((renew, _)),
            ..
        }) = &mut self.held
        {
            *renew = time.max(*renew);
        }
    }

    fn take_fetches(&mut self, which: impl Fn(&Fetch) -> bool) -> Vec<Fetch> {
        self.fetches.extract_if(.., |fetch| which(fetch)).collect()
    }

    /// The error of the source that asked not to be called yet.
    fn held_error(&self, now: SystemTime) -> Option<Error> {
        let (until, error) = self.hold.as_ref()?;
        let left = until.duration_since(now).ok()?;
        // Longer if the clock was set back.
        (!left.is_zero() && left <= MAX_HOLD).then(|| error.clone().with_retry_after(left))
    }
}

fn timed_out() -> Error {
    let message = format!("no access token within {} s", FETCH_TIMEOUT.as_secs());
    TokenError::Unreachable(Error::new(ErrorKind::Timeout, message)).into()
}

/// The error of a task that gave no result. What it panicked with is not shown: it may hold secrets.
fn lost(error: &JoinError) -> Error {
    let message = if error.is_panic() {
        "could not obtain an access token: the token source panicked"
    } else {
        "could not obtain an access token: the tokio runtime was shut down"
    };
    Error::new(ErrorKind::Auth, message)
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").finish_non_exhaustive()
    }
}
