//! An emulated tenant, whose time and that of its clients is the test's.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use c1_api_emulator::{Builder, Emulator};
use c1_api_ext::{C1, C1Builder, Clock as _, SignedAssertion, TokenCache, TokenEndpoint, http};

use crate::{NoJitter, TestClock};

/// An emulated tenant. It dereferences to the emulator.
#[derive(Debug)]
pub struct Tenant {
    emulator: Emulator,
    clock: TestClock,
    server_ahead: Arc<AtomicI64>,
}

impl Tenant {
    /// Starts it with these settings of the emulator.
    pub async fn start(settings: impl FnOnce(Builder) -> Builder) -> Self {
        let clock = TestClock::default();
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

    /// The clock of server and clients.
    pub fn clock(&self) -> &TestClock {
        &self.clock
    }

    /// Sets by how many seconds the server's clock is ahead of the clients'.
    pub fn skew_server(&self, seconds: i64) {
        self.server_ahead.store(seconds, Ordering::Relaxed);
    }

    /// A client without credentials.
    pub fn builder(&self) -> C1Builder {
        C1::builder()
            .tenant(self.base_url())
            .clock(self.clock.clone())
            .random(NoJitter)
    }

    /// A client with the tenant's own credentials.
    pub fn credentials(&self) -> C1Builder {
        self.builder()
            .client_credentials(self.client_id(), self.client_secret())
    }

    /// The token endpoint.
    pub fn endpoint(&self) -> TokenEndpoint {
        let tenant = self.base_url().parse().expect("on loopback");
        let http = http::client(&tenant).expect("a client");
        TokenEndpoint::new(http, &tenant).clock(self.clock.clone())
    }

    /// A cache with the tenant's own credentials.
    pub fn cache(&self) -> TokenCache {
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
