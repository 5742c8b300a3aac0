//! An emulated tenant, and time that moves when told.

use std::error::Error as StdError;
use std::ops::Deref;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use c1_api_emulator::{Builder, Emulator};
use c1_api_ext::{
    BoxFuture, C1, C1Builder, Clock, Error, Random, SignedAssertion, TokenCache, TokenEndpoint,
    TokenError, http,
};

/// A clock that moves when told, or when somebody waits by it.
#[derive(Debug)]
pub(crate) struct TestClock(Mutex<SystemTime>);

impl TestClock {
    pub(crate) fn advance(&self, by: Duration) {
        *self.0.lock().expect("no panic") += by;
    }

    pub(crate) fn set(&self, now: SystemTime) {
        *self.0.lock().expect("no panic") = now;
    }
}

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        *self.0.lock().expect("no panic")
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.advance(duration);
        Box::pin(tokio::task::yield_now())
    }
}

/// The system's, but for one byte at a time, which spreads renewals: none of that, so that tests know when.
#[derive(Debug)]
struct NoJitter;

impl Random for NoJitter {
    fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
        if bytes.len() == 1 {
            bytes.fill(0);
            return Ok(());
        }
        c1_api_ext::SystemRandom.fill(bytes)
    }
}

/// An emulated tenant with the test's clock.
pub(crate) struct Tenant {
    pub(crate) emulator: Emulator,
    pub(crate) clock: Arc<TestClock>,
    server_ahead: Arc<AtomicI64>,
}

impl Tenant {
    pub(crate) async fn start(settings: impl FnOnce(Builder) -> Builder) -> Self {
        let start = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let clock = Arc::new(TestClock(Mutex::new(start)));
        let server_ahead = Arc::new(AtomicI64::default());
        let server_time = {
            let (clock, ahead) = (clock.clone(), server_ahead.clone());
            move || {
                let ahead = ahead.load(Ordering::Relaxed);
                let by = Duration::from_secs(ahead.unsigned_abs());
                let now = clock.now();
                if ahead < 0 { now - by } else { now + by }
            }
        };
        let builder = settings(Emulator::builder().clock(server_time));
        Self {
            emulator: builder.start().await.expect("an emulator"),
            clock,
            server_ahead,
        }
    }

    /// Lets the server's clock be so many seconds ahead of the client's.
    pub(crate) fn skew_server(&self, seconds: i64) {
        self.server_ahead.store(seconds, Ordering::Relaxed);
    }

    /// A client that has no way to get tokens yet.
    pub(crate) fn builder(&self) -> C1Builder {
        C1::builder()
            .tenant(self.base_url())
            .clock(self.clock.clone())
            .random(NoJitter)
    }

    /// A client with the tenant's own credentials.
    pub(crate) fn credentials(&self) -> C1Builder {
        self.builder()
            .client_credentials(self.client_id(), self.client_secret())
    }

    /// The token endpoint, asked by the test's clock.
    pub(crate) fn endpoint(&self) -> TokenEndpoint {
        let http = http::client_builder().expect("TLS");
        let tenant = self.base_url().parse().expect("on loopback");
        TokenEndpoint::new(http.no_proxy().build().expect("a client"), &tenant)
            .clock(self.clock.clone())
    }

    /// The cache by itself.
    pub(crate) fn cache(&self) -> TokenCache {
        let id = self.client_id().parse().expect("a client id");
        let secret = self.client_secret().parse().expect("a secret");
        TokenCache::new(SignedAssertion::new(self.endpoint(), id, secret)).clock(self.clock.clone())
    }
}

impl Deref for Tenant {
    type Target = Emulator;

    fn deref(&self) -> &Emulator {
        &self.emulator
    }
}

/// The OAuth error behind a failed call.
pub(crate) fn refusal(error: &Error) -> String {
    match TokenError::of(error) {
        Some(TokenError::Refused { error, .. }) => error.clone(),
        other => panic!("{error}: {other:?}"),
    }
}

/// Fails if anything of the error, its sources included, shows the secret.
pub(crate) fn assert_no_secret(error: &(dyn StdError + 'static), secret: &str) {
    for error in std::iter::successors(Some(error), |error| (*error).source()) {
        let shown = format!("{error}\n{error:?}");
        assert!(!shown.contains(secret), "{shown}");
    }
}
