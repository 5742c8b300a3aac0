//! The keys of a tenant: fetched when they are needed, kept, and fetched again when the tenant changes them.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use c1_api::{BoxFuture, Error, ErrorKind};
use serde_json::Value;

use crate::auth::request::{self, Failure};
use crate::clock::Clock;
use crate::error::ConfigError;
use crate::http;
use crate::identity::tenant::Tenant;
use crate::webhook::error::WebhookError;
use crate::webhook::jws::{Jws, Key};

/// After this time the keys are fetched again, as a key may have been withdrawn,
const RENEW: Duration = Duration::from_secs(3600);
/// and if that fails, they are used for so long.
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);
/// Between two fetches: anybody can send tokens that name unknown keys.
const PAUSE: Duration = Duration::from_secs(10);
/// The same, while there are no keys at all.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Where the public keys of webhooks come from. [`TenantKeys`] fetches them from the tenant.
pub trait KeySource: fmt::Debug + Send + Sync + 'static {
    /// The current keys, as a JWK set (RFC 7517, section 5).
    ///
    /// # Errors
    /// Whatever prevents it; [`WebhookError::Keys`] has it as its source.
    fn fetch(&self) -> BoxFuture<'_, Result<Value, Error>>;
}

/// The keys at `/auth/v1/jwks` of a tenant.
#[derive(Clone)]
pub struct TenantKeys {
    http: reqwest::Client,
    url: String,
}

impl TenantKeys {
    /// Fetches keys over an HTTP client with the settings of [`http::client`].
    ///
    /// # Errors
    /// Those of [`http::client`].
    pub fn new(tenant: &Tenant) -> Result<Self, ConfigError> {
        Ok(Self::with_http(http::client(tenant)?, tenant))
    }

    /// Fetches keys over `http`, which must not follow redirects.
    pub fn with_http(http: reqwest::Client, tenant: &Tenant) -> Self {
        let url = format!("{}/auth/v1/jwks", tenant.base_url());
        Self { http, url }
    }

    async fn get(&self) -> Result<Value, Failure> {
        let request = self.http.get(&self.url).build()?;
        let mut response = request::send(&self.http, request).await?;
        if response.status().is_success() {
            response.json().await
        } else {
            Err(response.unexpected("expected a success"))
        }
    }
}

impl KeySource for TenantKeys {
    fn fetch(&self) -> BoxFuture<'_, Result<Value, Error>> {
        Box::pin(async {
            self.get().await.map_err(|failure| match failure {
                Failure::Unreachable(error) => error,
                Failure::Unexpected { status, reason, .. } => Error::new(
                    ErrorKind::UnexpectedContent,
                    format!("unexpected response of the key endpoint: {reason} (HTTP {status})"),
                ),
            })
        })
    }
}

impl fmt::Debug for TenantKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantKeys")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// The keys of one source.
#[derive(Debug)]
pub(super) struct Keys {
    source: Box<dyn KeySource>,
    cache: Mutex<Cache>,
    /// Held while the keys are fetched, which then nobody else does.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Cache {
    keys: Vec<Key>,
    fetched: Option<SystemTime>,
    tried: Option<SystemTime>,
    failure: Option<Arc<Error>>,
}

impl Keys {
    pub(super) fn new(source: impl KeySource) -> Self {
        Self {
            source: Box::new(source),
            cache: Mutex::default(),
            fetching: tokio::sync::Mutex::default(),
        }
    }

    /// The key that `jws` names. Waits for a fetch only if that key is unknown, or too old.
    pub(super) async fn find(&self, jws: &Jws<'_>, clock: &dyn Clock) -> Result<Key, WebhookError> {
        let known = self.cache().find(jws, clock.now());
        let lock = match known {
            Some(key) if !self.cache().is_due(RENEW, clock.now()) => return Ok(key),
            Some(key) => match self.fetching.try_lock() {
                Ok(lock) => lock,
                Err(_) => return Ok(key),
            },
            None => self.fetching.lock().await,
        };
        // Unless somebody has just done it. A fetch that is cancelled counts as well.
        if self.cache().may_fetch(clock.now()) {
            self.cache().tried = Some(clock.now());
            let fetched = self.source.fetch().await;
            self.cache().take(fetched, clock.now());
        }
        drop(lock);
        let cache = self.cache();
        cache.find(jws, clock.now()).ok_or_else(|| {
            let failure = cache.failure.clone();
            failure.map_or(WebhookError::UnknownKey, WebhookError::Keys)
        })
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    fn find(&self, jws: &Jws<'_>, now: SystemTime) -> Option<Key> {
        let key = self.keys.iter().find(|key| key.is_for(jws));
        key.filter(|_| !self.is_due(MAX_AGE, now)).cloned()
    }

    fn is_due(&self, age: Duration, now: SystemTime) -> bool {
        has_passed(self.fetched, age, now)
    }

    fn may_fetch(&self, now: SystemTime) -> bool {
        let pause = if self.keys.is_empty() {
            FIRST_PAUSE
        } else {
            PAUSE
        };
        has_passed(self.tried, pause, now)
    }

    fn take(&mut self, fetched: Result<Value, Error>, now: SystemTime) {
        let keys = fetched.and_then(|set| {
            let keys = set["keys"].as_array();
            keys.map(|keys| keys.iter().filter_map(Key::from_jwk).collect())
                .ok_or_else(|| {
                    let message = "unexpected key set: expected a list `keys`";
                    Error::new(ErrorKind::UnexpectedContent, message)
                })
        });
        match keys {
            Ok(keys) => {
                self.keys = keys;
                self.fetched = Some(now);
                self.failure = None;
            }
            Err(error) => self.failure = Some(Arc::new(error)),
        }
    }
}

/// Whether `age` has passed since `time`; also if there was no such time, or the clock was set back.
fn has_passed(time: Option<SystemTime>, age: Duration, now: SystemTime) -> bool {
    time.and_then(|time| now.duration_since(time).ok())
        .is_none_or(|passed| passed >= age)
}
