//! What the unit tests of several modules share.

use std::error::Error as StdError;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{fmt, io};

use c1_api::BoxFuture;
use httpmock::MockServer;

use crate::{ClientId, ClientSecret, Clock, Random, Tenant};

pub(crate) fn client_id() -> ClientId {
    "otter@acme.conductor.one/pcc".parse().expect("a client id")
}

pub(crate) fn secret() -> ClientSecret {
    ClientSecret::from_seed([0x41; 32])
}

/// A clock that moves when it is told to, and jumps ahead when somebody sleeps.
#[derive(Debug)]
pub(crate) struct ManualClock {
    now: Mutex<SystemTime>,
    waits: Mutex<Vec<Duration>>,
}

impl Default for ManualClock {
    fn default() -> Self {
        Self {
            now: Mutex::new(UNIX_EPOCH + Duration::from_secs(1_700_000_000)),
            waits: Mutex::default(),
        }
    }
}

impl ManualClock {
    pub(crate) fn since_start(&self) -> Duration {
        let start = Self::default();
        self.now()
            .duration_since(start.now())
            .expect("only forward")
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    pub(crate) fn set_back(&self, seconds: u64) {
        *self.now.lock().expect("no panic") -= Duration::from_secs(seconds);
    }

    /// How long was waited each time, in whole seconds.
    #[cfg(feature = "device")]
    pub(crate) fn waits(&self) -> Vec<u64> {
        let waits = self.waits.lock().expect("no panic");
        waits.iter().map(Duration::as_secs).collect()
    }

    /// How long was waited each time, exactly.
    pub(crate) fn delays(&self) -> Vec<Duration> {
        self.waits.lock().expect("no panic").clone()
    }

    fn pass(&self, time: Duration) {
        *self.now.lock().expect("no panic") += time;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        *self.now.lock().expect("no panic")
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.waits.lock().expect("no panic").push(duration);
        self.pass(duration);
        Box::pin(std::future::ready(()))
    }
}

/// Fills with 0, then with 1, and so on.
#[derive(Debug, Default)]
pub(crate) struct Counting(AtomicU8);

impl Random for Counting {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
        Ok(())
    }
}

/// Has none to give.
#[derive(Debug)]
pub(crate) struct NoRandom;

impl Random for NoRandom {
    fn fill(&self, _: &mut [u8]) -> io::Result<()> {
        Err(io::Error::other("no bytes today"))
    }
}

/// An HTTP client for servers of a test; one for each test, because connections end with its runtime.
pub(crate) fn http() -> reqwest::Client {
    let builder = crate::http::client_builder().expect("TLS").no_proxy();
    builder.build().expect("a client")
}

/// The tenant that `server` plays.
pub(crate) fn tenant(server: &MockServer) -> Tenant {
    server.base_url().parse().expect("on loopback")
}

/// A client of that tenant.
pub(crate) fn client_id_at(server: &MockServer) -> ClientId {
    format!("otter@{}/pcc", server.address())
        .parse()
        .expect("a client id")
}

/// All that an error shows, its sources' words included.
pub(crate) fn shown(error: &(dyn StdError + 'static)) -> String {
    std::iter::successors(Some(error), |error| (*error).source())
        .map(|error| format!("{error}\n{error:?}\n{error:#?}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Fails if `text` holds one of the secrets that the tests use, or a part of one.
pub(crate) fn assert_no_secret(text: &str) {
    let secret = secret().expose();
    // The seed is bytes of 0x41: "A" as text, `QUFB` in base64, 65 in a list of bytes.
    for canary in [
        "canary",
        "AAAAAAAA",
        "QUFBQUFB",
        "65, 65",
        "eyJ",
        &secret[33..],
    ] {
        assert!(!text.contains(canary), "{canary} in {text}");
    }
}

/// Fails if the `Debug` of `value` holds a secret.
pub(crate) fn assert_debug_is_clean(value: &dyn fmt::Debug) {
    assert_no_secret(&format!("{value:?} {value:#?}"));
}

/// Gives bytes of which the first is this and the others are 0.
#[derive(Debug)]
pub(crate) struct Fixed(pub(crate) u8);

impl Random for Fixed {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        bytes.fill(0);
        if let Some(first) = bytes.first_mut() {
            *first = self.0;
        }
        Ok(())
    }
}
