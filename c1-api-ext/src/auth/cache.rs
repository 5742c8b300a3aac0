//! Keeps a source's token until it is nearly over, and asks for the next one only once.

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

/// A token is renewed this long before its end, but not before four fifths of its life are over.
const WINDOW: Duration = Duration::from_secs(300);
const WINDOW_SHARE: u32 = 5;
/// Of this window, the first quarter is where the renewal falls: by chance, so that many programs that were started
/// together do not ask together for ever.
const JITTER_SHARE: u32 = 4;
/// How long a token that could not be renewed is used before the next try.
const PAUSE: Duration = Duration::from_secs(30);
/// Nobody is made to wait for a request that was left alone for so long: its connection may be gone.
const ABANDONED: Duration = Duration::from_secs(30);

/// The token of a [`TokenSource`], asked for when it is needed.
///
/// - However many callers wait for a token, the source is asked once; if that fails, all who waited get its error. A
///   caller that is cancelled leaves its request to the others.
/// - A token is renewed before its end, by the first caller that comes near it, while the others go on with the old
///   one. If that fails, the old one is used to its end.
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

/// A request under way. All who wait for it move it forward, so that it goes on while one of them is left.
#[derive(Clone)]
struct Flight {
    number: u64,
    asked_at: SystemTime,
    answer: Shared<BoxFuture<'static, Result<AccessToken, Error>>>,
}

impl Flight {
    /// Whether somebody waits for it, besides the cache that keeps it.
    fn is_waited_for(&self) -> bool {
        self.answer.strong_count().is_some_and(|count| count > 1)
    }

    fn is_abandoned(&self, now: SystemTime) -> bool {
        let age = now.duration_since(self.asked_at).unwrap_or_default();
        !self.is_waited_for() && age >= ABANDONED
    }
}

/// What a caller finds.
enum Found {
    /// Use this, and care for nothing.
    Token(AccessToken),
    /// There is a request to wait for; and until then, if the old token is still valid, that.
    Request(Flight, Option<AccessToken>),
}

impl TokenCache {
    /// An empty cache before `source`.
    pub fn new(source: impl TokenSource) -> Self {
        Self {
            source: Arc::new(source),
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            state: Mutex::default(),
        }
    }

    /// Measures the age of tokens with `clock` in place of the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Spreads renewals by `random` in place of the system's generator.
    #[must_use]
    pub fn random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// A token that is valid now: the one at hand, or a new one from the source. The first caller that comes when
    /// the one at hand is to be renewed waits for the new one; the others do not.
    ///
    /// # Errors
    /// The source's error, if it gave no token and there is none left that is valid.
    pub async fn get(&self) -> Result<AccessToken, Error> {
        match self.find() {
            Found::Token(token) => Ok(token),
            Found::Request(flight, None) => self.wait_for(flight).await,
            Found::Request(flight, Some(_)) => {
                let result = self.wait_for(flight).await;
                // What was valid may be over by now.
                result.or_else(|error| self.valid().ok_or(error))
            }
        }
    }

    /// As [`get`](Self::get), but waits only if no token is valid. A renewal that is to be moved forward comes along;
    /// left alone, it waits for the next caller.
    pub(crate) async fn lease(
        &self,
    ) -> Result<(AccessToken, Option<impl Future<Output = ()> + Send + '_>), Error> {
        match self.find() {
            Found::Token(token) => Ok((token, None)),
            Found::Request(flight, None) => Ok((self.wait_for(flight).await?, None)),
            Found::Request(flight, Some(token)) => {
                // Its failure is no concern while the old token is valid.
                let renewal = async move { drop(self.wait_for(flight).await) };
                Ok((token, Some(renewal)))
            }
        }
    }

    /// Drops `token`, which the server has refused, if it is still the one at hand: the next [`get`](Self::get) asks
    /// the source. A newer one stays.
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

    /// The request under way, or a new one. Who has time to spare moves even an old one on.
    fn board(&self, state: &mut State, now: SystemTime, has_time: bool) -> Flight {
        if let Some(flight) = &state.flight
            && (has_time || !flight.is_abandoned(now))
        {
            return flight.clone();
        }
        state.flights += 1;
        let source = self.source.clone();
        let answer: BoxFuture<'static, _> = Box::pin(async move { source.fetch().await });
        let flight = Flight {
            number: state.flights,
            asked_at: now,
            answer: answer.shared(),
        };
        state.flight = Some(flight.clone());
        flight
    }

    /// Moves a request forward to its end, and keeps what comes of it.
    async fn wait_for(&self, flight: Flight) -> Result<AccessToken, Error> {
        let Flight {
            number,
            asked_at,
            answer,
        } = flight;
        let forget = ForgetOnPanic(self, number);
        let result = answer.await;
        drop(forget);

        let now = self.clock.now();
        let mut state = self.state();
        // All who waited come by here; the first one does it.
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

    /// When to renew a token that was asked for at `asked_at`, and when it ends. It is dated from the question and
    /// not from the answer, because the server began to count somewhere in between.
    fn times(&self, token: &AccessToken, asked_at: SystemTime) -> Option<(SystemTime, SystemTime)> {
        let lifetime = token.lifetime()?;
        let window = WINDOW.min(lifetime / WINDOW_SHARE);
        let mut chance = [0];
        // No spread without random bytes; the token is as good.
        let chance = self.random.fill(&mut chance).map_or(0, |()| chance[0]);
        let delay = window / JITTER_SHARE * u32::from(chance) / u32::from(u8::MAX);
        // Beyond the end of time is never.
        let end = asked_at.checked_add(lifetime)?;
        Some((end - window + delay, end))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is locked, and each change of it is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Ends the request of that number; false if it was over already.
    fn take_flight(&mut self, number: u64) -> bool {
        self.flight
            .take_if(|flight| flight.number == number)
            .is_some()
    }
}

/// A source that panicked can be asked again, but its request can not: it is forgotten.
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
