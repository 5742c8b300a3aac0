//! The token cache: one token for all callers, renewed by one of them before it expires.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use c1_api::{BoxFuture, Error};
use futures_util::FutureExt as _;
use futures_util::future::Shared;

use crate::auth::token::{AccessToken, TokenSource};
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
/// A request that nobody has polled for this long is replaced: its connection may be closed.
const ABANDONED: Duration = Duration::from_secs(30);

/// Caches the token of a [`TokenSource`].
///
/// - However many callers wait for a token, there is one request; if it fails, all of them get its error. A caller that
///   is cancelled leaves the request to the others.
/// - A token is renewed before it expires, by one caller, while the others use the old one. If that fails, the old one is
///   used until it expires.
/// - There is no background task: without callers nothing happens.
pub struct TokenCache {
    source: Arc<dyn TokenSource>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    /// Locked for moments only, never across an await.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    flight: Option<Flight>,
    flights: u64,
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

/// A request in progress. Every waiting caller polls it, so that it continues while one of them is left.
#[derive(Clone)]
struct Flight {
    number: u64,
    asked_at: SystemTime,
    response: Shared<BoxFuture<'static, Result<AccessToken, Error>>>,
}

impl Flight {
    /// Whether a caller holds it, besides the cache.
    fn is_waited_for(&self) -> bool {
        self.response.strong_count().is_some_and(|count| count > 1)
    }

    fn is_abandoned(&self, now: SystemTime) -> bool {
        let age = now.duration_since(self.asked_at).unwrap_or_default();
        !self.is_waited_for() && age >= ABANDONED
    }
}

/// What a caller gets.
enum Found {
    /// A token to use.
    Token(AccessToken),
    /// A request to wait for, and the old token if it is still valid.
    Request(Flight, Option<AccessToken>),
}

impl TokenCache {
    /// An empty cache for `source`.
    pub fn new(source: impl TokenSource) -> Self {
        Self {
            source: Arc::new(source),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            state: Mutex::default(),
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

    /// A valid token: the cached one, or a new one from the source. When the cached one is due for renewal, the first
    /// caller waits for the new one; the others do not.
    ///
    /// # Errors
    /// The source's error, if it failed and the cached token is not valid any more.
    pub async fn get(&self) -> Result<AccessToken, Error> {
        match self.find() {
            Found::Token(token) => Ok(token),
            Found::Request(flight, None) => self.wait_for(flight).await,
            Found::Request(flight, Some(_)) => {
                let result = self.wait_for(flight).await;
                // The old token may have expired meanwhile.
                result.or_else(|error| self.valid().ok_or(error))
            }
        }
    }

    /// Like [`get`](Self::get), but waits only if no token is valid. A renewal is returned for the caller to poll; if it
    /// is dropped, the next caller continues it.
    pub(crate) async fn lease(
        &self,
    ) -> Result<(AccessToken, Option<impl Future<Output = ()> + Send + '_>), Error> {
        match self.find() {
            Found::Token(token) => Ok((token, None)),
            Found::Request(flight, None) => Ok((self.wait_for(flight).await?, None)),
            Found::Request(flight, Some(token)) => {
                // Its failure does not matter while the old token is valid.
                let renewal = async move { drop(self.wait_for(flight).await) };
                Ok((token, Some(renewal)))
            }
        }
    }

    /// Drops `token`, which the server has refused, from the cache: the next [`get`](Self::get) asks the source. A newer
    /// token stays.
    pub fn invalidate(&self, token: &AccessToken) {
        self.state().held.take_if(|held| held.token.is(token));
    }

    fn find(&self) -> Found {
        let now = self.clock.now();
        let mut state = self.state();
        let held = state.held.as_ref().filter(|held| held.is_valid(now));
        let old = held.map(|held| held.token.clone());
        let is_fresh = held.is_some_and(|held| held.is_fresh(now));
        let is_cared_for = state.flight.as_ref().is_some_and(Flight::is_waited_for);
        match old {
            Some(token) if is_fresh || is_cared_for => Found::Token(token),
            old => Found::Request(self.board(&mut state, now, old.is_some()), old),
        }
    }

    /// The request in progress, or a new one. With a valid token, even an abandoned one is continued.
    fn board(&self, state: &mut State, now: SystemTime, has_time: bool) -> Flight {
        if let Some(flight) = &state.flight
            && (has_time || !flight.is_abandoned(now))
        {
            return flight.clone();
        }
        state.flights += 1;
        let source = self.source.clone();
        let response: BoxFuture<'static, _> = Box::pin(async move { source.fetch().await });
        let flight = Flight {
            number: state.flights,
            asked_at: now,
            response: response.shared(),
        };
        state.flight = Some(flight.clone());
        flight
    }

    /// Polls a request to its end, and caches its token.
    async fn wait_for(&self, flight: Flight) -> Result<AccessToken, Error> {
        let Flight {
            number,
            asked_at,
            response,
        } = flight;
        let forget = ForgetOnPanic(self, number);
        let result = response.await;
        drop(forget);

        let now = self.clock.now();
        let mut state = self.state();
        // Every caller that waited gets here; the first one does it.
        if state.take_flight(number) {
            match &result {
                Ok(token) => {
                    state.held = Some(Held {
                        times: self.times(token, asked_at),
                        token: token.clone(),
                    });
                }
                Err(_) => {
                    if let Some(Held {
                        times: Some((renew, _)),
                        ..
                    }) = &mut state.held
                    {
                        *renew = now + PAUSE;
                    }
                }
            }
        }
        result
    }

    fn valid(&self) -> Option<AccessToken> {
        let now = self.clock.now();
        let state = self.state();
        let held = state.held.as_ref().filter(|held| held.is_valid(now))?;
        Some(held.token.clone())
    }

    /// When to renew a token that was requested at `asked_at`, and when it expires. The lifetime is counted from the
    /// request, because the server began to count before the response arrived.
    fn times(&self, token: &AccessToken, asked_at: SystemTime) -> Option<(SystemTime, SystemTime)> {
        let lifetime = token.lifetime()?;
        let window = WINDOW.min(lifetime / WINDOW_SHARE);
        let mut chance = [0];
        // Without random bytes there is no spread.
        let chance = self.random.fill(&mut chance).map_or(0, |()| chance[0]);
        let delay = window / JITTER_SHARE * u32::from(chance) / u32::from(u8::MAX);
        let end = asked_at.checked_add(lifetime)?;
        Some((end - window + delay, end))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Removes the request of that number; false if it is not there.
    fn take_flight(&mut self, number: u64) -> bool {
        self.flight
            .take_if(|flight| flight.number == number)
            .is_some()
    }
}

/// Removes the request of a source that panicked, so that the source can be asked again.
struct ForgetOnPanic<'a>(&'a TokenCache, u64);

impl Drop for ForgetOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.state().take_flight(self.1);
        }
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod interleavings;
#[cfg(test)]
mod tests;
