//! What the unit tests of several modules share.

#[cfg(any(
    feature = "automation_execution",
    feature = "connector",
    feature = "system_log",
    feature = "task"
))]
mod replies;

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{fmt, io};

use c1_api::BoxFuture;
use httpmock::MockServer;
use tracing::field::Visit;
use tracing::{Metadata, Subscriber, span};

#[cfg(any(
    feature = "automation_execution",
    feature = "connector",
    feature = "system_log",
    feature = "task"
))]
pub(crate) use self::replies::Replies;
#[cfg(feature = "system_log")]
pub(crate) use self::replies::{client, reply};
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
    #[cfg(any(feature = "device", feature = "system_log"))]
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

/// The time of tokio's timers, which jump while a test does nothing but wait.
#[derive(Debug)]
pub(crate) struct TokioClock(tokio::time::Instant);

impl TokioClock {
    pub(crate) fn new() -> Self {
        Self(tokio::time::Instant::now())
    }
}

impl Clock for TokioClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + self.0.elapsed()
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
    let builder = crate::http::client_builder(&"127.0.0.1".parse().expect("a tenant"));
    builder.expect("TLS").build().expect("a client")
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

/// Remembers all that is traced.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recording(Arc<Mutex<Vec<BTreeMap<String, String>>>>);

impl Recording {
    /// Records what this thread traces, until the guard is dropped.
    pub(crate) fn start() -> (Self, impl Sized) {
        let recording = Self::default();
        // While there is only one, tracing asks the thread at hand whether a call site matters; other tests' have none.
        let other = tracing::Dispatch::new(Self::default());
        let guard = tracing::subscriber::set_default(recording.clone());
        (recording, (guard, other))
    }

    /// The fields of all spans and events.
    pub(crate) fn all(&self) -> Vec<BTreeMap<String, String>> {
        self.0.lock().expect("no panic").clone()
    }
}

struct Fields<'a>(&'a mut BTreeMap<String, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().into(), format!("{value:?}"));
    }
}

impl Subscriber for Recording {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("c1_api_ext")
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        let mut all = self.0.lock().expect("no panic");
        let mut fields = BTreeMap::from([("span".into(), attributes.metadata().name().into())]);
        attributes.record(&mut Fields(&mut fields));
        all.push(fields);
        span::Id::from_u64(all.len() as u64)
    }

    fn record(&self, id: &span::Id, values: &span::Record<'_>) {
        let mut all = self.0.lock().expect("no panic");
        let index = usize::try_from(id.into_u64()).expect("small") - 1;
        values.record(&mut Fields(&mut all[index]));
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let mut fields = BTreeMap::new();
        event.record(&mut Fields(&mut fields));
        self.0.lock().expect("no panic").push(fields);
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}
